"""Whose instructions a token reaches: its owner's, and of those the nodes of its policy."""

import pytest
from rest_framework.test import APIClient

from chargers.models import Charger, Command, Instruction
from tests.chargers.api.conftest import client_of
from tests.kit.instructions import BASE, CLEAR, DENIED, SUCCESS, ids, queued
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db


class TestAccess:
    """Whose instructions."""

    @pytest.fixture
    def theirs(self, stranger):
        """A stranger's instruction for the same node number."""
        charger = Charger.objects.create(owner=stranger, identifier="CP-1", security_profile=0)
        return queued(stranger, charger)

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("get", "view?id={}"),
            ("get", "view?ids={}"),
            ("get", "?instructionIds={}"),
            ("get", "?nodeId=7"),
            ("get", "viewPending?nodeId=7"),
            ("post", "updateState?id={}&state=Declined"),
            ("post", "updateState?ids={}&state=Declined"),
            ("post", "updateState?nodeId=7&state=Declined"),
        ],
    )
    @pytest.mark.parametrize("role", ["owner", "superuser"])
    def test_those_of_strangers_do_not_exist(self, request, theirs, method, path, role):
        """The answer is that to a number that nobody has, and the row is as it was."""
        client = client_of(request.getfixturevalue(role))

        answer = client.generic(method.upper(), f"{BASE}/{path.format(theirs.pk)}")
        absent = client.generic(method.upper(), f"{BASE}/{path.format(999999)}")

        assert (answer.status_code, answer.json()) == (200, absent.json())
        assert answer.json() in (SUCCESS, {"success": True, "data": []})
        assert Command.objects.get().state == "queued"

    @pytest.mark.parametrize("path", ["", "/view", "/viewActive", "/viewPending"])
    def test_no_route_is_open(self, path):
        answer = APIClient().get(f"{BASE}{path}?nodeId=7")

        assert (answer.status_code, answer.json()["success"]) == (401, False)

    @pytest.mark.parametrize("path", ["add", "exec", "updateState", "add/OCPP_v16", "exec/OCPP_v16"])
    def test_no_post_is_open(self, path, charger):
        answer = APIClient().post(f"{BASE}/{path}", CLEAR)

        assert (answer.status_code, answer.json()["success"]) == (401, False)
        assert not Instruction.objects.exists()

    def test_data_token_may_not(self, client, charger):
        """It only queries datum."""
        ApiToken.objects.update(kind="ReadNodeData")

        assert client.post(f"{BASE}/add", CLEAR).status_code == 403
        assert not Instruction.objects.exists()


class TestPolicy:
    """A token whose policy names nodes."""

    @pytest.fixture
    def rows(self, client, owner, charger):
        """An instruction of node 7, which the token may use, and one of node 8, which it may not."""
        ApiToken.objects.update(policy={"nodeIds": [7]})
        Charger.objects.update(node_id=7)
        return queued(owner, charger), queued(owner, charger, node=8)

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("get", "?nodeIds=7,8"),
            ("get", "viewPending?nodeId=8"),
            ("post", "updateState?state=Declined&nodeId=8"),
            ("post", "add/OCPP_v16?nodeId=8"),
            ("post", "exec/OCPP_v16?nodeIds=7,8"),
        ],
    )
    def test_other_nodes_are_denied(self, client, rows, method, path):
        answer = client.generic(method.upper(), f"{BASE}/{path}")

        assert (answer.status_code, answer.json()) == (403, DENIED)
        assert Instruction.objects.count() == 2

    def test_instructions_of_other_nodes_do_not_exist(self, client, rows):
        """By number as in lists."""
        mine, other = rows

        assert client.get(f"{BASE}/view?id={other.pk}").json() == SUCCESS
        assert ids(client.get(f"{BASE}/view?ids={mine.pk},{other.pk}")) == [mine.pk]
        assert client.post(f"{BASE}/updateState?id={other.pk}&state=Declined").json() == SUCCESS
        assert Command.objects.get(instruction=other).state == "queued"

    def test_chargers_of_other_nodes_do_not_exist(self, client, rows):
        """Naming a node of one's own does not open the charger of another."""
        Charger.objects.update(node_id=8)

        data = client.post(f"{BASE}/add", CLEAR).json()["data"]

        assert data["resultParameters"] == {"error": "OCPP charger not specified or not available."}

    def test_instructions_to_chargers_of_other_nodes_do_not_exist(self, client, rows):
        """Who may reach all nodes may have named one and meant a charger of another."""
        Charger.objects.update(node_id=8)

        assert client.get(f"{BASE}/view?id={rows[0].pk}").json() == SUCCESS
        assert client.post(f"{BASE}/updateState?id={rows[0].pk}&state=Declined").json() == SUCCESS
        assert Command.objects.get(instruction=rows[0]).state == "queued"

    def test_own_node_is_served(self, client, rows):
        assert ids(client.get(f"{BASE}?nodeId=7")) == [rows[0].pk]
        assert client.post(f"{BASE}/add", CLEAR).json()["data"]["state"] == "Received"
