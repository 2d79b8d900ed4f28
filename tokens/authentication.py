"""Who calls our HTTP APIs: API tokens in two forms, and staff with the admin's session.

The doors of other dialects add forms of their own (SNWS2) on top of `admit`.
"""

import hmac
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied

from tokens.models import ApiToken
from tokens.services import sha256

# An exact moment would cost a write for every request.
LAST_USED_PRECISION = timedelta(minutes=1)


def admit(token: ApiToken, request, *, now):
    """Return (user, token) if `token`, whose secret was right, may be used for this view.

    A view that data tokens may use says so with `allow_data_tokens = True`.
    """
    if not token.enabled:
        raise AuthenticationFailed("This token is disabled.")
    if not token.is_valid(now):
        raise AuthenticationFailed("This token has expired.")
    if not token.owner.is_active:
        raise AuthenticationFailed("The owner of this token is not active.")
    view = (request.parser_context or {}).get("view")
    if token.kind == ApiToken.Kind.DATA and not getattr(view, "allow_data_tokens", False):
        raise PermissionDenied("This token may only query datum.")
    _note_use(token, now)
    return token.owner, token


def _note_use(token, now):
    stale = now - LAST_USED_PRECISION
    if token.last_used_at is None or token.last_used_at <= stale:
        rows = ApiToken.objects.filter(Q(last_used_at=None) | Q(last_used_at__lte=stale), pk=token.pk)
        rows.update(last_used_at=now)


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer <id>:<secret>`."""

    def authenticate(self, request):
        scheme, _, value = get_authorization_header(request).decode("latin-1").strip().partition(" ")
        if scheme.lower() != "bearer":
            return None
        identifier, _, secret = value.strip().partition(":")
        token = ApiToken.objects.select_related("owner").filter(identifier=identifier[:20]).first()
        # An unknown id takes the same steps as a wrong secret, and gets the same answer.
        known = token.secret_sha256 if token else ""
        if not hmac.compare_digest(known, sha256(secret)) or token.identifier != identifier:
            raise AuthenticationFailed("Unknown token or wrong secret.")
        return admit(token, request, now=timezone.now())

    def authenticate_header(self, request):
        return "Bearer"


class ApiKey(BaseAuthentication):
    """`X-API-Key: <secret>`, as the clients of OCPP.Core and MaEVe send it."""

    def authenticate(self, request):
        secret = request.META.get("HTTP_X_API_KEY", "")
        if not secret:
            return None
        # Found by its hash: how long that takes tells nothing about the secret.
        token = ApiToken.objects.select_related("owner").filter(secret_sha256=sha256(secret)).first()
        if token is None:
            raise AuthenticationFailed("Unknown API key.")
        return admit(token, request, now=timezone.now())

    def authenticate_header(self, request):
        return "Bearer"


class StaffSession(SessionAuthentication):
    """The admin's session, with CSRF protection, for staff only."""

    def authenticate(self, request):
        user = getattr(request._request, "user", None)
        return super().authenticate(request) if user is not None and user.is_staff else None


class _BearerScheme(OpenApiAuthenticationExtension):
    target_class = BearerToken
    name = "bearer"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "bearerFormat": "<id>:<secret>"}


class _ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = ApiKey
    name = "apiKey"

    def get_security_definition(self, auto_schema):
        return {"type": "apiKey", "in": "header", "name": "X-API-Key"}


class _SessionScheme(OpenApiAuthenticationExtension):
    target_class = StaffSession
    name = "session"

    def get_security_definition(self, auto_schema):
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
