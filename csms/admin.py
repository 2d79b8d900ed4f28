"""Accounts, and what the house itself does: jobs, deliveries, events, processes."""

from datetime import timedelta

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from csms import badges
from csms.admin_base import HAS_UNFOLD, LogAdmin, SuperuserAdmin, TabularInline, WindowFilter
from csms.badges import Badge
from csms.models import Event, Job, Outbox, OutboxAttempt, OwnerGrant, ServerProcess

admin.site.site_title = admin.site.site_header = "Stationmaster"
admin.site.index_title = "Dashboard"
# Superusers alone manage accounts: whoever may edit users could make themselves one.
User = get_user_model()
for _model in (User, Group):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)

if HAS_UNFOLD:
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

    _FORMS = {
        "form": UserChangeForm,
        "add_form": UserCreationForm,
        "change_password_form": AdminPasswordChangeForm,
    }
else:
    _FORMS = {}


@admin.register(User)
class UserAdmin(SuperuserAdmin, type("UserForms", (DjangoUserAdmin,), _FORMS)):
    list_display = ["username", "email", "is_active", "is_staff", "is_superuser", "last_login"]
    search_fields = ["username", "email"]

    def has_delete_permission(self, request, obj=None):
        # It would take chargers, transactions and their history along; deactivate instead.
        return False


class OwnerGrantInline(TabularInline):
    model = OwnerGrant
    extra = 0
    autocomplete_fields = ["owner"]
    verbose_name = "owner whose rows the group's staff see"
    verbose_name_plural = "owners whose rows the group's staff see"


@admin.register(Group)
class GroupAdmin(SuperuserAdmin, DjangoGroupAdmin):
    inlines = [OwnerGrantInline]
    filter_horizontal = ["permissions"]


class FailedFilter(admin.SimpleListFilter):
    title, parameter_name = "last run", "failed"

    def lookups(self, request, model_admin):
        return [("yes", "Failed"), ("no", "Went well")]

    def queryset(self, request, queryset):
        if self.value() == "yes":
            return queryset.exclude(last_error="")
        return queryset.filter(last_error="") if self.value() == "no" else queryset


@admin.register(Job)
class JobAdmin(SuperuserAdmin):
    list_display = ["name", "state", "due", "last_started", "last_finished"]
    list_filter = [FailedFilter]
    search_fields = ["name"]
    ordering = ["name"]
    actions = ["run_now"]
    readonly_fields = [field.name for field in Job._meta.fields]

    def has_add_permission(self, request):
        return False

    has_delete_permission = LogAdmin.has_delete_permission

    @admin.display(description="Last run")
    def state(self, job):
        if job.last_error:
            return Badge("Failed", "alert", "bad").__html__()
        done = job.last_finished_at is not None
        return (Badge("Went well", "check", "good") if done else Badge("Not yet", "clock")).__html__()

    @admin.display(description="Due", ordering="due_at")
    def due(self, job):
        return badges.ago(job.due_at)

    @admin.display(description="Last started", ordering="last_started_at")
    def last_started(self, job):
        return badges.ago(job.last_started_at)

    @admin.display(description="Last finished", ordering="last_finished_at")
    def last_finished(self, job):
        return badges.ago(job.last_finished_at)

    @admin.action(description="Run the selected jobs now")
    def run_now(self, request, queryset):
        number = queryset.update(due_at=timezone.now())
        self.message_user(request, f"Due at once: {number}. A worker takes them within seconds.")


class OutboxAttemptInline(TabularInline):
    model = OutboxAttempt
    extra = 0
    max_num = 0
    can_delete = False
    fields = readonly_fields = ["started_at", "seconds", "status_code", "answer", "error"]


@admin.register(Outbox)
class OutboxAdmin(LogAdmin):
    list_display = ["partner", "method", "url", "state_badge", "attempts", "created", "due"]
    list_filter = ["state", WindowFilter]
    search_fields = ["=partner"]
    ordering = ["-id"]
    exclude = ["headers", "secret_headers"]
    inlines = [OutboxAttemptInline]
    STATES = {
        Outbox.State.WAITING: Badge("Waiting", "clock", "busy"),
        Outbox.State.DELIVERED: Badge("Delivered", "check", "good"),
        Outbox.State.FAILED: Badge("Failed", "alert", "bad"),
        Outbox.State.CANCELLED: Badge("Cancelled", "block", "calm"),
    }

    @admin.display(description="State")
    def state_badge(self, row):
        return self.STATES[row.state].__html__()

    @admin.display(description="Created")
    def created(self, row):
        return badges.ago(row.created_at)

    @admin.display(description="Due")
    def due(self, row):
        return badges.ago(row.due_at) if row.state == Outbox.State.WAITING else badges.NOTHING


@admin.register(Event)
class EventAdmin(LogAdmin):
    list_display = ["id", "kind", "charger", "object_id", "content", "created"]
    list_filter = [WindowFilter]
    search_fields = ["=kind"]
    search_help_text = "Kind, in full, such as transaction.started"
    ordering = ["-id"]

    @admin.display(description="Charger")
    def charger(self, event):
        if event.charger_id is None:
            return badges.NOTHING
        address = reverse("admin:chargers_charger_change", args=[event.charger_id])
        return format_html('<a class="sm-link" href="{}">#{}</a>', address, event.charger_id)

    @admin.display(description="Content")
    def content(self, event):
        told = [f"{name}: {value}" for name, value in event.data.items() if value not in ("", None)]
        return ", ".join(told) or badges.NOTHING

    @admin.display(description="When")
    def created(self, event):
        return badges.exact(event.created_at)


@admin.register(ServerProcess)
class ServerProcessAdmin(SuperuserAdmin):
    list_display = ["name", "kind", "state", "started", "last_beat"]
    ordering = ["-beat_at"]
    has_add_permission = LogAdmin.has_add_permission
    has_change_permission = LogAdmin.has_change_permission
    has_delete_permission = LogAdmin.has_delete_permission

    @admin.display(description="State")
    def state(self, process):
        silent = timezone.now() - process.beat_at > timedelta(seconds=ServerProcess.DEAD_AFTER_SECONDS)
        return (Badge("Dead", "off", "bad") if silent else Badge("Alive", "check", "good")).__html__()

    @admin.display(description="Started", ordering="started_at")
    def started(self, process):
        return badges.ago(process.started_at)

    @admin.display(description="Last beat", ordering="beat_at")
    def last_beat(self, process):
        return badges.ago(process.beat_at)
