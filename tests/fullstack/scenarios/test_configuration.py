"""Settings, read and changed from afar."""

import pytest

from chargers.models import Variable
from chargers.wire.validation import V16, V201

pytestmark = pytest.mark.once


def stored(scene, name):
    return Variable.objects.filter(charger=scene.charger, name=name).first()


@pytest.mark.acceptance("get configuration")
async def test_whole_configuration(play):
    """Every key with its flag; the password reads back as something else."""
    scene = await play(V16, connectors=2)

    answer = (await scene.order("GetConfiguration"))["result"]

    keys = {each["key"]: each for each in answer["configurationKey"]}
    assert (keys["NumberOfConnectors"]["value"], keys["NumberOfConnectors"]["readonly"]) == ("2", True)
    assert keys["ConnectionTimeOut"]["readonly"] is False
    assert scene.point.configuration["AuthorizationKey"] not in str(answer)
    row = await scene.stored(lambda: stored(scene, "NumberOfConnectors"))
    assert (row.value, row.mutability) == ("2", "ReadOnly")
    assert (await scene.row()).connector_count == 2


@pytest.mark.acceptance("get configuration")
async def test_variables_of_a_station(play):
    scene = await play(V201)
    asked = [variable("OCPPCommCtrlr", "HeartbeatInterval"), variable("TxCtrlr", "EVConnectionTimeOut")]

    results = (await scene.order("GetVariables", {"getVariableData": asked}))["result"]["getVariableResult"]

    assert [each["attributeStatus"] for each in results] == ["Accepted", "Accepted"]
    row = await scene.stored(lambda: stored(scene, "EVConnectionTimeOut"))
    assert (row.component, row.value) == ("TxCtrlr", scene.point.configuration["ConnectionTimeOut"])


@pytest.mark.acceptance("set configuration")
async def test_changed_key_counts_at_once(play):
    scene = await play(V16)

    order = {"key": "MeterValueSampleInterval", "value": "200"}
    assert await scene.orders("ChangeConfiguration", order) == "Accepted"

    await scene.charges()
    await scene.sends("MeterValues")
    assert scene.told["configuration_key"] == [order | {"read_only": False}]


@pytest.mark.acceptance("set configuration")
async def test_changed_variable_counts_at_once(play):
    scene = await play(V201)
    asked = variable("SampledDataCtrlr", "TxUpdatedInterval") | {"attributeValue": "200"}

    (result,) = (await scene.order("SetVariables", {"setVariableData": [asked]}))["result"][
        "setVariableResult"
    ]

    assert result["attributeStatus"] == "Accepted"
    await scene.charges()
    await scene.until(lambda: scene.told["meter"])
    assert scene.point.configuration["MeterValueSampleInterval"] == "200"


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("NoSuchKey", "1", "NotSupported"),
        ("NumberOfConnectors", "7", "Rejected"),
        ("ConnectionTimeOut", "soon", "Rejected"),
    ],
)
@pytest.mark.acceptance("incorrect configuration keys")
async def test_change_that_cannot_be(play, key, value, status):
    scene = await play(V16)

    assert await scene.orders("ChangeConfiguration", {"key": key, "value": value}) == status

    assert scene.told["configuration_key"] == []


@pytest.mark.acceptance("incorrect configuration keys")
async def test_unknown_keys_are_named(play):
    scene = await play(V16)

    answer = (await scene.order("GetConfiguration", {"key": ["NoSuchKey", "heartbeatinterval"]}))["result"]

    assert answer["unknownKey"] == ["NoSuchKey"]
    assert len(answer["configurationKey"]) == 1


@pytest.mark.parametrize(
    ("component", "name", "value", "status"),
    [
        ("NoSuchCtrlr", "Interval", "1", "UnknownComponent"),
        ("TxCtrlr", "NoSuchVariable", "1", "UnknownVariable"),
        ("TxCtrlr", "EVConnectionTimeOut", "soon", "Rejected"),
    ],
)
@pytest.mark.acceptance("incorrect configuration keys")
async def test_variable_that_cannot_be_changed(play, component, name, value, status):
    scene = await play(V201)
    asked = variable(component, name) | {"attributeValue": value}

    (result,) = (await scene.order("SetVariables", {"setVariableData": [asked]}))["result"][
        "setVariableResult"
    ]

    assert result["attributeStatus"] == status


def variable(component, name):
    return {"component": {"name": component}, "variable": {"name": name}}
