"""The kit as a Django app: what every other app stands on."""

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate
from django.utils import timezone


class CsmsConfig(AppConfig):
    name = "csms"
    verbose_name = "Operations"

    def ready(self):
        from csms import lookups  # noqa: F401  (registered by being imported)

        post_migrate.connect(_ensure_partitions, sender=self)


def _ensure_partitions(*, using, **_):
    """Give new time series their partitions, so that no row has to sit in DEFAULT first."""
    from csms import partitions

    if using == DEFAULT_DB_ALIAS:
        partitions.ensure(timezone.now())
