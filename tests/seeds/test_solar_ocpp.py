"""Every example printed in SolarNetwork's OCPP API document, replayed: bodies, answers, order of members."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from chargers.models import Charger, Connector, PublishSettings
from tokens.models import Authorization, Credential

pytestmark = pytest.mark.django_db
EXAMPLES = json.loads((Path(__file__).parent / "solar_ocpp.json").read_text())
BASE = "/solaruser/api/v1/sec/user/ocpp"
CREATED = "2020-03-01T00:00:00Z"


def printed(section, kind):
    """Return the examples of a section, in their order."""
    return [each["example"] for each in EXAMPLES if (each["section"], each["kind"]) == (section, kind)]


def spec(section):
    return pytest.mark.spec("solar-ocpp", section)


def _text(value):
    """Equal texts are equal in the order of their members too."""
    return json.dumps(value)


def _moment(text):
    return text and datetime.fromisoformat(text)


# What the printed rows are in our tables -----------------------------------------------------------


def _authorization(row):
    return Authorization.objects.create(
        pk=row["id"],
        owner_id=row["userId"],
        created_at=_moment(row["created"]),
        token=row["token"],
        enabled=row["enabled"],
        expiry_date=_moment(row.get("expiryDate")),
    )


def _charger(row):
    return Charger.objects.create(
        pk=row["id"],
        owner_id=row["userId"],
        created_at=_moment(row["created"]),
        node_id=row["nodeId"],
        enabled=row["enabled"],
        registration_status=row["registrationStatus"],
        connector_count=row["connectorCount"],
        identifier=row["info"]["id"],
        vendor=row["info"]["chargePointVendor"],
        model=row["info"]["chargePointModel"],
        serial_number=row["info"]["chargePointSerialNumber"],
    )


def _connector(row):
    return Connector.objects.create(
        charger_id=row["chargePointId"],
        connector_id=row["connectorId"],
        created_at=_moment(row["created"]),
        status_at=_moment(row["info"]["timestamp"]),
        status=row["info"]["status"],
        error_code=row["info"]["errorCode"],
    )


def _credential(row):
    return Credential.objects.create(
        pk=row["id"],
        owner_id=row["userId"],
        created_at=_moment(row["created"]),
        username=row["username"],
        allowed_charge_points=row.get("allowedChargePoints", []),
    )


def _settings(row):
    return PublishSettings.objects.create(
        owner_id=row["userId"],
        charger_id=row.get("chargePointId"),
        created_at=_moment(row["created"]),
        publish_to_solar_in=row["publishToSolarIn"],
        publish_to_solar_flux=row["publishToSolarFlux"],
        source_id_template=row["sourceIdTemplate"],
    )


@pytest.fixture
def second_charger(account):
    """The charger number 2 that the examples speak of."""
    return Charger.objects.create(pk=2, owner=account, identifier="CP0002")


# Reading ----------------------------------------------------------------------------------------------


def _read(client, path, section, make):
    (example,) = printed(section, "response")
    data = example["data"]
    for row in data if isinstance(data, list) else [data]:
        make(row)
    answer = client.get(BASE + path)
    assert answer.status_code == 200
    return answer.json(), example


@pytest.mark.parametrize(
    ("path", "section", "make"),
    [
        pytest.param(
            "/authorizations", "Authorizations list", _authorization, marks=spec("Authorizations list")
        ),
        pytest.param("/chargers", "Chargers list", _charger, marks=spec("Chargers list")),
        pytest.param("/credentials", "Credentials list", _credential, marks=spec("Credentials list")),
        pytest.param("/credentials/1", "Credentials view", _credential, marks=spec("Credentials view")),
        pytest.param(
            "/credentials?username=foobar",
            "Credentials get by username",
            _credential,
            marks=spec("Credentials get by username"),
        ),
    ],
)
def test_printed_rows_are_shown_as_printed(client, path, section, make):
    """To the letter: members, their order, and what is left out."""
    shown, example = _read(client, path, section, make)

    assert _text(shown) == _text(example)


@pytest.mark.parametrize(
    ("path", "section", "make"),
    [
        pytest.param(
            "/chargers/settings", "Charger settings list", _settings, marks=spec("Charger settings list")
        ),
        pytest.param(
            "/chargers/2/settings", "Charger settings view", _settings, marks=spec("Charger settings view")
        ),
        pytest.param("/connectors", "Connectors list", _connector, marks=spec("Connectors list")),
    ],
)
def test_what_belongs_to_a_charger_is_shown_as_printed(client, second_charger, path, section, make):
    """Connectors and settings of the examples' second charger."""
    shown, example = _read(client, path, section, make)

    assert _text(shown) == _text(example)


