"""SolarUser's instructions, `…/sec/instr/`: queued, carried out, looked at, cancelled."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from rest_framework import serializers

from chargers.api.solar.fields import Fields
from chargers.api.solar.instruction_entities import InstructionBody, InstructionEntity
from chargers.models import Command, Instruction
from chargers.services import commands, instructions
from csms import solar, solar_filters
from csms.solar_renderers import LIST_RENDERERS
from tokens.solar import View

BASE = "solaruser/api/v1/sec/instr"
MOST_NODES = 100
# Of all parameters, times nodes: each has an instruction, a command and an answer of its own to hold them.
MOST_TEXT = 2**18
LONGEST_WAIT_MS = 60_000
LONGEST_TOPIC = 128
STILL_WAITING = "Timeout waiting for the instruction to complete; it goes on and can be viewed."
State = Instruction.State
PENDING = (State.QUEUED, State.RECEIVED, State.EXECUTING)


def shown(rows, **context):
    return InstructionEntity(rows, many=True, context=context).data


class Door(View):
    """What the routes share: whose instructions, for which nodes."""

    def rows(self):
        """Return the account's instructions, as far as the token's policy reaches."""
        rows = self.own(Instruction).select_related("command").order_by("id")
        if not (nodes := self.policy.node_ids):
            return rows
        # Who may reach all nodes may have named another than the charger's.
        reached = Q(command=None) | Q(command__charger__node_id__in=nodes)
        return rows.filter(reached, node_id__in=nodes)

    def nodes(self, fields):
        """Return the nodes that a request names; Denied when one is not for the caller."""
        nodes = fields.numbers("nodeId", "nodeIds")
        if any(node < 1 or not self.policy.allows_node(node) for node in nodes):
            raise solar.Denied
        return nodes

    def selected(self, fields):
        """Return the rows that a request's criteria mean; one criterion must be nodes or ids."""
        nodes, ids = self.nodes(fields), fields.numbers("instructionIds", "instructionId", "ids", "id")
        if not nodes and not ids:
            raise solar.Denied
        rows = self.rows()
        if len(nodes) == 1:  # the usual case, which an index serves in the order of the answer
            rows = rows.filter(node_id=nodes[0])
        elif nodes:
            rows = rows.filter(node_id__among=nodes)
        if ids:
            rows = rows.filter(id__among=ids)
        if start := fields.moment("startDate"):
            rows = rows.filter(created_at__gte=start)
        if end := fields.moment("endDate"):
            rows = rows.filter(created_at__lt=end)
        return rows

    def page(self, rows):
        """Return the rows of one answer, oldest first."""
        offset, most = solar_filters.window(self.request)
        return rows[offset : offset + most]

    def listing(self, rows):
        return solar.answer(shown(self.page(rows)))


def _states(fields, *names):
    words = fields.words(*names)
    for word in words:
        if word not in State.values:
            raise solar.IllegalArgument(f"{word} is no state; there are {', '.join(State.values)}.")
    return words


_ONE_OR_MORE = serializers.JSONField(help_text="An instruction; with the plural of the parameter, a list.")
_CRITERIA = ["nodeId", "nodeIds", "instructionIds", "startDate", "endDate", "max", "offset"]


class Add(Door):
    """Queue an instruction; several nodes get one each."""

    answers, bodies = {"post": _ONE_OR_MORE}, {"post": InstructionBody}
    queries = {"post": ["nodeId", "nodeIds", "topic", "instructionDate", "expirationDate"]}
    kept = timedelta(hours=24)

    def post(self, request, topic=None):
        fields = Fields(request)
        nodes, asked, wait_ms = self._nodes(fields), self._asked(fields, topic), self.wait_ms(fields)
        rows = instructions.add(self.account, nodes, asked)
        if wait_ms:
            instructions.wait(rows, wait_ms / 1000)
        answers = shown(rows, in_vain={"message": STILL_WAITING} if wait_ms else None)
        return solar.answer(answers if fields.has("nodeIds") else answers[0])

    def wait_ms(self, fields):
        """Return how long the caller waits for the end."""
        return 0

    def _nodes(self, fields):
        nodes = self.nodes(fields)
        if not nodes:
            raise solar.IllegalArgument("The nodeId parameter is required.")
        if len(nodes) > MOST_NODES:
            raise solar.IllegalArgument(f"No more than {MOST_NODES} nodes may be named at once.")
        text = sum(len(each["name"]) + len(each["value"]) for each in fields.parameters)
        if text * len(nodes) > MOST_TEXT:
            raise solar.IllegalArgument(
                f"The parameters must be {MOST_TEXT} characters or less, of all nodes together."
            )
        return nodes

    def _asked(self, fields, topic):
        topic = topic or fields.word("topic")
        if not topic:
            raise solar.IllegalArgument("The topic parameter is required.")
        if len(topic) > LONGEST_TOPIC:
            raise solar.IllegalArgument(f"The topic must be {LONGEST_TOPIC} characters or less.")
        if cause := commands.unwritable([topic, fields.parameters]):
            raise solar.IllegalArgument(cause)
        return instructions.Asked(
            topic=topic,
            parameters=fields.parameters,
            instruction_at=fields.moment("instructionDate"),
            expires_at=fields.moment("expirationDate"),
            kept=self.kept,
            nodes=self.policy.node_ids,
        )


