"""WHO: drivers, chargers' credentials and the tokens of programs."""

from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "tokens"
    verbose_name = "Access"
