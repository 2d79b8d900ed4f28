"""EVerest's variable charging_schedules: what each connector and the whole station may draw from now on."""

import asyncio
from dataclasses import dataclass

from chargers.wire import clock

UNITS = ("A", "W")


@dataclass(frozen=True, slots=True)
class Settings:
    """What EVerest's modules are configured with, in its names made Python's.

    The schedules are published every `interval_s` seconds (PublishChargingScheduleIntervalS; 0: only
    at changes) for the `duration_s` to come (PublishChargingScheduleDurationS) in the unit `unit`
    (RequestCompositeScheduleUnit); in the later, typed shape if `is_typed`.
    """

    interval_s: float = 30
    duration_s: int = 600
    unit: str = "A"
    is_typed: bool = False

    def __post_init__(self):
        if self.unit not in UNITS:
            raise ValueError(f"RequestCompositeScheduleUnit must be A or W, not {self.unit!r}")
        if not 0 <= self.interval_s < self.duration_s:
            raise ValueError(
                "PublishChargingScheduleDurationS must be more than PublishChargingScheduleIntervalS"
            )


class Schedules:
    """Publishes the schedules of a charge point: when it starts, at every change, and now and then."""

    def __init__(self, point, publish, settings):
        self._point, self._publish, self._settings = point, publish, settings
        self._changed = asyncio.Event()
        point.subscribe("is_running", self._hear_running)
        point.subscribe("charging_profiles", lambda value: self._changed.set())

    def now(self):
        """Return the schedules as they are published."""
        plans = {
            number: self._point.smart_charging.composite(
                number, self._settings.duration_s, self._settings.unit
            )
            for number in (0, *self._point.connectors)
        }
        if self._settings.is_typed:
            return {"schedules": [_typed(number, plan) for number, plan in plans.items()]}
        return {str(number): _untyped(plan) for number, plan in plans.items()}

    def _hear_running(self, is_running):
        if is_running:
            self._point.spawn(self._run())

    async def _run(self):
        while True:
            self._changed.clear()
            self._publish(self.now())
            try:
                async with asyncio.timeout(self._settings.interval_s or None):
                    await self._changed.wait()
            except TimeoutError:
                continue


def _untyped(plan):
    """Return a ChargingSchedule of OCPP 1.6."""
    return {
        "duration": plan.duration,
        "startSchedule": clock.text(plan.start),
        "chargingRateUnit": plan.unit,
        "chargingSchedulePeriod": [period.payload() for period in plan.periods],
    }


def _typed(number, plan):
    """Return EVerest's type ChargingSchedule."""
    return {
        "evse": number,
        "charging_rate_unit": plan.unit,
        "charging_schedule_period": [_typed_period(period) for period in plan.periods],
        "duration": plan.duration,
        "start_schedule": clock.text(plan.start),
    }


def _typed_period(period):
    told = {"start_period": period.start, "limit": period.limit}
    return told | ({"number_phases": period.phases} if period.phases else {})
