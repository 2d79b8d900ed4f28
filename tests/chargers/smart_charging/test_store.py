"""Which profiles a station takes, which they replace, and which a clearing takes away."""

import pytest

from chargers.smart_charging import store
from chargers.smart_charging.composite import Running
from chargers.smart_charging.profiles import BadProfile
from chargers.smart_charging.store import Rules
from tests.chargers.smart_charging.words import NOON, profile

pytestmark = pytest.mark.once

V16, V201 = Rules(evses=(1, 2)), Rules(evses=(1, 2), is_v16=False)
STATION, TX, EXTERNAL = "ChargingStationMaxProfile", "TxProfile", "ChargingStationExternalConstraints"
RUNNING = {1: Running("T1", NOON)}


def reason(candidate, *held, rules=V16, running=RUNNING):
    """Return (member, reasonCode) of a refusal; raises nothing where there should be one."""
    with pytest.raises(BadProfile) as refusal:
        store.check(candidate, held, rules, running)
    return refusal.value.member, refusal.value.reason


@pytest.mark.parametrize("rules", [V16, V201])
@pytest.mark.parametrize(
    "candidate",
    [
        profile(evse=0),
        profile(evse=2),
        profile(evse=0, purpose=STATION),
        profile(purpose=TX, transactionId="T1"),
        profile(chargingProfileKind="Recurring", recurrencyKind="Daily"),
        profile(chargingProfileKind="Relative", start=None),
    ],
)
def test_what_may_come_in(candidate, rules):
    store.check(candidate, (), rules, RUNNING)

    assert store.install(candidate, ()) == (candidate,)


@pytest.mark.parametrize("rules", [V16, V201])
@pytest.mark.parametrize(
    ("candidate", "member", "code"),
    [
        (profile(evse=3), "evseId", "UnknownEvse"),
        (profile(evse=-1), "evseId", "UnknownEvse"),
        (profile(purpose=EXTERNAL), "chargingProfilePurpose", "InvalidProfile"),
        (profile(purpose=STATION), "evseId", "InvalidProfile"),
        (profile(evse=0, purpose=TX), "evseId", "InvalidProfile"),
        (
            profile(evse=0, purpose=STATION, chargingProfileKind="Relative", start=None),
            "chargingProfileKind",
            "InvalidProfile",
        ),
        (profile(start=None), "chargingSchedule.startSchedule", "InvalidSchedule"),
        (profile(level=100), "stackLevel", "InvalidStackLevel"),
        (profile(level=-1), "stackLevel", "InvalidStackLevel"),
        (profile(periods=" ".join(f"{n}:6" for n in range(25))), "chargingSchedulePeriod", "TooManyElements"),
        (profile(evse=2, purpose=TX, transactionId="T1"), "transactionId", "TxNotFound"),
        (profile(purpose=TX, transactionId="T9"), "transactionId", "TxNotFound"),
    ],
)
def test_what_is_refused_in_both_versions(candidate, member, code, rules):
    assert reason(candidate, rules=rules) == (member, code)


def test_unit_that_is_not_allowed():
    assert reason(profile(unit="W"), rules=Rules(units=frozenset("A"))) == (
        "chargingRateUnit",
        "UnsupportedRateUnit",
    )


def test_no_more_than_fit():
    """One that replaces another needs no room; what others have laid down takes none."""
    rules, held = Rules(max_installed=1), (profile(1), profile(9, purpose=EXTERNAL))

    store.check(profile(1, level=3), held, rules, {})

    assert reason(profile(2, level=3), *held, rules=rules) == ("chargingProfile", "TooManyElements")


def test_16_needs_no_transaction_id():
    """It can come before the CSMS has given one."""
    store.check(profile(purpose=TX), (), V16, RUNNING)

    assert reason(profile(purpose=TX), rules=V201) == ("transactionId", "MissingParam")


def test_relative_has_no_start_in_201():
    store.check(profile(chargingProfileKind="Relative"), (), V16, {})

    assert reason(profile(chargingProfileKind="Relative"), rules=V201)[0] == "chargingSchedule.startSchedule"


