"""What happened, as a list by cursor or as a live stream (Server-Sent Events; see csms/stream.py)."""

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import StreamingHttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.exceptions import APIException, NotAcceptable, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from chargers.api.native.base import Rows
from chargers.filters import IdFilter
from csms import stream
from csms.api import CursorPages
from csms.filters import FilterSet
from csms.models import Event
from csms.ownership import owners_for


class EventSerializer(serializers.ModelSerializer):
    charger = serializers.IntegerField(source="charger_id", allow_null=True, read_only=True)
    data = serializers.DictField(read_only=True)

    class Meta:
        model = Event
        fields = ["id", "created_at", "kind", "owner", "charger", "object_id", "data"]


class KindFilter(filters.BaseInFilter, filters.CharFilter):
    """One kind or several, with commas between them."""


class EventFilter(FilterSet):
    after = filters.NumberFilter(
        method="beyond", min_value=0, max_value=2**63 - 1, label="Ids above this one"
    )
    charger = IdFilter(field_name="charger_id")
    kind = KindFilter(label="Kinds, with commas between them")

    def beyond(self, queryset, name, value):
        return queryset.filter(id__gt=int(value))


class EventPages(BasePagination):
    """Oldest first; the cursor is the id, so `next` holds for ever and there may be no next yet."""

    def paginate_queryset(self, queryset, request, view=None):
        limit = CursorPages().get_page_size(request)
        rows = list(queryset[: limit + 1])
        self._next = None
        if len(rows) > limit:
            self._next = replace_query_param(request.build_absolute_uri(), "after", rows[limit - 1].pk)
        return rows[:limit]

    def get_paginated_response(self, data):
        return Response({"results": data, "next": self._next})

    def get_paginated_response_schema(self, schema):
        return CursorPages().get_paginated_response_schema(schema)

    def get_schema_operation_parameters(self, view):
        return [{"name": "limit", "in": "query", "required": False, "schema": {"type": "integer"}}]


class EventStreamRenderer(BaseRenderer):
    """Stands for the stream in content negotiation; what is rendered by REST framework is JSON."""

    media_type = "text/event-stream"
    format = "event-stream"


class TooManyTakers(APIException):
    status_code = 503
    default_code = "too_many_takers"
    default_detail = "This process serves as many streams as it can."
    wait = 10


class EventViewSet(Rows, mixins.ListModelMixin, viewsets.GenericViewSet):
    """The log of facts. Events name rows; read those for what they hold now."""

    queryset = Event.objects.order_by("id")
    serializer_class = EventSerializer
    filterset_class = EventFilter
    pagination_class = EventPages
    refusals = {"list": ["406", "503"]}
    renderer_classes = [JSONRenderer, EventStreamRenderer]

    def perform_content_negotiation(self, request, force=False):
        renderer, media_type = super().perform_content_negotiation(request, force)
        self.is_stream = (
            isinstance(renderer, EventStreamRenderer) or request.query_params.get("stream") == "1"
        )
        return (JSONRenderer(), "application/json") if self.is_stream else (renderer, media_type)

    def get_queryset(self):
        # settled() asks the database, which the schema generator must not.
        rows = super().get_queryset()
        return rows if getattr(self, "swagger_fake_view", False) else rows.settled()

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "stream", str, enum=["1"], description="Server-Sent Events, whatever is accepted."
            ),
            OpenApiParameter(
                "Last-Event-ID", str, location="header", description="Resume a stream after it."
            ),
        ]
    )
    def list(self, request):
        """List events, oldest first; as a stream (Accept: text/event-stream) from now on or after an id."""
        return self._stream(request) if self.is_stream else super().list(request)

    def _stream(self, request):
        if not isinstance(request._request, ASGIRequest):
            raise NotAcceptable("Streams need an ASGI server.")
        interest, after = self._interest(request)
        if stream.is_full():
            raise TooManyTakers
        return StreamingHttpResponse(
            _frames(interest, after),
            content_type="text/event-stream",
            # A proxy that buffers (nginx) would hold events back.
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    def _interest(self, request):
        given = request.query_params.copy()
        if resumed := request.headers.get("Last-Event-ID"):
            given["after"] = resumed
        form = EventFilter(given, queryset=Event.objects.none()).form
        if not form.is_valid():
            names = {"after": "Last-Event-ID"} if resumed else {}
            raise ValidationError({names.get(name, name): found for name, found in form.errors.items()})
        wanted = form.cleaned_data
        owners = owners_for(request.user)
        interest = stream.Interest(
            owners=None if owners is None else frozenset(owners),
            kinds=frozenset(wanted["kind"] or ()),
            charger_id=wanted["charger"],
        )
        return interest, None if wanted["after"] is None else int(wanted["after"])


async def _frames(interest, after):
    # This request's thread lives as long as the stream; it must not keep a connection so long.
    await sync_to_async(_give_back)()
    async for part in stream.feed().frames(interest, after=after):
        yield part


def _give_back():
    if not connection.in_atomic_block:
        connection.close()
