"""Reading settings from the environment: a value that cannot be used is named, with what would be right.

Values may hold passwords, so a message shows them only for numbers, switches and words of a list.
"""

from ipaddress import ip_network
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_SWITCHES = {*environ.Env.BOOLEAN_TRUE_STRINGS, "false", "off", "n", "no", "0", ""}


class Env(environ.Env):
    """django-environ, strict: it takes any word for False and lets a bad number be a bare ValueError."""

    def bool(self, var, default=environ.Env.NOTSET):
        given = self.ENVIRON.get(var, "")
        if given.strip().lower() not in _SWITCHES:
            raise ImproperlyConfigured(f"{var} must be 1 or 0, not {given!r}")
        return super().bool(var, default=default)

    def int(self, var, default=environ.Env.NOTSET, *, least=None):
        return self._number(super().int, "a whole number", var, default, least)

    def float(self, var, default=environ.Env.NOTSET, *, least=None):
        return self._number(super().float, "a number", var, default, least)

    def list(self, var, default=environ.Env.NOTSET):
        return [text.strip() for text in super().list(var, default=default)]

    def _number(self, read, words, var, default, least):
        given = self.ENVIRON.get(var)
        words += "" if least is None else f" of at least {least}"
        try:
            value = read(var, default=default)
        except ValueError:
            raise ImproperlyConfigured(f"{var} must be {words}, not {given!r}") from None
        # Not a number is less than nothing, hence the negation.
        if least is not None and not value >= least:
            raise ImproperlyConfigured(f"{var} must be {words}, not {given!r}")
        return value


def check_word(var, value, words):
    """Raise unless `value` is one of `words`."""
    if value not in words:
        raise ImproperlyConfigured(f"{var} must be one of {', '.join(words)}, not {value!r}")


def check_scheme(var, value, schemes, example):
    """Raise unless the URL `value`, if there is one, begins with one of `schemes`."""
    if value and not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        raise ImproperlyConfigured(f"{var} must be a URL such as {example}")


def check_place(var, value, example):
    """Raise unless the URL `value`, if there is one, names a host, and a port only as a number.

    The message does not quote it: what is wrong may be a password whose slash was not encoded.
    """
    try:
        url = urlsplit(value)
        is_place = bool(url.hostname) and url.port != 0
    except ValueError:
        is_place = False
    if value and not is_place:
        raise ImproperlyConfigured(
            f"{var} must be a URL such as {example}, with what its password holds of /:@# percent-encoded"
        )


def check_networks(var, values):
    """Raise unless every one of `values` is an address or a network."""
    for value in values:
        try:
            ip_network(value, strict=False)
        except ValueError:
            example = "10.0.0.1,192.168.0.0/16"
            raise ImproperlyConfigured(
                f"{var} must hold addresses or networks such as {example}, not {value!r}"
            ) from None
