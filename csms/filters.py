"""What query parameters of every API share: a switch is true or false, and nothing else."""

from django import forms
from django.db import models
from django_filters import rest_framework as filters
from django_filters.rest_framework.filterset import FILTER_FOR_DBFIELD_DEFAULTS

_SWITCH = {"true": True, "1": True, "false": False, "0": False}


class SwitchField(forms.Field):
    """django-filter's own takes any other word for no filter at all, and shows every row."""

    def to_python(self, value):
        text = str(value or "").strip().lower()
        if text and text not in _SWITCH:
            raise forms.ValidationError("Must be true or false.")
        return _SWITCH.get(text)


class SwitchFilter(filters.BooleanFilter):
    field_class = SwitchField

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.extra["widget"] = forms.TextInput


class FilterSet(filters.FilterSet):
    """The base of all our filters."""

    FILTER_DEFAULTS = {
        **FILTER_FOR_DBFIELD_DEFAULTS,
        models.BooleanField: {"filter_class": SwitchFilter},
    }
