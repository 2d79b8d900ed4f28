"""The charging curve: thinned out in SQL, energy by segments."""

from datetime import timedelta

import pytest
from django.urls import reverse

from chargers.admin import curve
from chargers.models import Reading, Transaction
from chargers.services import metering
from tests.kit import world
from tests.kit.world import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def transaction(staff):
    row = world.of(staff)[Transaction]
    Reading.objects.all().delete()
    return row


def read(transaction, *readings):
    """Store readings given as (seconds after noon, values)."""
    Reading.objects.bulk_create(
        Reading(
            charger_id=transaction.charger_id,
            transaction=transaction,
            received_at=NOON,
            measured_at=NOON + timedelta(seconds=second),
            **values,
        )
        for second, values in readings
    )


def test_few_readings_are_all_there(transaction):
    """Nothing is thinned out that need not be."""
    read(transaction, (0, {"power_w": 1000.0}), (60, {"power_w": 3000.0}))

    points = curve.of_transaction(transaction)

    assert points["power_w"] == [1000.0, 3000.0]
    assert points["time"] == [int(NOON.timestamp()), int(NOON.timestamp()) + 60]


def test_many_readings_become_a_thousand_points(transaction):
    """The answer is bounded, whatever the length of the transaction."""
    read(transaction, *((second, {"power_w": 1.0}) for second in range(5000)))

    points = curve.of_transaction(transaction)

    assert 500 < len(points["time"]) <= 1000
    assert points["time"] == sorted(points["time"])


def test_energy_goes_on_when_the_meter_starts_over(transaction):
    """A register that falls begins a new segment."""
    registers = [5000.0, 6000.0, 0.0, 500.0]
    read(transaction, *((60 * index, {"register_wh": value}) for index, value in enumerate(registers)))

    assert curve.of_transaction(transaction)["energy_wh"] == [0.0, 1000.0, 1000.0, 1500.0]


@pytest.mark.parametrize(
    "registers",
    [[1000, 1500, 2500], [1400, 1500], [1400, 100, 300], [1400, 910_000, 910_500], [None, 1200]],
)
def test_chart_and_bill_agree(transaction, registers):
    """From the register of the start on, over a meter that starts over or leaps."""
    transaction.start_wh = transaction.register_wh = 1000.0
    transaction.register_at = NOON
    for index, value in enumerate(registers):
        metering.advance(transaction, value, NOON + timedelta(seconds=60 * index))
    read(transaction, *((60 * index, {"register_wh": value}) for index, value in enumerate(registers)))

    assert curve.of_transaction(transaction)["energy_wh"][-1] == transaction.energy_wh


def test_transaction_without_readings_has_an_empty_curve(transaction):
    """Nothing to draw is no error."""
    assert curve.of_transaction(transaction)["time"] == []
    assert curve.in_words(curve.of_transaction(transaction)) == "No readings yet."


def test_summary_says_what_the_chart_shows(transaction):
    """Who cannot see the chart reads its essence."""
    read(
        transaction,
        (0, {"power_w": 11000.0, "register_wh": 0.0, "soc_percent": 20.0}),
        (3600, {"power_w": 9000.0, "register_wh": 10000.0, "soc_percent": 80.0}),
    )

    words = curve.in_words(curve.of_transaction(transaction))

    assert words == (
        "Power peaked at 11.0 kW and was 10.0 kW on average; 10.00 kWh were delivered; "
        "the battery went from 20 % to 80 %."
    )


def test_curve_is_served_as_json(as_staff, transaction):
    """The chart fetches the same points from the admin site."""
    read(transaction, (0, {"power_w": 1000.0}))

    answer = as_staff.get(reverse("admin:chargers_transaction_curve", args=[transaction.pk]))

    assert answer.json()["power_w"] == [1000.0]


def test_curve_of_another_owner_is_missing(as_staff, owner):
    """A guessed number shows no curve."""
    row = world.of(owner)[Transaction]

    assert as_staff.get(reverse("admin:chargers_transaction_curve", args=[row.pk])).status_code == 404
