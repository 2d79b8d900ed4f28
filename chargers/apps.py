"""WHAT: chargers, what they do and what they are told."""

from importlib import import_module

from django.apps import AppConfig


class ChargersConfig(AppConfig):
    name = "chargers"
    verbose_name = "Charging"

    def ready(self):
        from chargers import gauges

        gauges.register()
        import_module("chargers.services.device_model")  # follows commands
        import_module("chargers.services.smart_charging")  # so does this
        import_module("chargers.services.schedule_answers")  # and this
        import_module("chargers.services.data_transfer").load()
