"""Which web pages may call SolarNetwork's APIs from a browser: cross-origin resource sharing.

A page is told nothing without a token: no cookie counts at these doors, and browsers are never invited to
send one. So any page may try, unless CSMS_CORS_ORIGINS names those that may.
"""

from django.conf import settings
from django.http import HttpResponse
from django.utils.cache import patch_vary_headers

# What a signed request brings along.
HEADERS = "Authorization, Content-MD5, Content-Type, Digest, X-SN-Date"
_TOLD = "Allow, WWW-Authenticate, X-SN-ErrorMessage"
_REMEMBERED = 3600  # seconds


def preflight(methods):
    """Return the answer to a browser that asks what it may send; it asks without a token."""
    names = ", ".join(methods)
    headers = {
        "Allow": names,
        "Access-Control-Allow-Methods": names,
        "Access-Control-Allow-Headers": HEADERS,
        "Access-Control-Max-Age": str(_REMEMBERED),
    }
    return HttpResponse(status=204, headers=headers)


def opened(response, request):
    """Let the page that made `request` read `response`, if it may; return the response."""
    origins = settings.CSMS_CORS_ORIGINS
    if "*" in origins:
        allowed = "*"
    else:
        allowed = next((origin for origin in origins if origin == request.headers.get("Origin")), "")
        patch_vary_headers(response, ["Origin"])
    if allowed:
        response["Access-Control-Allow-Origin"] = allowed
        response["Access-Control-Expose-Headers"] = _TOLD
    return response
