"""Whether this process lives, whether it should get traffic, and its numbers.

The engine says what stands in the way: a function in `checks` returns a reason or None, and
`drain()` is called once, when the process is about to stop.
"""

import hmac
import ipaddress
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from csms import metrics

DATABASE_SECONDS = 2

# Functions without arguments that return why this process should get no traffic, or None.
checks = []

is_draining = False
_prober = ThreadPoolExecutor(1, thread_name_prefix="readiness")
_probe = None


def drain(value=True):
    """Say that this process takes no new work any more."""
    global is_draining  # noqa: PLW0603  (a fact about this process)
    is_draining = value


def reasons():
    """Return why this process should get no traffic; nothing when it is ready."""
    found = ["draining"] if is_draining else []
    found += [reason for reason in (check() for check in checks) if reason]
    return found + [reason for reason in [_database_trouble()] if reason]


def _ask_database():
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
    finally:
        connection.close()


def _database_trouble():
    """Return what is wrong with the database, or None if it answers in time.

    A probe that hangs is left in its thread and not doubled: the next caller waits for it too.
    """
    global _probe  # noqa: PLW0603  (one per process)
    if _probe is None or _probe.done():
        _probe = _prober.submit(_ask_database)
    try:
        _probe.result(timeout=DATABASE_SECONDS)
    except FutureTimeout:
        return f"the database did not answer within {DATABASE_SECONDS} s"
    except DatabaseError:
        return "the database is away"
    return None


@never_cache
@require_safe
def healthz(request):
    """Answer that the process lives; asks nobody."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request):
    """Answer whether traffic should come here: 503 with the reasons if not."""
    found = reasons()
    if found:
        return JsonResponse({"status": "not ready", "reasons": found}, status=503)
    return JsonResponse({"status": "ready"})


@never_cache
@require_safe
def metrics_page(request):
    """Show the metrics to this machine, to who has the token, or to all where a setting says so."""
    if not _may_see_metrics(request):
        return JsonResponse({"detail": "From elsewhere, give CSMS_METRICS_TOKEN as Bearer."}, status=403)
    return HttpResponse(metrics.page(), content_type=CONTENT_TYPE_LATEST)


def _may_see_metrics(request):
    if settings.CSMS_METRICS_OPEN:
        return True
    expected = f"Bearer {settings.CSMS_METRICS_TOKEN}".encode()
    given = request.headers.get("Authorization", "").encode()
    if settings.CSMS_METRICS_TOKEN and hmac.compare_digest(given, expected):
        return True
    # Behind a proxy on this machine every caller looks local.
    is_forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not is_forwarded and _is_loopback(request.META.get("REMOTE_ADDR", ""))


def _is_loopback(address):
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
