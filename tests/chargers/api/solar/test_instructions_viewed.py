"""Looking at instructions, and cancelling them."""

import cbor2
import pytest

from chargers.models import Command, Instruction
from chargers.services import instructions
from tests.kit.instructions import BASE, DENIED, FORM, SUCCESS, declined, ids, queued, refusal

pytestmark = pytest.mark.django_db


class TestView:
    """GET view, viewActive, viewPending and the list."""

    @pytest.fixture
    def each(self, owner, charger):
        """An instruction in each state, all of node 7."""
        rows = {
            state: queued(owner, charger, state=state) for state in ("queued", "sent", "completed", "failed")
        }
        return rows | {"refused": declined(owner)}

    def test_one(self, client, each):
        """By id."""
        answer = client.get(f"{BASE}/view?id={each['refused'].pk}")

        assert answer.json() == {
            "success": True,
            "data": {
                "id": each["refused"].pk,
                "created": "2026-03-01 10:30:49.12Z",
                "nodeId": 7,
                "topic": "OCPP_v16",
                "instructionDate": "2026-03-01 10:30:49.12Z",
                "state": "Declined",
                "statusDate": "2026-03-01 10:30:49.12Z",
                "resultParameters": {"error": "No."},
            },
        }

    def test_unknown_one_is_nothing(self, client):
        assert client.get(f"{BASE}/view?id=1").json() == SUCCESS

    def test_several(self, client, each):
        """Those that are there, oldest first."""
        asked = f"{each['sent'].pk},{each['queued'].pk},999999"

        assert ids(client.get(f"{BASE}/view?ids={asked}")) == [each["queued"].pk, each["sent"].pk]

    def test_active_is_always_empty(self, client, each):
        """Ours are taken at once, so none is ever Queued."""
        assert client.get(f"{BASE}/viewActive?nodeId=7").json() == {"success": True, "data": []}

    @pytest.mark.parametrize("nodes", ["nodeId=7", "nodeIds=7,8", "nodeIds=7&nodeIds=8"])
    def test_pending_is_what_has_not_ended(self, client, each, nodes):
        assert ids(client.get(f"{BASE}/viewPending?{nodes}")) == [each["queued"].pk, each["sent"].pk]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("nodeId=7", ["queued", "sent", "completed", "failed", "refused"]),
            ("nodeId=8", []),
            ("nodeId=7&state=Declined", ["failed", "refused"]),
            ("nodeId=7&states=Received,Executing", ["queued", "sent"]),
            ("nodeId=7&states=Queuing,Unknown", []),
            ("nodeId=7&max=1&offset=1", ["sent"]),
            (
                "nodeId=7&startDate=2026-03-01 10:30:49.12",
                ["queued", "sent", "completed", "failed", "refused"],
            ),
            ("nodeId=7&endDate=2026-03-01T10:30:49.12Z", []),
        ],
    )
    def test_list(self, client, each, query, found):
        """By node, state and date; nothing found is an empty list."""
        assert ids(client.get(f"{BASE}?{query}")) == [each[name].pk for name in found]

    def test_list_by_id(self, client, each):
        assert ids(client.get(f"{BASE}/?instructionIds={each['sent'].pk}")) == [each["sent"].pk]

    @pytest.mark.parametrize("path", ["", "/", "/view", "/viewActive", "/viewPending", "?state=Received"])
    def test_nothing_is_listed_without_node_or_id(self, client, each, path):
        answer = client.get(f"{BASE}{path}")

        assert (answer.status_code, answer.json()) == (403, DENIED)

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("view?id=x", 'Failed to convert "id" with value: "x"'),
            ("viewPending?nodeId=x", 'Failed to convert "nodeId" with value: "x"'),
            (
                "?nodeId=7&state=Done",
                "Done is no state; there are Unknown, Queuing, Queued, Received, Executing, Declined, Completed.",
            ),
            ("?nodeId=7&max=x", 'Failed to convert "max" with value: "x"'),
        ],
    )
    def test_bad_query(self, client, query, message):
        answer = client.get(f"{BASE}/{query}")

        assert (answer.status_code, answer.json()) == (422, refusal(message))

    def test_list_costs_the_same_however_long(self, client, owner, charger, each, django_assert_num_queries):
        """The token, the rows with their commands."""
        for _ in range(5):
            queued(owner, charger)

        with django_assert_num_queries(2):
            assert len(ids(client.get(f"{BASE}?nodeId=7"))) == 10


