"""Smart charging at the virtual charge point: the profiles it holds, and power that follows them.

Theory of operation. Whatever may change what is allowed (a profile comes or goes, a transaction
begins or ends, a limit of others) calls `apply`. It works out what each connector may draw now, has it
drawn, and sets one timer for the next moment at which that changes. Where the whole station has a limit,
those that charge share it. Profiles outlive the power; those of a transaction end with it.
"""

from dataclasses import replace

from chargers.smart_charging import store
from chargers.smart_charging.composite import Running, Supply, composite, limits
from chargers.smart_charging.profiles import AMPS, EXTERNAL, RELATIVE, TX, WATTS, BadProfile, Profile
from chargers.virtual import smart_charging_201 as notices
from chargers.virtual.power import shared
from chargers.wire.validation import V16, V201

# How far ahead one looks for the next change, in seconds.
HORIZON = 86_400
EXTERNAL_ID = -1
SOURCES = ("EMS", "SO", "Other", "CSO")
# The most periods of a schedule that is told (2.0.1's schema); a year of them would not fit into a frame.
MOST_PERIODS = 1024
_UNITS_16 = {"Current": AMPS, "Power": WATTS}


class SmartCharging:
    """The profiles of one charge point; `held` is what is installed, limits of others included."""

    def __init__(self, point):
        self._point = point
        self.held = ()
        self.source = ""  # who laid down the limit that is not the CSMS's
        self._promises = {}  # by connector: (token, profile) of a remote start
        self._timer, self._published = None, ((), [None] * len(point.connectors))

    # What the CSMS does -----------------------------------------------------------------------

    def install(self, payload, number):
        """Install a profile, in 2.0.1's words, at a connector or (0) the station; raises BadProfile."""
        self._demand_enabled()
        profile = self._read(payload, number)
        store.check(profile, self.held, self._rules, self._running())
        self._hold(store.install(profile, self.held, is_v16=self._rules.is_v16))
        if profile.purpose == TX:
            self._tell_schedule(profile)

    def clear(self, **criteria) -> bool:
        """Clear what fits (see store.clear); say whether there was any."""
        kept, gone = store.clear(self.held, **criteria)
        if gone:
            self._hold(kept)
        return bool(gone)

    def composite(self, number, duration, unit=AMPS):
        """Return the composite Schedule of a connector, or of the station (0), from now on.

        It ends sooner than `duration` where that would take too many periods.
        """
        settings = self._point.configuration
        return composite(
            self.held,
            evse=number,
            at=self._point.clock.now(),
            seconds=min(duration, settings.number("MaxCompositeScheduleDuration")),
            unit=unit,
            evses=tuple(self._point.connectors),
            running=self._running(),
            supply=self._supply,
            defaults={
                AMPS: settings.number("CompositeScheduleDefaultLimitAmps"),
                WATTS: settings.number("CompositeScheduleDefaultLimitWatts"),
            },
            most=MOST_PERIODS,
        )

    @property
    def units(self):
        """The units that are allowed, the preferred one first."""
        settings = self._point.configuration
        if self._point.version == V201:
            return settings.words("SmartChargingCtrlr.RateUnit")
        return [_UNITS_16[word] for word in settings.words("ChargingScheduleAllowedChargingRateUnit")]

    # Remote starts ----------------------------------------------------------------------------

    def for_start(self, payload, number):
        """Return the Profile that a remote start brings, None without one; raises BadProfile."""
        if payload is None or not self._point.configuration.supports("SmartCharging"):
            return None
        profile = self._read(payload, number or 0)
        store.check_start(profile, self.held, self._rules)
        return profile

    def promise(self, token, profile):
        """Keep a profile for the transaction that this token begins at the profile's connector."""
        if profile is not None:
            self._promises[profile.evse] = (token, profile)

    def take_promise(self, connector):
        """Return (token, profile) that was kept for a connector, or None; it is kept no longer."""
        return self._promises.pop(connector.connector_id, None)

    # What happens -----------------------------------------------------------------------------

    def began(self, connector, promised):
        """A transaction has begun, maybe by the remote start that brought what was `promised`."""
        token, profile = promised or ("", None)
        if profile is None or token != connector.transaction.token:
            self.apply()
            return
        if self._point.version == V201:  # in 1.6 the number is not known yet
            uid = connector.transaction.uid
            profile = replace(profile, transaction_id=uid, told={**profile.told, "transactionId": uid})
        self._hold(store.install(profile, self.held, is_v16=self._rules.is_v16))

    def ended(self, connector):
        """A transaction has ended, and its profiles with it."""
        self._hold(store.without_transaction(self.held, connector.connector_id))

    def plugged(self, connector):
        """A car has come; one that speaks ISO 15118 tells what it needs (K15)."""
        if connector.car.needs_wh is not None and self._point.version == V201:
            self._point.tell_soon(*notices.charging_needs(connector))

    def constrain(self, watts, source):
        """Somebody else limits the station, to `watts`, or no longer (None): tell the CSMS (K11 to K13)."""
        kept = tuple(each for each in self.held if each.purpose != EXTERNAL)
        told = notices.cleared_limit(self.source) if kept != self.held else None
        if watts is not None:
            payload = notices.constraint(EXTERNAL_ID, watts, self._point.clock.now())
            kept, self.source = (*kept, Profile.read(payload, evse=0)), source
            told = notices.charging_limit(source, payload)
        self._hold(kept)
        if told and self._point.version == V201:
            self._point.tell_soon(*told)

    # Power ------------------------------------------------------------------------------------

    def apply(self):
        """Have the connectors draw what they may now, and come back at the next change."""
        at = self._point.clock.now()
        span = {"at": at, "seconds": HORIZON, "running": self._running()}
        plans = {number: limits(self.held, evse=number, **span) for number in (0, *self._point.connectors)}
        self._allow({number: plan[0][1].in_unit(WATTS, self._supply) for number, plan in plans.items()})
        changes = [plan[1][0] for plan in plans.values() if len(plan) > 1]
        self._come_back(min(changes, default=HORIZON) - at.microsecond / 1e6)
        self._publish()

    def _allow(self, own):
        """Give each connector what it may draw: its own limit, or its share of the station's."""
        life, connectors = self._point.clock.life(), self._point.connectors.values()
        wishes = {
            each.connector_id: each.wish(own[each.connector_id])
            for each in connectors
            if each.transaction and not each.is_satisfied
        }
        own |= shared(own[0], wishes)
        for connector in connectors:
            if connector.allowed_w != own[connector.connector_id]:
                connector.allow(own[connector.connector_id], life)
                self._point.charging.note_state(connector)

    def _come_back(self, seconds):
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._point.spawn(self._apply_later(seconds)) if self.held else None

    async def _apply_later(self, seconds):
        await self._point.clock.sleep(seconds)
        self._timer = None
        self.apply()

    def _publish(self):
        watts = [each.allowed_w for each in self._point.connectors.values()]
        if self._published != (self.held, watts):
            self._published = (self.held, watts)
            told = {"profiles": [each.profile_id for each in self.held], "limits_w": watts}
            self._point.publish("charging_profiles", told)

    # Facts ------------------------------------------------------------------------------------

    def _hold(self, profiles):
        self.held = profiles
        self.apply()

    def _read(self, payload, number):
        profile = Profile.read(payload, evse=number)
        may_be_without = self._point.configuration.is_true("AllowChargingProfileWithoutStartSchedule")
        if may_be_without and profile.kind != RELATIVE and profile.schedule.start is None:
            start = self._point.clock.now().replace(microsecond=0)
            profile = replace(profile, schedule=replace(profile.schedule, start=start))
        return profile

    def _demand_enabled(self):
        if self._point.version == V201 and not self._point.configuration.is_true(
            "SmartChargingCtrlr.Enabled"
        ):
            raise BadProfile("chargingProfile", "smart charging is switched off", "NotEnabled")

    def _tell_schedule(self, profile):
        """A car that speaks ISO 15118 says what it will do with a schedule (K16)."""
        connector = self._point.connectors[profile.evse]
        if self._point.version == V201 and connector.car and connector.car.needs_wh is not None:
            plan = self.composite(profile.evse, profile.schedule.duration or HORIZON, profile.schedule.unit)
            self._point.tell_soon(*notices.charging_schedule(profile, plan))

    @property
    def _rules(self):
        settings = self._point.configuration
        return store.Rules(
            evses=tuple(self._point.connectors),
            max_stack_level=settings.number("ChargeProfileMaxStackLevel"),
            max_periods=settings.number("ChargingScheduleMaxPeriods"),
            max_installed=settings.number("MaxChargingProfilesInstalled"),
            units=frozenset(self.units),
            is_v16=self._point.version == V16,
        )

    @property
    def _supply(self):
        outlet = next(iter(self._point.connectors.values())).outlet
        if outlet.is_dc:
            return Supply(outlet.volts, 0)
        settings = self._point.configuration
        phases = min(outlet.phases, settings.number("CompositeScheduleDefaultNumberPhases"))
        return Supply(settings.number("SupplyVoltage"), phases)

    def _running(self):
        return {
            number: Running(str(self._point.words.transaction_id(running)), running.started_at)
            for number, each in self._point.connectors.items()
            if (running := each.transaction)
        }
