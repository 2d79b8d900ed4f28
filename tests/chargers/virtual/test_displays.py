"""Messages for drivers, and what their charge costs."""

import pytest

pytestmark = pytest.mark.once


def message(number=1, priority="NormalCycle", kind="UTF8", **more):
    text = {"format": kind, "content": f"Hello {number}"}
    return {"message": {"id": number, "priority": priority, "message": text} | more}


async def shown(csms201, *messages):
    return [(await csms201.call("SetDisplayMessage", each)).payload["status"] for each in messages]


async def test_message_is_shown_until_it_is_cleared(csms201, point201):
    told = []
    point201.subscribe("display", told.append)

    set_it = (await csms201.call("SetDisplayMessage", message())).payload
    asked = (await csms201.call("GetDisplayMessages", {"requestId": 3})).payload
    report = await csms201.hears("NotifyDisplayMessages")
    cleared = [(await csms201.call("ClearDisplayMessage", {"id": 1})).payload["status"] for _ in range(2)]
    nothing = (await csms201.call("GetDisplayMessages", {"requestId": 4})).payload

    assert (set_it, asked, nothing) == ({"status": "Accepted"}, {"status": "Accepted"}, {"status": "Unknown"})
    assert report == {"requestId": 3, "tbc": False, "messageInfo": [message()["message"]]}
    assert cleared == ["Accepted", "Unknown"]
    assert [each["content"] for each in told] == ["Hello 1", None]


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        (message(kind="HTML"), "NotSupportedMessageFormat"),
        (message(transactionId="nobody's"), "UnknownTransaction"),
        (message(endDateTime="2020-01-01T00:00:00Z"), "Rejected"),
    ],
)
async def test_message_is_judged(csms201, point201, wanted, status):
    assert await shown(csms201, wanted) == [status]
    assert point201.displays.messages == []


async def test_display_that_is_switched_off_takes_nothing(csms201, point201):
    point201.configuration.learn("DisplayMessageCtrlr.Enabled", "false")

    assert await shown(csms201, message()) == ["Rejected"]


async def test_many_messages_come_in_parts_and_then_there_is_no_room(csms201, point201):
    statuses = await shown(csms201, *(message(number) for number in range(51)), message(3))

    await csms201.call("GetDisplayMessages", {"requestId": 3})
    await csms201.hears("NotifyDisplayMessages", 3)

    assert statuses == ["Accepted"] * 50 + ["Rejected", "Accepted"]
    parts = csms201.of("NotifyDisplayMessages")
    assert [(len(part["messageInfo"]), part["tbc"]) for part in parts] == [
        (20, True),
        (20, True),
        (10, False),
    ]


@pytest.mark.parametrize(
    ("criteria", "ids"), [({"id": [2, 9]}, [2]), ({"priority": "InFront"}, [2]), ({"state": "Idle"}, [3])]
)
async def test_messages_are_chosen(csms201, point201, criteria, ids):
    await shown(csms201, message(1), message(2, "InFront"), message(3, state="Idle"))

    await csms201.call("GetDisplayMessages", {"requestId": 3} | criteria)
    report = await csms201.hears("NotifyDisplayMessages")

    assert [each["id"] for each in report["messageInfo"]] == ids


async def test_only_one_message_is_always_in_front(csms201, point201):
    await shown(csms201, message(1, "AlwaysFront"), message(2, "AlwaysFront"))

    assert [each.id for each in point201.displays.messages] == [2]


async def test_message_of_a_transaction_ends_with_it(csms201, point201):
    await point201.plug_in()
    await point201.present_tag("TAG1")
    uid = point201.connectors[1].transaction.uid
    statuses = await shown(csms201, message(transactionId=uid))

    await point201.unplug()

    assert statuses == ["Accepted"]
    assert point201.displays.messages == []


async def test_cost_is_published(csms201, point201):
    told = []
    point201.subscribe("cost", told.append)

    finished = await csms201.call("CostUpdated", {"totalCost": 1.25, "transactionId": "T1"})

    assert finished.payload == {}
    assert told == [{"transaction_id": "T1", "total_cost": 1.25}]
