"""May this connection be this charger?

Look-ups are made for many at once, so that a fleet that returns after an outage is let in by a
few queries.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db.models import F

from chargers import batch
from chargers.models import Charger, FailedHandshake, RegistrationStatus
from chargers.services import registration
from csms import addresses, bulk, events, secrets
from tokens.models import Account, Credential


@dataclass(slots=True)
class Attempt:
    """What a connection says of itself. `password` is None when it gave none."""

    identifier: str
    address: str = ""
    path: str = ""
    username: str = ""
    password: bytes | None = None
    protocol: str = ""  # the subprotocol chosen; "" when none was offered
    offered: list[str] = field(default_factory=list)
    hid: str = ""  # the human id of the account whose charger it says to be
    is_secure: bool = False
    # Hashes that a worker thread has compared slowly: {stored hash: whether it fits}.
    compared: dict[str, bool] = field(default_factory=dict)


@dataclass(slots=True)
class Decision:
    """What becomes of an attempt: the charger, a refusal, or a slow comparison to be made first."""

    charger: Charger | None = None
    refusal: str = ""
    status_code: int = 0
    compare: str = ""  # a stored hash that only the slow check can judge


UNKNOWN = Decision(refusal="unknown charger", status_code=404)
NO_ACCOUNT = Decision(refusal="unknown account", status_code=404)
UNAUTHORIZED = Decision(refusal="wrong or missing password", status_code=401)
INSECURE = Decision(refusal="needs a TLS connection", status_code=403)
NOT_ALLOWED = Decision(refusal="credential is not for this charger", status_code=403)
# 503 has a station come back, as it must once it may.
STOPPED = Decision(refusal="stopped by its operator", status_code=503)
TOO_MANY = Decision(refusal="too many new chargers", status_code=429)


_OF_THE_LIVING = "deleted_at IS NULL AND owner_id IN (SELECT id FROM auth_user WHERE is_active)"


class Desk:
    """The credentials and chargers that the attempts of one batch ask for."""

    def __init__(self, attempts):
        usernames = {attempt.username for attempt in attempts if attempt.username}
        identifiers = {attempt.identifier for attempt in attempts}
        hids = {attempt.hid for attempt in attempts if attempt.hid}
        credentials = Credential.objects.select_related("owner").filter(
            username__among=usernames, enabled=True, owner__is_active=True
        )
        self._credentials = {row.username: row for row in credentials}
        self._owners = _owners(hids) if hids else {}
        self._chargers = {}
        for row in bulk.load(Charger, "identifier", identifiers, condition=_OF_THE_LIVING):
            self._chargers.setdefault(row.identifier, []).append(row)

    def decide(self, attempt):
        """Return the Decision; order: credential, the charger's password, one that needs none, policy.

        A human id narrows all of it to its account: what is another's does not fit.
        """
        chargers = self._chargers.get(attempt.identifier, [])
        owner = None
        if attempt.hid:
            owner = self._owners.get(attempt.hid)
            if owner is None:
                return NO_ACCOUNT
            chargers = [row for row in chargers if row.owner_id == owner.pk]
        credential = self._credentials.get(attempt.username) if attempt.password is not None else None
        if credential is not None:
            is_foreign = owner is not None and credential.owner_id != owner.pk
            decision = UNAUTHORIZED if is_foreign else self._by_credential(attempt, credential, chargers)
            # User names are one space for all owners: nobody's may lock out a charger that is named alike.
            if decision is not UNAUTHORIZED:
                return decision
        if attempt.password is not None:
            own = [row for row in chargers if row.password_hash and attempt.username == row.identifier]
            decision = _first_that_fits(attempt, own)
            if decision is not None:
                return decision
        if credential is not None:
            return UNAUTHORIZED
        open_ones = [row for row in chargers if row.needs_no_password]
        if len(open_ones) == 1:
            return _admitted(attempt, open_ones[0])
        return UNAUTHORIZED if chargers else self._unknown(attempt, owner)

    def _by_credential(self, attempt, credential, chargers):
        fits = _fits(attempt, credential)
        if not fits:
            return UNAUTHORIZED if fits is False else Decision(compare=credential.password_hash)
        if not credential.allows(attempt.identifier):
            return NOT_ALLOWED
        for charger in chargers:
            if charger.owner_id == credential.owner_id:
                return _admitted(attempt, charger)
        return self._enter(attempt, credential.owner)

    def _unknown(self, attempt, owner):
        owner = owner or registration.default_owner()
        if owner is None or settings.CSMS_UNKNOWN_CHARGERS == "reject":
            return UNKNOWN
        return self._enter(attempt, owner)

    def _enter(self, attempt, owner):
        """Enter a charger nobody knows, within bounds: names cost an attacker nothing."""
        if settings.CSMS_UNKNOWN_CHARGERS == "reject":
            return UNKNOWN
        if not _may_enter(attempt.address):
            return TOO_MANY
        charger = registration.enter_unknown(
            attempt.identifier,
            owner,
            attempt.protocol or "ocpp1.6",
            address=addresses.bucket(attempt.address),
        )
        self._chargers.setdefault(attempt.identifier, []).append(charger)
        return _admitted(attempt, charger)


def _owners(hids):
    """Return {human id: owner} of accounts that are in use."""
    accounts = Account.objects.select_related("owner").filter(hid__among=hids, owner__is_active=True)
    return {account.hid: account.owner for account in accounts}


def _first_that_fits(attempt, rows):
    """Return the decision for rows with a password of their own; None when there is no such row."""
    for row in rows:
        fits = _fits(attempt, row)
        if fits is None:
            return Decision(compare=row.password_hash)
        if fits:
            return _admitted(attempt, row)
    return UNAUTHORIZED if rows else None


def _fits(attempt, row):
    """Say whether the password is the row's; None when only a slow comparison can tell."""
    if row.password_hash in attempt.compared:
        fits = attempt.compared[row.password_hash]
        if fits:
            row.password_verifier = secrets.verifier(attempt.password, row.password_hash)
            row.save(update_fields=["password_verifier"])
        return fits
    return secrets.check_fast(attempt.password, row.password_hash, row.password_verifier)


