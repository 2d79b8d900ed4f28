"""Forms of our own pages, drawn by our own stylesheet."""

from django import forms
from django.utils.html import format_html, format_html_join


class StyledForm(forms.Form):
    """A form that the template tag `fields` draws."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)


class SuggestingInput(forms.TextInput):
    """A text field that offers `suggestions`, and takes any other text as well."""

    suggestions = ()

    def render(self, name, value, attrs=None, renderer=None):
        listed = f"{name}-suggestions"
        field = super().render(name, value, {**(attrs or {}), "list": listed}, renderer)
        options = format_html_join("", '<option value="{}">{}</option>', self.suggestions)
        return format_html('{}<datalist id="{}">{}</datalist>', field, listed, options)


class PasswordForm(StyledForm):
    password = forms.CharField(
        required=False,
        min_length=8,
        max_length=64,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Leave this empty to have a strong one generated.",
    )
