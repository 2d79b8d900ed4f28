"""Files that really leave."""

import pytest

from chargers.virtual import transfer
from tests.kit.far_end import FarEnd, Say

pytestmark = pytest.mark.once


@pytest.fixture
def far_end():
    with FarEnd() as server:
        yield server


@pytest.mark.parametrize(("place", "path"), [("/logs/", "/logs/a.txt"), ("/one", "/one")])
async def test_file_is_put_where_it_is_wanted(far_end, place, path):
    assert await transfer.put(far_end.url(place), "a.txt", b"lines") is True

    (heard,) = far_end.heard
    assert (heard.method, heard.path, heard.body) == ("PUT", path, "lines")


async def test_refused_file_has_not_left(far_end):
    far_end.say(Say(403), path="/one")

    assert await transfer.put(far_end.url("/one"), "a.txt", b"") is False


@pytest.mark.parametrize("location", ["http://127.0.0.1:9/", "http://[nonsense/", "https://"])
async def test_address_that_leads_nowhere_fails(location):
    assert await transfer.put(location, "a.txt", b"") is False
