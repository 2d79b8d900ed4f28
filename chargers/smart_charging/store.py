"""The profiles that a station holds: which may come in, which they replace, and which are cleared. Pure.

What is held is a tuple of Profiles; every verb returns a new one.
"""

from dataclasses import dataclass

from chargers.smart_charging.profiles import (
    AMPS,
    EXTERNAL,
    RECURRING,
    RELATIVE,
    STATION_MAX,
    TX,
    WATTS,
    BadProfile,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a station can take. `is_v16`: as OCPP 1.6 has it, else as 2.0.1 does.

    1.6 lets a profile replace another at the same place and stack level, where 2.0.1 refuses it unless
    they are valid at different times (K01.FR.06, 52, 53), and it does not ask for a transactionId.
    """

    evses: tuple[int, ...] = (1,)
    max_stack_level: int = 99
    max_periods: int = 24
    max_installed: int = 20
    units: frozenset[str] = frozenset((AMPS, WATTS))
    is_v16: bool = True


def check(profile, held, rules, running):
    """Raise BadProfile where a station with these Rules must refuse to install `profile`.

    `running` maps EVSEs to their Running, as for the composite.
    """
    if profile.evse not in (0, *rules.evses):
        raise BadProfile("evseId", f"is not one of 0 to {len(rules.evses)}", "UnknownEvse")
    _check_purpose(profile)
    _check_kind(profile, rules)
    _check_capacity(profile, held, rules)
    if profile.purpose == TX:
        _check_transaction(profile, rules, running.get(profile.evse))
    if not rules.is_v16:
        _check_rivals(profile, held)


def check_start(profile, held, rules):
    """Raise BadProfile where a remote start cannot bring `profile`: it must be for what then begins."""
    if profile.purpose != TX:
        raise BadProfile("chargingProfilePurpose", f"must be {TX} in a remote start")
    if profile.evse not in rules.evses:
        raise BadProfile("evseId", "is needed where a remote start brings a profile", "UnknownEvse")
    if profile.transaction_id:
        raise BadProfile("transactionId", "cannot be known before the start")
    _check_kind(profile, rules)
    _check_capacity(profile, held, rules)


def install(profile, held, *, is_v16=True):
    """Return what is held once `profile` is: it replaces its own number, and in 1.6 its place and level."""
    return (*_remaining(profile, held, is_v16), profile)


def clear(held, *, profile_id=None, evse=None, purpose=None, stack_level=None):
    """Return (what is still held, what is gone) after a clearing; a number stands for itself alone.

    What others than the CSMS have laid down is not for it to clear.
    """
    asked = {"evse": evse, "purpose": purpose, "stack_level": stack_level}
    if profile_id is not None:
        asked = {"profile_id": profile_id}
    gone = tuple(each for each in held if each.purpose != EXTERNAL and _fits(each, asked))
    return tuple(each for each in held if each not in gone), gone


def matching(held, *, profile_ids=None, evse=None, purpose=None, stack_level=None):
    """Return what is held and fits all criteria; none of them fits everything."""
    asked = {"evse": evse, "purpose": purpose, "stack_level": stack_level}
    return tuple(
        each for each in held if _fits(each, asked) and (not profile_ids or each.profile_id in profile_ids)
    )


def without_transaction(held, evse):
    """Return what is held once the transaction at an EVSE has ended."""
    return tuple(each for each in held if each.purpose != TX or each.evse != evse)


def _fits(profile, asked):
    return all(value is None or getattr(profile, name) == value for name, value in asked.items())


def _remaining(profile, held, is_v16):
    return [each for each in held if not _replaces(profile, each, is_v16)]


def _replaces(profile, other, is_v16):
    if EXTERNAL in (profile.purpose, other.purpose):
        return (profile.purpose, profile.evse) == (other.purpose, other.evse)
    if profile.profile_id == other.profile_id:
        return True
    return is_v16 and _place(profile) == _place(other)


def _place(profile):
    return profile.evse, profile.stack_level, profile.purpose


# Reasons to refuse ----------------------------------------------------------------------------


def _check_purpose(profile):
    if profile.purpose == EXTERNAL:
        raise BadProfile("chargingProfilePurpose", "cannot be set by a CSMS")  # K01.FR.22
    if profile.purpose == STATION_MAX and profile.evse:
        raise BadProfile("evseId", f"must be 0 for a {STATION_MAX}")
    if profile.purpose == STATION_MAX and profile.kind == RELATIVE:
        raise BadProfile("chargingProfileKind", f"cannot be Relative in a {STATION_MAX}")  # K01.FR.38
    if profile.purpose == TX and not profile.evse:
        raise BadProfile("evseId", f"cannot be 0 for a {TX}")  # K01.FR.16


def _check_kind(profile, rules):
    start = profile.schedule.start
    if profile.kind != RELATIVE and start is None:
        raise BadProfile("chargingSchedule.startSchedule", f"is needed for {profile.kind}", "InvalidSchedule")
    if profile.kind == RELATIVE and start is not None and not rules.is_v16:
        raise BadProfile("chargingSchedule.startSchedule", "cannot be in Relative", "InvalidSchedule")
    if profile.kind == RECURRING and not profile.recurrency:
        raise BadProfile("recurrencyKind", "is needed where the kind is Recurring")


def _check_capacity(profile, held, rules):
    if not 0 <= profile.stack_level <= rules.max_stack_level:
        raise BadProfile("stackLevel", f"must be 0 to {rules.max_stack_level}", "InvalidStackLevel")
    if profile.schedule.unit not in rules.units:
        raise BadProfile("chargingRateUnit", "is not supported", "UnsupportedRateUnit")
    if len(profile.schedule.periods) > rules.max_periods:
        cause = f"has more than {rules.max_periods} periods"
        raise BadProfile("chargingSchedulePeriod", cause, "TooManyElements")
    ours = [each for each in _remaining(profile, held, rules.is_v16) if each.purpose != EXTERNAL]
    if len(ours) >= rules.max_installed:
        raise BadProfile("chargingProfile", f"is one more than {rules.max_installed}", "TooManyElements")


def _check_transaction(profile, rules, transaction):
    if transaction is None:
        raise BadProfile("transactionId", "there is no transaction at this EVSE", "TxNotFound")
    if not profile.transaction_id and not rules.is_v16:
        raise BadProfile("transactionId", f"is needed for a {TX}", "MissingParam")  # K01.FR.03
    if profile.transaction_id not in ("", transaction.transaction_id):
        raise BadProfile("transactionId", "is not the one that runs at this EVSE", "TxNotFound")


def _check_rivals(profile, held):
    for other in held:
        if other.profile_id == profile.profile_id:
            if other.purpose == EXTERNAL:
                raise BadProfile("id", "belongs to a limit of others", "InvalidProfileId")
            continue
        if (other.purpose, other.stack_level) != (profile.purpose, profile.stack_level):
            continue
        if (other.evse == profile.evse or 0 in (other.evse, profile.evse)) and _overlap(other, profile):
            raise BadProfile(
                "stackLevel", f"is taken by profile {other.profile_id}, valid then too", "DuplicateProfile"
            )


def _overlap(one, other):
    return _begins_before_end(one, other) and _begins_before_end(other, one)


def _begins_before_end(one, other):
    return one.valid_from is None or other.valid_to is None or one.valid_from < other.valid_to
