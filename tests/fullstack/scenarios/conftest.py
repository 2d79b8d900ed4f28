"""One server for all scenarios, on the tests' database; every test has chargers of its own."""

import itertools
from contextlib import AsyncExitStack

import pytest
from django.contrib.auth import get_user_model

from tests.kit import emptying, live
from tests.kit.chargers import in_thread
from tests.kit.scenes import PASSWORD, Scene, Server, entered, hurried
from tests.kit.scripted_csms import ScriptedCsms
from tokens.models import Authorization
from tokens.services import create_api_token

_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def db(django_db_setup, django_db_blocker):
    """The database, whose rows the server of the package can see."""
    with emptying.committed(django_db_blocker):
        yield


@pytest.fixture(scope="package")
def server(db):
    """Start the server for an owner whose tags TAG1 and TAG2 may charge."""
    owner = get_user_model().objects.create_user("owner")
    for token in ("TAG1", "TAG2"):
        Authorization.objects.create(owner=owner, token=token)
    token, secret = create_api_token(owner)
    # Charge points that live fast are quiet soon: what waits for that would not come within a scenario.
    with live.server(CSMS_QUIET_SECONDS="0.1", CSMS_BOOT_RETRY_INTERVAL="60") as (address, _):
        yield Server(address, owner, f"{token.identifier}:{secret}")


@pytest.fixture
async def stage(server):
    """Return a function that enters a charger and sets its charge point up; all are stopped at the end.

    `charger` are attributes of the row, everything else is the charge point's.
    """
    scenes = []

    async def set_up(version, *, charger=None, password=PASSWORD, **options):
        identifier, told = f"CP-{next(_numbers)}", {"password": password}
        row = await in_thread(entered, server.owner, identifier, version, **told, **(charger or {}))
        scenes.append(Scene(server, row, **told, **options))
        return scenes[-1]

    yield set_up
    for scene in scenes:
        await scene.point.stop(seconds=0.2)


@pytest.fixture
def play(stage):
    """Return a function that sets a charge point up, starts it and waits until it is online."""

    async def begin(version, **options):
        scene = await stage(version, **options)
        await scene.point.start()
        await scene.comes_online()
        return scene

    return begin


@pytest.fixture
async def far():
    """Return a function that starts a charge point on a scripted CSMS, for what our server never does."""
    async with AsyncExitStack() as stack:

        async def begin(version, script=None, **options):
            csms = await stack.enter_async_context(ScriptedCsms(version, script or {}))
            point = hurried(csms.url, "CP-1", version, **options)
            stack.push_async_callback(point.stop, seconds=0.2)
            await point.start()
            return csms, point

        yield begin
