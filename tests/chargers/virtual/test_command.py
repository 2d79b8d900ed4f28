"""`manage.py virtualchargepoint`, as people and programs start it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[3]


@contextlib.asynccontextmanager
async def started(url, *options):
    """Start the command; its database does not exist, since it needs none."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "manage.py", "virtualchargepoint", "--url", url, "--id", "CP-1", *options),
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "CSMS_SECRET_KEYS": "k" * 50},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def lines_of(process, text=b""):
    """Give the command its input, and return its exit code, the lines it printed, and its complaints."""
    out, err = await asyncio.wait_for(process.communicate(text), 40)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


async def until_printed(process, text):
    async with asyncio.timeout(30):
        async for line in process.stdout:
            if text in line.decode():
                return


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
    assert lines[-2]["result"]["energy_wh"] == stop["meterStop"] > 0
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
    ],
)
async def test_bad_options_are_told(csms, options, says):
    async with started(csms.url, *options) as process:
        code, _, complaints = await lines_of(process)

    assert code == 1
    assert says in complaints
