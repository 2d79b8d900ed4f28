"""What a virtual charge point remembers when its process ends, in a file.

What waits for the CSMS, what was charging, meters, settings that the CSMS has changed, the local list, the
cache, the version of the firmware and what is out of service. The file is written whenever a message is
queued or was delivered, before anything leaves, answers too, and at every change of a status. A charge that
was on when the process died ends with PowerLoss and the last meter value at the next start. Cars,
reservations and charging profiles are forgotten.
"""

import os
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path

import orjson

from chargers.virtual.authorizing import Verdict
from chargers.virtual.connector import Transaction
from chargers.virtual.delivery import Entry


class StateFile:
    """The memory of one charge point: restore it before the start, and `recover` after it.

    `on_failed(text)` hears why the file cannot be written any more; the charge point lives on without.
    """

    def __init__(self, point, path, on_failed=lambda text: None):
        self._point, self._path = point, Path(path)
        self._on_failed, self._has_failed = on_failed, False

    def restore(self):
        """Take over what the file holds, if there is one, and keep it up to date from now on.

        Raises ValueError for a file that is none of ours, or of another charge point or version: what waits
        in it would be said by the wrong one, or in words that nobody there knows.
        """
        if self._path.exists():
            try:
                self._take(orjson.loads(self._path.read_bytes()))
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise ValueError(f"{self._path} is no state of a charge point: {error!r}") from None
        self._point.delivery.on_change = self._point.on_answer = self._keep
        for event in ("status", "meter", "configuration_key"):
            self._point.subscribe(event, lambda value: self._keep())

    def recover(self):
        """End what was charging when the process died."""
        self._point.operations.end_all("PowerLoss")
        self._keep()

    def _keep(self):
        """Save; a file that cannot be written must not cost what waits for the CSMS."""
        try:
            self.save()
        except OSError as problem:
            if not self._has_failed:
                self._on_failed(str(problem))
            self._has_failed = True
        else:
            self._has_failed = False

    def save(self):
        """Write the file: all of it, or nothing; raises OSError."""
        draft = self._path.with_name(f"{self._path.name}.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(self._snapshot()))
        draft.replace(self._path)

    def _snapshot(self):
        point = self._point
        running = [each.transaction for each in point.connectors.values() if each.transaction]
        waiting = [entry.transaction for entry in point.delivery.entries if entry.transaction]
        version, listed = point.local_list.contents
        return {
            "of": self._owner,
            "settings": point.configuration.changes,
            "connectors": {str(each.connector_id): _of_connector(each) for each in point.connectors.values()},
            "transactions": {each.uid: asdict(each) for each in (*running, *waiting)},
            "queue": [_of_entry(entry) for entry in point.delivery.entries],
            "last_number": point.charging.last_number,
            "firmware_version": point.identity["firmware_version"],
            "local_list": {"version": version, "verdicts": _of_verdicts(listed)},
            "cache": _of_verdicts(point.charging.authorizing.cache),
        }

    @property
    def _owner(self):
        return [self._point.identifier, self._point.version]

    def _take(self, told):
        point = self._point
        if told["of"] != self._owner:
            raise ValueError(f"it is of {' '.join(told['of'])}")
        transactions = {uid: _transaction(each) for uid, each in told["transactions"].items()}
        for name, value in told["settings"].items():
            point.configuration.restore(name, value)
        point.client.password = point.configuration["AuthorizationKey"]
        for number, each in told["connectors"].items():
            if connector := point.connectors.get(int(number)):
                connector.register_wh, connector.is_operative = each["register_wh"], each["is_operative"]
                connector.transaction = transactions.get(each["transaction"])
        point.delivery.entries.extend(
            Entry(**each | {"transaction": transactions.get(each["transaction"])}) for each in told["queue"]
        )
        point.charging.last_number = told["last_number"]
        point.identity["firmware_version"] = told["firmware_version"]
        point.configuration.learn("FirmwareVersion", told["firmware_version"])
        listed = told["local_list"]
        point.local_list.contents = listed["version"], _verdicts(listed["verdicts"])
        point.charging.authorizing.cache.update(_verdicts(told["cache"]))


def _of_connector(connector):
    is_operative = connector.is_operative and not connector.becomes_inoperative
    uid = connector.transaction.uid if connector.transaction else ""
    return {"register_wh": connector.register_wh, "is_operative": is_operative, "transaction": uid}


def _of_entry(entry):
    told = {each.name: getattr(entry, each.name) for each in fields(entry)}
    return told | {"transaction": entry.transaction.uid if entry.transaction else ""}


def _of_verdicts(verdicts):
    return {token: asdict(verdict) for token, verdict in verdicts.items()}


def _verdicts(told):
    return {
        token: Verdict(**each | {"expires_at": _moment(each["expires_at"])}) for token, each in told.items()
    }


def _transaction(told):
    moments = {name: _moment(told[name]) for name in ("started_at", "ended_at")}
    return Transaction(**told | moments)


def _moment(text):
    return None if text is None else datetime.fromisoformat(text)
