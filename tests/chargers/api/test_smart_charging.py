"""Limits and charging profiles by the native API."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chargers.models import Charger, ChargingLimit, ChargingNeeds, ChargingProfile, Connector, ExternalLimit
from tests.chargers.services.smart_charging.test_profiles import PROFILE


@pytest.fixture
def charger(rows):
    """The owner's charger, without the limit and the profile that the world gave it."""
    ChargingLimit.objects.filter(charger=rows[Charger]).delete()
    ChargingProfile.objects.filter(charger=rows[Charger]).delete()
    return rows[Charger]


@pytest.fixture
def path(charger):
    return f"/api/v1/chargers/{charger.pk}"


@pytest.fixture
def plug(charger):
    return Connector.objects.get(charger=charger)


def _fields(answer):
    return [error["field"] for error in answer.json()["errors"]]


class TestLimit:
    def test_limit_is_set_and_seen(self, client, path, online, owner):
        """202: the charger has not answered; the row names who wished it."""
        answer = client.post(f"{path}/limit", {"amps": 16})

        assert (answer.status_code, answer.json()["state"], answer.json()["value"]) == (202, "trying", 16)
        assert (answer.json()["created_by"], answer.json()["origin"]) == (owner.pk, "native")
        assert client.get(f"{path}/limit").json()["limit"]["id"] == answer.json()["id"]

    def test_what_came_of_it_within_the_wait(self, answering, client, path):
        """Accepted, and its composite schedule told nothing."""
        answer = client.post(f"{path}/limit", {"watts": 11000, "wait": 5})

        shown = answer.json()
        assert (answer.status_code, shown["state"], shown["composite_verified"]) == (202, "accepted", None)
        assert shown["steps"][0]["answer"] == "Accepted"

    def test_limit_of_a_connector(self, client, path, plug, online):
        """Its place, and an end."""
        until = (timezone.now() + timedelta(hours=1)).isoformat()
        answer = client.post(f"/api/v1/connectors/{plug.pk}/limit", {"amps": 10, "until": until})

        assert (answer.json()["connector_id"], bool(answer.json()["until"])) == (1, True)
        assert client.get(f"{path}/limit").json()["limit"] is None

    def test_limit_is_lifted(self, client, path, online):
        """Once; then there is nothing to lift."""
        client.post(f"{path}/limit", {"amps": 10})

        assert client.delete(f"{path}/limit").json()["state"] == "ended"
        assert client.delete(f"{path}/limit").status_code == 204

    @pytest.mark.parametrize(
        ("order", "field"),
        [
            ({}, "amps"),
            ({"amps": 1, "watts": 1}, "amps"),
            ({"amps": -1}, "amps"),
            ({"amps": "nan"}, "amps"),
            ({"watts": 1e8}, "watts"),
            ({"amps": "lots"}, "amps"),
            ({"amps": 6, "until": "2020-01-01T00:00:00Z"}, "until"),
            ({"amps": 6, "until": "later"}, "until"),
            ({"amps": 6, "phases": 4}, "phases"),
            ({"amps": 6, "wait": 61}, "wait"),
            ({"amps": 6, "wait": "nan"}, "wait"),
        ],
    )
    def test_bad_wish_names_its_field(self, client, path, online, order, field):
        """Nothing is sent."""
        answer = client.post(f"{path}/limit", order)

        assert (answer.status_code, _fields(answer)) == (400, [field])
        assert not ChargingLimit.objects.filter(ended_at=None).exists()

    def test_offline_charger_is_a_conflict(self, client, path):
        """As with commands; with keep it waits."""
        answer = client.post(f"{path}/limit", {"amps": 16})
        assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")

        kept = client.post(f"{path}/limit", {"amps": 16, "keep": True})
        assert (kept.status_code, kept.json()["state"]) == (202, "requested")

    def test_limits_from_outside_are_shown_beside(self, client, path, rows):
        """While they are not cleared."""
        assert len(client.get(f"{path}/limit").json()["external_limits"]) == 1
        ExternalLimit.objects.update(cleared_at=timezone.now())
        assert client.get(f"{path}/limit").json()["external_limits"] == []


class TestProfiles:
    def test_profile_is_set(self, client, path, plug, online):
        """On a connector of the charger."""
        answer = client.post(
            f"{path}/charging-profiles", {"connector": plug.pk, "profile": PROFILE}, format="json"
        )

        assert (answer.status_code, answer.json()["state"], answer.json()["connector_id"]) == (202, "sent", 1)
        shown = client.get(f"{path}/charging-profiles").json()["results"]
        assert [row["id"] for row in shown] == [answer.json()["id"]]

    def test_what_came_of_it_within_the_wait(self, answering, client, path):
        """Installed."""
        answer = client.post(f"{path}/charging-profiles", {"profile": PROFILE, "wait": 5}, format="json")

        assert (answer.status_code, answer.json()["state"]) == (200, "installed")
        assert answer.json()["installed"]["stackLevel"] == 1

    def test_profile_is_cleared(self, answering, client, path):
        """The row says so."""
        made = client.post(f"{path}/charging-profiles", {"profile": PROFILE, "wait": 5}, format="json")
        answer = client.delete(f"/api/v1/charging-profiles/{made.json()['id']}")

        assert answer.status_code == 200
        assert ChargingProfile.objects.get().state == "removed"

    @pytest.mark.parametrize(
        ("order", "field"),
        [
            ({}, "profile"),
            ({"profile": []}, "profile"),
            ({"profile": {}}, "profile.stackLevel"),
            ({"profile": PROFILE | {"stackLevel": -1}}, "profile.stackLevel"),
            ({"profile": PROFILE, "connector": 0}, "connector"),
        ],
    )
    def test_bad_profile_names_its_member(self, client, path, online, order, field):
        """Down to the member."""
        answer = client.post(f"{path}/charging-profiles", order, format="json")
        assert (answer.status_code, _fields(answer)) == (400, [field])

    def test_connector_of_a_stranger_does_not_exist(self, client, path, online, other_rows):
        """And one of another charger of the owner's is refused."""
        theirs = other_rows[Connector]
        answer = client.post(
            f"{path}/charging-profiles", {"connector": theirs.pk, "profile": PROFILE}, format="json"
        )
        assert (answer.status_code, _fields(answer)) == (400, ["connector"])

    def test_connector_of_another_charger_is_refused(self, client, path, online, owner):
        """The profile would go to a charger that the path does not name."""
        other = Charger.objects.create(owner=owner, identifier="other").connectors.create(connector_id=1)
        answer = client.post(
            f"{path}/charging-profiles", {"connector": other.pk, "profile": PROFILE}, format="json"
        )
        assert (answer.status_code, _fields(answer)) == (400, ["connector"])

    def test_offline_charger_is_a_conflict(self, client, path):
        """And no row is left."""
        answer = client.post(f"{path}/charging-profiles", {"profile": PROFILE}, format="json")
        assert answer.status_code == 409
        assert not ChargingProfile.objects.exists()

    def test_16_cannot_report_profiles(self, client, path, online):
        """It has no such request."""
        assert client.post(f"{path}/charging-profiles/report").status_code == 409


def test_needs_of_vehicles_are_listed(client, rows):
    """As told last."""
    (shown,) = client.get("/api/v1/charging-needs").json()["results"]
    assert shown["id"] == rows[ChargingNeeds].pk
