"""Fixtures that every room uses: the people."""

import gc
import os

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.test import TransactionTestCase

from csms import http
from tests.kit import emptying
from tests.kit.far_end import FarEnd

# The same examples in every run: what fails, fails for whoever runs it next. HYPOTHESIS_PROFILE=default
# draws new ones, to look for more. How long one takes tells of the machine, as in Hypothesis's profile for CI.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_configure():
    """Leave out what costs seconds and proves nothing: slow hashes, a walk over all static files, flushed tables."""
    django_settings.PASSWORD_HASHERS = ["tests.kit.passwords.QuickHasher"]
    django_settings.WHITENOISE_AUTOREFRESH = True
    TransactionTestCase._fixture_teardown = lambda case: emptying.empty()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """The migrated database of the tests."""
    with django_db_blocker.unblock():
        emptying.remember()
    yield
    # A connection that a thread left behind ends when it is collected, and none may be left when the database goes.
    gc.collect()


@pytest.fixture
def owner(django_user_model):
    """An account that owns things."""
    return django_user_model.objects.create_user("owner", password="owner's password")


@pytest.fixture
def stranger(django_user_model):
    """Another account, which must never see or change what is the owner's."""
    return django_user_model.objects.create_user("stranger", password="stranger's password")


@pytest.fixture
def far_end(settings):
    """A partner's HTTP server on the loopback address, which is permitted for once."""
    settings.CSMS_ALLOW_PRIVATE_URLS = True
    with FarEnd() as server:
        yield server
        http.close()
