"""The PyPI program `test-ocpp`, which integrators use to find out whether a central system answers."""

import pytest
import test_ocpp.cli

from tests.peers.conftest import PASSWORD

pytestmark = pytest.mark.once
VERSIONS = pytest.mark.parametrize("version", ["1.6", "2.0.1"])
SLASHES = pytest.mark.parametrize("slash", [[], ["--trailing-slash"]], ids=["plain", "slash"])


@pytest.fixture
def program(station, capsys):
    """Return a function that runs the program; it gives back the exit code and what was printed."""

    def run(version, *arguments):
        target = [station.websockets, f"CP-ocpp{version}", "--ocpp", version]
        code = test_ocpp.cli.main([*target, "--timeout", "10", *arguments])
        return code, capsys.readouterr().out

    return run


@VERSIONS
@SLASHES
def test_right_password_succeeds(program, version, slash):
    """The subprotocol is confirmed, the boot accepted and a heartbeat answered."""
    code, printed = program(version, "--password", PASSWORD, *slash)
    assert (code, printed.splitlines()[-1]) == (0, "SUCCESS")
    assert "BootNotification status: Accepted" in printed
    assert "WARNING" not in printed


@VERSIONS
@SLASHES
@pytest.mark.parametrize(
    "login",
    [["--password", "wrong"], ["--username", "somebody", "--password", PASSWORD], [], ["--password", ""]],
    ids=["wrong password", "another user", "none", "empty password"],
)
def test_wrong_login_is_unauthorized(program, version, slash, login):
    """The handshake is answered 401, not closed after the fact."""
    code, printed = program(version, *login, *slash)
    assert (code, printed.splitlines()[-1]) == (1, "FAILED: server rejected handshake with HTTP 401")
