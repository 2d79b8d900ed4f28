"""The house has an order: who may import whom, what a room is called, how long a file may be."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent
APPS = [name for name in ("csms", "tokens", "chargers", "oscp", "ocpi") if (ROOT / name).is_dir()]
LONGEST_FILE = 500
LONGEST_FUNCTION = 60
NOT_HERE = {"utils", "helpers", "common", "managers", "selectors", "signals", "repositories", "dto"}

# What stands above all apps: it puts the house together.
FRAME = ("csms.settings", "csms.asgi", "csms.urls", "csms.servers", "csms.demo", "csms.first_run")
# Floors, the lowest first. A module belongs to the first whose names it begins with, read from above.
FLOORS = [("csms",), ("tokens",), ("chargers",), ("oscp", "ocpi"), (*FRAME, "csms.management")]
# Inside chargers, the lowest first; what is named nowhere is a door.
PURE = ("chargers.wire", "chargers.datum", "chargers.smart_charging")
BELOW_THE_DOORS = [
    PURE,
    ("chargers.models",),
    ("chargers.batch",),
    ("chargers.services",),
    ("chargers.ocpp",),
]
# All that a module of the wire may know besides its sisters.
INNOCENT = set(
    "base64 binascii bisect collections contextlib copy dataclasses datetime decimal enum functools hashlib itertools json math re "
    "urllib.parse pathlib orjson jsonschema_rs ocpp".split()
)


@dataclass(frozen=True)
class Module:
    """A source file and what it imports, by full name."""

    name: str
    path: Path
    tree: ast.Module
    imports: tuple[str, ...]


@cache
def modules():
    """Every module of the product, migrations aside, which makemigrations writes."""
    return [_module(path) for app in APPS for path in sorted((ROOT / app).rglob("*.py")) if _is_ours(path)]


def _is_ours(path):
    return "migrations" not in path.parts


def _module(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    tree = ast.parse(path.read_text())
    return Module(name, path, tree, tuple(_imports(path, tree)))


def _imports(path, tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _begins(name, rooms):
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def floor(name):
    """Return the floor a module stands on, or None for what is not ours."""
    return next((level for level in reversed(range(len(FLOORS))) if _begins(name, FLOORS[level])), None)


def storey(name):
    """Return the level of a module inside chargers; the doors are the highest."""
    rooms = enumerate(BELOW_THE_DOORS)
    return next((level for level, names in rooms if _begins(name, names)), len(BELOW_THE_DOORS))


def _violations(is_forbidden):
    return [
        f"{module.name} imports {name}"
        for module in modules()
        for name in module.imports
        if is_forbidden(module, name)
    ]


def test_imports_go_one_way():
    """Frame -> oscp, ocpi -> chargers -> tokens -> the kit; sisters do not know each other."""

    def is_forbidden(module, name):
        here, there = floor(module.name), floor(name)
        if there is None or here > there:
            return False
        return here < there or (here == 3 and module.name.split(".")[0] != name.split(".")[0])

    assert _violations(is_forbidden) == []


def test_imports_inside_chargers_go_one_way():
    """Doors -> ocpp -> services -> batch -> models, and the pure rooms, which import nothing of ours."""

    def is_forbidden(module, name):
        if not (_begins(module.name, ["chargers"]) and _begins(name, ["chargers"])) or name == "chargers":
            return False
        if _begins(module.name, PURE):
            return not _begins(name, [".".join(module.name.split(".")[:2])])
        return storey(module.name) < storey(name)

    assert _violations(is_forbidden) == []


def test_virtual_charge_points_know_only_the_wire():
    """They are far ends: what they knew of our tables they could not find out about a charger."""
    rooms = ["chargers.virtual", *PURE]
    assert (
        _violations(
            lambda module, name: (
                _begins(module.name, ["chargers.virtual"])
                and floor(name) is not None
                and not _begins(name, rooms)
            )
        )
        == []
    )


def test_wire_is_pure():
    """No I/O, no clock, no framework: it may know what computes, and its sisters."""

    def is_forbidden(module, name):
        return _begins(module.name, PURE) and not _begins(name, INNOCENT | set(PURE))

    assert _violations(is_forbidden) == []


@pytest.mark.parametrize("call", ["now", "utcnow", "today", "open", "print", "input"])
def test_wire_calls_no(call):
    """Time is an argument, texts come and go through whoever owns the session."""
    names = [
        (
            module.name,
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""),
        )
        for module in modules()
        if _begins(module.name, PURE)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
    ]
    assert [room for room, name in names if name == call] == []


def test_consumer_knows_no_tables():
    """No ORM in the event loop: what must be durable goes to a lane."""
    loop = ["chargers.consumers"]
    assert _violations(lambda module, name: _begins(module.name, loop) and "models" in name.split(".")) == []


def test_rooms_have_names_that_say_something():
    """A helper lives beside its only user until there are two, and then it has a name."""
    assert [module.name for module in modules() if module.path.stem in NOT_HERE] == []


def test_files_are_short():
    """Past this a file is split by noun or block."""
    ours = [path for folder in (*APPS, "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    written = [path for path in ours if _is_ours(path) and "node_modules" not in path.parts]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in written}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_are_short():
    """Sixty lines need a reason, and nobody has had one yet."""
    long = [
        f"{module.name}.{node.name}: {node.end_lineno - node.lineno + 1}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_modules_say_what_lives_in_them():
    """One or two sentences; only an empty __init__.py has nothing to say."""
    assert [
        module.name for module in modules() if module.tree.body and not ast.get_docstring(module.tree)
    ] == []


@pytest.mark.parametrize("room", ["chargers.models", "chargers.services", "chargers.wire", "tokens.services"])
def test_what_others_call_says_what_it_does(room):
    """Models, services and pure public functions; a function whose name says it all is a line long."""
    silent = [
        f"{module.name}.{node.name}"
        for module in modules()
        if _begins(module.name, [room])
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and node.end_lineno - node.lineno > 12
    ]
    assert silent == []
