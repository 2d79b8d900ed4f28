"""What becomes of access because time passed."""

from datetime import timedelta

from django.contrib.sessions.models import Session

from csms.jobs import job
from csms.retention import delete_older
from tokens.models import FailedLogin, UsedSignature


@job(every=timedelta(hours=1))
def forget_failed_logins(now):
    delete_older(FailedLogin.objects.all(), "failed_at", days=1, now=now)


@job(every=timedelta(hours=1))
def forget_expired_sessions(now):
    """Django deletes a session only when its browser comes back."""
    delete_older(Session.objects.all(), "expire_date", days=1, now=now)


@job(every=timedelta(minutes=5))
def forget_used_signatures(now):
    """What they signed is too old by now to be believed again."""
    UsedSignature.objects.filter(expires_at__lt=now).delete()
