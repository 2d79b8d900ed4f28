"""What every HTTP API of ours shares: problem details, timestamps, paging and owner scoping.

Dialects with envelopes of their own (SolarUser, OCPP.Core, ...) override these in their module.
"""

import logging
from datetime import UTC, datetime
from http import HTTPStatus

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.signals import got_request_exception
from django.http import Http404
from django.utils.encoding import force_str
from rest_framework import exceptions, serializers
from rest_framework.pagination import BasePagination, CursorPagination
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import set_rollback

logger = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
# Where messages about the whole, not one field, are kept by REST framework and by Django.
_WHOLE = {"non_field_errors", "__all__"}


# Problem details (RFC 9457) -------------------------------------------------------------------


def problem(status: int, detail: str = "", *, errors: list[dict] | None = None, headers=None) -> Response:
    """Return a problem document; `errors` is a list of {"field": path, "message": text}."""
    content = {"title": HTTPStatus(status).phrase, "status": status}
    if detail:
        content["detail"] = legible(detail)
    if errors:
        content["errors"] = legible(errors)
    return Response(content, status=status, headers=headers, content_type=PROBLEM_TYPE)


def legible(told):
    """Return a text, or rows of texts, as an answer can hold them: half a surrogate pair becomes "?".

    JSON can bring one, and an error that quotes what came would have it.
    """
    if isinstance(told, str):
        return told.encode("utf-8", "replace").decode()
    return [{name: legible(text) for name, text in row.items()} for row in told]


def exception_handler(error: Exception, context: dict) -> Response:
    """Turn whatever a view raised into a problem document; what it did to the database is undone.

    An error that nobody foresaw tells the caller nothing but 500; the log has the rest.
    """
    set_rollback()
    error = _known(error)
    if not isinstance(error, exceptions.APIException):
        request = context.get("request")
        got_request_exception.send(sender=exception_handler, request=getattr(request, "_request", None))
        logger.error("unforeseen error at %s", getattr(request, "path", "?"), exc_info=error)
        return problem(500)
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if isinstance(error.detail, (dict, list)):
        return problem(error.status_code, errors=list(_flat(error.detail)), headers=headers)
    return problem(error.status_code, force_str(error.detail), headers=headers)


def _known(error):
    """Translate Django's own exceptions into REST framework's."""
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, ValidationError):
        return exceptions.ValidationError(serializers.as_serializer_error(error))
    return error


def _flat(detail, path=""):
    """Yield an error for each message; `path` is as in `connectors.0.status`, empty for the whole."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _flat(value, path if key in _WHOLE else f"{path}.{key}".lstrip("."))
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, (dict, list))
            yield from _flat(value, f"{path}.{index}".lstrip(".") if nested else path)
    else:
        yield {"field": path, "message": force_str(detail)}


def timestamp(moment: datetime | None) -> str | None:
    """Return `moment` as our APIs write it: UTC, milliseconds, `2026-03-01T12:00:00.000Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Lists ----------------------------------------------------------------------------------------


def _envelope_schema(schema):
    next_page = {"type": "string", "format": "uri", "nullable": True}
    return {
        "type": "object",
        "required": ["results", "next"],
        "properties": {"results": schema, "next": next_page},
    }


class CursorPages(CursorPagination):
    """Pages of a big table, newest first, that stay put while rows are added; nothing is counted."""

    ordering = "-id"
    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 1000

    def get_paginated_response(self, data):
        return Response({"results": data, "next": self.get_next_link()})

    def get_paginated_response_schema(self, schema):
        return _envelope_schema(schema)


class TimePages(CursorPages):
    """Pages of a time series: by time, since its indexes are, and id among equals."""

    ordering = ("-received_at", "-id")


class LimitPages(BasePagination):
    """Pages of a small table in whatever order the view has; nothing is counted."""

    page_size = 100
    max_page_size = 1000

    def paginate_queryset(self, queryset, request, view=None):
        limit = self._number(request, "limit", self.page_size, most=self.max_page_size) or 1
        offset = self._number(request, "offset", 0)
        # One more than asked for tells whether there is a next page.
        rows = list(queryset[offset : offset + limit + 1])
        self._next = None
        if len(rows) > limit:
            self._next = replace_query_param(request.build_absolute_uri(), "offset", offset + limit)
        return rows[:limit]

    def get_paginated_response(self, data):
        return Response({"results": data, "next": self._next})

    def get_paginated_response_schema(self, schema):
        return _envelope_schema(schema)

    def get_schema_operation_parameters(self, view):
        return [
            {"name": name, "in": "query", "required": False, "schema": {"type": "integer"}}
            for name in ("limit", "offset")
        ]

    @staticmethod
    def _number(request, name, default, most=2**31):
        text = request.query_params.get(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdigit()):
            raise exceptions.ValidationError({name: "This must be a whole number."})
        return min(int(text[:12]), most)


class Router(SimpleRouter):
    """Routes that work with and without a trailing slash."""

    def __init__(self):
        super().__init__()
        self.trailing_slash = "/?"


# Owners ---------------------------------------------------------------------------------------


class OwnedSerializer(serializers.ModelSerializer):
    """Rows that belong to the caller; a superuser may name another owner when a row is made."""

    owner = serializers.PrimaryKeyRelatedField(
        queryset=get_user_model().objects.all(), required=False, help_text="Default: the caller."
    )

    def validate_owner(self, owner):
        """Refuse to give rows away, whoever asks."""
        user = self.context["request"].user
        if self.instance is not None and owner != self.instance.owner:
            raise serializers.ValidationError("The owner cannot be changed.")
        if self.instance is None and owner != user and not user.is_superuser:
            raise serializers.ValidationError("Only superusers may name another owner.")
        return owner

    def validate(self, attrs):
        if self.instance is None:
            attrs.setdefault("owner", self.context["request"].user)
        return attrs


class OwnedRows:
    """A viewset's `queryset`, cut down to what the caller may see."""

    def get_queryset(self):
        return super().get_queryset().owned_by(self.request.user)
