"""Lists of time series: how far back they look, and that their pages follow each other."""

import pytest

from chargers.models import Charger, Message, Reading
from csms import newest
from tests.kit import world

PATHS = {Reading: "/api/v1/readings", Message: "/api/v1/messages"}
SERIES = pytest.mark.parametrize("model", PATHS, ids=lambda model: model.__name__)


def _numbers(answer):
    return [row["id"] for row in answer.json()["results"]]


@pytest.fixture
def aged(rows, other_rows):
    """Return a function that lets a stranger's row of the model arrive `later` than one's own."""

    def age(model, later):
        row = other_rows[model]
        row.pk = rows[model].pk + later
        row.save(force_insert=True)
        return rows[model]

    return age


@SERIES
@pytest.mark.parametrize(("later", "is_shown"), [(newest.NEWEST - 1, True), (newest.NEWEST, False)])
def test_list_of_all_looks_at_the_newest_rows_only(client, aged, model, later, is_shown):
    """What arrived so many rows ago is not looked for where no index leads to it, whoever filled the table."""
    row = aged(model, later)

    assert (row.pk in _numbers(client.get(PATHS[model]))) is is_shown


@SERIES
def test_list_of_a_charger_looks_at_all(client, rows, aged, model):
    """The index leads to what is old too."""
    row = aged(model, newest.NEWEST)

    assert _numbers(client.get(f"{PATHS[model]}?charger={rows[Charger].pk}")) == [row.pk]


@SERIES
def test_pages_end_where_the_newest_rows_do(client, rows, aged, model):
    """Each row within the bound is on one page, and the last page says that it is."""
    old = aged(model, newest.NEWEST).pk
    world.multiply(rows[model], 3)

    first = client.get(f"{PATHS[model]}?limit=2").json()
    second = client.get(first["next"]).json()

    seen = [row["id"] for row in first["results"] + second["results"]]
    assert (len(seen), seen, second["next"]) == (3, sorted(set(seen), reverse=True), None)
    assert old not in seen


@SERIES
def test_a_rare_value_is_sought_within_the_bound(client, rows, aged, model):
    """A filter without an index of its own does not widen the look."""
    aged(model, newest.NEWEST)
    query = "connector_id=0" if model is Reading else "action=Heartbeat"

    assert _numbers(client.get(f"{PATHS[model]}?{query}")) == []
