"""A charger with one connector that has two limits: its own, and that of the whole."""

import pytest
from django.utils import timezone

from chargers.models import ChargingProfile, Transaction
from chargers.services import smart_charging
from tests.chargers.services.smart_charging.rows import fresh, is_state, sent_profile

pytestmark = pytest.mark.django_db

IN_16 = pytest.mark.parametrize("station", ["ocpp1.6"], indirect=True)
IN_201 = pytest.mark.parametrize("station", ["ocpp2.0.1"], indirect=True)


@pytest.fixture
def single(station, plug):
    """It takes no maximum of the station, so that both limits are told by defaults of transactions."""
    station.charger.connectors.exclude(pk=plug.pk).delete()
    station.charger.connector_count = 1
    station.charger.save()
    return station


def given_back(station):
    """Take what is sent when a stricter limit is lifted, and return the amps of the laxer one.

    That goes first, in the place of the stricter: there is no moment without either.
    """
    order, *then = station.asked()
    assert [each.action for each in then] in ([], ["ClearChargingProfile"])
    station.answer()
    for _ in then:
        station.answer("Unknown")
    return sent_profile(order.payload)[2]["chargingSchedulePeriod"][0]["limit"]


def limited_as_a_whole(single, **more):
    wish = smart_charging.limit(single.charger, may_walk=True, **more)
    while "TxDefaultProfile" not in str(single.next()):
        single.answer("Rejected")
    single.answer()
    single.compose(fresh(wish).value, fresh(wish).unit)
    return is_state(wish, "verified", "installed")


def sent_amps(single):
    return sent_profile(single.next())[2]["chargingSchedulePeriod"][0]["limit"]


@pytest.mark.parametrize(
    "more", [{"amps": 9, "phases": 3}, {"watts": 2000}, {"watts": 2000, "phases": 1}, {"watts": 3000}]
)
def test_limit_that_surely_allows_less_is_the_stricter(single, plug, more):
    """In whatever unit: 2,000 W are less than 10 A even on one phase, and 3,000 W may be told as 4.3 A."""
    whole = limited_as_a_whole(single, amps=10)
    wish = smart_charging.limit(plug, **more)
    single.answer()
    single.compose(wish.value, wish.unit)

    is_state(wish, "verified", "installed")
    is_state(whole, "requested", "waiting")


@pytest.mark.parametrize(
    ("first", "more"),
    [
        ({"amps": 10}, {"amps": 16}),
        ({"amps": 10}, {"watts": 8000}),
        ({"amps": 10, "phases": 1}, {"amps": 9, "phases": 3}),
        ({"watts": 6000}, {"amps": 10, "phases": 3}),
    ],
)
def test_laxer_limit_does_not_push_out_the_stricter(single, plug, first, more):
    """One that cannot be compared may be laxer."""
    whole = limited_as_a_whole(single, **first)
    wish = smart_charging.limit(plug, **more)

    assert sent_profile(single.next())[1]["chargingProfilePurpose"][-10:] == "MaxProfile"
    single.answer("Rejected")
    is_state(wish, "refused")
    is_state(whole, "verified", "installed")


def test_laxer_limit_goes_below_the_stricter(single, plug):
    """At a lower stack level it holds once the other is lifted."""
    single.told("ChargeProfileMaxStackLevel", "8")
    whole = limited_as_a_whole(single, amps=10)
    smart_charging.limit(plug, amps=16)

    assert sent_profile(single.next())[1]["stackLevel"] == 0
    is_state(whole, "verified", "installed")


def test_stricter_limit_pushes_out_and_gives_back(single, plug):
    """A charger keeps one at a level: the laxer one waits until the stricter is lifted."""
    whole = limited_as_a_whole(single, amps=10)
    smart_charging.limit(plug, amps=8)
    single.answer()
    is_state(whole, "requested", "waiting")
    single.compose(8.0)
    single.reboot()
    smart_charging.reconcile(single.charger)
    assert sent_amps(single) == 8.0
    single.answer()
    single.compose(8.0)

    smart_charging.unlimit(plug)
    assert given_back(single) == 10.0
    single.compose(10.0)
    is_state(whole, "verified", "installed")
    assert not single.asked()


@IN_201
def test_stricter_limit_replaces_the_laxer_by_its_number(single, plug):
    """2.0.1 refuses a second profile at a level, and with none at all more would flow for a while."""
    whole = limited_as_a_whole(single, amps=10)
    wish = smart_charging.limit(plug, amps=8)

    place, sent, _ = sent_profile(single.next())
    assert (sent["id"], place, sent["stackLevel"]) == (whole.profile.profile_id, 1, whole.profile.stack_level)
    single.answer()
    single.compose(8.0)
    is_state(wish, "verified", "installed")
    assert fresh(whole).profile.schedules[0]["chargingSchedulePeriod"][0]["limit"] == 10.0


def test_stricter_limit_takes_the_only_way_there_is(single, plug):
    """That of the transaction, by which the laxer one is told: one charger in each transaction keeps to it."""
    single.start()
    laxer = smart_charging.limit(plug, amps=16, may_walk=True)
    while "TxProfile" not in str(single.next()):
        single.answer("Rejected")
    single.answer()
    single.compose(16.0)
    whole = smart_charging.limit(single.charger, amps=10, may_walk=True)
    while "TxProfile" not in str(single.next()):
        single.answer("Rejected")
    assert sent_amps(single) == 10.0
    single.answer()
    single.compose(10.0)
    is_state(whole, "verified", "installed")
    is_state(laxer, "requested", "waiting")
    Transaction.objects.update(ended_at=timezone.now(), transaction_id="")
    smart_charging.keep(timezone.now())
    is_state(whole, "requested", "waiting")
    single.start()
    ChargingProfile.objects.exclude(next_attempt_at=None).update(next_attempt_at=timezone.now())
    smart_charging.reconcile(single.charger)

    assert (sent_amps(single), sent_profile(single.next())[0]) == (10.0, 1)


