"""Whether a charger does what it accepted: by its composite schedule, and by what is measured."""

from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce

from chargers import batch
from chargers.models import ChargingLimit, ChargingProfile, Connector
from chargers.services import commands, remote, transactions
from chargers.services.smart_charging import answers, ladder, profiles, rules, trying
from chargers.services.smart_charging import capabilities as capabilities_of
from chargers.services.smart_charging.answers import Kind
from chargers.wire import clock

State = ChargingLimit.State
JUDGED = (State.ACCEPTED, State.VERIFIED, State.IGNORED)
WINDOW_SECONDS = 60
# A limit that is about to end may have ended by the charger's clock.
CLOCKS_DIFFER = timedelta(minutes=1)
# A charger may need a moment before its schedule follows; after the second look it is believed.
LOOKS, BETWEEN_LOOKS = 2, timedelta(seconds=10)
# How long a vehicle may take to follow a new limit.
MEASURING_GRACE = timedelta(seconds=30)
# Between two looks at the readings of a place; what was read longer apart says nothing of one moment.
BETWEEN_READINGS = timedelta(minutes=1)
TOLERANCE = 1.05
SLACK = {"A": 0.5, "W": 100.0}


# By composite schedule ------------------------------------------------------------------------


def ask(wish, *, unit=None):
    """Ask for the composite schedule of a limit's place, in the unit that was asked for if possible."""
    charger = wish.charger
    known = capabilities_of.of(charger)
    unit = unit or (wish.unit if known.allows(wish.unit) else wish.steps[-1]["unit"])
    place = {"evse_id": wish.evse_id, "connector_id": wish.connector_id}
    asked = remote.words(charger).get_composite_schedule(WINDOW_SECONDS, unit=unit, **place)
    wish.check_at = None
    try:
        wish.command = commands.send(charger, *asked, origin=wish.origin or "system", user=wish.created_by)
    except commands.NotConnected:
        wish.check_at = batch.now() + profiles.FIRST_PAUSE
    wish.composite = wish.composite | {"asked": unit}
    wish.save()


def composite_told(wish, command, outcome):
    """Judge a limit by the answer to the question for its composite schedule. Call under the lock."""
    told = wish.composite
    if outcome.kind == Kind.ACCEPTED:
        _judge(wish, remote.words(wish.charger).read_composite_schedule(command.result))
    elif outcome.kind == Kind.REFUSED and "refused" not in told:
        other = "W" if told.get("asked") == "A" else "A"
        wish.composite = told | {"refused": told.get("asked")}
        ask(wish, unit=other)
    else:
        if outcome.text == answers.NEVER_LEFT:
            wish.check_at = batch.now() + profiles.FIRST_PAUSE
        _unsaid(wish, outcome.text)


def _judge(wish, schedule):
    found = limit_at(schedule, batch.now())
    if found is None:
        _unsaid(wish, "a composite schedule that means nothing")
        return
    looks = wish.composite.get("looks", 0) + 1
    is_kept = _is_within(wish, *found)
    _note(wish, *found, looks=looks)
    if is_kept is None:
        _unsaid(wish, f"{wish.composite['said']}, on how many phases nobody says")
    elif is_kept or looks >= LOOKS:
        _conclude(
            wish, "composite_verified", is_kept, f"its composite schedule says {wish.composite['said']}"
        )
    else:
        wish.check_at = batch.now() + BETWEEN_LOOKS
        wish.save()


def heard(command):
    """Judge the limit of a place anew by its composite schedule, whoever asked for that and in which unit.

    Call with a GetCompositeSchedule that was accepted, under the lock.
    """
    wish = _told_at(command)
    schedule = remote.words(command.charger).read_composite_schedule(command.result)
    if wish is None or str(schedule.get("evseId", wish.number)) != str(wish.number):
        return
    found = limit_at(schedule, batch.now(), window=command.payload.get("duration") or WINDOW_SECONDS)
    is_kept = found and _is_within(wish, *found)
    # It may need a moment to follow: its own questions tell, unless they were lost.
    is_young = wish.state == State.ACCEPTED and batch.now() < wish.accepted_at + MEASURING_GRACE
    if is_kept is None or (is_young and not is_kept):
        return
    _note(wish, *found)
    _conclude(wish, "composite_verified", is_kept, f"its composite schedule says {wish.composite['said']}")


