"""The orders that staff give to a charger: one small form each."""

from django import forms

from chargers.services import commands, remote
from csms.forms import StyledForm, SuggestingInput
from tokens.models import Authorization

MOST_CHOICES = 100


class OrderForm(StyledForm):
    """Sends one order; what the service refuses becomes an error of the form."""

    name = title = icon = button = ""
    about = ""
    danger = False
    # Templates list the classes for their names and icons.
    do_not_call_in_templates = True

    def __init__(self, *args, charger, **kwargs):
        super().__init__(*args, **kwargs)
        self.charger = charger
        self.prepare()

    def prepare(self):
        """Fill the choices that depend on the charger."""

    def send(self, user):
        """Send the order and return its Command, or None with the reason among the errors."""
        try:
            return self.order(self.cleaned_data, {"origin": "admin", "user": user})
        except commands.NotConnected:
            self.add_error(None, "The charger is not connected. Try again when it is online.")
        except commands.InvalidPayload as problem:
            self.add_error(None, f"{problem.field}: {problem.message}")
        except (commands.UnknownAction, commands.MayNotOperate) as problem:
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


ORDERS = {
    form.name: form for form in (StartForm, StopForm, UnlockForm, ResetForm, TriggerForm, AvailabilityForm)
}
