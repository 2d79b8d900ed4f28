"""Energy: the sum of plausible rises, never negative, whatever the register does."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargers.models import Transaction
from chargers.services import metering
from tests.chargers.conftest import NOW

MINUTE = timedelta(minutes=1)


def charged(*registers, start=1000.0, step=MINUTE):
    """Return a transaction that began at `start` and saw `registers` a step apart."""
    transaction = Transaction(start_wh=start, register_wh=start, register_at=NOW, flags=[])
    for number, register in enumerate(registers, 1):
        metering.advance(transaction, register, NOW + number * step)
    return transaction


@pytest.mark.parametrize(
    ("registers", "energy", "flags"),
    [
        ([1200, 1500], 500, []),
        ([1200, None, 1500], 500, []),
        ([1200, 50, 150], 350, ["register fell"]),
        ([1200, 1190, 1300], 310, ["register fell"]),
        ([910_000], 0, ["register leapt"]),
        ([910_000, 910_083], 83, ["register leapt"]),
    ],
)
def test_energy_is_summed_by_segments(registers, energy, flags):
    """A register that falls or leaps has changed its base."""
    transaction = charged(*registers)
    assert (transaction.energy_wh, transaction.flags) == (energy, flags)


def test_older_reading_changes_nothing():
    """Values replayed from a time offline were counted by those after them."""
    transaction = charged(1500)
    metering.advance(transaction, 1200, NOW)
    assert (transaction.energy_wh, transaction.register_wh) == (500, 1500)


def test_first_register_begins_where_the_start_did_not_tell():
    """2.0.1 stations may begin without a register."""
    transaction = Transaction(flags=[])
    metering.advance(transaction, 700, NOW)
    metering.advance(transaction, 900, NOW + MINUTE)
    assert (transaction.start_wh, transaction.energy_wh) == (700, 200)


@given(st.lists(st.none() | st.floats(0, 1e9), max_size=20))
def test_energy_never_falls_and_never_leaps(registers):
    """No sequence of registers bills what no charger can deliver."""
    transaction, before = charged(), 0.0
    for number, register in enumerate(registers, 1):
        metering.advance(transaction, register, NOW + number * MINUTE)
        assert transaction.energy_wh >= before
        before = transaction.energy_wh
    most = metering.MOST_PLAUSIBLE_W * len(registers) / 60 + metering.PLAUSIBLE_SLACK_WH * len(registers)
    assert transaction.energy_wh <= most


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("started", "stopped", "flags"),
    [
        ("1970-01-01T00:00:10Z", "1970-01-01T02:00:10Z", ["start time clock", "stop time clock"]),
        ("2026-11-21T09:00:00Z", "2015-01-01T02:00:10Z", ["stop before start"]),
    ],
)
@pytest.mark.parametrize(("meter_stop", "energy"), [(21_000, 20_000), (911_000, 0)])
def test_session_of_a_charger_without_a_clock_is_billed(
    tell, driver, started, stopped, flags, meter_stop, energy
):
    """What it stored while offline arrives at once; the time tells nothing, only a lifetime is too much."""
    start = {"connectorId": 1, "idTag": "TAG1", "meterStart": 1000, "timestamp": started}
    number = tell("StartTransaction", start)["transactionId"]
    tell("StopTransaction", {"transactionId": number, "meterStop": meter_stop, "timestamp": stopped})
    row = Transaction.objects.get()
    assert (row.energy_wh, row.flags) == (energy, flags + (["register leapt"] if not energy else []))


@pytest.mark.django_db
def test_start_at_zero_of_a_meter_that_has_counted_is_not_billed_for_its_life(tell, driver):
    """A start register of 0, sent while offline, once billed 910 kWh for 83 Wh."""
    first = {"connectorId": 1, "idTag": "TAG1", "meterStart": 900_000, "timestamp": "2026-11-21T08:00:00Z"}
    number = tell("StartTransaction", first)["transactionId"]
    values = [{"timestamp": "2026-11-21T08:10:00Z", "sampledValue": [{"value": "910000"}]}]
    tell("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values})
    tell(
        "StopTransaction",
        {"transactionId": number, "meterStop": 910_000, "timestamp": "2026-11-21T08:20:00Z"},
    )

    offline = {"connectorId": 1, "idTag": "TAG1", "meterStart": 0, "timestamp": "2026-11-21T09:00:00Z"}
    number = tell("StartTransaction", offline)["transactionId"]
    tell(
        "StopTransaction",
        {"transactionId": number, "meterStop": 910_083, "timestamp": "2026-11-21T11:00:00Z"},
    )

    row = Transaction.objects.get(pk=number)
    assert (row.energy_wh, row.flags) == (83, ["start register unknown"])
