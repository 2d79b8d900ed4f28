"""What a token may reach: SolarNetwork's security policies, as far as we enforce them. Pure.

A policy only ever narrows what the token's owner may do. One that asks for something that is not
enforced here is refused where it is made, instead of being believed in.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

# What their paths in `apiPaths` are relative to.
API_ROOT = re.compile(r"^/[^/]+/api/v1/sec(?=/|$)")
LONGEST_PATTERN = 255
LARGEST_NODE = 2**63 - 1
MOST_MEMBERS = 1000  # of a list: each request looks at all of them
# Those that SolarQuery answers, from the finest on.
AGGREGATIONS = tuple("None Minute FiveMinute TenMinute FifteenMinute ThirtyMinute Hour Day Month".split())


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits of a token; what is empty limits nothing."""

    node_ids: frozenset[int] = frozenset()
    source_ids: tuple[str, ...] = ()
    api_paths: tuple[str, ...] = ()
    not_after: datetime | None = None
    # The finest aggregation in which datum may be seen.
    min_aggregation: str = ""
    # What cannot be enforced, in words; a policy with problems allows nothing to be done with its token.
    problems: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_narrow(self):
        """Whether it takes anything away, besides time, from what the owner may do."""
        return bool(
            self.node_ids or self.source_ids or self.api_paths or self.min_aggregation or self.problems
        )

    def allows_node(self, node_id: int) -> bool:
        """Say whether the token may reach this node."""
        return not self.node_ids or node_id in self.node_ids

    def allows_source(self, source_id: str) -> bool:
        """Say whether the token may reach this source: one pattern of `sourceIds` has to match."""
        return not self.source_ids or any(matches(pattern, source_id) for pattern in self.source_ids)

    def allows_path(self, path: str) -> bool:
        """Say whether the token may call this path.

        `apiPaths` are patterns relative to /api/v1/sec; with `!` in front they forbid. What is forbidden
        stays so whatever else is allowed; with nothing but prohibitions all the rest is allowed.
        """
        relative = API_ROOT.sub("", path) or "/"
        forbidden = [pattern[1:] for pattern in self.api_paths if pattern.startswith("!")]
        allowed = [pattern for pattern in self.api_paths if not pattern.startswith("!")]
        if any(matches(pattern, relative) for pattern in forbidden):
            return False
        return not allowed or any(matches(pattern, relative) for pattern in allowed)

    def has_ended(self, now: datetime) -> bool:
        """Say whether its time is over."""
        return self.not_after is not None and self.not_after <= now


# Reading --------------------------------------------------------------------------------------


def read(data) -> Policy:
    """Return the policy that `data` (JSON) says; what is wrong with it stands in its `problems`."""
    if not isinstance(data, dict):
        return Policy(problems=("A policy is a JSON object.",))
    found = {}
    problems = [
        f"{name} is not known; known are {', '.join(_MEMBERS)}." for name in data if name not in _MEMBERS
    ]
    for name in data.keys() & _MEMBERS.keys():
        attribute, read_member = _MEMBERS[name]
        try:
            found[attribute] = read_member(data[name])
        except ValueError as error:
            problems.append(f"{name} {error}.")
    return Policy(**found, problems=tuple(problems))


def _nodes(value):
    if not _is_list(value) or not all(type(item) is int and 0 < item <= LARGEST_NODE for item in value):
        raise ValueError("must be a list of node ids, whole numbers above 0; leave it out to allow all")
    return frozenset(value)


def _sources(value):
    return _patterns(value, "source ids", lambda text: text)


def _paths(value):
    return _patterns(value, "paths that begin with / or !/", lambda text: re.match("!?/", text))


def _patterns(value, words, fits):
    if not _is_list(value) or not all(isinstance(item, str) and fits(item) for item in value):
        raise ValueError(f"must be a list of patterns of {words}; leave it out to allow all")
    if any(len(item) > LONGEST_PATTERN for item in value):
        raise ValueError(f"holds a pattern of more than {LONGEST_PATTERN} characters")
    return tuple(value)


def _is_list(value):
    if isinstance(value, list) and len(value) > MOST_MEMBERS:
        raise ValueError(f"holds more than {MOST_MEMBERS} of them")
    # An empty list could mean all or nothing.
    return isinstance(value, list) and bool(value)


def _moment(value):
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("must be a timestamp such as 2030-01-01T00:00:00Z") from None


def _aggregation(value):
    if value not in AGGREGATIONS:
        raise ValueError(f"must be one of {', '.join(AGGREGATIONS)}")
    return value


_MEMBERS = {
    "nodeIds": ("node_ids", _nodes),
    "sourceIds": ("source_ids", _sources),
    "apiPaths": ("api_paths", _paths),
    "notAfter": ("not_after", _moment),
    "minAggregation": ("min_aggregation", _aggregation),
}


# Patterns -------------------------------------------------------------------------------------


def matches(pattern: str, text: str) -> bool:
    """Say whether an Ant pattern matches: `?` is a character, `*` any within a segment, `**` any segments."""
    if pattern.startswith("/") != text.startswith("/"):
        return False
    return _glob(_segments(pattern), _segments(text), "**", _segment_matches)


def _segments(text):
    return [segment for segment in text.split("/") if segment]


def _segment_matches(pattern, segment):
    return _glob(pattern, segment, "*", lambda wanted, char: wanted in ("?", char))


def _glob(pattern, items, star, fits):
    """Match a sequence, where `star` stands for any number of items.

    It goes back to the latest star only, so that no pattern takes more than its length times the text's.
    """
    at = place = 0
    star_at, star_place = None, 0
    while place < len(items):
        if at < len(pattern) and pattern[at] == star:
            star_at, star_place = at, place
            at += 1
        elif at < len(pattern) and fits(pattern[at], items[place]):
            at, place = at + 1, place + 1
        elif star_at is not None:
            star_place += 1
            at, place = star_at + 1, star_place
        else:
            return False
    return all(rest == star for rest in pattern[at:])
