"""The acceptance list, the scenarios that carry its names, and docs/acceptance.md say the same."""

import ast
import re
from pathlib import Path

import pytest

from tests.fullstack.scenarios.names import NAMES, UNSUPPORTED

pytestmark = pytest.mark.once

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[2] / "docs" / "acceptance.md"


def played():
    """Return {name: the tests that carry it, as module::test}, from the sources."""
    found = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for name in _marks(node):
                    found.setdefault(name, []).append(f"{path.name}::{node.name}")
    return found


def _marks(function):
    """The names on a test, or on cases of it."""
    for decorator in function.decorator_list:
        for mark in ast.walk(decorator):
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.acceptance":
                yield mark.args[0].value


def rows():
    """Return the rows of the page: (name, what stands beside it)."""
    cells = [line.strip("|").split("|") for line in PAGE.read_text().splitlines() if line.startswith("|")]
    return [(name.strip(), proof.strip()) for name, proof in cells[2:]]


def test_every_name_is_played_or_not_supported():
    assert sorted(played().keys() | UNSUPPORTED.keys()) == sorted(NAMES)


def test_nothing_is_both_played_and_not_supported():
    assert played().keys() & UNSUPPORTED.keys() == set()


def test_page_lists_the_names_in_their_order():
    assert [name for name, _ in rows()] == list(NAMES)


def test_page_names_the_tests_and_the_reasons():
    promised = {name: re.findall(r"`([^`]+)`", proof) for name, proof in rows() if "`" in proof}
    reasons = {name: proof.removeprefix("not supported: ") for name, proof in rows() if "`" not in proof}

    assert promised == played()
    assert reasons == UNSUPPORTED
