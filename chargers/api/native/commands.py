"""Orders to chargers: sending one, following it, taking it back."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from chargers.api.native.base import Conflict, Order, Rows, RowsOfCharger, WaitField
from chargers.filters import AnyCommandFilter, CommandFilter
from chargers.models import Command
from chargers.services import commands

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


class CommandRequest(Order):
    """An OCPP action with its payload, in the words of the charger's OCPP version."""

    action = serializers.CharField(max_length=60, help_text="Such as Reset or RemoteStartTransaction.")
    payload = serializers.DictField(required=False, default=dict)
    wait = WaitField()
    expires_in = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=LONGEST_KEEPING,
        help_text="Seconds that the command is kept for a charger that is offline.",
    )


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
class ChargerCommandViewSet(RowsOfCharger):
    """What one charger is told: chargers/{id}/commands."""

    queryset = Command.objects.all()
    serializer_class = CommandSerializer
    filterset_class = CommandFilter
    refusals = {"create": ["409"]}

    def list(self, request, charger_id):
        """List this charger's commands, newest first."""
        return super().list(request, charger_id)

    @extend_schema(request=CommandRequest, responses={200: CommandSerializer, 202: CommandSerializer})
    def create(self, request, charger_id):
        """Send an OCPP request: 200 with the charger's answer if `wait` seconds suffice, else 202."""
        order = CommandRequest(data=request.data)
        order.is_valid(raise_exception=True)
        wait = order.validated_data.pop("wait")
        command = _send(self.get_charger(), user=request.user, **order.validated_data)
        if wait:
            command = commands.wait(command, wait)
        return Response(CommandSerializer(command).data, status=200 if command.is_finished else 202)


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