class TestUpdate:
    """POST updateState: cancelling."""

    @pytest.fixture
    def waiting(self, owner, charger):
        return queued(owner, charger)

    @pytest.mark.parametrize("way", ["?id={}&state=Declined", "?ids={}&state=Declined"])
    def test_waiting_one_is_cancelled(self, client, waiting, way):
        """The charger is not asked any more."""
        answer = client.post(f"{BASE}/updateState{way.format(waiting.pk)}")

        assert (answer.status_code, answer.json()) == (200, SUCCESS)
        assert Command.objects.get().state == "cancelled"
        shown = client.get(f"{BASE}/view?id={waiting.pk}").json()["data"]
        assert (shown["state"], shown["resultParameters"]) == (
            "Declined",
            {"error": "The instruction was cancelled."},
        )

    def test_form(self, client, waiting):
        body = f"id={waiting.pk}&state=Declined"

        assert client.generic("POST", f"{BASE}/updateState", body, content_type=FORM).json() == SUCCESS
        assert Command.objects.get().state == "cancelled"

    @pytest.mark.parametrize("state", ["Completed", "Received", "Executing", "Queued", "", "declined"])
    def test_no_other_state_is_a_clients_to_set(self, client, waiting, state):
        answer = client.post(f"{BASE}/updateState?id={waiting.pk}&state={state}")

        message = "The state can only be set to Declined, which cancels the instruction."
        assert (answer.status_code, answer.json()) == (422, refusal(message))
        assert Command.objects.get().state == "queued"

    @pytest.mark.parametrize(("state", "word"), [("sent", "Executing"), ("completed", "Completed")])
    def test_what_was_sent_stays(self, client, owner, charger, waiting, state, word):
        """And so do all others that were named with it."""
        late = queued(owner, charger, state=state)

        answer = client.post(f"{BASE}/updateState?ids={waiting.pk},{late.pk}&state=Declined")

        message = f"Instruction {late.pk} is {word}; only Received ones can be cancelled."
        assert (answer.status_code, answer.json()) == (422, refusal(message))
        assert set(Command.objects.values_list("state", flat=True)) == {"queued", state}

    def test_declined_one_stays_so(self, client, owner):
        """A repeated cancelling is no error."""
        row = declined(owner)

        assert client.post(f"{BASE}/updateState?id={row.pk}&state=Declined").json() == SUCCESS

    def test_unknown_one_is_no_error(self, client):
        assert client.post(f"{BASE}/updateState?id=1&state=Declined").json() == SUCCESS

    def test_what_somebody_cancels_meanwhile_is_cancelled(self, waiting):
        """Both asked for the same, and both got it."""
        looked_at = Instruction.objects.select_related("command").get(pk=waiting.pk)
        instructions.cancel(waiting)

        assert instructions.cancel(looked_at)

    @pytest.mark.parametrize("query", ["nodeId=7", "nodeIds=7,9", "nodeId=7&states=Received,Executing"])
    def test_filter_cancels_what_waits(self, client, owner, charger, waiting, query):
        """And tells the ids; others are left alone."""
        queued(owner, charger, node=8)
        queued(owner, charger, state="sent")

        assert client.post(f"{BASE}/updateState?state=Declined&{query}").json() == {
            "success": True,
            "data": [waiting.pk],
        }

    @pytest.mark.parametrize(
        "query", ["nodeId=9", "nodeId=7&states=Executing", "nodeId=7&endDate=2026-01-01"]
    )
    def test_filter_that_finds_nothing(self, client, waiting, query):
        answer = client.post(f"{BASE}/updateState?state=Declined&{query}")

        assert answer.json() == {"success": True, "data": []}
        assert Command.objects.get().state == "queued"

    def test_filter_needs_a_node(self, client, waiting):
        answer = client.post(f"{BASE}/updateState?state=Declined&states=Received")

        assert (answer.status_code, answer.json()) == (403, DENIED)


class TestForms:
    """Lists in other forms than JSON."""

    @pytest.fixture
    def row(self, owner):
        return declined(owner)

    def test_cbor(self, client, row):
        answer = client.get(f"{BASE}?nodeId=7", headers={"Accept": "application/cbor"})

        assert answer["Content-Type"] == "application/cbor"
        assert cbor2.loads(answer.content)["data"][0]["resultParameters"] == {"error": "No."}

    def test_csv(self, client, row):
        answer = client.get(f"{BASE}/view?ids={row.pk}", headers={"Accept": "text/csv"})

        names, values = answer.content.decode().splitlines()
        assert names.startswith("id,created,nodeId,topic,")
        assert values.startswith(f"{row.pk},2026-03-01 10:30:49.12Z,7,OCPP_v16,")
