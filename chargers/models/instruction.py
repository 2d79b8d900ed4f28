"""SolarNetwork's instructions to nodes, behind which stand commands to chargers."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from chargers.models.command import Command
from csms.ownership import OwnedQuerySet

_QUEUED, _SENT = Command.State.QUEUED, Command.State.SENT


class InstructionQuerySet(OwnedQuerySet):
    def in_states(self, states):
        """Return those that are in one of the instruction states."""
        found = models.Q(command=None) if Instruction.State.DECLINED in states else models.Q(pk__in=[])
        commands = [command for command, state in Instruction.STATES.items() if state in states]
        return self.filter(found | models.Q(command__state__in=commands))


class Instruction(models.Model):
    """An instruction as it was asked for, and the command that it became.

    Its state is the command's, in SolarNetwork's words; one that could not become a command is Declined
    and says why in `error`.
    """

    class State(models.TextChoices):
        UNKNOWN = "Unknown"
        QUEUING = "Queuing"
        QUEUED = "Queued"
        RECEIVED = "Received"
        EXECUTING = "Executing"
        DECLINED = "Declined"
        COMPLETED = "Completed"

    # Waiting for the charger is Received: their queue hands it to the delivery at once.
    STATES = {
        _QUEUED: State.RECEIVED,
        _SENT: State.EXECUTING,
        Command.State.COMPLETED: State.COMPLETED,
        Command.State.FAILED: State.DECLINED,
        Command.State.TIMED_OUT: State.DECLINED,
        Command.State.EXPIRED: State.DECLINED,
        Command.State.CANCELLED: State.DECLINED,
    }

    owner_path = "owner"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    node_id = models.BigIntegerField("node ID")
    topic = models.CharField(max_length=128)
    # [{"name": …, "value": …}] as sent; secrets in them are masked.
    parameters = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    instruction_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    command = models.OneToOneField(Command, models.CASCADE, null=True, related_name="instruction")
    error = models.TextField(blank=True, help_text="Why it became no command.")

    objects = InstructionQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["owner", "node_id", "id"], name="instruction_of_node"),
            models.Index(fields=["created_at"], name="instruction_by_age"),
        ]

    def __str__(self):
        return f"{self.topic} #{self.pk}"

    @property
    def state(self):
        """The instruction state that the command's stands for."""
        return self.State.DECLINED if self.command is None else self.STATES[self.command.state]

    @property
    def state_at(self):
        """Since when it is in its state."""
        command = self.command
        return (command and (command.finished_at or command.sent_at)) or self.created_at
