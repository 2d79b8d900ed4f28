"""People's logins, with guessing bounded: a backend that enforces it and a form that explains it.

Failures are counted in the database, so for all processes together. Attempts that are refused for
their number are not checked and not counted; the bound lifts by itself.
"""

from datetime import timedelta

from asgiref.sync import sync_to_async
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from csms import addresses, secrets
from tokens.models import FailedLogin

WINDOW = timedelta(minutes=15)
# Failures within the window: one name from one address; any names from one address (spraying);
# one name from anywhere (a botnet; generous, since it also locks out the person).
MOST_FOR_BOTH = 10
MOST_FOR_ADDRESS = 30
MOST_FOR_NAME = 100


def is_blocked(request, username: str, *, now) -> bool:
    """Say whether no password will be looked at, for this name from this address."""
    keys = _keys(request, username)
    recent = FailedLogin.objects.filter(failed_at__gt=now - WINDOW)
    return (
        recent.filter(**keys).count() >= MOST_FOR_BOTH
        or recent.filter(address=keys["address"]).count() >= MOST_FOR_ADDRESS
        or recent.filter(username_hash=keys["username_hash"]).count() >= MOST_FOR_NAME
    )


def _keys(request, username):
    return {
        "address": addresses.bucket(addresses.client_of(request))[:64],
        "username_hash": secrets.fingerprint(username.strip().casefold()),
    }


class ThrottledBackend(ModelBackend):
    """Django's accounts, with failed logins bounded wherever there is a request to count."""

    def authenticate(self, request, username=None, password=None, **fields):
        if request is None or not username or password is None:
            return super().authenticate(request, username=username, password=password, **fields)
        now = timezone.now()
        if is_blocked(request, username, now=now):
            raise PermissionDenied
        user = super().authenticate(request, username=username, password=password, **fields)
        if user is None:
            FailedLogin.objects.create(failed_at=now, **_keys(request, username))
        return user

    async def aauthenticate(self, request, **credentials):
        """Go the same way: Django's own asynchronous one would count nothing."""
        return await sync_to_async(self.authenticate)(request, **credentials)


class ThrottledLogin:
    """Mixin for login forms: tells people that they must wait, instead of that they were wrong."""

    def get_invalid_login_error(self):
        if is_blocked(self.request, self.cleaned_data.get("username", ""), now=timezone.now()):
            minutes = int(WINDOW.total_seconds() // 60)
            return ValidationError(f"Too many failed logins. Try again in {minutes} minutes.", code="blocked")
        return super().get_invalid_login_error()


class LoginForm(ThrottledLogin, AdminAuthenticationForm):
    """The admin's own login form, with the explanation."""
