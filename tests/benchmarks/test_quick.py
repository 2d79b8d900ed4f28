"""The benchmark's own parts agree with each other; nothing here looks at a clock."""

import json
import subprocess
import sys

import pytest
from ocpp.messages import Call, CallResult, _validate_payload

from benchmarks import databases, fleet, measures, payloads, report, websocket
from benchmarks.process import ROOT, BenchmarkError, Process
from benchmarks.server import Workshop
from tests import services

pytestmark = pytest.mark.once


@pytest.fixture
def workshop(tmp_path):
    workshop = Workshop(tmp_path, fleet.make(tmp_path / "fleet.json", 12))
    yield workshop
    workshop.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request):
    """A database that answers; a missing PostgreSQL fails only where services are required."""
    if request.param == "postgresql":
        try:
            databases.administrate("SELECT 1")
        except BenchmarkError as error:
            if services.required():
                raise
            pytest.skip(f"PostgreSQL left out: {error}")
    return request.param


def strangers(workshop, tag, passwords):
    """A fleet file that differs from what the server knows."""
    _, chargers = fleet.read(workshop.fleet)
    path = workshop.path("strangers.json")
    pairs = [[name, password if passwords else "wrong"] for name, password in chargers]
    path.write_text(json.dumps({"tag": tag, "chargers": pairs}))
    return path


def test_reference_stores_what_it_acknowledges(workshop, kind):
    """Each acknowledged reading is a row, in either database."""
    with workshop.reference(kind) as peer:
        result = measures.meter(workshop, peer, connections=4, seconds=0.3)

        assert result["acked"] == peer.stored(0) > 0


def test_storeless_reference_acknowledges(workshop):
    with workshop.forgetful() as peer:
        result = measures.meter(workshop, peer, connections=4, seconds=0.3)

    assert result["acked"] > 0


def test_lost_readings_fail_the_run(workshop):
    """A server that acknowledges more than it stores is found out."""
    with workshop.reference("sqlite") as peer, pytest.raises(BenchmarkError, match="0 rows stored"):
        measures.check_stored(peer, mark=0, acked=1)


def test_storm_accepts_the_whole_fleet(workshop, kind):
    with workshop.reference(kind) as peer:
        result = measures.storm(workshop, peer, connections=12)
        with peer.database.connect() as connection:
            statuses = connection.execute("SELECT count(*) FROM connector").fetchone()[0]

    assert (result["connections"], statuses) == (12, 24)


def test_idle_connections_stay(workshop):
    with workshop.forgetful() as peer:
        assert "kb_per_connection" in measures.idle(workshop, peer, connections=12, settle=0)


def test_heartbeats_are_counted_apart_from_the_metering_charger(workshop):
    with (
        workshop.forgetful() as peer,
        measures.generator(workshop, peer, "heartbeat", 3, seconds=0.3, interval=0.05) as load,
    ):
        result = measures.finish(load)

    assert result["beats"] >= 4
    assert result["blocked"]["max_ms"] > 0


@pytest.mark.parametrize(
    ("tag", "passwords", "why"),
    [("UNKNOWN", True, "start answered"), (fleet.TAG, False, "401")],
)
def test_generator_reports_no_run_that_went_wrong(workshop, tag, passwords, why):
    """An unaccepted start or a refused handshake is no result."""
    path = strangers(workshop, tag, passwords)
    with workshop.forgetful() as peer:
        arguments = ["-m", "benchmarks.generator", "meter", path, peer.port, "--connections", 2]
        with Process(arguments, log=workshop.path("log")) as load:
            answer = load.expect("refused", 30)

    assert why in answer["examples"][0]


@pytest.mark.parametrize("action", sorted(payloads.ANSWERS))
def test_answers_are_valid(action):
    """What the simulated chargers answer passes the 1.6 schemas."""
    _validate_payload(CallResult("1", payloads.ANSWERS[action], action), "1.6")


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("BootNotification", payloads.BOOT),
        ("StatusNotification", payloads.status(0)),
        ("StartTransaction", payloads.start(fleet.TAG)),
        ("MeterValues", payloads.meter_values(7, 1)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_calls_are_valid(action, payload):
    """What the simulated chargers send passes the 1.6 schemas."""
    _validate_payload(Call("1", action, json.loads(payload)), "1.6")


def test_meter_values_carry_eight_samples():
    payload = json.loads(payloads.meter_values(7, 1))

    assert len(payload["meterValue"][0]["sampledValue"]) == 8


@pytest.mark.parametrize("size", [1, 125, 126, 65535, 65536])
def test_frames_survive_being_cut_anywhere(size):
    """Frames of each length form are found however the bytes arrive."""
    text = b"x" * size
    server_frame = websocket.head(websocket.TEXT, size, mask=0) + text
    got, rest = [], b""
    for part in (server_frame[:1], server_frame[1:3], server_frame[3:] + server_frame):
        frames, rest = websocket.frames(rest + part)
        got += frames

    assert (got, rest) == ([(websocket.TEXT, text)] * 2, b"")


def test_report_judges_against_the_target():
    result = {"ours": {"wall_s": 0.5}, "reference": {"wall_s": 1.0}}

    (verdict,) = report.verdicts("storm sqlite", result)

    assert verdict == (report.TARGETS["storm"][0][0], (0.5, 1.0), 0.5, "at most 0.6", True)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("section", ["meter", "datum", "storm", "idle", "command", "heartbeat", "growth"])
def test_quick_run_of_our_server(kind, section):
    """Each section runs against our own server, with small numbers."""
    options = ["--quick", "--only", section, "--database", kind]

    subprocess.run([sys.executable, "-m", "benchmarks", *options], cwd=ROOT, timeout=300, check=True)
