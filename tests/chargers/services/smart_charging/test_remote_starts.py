"""Charging profiles that a remote start brings: rows, as long as the charger has them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chargers.models import ChargingProfile, CompositeSchedule, Transaction
from chargers.services import commands, remote, smart_charging
from chargers.wire import v16
from tests.chargers.services.smart_charging.rows import fresh
from tests.chargers.services.smart_charging.test_profiles import PROFILE

pytestmark = pytest.mark.django_db
BROUGHT = PROFILE | {"id": 7, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Relative"}
IN_201 = pytest.mark.parametrize("station", ["ocpp2.0.1"], indirect=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def order(station):
    """Return a function that orders a start with a profile, on the first place or on none."""

    def run(*, somewhere=False, **changes):
        profile, is_16 = BROUGHT | changes, station.charger.protocol == "ocpp1.6"
        if is_16:
            payload = {"idTag": "TAG1", "chargingProfile": v16.charging_profile(profile)}
            payload |= {} if somewhere else {"connectorId": 1}
        else:
            token = {"idToken": "TAG1", "type": "Central"}
            payload = {"idToken": token, "remoteStartId": 5, "chargingProfile": profile}
            payload |= {} if somewhere else {"evseId": 1}
        action = "RemoteStartTransaction" if is_16 else "RequestStartTransaction"
        return commands.send(station.charger, action, payload, origin="api")

    return run


@pytest.fixture
def begin(station, tell, driver):
    """Return a function that has the charger tell of a transaction that begins at a place."""

    def run(number=1, remote_start_id=None):
        told = {"timestamp": timezone.now().isoformat()}
        if station.charger.protocol == "ocpp1.6":
            told |= {"idTag": driver.token, "connectorId": number, "meterStart": 0}
            tell("StartTransaction", told, now=timezone.now())
        else:
            info = {"transactionId": f"new-{Transaction.objects.count()}"}
            info |= {} if remote_start_id is None else {"remoteStartId": remote_start_id}
            told |= {"eventType": "Started", "triggerReason": "RemoteStart", "seqNo": 0}
            told |= {"transactionInfo": info, "evse": {"id": number, "connectorId": 1}}
            told |= {"idToken": {"idToken": driver.token, "type": "Central"}}
            tell("TransactionEvent", told, version="ocpp2.0.1", now=timezone.now())
        return Transaction.objects.latest("pk")

    return run


def the_row():
    return ChargingProfile.objects.get()


def test_accepted_profile_is_a_row(station, order):
    """Not a wish of ours; it waits for the transaction."""
    command = order()
    assert not ChargingProfile.objects.exists()
    station.answer()

    row = the_row()
    assert (row.purpose, row.state, row.is_desired) == ("TxProfile", "installed", False)
    assert (row.profile_id, row.installed["id"], row.evse_id + row.connector_id) == (7, 7, 1)
    assert (row.command, row.origin, row.transaction) == (command, "api", None)


@pytest.mark.parametrize("end", ["refused", "failed", "silent", "not for a transaction"])
def test_profile_that_the_charger_did_not_take_is_no_row(station, order, end):
    """Nor one of another purpose: the standard has it ignored."""
    order(**({"chargingProfilePurpose": "TxDefaultProfile"} if end == "not for a transaction" else {}))
    if end == "silent":
        station.stay_silent()
    elif end == "failed":
        station.fail("InternalError")
    else:
        station.answer("Rejected" if end == "refused" else "Accepted")

    assert not ChargingProfile.objects.exists()


@pytest.mark.parametrize("somewhere", [False, True])
def test_profile_lives_as_long_as_its_transaction(station, order, begin, somewhere):
    """Where no place was named, the driver tells which it is, and then the place is known."""
    order(somewhere=somewhere)
    station.answer()
    session = begin()
    row = the_row()
    assert (row.transaction, row.evse_id + row.connector_id) == (session, 1)
    smart_charging.keep(timezone.now() + 20 * MINUTE)
    assert the_row().state == "installed"
    Transaction.objects.update(ended_at=timezone.now() + 50 * MINUTE)  # by its clock
    smart_charging.keep(timezone.now())

    row = the_row()
    assert (row.state, row.reason, row.transaction) == ("removed", "its transaction has ended", None)


def test_transaction_elsewhere_has_nothing_to_do_with_it(station, order, begin):
    """Each place for itself."""
    order()
    station.answer()
    begin(2)

    assert the_row().transaction is None


def test_start_that_never_comes(station, order, begin):
    """The driver went away: the charger has dropped the profile, and what begins later is not limited by it."""
    order()
    station.answer()
    smart_charging.keep(timezone.now() + 9 * MINUTE)
    assert the_row().state == "installed"
    smart_charging.keep(timezone.now() + 11 * MINUTE)
    assert (the_row().state, the_row().reason) == ("removed", "no transaction has begun with it")
    begin()

    assert the_row().transaction is None


def test_transaction_that_begins_before_the_answer(station, order, begin):
    """Some are quicker with the transaction than with the answer."""
    order()
    session = begin()
    station.answer()

    assert the_row().transaction == session


@pytest.mark.parametrize("station", ["ocpp1.6"], indirect=True)
def test_transaction_of_long_ago_is_not_what_began(station, order):
    """A charge point that accepts whatever runs there already."""
    session = station.start()
    Transaction.objects.update(started_at=timezone.now() - 5 * MINUTE)
    order()
    station.answer()

    assert (the_row().transaction, fresh(session).ended_at) == (None, None)


@IN_201
@pytest.mark.parametrize(("told", "is_bound"), [(5, True), (6, False)])
def test_remote_start_id_goes_before_the_place(station, order, begin, told, is_bound):
    """A station that starts elsewhere than asked, and one that starts there for another."""
    order()
    station.answer()
    session = begin(2 if is_bound else 1, remote_start_id=told)

    row = the_row()
    assert (row.transaction, row.evse_id) == ((session, 2) if is_bound else (None, 1))


@IN_201
def test_answer_that_names_the_transaction(station, order):
    """The cable was in, and the transaction had begun with that."""
    session = station.start()
    order(somewhere=True)
    station.answer(transactionId=session.transaction_id)

    assert (the_row().transaction, the_row().evse_id) == (session, 1)


def test_schedules_are_asked_for_when_it_takes_effect(station, order, begin):
    """So a limit that it lifts is seen to be ignored."""
    order()
    station.answer()
    begin()

    assert CompositeSchedule.objects.filter(due_at__lte=timezone.now() + MINUTE).exists()


def test_number_is_used_again(station, order, begin):
    """Many orders name the same one."""
    for _ in range(2):
        order()
        station.answer()
        session = begin()
        assert the_row().transaction == session
        Transaction.objects.update(ended_at=timezone.now())
        smart_charging.keep(timezone.now())

    assert the_row().state == "removed"


def test_profile_is_cleared_by_its_row(station, order):
    """As any other."""
    order()
    station.answer()
    smart_charging.clear_profile(the_row())
    assert 7 in station.next("ClearChargingProfile").values()
    station.answer()

    assert the_row().state == "removed"


@IN_201
@pytest.mark.parametrize("named", [{}, {"transactionId": "new-0"}])
def test_report_keeps_it_bound(station, order, begin, tell, named):
    """Whether the station names the transaction or not."""
    order()
    station.answer()
    session = begin()
    told = {"requestId": 1, "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": [BROUGHT | named]}
    tell("ReportChargingProfiles", told, version="ocpp2.0.1", now=timezone.now())

    assert (the_row().transaction, the_row().state) == (session, "installed")


def test_profile_of_a_transaction_that_was_ordered_ends_with_it(station, order, begin):
    """Whoever set it: the charger drops it then."""
    session = begin()
    number = session.transaction_id or str(session.pk)
    asked = remote.words(station.charger).set_charging_profile(
        BROUGHT | {"transactionId": number}, evse_id=session.evse_id, connector_id=session.connector_id
    )
    commands.send(station.charger, *asked, origin="api")
    station.answer()
    assert the_row().transaction == session
    Transaction.objects.update(ended_at=timezone.now())
    smart_charging.keep(timezone.now())

    assert the_row().state == "removed"
