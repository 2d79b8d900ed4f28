"""The form of a credential: names one on a line, and a password that is never shown again."""

from django import forms

from csms.admin_base import OneOwnerForm, PasswordInput, Textarea
from tokens.models import Credential


class LinesField(forms.CharField):
    """A list of texts, edited as lines."""

    widget = Textarea

    def prepare_value(self, value):
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value):
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]

    def has_changed(self, initial, data):
        return (initial or []) != self.to_python(data)


class CredentialForm(OneOwnerForm):
    allowed_charge_points = LinesField(
        label="May connect as",
        required=False,
        help_text="Identifiers of chargers, one on a line. Empty: any charger of the owner.",
    )
    password = forms.CharField(
        required=False,
        min_length=8,
        max_length=64,
        strip=False,
        widget=PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Leave this empty to have a strong one generated, which is shown once.",
    )

    class Meta:
        model = Credential
        fields = ["username", "allowed_charge_points", "enabled", "owner"]
