"""Whether a token may charge: the CSMS's word, or what is remembered of it while it is away."""

from dataclasses import dataclass

from chargers.virtual.client import CallFailed

ACCEPTED, INVALID = "Accepted", "Invalid"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said of a token; `group` is its parentIdTag or groupIdToken, "" without one."""

    status: str
    group: str = ""

    @property
    def is_accepted(self):
        return self.status == ACCEPTED


class Authorizing:
    """Asks, and remembers the answers (the authorization cache)."""

    def __init__(self, point):
        self._point = point
        self._cache = {}

    async def check(self, token, token_type):
        """Return the Verdict on a token that was presented."""
        point = self._point
        known = self._known(token)
        if point.configuration.is_true("LocalPreAuthorize") and known and known.is_accepted:
            return known
        if point.is_online:
            try:
                answer = await point.client.call("Authorize", point.words.authorize(token, token_type))
            except CallFailed as failure:
                if failure.outcome == "error":
                    return Verdict(INVALID)
            else:
                verdict = point.words.verdict(answer)
                self.learn(token, verdict)
                return verdict
        return self._offline(known)

    def learn(self, token, verdict):
        """Remember what the CSMS said of a token."""
        self._cache[token.casefold()] = verdict

    def forget(self):
        """Clear the cache."""
        self._cache.clear()

    def is_same(self, one, other):
        """Say whether two tokens are the same, or known to be of the same group: they stop each other."""
        if one.casefold() == other.casefold():
            return True
        group = self._group(one)
        return bool(group) and group == self._group(other)

    def _group(self, token):
        verdict = self._cache.get(token.casefold())
        return verdict.group.casefold() if verdict else ""

    def _known(self, token):
        is_cached = self._point.configuration.is_true("AuthorizationCacheEnabled")
        return self._cache.get(token.casefold()) if is_cached else None

    def _offline(self, known):
        configuration = self._point.configuration
        if known and configuration.is_true("LocalAuthorizeOffline"):
            return known
        if known is None and configuration.is_true("AllowOfflineTxForUnknownId"):
            return Verdict(ACCEPTED)
        return Verdict(INVALID)
