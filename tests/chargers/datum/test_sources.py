"""Source IDs: templates with their parameters, short enough and still distinct."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chargers.datum import sources

pytestmark = pytest.mark.once

BUILT_IN = "/ocpp/cp/{chargerIdentifier}/{connectorId}/{location}"


def expand(template, *, identifier="CP-1", evse_id=0, connector_id=1, location="Outlet", phase="", suffix=""):
    return sources.expand(template, 7, identifier, evse_id, connector_id, location, phase, suffix)


@pytest.mark.spec("solar-ocpp", "Settings source ID template")
@pytest.mark.parametrize(
    ("template", "source"),
    [
        (BUILT_IN, "/ocpp/cp/CP-1/1/Outlet"),
        ("{chargePointId}/{phase}", "7/a"),
        ("/{evseId}/{connectorId}", "/2/1"),
        ("/x/{connectorId}", "/x/2.1"),
        ("/x/{unknown}/{connectorId:Outlet}//", "/x/2.1"),
        ("///a{location", "/a{location"),
        ("{}/b", "/b"),
        ("/{unknown}/", ""),
        ("", ""),
    ],
)
def test_template_is_filled_and_tidied(template, source):
    """Unknown parameters vanish, slashes collapse, none is left at the end."""
    assert expand(template, evse_id=0 if template == BUILT_IN else 2, phase="a") == source


def test_status_has_no_location():
    """The source of a connector's status (section 6.2)."""
    assert expand(BUILT_IN, location="", suffix="/status") == "/ocpp/cp/CP-1/1/status"


@pytest.mark.parametrize(("evse_id", "connector_id", "text"), [(0, 0, "0"), (2, 0, "2"), (2, 1, "2.1")])
def test_evse_is_told_where_the_template_does_not_name_it(evse_id, connector_id, text):
    """Connector 1 of EVSE 1 and connector 1 of EVSE 2 have meters of their own."""
    assert expand("{connectorId}", evse_id=evse_id, connector_id=connector_id) == text


def test_long_source_keeps_both_ends():
    """What it is about stands there, and SolarNetwork takes 64 characters."""
    source = expand(BUILT_IN, identifier="C" * 255)
    assert len(source) == 64
    assert (source[:9], source[-9:]) == ("/ocpp/cp/", "/1/Outlet")


identifiers = st.text(st.characters(codec="ascii", exclude_characters="/{}"), min_size=1, max_size=255)


@given(identifiers, identifiers, st.integers(0, 3), st.integers(0, 3))
def test_two_chargers_never_share_a_source(first, second, evse_id, connector_id):
    """Nor do they when their names are cut."""
    assume(first != second)
    one, other = (
        expand(BUILT_IN, identifier=name, evse_id=evse_id, connector_id=connector_id)
        for name in (first, second)
    )
    assert one != other


@given(st.text(max_size=255), identifiers, st.text(max_size=30))
def test_any_template_gives_a_tidy_source(template, identifier, location):
    """No empty segment, no slash at the end, never too long."""
    source = expand(template, identifier=identifier, location=location)
    assert len(source) <= 64
    assert "//" not in source
    assert not source.endswith("/")


@pytest.mark.parametrize(("template", "used"), [("/{phase}", True), ("/{phase:x}", True), ("/phase", False)])
def test_use_of_a_parameter_is_seen(template, used):
    assert sources.uses(template, "phase") is used