class Exec(Add):
    """Queue an instruction and wait for its end."""

    queries = {"post": [*Add.queries["post"], "resultMaxWait"]}
    kept = timedelta(seconds=60)

    def wait_ms(self, fields):
        asked = solar.number(fields.word("resultMaxWait") or LONGEST_WAIT_MS, "resultMaxWait")
        return min(max(asked, 1), LONGEST_WAIT_MS)


class One(Door):
    """One instruction by `id`, or a list of them by `ids`."""

    renderer_classes = LIST_RENDERERS
    answers = {"get": _ONE_OR_MORE}
    queries = {"get": ["id", "ids", *_CRITERIA]}

    def get(self, request):
        fields = Fields(request)
        if not fields.has("id"):
            return self.listing(self.selected(fields))
        found = shown(self.rows().filter(id=fields.numbers("id")[0]))
        return solar.answer(found[0] if found else None)


class Listing(Door):
    """Instructions by node or id, and by state and date."""

    renderer_classes = LIST_RENDERERS
    answers = {"get": [InstructionEntity]}
    queries = {"get": [*_CRITERIA, "state", "states"]}
    # Those of this route alone; empty: as asked for.
    only = ()

    def get(self, request):
        fields = Fields(request)
        rows = self.selected(fields)
        states = self.only or _states(fields, "state", "states")
        return self.listing(rows.in_states(states) if states else rows)


class Active(Listing):
    """What nobody has taken yet. Ours are taken at once: always empty."""

    only = (State.QUEUED,)


class Pending(Listing):
    """What has not ended."""

    only = PENDING


class Update(Door):
    """Cancel instructions: the only change of state that is a client's to make."""

    answers = {
        "post": serializers.JSONField(help_text="The ids that were cancelled, when a filter chose them.")
    }
    queries = {"post": ["id", "ids", "state", "states", *_CRITERIA]}

    def post(self, request):
        fields = Fields(request)
        if fields.word("state") != State.DECLINED:
            raise solar.IllegalArgument(
                "The state can only be set to Declined, which cancels the instruction."
            )
        if ids := fields.numbers("ids", "id"):
            self._cancel(self.rows().filter(id__among=ids))
            return solar.answer()
        if not self.nodes(fields):
            raise solar.Denied
        return solar.answer(self._cancel_waiting(fields))

    def _cancel(self, rows):
        """Cancel all of them, or none if there is one that cannot be."""
        with transaction.atomic():
            for row in rows:
                if not instructions.cancel(row):
                    raise solar.IllegalArgument(
                        f"Instruction {row.pk} is {row.state}; only {State.RECEIVED} ones can be cancelled."
                    )

    def _cancel_waiting(self, fields):
        """Cancel what waits among the rows of a filter; return the ids."""
        rows = self.selected(fields).filter(command__state=Command.State.QUEUED)
        if states := _states(fields, "states"):
            rows = rows.in_states(states)
        return [row.pk for row in self.page(rows) if commands.cancel(row.command)]


def routes():
    """Return the URL patterns of this module."""
    return [
        solar.route(BASE, Listing.as_view(), name="solar-instructions"),
        *(
            solar.route(f"{BASE}/{path}", view.as_view(), name=f"solar-instructions-{path.lower()}")
            for path, view in [
                ("view", One),
                ("viewActive", Active),
                ("viewPending", Pending),
                ("updateState", Update),
                ("add", Add),
                ("exec", Exec),
            ]
        ),
        solar.route(f"{BASE}/add/{{topic}}", Add.as_view(), name="solar-instructions-add-topic"),
        solar.route(f"{BASE}/exec/{{topic}}", Exec.as_view(), name="solar-instructions-exec-topic"),
    ]
