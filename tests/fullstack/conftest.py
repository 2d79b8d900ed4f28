"""Fixtures: installations with real server processes, and the chargers' ends of their sockets."""

from contextlib import ExitStack

import pytest

from tests.kit.installation import Installation, copied_database
from tests.kit.wire import Wire


@pytest.fixture
def _django_db_helper(django_db_setup):
    """Leave the tests' own database alone, instead of pytest-django: it is only copied, never written to."""


@pytest.fixture(scope="module")
def install(tmp_path_factory, django_db_setup, django_db_blocker):
    """Return a function that makes an installation on a database of its own."""
    with ExitStack() as stack:

        def make(**settings):
            folder = tmp_path_factory.mktemp("installation")
            with django_db_blocker.unblock():
                database = copied_database(folder)
            made = Installation(folder, database, **settings)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def station(install):
    """An installation for one test, on which no server runs yet."""
    return install()


@pytest.fixture
async def plug():
    """Return a function that connects a charger to a server; all vanish when the test ends."""
    wires = []

    async def connect(server, identifier="CP-1", **options):
        wires.append(await Wire.open(server.port, f"/ocpp/{identifier}", **options))
        return wires[-1]

    yield connect
    for wire in wires:
        wire.abort()
