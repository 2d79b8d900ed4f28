"""Limits and charging profiles: the lists, and a page each that says what came of it."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.urls import path, reverse

from chargers.admin import filters, states
from chargers.admin.schedule_pages import figure
from chargers.models import ChargingLimit, ChargingProfile
from chargers.services import smart_charging
from chargers.services.smart_charging.ladder import step_of
from csms import badges
from csms.admin_base import LogAdmin, WindowFilter


class InForceFilter(admin.SimpleListFilter):
    """Limits that have not ended, or all."""

    title, parameter_name = "in force", "in_force"

    def lookups(self, request, model_admin):
        return [("yes", "In force")]

    def queryset(self, request, queryset):
        return queryset.filter(ended_at=None) if self.value() == "yes" else queryset


class _Wishes(LogAdmin):
    """What limits and profiles share: who may take them back."""

    def may_take_back(self, request, row):
        return request.user.has_perm("chargers.add_command") and self._owns(request, row)

    def take_back_view(self, request, pk):
        row = self.found(request, pk)
        if not self.may_take_back(request, row):
            raise PermissionDenied
        if request.method == "POST":
            self.take_back(request, row)
        name = row._meta.model_name
        return HttpResponseRedirect(reverse(f"admin:chargers_{name}_change", args=[pk]))

    def get_urls(self):
        name = f"chargers_{self.opts.model_name}_end"
        view = self.admin_site.admin_view(self.take_back_view)
        return [path("<int:pk>/end/", view, name=name), *super().get_urls()]

    @admin.display(description="State")
    def state_badge(self, row):
        return getattr(states, f"of_{row._meta.model_name}")(row).__html__()

    @admin.display(description="Place")
    def where(self, row):
        return row.place

    @admin.display(description="Created")
    def created(self, row):
        return badges.ago(row.created_at)


@admin.register(ChargingLimit)
class ChargingLimitAdmin(_Wishes):
    list_display = ["__str__", "charger", "where", "state_badge", "ends", "created", "created_by"]
    list_filter = [filters.ChargerFilter, InForceFilter, "state", WindowFilter]
    list_select_related = ["charger", "created_by"]
    empty_words = "Nobody has limited a charger yet."
    ordering = ["-id"]
    bounded_by = ["charger"]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        limit = self.found(request, object_id)
        context = {
            "limit": limit,
            "steps": [_shown(step) for step in limit.steps],
            "may_end": limit.ended_at is None and self.may_take_back(request, limit),
        }
        template = "admin/chargers/charginglimit/page.html"
        return self.page(request, template, f"Limit: {limit}", **context)

    def take_back(self, request, limit):
        target = smart_charging.target_of(limit)
        if (
            limit.ended_at is not None
            or smart_charging.unlimit(target, user=request.user, origin="admin") is None
        ):
            messages.warning(request, "It was too late: the limit is no longer in force.")

    @admin.display(description="Until")
    def ends(self, limit):
        return badges.ago(limit.until) if limit.until else "it is lifted"


def _shown(step):
    """Return a way that was tried as people read it."""
    way = step_of(step)
    number = way.evse_id or way.connector_id
    return {
        "value": f"{figure(step['limit'])} {way.unit}",
        "purpose": ChargingProfile.Purpose(way.purpose).label,
        "stack_level": way.stack_level,
        "place": number or "0 (whole charger)",
        "answer": step.get("answer") or "none yet",
        "command": step.get("command"),
    }


@admin.register(ChargingProfile)
class ChargingProfileAdmin(_Wishes):
    list_display = [
        "number",
        "charger",
        "where",
        "state_badge",
        "purpose",
        "stack_level",
        "source",
        "created",
        "origin",
    ]
    list_filter = [filters.ChargerFilter, "state", "purpose", "source", WindowFilter]
    search_fields = ["=profile_id"]
    search_help_text = "Its number on the charger"
    list_select_related = ["charger"]
    empty_words = "No charger has a charging profile that we know of."
    ordering = ["-id"]
    bounded_by = ["charger"]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        profile = self.found(request, object_id)
        gone = profile.state in (profile.State.REMOVED, profile.State.CLEARING)
        is_ours = profile.source == profile.Source.CSO
        context = {
            "profile": profile,
            "limit": profile.limits.filter(ended_at=None).first(),
            "may_end": is_ours and not gone and self.may_take_back(request, profile),
        }
        template = "admin/chargers/chargingprofile/page.html"
        return self.page(request, template, f"Charging profile: {profile}", **context)

    def take_back(self, request, profile):
        smart_charging.clear_profile(profile, user=request.user, origin="admin")

    @admin.display(description="Number", ordering="profile_id")
    def number(self, profile):
        return f"#{profile.profile_id}"
