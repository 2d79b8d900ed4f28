"""The manners of SolarNetwork's JSON APIs, for every door of ours that speaks them.

The envelope, their error codes and texts, timestamps in each of their forms, and bodies as JSON or
as a form (spec: solarnetwork, section 1). Who calls is told by tokens.solar.
"""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as InvalidValue
from django.core.signals import got_request_exception
from django.http import Http404
from django.urls import re_path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from csms import cors
from csms.api import legible
from csms.parsers import Parser
from csms.schema import SolarSchema

logger = logging.getLogger(__name__)

DUPLICATE = "An attempt to save a duplicate key has been denied."
ABSENT = "The requested key was not found."


# Refusals -------------------------------------------------------------------------------------


class Refusal(exceptions.APIException):
    """An answer that is an error: status, their code if they have one, and a text."""

    status_code = 422

    def __init__(self, message, *, code="", errors=(), status=None):
        self.message, self.code, self.errors = message, code, list(errors)
        self.status_code = status or self.status_code
        super().__init__(message)


class IllegalArgument(Refusal):
    """A path or query value that cannot be understood."""

    def __init__(self, detail):
        super().__init__(f"Illegal argument: {detail}")


class Absent(Refusal):
    """No such row, or not the caller's: GET and DELETE."""

    status_code = 404

    def __init__(self):
        super().__init__(ABSENT, code="DAO.00102")


class Duplicate(Refusal):
    """Another row has that unique key already; `field` says which one it is."""

    def __init__(self, field):
        super().__init__(DUPLICATE, code="DAO.00101", errors=[{"location": field, "message": DUPLICATE}])


class Denied(Refusal):
    """The caller's, but not for them: foreign accounts, policies."""

    status_code = 403

    def __init__(self, message="ACCESS_DENIED", *, why=""):
        super().__init__(message, errors=[{"message": why}] if why else [])


class UnknownObject(Denied):
    """A save that names a row which is not there, or not the caller's."""

    def __init__(self):
        super().__init__("UNKNOWN_OBJECT")


class TooLarge(Refusal):
    """A body beyond what is read into memory."""

    status_code = 413

    def __init__(self):
        super().__init__(f"The body must be {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes or less.")


def exception_handler(error, context):
    """Turn whatever a view raised into an envelope; what it did to the database is undone."""
    set_rollback()
    error = _known(error)
    if isinstance(error, Refusal):
        return refused(error.status_code, error.message, code=error.code, errors=error.errors)
    if isinstance(error, exceptions.APIException):
        return refused(error.status_code, _text(error), headers=_challenge(error))
    request = context.get("request")
    got_request_exception.send(sender=exception_handler, request=getattr(request, "_request", None))
    logger.error("unforeseen error at %s", getattr(request, "path", "?"), exc_info=error)
    return refused(500, "Internal error")


def _challenge(error):
    if not (scheme := getattr(error, "auth_header", None)):
        return {}
    return {
        "WWW-Authenticate": scheme,
        "X-SN-ErrorMessage": _text(error),
        "Access-Control-Allow-Headers": cors.HEADERS,
    }


def _known(error):
    for kind, refusal in _REFUSALS:
        if isinstance(error, kind):
            return refusal(error)
    return error


_REFUSALS = [
    (Http404, lambda error: Absent()),
    (exceptions.PermissionDenied, lambda error: Denied(why=str(error.detail))),
    (exceptions.ParseError, lambda error: Refusal(f"Malformed JSON: {error.detail}")),
    (exceptions.ValidationError, lambda error: invalid(error.detail)),
    (InvalidValue, lambda error: invalid(serializers.as_serializer_error(error))),
    (RequestDataTooBig, lambda error: TooLarge()),
    # More fields or parts than Django takes.
    (SuspiciousOperation, IllegalArgument),
]


def _text(error):
    return error.detail if isinstance(error.detail, str) else "; ".join(map(str, error.detail))


# What a deserializer refuses, in contrast to a validator.
_UNREADABLE = {"invalid", "invalid_choice", "not_a_dict", "not_a_list", "null", "datetime"}


def invalid(detail):
    """Return the refusal for what REST framework found wrong with a body.

    What could not even be read (types, enumerations, dates) is `Malformed JSON`; what broke a rule is
    said in the rule's own words, all in one text, and one by one in `errors`.
    """
    found = list(_flat(detail))
    unreadable = [(place, text) for place, text in found if getattr(text, "code", "") in _UNREADABLE]
    errors = [{"location": place, "message": str(text)} for place, text in found]
    if unreadable:
        place, text = unreadable[0]
        return Refusal(f"Malformed JSON: {place}: {text}".replace(": : ", ": "), errors=errors)
    return Refusal(" ".join(str(text) for _, text in found), errors=errors)


def _flat(detail, place=""):
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _flat(value, place if key == "non_field_errors" else f"{place}.{key}".lstrip("."))
    elif isinstance(detail, list):
        for number, value in enumerate(detail):
            yield from _flat(value, f"{place}.{number}" if isinstance(value, dict) else place)
    else:
        yield place, detail


# Answers --------------------------------------------------------------------------------------


def answer(data=None, *, status=200):
    """Return an envelope around `data`; without data it says just that the request succeeded."""
    content = {"success": True}
    if data is not None:
        content["data"] = data
    return Response(content, status=status)


def refused(status, message, *, code="", errors=(), headers=None):
    """Return the envelope of a request that failed."""
    content = {"success": False}
    if code:
        content["code"] = code
    content["message"] = legible(message)
    if errors:
        content["errors"] = legible(errors)
    return Response(content, status=status, headers=headers)


