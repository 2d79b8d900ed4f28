"""A browser that looks at a live server; both start once and serve all tests of this room.

The pages are the same on both databases, and their queries are tested on both elsewhere: this room
is tested on SQLite only.
"""

from contextlib import contextmanager

import pytest
from django.test import Client

from tests.browser.visitor import Browser
from tests.kit import live


@pytest.fixture(scope="session")
def browser():
    started = Browser()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def address(django_db_setup):
    """A server on the test database, in a process of its own."""
    with live.server() as (address, _process):
        yield address


@pytest.fixture
def boss(django_user_model):
    """A superuser."""
    return django_user_model.objects.create_superuser("boss")


@pytest.fixture
def visit(transactional_db, browser, address):
    """Return a context manager: a visitor of the server, signed in as `user` unless None.

    On leaving, nothing was fetched from elsewhere and no page complained.
    """

    @contextmanager
    def visiting(user, *, width=1280, dark=False):
        person = browser.visitor(address, width=width, dark=dark)
        try:
            if user is not None:
                person.bring("sessionid", session_of(user))
            yield person
        finally:
            person.leave()
        assert (person.strayed, person.complaints) == ([], [])

    return visiting


def session_of(user):
    """Sign `user` in without a page."""
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value
