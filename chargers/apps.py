"""WHAT: chargers, what they do and what they are told."""

from django.apps import AppConfig


class ChargersConfig(AppConfig):
    name = "chargers"
    verbose_name = "Charging"

    def ready(self):
        from chargers import gauges

        gauges.register()