def page(rows, *, offset=0, total=None):
    """Return their FilterResults around the rows of one page."""
    found = {"startingOffset": offset, "returnedResultCount": len(rows), "results": rows}
    return found if total is None else {"totalResults": total, **found}


class View(APIView):
    """A route that answers in envelopes. Bodies may be JSON or forms."""

    parser_classes = (Parser, FormParser, MultiPartParser)
    schema = SolarSchema()
    # For the description of each method: what it answers (an entity, [entity], Page(entity), a field;
    # None: nothing), the body it takes, and the names of its query parameters.
    answers, bodies, queries = {}, {}, {}

    def dispatch(self, request, *args, **kwargs):
        if request.method == "OPTIONS":
            return cors.opened(cors.preflight(self.allowed_methods), request)
        return cors.opened(super().dispatch(request, *args, **kwargs), request)

    def get_exception_handler(self):
        return exception_handler

    @property
    def account(self):
        """The user whose rows the caller works with: the owner of the token."""
        return self.request.user

    def own(self, model):
        """Return the account's own rows of `model`, also for one who may see more."""
        return model.objects.owned_by(self.account).filter(**{model.owner_path: self.account})


def route(path, view, **kwargs):
    """Return the URL pattern of `path`, in which {name} is a parameter; the last slash is optional."""
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return re_path(f"^{pattern}/?$", view, **kwargs)


class NoRoute(View):
    """Whatever else is asked for below their paths: an envelope, not a page."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request, *args, **kwargs):
        raise Refusal("There is nothing at this path.", status=404)


LARGEST = 2**63 - 1


def number(text, name="id"):
    """Return the whole number that a path or query value says; IllegalArgument if it says none."""
    if not re.fullmatch(r"-?[0-9]{1,19}", str(text)) or abs(int(text)) > LARGEST:
        raise IllegalArgument(f'Failed to convert "{name}" with value: "{text}"')
    return int(text)


# Timestamps -----------------------------------------------------------------------------------


def timestamp(moment, separator="T"):
    """Return `moment` as they print it: UTC, as many digits of a second as are needed, Z."""
    if moment is None:
        return None
    moment = moment.astimezone(UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment.replace(tzinfo=None, microsecond=0).isoformat(separator)}{fraction}Z"


def read_timestamp(value):
    """Return the moment that `value` says in any of their forms; ValueError if it says none.

    ISO 8601 with T or a blank, with Z, an offset or neither (UTC), with any number of digits, a bare
    date, and epoch seconds or milliseconds.
    """
    if re.fullmatch(r"-?[0-9]{5,17}(\.[0-9]{1,9})?", str(value)):
        return _since_epoch(float(value))
    text = str(value).strip()
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    # Nanoseconds are beyond us; Python reads three or six digits.
    text = re.sub(r"\.([0-9]+)", lambda match: f".{match[1][:6]:0<6}", text)
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _since_epoch(number):
    # Seconds reach this in the year 5138, milliseconds left it in 1973.
    seconds = number if abs(number) < 100_000_000_000 else number / 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("out of range") from error


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(serializers.Field):
    """A timestamp in a body; `separator` is what stands between date and time on the way out."""

    default_error_messages = {"datetime": 'Malformed date string: "{value}"'}

    def __init__(self, *, separator="T", **kwargs):
        super().__init__(**kwargs)
        self.separator = separator

    def to_internal_value(self, value):
        try:
            moment = read_timestamp(value)
            moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("datetime", value=value)
        return moment

    def to_representation(self, value):
        return timestamp(value, self.separator)


class Text(serializers.CharField):
    """Text of limited length, which is measured, and stored, without blanks around it.

    What is longer in the database, since other doors let it in, is shown cut.
    """

    def __init__(self, name, most, *, required=False, **kwargs):
        absent, long = f"The {name} is required.", f"The {name} must be {most} characters or less."
        if not required:
            kwargs.setdefault("default", "")
        super().__init__(
            max_length=most,
            allow_blank=not required,
            error_messages={"required": absent, "blank": absent, "max_length": long},
            **kwargs,
        )

    def to_representation(self, value):
        return super().to_representation(value)[: self.max_length]


class Number(serializers.IntegerField):
    """A whole number; one that has to be there and is not makes the body malformed."""

    def __init__(self, *, name="", least=-LARGEST, most=LARGEST, **kwargs):
        if name:
            kwargs["error_messages"] = {
                "required": f"The {name} is required.",
                "min_value": f"The {name} must not be less than {least}.",
                "max_value": f"The {name} must not be greater than {most}.",
            }
        super().__init__(min_value=least, max_value=most, **kwargs)

    def fail(self, key, **kwargs):
        if key == "required":
            raise exceptions.ValidationError(self.error_messages[key], code="invalid")
        super().fail(key, **kwargs)


class Entity(serializers.Serializer):
    """A row in their words: camelCase; null means the same as to leave a member out.

    On the way out empty texts are left out too. `not_null` names members of which null is refused.
    """

    not_null = ()

    def to_internal_value(self, data):
        if isinstance(data, Mapping):
            data = {name: value for name, value in data.items() if value is not None or name in self.not_null}
        return super().to_internal_value(data)

    def to_representation(self, instance):
        shown = super().to_representation(instance)
        return {name: value for name, value in shown.items() if value is not None and value != ""}


def check_account(body, account):
    """Refuse a body that is for another account than the caller's; without `userId` it is for theirs."""
    named = body.get("userId") if isinstance(body, Mapping) else None
    if named is not None and str(named).strip().removesuffix(".0") != str(account.pk):
        raise Denied
