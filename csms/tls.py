"""TLS that ends at a proxy: who is believed about it, and what follows for requests and cookies."""

from asgiref.sync import iscoroutinefunction
from django.utils.decorators import sync_and_async_middleware

from csms import addresses


def is_used(scope) -> bool:
    """Say whether the client's own connection is TLS: to us, or to a proxy of CSMS_TRUSTED_PROXIES."""
    if scope.get("scheme") in ("https", "wss"):
        return True
    told = next((value for name, value in scope["headers"] if name == b"x-forwarded-proto"), b"")
    return told in (b"https", b"wss") and addresses.is_trusted((scope.get("client") or ("",))[0])


def told_by_proxies(application):
    """Wrap an ASGI application, so that links, CSRF checks and cookies know of the proxy's TLS."""

    async def wrapped(scope, receive, send):
        if scope["type"] == "http" and scope.get("scheme") == "http" and is_used(scope):
            scope = {**scope, "scheme": "https"}
        await application(scope, receive, send)

    return wrapped


@sync_and_async_middleware
def secure_cookies(get_response):
    """Mark the cookies of an answer that leaves by TLS, so that browsers keep them from plain HTTP.

    Django's settings know one answer for all; the same server is also used on its own machine
    without TLS.
    """

    def marked(request, response):
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response

    if iscoroutinefunction(get_response):

        async def middleware(request):
            return marked(request, await get_response(request))
    else:

        def middleware(request):
            return marked(request, get_response(request))

    return middleware
