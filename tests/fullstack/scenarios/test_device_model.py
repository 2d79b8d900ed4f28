"""What the operator wants of settings, and what charge points report of them, from door to door."""

import pytest

from chargers.models import Report, Variable
from chargers.wire.validation import V16, V201
from tests.fullstack.scenarios.versions import both

pytestmark = pytest.mark.once


def interval(scene):
    """Return where the interval of samples is in this version."""
    if scene.is_201:
        return {"component": "SampledDataCtrlr", "name": "TxUpdatedInterval"}
    return {"name": "MeterValueSampleInterval"}


async def learnt(scene, name):
    """Wait until the server knows a setting; return its row."""
    known = Variable.objects.filter(charger=scene.charger, name=name, reported_at__isnull=False)
    return await scene.stored(known.first)


async def wants(scene, value, **place):
    """Want a value of a variable by the API; return the row once it is settled."""
    status, rows = await scene.ask("POST", "variables", {"variables": [place | {"value": value}]})
    assert status == 200, rows
    busy = [Variable.Desired.WAITING, Variable.Desired.SENT]
    settled = Variable.objects.filter(pk=rows[0]["id"]).exclude(desired_state__in=busy)
    return await scene.stored(settled.first)


@both
async def test_wanted_value_is_delivered_and_read_back(play, version):
    scene = await play(version)
    place = interval(scene)
    before = await learnt(scene, place["name"])

    await wants(scene, "77", **place)

    verified = Variable.objects.filter(charger=scene.charger, name=place["name"], verified_at__isnull=False)
    row = await scene.stored(verified.first)
    assert (row.desired_state, row.value) == ("accepted", "77")
    assert scene.point.configuration["MeterValueSampleInterval"] == "77"
    assert scene.was_asked("SetVariables" if scene.is_201 else "ChangeConfiguration")
    (change,) = [each for each in await scene.events("variable.changed") if each.object_id == row.pk]
    assert (change.data["old"], change.data["new"], change.data["source"]) == (before.value, "77", "csms")


@both
async def test_value_that_cannot_be_is_told_so(play, version):
    """The charge point keeps what it has, and is not asked again."""
    scene = await play(version)
    before = scene.point.configuration["MeterValueSampleInterval"]

    row = await wants(scene, "often", **interval(scene))

    assert row.desired_state == "rejected"
    assert scene.point.configuration["MeterValueSampleInterval"] == before


@both
async def test_setting_that_is_not_there_is_told_so(play, version):
    scene = await play(version)
    component = {"component": "TxCtrlr"} if scene.is_201 else {}

    row = await wants(scene, "1", name="NoSuchThing", **component)

    assert row.desired_state == "not_supported"


@both
async def test_wish_waits_for_a_charge_point_that_is_away(play, version):
    scene = await play(version)
    await scene.goes_offline()
    place = interval(scene)
    status, _ = await scene.ask("POST", "variables", {"variables": [place | {"value": "55"}]})
    assert status == 200

    await scene.comes_back()

    await scene.until(lambda: scene.point.configuration["MeterValueSampleInterval"] == "55")


@both
async def test_new_charge_point_is_learnt(play, version):
    """Once it is quiet it is asked what it is."""
    scene = await play(version, connectors=2)

    row = await learnt(scene, "HeartbeatInterval")

    assert row.value == scene.point.configuration["HeartbeatInterval"]
    assert len(scene.was_asked("GetBaseReport" if scene.is_201 else "GetConfiguration")) >= 1
    assert (await scene.stored(scene.count_connectors)) == 2


async def test_base_report_comes_in_parts(play):
    scene = await play(V201)
    asked = len(scene.was_asked("GetBaseReport"))

    status, command = await scene.ask("POST", "variables/read", {"report_base": "FullInventory"})

    assert status == 202, command
    complete = Report.objects.filter(
        charger=scene.charger, command=command["id"], state=Report.State.COMPLETE
    )
    report = await scene.stored(complete.first)
    parts = [each for each in scene.sent("NotifyReport") if each["requestId"] == report.request_id]
    assert [part["seqNo"] for part in parts] == list(range(report.parts))
    assert [part["tbc"] for part in parts] == [True] * (report.parts - 1) + [False]
    assert report.parts > 1
    assert len(scene.was_asked("GetBaseReport")) > asked


async def test_report_of_some_variables(play):
    """GetReport names them, and NotifyReport tells no others."""
    scene = await play(V201)
    wanted = {"component": {"name": "TxCtrlr"}, "variable": {"name": "EVConnectionTimeOut"}}

    order = {"requestId": 987_654, "componentVariable": [wanted]}
    assert await scene.orders("GetReport", order) == "Accepted"

    parts = await scene.until(
        lambda: [each for each in scene.sent("NotifyReport") if each["requestId"] == 987_654]
    )
    told = [entry for part in parts for entry in part["reportData"]]
    assert [(entry["component"]["name"], entry["variable"]["name"]) for entry in told] == [
        ("TxCtrlr", "EVConnectionTimeOut")
    ]


async def test_report_of_nothing_is_refused(play):
    scene = await play(V201)
    nothing = {"component": {"name": "NoSuchCtrlr"}}

    order = {"requestId": 987_655, "componentVariable": [nothing]}
    assert await scene.orders("GetReport", order) == "EmptyResultSet"


async def test_watched_key_tells_of_its_change(play):
    """EVerest's monitored keys: whoever changes one, it is an event."""
    scene = await play(V16)
    row = await learnt(scene, "ConnectionTimeOut")
    await scene.ask_for(f"variables/{row.pk}/", "PATCH", {"is_monitored": True})

    assert (
        await scene.orders("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "45"}) == "Accepted"
    )

    changed = Variable.objects.filter(pk=row.pk, value="45")
    assert (await scene.stored(changed.first)).is_monitored
    (event,) = [each for each in await scene.events("variable.changed") if each.object_id == row.pk]
    assert (event.data["new"], event.data["source"]) == ("45", "csms")
