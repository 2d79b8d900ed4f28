"""Enter the fleet into our database and print an API token: `python -m benchmarks.seed FLEET`.

Runs in a process of its own, with the environment of the server that will be measured.
"""

import io
import os
import sys
from pathlib import Path

import django

from benchmarks import fleet


def seed(path):
    """Make the admin, the accepted tag and the chargers with their own passwords."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from chargers.models import Charger
    from csms import secrets
    from tokens.models import Authorization

    tag, chargers = fleet.read(path)
    admin = get_user_model().objects.create_superuser("admin")
    Authorization.objects.create(owner=admin, token=tag)
    Charger.objects.bulk_create(
        Charger(owner=admin, identifier=name, password_hash=secrets.hash_generated(password))
        for name, password in chargers
    )
    answer = io.StringIO()
    call_command("create_api_token", "--user", "admin", "--json", stdout=answer)
    return answer.getvalue()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csms.settings")
    django.setup()
    print(seed(Path(sys.argv[1])).strip().splitlines()[-1])
