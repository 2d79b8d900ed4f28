"""Forms of the admin offer and accept only rows of owners whom the user may see."""

import pytest
from django.urls import reverse

from chargers.models import Charger, Location
from tests.chargers.admin.conftest import go_online
from tests.kit import world

pytestmark = pytest.mark.django_db


def entry(owner, **values):
    return {
        "identifier": "NEW-1",
        "owner": owner.pk,
        "enabled": "on",
        "protocol": "ocpp1.6",
        "security_profile": 1,
        "registration_status": "Accepted",
        "node_id": 7,
        "connector_count": 2,
        "publish_settings-TOTAL_FORMS": 0,
        "publish_settings-INITIAL_FORMS": 0,
        **values,
    }


def test_charger_is_added(as_staff, staff):
    """The plain form enters a charger of one's own."""
    as_staff.post(reverse("admin:chargers_charger_add"), entry(staff))

    assert Charger.objects.get(identifier="NEW-1").owner == staff


def test_version_that_is_spoken_cannot_be_changed(as_staff, staff):
    """Orders would be given in words that the connection does not know."""
    charger = Charger.objects.create(owner=staff, identifier="CP-9")
    go_online(charger)

    address = reverse("admin:chargers_charger_settings", args=[charger.pk])
    answer = as_staff.post(address, entry(staff, protocol="ocpp2.0.1"))

    assert "speaks ocpp1.6" in answer.content.decode()
    charger.refresh_from_db()
    assert charger.protocol == "ocpp1.6"


def test_charger_of_another_owner_cannot_be_added(as_staff, owner):
    """An owner whom no group grants is no choice."""
    answer = as_staff.post(reverse("admin:chargers_charger_add"), entry(owner))

    assert "owner" in answer.context["adminform"].form.errors


def test_location_of_another_owner_is_no_choice(as_staff, staff, owner):
    """A guessed location is refused."""
    location = world.of(owner)[Location]

    answer = as_staff.post(reverse("admin:chargers_charger_add"), entry(staff, location=location.pk))

    assert "location" in answer.context["adminform"].form.errors


def test_superuser_cannot_mix_owners(client, django_user_model, staff, owner):
    """Even who sees all may not put one owner's charger on another's site."""
    client.force_login(django_user_model.objects.create_superuser("boss"))
    location = world.of(owner)[Location]

    answer = client.post(reverse("admin:chargers_charger_add"), entry(staff, location=location.pk))

    assert "another owner" in str(answer.context["adminform"].form.errors["location"])


def test_same_identifier_twice_is_refused(as_staff, staff, charger):
    """The form names the charger that is there; it does not break."""
    answer = as_staff.post(reverse("admin:chargers_charger_add"), entry(staff, identifier="CP-1"))

    assert "already" in str(answer.context["adminform"].form.errors)


def test_location_lookup_offers_ones_own(as_staff, staff, owner):
    """The look-up that fills the field is scoped too."""
    world.of(owner)
    mine = world.of(staff)[Location]
    asked = {"app_label": "chargers", "model_name": "charger", "field_name": "location"}

    found = as_staff.get(reverse("admin:autocomplete"), asked).json()["results"]

    assert [each["text"] for each in found] == [str(mine)]
