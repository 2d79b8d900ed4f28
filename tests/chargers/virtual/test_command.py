"""`manage.py virtualchargepoint`, as people and programs start it."""

import asyncio
import signal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from chargers.management.commands.virtualchargepoint import Command
from tests.kit.program import lines_of, started, until_printed

pytestmark = pytest.mark.once


async def test_end_of_input_ends_it_cleanly(csms):
    async with started(csms.url) as process:
        code, lines, complaints = await lines_of(process, b'{"id": "a", "command": "state"}\nnonsense')

    assert (code, complaints) == (0, "")
    assert {line["id"]: sorted(line) for line in lines if "id" in line} == {
        "a": ["id", "result"],
        None: ["error", "id"],
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_it_cleanly(csms, number):
    async with started(csms.url) as process:
        await until_printed(process, "boot_notification_response")
        process.send_signal(number)
        code = await asyncio.wait_for(process.wait(), 20)
        complaints = await process.stderr.read()

    assert (code, complaints) == (0, b"")


async def test_charge_plays_one_session(csms):
    async with started(csms.url, "--charge", "--seconds", "0.4", "--speed", "100") as process:
        code, lines, _ = await lines_of(process)

    stop = csms.of("StopTransaction")[0]
    assert code == 0
    (result,) = [line["result"] for line in lines if "result" in line]
    assert result["energy_wh"] == stop["meterStop"] > 0
    assert csms.of("MeterValues")
    assert csms.of("StatusNotification")[-1]["status"] == "Available"


async def test_charge_speaks_the_other_version(csms201):
    async with started(csms201.url, "--ocpp", "2.0.1", "--charge", "--seconds", "0.2") as process:
        code, _, _ = await lines_of(process)

    assert code == 0
    assert [each["eventType"] for each in csms201.of("TransactionEvent")][-1] == "Ended"


@pytest.mark.parametrize(
    ("action", "answer", "cause"),
    [
        ("Authorize", {"idTagInfo": {"status": "Blocked"}}, "Blocked"),
        ("StartTransaction", {"transactionId": 1, "idTagInfo": {"status": "ConcurrentTx"}}, "ConcurrentTx"),
    ],
)
async def test_refused_session_fails(csms, action, answer, cause):
    csms.script[action] = [answer]

    async with started(csms.url, "--charge", "--seconds", "5") as process:
        code, lines, _ = await lines_of(process)

    assert code == 1
    assert cause in next(line["error"] for line in lines if "error" in line)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--connectors", "0"], "--connectors must be 1 to 1000"),
        (["--speed", "0"], "the speed must be above 0"),
        (["--set", "Nonsense=1"], "there is no configuration key Nonsense: there are HeartbeatInterval"),
        (["--set", "HeartbeatInterval=x"], "HeartbeatInterval cannot be 'x': it is of kind integer"),
        (["--set", "Nonsense"], "--set takes KEY=VALUE"),
        (["--mqtt", "http://x"], "--mqtt must be a URL such as mqtt://"),
        (["--everest", "Nonsense=1"], "--everest knows no Nonsense, but PublishChargingScheduleIntervalS"),
        (["--everest", "PublishChargingScheduleDurationS=30"], "must be more than"),
        (["--everest", "PublishChargingScheduleDurationS=x"], "--everest: invalid literal"),
        (["--count", "0"], "--count must be 1 to 2000"),
        (["--count", "2", "--rate", "0"], "--rate must be above 0"),
        (["--count", "2", "--trace"], "for a single charge point"),
        (["--count", "2", "--state", "x.json"], "for a single charge point"),
        (["--url", "ws://[::1"], "--url must begin with ws://"),
    ],
)
def test_bad_options_are_told(options, says):
    with pytest.raises(CommandError) as problem:
        call_command("virtualchargepoint", "--url", "ws://127.0.0.1:9/ocpp/", "--id", "CP-1", *options)

    assert says in str(problem.value)


async def test_bad_option_ends_the_program(csms):
    async with started(csms.url, "--connectors", "0") as process:
        code, lines, complaints = await lines_of(process)

    assert (code, lines) == (1, [])
    assert "--connectors must be 1 to 1000" in complaints


@pytest.mark.parametrize("option", ["--speed", "--rate", "--seconds"])
def test_what_is_no_number_is_refused(option):
    parser = Command().create_parser("manage.py", "virtualchargepoint")

    with pytest.raises(CommandError, match="nan is no number"):
        parser.parse_args(["--url", "ws://127.0.0.1/", "--id", "CP-1", option, "nan"])


def summary(lines):
    """Return the last line of a crowd."""
    return [line["crowd"] for line in lines if "crowd" in line][-1]


async def test_crowd_plays_a_session_each(csms):
    options = ["--count", "3", "--rate", "100", "--charge", "--seconds", "0.2", "--speed", "100"]

    async with started(csms.url, *options) as process:
        code, lines, complaints = await lines_of(process)

    told = summary(lines)
    assert (code, complaints) == (0, "")
    assert sorted(csms.paths) == ["/ocpp/CP-1-1", "/ocpp/CP-1-2", "/ocpp/CP-1-3"]
    assert (told["count"], told["started"], told["sessions"], told["failed"]) == (3, 3, 3, 0)


async def test_crowd_tells_of_sessions_that_failed(csms):
    csms.script["Authorize"] = [{"idTagInfo": {"status": "Blocked"}}]

    async with started(csms.url, "--count", "2", "--charge", "--seconds", "0.1") as process:
        code, lines, _ = await lines_of(process)

    told = summary(lines)
    assert (code, told["sessions"], told["failed"]) == (1, 1, 1)
    assert told["problem"].endswith("the tag VIRTUAL is refused: Blocked")


async def test_signal_ends_a_crowd_cleanly(csms):
    options = ["--count", "3", "--rate", "100", "--password", "secret-{n}"]

    async with started(csms.url, *options, "--id", "{n}.CP") as process:
        await csms.hears("BootNotification", 3)
        process.send_signal(signal.SIGTERM)
        code, lines, complaints = await lines_of(process)

    assert (code, complaints) == (0, "")
    assert sorted(csms.paths) == ["/ocpp/1.CP", "/ocpp/2.CP", "/ocpp/3.CP"]
    assert csms.headers["Authorization"].startswith("Basic ")
    assert summary(lines)["connected"] == 0
