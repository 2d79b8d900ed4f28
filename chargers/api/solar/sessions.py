"""SolarUser's charging sessions, which are our transactions."""

from django.db.models import Q
from rest_framework import serializers
from rest_framework.parsers import FormParser, MultiPartParser

from chargers.api.solar.base import CHARGER_QUERY, PAGE_QUERY, TIME_QUERY, ChargersView
from chargers.models import Transaction
from chargers.services import sessions
from csms import solar, solar_filters
from csms.lookups import is_row_number
from csms.parsers import Parser
from csms.schema import Page

UNKNOWN, OTHER = "Unknown", "Other"
REASONS = (
    *(UNKNOWN, "EmergencyStop", "EVDisconnected", "HardReset", "Local", OTHER, "PowerLoss", "Reboot"),
    *("Remote", "SoftReset", "UnlockCommand", "DeAuthorized", "EnergyLimitReached", "GroundFault"),
    *("ImmediateReset", "LocalOutOfCredit", "MasterPass", "OvercurrentFault", "PowerQuality"),
    *("SOCLimitReached", "StoppedByEV", "TimeLimitReached", "Timeout"),
)
# In an order that no index has, this many of the newest sessions are put.
MOST_SORTED = 10_000
_BY_TIME = {"started_at", "-started_at"}


class EndReason(serializers.ChoiceField):
    """Why a session ended, in their words; one they have no word for is Other."""

    may_be_empty = True

    def __init__(self, **kwargs):
        super().__init__(REASONS, **kwargs)

    def to_representation(self, session):
        if session.ended_at is None:
            return None
        return session.stop_reason if session.stop_reason in ("", *REASONS) else OTHER


class SessionEntity(solar.Entity):
    """A charging session."""

    id = serializers.UUIDField(source="uuid")
    created = solar.Moment(source="started_at")
    authId = serializers.CharField(source="id_token", required=False)
    chargePointId = serializers.IntegerField(source="charger_id")
    evseId = serializers.IntegerField(source="evse_id")
    connectorId = serializers.IntegerField(source="connector_id")
    transactionId = serializers.SerializerMethodField()
    ended = solar.Moment(source="ended_at", required=False)
    endAuthId = serializers.CharField(source="end_id_token", required=False)
    endReason = EndReason(source="*", read_only=True)

    def get_transactionId(self, session) -> str:  # noqa: N802  the member's name
        return session.transaction_id or str(session.pk)


class Sessions(ChargersView):
    """Sessions, newest first, those of deleted chargers among them."""

    answers = {"get": Page(SessionEntity)}
    plurals = ("evseId", "connectorId", "chargeSessionId", "transactionId", "endReason")
    queries = {
        "get": [
            *(*CHARGER_QUERY, *plurals, *(f"{name}s" for name in plurals)),
            *("active", *TIME_QUERY, *PAGE_QUERY),
        ]
    }
    orders = {
        "CHARGER": "charger_id",
        "EVSE": "evse_id",
        "CONNECTOR": "connector_id",
        "DATE": "started_at",
        "ID": "uuid",
    }

    def get(self, request):
        """List a page of them."""
        offset, most = solar_filters.window(request)
        rows = self._ordered(self._filtered(self.chosen(self.own(Transaction))))
        found = SessionEntity(rows[offset : offset + most], many=True).data
        return solar.answer(solar.page(found, offset=offset))

    def _filtered(self, rows):
        request = self.request
        for name, field in (("evseId", "evse_id"), ("connectorId", "connector_id")):
            if (numbers := solar_filters.numbers(request, name)) is not None:
                rows = rows.filter(**{f"{field}__among": numbers})
        if (wanted := solar_filters.uuids(request, "chargeSessionId")) is not None:
            rows = rows.filter(uuid__in=wanted)
        if (texts := solar_filters.texts(request, "transactionId")) is not None:
            rows = rows.filter(_numbered(texts))
        if (active := solar_filters.flag(request, "active")) is not None:
            rows = rows.filter(ended_at__isnull=active)
        if (reasons := solar_filters.texts(request, "endReason")) is not None:
            rows = rows.filter(_ended_for(reasons))
        return rows.filter(**solar_filters.between(request, "started_at"))

    def _ordered(self, rows):
        order = solar_filters.order(self.request, self.orders)
        if not order or order[0] in _BY_TIME:
            return rows.order_by(*(order or ["-started_at"]), "-id")
        newest = rows.order_by("-started_at", "-id").values("pk")[:MOST_SORTED]
        return Transaction.objects.filter(pk__in=newest).order_by(*order, "-id")


def _numbered(texts):
    """As the query set's `numbered`, for many."""
    ours = [int(text) for text in texts if is_row_number(text)]
    return Q(transaction_id__among=texts) | Q(transaction_id="", id__among=ours)


def _ended_for(reasons):
    for reason in reasons:
        _known(reason)
    fitting = Q(stop_reason__in=reasons)
    if OTHER in reasons:
        fitting |= ~Q(stop_reason__in=["", *REASONS])
    return fitting & Q(ended_at__isnull=False)


def _known(reason):
    if reason not in REASONS:
        raise solar.IllegalArgument(f'No enum constant for endReason: "{reason}"')
    return reason


class OneSession(ChargersView):
    """A session."""

    answers = {"get": SessionEntity}

    def get(self, request, id):
        """Show it; without such a session there is no data."""
        found = self.own(Transaction).filter(uuid=solar_filters.unique(id)).first()
        return solar.answer(found and SessionEntity(found).data)


class IncompleteSessions(ChargersView):
    """Sessions of a charger that have not ended."""

    answers = {"get": [SessionEntity]}

    def get(self, request, charge_point):
        """List them, oldest first."""
        number = solar.number(charge_point, "chargePointId")
        rows = self.own(Transaction).open().filter(charger=number, charger__deleted_at=None)
        return solar.answer(SessionEntity(rows.order_by("id"), many=True).data)


class EndSession(ChargersView):
    """Ending a session by hand."""

    parser_classes = (FormParser, MultiPartParser, Parser)
    answers = {"post": serializers.BooleanField()}
    queries = {"post": ["id", "endReason", "endAuthId"]}

    def post(self, request):
        """End it, and ask its charger to stop; `data` says whether it was open until now."""
        asked = self._asked()
        number = solar_filters.unique(asked.get("id", ""))
        reason = _known(asked.get("endReason") or UNKNOWN)
        found = self.own(Transaction).select_related("charger").filter(uuid=number).first()
        if found is None:
            return solar.answer(False)
        id_token = solar.Text("endAuthId", 255).run_validation(asked.get("endAuthId", ""))
        ended = sessions.end(found, reason=reason, id_token=id_token, origin="solar", user=self.account)
        return solar.answer(ended)

    def _asked(self):
        """Return what the query and the form, or a JSON object, say together."""
        body = self.request.data
        if not hasattr(body, "items"):
            raise solar.Refusal("Malformed JSON: an object is expected")
        both = {**self.request.query_params.dict(), **dict(body.items())}
        return {name: str(value) for name, value in both.items() if value is not None}
