"""The form that sends any action with any payload."""

import json

from django import forms

from chargers.models import Charger
from chargers.services import commands
from csms.forms import StyledForm

KEEP = [("", "Fail at once"), ("600", "Keep it for 10 minutes"), ("86400", "Keep it for a day")]


class AnyActionForm(StyledForm):
    charger = forms.CharField(max_length=255, help_text="Its identifier.")
    action = forms.CharField(max_length=60, help_text="Such as GetConfiguration or GetVariables.")
    payload = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "class": "sm-code"}),
        help_text="A JSON object, checked against the schema of the charger's OCPP version.",
    )
    expires_in = forms.TypedChoiceField(
        label="If it is offline", choices=KEEP, required=False, coerce=int, empty_value=None
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_charger(self):
        found = (
            Charger.objects.owned_by(self.user)
            .alive()
            .filter(identifier=self.cleaned_data["charger"].strip())
        )
        match list(found[:2]):
            case [charger]:
                return charger
            case []:
                raise forms.ValidationError("There is no charger with this identifier.")
        raise forms.ValidationError("Several owners have such a charger; send it from an owner's account.")

    def clean_payload(self):
        try:
            payload = json.loads(self.cleaned_data["payload"])
        except (ValueError, RecursionError) as problem:
            raise forms.ValidationError(f"This is not JSON: {problem}") from problem
        if not isinstance(payload, dict):
            raise forms.ValidationError("This must be a JSON object: {…}.")
        return payload

    def send(self):
        """Send the action and return its Command, or None with the reason beside its field."""
        values = self.cleaned_data
        how = {"origin": "admin", "user": self.user, "expires_in": values["expires_in"]}
        try:
            return commands.send(values["charger"], values["action"].strip(), values["payload"], **how)
        except commands.NotConnected:
            self.add_error("charger", "The charger is not connected.")
        except commands.MayNotOperate as problem:
            self.add_error("charger", str(problem))
        except commands.UnknownAction as problem:
            self.add_error("action", str(problem))
        except commands.InvalidPayload as problem:
            self.add_error("payload", f"{problem.field}: {problem.message}")
