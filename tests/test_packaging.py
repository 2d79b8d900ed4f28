"""What a stranger gets with a clone: locks, licence, documents, commands, containers. No engine is needed."""

import json
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ["requirements.lock", "requirements-dev.lock"]
SERVICES = ["web", "worker", "postgres", "redis", "mosquitto"]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
)
# Written in two halves, so that this file does not hold what it forbids.
FORBIDDEN = {
    "a path of somebody's machine": "|".join(
        ["/" + "root/", "/" + "work/", "/" + "home/[a-z]", "/" + "Users/"]
    ),
    "a package index": "|".join(["py" + "pi\\.org", "python" + "hosted\\.", "registry\\." + "npmjs"]),
}


def _without_blocks(document):
    return re.sub(r"^```.*?^```", "", (ROOT / document).read_text(), flags=re.MULTILINE | re.DOTALL)


def _links(document):
    """The files and anchors of this repository that a document links to."""
    targets = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", _without_blocks(document))
    return [target for target in targets if not target.startswith(("http:", "https:", "mailto:"))]


def _anchors(path):
    """The anchors that headings get where documents are shown."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _is_there(document, target):
    name, _, anchor = target.partition("#")
    path = (ROOT / document).parent / name if name else ROOT / document
    return path.exists() and (not anchor or anchor in _anchors(path))


def _typed(document):
    """Every (program, word) of `make word` and `manage.py word` that a document tells people to type."""
    text = (ROOT / document).read_text()
    fenced = re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^ {4,}\S.*$", text, re.MULTILINE)
    # By paragraph and row, so that a stray backtick turns no other text into code.
    parts = re.split(r"\n\s*\n|\n\|", _without_blocks(document))
    spans = [span for part in parts for span in re.findall(r"`([^`]+)`", part)]
    code = "\n".join([*fenced, *indented, *spans])
    return set(re.findall(r"(?:^|[\s/])(make|manage\.py)\s+([a-z_]+)\b", code, re.MULTILINE))


@pytest.fixture(scope="module")
def compose():
    """docker-compose.yml as a container engine reads it."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def _pins(lock):
    """Every pinned requirement of a lock file: its first line and what hangs below it."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", (ROOT / lock).read_text(), flags=re.MULTILINE)
    return {block.splitlines()[0].removesuffix(" \\"): block for block in blocks[1:]}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock):
    """pip and uv refuse what was changed after the lock was made."""
    assert [name for name, block in _pins(lock).items() if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_index(lock):
    """A mirror is the installing machine's affair."""
    assert (
        re.findall(r"://|--(?:index-url|extra-index-url|find-links|trusted-host)", (ROOT / lock).read_text())
        == []
    )


def test_development_lock_contains_the_other():
    """Whoever has installed the development lock need not install the other one."""
    run, develop = ({pin.partition(" ;")[0] for pin in _pins(lock)} for lock in LOCKS)
    assert run - develop == set()


@pytest.mark.parametrize(("python", "django"), [("< '3.12'", "5.2"), (">= '3.12'", "6.1")])
def test_lock_serves_both_releases_of_django(python, django):
    """Python 3.11 gets the long-term release, newer ones the newest."""
    pins = [pin for pin in _pins("requirements.lock") if pin.startswith("django==")]
    assert [pin for pin in pins if pin.startswith(f"django=={django}") and python in pin] != []


def test_every_dependency_is_locked():
    """A dependency that was added without `make lock` would be missing in a fresh clone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.match(r"[\w.-]+", line)[0].lower() for line in project["dependencies"]}
    assert wanted - {pin.partition("==")[0] for pin in _pins("requirements.lock")} == set()


def test_node_packages_are_locked_without_addresses():
    """`npm ci` takes them from wherever the machine is told to."""
    lock = (ROOT / "tests" / "peers" / "package-lock.json").read_text()
    assert '"integrity"' in lock
    assert '"resolved"' not in lock


@pytest.mark.parametrize("service", SERVICES)
def test_compose_has_service_with_health_check(compose, service):
    """Each part of the system is there and can be seen to be well."""
    assert compose["services"][service]["healthcheck"]["test"][0] == "CMD"


def test_compose_waits_for_what_it_names(compose):
    """No service waits for one that is not there, nor for health that nobody checks."""
    waits = [
        (name, condition["condition"], compose["services"].get(name, {}))
        for service in compose["services"].values()
        for name, condition in service.get("depends_on", {}).items()
    ]
    assert [
        n for n, how, what in waits if how == "service_healthy" and "test" not in what.get("healthcheck", {})
    ] == []


def test_compose_declares_its_volumes(compose):
    """Data lives in named volumes, so that it outlives the containers."""
    used = {
        v.partition(":")[0] for service in compose["services"].values() for v in service.get("volumes", [])
    }
    assert used == set(compose["volumes"])


@pytest.mark.parametrize("secret", ["POSTGRES_PASSWORD", "CSMS_SECRET_KEYS", "CSMS_ADMIN_PASSWORD"])
def test_compose_takes_secret_from_environment(secret):
    """Without them it refuses to start, rather than starting with a password that everybody knows."""
    text = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(rf"{secret}: (?!\$\{{{secret}:\?).*", text) == []
    assert f"${{{secret}:?" in text


def test_compose_names_settings_that_are_read(compose):
    """A variable that nobody reads would promise something."""
    read = _read_from_environment()
    given = {
        name: set(compose["services"][name]["environment"]) - read for name in ["migrate", "web", "worker"]
    }
    assert given == {"migrate": set(), "web": set(), "worker": set()}


def _read_from_environment():
    """The variables that settings.py, the first run and `serve` ask for."""
    sources = ["csms/settings.py", "csms/first_run.py", "csms/management/commands/serve.py"]
    text = "".join((ROOT / source).read_text() for source in sources)
    return set(re.findall(r"(?:env\.\w+|environ\.get)\(\s*\"(\w+)\"", text))


def test_compose_runs_commands_that_exist(compose):
    """Each process is one of manage.py's commands, with options that it knows."""
    services = compose["services"]
    for name in ["migrate", "web", "worker"]:
        command, *options = services[name]["command"]
        known = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
        known.parse_args(options)