# Replacing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_v16", [True, False])
def test_same_number_replaces_wherever_it_sits(is_v16):
    before, after = profile(1, evse=2, level=3), profile(1, evse=0, purpose=STATION)

    assert store.install(after, (before,), is_v16=is_v16) == (after,)


def test_same_place_and_level_replaces_in_16():
    before, elsewhere, after = profile(1), profile(2, evse=2), profile(3)

    assert store.install(after, (before, elsewhere)) == (elsewhere, after)


@pytest.mark.parametrize("place", [0, 1])
def test_same_place_and_level_is_refused_in_201(place):
    """Of all EVSEs as of this one (K01.FR.06, 52, 53)."""
    assert reason(profile(2), profile(1, evse=place), rules=V201) == ("stackLevel", "DuplicateProfile")
    assert reason(profile(2, evse=place), profile(1), rules=V201) == ("stackLevel", "DuplicateProfile")


def test_same_place_and_level_at_another_time_is_welcome():
    before, after = profile(1, validTo=60), profile(2, validFrom=60)

    store.check(after, (before,), V201, {})

    assert store.install(after, (before,), is_v16=False) == (before, after)


def test_limits_of_others_are_not_replaced():
    external = profile(1, purpose=EXTERNAL)

    assert reason(profile(1), external, rules=V201) == ("id", "InvalidProfileId")
    assert external in store.install(profile(1), (external,))


# Remote starts --------------------------------------------------------------------------------


def test_remote_start_may_bring_a_profile():
    store.check_start(profile(purpose=TX), (), V16)


@pytest.mark.parametrize(
    ("candidate", "member"),
    [
        (profile(), "chargingProfilePurpose"),
        (profile(evse=0, purpose=TX), "evseId"),
        (profile(purpose=TX, transactionId="T1"), "transactionId"),
        (profile(purpose=TX, level=100), "stackLevel"),
        (profile(purpose=TX, start=None), "chargingSchedule.startSchedule"),
    ],
)
def test_profile_that_a_remote_start_cannot_bring(candidate, member):
    with pytest.raises(BadProfile) as refusal:
        store.check_start(candidate, (), V16)

    assert refusal.value.member == member


# Clearing -------------------------------------------------------------------------------------

HELD = (
    profile(1, evse=0, purpose=STATION),
    profile(2),
    profile(3, level=1),
    profile(4, evse=2),
    profile(5, purpose=EXTERNAL),
)


@pytest.mark.parametrize(
    ("criteria", "gone"),
    [
        ({}, [1, 2, 3, 4]),
        ({"profile_id": 3}, [3]),
        ({"profile_id": 3, "evse": 2}, [3]),
        ({"profile_id": 9}, []),
        ({"profile_id": 5}, []),
        ({"evse": 0}, [1]),
        ({"evse": 1}, [2, 3]),
        ({"purpose": "TxDefaultProfile", "stack_level": 0}, [2, 4]),
        ({"evse": 1, "stack_level": 0}, [2]),
    ],
)
def test_clearing(criteria, gone):
    """A number stands for itself alone; what others laid down stays."""
    kept, cleared = store.clear(HELD, **criteria)

    assert [each.profile_id for each in cleared] == gone
    assert sorted((*kept, *cleared), key=lambda it: it.profile_id) == list(HELD)


@pytest.mark.parametrize(
    ("criteria", "found"),
    [({}, [1, 2, 3, 4, 5]), ({"profile_ids": [2, 9]}, [2]), ({"evse": 1, "purpose": EXTERNAL}, [5])],
)
def test_matching(criteria, found):
    assert [each.profile_id for each in store.matching(HELD, **criteria)] == found


def test_profiles_of_a_transaction_end_with_it():
    held = (profile(1), profile(2, purpose=TX), profile(3, evse=2, purpose=TX))

    assert [each.profile_id for each in store.without_transaction(held, 1)] == [1, 3]
