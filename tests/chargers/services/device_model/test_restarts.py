"""Wishes that need a restart of the charger, and what a boot means for all of them."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from chargers.batch import open_batch
from chargers.models import Charger, Command, Transaction, Variable
from chargers.services import device_model
from tests.chargers.services.device_model.test_wishes import key, state, want

pytestmark = pytest.mark.django_db

LATER = timedelta(hours=2)


class TestRestart:
    def reboot(self, far, tell):
        far.charger.refresh_from_db()
        tell("BootNotification", {"chargePointVendor": "", "chargePointModel": ""}, now=timezone.now())
        far.be_quiet()

    def test_idle_charger_is_restarted_and_read_again(self, far, tell):
        """RebootRequired, Reset, boot, GetConfiguration."""
        row = want(far)
        far.answers({"status": "RebootRequired"})
        assert state(row) == "reboot_required"
        far.answers({"status": "Accepted"})
        assert state(row) == "reboot_required"
        self.reboot(far, tell)
        far.answers(key("30"))

        assert (state(row), row.verified_at is not None) == ("accepted", True)
        assert far.asked[1] == ("Reset", {"type": "Soft"})

    def test_charging_is_not_cut_off(self, far):
        """The restart waits for the end of the transaction, and is found then."""
        running = Transaction.objects.create(
            owner=far.charger.owner, charger=far.charger, protocol="ocpp1.6", started_at=timezone.now()
        )
        row = want(far)
        far.answers({"status": "RebootRequired"})
        now = timezone.now()
        assert (state(row), far.waiting, device_model.due(now)) == ("reboot_required", [], set())
        running.ended_at = now
        running.save()
        assert device_model.due(now) == {far.charger.pk}
        far.be_quiet()

        assert far.waiting[0].action == "Reset"

    def test_value_that_a_restart_did_not_bring_was_ignored(self, far, tell):
        """It said that it needs a restart, had one, and reads as before."""
        row = want(far)
        far.answers({"status": "RebootRequired"})
        far.answers({"status": "Accepted"})
        self.reboot(far, tell)
        far.answers(key("60"))

        assert (state(row), far.waiting) == ("ignored", [])

    def test_boot_without_a_restart_leaves_it_to_be_made(self, far, tell):
        """Some boot after a reconnect; the value shows that nothing was restarted."""
        row = want(far)
        far.answers({"status": "RebootRequired"})
        far.answers({"status": "Rejected"})
        self.reboot(far, tell)
        far.answers(key("60"))

        assert (state(row), far.waiting[0].action) == ("reboot_required", "Reset")

    def test_restart_that_is_refused_ends(self, far):
        """Three times, an hour apart at the most; then people are told."""
        row, now = want(far), timezone.now()
        far.answers({"status": "RebootRequired"})
        while far.waiting:
            far.answers({"status": "Rejected"}, now=now)
            row.refresh_from_db()
            now = row.next_attempt_at or now
            far.be_quiet(now=now)

        assert (state(row), len(far.asked)) == ("reboot_required", 4)
        assert row.desired_reason == "It is to restart: Reset was answered 'Rejected'."

    def test_charger_that_never_boots_is_not_reset_for_ever(self, far):
        """It accepts each Reset and does nothing."""
        row, now = want(far), timezone.now()
        far.answers({"status": "RebootRequired"})
        while far.waiting:
            far.answers({"status": "Accepted"}, now=now)
            row.refresh_from_db()
            now = row.next_attempt_at
            far.be_quiet(now=now)

        assert ([action for action, _ in far.asked].count("Reset"), state(row)) == (3, "reboot_required")

    def test_boot_has_accepted_values_read_again(self, far, tell):
        """One that was lost in the restart is delivered again, a little later."""
        row = want(far)
        far.answers({"status": "Accepted"})
        far.answers(key("30"))
        self.reboot(far, tell)
        far.answers(key("60"))
        assert state(row) == "waiting"
        far.be_quiet(now=row.next_attempt_at)

        assert state(row) == "sent"

    def test_fleet_that_boots_together_is_read_again_in_turn(self, owner):
        """A power cut is no reason to ask all of them in one instant."""
        now = timezone.now()
        names = [f"CP-{number}" for number in range(10, 40)]
        Charger.objects.bulk_create(Charger(owner=owner, identifier=name) for name in names)
        fleet = list(Charger.objects.filter(identifier__in=names))
        for charger in fleet:
            device_model.want(charger, [{"name": "A", "value": "1"}])
        Variable.objects.update(desired_state="accepted", next_attempt_at=None)
        with transaction.atomic(), open_batch([charger.pk for charger in fleet]) as batch:
            batch.now = now
            for charger in fleet:
                device_model.booted(charger)

        at = Variable.objects.order_by("next_attempt_at").values_list("next_attempt_at", flat=True)
        assert (at[9], at[29]) == (now, now + timedelta(seconds=2))

    def test_charger_that_crashes_at_a_value_is_not_sent_it_at_every_boot(self, far, tell):
        """It failed a moment ago; a boot an hour later tries again."""
        row = want(far)
        Variable.objects.update(attempts=8)
        far.fails("ConnectionLost")
        self.reboot(far, tell)
        assert (state(row), far.waiting) == ("failed", [])
        Variable.objects.update(desired_at=timezone.now() - LATER)
        Command.objects.update(finished_at=timezone.now() - LATER)
        self.reboot(far, tell)

        assert state(row) == "sent"
