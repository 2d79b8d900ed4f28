"""How our APIs are described in OpenAPI: refusals are part of every operation."""

import re
from dataclasses import dataclass
from functools import cache

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from csms.api import PROBLEM_TYPE


class FieldError(serializers.Serializer):
    field = serializers.CharField(help_text="Path of the field, such as payload.connectorId.")
    message = serializers.CharField()


class Problem(serializers.Serializer):
    """A refusal, as RFC 9457 says."""

    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(required=False)
    errors = FieldError(many=True, required=False)


class NativeSchema(AutoSchema):
    """Adds to what the view answers the problems that it may answer with.

    A view tells in `refusals` which others its actions have: {"cancel": ["409"]}.
    """

    def _get_response_bodies(self, direction="response"):
        bodies = super()._get_response_bodies(direction)
        for code in self._refusals():
            bodies.setdefault(code, self._get_response_for_code(Problem, code, [PROBLEM_TYPE]))
        return bodies

    def _refusals(self):
        yield from ("401", "403")
        if "{" in self.path or self._is_list_view():
            yield "404"  # an unknown row, or a cursor that is none
        has_body = self.method in ("POST", "PUT", "PATCH") and self.get_request_serializer() is not None
        if has_body or self.get_filter_backends():
            yield "400"
        if has_body:
            yield "415"
        yield from getattr(self.view, "refusals", {}).get(getattr(self.view, "action", None), ())


# SolarNetwork's dialect ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """An answer that is one page of entities."""

    entity: type


class _Fault(serializers.Serializer):
    location = serializers.CharField()
    message = serializers.CharField()

    class Meta:
        ref_name = "SolarFault"


class Refused(serializers.Serializer):
    """A refusal in SolarNetwork's envelope."""

    success = serializers.BooleanField(help_text="Always false.")
    code = serializers.CharField(required=False)
    message = serializers.CharField()
    errors = _Fault(many=True, required=False)

    class Meta:
        ref_name = "SolarRefused"


class SolarSchema(AutoSchema):
    """Tells what a view says in `answers`, `bodies` and `queries`; answers are wrapped in envelopes."""

    def get_operation_id(self):
        words = re.findall(r"\w+", self.path.replace("/api/v1/sec", ""))
        return "_".join([*words, self.method.lower()])

    def get_tags(self):
        return [self.path.split("/")[1]]

    def get_override_parameters(self):
        names = self.view.queries.get(self.method.lower(), ())
        path = re.findall(r"{(\w+)}", self.path)
        return [
            *(OpenApiParameter(name, str, OpenApiParameter.PATH) for name in path),
            *(OpenApiParameter(name, str) for name in names),
        ]

    def get_request_serializer(self):
        return self.view.bodies.get(self.method.lower())

    def get_response_serializers(self):
        return None

    def get_filter_backends(self):
        return []

    def _is_list_view(self, serializer=None):
        return False

    def _get_paginator(self):
        return None

    def _map_basic_serializer(self, serializer, direction):
        """Require no member of an answer that is left out when it is empty."""
        schema = super()._map_basic_serializer(serializer, direction)
        if direction == "response" and "required" in schema:
            fields = serializer.fields
            kept = [name for name in schema["required"] if not _may_be_empty(fields[name])]
            schema["required"] = kept
            if not kept:
                del schema["required"]
        return schema

    def _get_response_bodies(self, direction="response"):
        method = self.method.lower()
        answer = _envelope(self.view.answers.get(method, serializers.JSONField()))
        bodies = {"200": self._get_response_for_code(answer, "200")}
        if method == "post" and hasattr(self.view, "may_create"):
            bodies["201"] = self._get_response_for_code(answer, "201")
        for code in ("401", "403", "404", "406", "422", *(["415"] if method == "post" else [])):
            bodies[code] = self._get_response_for_code(Refused, code)
        return bodies


def _may_be_empty(field):
    return getattr(field, "may_be_empty", isinstance(field, serializers.CharField))


def _envelope(answer):
    """Return the serializer of an envelope around `answer`."""
    if isinstance(answer, list):
        return _made("List", answer[0])()
    if isinstance(answer, Page):
        return _made("Page", answer.entity)()
    if isinstance(answer, serializers.Field):
        return _made("", type(answer))()
    return _made("", answer)()


@cache  # two classes of one name would be two components
def _made(shape, entity):
    fields = {"success": serializers.BooleanField(help_text="Always true.")}
    if shape == "Page":
        fields["data"] = _page(entity)(required=False)
    elif shape == "List":
        fields["data"] = entity(many=True, required=False)
    elif entity is not None:
        fields["data"] = entity(required=False)
    name = "Nothing" if entity is None else entity.__name__.removesuffix("Entity")
    return type(f"Solar{name}{shape}Envelope", (serializers.Serializer,), fields)


def _page(entity):
    rows = {
        "totalResults": serializers.IntegerField(required=False),
        "startingOffset": serializers.IntegerField(),
        "returnedResultCount": serializers.IntegerField(),
        "results": entity(many=True),
    }
    return type(f"Solar{entity.__name__.removesuffix('Entity')}Page", (serializers.Serializer,), rows)
