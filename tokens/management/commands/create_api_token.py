"""`manage.py create_api_token --user U`: a program's key from the command line, shown once."""

import json
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tokens import services
from tokens.models import ApiToken


class Command(BaseCommand):
    help = "Creates an API token and prints its secret, which cannot be shown again."

    def add_arguments(self, parser):
        parser.add_argument("--user", required=True, help="user name of the owner")
        parser.add_argument("--json", action="store_true", help='print {"id": ..., "secret": ...} alone')
        parser.add_argument("--data", action="store_true", help="a token that may only query datum")
        parser.add_argument("--days", type=int, help="days until it expires; default: never")
        parser.add_argument(
            "--policy", type=json.loads, default={}, help='what it may reach, as JSON: {"nodeIds": [1]}'
        )
        parser.add_argument("--description", default="", help="what it is for")

    def handle(self, *, user, data, days, policy, description, **options):
        owner = get_user_model().objects.filter(username=user).first()
        if owner is None:
            raise CommandError(f"There is no user {user}.")
        try:
            token, secret = services.create_api_token(
                owner,
                kind=ApiToken.Kind.DATA if data else ApiToken.Kind.USER,
                expires_at=timezone.now() + timedelta(days=days) if days is not None else None,
                policy=policy,
                description=description,
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(_as_json(token, secret) if options["json"] else _as_text(token, secret))


def _as_json(token, secret):
    return json.dumps({"id": token.identifier, "secret": secret})


def _as_text(token, secret):
    return (
        f"id      {token.identifier}\nsecret  {secret}\n\nAuthorization: Bearer {token.identifier}:{secret}"
    )
