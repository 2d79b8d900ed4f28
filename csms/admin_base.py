"""What every admin of ours stands on: django-unfold where it is installed, else Django's own.

Above all: staff see, choose and change only rows of owners that they may see.
"""

from datetime import timedelta

from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Page, Paginator
from django.http import Http404
from django.template.response import TemplateResponse
from django.utils import timezone

from csms import newest
from csms.lookups import is_row_number
from csms.ownership import owners_for

HAS_UNFOLD = apps.is_installed("unfold")
if HAS_UNFOLD:
    from unfold.admin import ModelAdmin as _ModelAdmin
    from unfold.admin import StackedInline as _StackedInline
    from unfold.admin import TabularInline as _TabularInline
    from unfold.widgets import UnfoldAdminPasswordWidget as PasswordInput
    from unfold.widgets import UnfoldAdminTextareaWidget as Textarea
else:
    from django.contrib.admin import ModelAdmin as _ModelAdmin
    from django.contrib.admin import StackedInline as _StackedInline
    from django.contrib.admin import TabularInline as _TabularInline
    from django.contrib.admin.widgets import AdminTextareaWidget as Textarea
    from django.forms import PasswordInput

__all__ = [
    "HAS_UNFOLD",
    "LogAdmin",
    "ModelAdmin",
    "OneOwnerForm",
    "OwnedAdmin",
    "PasswordInput",
    "StackedInline",
    "SuperuserAdmin",
    "TabularInline",
    "Textarea",
    "UncountedAdmin",
    "WindowFilter",
]


def reachable(model, user):
    """Return the rows of `model` that `user` may choose in a form, or None where rows have no owner."""
    if hasattr(model, "owner_path"):
        return model._default_manager.owned_by(user)
    if model is get_user_model() and not user.is_superuser:
        return model._default_manager.filter(pk__in=owners_for(user))
    return None


def owner_id_of(row):
    """Return the id of the account that `row` belongs to, or None."""
    *relations, last = row.owner_path.split("__")
    for relation in relations:
        row = getattr(row, relation)
        if row is None:
            return None
    return getattr(row, f"{last}_id")


class OneOwnerForm(forms.ModelForm):
    """Refuses rows of different owners in one form, which superusers could otherwise mix."""

    def clean(self):
        cleaned = super().clean()
        owner = cleaned.get("owner")
        for name, value in list(cleaned.items()):
            if owner and hasattr(value, "owner_path") and owner_id_of(value) != owner.pk:
                self.add_error(name, f"This belongs to another owner than {owner}.")
        return cleaned

    def validate_unique(self):
        """Check constraints over fields that the form lacks as well, which Django leaves out."""
        super().validate_unique()
        if self.errors:
            return
        try:
            self.instance.validate_constraints()
        except ValidationError as problem:
            self.add_error(None, problem.messages)


class ForgivingAutocomplete(AutocompleteSelect):
    """Shows a form again whatever was sent as number of the row; Django's own breaks at a text."""

    def optgroups(self, name, value, attr=None):
        numbers = [each for each in value if is_row_number(each)]
        return super().optgroups(name, numbers, attr)


class _Forgiving:
    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if "widget" not in kwargs and db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = ForgivingAutocomplete(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class TabularInline(_Forgiving, _TabularInline):
    """Rows of another table below a form."""


class StackedInline(_Forgiving, _StackedInline):
    """A form of another table below a form."""


class ModelAdmin(_Forgiving, _ModelAdmin):
    """Adds pages of our own beside Django's."""

    list_per_page = 50
    compressed_fields = True
    # What an empty list says; `{}` is the name of the rows.
    empty_words = "There are no {} yet."

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, forms.SplitDateTimeWidget):
            # Django 6.1 names the two inputs by a title only, which not everyone's software reads out.
            for part, word in zip(field.widget.widgets, ("date", "time"), strict=True):
                part.attrs.setdefault("aria-label", f"{field.label}: {word}")
        return field

    def found(self, request, object_id, *, permission="view"):
        """Return the row for a page of ours: 404 where it is not theirs, 403 where they may not."""
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id}.")
        if not getattr(self, f"has_{permission}_permission")(request, row):
            raise PermissionDenied
        return row

    def page(self, request, template, title, **context):
        """Render one of our own pages within the admin's frame."""
        common = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        return TemplateResponse(request, template, {**common, **context})