def _told_at(command):
    """Return the limit in force at the place of a question, if the charger has its profile; or None."""
    charger, asked = command.charger, command.payload
    there = ChargingLimit.objects.filter(
        charger=charger,
        evse_id=asked.get("evseId") or 0,
        connector_id=asked.get("connectorId") or 0,
        ended_at=None,
        state__in=JUDGED,
        accepted_at__isnull=False,
        profile__state=ChargingProfile.State.INSTALLED,
    )
    wish = there.select_related("profile").first()
    if wish is None or (wish.until and wish.until < batch.now() + CLOCKS_DIFFER):
        return None
    if charger.booted_at and wish.profile.installed_at < charger.booted_at:  # it is to be sent again
        return None
    wish.charger = wish.profile.charger = charger
    return wish


def _note(wish, value, unit, _phases, **more):
    said = {
        "limit": value,
        "unit": unit,
        "at": clock.text(batch.now()),
        "said": f"{round(value, 2):.10g} {unit}",
    }
    wish.composite = wish.composite | said | more


def _conclude(wish, proof, is_kept, words):
    """Note what one of the proofs says of a limit, and tell of it where that is news.

    Each takes back only what it said itself: else the two would take turns.
    """
    before = wish.state, getattr(wish, proof)
    setattr(wish, proof, is_kept)
    if not is_kept and wish.state != State.IGNORED:
        trying.ignore(wish, words)
        return
    if is_kept and False not in (wish.composite_verified, wish.measured_verified):
        trying.obey(wish)
    if before == (wish.state, is_kept):
        wish.save()
    else:
        trying.keep_row(wish)


def _unsaid(wish, words):
    wish.composite = wish.composite | {"said": words, "at": clock.text(batch.now())}
    wish.reason = f"Its composite schedule tells nothing ({words})."[:255]
    trying.keep_row(wish)


def _is_within(wish, value, unit, phases):
    """Say whether a schedule of `value` keeps a limit; None where that depends on the phases."""
    step, phases, spread = wish.steps[-1], wish.phases or phases, 1
    if unit == wish.unit:
        allowed = wish.value
    elif unit == step["unit"]:
        allowed = step["limit"]
    else:
        allowed = ladder.converted(wish.value, wish.unit, unit, phases=phases)
        spread = TOLERANCE * (1 if phases else ladder.MOST_PHASES)
    if value <= allowed + 0.1:
        return True
    return None if value <= allowed * spread + 0.1 else False


def limit_at(schedule, now, *, window=WINDOW_SECONDS):
    """Return (limit, unit, phases) of a CompositeSchedule at `now`; None where it makes no sense.

    One that begins elsewhere by the charger's clock than in the `window` of seconds that was asked for
    was asked for now: its first period counts.
    """
    unit, periods = schedule.get("chargingRateUnit"), schedule.get("chargingSchedulePeriod")
    if unit not in ("A", "W") or not isinstance(periods, list):
        return None
    start, oddity = clock.read(schedule.get("scheduleStart"), now)
    offset = 0 if oddity else max(0, (now - start).total_seconds())
    sane = [period for period in periods if _is_period(period)]
    begun = [period for period in sane if period["startPeriod"] <= offset <= window] or sane[:1]
    if not begun:
        return None
    period = max(begun, key=lambda each: each["startPeriod"])
    phases = period.get("numberPhases")
    return period["limit"], unit, phases if phases in (1, 2, 3) else None


def _is_period(period):
    return (
        isinstance(period, dict)
        and isinstance(period.get("startPeriod"), int)
        and rules.is_sane(period.get("limit"))
    )


# By measuring ---------------------------------------------------------------------------------


def measurable(now):
    """Return limits in force that were not measured yet, and where a reading has come that could tell."""
    fresh = Connector.objects.filter(
        charger=OuterRef("charger"), reading_at__gt=OuterRef("accepted_at") + MEASURING_GRACE
    )
    flowing = fresh.filter(Q(power_w__gt=0) | Q(current_a__gt=0))
    waiting = ChargingLimit.objects.filter(
        ended_at=None,
        state__in=[State.ACCEPTED, State.VERIFIED],
        measured_verified=None,
        accepted_at__lt=now - MEASURING_GRACE,
    )
    return waiting.filter(Exists(flowing) | Q(Exists(fresh), value=0))


