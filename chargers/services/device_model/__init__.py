"""The settings of chargers: what they say of them (facts), and what is wanted of them (wishes).

`report` takes in what was told, `want` and `forget` say what is to be, `read` asks. Quiet chargers are
brought to what is wanted by `reconcile`, which is a step of `services.reconciling`; `capabilities` tells what
was learnt. OCPP 1.6 keys are variables without a component: the words are in `chargers/wire/`.
"""

from chargers.services.device_model.capabilities import Capabilities, capabilities, without_smart_charging
from chargers.services.device_model.facts import Source, report, take_report
from chargers.services.device_model.learning import learn
from chargers.services.device_model.reading import check_monitored, read
from chargers.services.device_model.reconciliation import booted, due, reconcile
from chargers.services.device_model.wishes import Refused, forget, monitor, retry, want

__all__ = [
    "Capabilities",
    "Refused",
    "Source",
    "booted",
    "capabilities",
    "check_monitored",
    "due",
    "forget",
    "learn",
    "monitor",
    "read",
    "reconcile",
    "report",
    "retry",
    "take_report",
    "want",
    "without_smart_charging",
]
