"""Settings by the native API: what is wanted of a charger, asking it, and watching."""

import pytest
from django.utils import timezone

from chargers.models import Charger, Command, Variable

pytestmark = pytest.mark.django_db

WISH = {"name": "MeterValueSampleInterval", "value": "30"}


@pytest.fixture
def charger(rows):
    return rows[Charger]


@pytest.fixture
def path(charger):
    return f"/api/v1/chargers/{charger.pk}/variables"


@pytest.fixture
def variable(rows):
    """HeartbeatInterval, which reads 300."""
    return rows[Variable]


def _errors(answer):
    return [(error["field"], error["message"]) for error in answer.json()["errors"]]


def test_wish_is_taken_and_shown(client, path, owner):
    """It waits for the charger, which is offline; it names who wants it."""
    answer = client.post(path, {"variables": [WISH]})

    row = answer.json()[0]
    assert (answer.status_code, row["desired_value"], row["desired_state"]) == (200, "30", "waiting")
    assert (row["value"], row["desired_by"], row["desired_origin"]) == (None, owner.pk, "native")


def test_row_of_the_list_can_be_wanted_as_it_is_named(client, path):
    """A 1.6 key has neither component nor instance: the list shows them empty."""
    names = ("name", "component", "component_instance", "evse_id", "connector_id", "instance", "attribute")
    (row,) = client.get(path).json()["results"]

    answer = client.post(path, {"variables": [{name: row[name] for name in names} | {"value": "60"}]})

    assert (answer.status_code, answer.json()[0]["id"]) == (200, row["id"])


def test_list_can_be_narrowed(client, path):
    """By name, component and state."""
    client.post(path, {"variables": [WISH]})

    def names(query):
        return [row["name"] for row in client.get(f"{path}?{query}").json()["results"]]

    assert names("desired_state=waiting") == [WISH["name"]]
    assert names("search=heart") == ["HeartbeatInterval"]
    assert names("name=HeartbeatInterval&component=") == ["HeartbeatInterval"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"variables": [WISH, {"name": "A", "value": "1" * 501}]}, "variables.1.value"),
        ({"variables": [{"name": "A", "component": "TxCtrlr", "value": "1"}]}, "variables.0.component"),
        ({"variables": [{"name": "AuthorizationKey", "value": "1" * 16}]}, "variables.0.name"),
        ({"variables": [{"name": "A"}]}, "variables.0.value"),
        ({"variables": []}, "variables"),
        ({"variables": "all"}, "variables"),
        ({}, "variables"),
    ],
)
def test_wish_that_cannot_be_is_refused_by_name(client, path, body, field):
    """And none of the others is taken."""
    answer = client.post(path, body)

    assert answer.status_code == 400
    assert _errors(answer)[0][0].startswith(field)
    assert not Variable.objects.wanted().exists()


def test_wish_is_changed_and_forgotten_at_its_variable(client, variable):
    """By PATCH, and by DELETE or null."""
    path = f"/api/v1/variables/{variable.pk}"

    assert client.patch(path, {"desired_value": "60"}).json()["desired_state"] == "waiting"
    assert client.delete(f"{path}/desired").status_code == 204
    assert client.get(path).json()["desired_state"] == ""
    client.patch(path, {"desired_value": "90"})
    assert client.patch(path, {"desired_value": None}).json()["desired_value"] is None


def test_wish_is_refused_at_its_variable(client, variable):
    """What the charger says to be read only."""
    Variable.objects.filter(pk=variable.pk).update(mutability="ReadOnly")

    answer = client.patch(f"/api/v1/variables/{variable.pk}", {"desired_value": "60"})

    assert _errors(answer) == [("desired_value", "The charger says that this can only be read.")]


def test_variable_is_watched_and_no_more(client, variable):
    """As EVerest's monitor_configuration_keys."""
    path = f"/api/v1/variables/{variable.pk}"

    assert client.patch(path, {"is_monitored": True}).json()["is_monitored"] is True
    assert client.patch(path, {"is_monitored": False}).json()["is_monitored"] is False


def test_wish_is_tried_again(client, path, variable):
    """409 where there is none."""
    again = f"/api/v1/variables/{variable.pk}/retry"
    assert client.post(again).status_code == 409
    client.patch(f"/api/v1/variables/{variable.pk}", {"desired_value": "60"})
    Variable.objects.filter(pk=variable.pk).update(desired_state="rejected", next_attempt_at=None)

    assert client.post(again).json()["desired_state"] == "waiting"


def test_charger_is_asked_for_everything(client, path, online):
    """The command that does it is answered."""
    answer = client.post(f"{path}/read", {})

    assert (answer.status_code, answer.json()["action"]) == (202, "GetConfiguration")


def test_charger_is_asked_for_some(client, path, online, variable):
    """By their numbers."""
    answer = client.post(f"{path}/read", {"variables": [variable.pk]})

    assert answer.json()["payload"] == {"key": ["HeartbeatInterval"]}


def test_other_chargers_variables_are_not_asked_for(client, path, online, other_rows):
    """They do not exist for the caller."""
    answer = client.post(f"{path}/read", {"variables": [other_rows[Variable].pk]})

    assert (answer.status_code, _errors(answer)[0][0]) == (400, "variables")


def test_offline_charger_cannot_be_asked(client, path):
    """A conflict; no command is left."""
    before = Command.objects.count()

    assert (client.post(f"{path}/read", {}).status_code, Command.objects.count()) == (409, before)


def test_charger_that_came_back_in_another_version_is_a_conflict(client, path, charger, online):
    """It did so after its row was read."""
    type(online).objects.update(protocol="ocpp2.0.1")

    assert client.post(f"{path}/read").status_code == 409


def test_secrets_are_not_shown(client, charger, path):
    """Neither what is nor what is wanted."""
    client.post(path, {"variables": [{"name": "WifiPassword", "value": "hush-hush"}]})
    Variable.objects.filter(name="WifiPassword").update(value="******", reported_at=timezone.now())

    row = client.get(f"{path}?name=WifiPassword").json()["results"][0]

    assert (row["value"], row["desired_value"], row["desired_state"]) == (None, None, "waiting")


def test_charger_of_another_owner_does_not_exist(client, other_rows):
    """Not even to want something of it."""
    path = f"/api/v1/chargers/{other_rows[Charger].pk}/variables"

    assert client.post(path, {"variables": [WISH]}).status_code == 404
    assert client.post(f"{path}/read", {}).status_code == 404