def _admitted(attempt, charger):
    if charger.security_profile >= 2 and not attempt.is_secure:
        return INSECURE
    if charger.stopped_at is not None:
        return STOPPED
    return Decision(charger=charger)


def _may_enter(address):
    limit = settings.CSMS_PENDING_CHARGERS_PER_HOUR
    since = batch.now() - timedelta(hours=1)
    recent = Charger.objects.filter(
        first_address=addresses.bucket(address),
        created_at__gt=since,
        registration_status=RegistrationStatus.PENDING,
    )
    return settings.CSMS_UNKNOWN_CHARGERS == "accept" or recent.count() < limit


def record_failure(attempt, reason, status_code):
    """Count a refused attempt in the row of its hour; a flood of new names is cut off."""
    now = batch.now()
    same = batch.fitted(
        FailedHandshake,
        hour=now.replace(minute=0, second=0, microsecond=0),
        address=addresses.bucket(attempt.address),
        identifier=attempt.identifier,
        username=attempt.username,
        reason=reason,
    )
    if FailedHandshake.objects.filter(**same).update(count=F("count") + 1, last_at=now):
        return
    of_address = FailedHandshake.objects.filter(address=same["address"], hour=same["hour"])
    if of_address.count() >= settings.CSMS_FAILED_HANDSHAKES_PER_HOUR:
        return
    details = batch.fitted(
        FailedHandshake, path=attempt.path, subprotocols=", ".join(attempt.offered), status_code=status_code
    )
    # Where several owners have such a charger, whom it concerns is anyone's guess, and no other's business.
    known = Charger.objects.alive().filter(identifier=attempt.identifier)
    if attempt.hid:
        known = known.filter(owner__account__hid=attempt.hid)
    known = list(known[:2])
    known = known[0] if len(known) == 1 else None
    row, is_new = FailedHandshake.objects.get_or_create(
        **same, defaults={**details, "first_at": now, "last_at": now, "charger": known}
    )
    if is_new:
        # Once for the row, not for the attempt: nobody fills the events by knocking.
        events.record("charger.refused", charger=known, object_id=row.pk, reason=reason)
    else:
        FailedHandshake.objects.filter(pk=row.pk).update(count=F("count") + 1, last_at=now)
