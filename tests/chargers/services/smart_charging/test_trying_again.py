"""What a charger had, and will not take again at once: after a boot, in the next transaction."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chargers.models import ChargingLimit, ChargingProfile, Command
from chargers.services import smart_charging
from tests.chargers.services.smart_charging.rows import fresh, is_state, sent_profile
from tests.chargers.services.smart_charging.test_profiles import installed

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
REFUSALS = {
    "no": lambda station: station.answer("Rejected"),
    "error": lambda station: station.fail("InternalError", "not yet"),
    "unknown": lambda station: station.fail("NotSupported"),
}


@pytest.fixture(params=REFUSALS)
def refuse(request, station):
    """Return a function that has the charger refuse what it is asked."""
    return lambda: REFUSALS[request.param](station)


@pytest.fixture
def verified(station, plug):
    def run(**more):
        wish = smart_charging.limit(plug, amps=16, **more)
        station.answer()
        station.compose(16.0)
        return is_state(wish, "verified", "installed")

    return run


@pytest.fixture
def look(station):
    """Return a function that has time pass until something is due."""

    def run():
        waiting = ChargingProfile.objects.exclude(next_attempt_at=None)
        waiting.update(next_attempt_at=timezone.now())
        smart_charging.reconcile(station.charger)

    return run


@pytest.mark.parametrize("may_walk", [False, True])
def test_limit_that_is_refused_after_a_boot(station, verified, refuse, look, may_walk):
    """Some refuse everything for a while then: the limit is not lost, nor another way tried."""
    wish = verified(may_walk=may_walk)
    station.reboot()
    smart_charging.reconcile(station.charger)
    refuse()
    refused = is_state(wish, "trying", "waiting")
    assert refused.reason
    assert refused.profile.next_attempt_at > timezone.now()
    look()
    assert len(fresh(wish).steps) == 1
    station.answer()
    station.compose(16.0)

    is_state(wish, "verified", "installed")


def test_limit_that_is_refused_for_good(station, verified, look):
    """After five attempts it is refused, as it says."""
    wish = verified()
    station.reboot()
    for _ in range(5):
        look()
        station.answer("Rejected")
    look()

    assert not station.asked()
    assert is_state(wish, "refused", "rejected").reason == "Rejected"


def test_profile_that_is_refused_after_a_boot(station, plug, refuse, look):
    """As a limit."""
    row = installed(station, plug)
    station.reboot()
    smart_charging.reconcile(station.charger)
    refuse()
    assert fresh(row).state == "waiting"
    look()
    station.answer()

    assert fresh(row).state == "installed"


@pytest.mark.parametrize(("ago", "is_sent"), [(2 * HOUR, True), (HOUR / 2, False)])
def test_limit_that_failed_is_tried_again_after_a_boot(station, plug, ago, is_sent):
    """An hour later: who crashes at it and boots again is not sent it again at once."""
    wish = smart_charging.limit(plug, amps=16)
    station.fail("InternalError")
    Command.objects.update(created_at=timezone.now() - ago)
    smart_charging.reconcile(station.charger)
    assert not station.asked()
    station.reboot()
    smart_charging.reconcile(station.charger)

    assert [command.action for command in station.asked()] == ["SetChargingProfile"] * is_sent
    is_state(wish, "trying" if is_sent else "failed")


def test_limit_that_was_ignored_in_one_transaction_is_set_in_the_next(station, plug, look):
    """One odd reading does not leave all later ones without a limit."""
    session = station.start()
    wish = smart_charging.limit(plug, amps=16, may_walk=True)
    station.answer("Rejected")
    station.answer("Rejected")
    station.answer()
    station.compose(16.0)
    ChargingLimit.objects.update(state="ignored", measured_verified=False)
    session.ended_at = timezone.now()
    session.transaction_id = session.transaction_id and "over"
    session.save()
    smart_charging.keep(timezone.now())
    is_state(wish, "requested", "waiting")
    station.start()
    look()

    assert sent_profile(station.next())[1]["chargingProfilePurpose"] == "TxProfile"


def test_what_never_left_was_no_attempt(station, plug, look):
    """A link that is down again and again does not use up the patience."""
    wish = smart_charging.limit(plug, amps=16)
    for _ in range(7):
        station.fail("NotConnected")
        is_state(wish, "trying", "waiting")
        look()
    station.answer()

    is_state(wish, "accepted", "installed")


def test_question_for_the_composite_schedule_that_never_left_is_asked_again(station, plug):
    """Else nothing would tell whether the limit is kept."""
    wish = smart_charging.limit(plug, amps=16)
    station.answer()
    station.fail("NotConnected")
    ChargingLimit.objects.exclude(check_at=None).update(check_at=timezone.now())
    smart_charging.reconcile(station.charger)
    station.compose(16.0)

    is_state(wish, "verified", "installed")
