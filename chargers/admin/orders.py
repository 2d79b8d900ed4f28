"""The orders that staff give to a charger: one small form each."""

import json

from django import forms

from chargers.models import Protocol
from chargers.services import commands, data_transfer, remote, smart_charging
from csms.forms import StyledForm, SuggestingInput
from tokens.models import Authorization

MOST_CHOICES = 100


class OrderForm(StyledForm):
    """Sends one order; what the service refuses becomes an error of the form."""

    name = title = icon = button = ""
    about = ""
    danger = False
    # The service's names of what can be wrong, and the fields here.
    fields_for = {}
    # Templates list the classes for their names and icons.
    do_not_call_in_templates = True

    def __init__(self, *args, charger, **kwargs):
        super().__init__(*args, **kwargs)
        self.charger = charger
        self.prepare()

    def prepare(self):
        """Fill the choices that depend on the charger."""

    def send(self, user):
        """Send the order and return the row that follows it, or None with the reason among the errors."""
        try:
            return self.order(self.cleaned_data, {"origin": "admin", "user": user})
        except commands.NotConnected:
            self.add_error(None, "The charger is not connected. Try again when it is online.")
        except commands.InvalidPayload as problem:
            self.add_error(None, f"{problem.field}: {problem.message}")
        except smart_charging.Invalid as problem:
            self.add_error(self.fields_for.get(problem.field), problem.message)
        except commands.Refused as problem:
            self.add_error(None, str(problem))

    def order(self, values, by):
        raise NotImplementedError


def _plugs(charger):
    return [each for each in charger.connectors.all() if each.connector_id]


class ConnectorField(forms.TypedChoiceField):
    """One of the charger's connectors, whose row it returns."""

    def offer(self, charger, *, whole=""):
        rows = {str(each.pk): each for each in _plugs(charger)}
        names = [(pk, f"Connector {each.number} ({each.get_status_display()})") for pk, each in rows.items()]
        self.choices = ([("", whole)] if whole else []) + names
        self.coerce = rows.get
        self.empty_value = None


class StartForm(OrderForm):
    name, title, icon, button = "start", "Start", "bolt", "Start charging"
    about = "Asks the charger to start a transaction as if this token had been presented."
    connector = ConnectorField(required=True)
    id_token = forms.CharField(
        label="Token",
        max_length=255,
        widget=SuggestingInput,
        help_text="Of an authorization of this owner; others the charger may refuse.",
    )

    def prepare(self):
        self.fields["connector"].offer(self.charger)
        known = Authorization.objects.filter(owner=self.charger.owner_id, enabled=True)
        tokens = list(known.order_by("-id").values_list("token", "description")[:MOST_CHOICES])
        self.fields["id_token"].widget.suggestions = tokens
        if len(tokens) == 1:
            self.fields["id_token"].initial = tokens[0][0]

    def order(self, values, by):
        plug = values["connector"]
        where = {"evse_id": plug.evse_id, "connector_id": plug.connector_id}
        return remote.start(self.charger, values["id_token"], **where, **by)


def _named(transaction):
    number = transaction.transaction_id or transaction.pk
    return f"#{number} on connector {transaction.plug or '?'} by {transaction.id_token or 'no token'}"


class StopForm(OrderForm):
    name, title, icon, button = "stop", "Stop", "stop", "Stop the transaction"
    about = "Asks the charger to end a running transaction."
    transaction = forms.TypedChoiceField()

    def prepare(self):
        rows = {
            str(each.pk): each for each in self.charger.transactions.open().order_by("-id")[:MOST_CHOICES]
        }
        field = self.fields["transaction"]
        field.choices = [(pk, _named(each)) for pk, each in rows.items()]
        field.coerce = rows.get
        field.help_text = "" if rows else "No transaction is running."

    def order(self, values, by):
        return remote.stop(values["transaction"], **by)


class UnlockForm(OrderForm):
    name, title, icon, button = "unlock", "Unlock", "unlock", "Unlock the connector"
    about = "Asks the charger to release the plug. A running transaction on it ends."
    connector = ConnectorField(required=True)

    def prepare(self):
        self.fields["connector"].offer(self.charger)

    def order(self, values, by):
        return remote.unlock(values["connector"], **by)


