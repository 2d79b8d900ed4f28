"""Commands: the list, the page that follows one, and the form that sends any action."""

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html

from chargers.admin import filters, instructions, states
from chargers.admin.any_action import AnyActionForm
from chargers.models import Command
from chargers.services import commands
from csms import badges
from csms.admin_base import LogAdmin, WindowFilter


@admin.register(Command)
class CommandAdmin(LogAdmin):
    list_display = ["__str__", "charger", "state_badge", "created", "created_by", "came_by"]
    list_filter = [filters.ChargerFilter, "state", WindowFilter]
    search_fields = ["=action"]
    search_help_text = "Action, in full, such as Reset"
    list_select_related = ["charger", "created_by", "instruction"]
    ordering = ["-id"]
    bounded_by = ["charger"]

    def has_add_permission(self, request):
        return request.user.has_perm("chargers.add_command")

    def get_urls(self):
        view = self.admin_site.admin_view(self.cancel_view)
        return [path("<int:pk>/cancel/", view, name="chargers_command_cancel"), *super().get_urls()]

    def add_view(self, request, form_url="", extra_context=None):
        """Send any action to any charger."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        initial = {"payload": "{}", **request.GET.dict()}
        form = AnyActionForm(request.POST or None, user=request.user, initial=initial)
        if request.method == "POST" and form.is_valid():
            command = form.send()
            if command is not None:
                return HttpResponseRedirect(reverse("admin:chargers_command_change", args=[command.pk]))
        return self.page(request, "admin/chargers/command/send.html", "Send any action", form=form)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        command = self.found(request, unquote(object_id))
        context = {
            "command": command,
            "timeline": _timeline(command),
            "may_cancel": command.state == Command.State.QUEUED and self.has_add_permission(request),
        }
        template = "admin/chargers/command/page.html"
        return self.page(request, template, f"{command.action}: {command.charger}", **context)

    def cancel_view(self, request, pk):
        command = self.found(request, pk)
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST" and not commands.cancel(command):
            messages.warning(request, "It was too late: the command is no longer waiting.")
        return HttpResponseRedirect(reverse("admin:chargers_command_change", args=[pk]))

    @admin.display(description="State")
    def state_badge(self, command):
        return states.of_command(command).__html__()

    @admin.display(description="Created")
    def created(self, command):
        return badges.ago(command.created_at)

    @admin.display(description="Origin")
    def came_by(self, command):
        return instructions.origin_of(command)


def _timeline(command):
    """Return what happened so far and what is still awaited, as (words, moment or None)."""
    by = f" by {command.created_by}" if command.created_by else ""
    ordered = format_html("Ordered{} ({})", by, instructions.origin_of(command))
    steps = [(ordered, command.created_at)]
    if command.sent_at:
        steps.append(("Sent to the charger", command.sent_at))
    if command.finished_at:
        steps.append((states.COMMAND[command.state].text, command.finished_at))
    elif command.state == Command.State.QUEUED:
        steps.append(("Waits to be sent", None))
    elif command.state == Command.State.SENT:
        steps.append(("Waits for the answer", None))
    return steps
