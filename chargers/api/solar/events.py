"""SolarUser's event log: what happened to an account's chargers, in SolarNetwork's words.

Three tables tell it: events, refused handshakes, and the OCPP log. Each is looked at from its newest
rows on, so that a page costs the same however much there is.
"""

import heapq
import json
import uuid
from dataclasses import dataclass
from itertools import islice

from django.db.models import Q
from rest_framework import serializers

from chargers.api.solar.base import PAGE_QUERY, TIME_QUERY, ChargersView
from chargers.models import Charger, Command, FailedHandshake, Message
from csms import newest, solar, solar_filters
from csms.models import Event

DEEPEST = 10_000
DEFAULT_ROWS = 100


class EventEntity(solar.Entity):
    """Something that happened."""

    userId = serializers.IntegerField()
    eventId = serializers.UUIDField()
    created = solar.Moment()
    tags = serializers.ListField(child=serializers.CharField())
    message = serializers.CharField(required=False)
    data = serializers.DictField(required=False)


@dataclass(frozen=True)
class Kind:
    """Rows of a source that bear the same tags."""

    tags: tuple[str, ...]
    rows: Q


class Source:
    """A table that tells of events; `number` tells its ids from those of the others."""

    number = 0
    time_field = ""
    # What the rows are, by their tags; a row that fits none is not told.
    kinds = ()

    def rows(self, view):
        """Return the account's rows."""
        raise NotImplementedError

    def select(self, view, tags, window):
        """Return the rows, newest first, that bear all of `tags`."""
        fitting = Q(pk__in=[])
        for kind in self.kinds:
            if tags <= set(kind.tags):
                fitting |= kind.rows
        return self.rows(view).filter(fitting | self.others(tags), **window).order_by("-id")

    def others(self, tags):
        """Return what else bears these tags."""
        return Q(pk__in=[])

    def event(self, row, account):
        created = getattr(row, self.time_field)
        told = self.told(row)
        return {"userId": account.pk, "eventId": self._name(row, created), "created": created, **told}

    def _name(self, row, created):
        """Return a UUID (version 7) that is this row's for ever."""
        milliseconds = int(created.timestamp() * 1000) & (2**48 - 1)
        tail = self.number << 60 | row.pk & (2**60 - 1)
        return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | tail & (2**62 - 1))


def _data(**members):
    return {name: value for name, value in members.items() if value not in (None, "")}


class Facts(Source):
    """The log of facts. Its kinds become tags: charger.booted is [ocpp, charger, booted]."""

    number = 0
    time_field = "created_at"
    _ended = Q(kind="command.finished")
    kinds = (
        Kind(("ocpp", "instruction", "ack"), _ended & Q(data__state=Command.State.COMPLETED)),
        Kind(("ocpp", "instruction", "error"), _ended & ~Q(data__state=Command.State.COMPLETED)),
    )
    # Told by other tables, or by other words.
    _elsewhere = ("command.finished", "charger.refused")

    def rows(self, view):
        rows = newest.of(view.account_rows(Event))
        if not view.policy.node_ids:
            return rows
        return rows.filter(charger_id__in=view.own(Charger).values("pk"))

    def others(self, tags):
        words = sorted(tags - {"ocpp"})
        fitting = ~Q(kind__in=self._elsewhere)
        for word in words:
            fitting &= Q(kind__startswith=f"{word}.") | Q(kind__endswith=f".{word}")
        return fitting

    def told(self, row):
        if row.kind == "command.finished":
            state = row.data.get("state")
            word = "ack" if state == Command.State.COMPLETED else "error"
            message = f"{row.data.get('action', '')} {state}".strip()
            tags = ["ocpp", "instruction", word]
        else:
            tags, message = ["ocpp", *row.kind.split(".")], row.kind
        return {
            "tags": tags,
            "message": message,
            "data": _data(cp=row.charger_id, id=row.object_id, **row.data),
        }


class Handshakes(Source):
    """Chargers that were not let in; repeats within an hour are one event with a count."""

    number = 1
    time_field = "first_at"
    kinds = (Kind(("ocpp", "charger", "forbidden"), Q(pk__isnull=False)),)

    def rows(self, view):
        return view.own(FailedHandshake)

    def told(self, row):
        return {
            "tags": list(self.kinds[0].tags),
            "message": row.reason,
            "data": _data(
                cp=row.charger_id,
                identifier=row.identifier,
                status=row.status_code,
                count=row.count,
                last=solar.timestamp(row.last_at),
            ),
        }


class Messages(Source):
    """The OCPP log."""

    number = 2
    time_field = "received_at"
    _received, _sent = Q(origin=Message.Origin.CHARGER), Q(origin=Message.Origin.CSMS)
    _well = Q(outcome=Message.Outcome.RESULT)
    kinds = (
        Kind(("ocpp", "message", "received"), _received & _well),
        Kind(("ocpp", "message", "received", "error"), _received & ~_well),
        Kind(("ocpp", "message", "sent"), _sent & _well),
        Kind(("ocpp", "message", "sent", "error"), _sent & ~_well),
    )

    def rows(self, view):
        return newest.of(view.own(Message))

    def told(self, row):
        is_well = row.outcome == Message.Outcome.RESULT
        tags = ["ocpp", "message", "received" if row.origin == Message.Origin.CHARGER else "sent"]
        return {
            "tags": [*tags, *([] if is_well else ["error"])],
            "message": f"{row.action} {row.outcome}".strip(),
            "data": _data(
                cp=row.charger_id,
                action=row.action,
                messageId=row.message_id,
                message=_read(row.request),
                answer=_read(row.answer) if is_well else None,
                error=None if is_well else row.answer or row.outcome,
            ),
        }


def _read(text):
    """Return what a logged text says, or the text where it is not whole."""
    try:
        return json.loads(text)
    except ValueError:
        return text


SOURCES = (Facts(), Handshakes(), Messages())


class Events(ChargersView):
    """What happened, newest first. `tag` and `tags` have to be among an event's tags, all of them."""

    answers = {"get": [EventEntity]}
    queries = {"get": ["tag", "tags", *TIME_QUERY, *PAGE_QUERY]}

    def get(self, request):
        """List a page of them."""
        if self.policy.source_ids or self.policy.min_aggregation:
            # The OCPP log holds what was measured, by no source and as fine as it came.
            raise solar.Denied(why="The policy of this token is about datum, which the log of events holds.")
        offset, most = self._window()
        tags = set(solar_filters.texts(request, "tag") or ())
        found = [self._newest(source, tags, offset + most) for source in SOURCES]
        merged = heapq.merge(*found, key=lambda event: event["created"], reverse=True)
        return solar.answer(EventEntity(list(islice(merged, offset, offset + most)), many=True).data)

    def _newest(self, source, tags, count):
        window = solar_filters.between(self.request, source.time_field)
        rows = source.select(self, tags, window)[:count]
        events = [source.event(row, self.account) for row in rows]
        # By id is by time but for what was delayed on the way to the database.
        return sorted(events, key=lambda event: event["created"], reverse=True)

    def _window(self):
        offset, most = solar_filters.window(self.request)
        if offset > DEEPEST:
            raise solar.IllegalArgument(f"offset must be between 0 and {DEEPEST}")
        return offset, most if self.request.query_params.get("max") else DEFAULT_ROWS
