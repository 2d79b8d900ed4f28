"""What becomes of access because time passed."""

from datetime import timedelta

from django.contrib.sessions.models import Session

from csms.jobs import job
from csms.retention import delete_older
from tokens.models import FailedLogin


@job(every=timedelta(hours=1))
def forget_failed_logins(now):
    delete_older(FailedLogin.objects.all(), "failed_at", days=1, now=now)


@job(every=timedelta(hours=1))
def forget_expired_sessions(now):
    """Django deletes a session only when its browser comes back."""
    delete_older(Session.objects.all(), "expire_date", days=1, now=now)
