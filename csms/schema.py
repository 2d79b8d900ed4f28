"""How the native API is described in OpenAPI: refusals are part of every operation."""

from drf_spectacular.openapi import AutoSchema
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
