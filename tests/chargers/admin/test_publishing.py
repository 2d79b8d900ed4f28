"""What becomes of datum, where staff expect it: on the pages of chargers and users."""

import pytest
from django.urls import reverse

from chargers.models import Charger, PublishSettings
from tests.chargers.admin.test_forms import entry

pytestmark = pytest.mark.django_db

OWN = {
    "publish_settings-TOTAL_FORMS": 1,
    "publish_settings-0-publish_to_solar_in": "on",
    "publish_settings-0-source_id_template": "/mine/{connectorId}",
}


def settings_of(charger):
    return list(
        charger.owner.publish_settings.filter(charger=charger).values_list(
            "publish_to_solar_in", "publish_to_solar_flux", "source_id_template"
        )
    )


def test_charger_gets_settings_of_its_own(as_staff, staff, charger):
    """Its owner owns them."""
    address = reverse("admin:chargers_charger_change", args=[charger.pk])

    as_staff.post(address, entry(staff, identifier="CP-1", **OWN))

    assert settings_of(charger) == [(True, False, "/mine/{connectorId}")]
    charger.refresh_from_db()
    assert (charger.node_id, charger.connector_count) == (7, 2)


def test_new_charger_may_come_with_settings(as_staff, staff):
    """In one form."""
    as_staff.post(reverse("admin:chargers_charger_add"), entry(staff, **OWN))

    assert settings_of(Charger.objects.get(identifier="NEW-1")) == [(True, False, "/mine/{connectorId}")]


@pytest.mark.parametrize("flux", [True, False])
def test_settings_go_over_with_the_charger(client, django_user_model, staff, owner, charger, flux):
    """Whoever gets the charger gets its settings, changed in the same form or not."""
    row = PublishSettings.objects.create(
        owner=staff, charger=charger, publish_to_solar_flux=flux, source_id_template="/mine/{connectorId}"
    )
    client.force_login(django_user_model.objects.create_superuser("boss"))
    given = {
        **OWN,
        "publish_settings-INITIAL_FORMS": 1,
        "publish_settings-0-id": row.pk,
        "publish_settings-0-charger": charger.pk,
    }

    client.post(
        reverse("admin:chargers_charger_change", args=[charger.pk]), entry(owner, identifier="CP-1", **given)
    )

    row.refresh_from_db()
    assert row.owner == owner


@pytest.mark.parametrize("node_id", ["0", "-1", "x"])
def test_node_must_be_a_number_above_nought(as_staff, staff, node_id):
    """Any other is refused by name."""
    answer = as_staff.post(reverse("admin:chargers_charger_add"), entry(staff, node_id=node_id))

    assert list(answer.context["adminform"].form.errors) == ["node_id"]


def test_account_has_settings_on_the_page_of_its_user(client, django_user_model, charger, staff):
    """Those of its chargers are not among them."""
    PublishSettings.objects.create(owner=staff, charger=charger, source_id_template="/the-chargers")
    PublishSettings.objects.create(owner=staff, source_id_template="/the-accounts")
    client.force_login(django_user_model.objects.create_superuser("boss"))

    page = client.get(reverse("admin:auth_user_change", args=[staff.pk])).content.decode()

    assert "/the-accounts" in page
    assert "/the-chargers" not in page


def test_account_gets_settings(client, django_user_model, staff):
    """Once: a second row is no choice."""
    client.force_login(django_user_model.objects.create_superuser("boss"))
    address = reverse("admin:auth_user_change", args=[staff.pk])
    form = client.get(address).context["adminform"].form
    values = {name: value for name, value in form.initial.items() if isinstance(value, str | int) and value}

    client.post(
        address,
        {
            **values,
            "date_joined_0": "2026-01-01",
            "date_joined_1": "12:00:00",
            "publish_settings-INITIAL_FORMS": 0,
            **OWN,
        },
    )

    row = PublishSettings.objects.get(owner=staff)
    assert (row.charger, row.publish_to_solar_flux, row.source_id_template) == (
        None,
        False,
        "/mine/{connectorId}",
    )
