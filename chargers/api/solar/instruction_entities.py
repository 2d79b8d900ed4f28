"""Instructions in SolarNetwork's words."""

from rest_framework import serializers

from chargers.models import Instruction
from chargers.services import instructions
from csms import solar


class ParameterEntity(serializers.Serializer):
    """A parameter as it was sent; a secret is masked."""

    name = serializers.CharField()
    value = serializers.CharField(allow_blank=True)

    class Meta:
        ref_name = "SolarInstructionParameter"


class InstructionEntity(solar.Entity):
    """An instruction. Its result is the charger's answer, or the error for which it was Declined."""

    id = serializers.IntegerField()
    created = solar.Moment(source="created_at", separator=" ")
    nodeId = serializers.IntegerField(source="node_id")
    topic = serializers.CharField()
    instructionDate = solar.Moment(source="instruction_at", separator=" ")
    state = serializers.ChoiceField(choices=Instruction.State.choices)
    statusDate = solar.Moment(source="state_at", separator=" ")
    expirationDate = solar.Moment(source="expires_at", separator=" ", required=False)
    parameters = ParameterEntity(many=True, required=False)
    resultParameters = serializers.SerializerMethodField(required=False)

    def get_resultParameters(self, row) -> dict:  # noqa: N802  their word
        result = instructions.result_of(row)
        # A caller who waited in vain is told so where the result would be.
        return self.context.get("in_vain") if result is None else result

    def to_representation(self, row):
        shown = super().to_representation(row)
        if not shown["parameters"]:
            del shown["parameters"]
        return shown


class InstructionBody(serializers.Serializer):
    """What may be asked for; for the description alone, since `Fields` reads what clients really send."""

    nodeId = serializers.IntegerField(required=False)
    nodeIds = serializers.ListField(
        child=serializers.IntegerField(),
        required=False,
        help_text="Instead of nodeId: an instruction for each.",
    )
    topic = serializers.ChoiceField(choices=[*instructions.TOPICS], required=False)
    params = serializers.DictField(child=serializers.CharField(), required=False)
    parameters = ParameterEntity(many=True, required=False, help_text="Instead of params, to repeat names.")
    instructionDate = solar.Moment(required=False)
    expirationDate = solar.Moment(required=False)

    class Meta:
        ref_name = "SolarInstructionBody"
