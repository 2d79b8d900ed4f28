"""The values of the virtual charge point's settings: one store, under the names of both versions.

What there is to set stands in `settings`. Names are compared without regard to case, as the standard
says. Settings of a feature profile that SupportedFeatureProfiles leaves out do not exist for anyone.
"""

from chargers.virtual.settings import (
    CUSTOM,
    LONGEST_VALUE,
    PROFILES,
    SETTINGS,
    Setting,
    custom,
    members,
)

__all__ = ["LONGEST_VALUE", "SETTINGS", "Configuration", "Setting", "custom"]

ACCEPTED, REJECTED, NOT_SUPPORTED = "Accepted", "Rejected", "NotSupported"
HIDDEN = "DummyAuthorizationKey"


class Configuration:
    """The values. Reads are by name; `initial` may set any of them, read-only ones too.

    A name is the key of OCPP 1.6, else the place in 2.0.1 ("AuthCtrlr.Enabled"). `customs` are settings
    of the owner's own (see settings.custom).
    """

    def __init__(self, initial=None, *, customs=(), is_201=False):
        self._is_201 = is_201
        self._all = (*SETTINGS, *customs)
        self._named = {setting.name.casefold(): setting for setting in self._all}
        self._places = {_place(setting): setting for setting in self._all if setting.component}
        self._values = {setting.name: setting.default for setting in self._all}
        self.changes = {}  # by name: what the CSMS has set
        if len(self._named) < len(self._all):
            raise ValueError("a custom key is called like another")
        given = {name: str(value) for name, value in (initial or {}).items()}
        # First, since it is what other values are measured by.
        for name in sorted(given, key=lambda name: name.casefold() != "supportedmeasurands"):
            self._set_up(name, given[name])

    def _set_up(self, name, value):
        setting = self._named.get(name.casefold())
        if setting is None:
            known = ", ".join(each.name for each in self._all)
            raise ValueError(f"there is no configuration key {name}: there are {known}")
        if not self._allows(setting, value):
            raise ValueError(f"{name} cannot be {value!r}: it is of kind {setting.kind}")
        self._values[setting.name] = value

    # Reading ----------------------------------------------------------------------------------

    def __getitem__(self, name):
        return self._values[name]

    def number(self, name):
        return int(self._values[name])

    def is_true(self, name):
        return self._values[name].lower() == "true"

    def words(self, name):
        """Return the members of a comma-separated value."""
        return members(self._values[name])

    def shown(self, setting):
        """Return the value as it may leave the house: a secret reads back as a dummy."""
        return HIDDEN if setting.is_secret else self._values[setting.name]

    def supports(self, profile):
        """Say whether a feature profile is supported; what is in no profile always is."""
        return profile not in PROFILES or profile in self.words("SupportedFeatureProfiles")

    @property
    def keys(self):
        """The settings that OCPP 1.6 sees, in their order."""
        return [each for each in self._all if each.key and self.supports(each.group)]

    @property
    def variables(self):
        """The settings that OCPP 2.0.1 sees, in their order."""
        return [each for each in self._all if each.component and self.supports(each.group)]

    def find(self, key):
        """Return the setting that OCPP 1.6 calls `key`, or None."""
        setting = self._named.get(key.casefold())
        return setting if setting and setting.key and self.supports(setting.group) else None

    def find_variable(self, component, variable, instance=""):
        """Return the setting of a 2.0.1 variable, or None."""
        place = (component.casefold(), variable.casefold(), instance.casefold())
        setting = self._places.get(place)
        return setting if setting and self.supports(setting.group) else None

    def is_component(self, name):
        """Say whether 2.0.1 has a component of that name here."""
        return name.casefold() in {each.component.casefold() for each in self.variables}

    def is_writable(self, setting):
        """Say whether the CSMS may change it, in the version that is spoken."""
        return setting.is_writable_in(is_201=self._is_201)

    # Changing ---------------------------------------------------------------------------------

    def change(self, setting, value):
        """Set a value as the CSMS may: (status in OCPP 1.6's words)."""
        if setting is None:
            return NOT_SUPPORTED
        if not self.is_writable(setting) or not self._allows(setting, value):
            return REJECTED
        self._values[setting.name] = value
        self.changes[setting.name] = value
        return ACCEPTED

    def restore(self, name, value):
        """Take over a change that the CSMS made in an earlier life, if it still can be."""
        setting = self._named.get(name.casefold())
        if setting and self._allows(setting, value):
            self._values[setting.name] = self.changes[setting.name] = value

    def set_custom(self, key, value):
        """Set a custom key from this side, which may set read-only ones too: Accepted or Rejected."""
        setting = self.find(key)
        if setting is None or setting.group != CUSTOM or not self._allows(setting, value):
            return REJECTED
        self._values[setting.name] = value
        return ACCEPTED

    def learn(self, name, value):
        """Take over what the charge point itself came to know; it outweighs what the CSMS has set."""
        self._values[name] = str(value)
        if name in self.changes:
            self.changes[name] = str(value)

    def _allows(self, setting, value):
        options = self.words(setting.options_key) if setting.options_key else ()
        return setting.allows(value, options) and self._fits(setting, value)

    def _fits(self, setting, value):
        """Say whether a list is no longer than its MaxLength key allows, where there is one."""
        longest = self._values.get(f"{setting.key}MaxLength")
        return setting.kind != "MemberList" or longest is None or len(members(value)) <= int(longest)


def _place(setting):
    return (setting.component.casefold(), setting.variable.casefold(), setting.instance.casefold())
