"""What chargers answer about their variables, in either version's words."""

import pytest

from chargers.models import Variable
from chargers.wire import v16_variables, v201_variables

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("readonly", "mutability"),
    [
        (True, "ReadOnly"),
        ("true", "ReadOnly"),
        (False, "ReadWrite"),
        ("false", "ReadWrite"),
        (None, "ReadWrite"),
        (["false"], "ReadWrite"),
    ],
)
def test_only_what_says_so_can_only_be_read(readonly, mutability):
    """Some chargers write truth as a text."""
    (told,) = v16_variables.told({"configurationKey": [{"key": "A", "value": "1", "readonly": readonly}]})

    assert told["mutability"] == mutability


def test_answer_to_a_change_may_spell_names_differently():
    """Case makes no difference in OCPP 2.0.1."""
    row = Variable(component="EVSE", evse_id=1, name="Power", desired_value="7000")
    _, asked, _ = v201_variables.change([row])
    told = {"component": {"name": "evse", "evse": {"id": 1}}, "variable": {"name": "POWER"}}
    outcomes = v201_variables.outcomes(
        asked, {"setVariableResult": [told | {"attributeStatus": "Accepted", "attributeType": "actual"}]}
    )

    assert [(where["value"], status) for where, status, _ in outcomes] == [("7000", "Accepted")]


@pytest.mark.parametrize(
    "place",
    [
        {"component": "EVSE"},
        {"component_instance": "1"},
        {"evse_id": 1},
        {"instance": "x"},
        {"attribute": "MaxSet"},
    ],
)
def test_key_of_ocpp16_has_nothing_but_a_name(place):
    """An answer to it could never be told from one to the key."""
    assert v16_variables.problem_of(Variable(name="A", **place))
    assert not v16_variables.problem_of(Variable(name="A"))


@pytest.mark.parametrize(
    ("place", "is_fit"), [({"evse_id": 1, "connector_id": 2}, True), ({"connector_id": 2}, False)]
)
def test_connector_of_ocpp201_belongs_to_an_evse(place, is_fit):
    """The message could not name it without."""
    row = Variable(component="Connector", name="Available", **place)

    assert (v201_variables.problem_of(row) == "") is is_fit