def test_compose_opens_nothing_to_the_world(compose):
    """Only the web has a port, and that on the loopback: a proxy with TLS stands before it."""
    ports = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:${WEB_PORTS:-8000}:8000"]}


def _instruction(name):
    """The words of the last such instruction of the Dockerfile, written as a JSON list."""
    return json.loads(
        re.findall(rf"^ *{name} (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[-1]
    )


def test_image_starts_a_command_that_exists():
    """ENTRYPOINT and CMD together are a line of ours, and what they name is in the image."""
    program, script, command = [*_instruction("ENTRYPOINT"), *_instruction("CMD")]

    assert (program, script) == ("python", "manage.py")
    assert command in get_commands()
    assert _is_in_image(script)


def test_image_sets_variables_that_are_read():
    """Python's own aside."""
    block = re.search(r"^ENV (.*?[^\\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE | re.DOTALL)[1]
    names = {pair.partition("=")[0] for pair in block.replace("\\\n", " ").split()}

    assert {name for name in names if not name.startswith("PYTHON")} - {"PATH"} <= _read_from_environment()


@pytest.mark.parametrize("name", ["manage.py", "csms", "tokens", "chargers", "templates", "static"])
def test_image_holds_what_runs(name):
    """What .dockerignore leaves out is not needed to serve."""
    assert _is_in_image(name)


@pytest.mark.parametrize("name", ["tests", "benchmarks", "var", ".venv"])
def test_image_leaves_out_what_does_not_run(name):
    """Data, secrets and tools of a checkout stay where they are."""
    assert not _is_in_image(name)


def _is_in_image(name):
    """Whether COPY takes a name of the top level."""
    patterns = (ROOT / ".dockerignore").read_text().splitlines()
    return not any(fnmatch(name, pattern) for pattern in patterns if not pattern.startswith("#"))


def test_image_does_not_run_as_root():
    """What comes after the last USER runs as it."""
    users = re.findall(r"^USER (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users[-1:] == ["stationmaster"]


def test_licence_is_apache():
    """The whole text, as pyproject.toml promises."""
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize(
    "name",
    ["README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md"]
    + [f"docs/{page}.md" for page in ["architecture", "deploying", "performance", "virtual-charge-point"]],
)
def test_document_is_there(name):
    """Each has something to say."""
    assert len((ROOT / name).read_text().split()) > 50


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    """Files and headings that a document points to are in the repository."""
    assert [target for target in _links(document) if not _is_there(document, target)] == []


def test_readme_shows_a_picture():
    """Before anyone types a command they see what they would get."""
    assert re.findall(r"!\[[^\]]{20,}\]\(docs/images/", (ROOT / "README.md").read_text())


@pytest.mark.parametrize("document", DOCUMENTS)
def test_typed_commands_exist(document):
    """What a document tells people to type is a target of the Makefile or a command of manage.py."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    known = {("make", name) for name in targets} | {("manage.py", name) for name in get_commands()}

    assert _typed(document) - known == set()


def test_every_target_is_explained_or_used():
    """`make help` tells of each target that people call; the others are steps of these."""
    text = (ROOT / "Makefile").read_text()
    told = re.findall(r"^([a-z]+):.*##", text, re.MULTILINE)

    assert {"run", "test", "lint", "format", "bench", "lock", "clean"} == set(told)


def test_changelog_has_room_for_what_comes():
    """Changes are noted where users look, before a release has a number."""
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("target", ["run", "test", "lint", "bench", "lock"])
def test_make_has_target(target):
    """One command each."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("needs make")
    subprocess.run([make, "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_tracked_files_name_no(what):
    """What is published says nothing of the machine it was written on, nor of any package index."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    command = [git, "grep", "-nIE", FORBIDDEN[what], "--", "."]
    assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True).stdout == ""


def test_search_for_python_says_what_is_missing():
    """A machine without a usable Python gets a sentence, not a traceback."""
    search = subprocess.run(
        [ROOT / ".ci" / "python"],
        env={"PYTHON": "/nowhere/python3"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert search.returncode == 1
    assert "needs Python 3.11 or newer with pip" in search.stderr