class ResetForm(OrderForm):
    name, title, icon, button, danger = "reset", "Reset", "reset", "Reset the charger", True
    about = "Restarts the charger. Soft ends transactions first; hard is like a power cut."
    kind = forms.ChoiceField(
        choices=[("soft", "Soft"), ("hard", "Hard")], initial="soft", widget=forms.RadioSelect
    )

    def order(self, values, by):
        return remote.reset(self.charger, hard=values["kind"] == "hard", **by)


class TriggerForm(OrderForm):
    name, title, icon, button = "trigger", "Trigger a message", "send", "Ask for the message"
    about = "Asks the charger to send a message now."
    message = forms.ChoiceField()
    connector = ConnectorField(required=False)

    def prepare(self):
        self.fields["message"].choices = [(word, word) for word in remote.words(self.charger).TRIGGERS]
        self.fields["connector"].offer(self.charger, whole="The whole charger")

    def order(self, values, by):
        return remote.trigger(self.charger, values["message"], connector=values["connector"], **by)


class AvailabilityForm(OrderForm):
    name, title, icon, button = "availability", "Availability", "pause", "Change availability"
    about = "Takes the charger or one connector out of service, or puts it back."
    operative = forms.ChoiceField(
        label="Availability",
        choices=[("yes", "In service"), ("no", "Out of service")],
        initial="yes",
        widget=forms.RadioSelect,
    )
    connector = ConnectorField(required=False)

    def prepare(self):
        self.fields["connector"].offer(self.charger, whole="The whole charger")

    def order(self, values, by):
        operative = values["operative"] == "yes"
        return remote.availability(self.charger, operative, connector=values["connector"], **by)


class LimitForm(OrderForm):
    name, title, icon, button = "limit", "Limit", "meter", "Set the limit"
    about = "Has a connector, or the whole charger, take no more than this. It replaces the limit in force."
    fields_for = {"amps": "value", "watts": "value", "until": "until"}
    connector = ConnectorField(required=False)
    value = forms.FloatField(label="At most", min_value=0)
    unit = forms.ChoiceField(
        choices=[("A", "Amps on each phase"), ("W", "Watts")], initial="A", widget=forms.RadioSelect
    )
    until = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="Empty: until it is lifted.",
    )
    may_walk = forms.ChoiceField(
        label="If the charger does not obey",
        choices=[("", "Leave it at that"), ("yes", "Try the other ways that chargers are known to want")],
        required=False,
        initial="",
        widget=forms.RadioSelect,
    )

    def prepare(self):
        self.fields["connector"].offer(self.charger, whole="The whole charger")

    def order(self, values, by):
        value = {"A": "amps", "W": "watts"}[values["unit"]]
        return smart_charging.limit(
            values["connector"] or self.charger,
            until=values["until"],
            may_walk=values["may_walk"] == "yes",
            **{value: values["value"]},
            **by,
        )


class DataTransferForm(OrderForm):
    name, title, icon, button = "data-transfer", "Data transfer", "code", "Send the message"
    about = "Sends the charger a message that only its vendor knows."
    vendor_id = forms.CharField(label="Vendor", max_length=255)
    message_id = forms.CharField(label="Message", max_length=50, required=False)
    data = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "sm-code"}),
    )

    def prepare(self):
        self._takes_json = self.charger.protocol == Protocol.OCPP201
        words = "JSON, or else text." if self._takes_json else "Text: OCPP 1.6 knows nothing else here."
        self.fields["data"].help_text = words

    def order(self, values, by):
        data = self._data(values["data"])
        return data_transfer.send(self.charger, values["vendor_id"], values["message_id"], data, **by)

    def _data(self, text):
        if self._takes_json:
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                pass
        return text or None


ORDERS = {
    form.name: form
    for form in (
        StartForm,
        StopForm,
        UnlockForm,
        ResetForm,
        TriggerForm,
        AvailabilityForm,
        LimitForm,
        DataTransferForm,
    )
}
