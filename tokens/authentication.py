"""Who calls our HTTP APIs: API tokens in two forms, and staff with the admin's session.

SolarNetwork's doors take signed requests too (SNWS2).
"""

import hmac
import logging
from datetime import timedelta
from urllib.parse import quote

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS

from csms import addresses, secrets
from tokens import snws2
from tokens.models import ApiToken
from tokens.services import sha256, use_signature

logger = logging.getLogger(__name__)

# An exact moment would cost a write for every request.
LAST_USED_PRECISION = timedelta(minutes=1)


def admit(token: ApiToken, request, *, now):
    """Return (user, token) if `token`, whose secret was right, may be used for this view.

    A view that data tokens may use says so with `allow_data_tokens = True`, and one that heeds policies
    with `enforces_policy = True`: elsewhere a token with a policy would be more powerful than it says.
    """
    if not token.enabled:
        raise AuthenticationFailed("This token is disabled.", "disabled")
    if not token.is_valid(now):
        raise AuthenticationFailed("This token has expired.", "expired")
    if not token.owner.is_active:
        raise AuthenticationFailed("The owner of this token is not active.", "inactive")
    limits = token.limits
    if limits.problems:
        raise PermissionDenied("The policy of this token cannot be understood.")
    view = (request.parser_context or {}).get("view")
    if limits.is_narrow and not getattr(view, "enforces_policy", False):
        raise PermissionDenied("The policy of this token allows SolarNetwork's APIs only.")
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
            raise AuthenticationFailed("Unknown token or wrong secret.", "unknown")
        return admit(token, request, now=timezone.now())

    def authenticate_header(self, request):
        return "Bearer"


class SignedToken(BaseAuthentication):
    """`Authorization: SNWS2 Credential=...,SignedHeaders=...,Signature=...`.

    Whatever is wrong is a 401 with its own message. Only unknown ids and wrong signatures share one, or
    ids could be found out by trying.
    """

    def authenticate(self, request):
        scheme, _, value = get_authorization_header(request).decode("latin-1").strip().partition(" ")
        if scheme.upper() != snws2.SCHEME:
            return None
        now = timezone.now()
        sent = _as_sent(request._request)
        try:
            claim = snws2.examine(value, sent, now=now)
        except snws2.Refused as refusal:
            raise AuthenticationFailed(str(refusal), "unsigned") from None
        token = ApiToken.objects.select_related("owner").filter(identifier=claim.token_id).first()
        # An unknown id takes the same steps as a wrong signature, and gets the same answer.
        fits = snws2.fits(claim, sent, _secret_of(token))
        if token is None or not fits:
            raise AuthenticationFailed("Bad credentials", "unknown")
        admitted = admit(token, request, now=now)
        if settings.CSMS_SNWS2_REPLAY_CACHE and request.method not in SAFE_METHODS:
            _refuse_replay(claim)
        return admitted

    def authenticate_header(self, request):
        return snws2.SCHEME


def _refuse_replay(claim):
    # Once its date is not believed any more, the signature need not be remembered.
    if not use_signature(claim.signature, until=claim.at + snws2.LARGEST_SKEW):
        raise AuthenticationFailed("Request already used", "replayed")


def _secret_of(token):
    """Return the token's secret; where there is none, one that nobody knows."""
    if token is None:
        return secrets.generate()
    try:
        return secrets.decrypt(token.secret_encrypted)
    except secrets.Undecryptable:
        logger.error("the secret of token %s cannot be decrypted with CSMS_SECRET_KEYS", token.identifier)
        return secrets.generate()


def _as_sent(request):
    """Return Django's request as it was on the wire, with what a proxy before us has changed."""
    # WSGI tells an empty Content-Type where there is none.
    headers = {name.lower(): value for name, value in request.headers.items() if value}
    hosts = [headers.get("host") or request.META.get("SERVER_NAME", "")]
    paths, ports = [_raw_path(request)], []
    if addresses.is_trusted(request.META.get("REMOTE_ADDR", "")):
        hosts += _listed(headers.get("x-forwarded-host"))
        ports = _listed(headers.get("x-forwarded-port"))
        paths += [prefix.rstrip("/") + paths[0] for prefix in _listed(headers.get("x-forwarded-prefix"))]
    return snws2.Request(
        method=request.method,
        paths=tuple(paths),
        query=request.META.get("QUERY_STRING", ""),
        headers=headers,
        hosts=snws2.host_forms([*hosts, *settings.CSMS_PUBLIC_HOSTS], ports=ports),
        body=request.body,
    )


def _listed(value):
    # A proxy writes one; more of them would only be more work.
    return [text for part in (value or "").split(",")[:2] if (text := part.strip())]


def _raw_path(request):
    """Return the path as it was written, still percent-encoded; outside of ASGI the usual writing of it."""
    raw = getattr(request, "scope", {}).get("raw_path") or b""
    path = raw.partition(b"?")[0].decode("utf-8", "surrogateescape")
    return path or quote(request.path, safe="/:@!$&'()*+,;=~-._")


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


class _SignedScheme(OpenApiAuthenticationExtension):
    target_class = SignedToken
    name = "snws2"

    def get_security_definition(self, auto_schema):
        return {"type": "apiKey", "in": "header", "name": "Authorization"}


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
