"""Policies of tokens: what they allow, and which are refused where they are made."""

from datetime import UTC, datetime, timedelta

import pytest

from tokens import policy

pytestmark = pytest.mark.once

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "text", "is_match"),
    [
        ("/a/b", "/a/b", True),
        ("/a/b", "/a/b/", True),
        ("/a/b", "/a/c", False),
        ("/a/b", "a/b", False),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a", False),
        ("/a/*", "/a/b/c", False),
        ("/a/b*d", "/a/bcd", True),
        ("/a/b*d", "/a/bcdx", False),
        ("/a/b?", "/a/bc", True),
        ("/a/b?", "/a/b", False),
        ("/a/?*", "/a/b", True),
        ("/**", "/", True),
        ("/**", "/a/b/c", True),
        ("/a/**", "/a", True),
        ("/a/**", "/a/b/c", True),
        ("/a/**", "/ab", False),
        ("/**/c", "/a/b/c", True),
        ("/**/c", "/c", True),
        ("/a/**/d", "/a/b/c/d", True),
        ("/a/**/d/*", "/a/d/x/d/y", True),
        ("/a/**/d", "/a/b/c", False),
        ("a.c", "abc", False),
        ("CP-*", "CP-1", True),
    ],
)
def test_patterns_are_ants(pattern, text, is_match):
    """One character, within a segment, across segments."""
    assert policy.matches(pattern, text) is is_match


def test_no_pattern_takes_for_ever():
    """Whoever writes a policy must not stop the server with it."""
    pattern = "/" + "**/a*a*a*b/" * 20

    assert not policy.matches(pattern, "/" + "/".join(["a" * 200] * 100))


def test_empty_policy_limits_nothing():
    """Nor is it called narrow."""
    found = policy.read({})

    assert (found.is_narrow, found.problems) == (False, ())
    assert found.allows_node(5)
    assert found.allows_source("/x")
    assert found.allows_path("/solaruser/api/v1/sec/user/ocpp/chargers")
    assert not found.has_ended(NOON)


def test_nodes_are_those_of_the_list():
    """And no others."""
    found = policy.read({"nodeIds": [1, 2]})

    assert (found.allows_node(1), found.allows_node(3)) == (True, False)


def test_sources_are_those_that_match():
    """Any of the patterns."""
    found = policy.read({"sourceIds": ["/ocpp/cp/CP-1/**", "/meter/?"]})

    assert [found.allows_source(source) for source in ("/ocpp/cp/CP-1/1", "/meter/1", "/meter/12")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("patterns", "path", "is_allowed"),
    [
        (["/user/ocpp/**"], "/solaruser/api/v1/sec/user/ocpp/chargers", True),
        (["/user/ocpp/**"], "/solaruser/api/v1/sec/instr/view", False),
        (["/datum/list"], "/solarquery/api/v1/sec/datum/list", True),
        (["/datum/list"], "/solarquery/api/v1/sec/datum/list/", True),
        (["!/user/ocpp/credentials/**"], "/solaruser/api/v1/sec/user/ocpp/chargers", True),
        (["!/user/ocpp/credentials/**"], "/solaruser/api/v1/sec/user/ocpp/credentials", False),
        (["/user/**", "!/user/ocpp/credentials/**"], "/solaruser/api/v1/sec/user/ocpp/chargers", True),
        (["/user/**", "!/user/ocpp/credentials/**"], "/solaruser/api/v1/sec/user/ocpp/credentials/1", False),
        (["!/a", "!/b"], "/solaruser/api/v1/sec/a", False),
        (["/user/**"], "/elsewhere", False),
        (["/**"], "/solaruser/api/v1/sec", True),
    ],
)
def test_paths_are_allowed_and_forbidden(patterns, path, is_allowed):
    """Relative to /api/v1/sec; what one pattern forbids no other allows."""
    assert policy.read({"apiPaths": patterns}).allows_path(path) is is_allowed


@pytest.mark.parametrize(
    "text", ["2026-03-01T12:00:00Z", "2026-03-01 12:00:00", "2026-03-01T13:00:00+01:00", "2026-03-01T12:00Z"]
)
def test_policy_ends(text):
    """From the moment that it names."""
    found = policy.read({"notAfter": text})

    assert not found.is_narrow
    assert (found.has_ended(NOON - timedelta(seconds=1)), found.has_ended(NOON)) == (False, True)


_NODES = "nodeIds must be a list of node ids, whole numbers above 0; leave it out to allow all."
_SOURCES = "sourceIds must be a list of patterns of source ids; leave it out to allow all."
_PATHS = "apiPaths must be a list of patterns of paths that begin with / or !/; leave it out to allow all."
_MOMENT = "notAfter must be a timestamp such as 2030-01-01T00:00:00Z."


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ([], "A policy is a JSON object."),
        (None, "A policy is a JSON object."),
        ({"nodeIds": []}, _NODES),
        ({"nodeIds": 1}, _NODES),
        ({"nodeIds": ["1"]}, _NODES),
        ({"nodeIds": [0]}, _NODES),
        ({"nodeIds": [2**63]}, _NODES),
        ({"nodeIds": [*range(1, 1002)]}, "nodeIds holds more than 1000 of them."),
        ({"sourceIds": ["/a"] * 1001}, "sourceIds holds more than 1000 of them."),
        ({"nodeIds": [True]}, _NODES),
        ({"sourceIds": []}, _SOURCES),
        ({"sourceIds": "/x"}, _SOURCES),
        ({"sourceIds": [""]}, _SOURCES),
        ({"sourceIds": ["x" * 256]}, "sourceIds holds a pattern of more than 255 characters."),
        ({"apiPaths": []}, _PATHS),
        ({"apiPaths": ["user/**"]}, _PATHS),
        ({"apiPaths": ["!"]}, _PATHS),
        ({"notAfter": "soon"}, _MOMENT),
        ({"notAfter": 5}, _MOMENT),
        ({"notAfter": None}, _MOMENT),
        (
            {"minAggregation": "Fortnight"},
            f"minAggregation must be one of {', '.join(policy.AGGREGATIONS)}.",
        ),
        (
            {"userNodeMetadataPaths": ["/a"]},
            "userNodeMetadataPaths is not known; known are nodeIds, sourceIds, apiPaths, notAfter, minAggregation.",
        ),
    ],
)
def test_what_cannot_be_enforced_is_a_problem(data, problem):
    """Named in words for whoever writes the policy."""
    found = policy.read(data)

    assert found.problems == (problem,)
    assert found.is_narrow
