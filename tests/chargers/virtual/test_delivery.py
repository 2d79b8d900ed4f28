"""What money hangs on reaches the CSMS, once and in order, whatever happens between."""

import pytest

from chargers.virtual.clock import Clock
from tests.chargers.virtual.conftest import ready
from tests.kit.scripted_csms import SILENCE

pytestmark = pytest.mark.once
LIMIT = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}]}
PROFILE = {
    "chargingProfileId": 1,
    "transactionId": 100,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": LIMIT,
}
MONEY = ("StartTransaction", "MeterValues", "StopTransaction")


async def offline_session(point, csms):
    """Play a whole session while the network is away; the tag is known."""
    await point.present_tag("TAG1")
    await point.go_offline()
    await csms.until(lambda: not point.is_connected)
    await point.plug_in()
    point.charging.sample(point.connectors[1])
    await point.present_tag("TAG1")
    await point.unplug()


async def test_offline_session_is_delivered_in_order_with_its_real_number(csms, point):
    await offline_session(point, csms)
    waiting = len(point.delivery)

    await point.go_online()
    await csms.hears("StopTransaction")

    told = [heard for heard in csms.heard if heard.action in MONEY]
    assert waiting == 3
    assert [heard.action for heard in told] == list(MONEY)
    assert [heard.payload.get("transactionId") for heard in told] == [None, 100, 100]


async def test_number_is_negative_until_the_csms_gives_one(csms, point):
    told = []
    point.subscribe("transaction", lambda value: told.append(value["transaction_id"]))

    await offline_session(point, csms)
    await point.go_online()
    await csms.until(lambda: told[-1] == 100)

    assert set(told[:-1]) == {-1}


async def test_offline_events_say_so(csms201, point201):
    await offline_session(point201, csms201)

    await point201.go_online()
    await csms201.until(lambda: csms201.of("TransactionEvent")[-1:] and not point201.delivery)

    events = csms201.of("TransactionEvent")
    assert [each["seqNo"] for each in events] == [0, 1, 2, 3]
    assert all(each["offline"] for each in events)


@pytest.mark.parametrize(
    "order",
    [
        ("RemoteStopTransaction", {"transactionId": 100}),
        ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE}),
    ],
)
async def test_number_is_known_to_an_order_right_behind_it(csms, point, order):
    """Both may come in one packet."""
    csms.orders["StartTransaction"] = order
    await point.plug_in()

    await point.present_tag("TAG1")
    await csms.until(lambda: csms.ends)

    assert csms.ends[0].payload == {"status": "Accepted"}


async def test_what_was_just_delivered_waits_no_more(csms201, point201):
    """The question may come in one packet with the answer."""
    await point201.plug_in()
    await point201.present_tag("TAG1")
    await csms201.until(lambda: not point201.delivery)
    csms201.orders["TransactionEvent"] = ("GetTransactionStatus", {})

    await point201.present_tag("TAG1")
    await csms201.until(lambda: csms201.ends)

    assert csms201.ends[0].payload == {"messagesInQueue": False}


@pytest.mark.parametrize("trouble", [("InternalError", "full"), SILENCE])
async def test_trouble_only_delays(csms, build, trouble):
    csms.script["StartTransaction"] = [trouble, trouble]
    point = await ready(build(csms, call_timeout=0.05), csms)

    await point.plug_in()
    await point.present_tag("TAG1")
    await point.unplug()
    await csms.hears("StopTransaction")

    starts = csms.of("StartTransaction")
    assert len(starts) == 3
    assert starts[0] == starts[1] == starts[2]


async def test_message_cut_off_is_sent_again(csms, build):
    csms.script["StartTransaction"] = [SILENCE]
    point = await ready(build(csms), csms)
    await point.plug_in()
    await point.present_tag("TAG1")
    await csms.hears("StartTransaction")

    await csms.hang_up()
    await csms.hears("StartTransaction", 2)

    assert len({heard.message_id for heard in csms.heard if heard.action == "StartTransaction"}) == 2


