"""What a fresh database needs before anyone can do anything: a user and a token, shown once."""

import os
import secrets

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction


def prepare():
    """Create the first administrator and an API token if there is no user yet; return what to print.

    On a database server that happens only with CSMS_ADMIN_PASSWORD given: a generated password
    would end up in somebody's log archive.
    """
    users = get_user_model().objects
    given = os.environ.get("CSMS_ADMIN_PASSWORD", "")
    if users.exists():
        return []
    if not (settings.EMBEDDED or given):
        return ["There is no user yet: manage.py createsuperuser makes one."]
    username = os.environ.get("CSMS_ADMIN_USERNAME", "admin")
    password = given or secrets.token_urlsafe(12)
    try:
        with transaction.atomic():
            user = users.create_superuser(username, password=password)
            return _introduce(user, password if not given else "as given by CSMS_ADMIN_PASSWORD")
    except IntegrityError:  # another process was first
        return []


def _introduce(user, password):
    from tokens.services import create_api_token

    token, secret = create_api_token(user, description="made at the first start")
    return [
        f"Administrator: {user.username}   password: {password}",
        f"API token: {token.identifier}:{secret}   (Authorization: Bearer <token>)",
        "Both are shown this once.",
    ]
