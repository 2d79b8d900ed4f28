"""A charger at the far end of the Command rows: it is online, and a test says what it answers."""

import uuid
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from chargers.batch import open_batch
from chargers.models import Command, Presence
from chargers.services import commands, reconciling
from csms import processes


class FarCharger:
    """Takes the commands of one charger in their order. `asked` is what it was asked: (action, payload).

    `reconcile` is what is done with it when it is quiet: every step, or the one that a test is about.
    """

    def __init__(self, charger, reconcile=reconciling.reconcile):
        self.charger = charger
        self._reconcile = reconcile
        self.asked = []
        self.go_online()

    def go_online(self):
        now = timezone.now()
        lease = {
            "process": processes.register("web"),
            "token": uuid.uuid4(),
            "protocol": self.charger.protocol,
        }
        Presence.objects.update_or_create(
            charger=self.charger, defaults={**lease, "expires_at": now + timedelta(days=1)}
        )

    def go_offline(self):
        Presence.objects.filter(charger=self.charger).update(process=None, token=None)

    def be_quiet(self, *, now=None):
        """Be looked after, as the committer does it."""
        with transaction.atomic(), open_batch([self.charger.pk]) as batch:
            batch.now = now or timezone.now()
            self._reconcile(batch.chargers[self.charger.pk])

    @property
    def waiting(self):
        """The commands that it has not answered, oldest first."""
        return list(self.charger.commands.exclude(state__in=Command.FINAL).order_by("pk"))

    def takes(self, state=Command.State.COMPLETED, *, now=None, **end):
        """End the oldest command so; return it as it was sent."""
        command = self.waiting[0]
        self.asked.append((command.action, command.words))
        with transaction.atomic(), open_batch([self.charger.pk]) as batch:
            batch.now = now or timezone.now()
            if end.get("error_code") != "NotConnected":
                Command.objects.filter(pk=command.pk).update(state=Command.State.SENT, sent_at=batch.now)
            command.charger = batch.chargers[self.charger.pk]
            commands.finish(command, state, **end)
        return command

    def answers(self, result, **options):
        """Answer the oldest command; return it."""
        return self.takes(result=result, **options)

    def fails(self, code="InternalError", description="", **options):
        """Answer the oldest command with a CALLERROR."""
        return self.takes(Command.State.FAILED, error_code=code, error_description=description, **options)

    def is_silent(self, **options):
        """Let the time for the oldest command run out."""
        return self.takes(Command.State.TIMED_OUT, **options)
