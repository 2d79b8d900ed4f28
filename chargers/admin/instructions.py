"""SolarNetwork's instructions: what clients asked for, and the commands that came of it."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from chargers.admin import states
from chargers.models import Instruction
from chargers.services import instructions
from csms import badges
from csms.admin_base import LogAdmin, WindowFilter


def origin_of(command):
    """Return by which door a command came; an instruction is named with its topic and node."""
    row = getattr(command, "instruction", None)
    if row is None:
        return command.origin
    return format_html('<a class="sm-link" href="{}">{}</a>', _page(row), words_for(row))


def words_for(row):
    """Return an instruction's name for people."""
    return f"SolarNetwork instruction #{row.pk}, {row.topic}, node {row.node_id}"


def _page(row):
    return reverse("admin:chargers_instruction_change", args=[row.pk])


class StateFilter(admin.SimpleListFilter):
    """The state in their words."""

    title = parameter_name = "state"

    def lookups(self, request, model_admin):
        return [(state, state) for state in states.INSTRUCTION]

    def queryset(self, request, queryset):
        return queryset.in_states([self.value()]) if self.value() in states.INSTRUCTION else queryset


@admin.register(Instruction)
class InstructionAdmin(LogAdmin):
    list_display = ["number", "topic", "node_id", "order", "state", "created"]
    list_filter = [StateFilter, WindowFilter]
    search_fields = ["=topic", "=node_id"]
    search_help_text = "Topic or node ID, in full"
    list_select_related = ["command__charger"]
    empty_words = "No client of the SolarNetwork API has instructed a charger yet."
    ordering = ["-id"]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        row = self.found(request, object_id)
        context = {"instruction": row, "result": instructions.result_of(row)}
        return self.page(request, "admin/chargers/instruction/page.html", words_for(row), **context)

    @admin.display(description="Instruction")
    def number(self, row):
        return f"#{row.pk}"

    @admin.display(description="Command")
    def order(self, row):
        return f"{row.command.action} to {row.command.charger}" if row.command else badges.NOTHING

    @admin.display(description="State")
    def state(self, row):
        badge = states.of_instruction(row).__html__()
        why = instructions.result_of(row).get("error") if row.state == row.State.DECLINED else ""
        return format_html('{} <span class="sm-why">{}</span>', badge, why) if why else badge

    @admin.display(description="Created")
    def created(self, row):
        return badges.ago(row.created_at)