def remeasurable(now):
    """Return limits in force that were measured, and where what is read a while later may say otherwise."""
    there = ChargingLimit.objects.filter(
        Q(until=None) | Q(until__gt=now + CLOCKS_DIFFER),
        Q(charger__booted_at=None) | Q(profile__installed_at__gte=F("charger__booted_at")),
        ended_at=None,
        state__in=[State.VERIFIED, State.IGNORED],
        measured_verified__isnull=False,
        profile__state=ChargingProfile.State.INSTALLED,
    )
    newer = Connector.objects.filter(
        charger=OuterRef("charger"),
        reading_at__gt=OuterRef("looked_at") + BETWEEN_READINGS,
    )
    here = Q(evse_id__gt=0, evse_id=OuterRef("evse_id")) | Q(evse_id=0, connector_id=OuterRef("connector_id"))
    is_whole = Q(evse_id=0, connector_id=0)
    looked = there.annotate(looked_at=Coalesce("measured_at", "accepted_at"))
    return looked.filter(Exists(newer.filter(here)) | is_whole & Q(Exists(newer)))


def measure(wish):
    """Judge a limit by what its place takes, once that is known, or anew. Call under the lock."""
    plugs = [plug for plug in wish.charger.connectors.all() if trying.at_place(plug, wish)]
    read = [plug for plug in plugs if _is_fresh(plug, wish)]
    if not read:
        return
    wish.measured_at = max(plug.reading_at for plug in read)
    if wish.measured_verified is not None:
        read = [plug for plug in read if plug.reading_at > wish.measured_at - BETWEEN_READINGS]
    told = [plug for plug in read if plug.connector_id or plug.evse_id] or read
    bounds = _bounds(told, wish)
    is_kept = bounds and _is_kept(wish, *bounds, is_whole=not _unmeasured(wish, plugs, told))
    if bounds:
        least = round(bounds[0], 1)
        wish.measured = {"value": least, "unit": wish.unit, "at": clock.text(told[0].reading_at)}
    if is_kept is not None:
        _conclude(wish, "measured_verified", is_kept, f"{bounds[0]:.1f} {wish.unit} were measured")
    elif wish.measured_verified is not None:
        wish.save(update_fields=["measured", "measured_at"])


def _is_kept(wish, least, most, *, is_whole):
    """Say whether what flows keeps a limit; None where nobody can say, or where it is on the brink."""
    tolerance = 1 if wish.state == State.IGNORED else TOLERANCE
    if least > wish.value * TOLERANCE + SLACK[wish.unit]:
        return False
    is_within = most <= wish.value * tolerance + SLACK[wish.unit] and (most > 0 or wish.value == 0)
    return True if is_within and is_whole else None


def _is_fresh(plug, wish):
    return plug.reading_at is not None and plug.reading_at > wish.accepted_at + MEASURING_GRACE


def _unmeasured(wish, plugs, told):
    """Return the connectors of a place on which a transaction runs and of which nothing is known."""
    return [
        plug
        for plug in plugs
        if plug not in told and transactions.running_on(wish.charger, plug.evse_id, plug.connector_id)
    ]


def _bounds(plugs, wish):
    """Return between what and what lies the quantity that is limited; None where nothing tells.

    Amps of several connectors may flow on the same phase or on different ones; watts flow on one phase
    or on three.
    """
    powers = [plug.power_w for plug in plugs if plug.power_w is not None]
    currents = [plug.current_a for plug in plugs if plug.current_a is not None]
    volts = max((plug.voltage_v for plug in plugs if plug.voltage_v), default=ladder.USUAL_VOLTS)
    fewest, most = (wish.phases, wish.phases) if wish.phases else (1, ladder.MOST_PHASES)
    if wish.unit == "W":
        if powers:
            return sum(powers), sum(powers)
        return (sum(currents) * volts * fewest, sum(currents) * volts * most) if currents else None
    if currents:
        return max(currents), sum(currents)
    return (sum(powers) / (volts * most), sum(powers) / (volts * fewest)) if powers else None