async def test_power_cut_while_charging_is_told_after_the_boot(csms, point):
    await point.plug_in()
    await point.present_tag("TAG1")
    await csms.hears("StartTransaction")

    await point.power_cycle()
    stop = await csms.hears("StopTransaction")

    actions = [heard.action for heard in csms.heard if heard.connection == 2]
    assert stop["reason"] == "PowerLoss"
    assert actions.index("BootNotification") < actions.index("StopTransaction")


async def test_stop_keeps_what_could_not_be_delivered(csms, point):
    await offline_session(point, csms)
    await point.stop()

    await point.start()
    await point.go_online()

    assert await csms.hears("StopTransaction")


async def test_unknown_tag_charges_offline_only_when_allowed(csms, build):
    point = await ready(build(csms, configuration={"AllowOfflineTxForUnknownId": "true"}), csms)
    await point.go_offline()
    await csms.until(lambda: not point.is_connected)

    assert await point.present_tag("STRANGER") == "Accepted"


async def test_unknown_tag_is_refused_offline(csms, point):
    await point.go_offline()
    await csms.until(lambda: not point.is_connected)

    assert await point.present_tag("STRANGER") == "Invalid"


async def test_message_that_is_refused_is_given_up(csms, build):
    """TransactionMessageAttempts times in all; what comes after it is delivered."""
    csms.script["StartTransaction"] = [("InternalError", "full")] * 2
    point = await ready(build(csms, configuration={"TransactionMessageAttempts": 2}), csms)
    told = []
    point.subscribe("given_up", told.append)

    await point.plug_in()
    await point.present_tag("TAG1")
    await point.unplug()
    stop = await csms.hears("StopTransaction")

    assert len({heard.message_id for heard in csms.heard if heard.action == "StartTransaction"}) == 2
    assert [(each["action"], each["cause"]) for each in told] == [
        ("StartTransaction", "error InternalError full")
    ]
    assert stop["transactionId"] == -1


async def test_waits_grow_with_the_attempts(csms, build):
    class Hasty(Clock):
        async def sleep(self, seconds):
            waits.append(seconds)
            await super().sleep(0)

    waits = []
    csms.script["StartTransaction"] = [("InternalError", "")] * 3
    keys = {"TransactionMessageAttempts": 4, "TransactionMessageRetryInterval": 7, "HeartbeatInterval": 0}
    point = await ready(build(csms, clock=Hasty(1000), configuration=keys), csms)

    await point.plug_in()
    await point.present_tag("TAG1")
    await csms.until(lambda: point.connectors[1].transaction.number == 100)

    assert [seconds for seconds in waits if seconds % 7 == 0 and 0 < seconds < 60] == [7, 14, 21]


async def test_nothing_is_given_up_where_attempts_have_no_end(csms, build):
    csms.script["StartTransaction"] = [("InternalError", "")] * 12
    point = await ready(build(csms, configuration={"TransactionMessageAttempts": 0}), csms)

    await point.plug_in()
    await point.present_tag("TAG1")

    await csms.hears("StartTransaction", 13)
    await csms.until(lambda: point.connectors[1].transaction.number == 100)


async def test_status_is_kept_only_where_everything_is(csms, build):
    point = await ready(build(csms, configuration={"QueueAllMessages": "true"}), csms)
    await point.go_offline()
    await csms.until(lambda: not point.is_connected)

    await point.raise_fault(1)
    await point.clear_fault(1)
    await csms.until(lambda: len(point.delivery) == 2)
    await point.go_online()
    await csms.until(lambda: not point.delivery)

    assert [each["status"] for each in csms.of("StatusNotification")].count("Faulted") == 1


async def test_long_queue_loses_every_second_sample_and_no_money(csms, build):
    point = await ready(build(csms, configuration={"MessageQueueSizeThreshold": 5}), csms)
    await point.present_tag("TAG1")
    await point.go_offline()
    await csms.until(lambda: not point.is_connected)
    await point.plug_in()
    for _ in range(5):
        point.charging.sample(point.connectors[1])
    await point.unplug()

    await point.go_online()
    await csms.hears("StopTransaction")

    assert len(csms.of("StartTransaction")) == 1
    assert len(csms.of("MeterValues")) == 3
