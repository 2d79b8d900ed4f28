"""Orders to chargers: sending one, following it, taking it back."""

import math

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from chargers.api.native.base import Conflict, Rows
from chargers.filters import AnyCommandFilter, CommandFilter
from chargers.models import Charger, Command
from chargers.services import commands

LONGEST_WAIT = 60
LONGEST_KEEPING = 30 * 24 * 3600


class CommandSerializer(serializers.ModelSerializer):
    payload = serializers.DictField(read_only=True)
    result = serializers.DictField(read_only=True, allow_null=True, help_text="The charger's answer.")

    class Meta:
        model = Command
        fields = [
            "id",
            "owner",
            "charger",
            "action",
            "payload",
            "state",
            "result",
            "error_code",
            "error_description",
            "origin",
            "created_by",
            "created_at",
            "sent_at",
            "finished_at",
            "expires_at",
        ]


class CommandRequest(serializers.Serializer):
    """An OCPP action with its payload, in the words of the charger's OCPP version."""

    action = serializers.CharField(max_length=60, help_text="Such as Reset or RemoteStartTransaction.")
    payload = serializers.DictField(required=False, default=dict)
    wait = serializers.FloatField(
        required=False,
        default=0,
        min_value=0,
        max_value=LONGEST_WAIT,
        help_text="Seconds to wait for the charger's answer.",
    )
    expires_in = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=LONGEST_KEEPING,
        help_text="Seconds that the command is kept for a charger that is offline.",
    )

    def validate_wait(self, value):
        if not math.isfinite(value):
            raise ValidationError("A valid number is required.")
        return value


class CommandViewSet(Rows, viewsets.ReadOnlyModelViewSet):
    """Commands of all chargers, newest first. New ones are posted to chargers/{id}/commands."""

    queryset = Command.objects.all()
    serializer_class = CommandSerializer
    filterset_class = AnyCommandFilter
    refusals = {"cancel": ["409"]}

    @extend_schema(request=None, responses={200: CommandSerializer})
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def cancel(self, request, pk):
        """Take back a command that has not been sent; 409 once it has."""
        command = self.get_object()
        if not commands.cancel(command):
            raise Conflict("The command has been sent already.")
        command.refresh_from_db()
        return Response(self.get_serializer(command).data)


@extend_schema(parameters=[OpenApiParameter("charger_id", int, location="path")])
class ChargerCommandViewSet(Rows, mixins.ListModelMixin, viewsets.GenericViewSet):
    """What one charger is told: chargers/{id}/commands."""

    queryset = Command.objects.all()
    serializer_class = CommandSerializer
    filterset_class = CommandFilter
    refusals = {"create": ["409"]}

    def get_queryset(self):
        return super().get_queryset().filter(charger=self.kwargs.get("charger_id"))

    def list(self, request, charger_id):
        """List this charger's commands, newest first."""
        self._charger()
        return super().list(request)

    @extend_schema(request=CommandRequest, responses={200: CommandSerializer, 202: CommandSerializer})
    def create(self, request, charger_id):
        """Send an OCPP request: 200 with the charger's answer if `wait` seconds suffice, else 202."""
        order = CommandRequest(data=request.data)
        order.is_valid(raise_exception=True)
        wait = order.validated_data.pop("wait")
        command = _send(self._charger(), user=request.user, **order.validated_data)
        if wait:
            command = commands.wait(command, wait)
        return Response(CommandSerializer(command).data, status=200 if command.is_finished else 202)

    def _charger(self):
        # With its presence, which `send` needs: the hot path has no other query before the insert.
        chargers = Charger.objects.alive().select_related("presence__process")
        return get_object_or_404(chargers.owned_by(self.request.user), pk=self.kwargs["charger_id"])


def _send(charger, *, action, payload, expires_in, user):
    """Send, and say what stands against it in words of HTTP."""
    try:
        return commands.send(charger, action, payload, origin="native", user=user, expires_in=expires_in)
    except commands.UnknownAction as error:
        raise ValidationError({"action": [str(error)]}) from error
    except commands.InvalidPayload as error:
        raise ValidationError({error.field: [error.message]}) from error
    except commands.NotConnected as error:
        raise Conflict("The charger is not connected; with expires_in the command would wait.") from error
    except commands.MayNotOperate as error:
        raise Conflict(str(error)) from error
