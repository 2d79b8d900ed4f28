"""Problem details, timestamps and paging, by way of small views of our own."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from rest_framework import exceptions, serializers, viewsets
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from csms import api
from csms.models import Event

request = APIRequestFactory()


class Part(serializers.Serializer):
    number = serializers.IntegerField()


class Whole(serializers.Serializer):
    name = serializers.CharField()
    parts = Part(many=True)
    tags = serializers.ListField(child=serializers.IntegerField(), required=False)

    def validate(self, attrs):
        raise serializers.ValidationError("All of it is wrong.")


def problem_of(error):
    """Return the answer of a view that raises `error`."""

    class Failing(APIView):
        authentication_classes = permission_classes = ()

        def get(self, request):
            raise error

    return Failing.as_view()(request.get("/")).render()


def errors_of(data):
    whole = Whole(data=data)
    with pytest.raises(serializers.ValidationError) as caught:
        whole.is_valid(raise_exception=True)
    return json.loads(problem_of(caught.value).content)["errors"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Http404("secret"), 404),
        (PermissionDenied(), 403),
        (exceptions.NotAuthenticated(), 403),
        (exceptions.MethodNotAllowed("GET"), 405),
        (exceptions.ParseError("what?"), 400),
    ],
)
def test_errors_are_problem_documents(error, status):
    answer = problem_of(error)

    content = json.loads(answer.content)
    assert (answer.status_code, content["status"]) == (status, status)
    assert answer["Content-Type"] == "application/problem+json"
    assert content["title"]
    assert content["detail"]


def test_bad_fields_are_named_by_path():
    assert errors_of({"parts": [{"number": 1}, {"number": "x"}], "tags": [1, "x"]}) == [
        {"field": "name", "message": "This field is required."},
        {"field": "parts.1.number", "message": "A valid integer is required."},
        {"field": "tags.1", "message": "A valid integer is required."},
    ]


def test_error_of_the_whole_names_no_field():
    assert errors_of({"name": "n", "parts": []}) == [{"field": "", "message": "All of it is wrong."}]


@pytest.mark.parametrize(
    ("error", "field"),
    [(ValidationError({"name": "bad"}), "name"), (ValidationError("bad"), "")],
)
def test_django_s_validation_errors_are_translated(error, field):
    answer = problem_of(error)

    assert answer.status_code == 400
    assert json.loads(answer.content)["errors"] == [{"field": field, "message": "bad"}]


def test_unforeseen_error_tells_the_log_and_not_the_caller(caplog):
    answer = problem_of(RuntimeError("password is hunter2"))

    assert (answer.status_code, b"hunter2" in answer.content) == (500, False)
    assert "hunter2" in caplog.text


def test_throttled_says_when_to_come_back():
    assert problem_of(exceptions.Throttled(wait=7))["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 1, 12, tzinfo=UTC), "2026-03-01T12:00:00.000Z"),
        (datetime(2026, 3, 1, 12, 0, 0, 123456, timezone(timedelta(hours=1))), "2026-03-01T11:00:00.123Z"),
        (None, None),
    ],
)
def test_timestamps_are_utc_with_milliseconds(moment, text):
    assert api.timestamp(moment) == text


class EventSerializer(serializers.ModelSerializer):
    class Meta:
        model = Event
        fields = ["id"]


def pages(pagination, query=""):
    """Follow `next` from the first page on; return the pages, and the number of queries of the first."""

    class Events(viewsets.ReadOnlyModelViewSet):
        authentication_classes = permission_classes = filter_backends = ()
        queryset = Event.objects.order_by("id")
        serializer_class = EventSerializer
        pagination_class = pagination

    found, url = [], f"/{query}"
    while url:
        data = Events.as_view({"get": "list"})(request.get(url)).data
        assert set(data) == {"results", "next"}
        found.append([row["id"] for row in data["results"]])
        url = data["next"]
    return found


@pytest.fixture
def ids(db):
    Event.objects.bulk_create(Event(kind="a") for _ in range(5))
    return list(Event.objects.order_by("id").values_list("id", flat=True))


def test_cursor_pages_go_from_new_to_old(ids):
    assert pages(api.CursorPages, "?limit=2") == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]


def test_limit_pages_keep_the_order_of_the_view(ids):
    assert pages(api.LimitPages, "?limit=2") == [[ids[0], ids[1]], [ids[2], ids[3]], [ids[4]]]


@pytest.mark.parametrize("pagination", [api.CursorPages, api.LimitPages])
def test_a_page_costs_one_query(ids, pagination, django_assert_num_queries):
    with django_assert_num_queries(1):
        pages(pagination)


@pytest.mark.parametrize("query", ["?limit=x", "?offset=-1", "?offset=²"])
def test_bad_limit_is_refused(query):
    with pytest.raises(exceptions.ValidationError):
        api.LimitPages().paginate_queryset(
            Event.objects, APIView().initialize_request(request.get(f"/{query}"))
        )


def test_error_that_quotes_half_a_character_can_be_answered():
    """A choice that is none is quoted, and JSON can bring what no answer can hold."""
    error = exceptions.ValidationError({"unit": ['"\ud800" is not a valid choice.']})

    assert json.loads(problem_of(error).content)["errors"] == [
        {"field": "unit", "message": '"?" is not a valid choice.'}
    ]
