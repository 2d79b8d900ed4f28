"""Asking for instructions: what the doors read, answer and refuse."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from chargers.models import Command, Instruction
from tests.kit.instructions import BASE, CLEAR, DENIED, FORM, form, listed, refusal

pytestmark = pytest.mark.django_db

TOO_LONG = "The parameters must be 262144 characters or less, of all nodes together."
RESET = {**CLEAR, "params": {"chargerIdentifier": "CP-1", "action": "Reset", "type": "Soft"}}


class TestAdd:
    """POST add and add/{topic}."""

    @pytest.mark.parametrize(
        "body",
        [
            CLEAR,
            {**CLEAR, "params": None, "parameters": listed(CLEAR["params"])},
            {**CLEAR, "params": None, "parameters": CLEAR["params"]},
            {**CLEAR, "nodeId": "7"},
        ],
    )
    def test_json_in_each_form(self, client, charger, body):
        """A map or a list; numbers also as texts."""
        answer = client.post(f"{BASE}/add", body)

        assert (answer.status_code, answer.json()["data"]["state"]) == (200, "Received")
        assert answer.json()["data"]["parameters"] == listed(CLEAR["params"])
        assert Command.objects.get().action == "ClearCache"

    @pytest.mark.parametrize("path", ["add?", "add/OCPP_v16?topic=other&", "add/OCPP_v16/?"])
    @pytest.mark.parametrize("kind", [FORM, "application/json", ""])
    def test_query_is_enough(self, client, charger, path, kind):
        """The URL helpers of their client put everything there; a topic in the path wins."""
        query = form(nodeId=7, topic="OCPP_v16") if path == "add?" else form(nodeId=7)

        answer = client.generic("POST", f"{BASE}/{path}{query}", content_type=kind)

        assert answer.json()["data"]["parameters"] == listed(CLEAR["params"])
        assert answer.json()["data"]["topic"] == "OCPP_v16"

    def test_form(self, client, charger):
        """What a form says; its parameters go by their index."""
        body = "parameters[10].name=b&parameters[10].value=2&parameters[9].name=a&parameters[9].value=1"

        answer = client.generic("POST", f"{BASE}/add/OCPP_v16", f"{body}&nodeId=7", content_type=FORM)

        assert answer.json()["data"]["parameters"] == listed({"a": "1", "b": "2"})

    def test_answer_has_all_members_in_order(self, client, charger):
        """As their serializer writes them; dates with a blank."""
        dates = {"instructionDate": "2026-03-01T10:30:49Z", "expirationDate": "2099-03-01 10:30:49.120"}

        data = client.post(f"{BASE}/add", {**CLEAR, **dates}).json()["data"]

        row = Instruction.objects.get()
        written = f"{row.created_at:%Y-%m-%d %H:%M:%S.%f}".rstrip("0").rstrip(".") + "Z"
        assert list(data.items())[:7] == [
            ("id", row.pk),
            ("created", written),
            ("nodeId", 7),
            ("topic", "OCPP_v16"),
            ("instructionDate", "2026-03-01 10:30:49Z"),
            ("state", "Received"),
            ("statusDate", written),
        ]
        assert list(data)[7:] == ["expirationDate", "parameters"]

    def test_declined_is_no_failure_of_the_request(self, client, charger):
        """It is stored, and the error told."""
        answer = client.post(f"{BASE}/add", {"nodeId": 7, "topic": "OSCP_v20"})

        data = answer.json()["data"]
        assert (answer.status_code, data["state"], "parameters" in data) == (200, "Declined", False)
        assert data["resultParameters"]["error"].startswith("Topic OSCP_v20 is not supported here")

    @pytest.mark.parametrize("nodes", ["1,2", "2", [1, 2]])
    def test_several_nodes_get_one_each(self, client, charger, nodes):
        """nodeIds is answered by a list, be it of one."""
        answer = client.post(f"{BASE}/add", {**CLEAR, "nodeId": None, "nodeIds": nodes})

        named = [int(node) for node in nodes if node != ","]
        assert [row["nodeId"] for row in answer.json()["data"]] == named

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"nodeId": None}, "The nodeId parameter is required."),
            ({"nodeIds": "", "nodeId": ""}, "The nodeId parameter is required."),
            ({"topic": None}, "The topic parameter is required."),
            ({"topic": "t" * 129}, "The topic must be 128 characters or less."),
            ({"nodeId": "one"}, 'Failed to convert "nodeId" with value: "one"'),
            ({"nodeIds": list(range(1, 102))}, "No more than 100 nodes may be named at once."),
            ({"params": {"": "x"}}, "Each of the parameters needs a name."),
            ({"parameters": [{"value": "x"}]}, "Each of the parameters needs a name."),
            ({"params": {"a": "\0"}}, "Text must not hold the character NUL."),
            ({"params": {"a": "x" * 2**18}}, TOO_LONG),
            ({"params": {"a": "x" * 2**17}, "nodeIds": [1, 2]}, TOO_LONG),
        ],
    )
    def test_bad_request_says_what_is_wrong(self, client, charger, change, message):
        answer = client.post(f"{BASE}/add", {**CLEAR, **change})

        assert (answer.status_code, answer.json()) == (422, refusal(message))
        assert not Instruction.objects.exists()

    def test_long_parameters_are_taken(self, client, charger):
        """A local list is long; what they allow to be split is."""
        params = {**CLEAR["params"], "x": "y" * (2**18 - 100)}

        assert client.post(f"{BASE}/add", {**CLEAR, "params": params}).status_code == 200

    @pytest.mark.parametrize("name", ["expirationDate", "instructionDate"])
    def test_bad_date(self, client, charger, name):
        answer = client.post(f"{BASE}/add", {**CLEAR, name: "soon"})

        assert answer.status_code == 422
        assert answer.json() == {"success": False, "message": f'Malformed date string: "soon" in {name}'}

    @pytest.mark.parametrize(
        "body", ["[]", '"x"', "{", '{"nodeId":7,"params":"x"}', '{"nodeId":7,"params":[1]}']
    )
    def test_bad_json(self, client, charger, body):
        answer = client.generic("POST", f"{BASE}/add", body, content_type="application/json")

        assert answer.status_code == 422
        assert answer.json()["message"].startswith("Malformed JSON: ")

    def test_half_a_character(self, client, charger):
        """JSON can hold what no database takes."""
        body = r'{"nodeId":7,"topic":"OCPP_v16","params":{"a":"\ud800"}}'

        answer = client.generic("POST", f"{BASE}/add", body, content_type="application/json")

        assert answer.status_code == 422

    def test_too_many_fields(self, client, charger):
        """A form is bounded, and says so."""
        body = form({f"p{number}": "1" for number in range(501)})

        answer = client.generic("POST", f"{BASE}/add", body, content_type=FORM)

        assert answer.status_code == 422
        assert answer.json()["message"].startswith("Illegal argument: ")

    def test_other_content_is_refused(self, client, charger):
        """Neither a form nor JSON."""
        answer = client.generic("POST", f"{BASE}/add", "<add/>", content_type="text/xml")

        assert (answer.status_code, answer.json()) == (
            415,
            {"success": False, "message": 'Unsupported media type "text/xml" in request.'},
        )

    @pytest.mark.parametrize("value", [0, -1])
    def test_node_that_cannot_be(self, client, charger, value):
        answer = client.post(f"{BASE}/add", {**CLEAR, "nodeId": value})

        assert (answer.status_code, answer.json()) == (403, DENIED)

    def test_values_of_other_types_become_text(self, client, charger):
        """Theirs takes texts only; a message may also be an object."""
        params = {"chargerIdentifier": "CP-1", "action": "Reset", "msg": {"type": "Soft"}}

        answer = client.post(f"{BASE}/add", {**CLEAR, "params": params, "expirationDate": "2099-01-01"})

        assert Command.objects.get().payload == {"type": "Soft"}
        assert answer.json()["data"]["parameters"][2] == {"name": "msg", "value": '{"type": "Soft"}'}

    def test_secret_is_shown_masked(self, client, charger):
        """Neither the answer nor a later view tells it."""
        secret = {"action": "ChangeConfiguration", "key": "AuthorizationKey", "value": "hunter2"}

        answer = client.post(f"{BASE}/add", {**CLEAR, "params": {**CLEAR["params"], **secret}})

        assert "hunter2" not in answer.content.decode()
        assert "******" in client.get(f"{BASE}/view?id={answer.json()['data']['id']}").content.decode()

    def test_get_is_not_allowed(self, client):
        answer = client.get(f"{BASE}/add")

        assert (answer.status_code, answer.json()["success"]) == (405, False)


class TestExec:
    """POST exec and exec/{topic}."""

    @pytest.mark.parametrize("path", ["exec", "exec/OCPP_v16"])
    def test_result_is_in_the_answer(self, answering, client, path):
        """As soon as the charger has answered."""
        data = client.post(f"{BASE}/{path}", RESET).json()["data"]

        assert (data["state"], data["resultParameters"]) == ("Completed", {"status": "Accepted"})

    def test_what_is_not_done_in_time_is_told(self, client, charger):
        """The instruction as it is, with a message; it waits a minute for its charger."""
        answer = client.post(f"{BASE}/exec?resultMaxWait=50", CLEAR)

        data = answer.json()["data"]
        assert (answer.status_code, data["state"]) == (200, "Received")
        assert data["resultParameters"] == {
            "message": "Timeout waiting for the instruction to complete; it goes on and can be viewed."
        }
        row = Instruction.objects.get()
        assert row.expires_at - row.created_at == timedelta(seconds=60)

    def test_offline_charger_is_told_at_once(self, client, charger):
        """What is meant for now does not wait."""
        data = client.post(f"{BASE}/exec", RESET).json()["data"]

        assert (data["state"], data["resultParameters"]) == ("Declined", {"error": "Client not available."})

    @pytest.mark.parametrize("wait", ["soon", "1.5"])
    def test_bad_wait(self, client, charger, wait):
        answer = client.post(f"{BASE}/exec?resultMaxWait={wait}", CLEAR)

        message = f'Failed to convert "resultMaxWait" with value: "{wait}"'
        assert (answer.status_code, answer.json()) == (422, refusal(message))
        assert not Instruction.objects.exists()


def test_adding_costs_few_queries(client, charger, django_assert_num_queries):
    """The token, the charger with its presence, the two rows, and the transaction around them."""
    with django_assert_num_queries(6):
        assert client.post(f"{BASE}/add", CLEAR).json()["data"]["state"] == "Received"


def test_expiry_is_told(client, charger):
    """A day, when the caller says nothing."""
    data = client.post(f"{BASE}/add", CLEAR).json()["data"]

    assert datetime.fromisoformat(data["expirationDate"]) > timezone.now() + timedelta(hours=23)