@spec("Settings view")
def test_account_settings_are_shown_as_printed(client):
    """With `hid`, which is newer than the document, after `created`."""
    shown, example = _read(client, "/settings", "Settings view", _settings)

    assert list(shown["data"])[2] == "hid"
    del shown["data"]["hid"]
    assert _text(shown) == _text(example)


# Saving -----------------------------------------------------------------------------------------------


def _entity_like(shown, printed_entity):
    """Return what was shown with the number and the time of the printed one."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", shown["created"])
    return {name: printed_entity.get(name) if name in ("id", "created") else shown[name] for name in shown}


@spec("Authorizations save")
def test_authorization_is_saved_as_printed(client):
    """The example updates number 4, which then is the one that the list prints."""
    (body,) = printed("Authorizations save", "request")
    listed = printed("Authorizations list", "response")[0]["data"][1]
    _authorization({**listed, "token": "before", "enabled": True, "expiryDate": None})

    answer = client.post(f"{BASE}/authorizations", body)

    assert answer.status_code == 200
    assert _text(answer.json()) == _text({"success": True, "data": listed})


@spec("Chargers save")
def test_charger_is_saved_as_printed(client, account):
    """Its answer has the members of the list, in the list's order."""
    (body,) = printed("Chargers save", "request")
    listed = printed("Chargers list", "response")[0]["data"][0]

    answer = client.post(f"{BASE}/chargers", body)

    assert answer.status_code == 201
    assert _text(_entity_like(answer.json()["data"], listed)) == _text(
        {**listed, "registrationStatus": "Pending"}
    )


@spec("Charger settings save")
def test_charger_settings_are_saved_as_printed(client, second_charger):
    """They are the printed ones with what the body says."""
    (body,) = printed("Charger settings save", "request")
    shown = printed("Charger settings view", "response")[0]["data"]

    answer = client.post(f"{BASE}/chargers/settings", body)

    assert answer.status_code == 200
    assert _text(_entity_like(answer.json()["data"], shown)) == _text({**shown, **body})


@spec("Connectors save")
def test_connector_is_saved_as_printed(client, second_charger):
    """The first connector that the list prints."""
    (body,) = printed("Connectors save", "request")
    listed = printed("Connectors list", "response")[0]["data"][0]

    answer = client.post(f"{BASE}/connectors", body)

    shown = _entity_like(answer.json()["data"], listed)
    shown["info"]["timestamp"] = listed["info"]["timestamp"]
    assert answer.status_code == 200
    assert _text(shown) == _text(listed)


@spec("Credentials save")
def test_credential_with_a_generated_password_is_saved_as_printed(client, account):
    """The password comes last, and this once."""
    body, example = printed("Credentials save", "request")[0], printed("Credentials save", "response")[0]

    answer = client.post(f"{BASE}/credentials", body)

    shown = _entity_like(answer.json()["data"], example)
    assert answer.status_code == 201
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", shown["password"])
    assert _text({**shown, "password": example["password"]}) == _text(example)


@spec("Credentials save")
def test_credential_with_a_chosen_password_is_saved_as_printed(client, account):
    """What the client chose does not come back."""
    body, example = printed("Credentials save", "request")[1], printed("Credentials save", "response")[1]

    answer = client.post(f"{BASE}/credentials", body)

    assert answer.status_code == 201
    assert _text(_entity_like(answer.json()["data"], example)) == _text(example)


@spec("Settings save")
def test_account_settings_are_saved_as_printed(client):
    """They are the printed ones with what the body says."""
    (body,) = printed("Settings save", "request")
    example = printed("Settings view", "response")[0]["data"]

    answer = client.post(f"{BASE}/settings", body)

    shown = _entity_like(answer.json()["data"], example)
    del shown["hid"]
    assert answer.status_code == 200
    assert _text(shown) == _text({**example, **body})


def test_every_example_is_replayed():
    """Eighteen bodies and answers are printed."""
    assert len(EXAMPLES) == 18
