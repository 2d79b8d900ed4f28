"""The list of tokens that the CSMS keeps at the charge point (OCPP 1.6 section 3.5.2; 2.0.1 block D)."""

ACCEPTED, FAILED, VERSION_MISMATCH = "Accepted", "Failed", "VersionMismatch"


class LocalList:
    """Tokens with what the CSMS says of them, under a version number that only grows."""

    def __init__(self, point):
        self._point = point
        self._version, self._verdicts = 0, {}

    @property
    def is_enabled(self):
        configuration = self._point.configuration
        return configuration.supports("LocalAuthListManagement") and configuration.is_true(
            "LocalAuthListEnabled"
        )

    @property
    def version(self):
        """The version number; 0 while nothing stands in the list."""
        return self._version if self._verdicts else 0

    @property
    def contents(self):
        """(version, Verdicts by token), for whoever keeps it while the process is away."""
        return self._version, self._verdicts

    @contents.setter
    def contents(self, contents):
        self._version, self._verdicts = contents

    def find(self, token):
        """Return the Verdict on a token, or None where it does not stand in the list."""
        return self._verdicts.get(token.casefold()) if self.is_enabled else None

    def replace(self, version, entries):
        """Take over a whole list of (token, Verdict); return what SendLocalList answers."""
        if any(verdict is None for _, verdict in entries):
            return FAILED
        return self._take(version, entries, {})

    def update(self, version, entries):
        """Take over changes; a token without a Verdict leaves the list."""
        if version <= self.version:
            return VERSION_MISMATCH
        return self._take(version, entries, self._verdicts)

    def _take(self, version, entries, before):
        settings = self._point.configuration
        changes = {token.casefold(): verdict for token, verdict in entries}
        if version < 1 or len(changes) < len(entries):
            return FAILED
        after = {token: verdict for token, verdict in (before | changes).items() if verdict is not None}
        is_too_long = len(after) > settings.number("LocalAuthListMaxLength")
        if is_too_long or len(entries) > settings.number("SendLocalListMaxLength"):
            return FAILED
        self._version, self._verdicts = version, after
        return ACCEPTED
