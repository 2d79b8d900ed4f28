"""Settings of datum: a charger's own, its account's, the built-in ones."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chargers.models import Charger, PublishSettings
from chargers.models.datum import BUILT_IN_TEMPLATE
from chargers.services import publishing
from chargers.services.publishing import Effective

pytestmark = [pytest.mark.django_db, pytest.mark.spec("solar-ocpp", "Charger settings save")]


def _settings(owner, charger=None, *, stored=True, published=True, template="/own/{connectorId}"):
    return PublishSettings.objects.create(
        owner=owner,
        charger=charger,
        publish_to_solar_in=stored,
        publish_to_solar_flux=published,
        source_id_template=template,
    )


def _effective(charger):
    return publishing.effective_for([charger.pk])[charger.pk]


def test_built_in_settings_hold_where_there_are_none(charger):
    """Everything is stored and published, under the template of the document."""
    assert _effective(charger) == Effective(True, True, BUILT_IN_TEMPLATE)


def test_account_decides_for_flags_and_template_alike(owner, charger):
    """A charger without settings of its own takes all of the account's."""
    _settings(owner, stored=False, published=False, template="/account")

    assert _effective(charger) == Effective(False, False, "/account")


def test_charger_decides_for_itself(owner, charger):
    """Its own row wins over the account's, flag by flag."""
    _settings(owner, stored=False, published=False, template="/account")
    _settings(owner, charger, stored=True, published=False, template="/mine")

    assert _effective(charger) == Effective(True, False, "/mine")


def test_empty_template_alone_falls_through(owner, charger):
    """The flags of a row are never empty; its template may be."""
    _settings(owner, stored=False, published=False, template="/account")
    _settings(owner, charger, template="")

    assert _effective(charger) == Effective(True, True, "/account")


def test_empty_templates_end_at_the_built_in_one(owner, charger):
    """An account may have flags only."""
    _settings(owner, published=False, template="")

    assert _effective(charger) == Effective(True, False, BUILT_IN_TEMPLATE)


def test_settings_of_others_do_not_matter(charger, stranger):
    """Neither another account's nor another charger's."""
    other = Charger.objects.create(owner=stranger, identifier="CP-1")
    _settings(stranger, stored=False, published=False, template="/theirs")
    _settings(stranger, other, stored=False, published=False, template="/other")

    assert _effective(charger) == Effective()


def test_many_chargers_cost_one_query(owner, charger):
    """However many; an unknown number is left out."""
    others = [Charger.objects.create(owner=owner, identifier=f"CP-{n}") for n in range(2, 9)]
    wanted = [charger.pk, *(other.pk for other in others)]

    with CaptureQueriesContext(connection) as queries:
        found = publishing.effective_for([*wanted, 10**12])

    assert (sorted(found), len(queries)) == (wanted, 1)
