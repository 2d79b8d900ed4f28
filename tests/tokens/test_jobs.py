"""What becomes of access because time passed."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from tokens import jobs
from tokens.models import FailedLogin

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def test_failed_logins_are_forgotten_after_a_day():
    """They bound guessing for minutes; nobody reads them."""
    for hours in (23, 25):
        FailedLogin.objects.create(address=str(hours), failed_at=NOW - timedelta(hours=hours))

    jobs.forget_failed_logins(NOW)

    assert FailedLogin.objects.get().address == "23"


def test_expired_sessions_are_forgotten():
    """Their browsers never came back."""
    for hours in (-1, 23, 25):
        Session.objects.create(session_key=str(hours), expire_date=NOW - timedelta(hours=hours))

    jobs.forget_expired_sessions(NOW)

    assert set(Session.objects.values_list("pk", flat=True)) == {"-1", "23"}
