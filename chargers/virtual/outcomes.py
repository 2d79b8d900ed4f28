"""How the next long-winded thing ends, where a person wants it to end badly."""

from chargers.virtual.charging import NotPossible

# What can be decided, in OCPP 2.0.1's words; without a word it ends well.
OUTCOMES = {
    "firmware": ("DownloadFailed", "InvalidSignature", "InstallVerificationFailed", "InstallationFailed"),
    "publish": ("DownloadFailed", "InvalidChecksum", "PublishFailed"),
    "log": ("UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation"),
}


class Outcomes:
    """The decisions that wait for their occasion; each counts once."""

    def __init__(self):
        self._decided = {}

    def decide(self, activity, outcome):
        """Have the next `activity` end with `outcome`; "" takes that back."""
        if activity not in OUTCOMES:
            raise NotPossible(f"activity must be one of {', '.join(OUTCOMES)}")
        if outcome and outcome not in OUTCOMES[activity]:
            raise NotPossible(f"outcome must be one of {', '.join(OUTCOMES[activity])}")
        self._decided[activity] = outcome

    def take(self, activity):
        """Return how it ends, "" for well."""
        return self._decided.pop(activity, "")
