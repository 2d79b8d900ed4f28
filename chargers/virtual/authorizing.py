"""Whether a token may charge: the CSMS's word, or what is known of it here.

Theory of operation. The local list is asked first, then the cache; who stands in the list is never
looked up in the cache (OCPP 1.6 section 3.5; 2.0.1 C14). What is known and accepted is enough where
LocalPreAuthorize says so. Else the CSMS is asked; while it is away, LocalAuthorizeOffline lets what is
known here decide, and AllowOfflineTxForUnknownId what is not.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from chargers.virtual.client import CallFailed

ACCEPTED, INVALID, EXPIRED = "Accepted", "Invalid", "Expired"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said of a token; `group` is its parentIdTag or groupIdToken, "" without one."""

    status: str
    group: str = ""
    expires_at: datetime | None = None

    @property
    def is_accepted(self):
        return self.status == ACCEPTED

    def at(self, now):
        """Return what holds at `now`: a verdict that has run out is Expired."""
        is_over = self.is_accepted and self.expires_at is not None and self.expires_at <= now
        return replace(self, status=EXPIRED) if is_over else self


class Authorizing:
    """Asks, and remembers the answers (the authorization cache)."""

    def __init__(self, point):
        self._point = point
        self.cache = {}

    async def check(self, token, token_type):
        """Return the Verdict on a token that was presented."""
        point = self._point
        if not point.configuration.is_true("AuthCtrlr.Enabled"):
            return Verdict(ACCEPTED)
        known = self.known(token)
        if point.is_online and not (known and known.is_accepted and self._is_true("LocalPreAuthorize")):
            try:
                answer = await point.client.call("Authorize", point.words.authorize(token, token_type))
            except CallFailed as failure:
                if failure.outcome == "error":
                    return Verdict(INVALID)
            else:
                verdict = point.words.verdict(answer)
                self.learn(token, verdict)
                return verdict.at(point.clock.now())
        elif point.is_online:
            return known
        return self._offline(known)

    def learn(self, token, verdict):
        """Remember what the CSMS said of a token."""
        self.cache[token.casefold()] = verdict

    def forget(self, token=None):
        """Clear the cache, or only what it knows of a token."""
        if token is None:
            self.cache.clear()
        else:
            self.cache.pop(token.casefold(), None)

    def recall(self, token):
        """Return what the cache knows of a token, or None."""
        return self.cache.get(token.casefold())

    def known(self, token):
        """Return the Verdict on a token by what is known here, or None."""
        verdict = self._point.local_list.find(token)
        if verdict is None and self._is_true("AuthorizationCacheEnabled"):
            verdict = self.cache.get(token.casefold())
        return verdict and verdict.at(self._point.clock.now())

    def is_same(self, one, other):
        """Say whether two tokens are the same, or known to be of the same group: they stop each other."""
        if one.casefold() == other.casefold():
            return True
        group = self.group(one)
        return bool(group) and group == self.group(other)

    def group(self, token):
        """Return the group of a token, folded, "" where none is known."""
        verdict = self._point.local_list.find(token) or self.cache.get(token.casefold())
        return verdict.group.casefold() if verdict else ""

    def is_master(self, verdict):
        """Say whether a token is of the group that may stop whatever runs, and begin nothing (2.0.1 C16)."""
        master = self._point.configuration["AuthCtrlr.MasterPassGroupId"].casefold()
        return bool(master) and verdict.group.casefold() == master

    def _offline(self, known):
        if known and self._is_true("LocalAuthorizeOffline"):
            return known
        if known is None and self._is_true("AllowOfflineTxForUnknownId"):
            return Verdict(ACCEPTED)
        return Verdict(INVALID)

    def _is_true(self, name):
        return self._point.configuration.is_true(name)