@IN_201
def test_numbers_never_meet(single, plug):
    """However often the two replace each other: one number each, and what waits is under the other's."""
    wishes = [limited_as_a_whole(single, amps=10)]
    for target, amps in [(plug, 9), (single.charger, 8), (plug, 7)]:
        wishes.append(smart_charging.limit(target, amps=amps, may_walk=True))
        while "TxDefaultProfile" not in str(single.next()):
            single.answer("Rejected")
        assert sent_profile(single.next())[1]["id"] == wishes[0].profile.profile_id
        single.answer()
        single.compose(float(amps))

    assert [fresh(wish).state for wish in wishes] == ["ended", "ended", "requested", "verified"]
    assert ChargingProfile.objects.count() == 2


@IN_201
@pytest.mark.parametrize("end", ["Rejected", "error", "silence"])
def test_stricter_limit_that_is_not_taken_gives_way(single, plug, end):
    """The laxer one is sent again, under the number that the charger knows it by."""
    whole = limited_as_a_whole(single, amps=10)
    number = whole.profile.profile_id
    wish = smart_charging.limit(plug, amps=8)
    not_taken(single, wish, end)
    assert (sent_amps(single), sent_profile(single.next())[1]["id"]) == (10.0, number)
    single.answer()
    single.compose(10.0)

    is_state(whole, "verified", "installed")
    assert fresh(wish).state in ("refused", "failed")
    smart_charging.unlimit(plug)
    assert not single.asked()


def not_taken(single, wish, end):
    if end == "Rejected":
        single.answer(end)
    elif end == "error":
        single.fail("InternalError")
    else:
        for _ in range(5):
            single.stay_silent()
            ChargingProfile.objects.exclude(next_attempt_at=None).update(next_attempt_at=timezone.now())
            smart_charging.reconcile(single.charger)


def test_limit_that_stood_back_has_its_place_when_the_next_is_refused(single, plug):
    """A newer limit of the connector is laxer than it: nothing stands in its way any more."""
    whole = limited_as_a_whole(single, amps=10)
    smart_charging.limit(plug, amps=8)
    single.answer()
    single.compose(8.0)
    smart_charging.limit(plug, amps=12, may_walk=True)
    while "TxDefaultProfile" not in str(single.next()):
        single.answer("Rejected")

    assert sent_amps(single) == 10.0
    single.answer()
    single.compose(10.0)
    is_state(whole, "verified", "installed")


def test_what_stands_back_does_not_come_forward_before_a_newer_limit(single, plug):
    """The stricter one was replaced, not lifted."""
    whole = limited_as_a_whole(single, amps=10)
    smart_charging.limit(plug, amps=8)
    single.answer()
    single.compose(8.0)
    smart_charging.limit(plug, amps=9)
    assert sent_amps(single) == 9.0
    single.answer()
    single.compose(9.0)
    ChargingProfile.objects.exclude(next_attempt_at=None).update(next_attempt_at=timezone.now())
    smart_charging.reconcile(single.charger)

    assert not single.asked()
    is_state(whole, "requested", "waiting")


def test_laxer_limit_does_not_raise_the_maximum(single, plug):
    """A charger that takes nothing else: it would have one maximum alone, that of the newer limit."""
    whole = smart_charging.limit(single.charger, amps=6)
    single.answer()
    single.compose(6.0)
    wish = smart_charging.limit(plug, amps=16, may_walk=True)
    while single.asked():
        assert "MaxProfile" not in str(single.next())
        single.answer("Rejected")

    is_state(wish, "refused")
    is_state(whole, "verified", "installed")


def test_stricter_limit_lowers_the_maximum(single, plug):
    """And gives it back."""
    whole = smart_charging.limit(single.charger, amps=16)
    single.answer()
    single.compose(16.0)
    wish = smart_charging.limit(plug, amps=6, may_walk=True)
    while "MaxProfile" not in str(single.next()):
        single.answer("Rejected")
    assert sent_amps(single) == 6.0
    single.answer()
    single.compose(6.0)
    is_state(wish, "verified", "installed")
    is_state(whole, "requested", "waiting")
    smart_charging.unlimit(plug)

    assert given_back(single) == 16.0


@IN_16
def test_older_order_that_is_accepted_late_has_pushed_out_the_other_limit(single, plug):
    """A newer wish was on its way already, and is refused: the charger has neither, so the other is sent again."""
    wish = smart_charging.limit(plug, amps=10)
    single.answer()
    single.compose(10.0)
    smart_charging.limit(single.charger, amps=6, may_walk=True)
    single.answer("Rejected")
    single.answer("Rejected")
    assert "TxDefaultProfile" in str(single.next())
    smart_charging.limit(single.charger, watts=12000)
    single.answer()
    is_state(wish, "requested", "waiting")
    single.answer("Rejected")

    assert (sent_amps(single), sent_profile(single.next())[0]) == (10.0, 1)
