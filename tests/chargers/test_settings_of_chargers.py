"""Settings over the wire: a charger is learnt once it is quiet, and told what is wanted, however it behaves."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from chargers import switchboard
from chargers.models import Charger, Command, Learning, Variable
from chargers.services import device_model, reconciling, wakeups
from tests.kit.chargers import InProcessCharger, boards_closed, in_thread, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
KEY = "MeterValueSampleInterval"


@pytest.fixture(autouse=True)
def impatient(settings, monkeypatch):
    """Quiet is whoever is silent for a moment; only settings are looked after."""
    settings.CSMS_QUIET_SECONDS, settings.CSMS_QUIET_LATEST_SECONDS = 0.05, 0.5
    monkeypatch.setattr(reconciling, "STEPS", (device_model,))


@pytest.fixture
async def online(charger):
    """The charger CP-1, connected."""
    end = InProcessCharger()
    await end.connect()
    yield end
    await end.disconnect()
    await boards_closed()


async def asked(end, answer=None, *, error=None):
    """Return the action and payload of the next CALL, which is answered so; None: not at all."""
    _, message_id, action, payload = await end.receive()
    if error is not None:
        await end.send(json.dumps([4, message_id, *error, {}]))
    elif answer is not None:
        await end.send(json.dumps([3, message_id, answer]))
    return action, payload


async def want(charger, value="30"):
    """Want it, as any process does."""
    return await in_thread(lambda: device_model.want(charger, [{"name": KEY, "value": value}])[0])


async def looked_after(end, charger):
    """Wait until the charger was quiet, and its lane is done with what came of that."""
    await until(lambda: not wakeups.links[charger.pk].awaits_quiet)
    await end.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})


def state_of(name=KEY):
    return Variable.objects.get(name=name).desired_state


async def test_new_charger_is_learnt_once_it_is_quiet_after_its_boot(online, charger):
    """What it tells is there; a second boot asks nothing."""
    await online.call("BootNotification", BOOT)
    told = {"configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}]}

    assert await asked(online, told) == ("GetConfiguration", {})
    await until(lambda: Learning.objects.filter(state="known").exists())
    await online.call("BootNotification", BOOT)
    await looked_after(online, charger)
    found = await in_thread(lambda: (Command.objects.count(), Charger.objects.get().connector_count))
    assert found == (1, 2)


async def test_wish_reaches_a_quiet_charger_at_once_and_is_read_back(online, charger):
    """The process that wants it wakes the owner of the socket."""
    await want(charger)

    assert await asked(online, {"status": "Accepted"}) == ("ChangeConfiguration", {"key": KEY, "value": "30"})
    told = {"configurationKey": [{"key": KEY, "readonly": False, "value": "30"}]}
    assert await asked(online, told) == ("GetConfiguration", {"key": [KEY]})
    await until(lambda: Variable.objects.filter(verified_at__isnull=False).exists())


async def test_wish_waits_for_a_charger_that_is_offline(online, charger):
    """And reaches it when it is back and quiet."""
    await online.disconnect()
    await want(charger)
    again = InProcessCharger()
    await again.connect()

    assert (await asked(again, {"status": "Rejected"}))[0] == "ChangeConfiguration"
    await until(lambda: state_of() == "rejected")
    await again.disconnect()


async def test_wish_waits_until_the_charger_has_said_what_it_has_to_say(online, charger, settings):
    """A charger that goes on calling is told at the latest; nothing of it is lost."""
    await in_thread(
        lambda: Learning.objects.create(charger=charger, state="known", described_as="V\nM\n\nocpp1.6")
    )
    await online.call("BootNotification", BOOT)
    await want(charger)
    calls, frame = 0, None
    while frame is None or frame[0] != 2:
        calls += frame is not None
        frame = await online.call("Heartbeat", {})

    assert (frame[2], calls > 1) == ("ChangeConfiguration", True)


@pytest.mark.parametrize(
    ("behaviour", "state", "reason"),
    [
        ({"error": ["InternalError", "not now"]}, "waiting", "Failed: InternalError not now"),
        ({"answer": {"status": "Perhaps"}}, "waiting", "It answered 'Perhaps'."),
        ({"answer": {}}, "waiting", "Failed: "),
        ({"answer": "Accepted"}, "waiting", "Failed: "),
        ({"answer": None}, "waiting", "Timed out."),
    ],
)
async def test_charger_that_does_not_answer_as_it_should(charger, settings, behaviour, state, reason):
    """Command and variable say what happened; it is tried again later, and the socket lives."""
    settings.CSMS_CALL_TIMEOUT = 0.2
    end = InProcessCharger()
    await end.connect()
    await want(charger)
    await asked(end, **behaviour)
    await until(lambda: state_of() == state)

    row = await in_thread(lambda: Variable.objects.select_related("command").get())
    assert row.desired_reason.startswith(reason)
    assert row.command.is_finished
    assert timedelta(seconds=50) < row.next_attempt_at - timezone.now() < timedelta(seconds=70)
    assert (await end.call("Heartbeat", {}))[0] == 3
    await end.disconnect()
    await boards_closed()


async def test_charger_that_hangs_up_on_a_wish_is_not_told_again_when_it_is_back(online, charger):
    """Not at once: the attempt counts."""
    await want(charger)
    await asked(online)
    await online.disconnect()
    await until(lambda: state_of() == "waiting")
    again = InProcessCharger()
    await again.connect()
    await looked_after(again, charger)
    found = await in_thread(lambda: (Command.objects.count(), Variable.objects.get().attempts))
    await again.disconnect()

    assert found == (1, 1)


async def test_time_brings_the_next_attempt(online, charger):
    """The job finds the row and wakes the owner of the socket."""
    await want(charger)
    await asked(online, error=["InternalError", ""])
    await until(lambda: state_of() == "waiting")
    due_now = timezone.now() - timedelta(seconds=1)
    await in_thread(lambda: Variable.objects.update(next_attempt_at=due_now))
    assert await in_thread(lambda: reconciling.wake_due(timezone.now())) == 1

    assert (await asked(online, {"status": "Accepted"}))[0] == "ChangeConfiguration"


async def test_another_process_wakes_the_owner_of_the_socket(online, charger):
    """Through its channel."""
    with_wish = {"name": KEY, "charger": charger, "desired_value": "30", "desired_state": "waiting"}
    await looked_after(online, charger)
    await in_thread(lambda: Variable.objects.create(**with_wish, next_attempt_at=timezone.now()))
    (board,) = switchboard.boards()
    board._hear({"type": "charger.tend", "charger": charger.pk})

    assert (await asked(online, {"status": "Accepted"}))[0] == "ChangeConfiguration"


async def test_charger_that_was_given_its_settings_before_is_told_nothing(online, charger):
    """An idle fleet costs nothing."""
    await looked_after(online, charger)

    assert await in_thread(Command.objects.count) == 0