class SuperuserAdmin(ModelAdmin):
    """For rows of the house itself, which belong to no owner."""

    def has_module_permission(self, request):
        return request.user.is_superuser

    def has_view_permission(self, request, obj=None):
        return request.user.is_superuser

    has_add_permission = has_module_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission


class OwnedAdmin(ModelAdmin):
    """For models with an `owner_path`: every queryset, form field and permission minds the owner."""

    form = OneOwnerForm

    def get_queryset(self, request):
        return super().get_queryset(request).owned_by(request.user)

    def get_field_queryset(self, db, db_field, request):
        queryset = reachable(db_field.remote_field.model, request.user)
        return super().get_field_queryset(db, db_field, request) if queryset is None else queryset

    def get_autocomplete_fields(self, request):
        # The users' list, which its autocompletion needs, is open to superusers only.
        fields = super().get_autocomplete_fields(request)
        return fields if request.user.is_superuser else tuple(name for name in fields if name != "owner")

    def get_changeform_initial_data(self, request):
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def _owns(self, request, obj):
        if obj is None:
            return True
        owners = owners_for(request.user)
        return owners is None or owner_id_of(obj) in owners

    def has_view_permission(self, request, obj=None):
        return super().has_view_permission(request, obj) and self._owns(request, obj)

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and self._owns(request, obj)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and self._owns(request, obj)


class UncountedPaginator(Paginator):
    """Knows the page that was fetched and whether another follows: a big table is never counted."""

    template_name = "csms/uncounted_pagination.html"
    count = 0
    has_next = False

    def validate_number(self, number):
        return max(int(number), 1)

    def page(self, number):
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        rows = list(self.object_list[start : start + self.per_page + 1])
        self.has_next = len(rows) > self.per_page
        self.count = start + len(rows)
        return Page(rows[: self.per_page], number, self)


class _UncountedResults:
    def get_ordering(self, request, queryset):
        # A click on a column must not sort a table that has no index for it.
        return list(self.model_admin.get_ordering(request))

    def get_results(self, request):
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        self.result_list = self.paginator.page(self.page_num).object_list
        self.result_count = self.paginator.count
        self.full_result_count = self.result_count
        self.show_full_result_count = False
        self.show_admin_actions = bool(self.result_list)
        self.can_show_all = False
        self.multi_page = self.paginator.has_next or self.page_num > 1


class UncountedAdmin(OwnedAdmin):
    """For tables that grow without end: pages have a next and a previous one, and no count.

    Filters and searches look no further back than the newest rows, so that a rare value cannot
    make the database read a whole table; those `bounded_by` an index see everything.
    """

    bounded_by = ()
    paginator = UncountedPaginator
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER
    list_disable_select_all = True

    def get_changelist(self, request, **kwargs):
        return type("UncountedChangeList", (_UncountedResults, super().get_changelist(request)), {})

    def get_search_results(self, request, queryset, search_term):
        if not any(request.GET.get(name) for name in self.bounded_by):
            queryset = newest.of(queryset)
        return super().get_search_results(request, queryset, search_term)


class LogAdmin(UncountedAdmin):
    """For rows that the system writes and people only read."""

    actions = None

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class WindowFilter(admin.SimpleListFilter):
    """How far back to look; subclasses name the `field` with the time."""

    title = "time"
    parameter_name = "within"
    field = "created_at"
    HOURS = {"hour": 1, "day": 24, "week": 24 * 7}

    def lookups(self, request, model_admin):
        return [("hour", "Last hour"), ("day", "Last 24 hours"), ("week", "Last 7 days")]

    def queryset(self, request, queryset):
        if self.value() not in self.HOURS:
            return queryset
        since = timezone.now() - timedelta(hours=self.HOURS[self.value()])
        return queryset.filter(**{f"{self.field}__gte": since})
