"""What becomes of a charger's datum: as its own settings say, else its account's, else the built-in ones."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from chargers.models import Charger, PublishSettings
from chargers.models.datum import BUILT_IN_TEMPLATE
from csms import lookups


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings that hold for a charger, from wherever they come."""

    stored: bool = True
    published: bool = True
    template: str = BUILT_IN_TEMPLATE


_FLAGS = ("publish_to_solar_in", "publish_to_solar_flux", "source_id_template")


def effective_for(charger_ids: Iterable[int]) -> dict[int, Effective]:
    """Return the settings of each charger that exists, by its number; one query for all of them.

    A row decides for both flags; an empty template alone falls through to the next one.
    """
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [lookups.keys_for(connection.vendor, charger_ids)])
        return {charger_id: _effective(row[:4], row[4:]) for charger_id, *row in cursor.fetchall()}


def _effective(own, account):
    """Each is a row's number and its settings; all None where there is no such row."""
    rows = [row for row in (own, account) if row[0] is not None]
    if not rows:
        return Effective()
    _, stored, published, _ = rows[0]
    template = next((row[3] for row in rows if row[3]), BUILT_IN_TEMPLATE)
    return Effective(bool(stored), bool(published), template)


def _statement():
    charger, settings = Charger._meta.db_table, PublishSettings._meta.db_table
    columns = ", ".join(f"{row}.{name}" for row in ("own", "account") for name in ("id", *_FLAGS))
    return (
        f"SELECT {charger}.id, {columns} FROM {charger} "  # noqa: S608  names of ours, no input
        f"LEFT JOIN {settings} own ON own.charger_id = {charger}.id "
        f"LEFT JOIN {settings} account "
        f"ON account.owner_id = {charger}.owner_id AND account.charger_id IS NULL "
        f"WHERE {charger}.id {lookups.among(connection.vendor)}"
    )
