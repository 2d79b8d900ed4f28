"""EVerest's names on our side: what is known of a charger, stop, restart, and data transfer."""

import pytest
from django.utils import timezone

from chargers.models import Charger, Command, Variable
from csms.models import Event


@pytest.fixture
def charger(rows):
    return rows[Charger]


@pytest.fixture
def path(charger):
    return f"/api/v1/chargers/{charger.pk}"


def _fields(answer):
    return [error["field"] for error in answer.json()["errors"]]


class TestMirror:
    def test_all_is_told_in_one_place(self, client, path, online):
        """The schedules in the typed shape."""
        shown = client.get(f"{path}/mirror").json()

        assert shown["is_connected"] is True
        assert shown["configuration_key"] == [
            {"key": "HeartbeatInterval", "read_only": False, "value": "300"}
        ]
        assert shown["charging_schedules"] == {
            "schedules": [
                {
                    "evse": 0,
                    "charging_rate_unit": "A",
                    "charging_schedule_period": [
                        {"start_period": 0, "limit": 16.0, "number_phases": 3},
                        {"start_period": 300, "limit": 10.0},
                    ],
                    "duration": 600,
                    "start_schedule": "2026-03-01T12:00:00.000Z",
                }
            ]
        }

    def test_seed_shape_goes_by_connector_number(self, client, path):
        """Each as OCPP 1.6's ChargingSchedule."""
        shown = client.get(f"{path}/mirror?shape=seed").json()["charging_schedules"]

        assert shown == {
            "0": {
                "duration": 600,
                "startSchedule": "2026-03-01T12:00:00.000Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [
                    {"startPeriod": 0, "limit": 16.0, "numberPhases": 3},
                    {"startPeriod": 300, "limit": 10.0},
                ],
            }
        }

    def test_charger_that_never_connected(self, client, path):
        shown = client.get(f"{path}/mirror").json()

        assert (shown["is_connected"], shown["connected_at"], shown["last_frame_at"]) == (False, None, None)

    def test_keys_are_found_whatever_their_case(self, client, path, charger):
        """Those that nobody knows are named as they were asked for; secrets are not shown."""
        Variable.objects.create(
            charger=charger,
            name="AuthorizationKey",
            value="******",
            is_secret=True,
            mutability="ReadOnly",
            reported_at=timezone.now(),
        )

        shown = client.get(f"{path}/mirror?keys=authorizationkey, Nothing").json()

        assert shown["configuration_key"] == [{"key": "AuthorizationKey", "read_only": True, "value": None}]
        assert shown["unknown_keys"] == ["Nothing"]

    def test_key_that_is_only_wanted_is_unknown(self, client, path, charger):
        """The charger said nothing of it."""
        Variable.objects.create(charger=charger, name="Colour", desired_value="red")

        shown = client.get(f"{path}/mirror?keys=Colour").json()

        assert (shown["configuration_key"], shown["unknown_keys"]) == ([], ["Colour"])

    @pytest.mark.parametrize(
        ("names", "key"),
        [
            ({"component": "EVSE", "evse_id": 1}, "EVSE#1.V"),
            ({"component": "Connector", "evse_id": 1, "connector_id": 2}, "Connector#1.2.V"),
            ({"component": "C", "component_instance": "main", "instance": "Get"}, "C[main].V[Get]"),
        ],
    )
    def test_key_of_201_names_one_variable(self, client, path, charger, names, key):
        """Many have the same component and name; asked for by those, all of them are told."""
        Variable.objects.create(charger=charger, name="V", reported_at=timezone.now(), **names)
        plain = f"{names['component']}.V"

        shown = client.get(f"{path}/mirror", {"keys": f"{plain},{key},other"}).json()

        assert [each["key"] for each in shown["configuration_key"]] == [key]
        assert shown["unknown_keys"] == ["other"]

    def test_unknown_shape_is_named(self, client, path):
        assert _fields(client.get(f"{path}/mirror?shape=round")) == ["shape"]


class TestStop:
    def test_stop_and_restart_say_whether_they_did_anything(self, client, path):
        did = [
            client.post(f"{path}/{verb}").json()["result"] for verb in ("restart", "stop", "stop", "restart")
        ]

        assert did == [False, True, False, True]

    def test_stopped_charger_says_since_when(self, client, path):
        client.post(f"{path}/stop")

        assert client.get(path).json()["stopped_at"]
        assert client.patch(path, {"stopped_at": None}).json()["stopped_at"]


class TestDataTransfer:
    @pytest.mark.parametrize(
        ("said", "status", "data"),
        [
            ({"status": "Accepted", "data": "pong"}, "Accepted", "pong"),
            ({"status": "UnknownVendorId"}, "UnknownVendorId", None),
            ({"status": "Perhaps"}, "Rejected", None),
        ],
    )
    def test_answer_is_told(self, says, client, path, said, status, data):
        """What is no answer is a refusal."""
        says(said)

        answer = client.post(f"{path}/data-transfer", {"vendor_id": "V", "message_id": "M", "data": "ping"})

        command = Command.objects.get(action="DataTransfer")
        assert command.payload == {"vendorId": "V", "messageId": "M", "data": "ping"}
        assert (answer.status_code, answer.json()) == (
            200,
            {"status": status, "data": data, "command": command.pk},
        )

    def test_charger_that_is_not_there_is_offline(self, client, path):
        """An answer, not an error: EVerest's callers know it."""
        answer = client.post(f"{path}/data-transfer", {"vendor_id": "V"})

        assert (answer.status_code, answer.json()) == (
            200,
            {"status": "Offline", "data": None, "command": None},
        )

    def test_short_wait_leaves_it_open(self, client, path, online):
        answer = client.post(f"{path}/data-transfer", {"vendor_id": "V", "wait": 0})

        assert (answer.status_code, answer.json()["status"]) == (202, None)
        assert Command.objects.get(pk=answer.json()["command"]).state == "queued"

    @pytest.mark.parametrize(
        ("message", "field"),
        [
            ({}, "vendor_id"),
            ({"vendor_id": "V" * 256}, "vendor_id"),
            ({"vendor_id": "V", "message_id": "M" * 51}, "message_id"),
            ({"vendor_id": "V", "data": {"a": 1}}, "data"),
            ({"vendor_id": "V", "data": "\0"}, "data"),
            ({"vendor_id": "V", "data": 2**64}, "data"),
            ({"vendor_id": "V", "wait": -1}, "wait"),
        ],
    )
    def test_bad_message_names_its_field(self, client, path, online, message, field):
        """Objects are for 2.0.1: to 1.6 data is text."""
        answer = client.post(f"{path}/data-transfer", message)

        assert (answer.status_code, _fields(answer)) == (400, [field])

    def test_any_data_goes_to_201_untouched(self, says, client, path, online):
        Charger.objects.update(protocol="ocpp2.0.1")
        type(online).objects.update(protocol="ocpp2.0.1")
        says({"status": "Accepted", "data": [{"innerKey": None}]})

        answer = client.post(f"{path}/data-transfer", {"vendor_id": "V", "data": {"someKey": [1]}})

        assert answer.json()["data"] == [{"innerKey": None}]
        assert Command.objects.get(action="DataTransfer").payload["data"] == {"someKey": [1]}


def test_facts_of_the_mirror_are_events(client, path):
    """Whoever follows the stream hears them."""
    client.post(f"{path}/stop")
    client.post(f"{path}/restart")

    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds[-2:] == ["charger.stopped", "charger.restarted"]
