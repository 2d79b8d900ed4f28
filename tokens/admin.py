"""Who may charge, connect and call. A secret is in the one answer that made it and nowhere else."""

from django.contrib import admin
from django.http import HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from csms import badges
from csms.admin_base import OwnedAdmin
from csms.badges import Badge
from csms.forms import PasswordForm
from csms.ownership import may_act_as
from tokens import services
from tokens.forms import CredentialForm
from tokens.models import Account, ApiToken, Authorization, Credential


def usable(*, enabled, expires_at):
    """Return the badge of something that can be switched off and can expire."""
    if not enabled:
        return Badge("Disabled", "pause", "calm")
    if expires_at and expires_at <= timezone.now():
        return Badge("Expired", "clock", "warn")
    return Badge("Enabled", "check", "good")


class ShowsSecretOnce:
    """Mixed into admins whose rows are born with a secret that `save_model` left on the row.

    The secret travels in the answer to the POST itself: no redirect, session or message holds it.
    """

    secret_template = "admin/tokens/secret.html"

    def response_add(self, request, obj, post_url_continue=None):
        secret = getattr(obj, "secret_once", None)
        if not secret:
            return super().response_add(request, obj, post_url_continue)
        return self.secret_page(request, obj, secret)

    def secret_page(self, request, row, secret):
        """Render the page that shows `secret`, which no cache may keep."""
        title = f"The {self.opts.verbose_name} is ready"
        response = self.page(request, self.secret_template, title, row=row, secret=secret)
        response["Cache-Control"] = "no-store"
        return response


@admin.register(Authorization)
class AuthorizationAdmin(OwnedAdmin):
    list_display = ["token", "state", "parent_token", "expires", "description"]
    list_filter = ["enabled"]
    search_fields = ["token", "parent_token", "description"]
    autocomplete_fields = ["owner"]
    ordering = ["-id"]
    fieldsets = [
        (None, {"fields": ["token", "description", "enabled", "expiry_date", "owner"]}),
        ("Limits", {"fields": ["parent_token", "concurrent_transactions"]}),
    ]

    @admin.display(description="State")
    def state(self, row):
        return usable(enabled=row.enabled, expires_at=row.expiry_date).__html__()

    @admin.display(description="Expires", ordering="expiry_date")
    def expires(self, row):
        return badges.ago(row.expiry_date)


@admin.register(Account)
class AccountAdmin(OwnedAdmin):
    list_display = ["owner", "hid", "concurrent_transactions"]
    list_select_related = ["owner"]
    readonly_fields = ["hid"]
    autocomplete_fields = ["owner"]


@admin.register(Credential)
class CredentialAdmin(ShowsSecretOnce, OwnedAdmin):
    form = CredentialForm
    list_display = ["username", "state", "may_connect_as", "made"]
    list_filter = ["enabled"]
    search_fields = ["username"]
    autocomplete_fields = ["owner"]
    ordering = ["username"]
    change_form_template = "admin/tokens/credential/change_form.html"

    def get_fields(self, request, obj=None):
        first = ["username", "allowed_charge_points", "enabled", "owner"]
        return first if obj else ["username", "password", *first[1:]]

    def get_readonly_fields(self, request, obj=None):
        return ["owner"] if obj else []

    @method_decorator(sensitive_post_parameters("password"))
    def add_view(self, request, form_url="", extra_context=None):
        return super().add_view(request, form_url, extra_context)

    def save_model(self, request, obj, form, change):
        if change:
            super().save_model(request, obj, form, change)
        else:
            self._make(obj, form)

    def _make(self, obj, form):
        chosen = form.cleaned_data["password"] or None
        others = {"allowed_charge_points": obj.allowed_charge_points, "enabled": obj.enabled}
        _become(obj, *services.create_credential(obj.owner, obj.username, password=chosen, **others))

    def get_urls(self):
        view = self.admin_site.admin_view(self.password_view)
        return [path("<int:pk>/password/", view, name="tokens_credential_password"), *super().get_urls()]

    @method_decorator(sensitive_post_parameters("password"))
    @method_decorator(never_cache)
    def password_view(self, request, pk):
        """Set another password: a chosen one, or a generated one that the answer shows."""
        credential = self.found(request, pk, permission="change")
        form = PasswordForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            secret = services.set_password(credential, form.cleaned_data["password"] or None)
            self.log_change(request, credential, "Password set.")
            if secret:
                return self.secret_page(request, credential, secret)
            self.message_user(request, f"The password of {credential} is changed.")
            return HttpResponseRedirect(reverse("admin:tokens_credential_change", args=[pk]))
        title = f"Password: {credential}"
        return self.page(request, "admin/tokens/credential/password.html", title, form=form, row=credential)

    @admin.display(description="State")
    def state(self, row):
        return usable(enabled=row.enabled, expires_at=None).__html__()

    @admin.display(description="Created", ordering="created_at")
    def made(self, row):
        return badges.ago(row.created_at)

    @admin.display(description="May connect as")
    def may_connect_as(self, row):
        names = row.allowed_charge_points
        return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") or "any"


@admin.register(ApiToken)
class ApiTokenAdmin(ShowsSecretOnce, OwnedAdmin):
    list_display = ["identifier", "description", "state", "kind", "expires", "last_used"]
    list_filter = ["kind", "enabled"]
    search_fields = ["identifier", "description"]
    autocomplete_fields = ["owner"]
    ordering = ["-id"]

    def get_fields(self, request, obj=None):
        first = ["description", "kind", "expires_at", "policy", "owner"]
        return ["identifier", *first, "enabled", "last_used_at", "created_at"] if obj else first

    def get_form(self, request, obj=None, **kwargs):
        kwargs["help_texts"] = {
            "policy": "Narrows what it may reach: nodeIds, sourceIds and apiPaths (patterns), "
            "minAggregation, notAfter."
        }
        return super().get_form(request, obj, **kwargs)

    # A token does all that its owner may, in the owner's other accounts too: to be granted an account is
    # not to be granted what a superuser, or other staff, may do.

    def get_field_queryset(self, db, db_field, request):
        found = super().get_field_queryset(db, db_field, request)
        if db_field.name != "owner" or request.user.is_superuser:
            return found
        return found.filter(pk__in=[user.pk for user in found if may_act_as(request.user, user)])

    def has_change_permission(self, request, obj=None):
        may = super().has_change_permission(request, obj)
        return may and (obj is None or may_act_as(request.user, obj.owner))

    def get_readonly_fields(self, request, obj=None):
        return ["identifier", "kind", "owner", "last_used_at", "created_at"] if obj else []

    def save_model(self, request, obj, form, change):
        if change:
            super().save_model(request, obj, form, change)
        else:
            chosen = {name: getattr(obj, name) for name in ("kind", "expires_at", "policy", "description")}
            _become(obj, *services.create_api_token(obj.owner, **chosen))

    @admin.display(description="State")
    def state(self, row):
        return usable(enabled=row.enabled, expires_at=row.ends_at).__html__()

    @admin.display(description="Expires", ordering="expires_at")
    def expires(self, row):
        return badges.ago(row.ends_at)

    @admin.display(description="Last used", ordering="last_used_at")
    def last_used(self, row):
        return badges.ago(row.last_used_at)


def _become(row, made, secret):
    """Let the form's unsaved row be the one that the service made, and carry the secret once."""
    row.__dict__.update(made.__dict__)
    row.secret_once = secret
