"""May this token charge here and now?"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from chargers import batch
from chargers.models import Transaction
from tokens.models import Account, Authorization, normalized

ACCEPTED, BLOCKED, EXPIRED, INVALID, CONCURRENT = "Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer in OCPP's words (AuthorizationStatus), and what belongs to it."""

    status: str
    authorization: Authorization | None = None

    @property
    def is_accepted(self):
        return self.status == ACCEPTED

    @property
    def expiry_date(self) -> datetime | None:
        return self.authorization.expiry_date if self.authorization else None

    @property
    def parent_token(self):
        return self.authorization.parent_token if self.authorization else ""


def check(charger, token, *, now, for_start=False):
    """Judge `token`, as it was presented at `charger`.

    ConcurrentTx is given only where a limit is set, on the authorization or the account, and
    only to a start (`for_start`): an Authorize is also how a driver stops. A charger that may not
    operate starts nothing for anyone.
    """
    authorization = _presented(charger, token)
    if authorization is None:
        return Verdict(INVALID)
    if not authorization.enabled:
        return Verdict(BLOCKED, authorization)
    if authorization.is_expired(now):
        return Verdict(EXPIRED, authorization)
    if for_start and not charger.may_operate:
        return Verdict(INVALID, authorization)
    if for_start and _runs_too_many(charger, authorization, token):
        return Verdict(CONCURRENT, authorization)
    return Verdict(ACCEPTED, authorization)


def _presented(charger, token):
    """Return the authorization that `token` means, at need without what a reader has appended to it.

    An unknown token with a prefix of CSMS_WILDCARD_PREFIXES means the one named `<prefix>*`: cars that
    identify themselves (AutoCharge) are let in together.
    """
    separator = settings.CSMS_TOKEN_SEPARATOR
    shorter = token.rpartition(separator)[0] if separator else ""
    for form in filter(None, (token, shorter, _wildcard(token))):
        if found := Authorization.objects.presented(charger.owner_id, form).first():
            return found
    return None


def _wildcard(token):
    """Return the token that stands for all with the prefix of `token`, or an empty string."""
    folded = normalized(token)
    prefixes = (prefix for prefix in settings.CSMS_WILDCARD_PREFIXES if prefix)
    return next((f"{prefix}*" for prefix in prefixes if folded.startswith(prefix.casefold())), "")


def _runs_too_many(charger, authorization, token):
    limit = authorization.concurrent_transactions
    if limit is None:
        account = Account.objects.filter(owner_id=charger.owner_id).first()
        limit = account and account.concurrent_transactions
    if limit is None:
        return False
    same = Q(authorization=authorization) | Q(id_token__iexact=authorization.token)
    if authorization.token_key == normalized(_wildcard(token)):
        # Many cars share the row; the limit is meant for each.
        same = Q(id_token__iexact=token)
    found = Transaction.objects.open().filter(same, owner_id=charger.owner_id)
    # One that has just ended may not be written yet.
    return sum(batch.as_changed(row).ended_at is None for row in found) >= limit
