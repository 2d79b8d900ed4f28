"""The reference: a small CSMS as a competent user of `ocpp` and `websockets` would write it.

It checks HTTP Basic and id tags from memory, and stores charger, connector status, transaction and
readings: one row a message (a meterValue), its sampled values as JSON beside the energy register as
a column, with one index, committed before the answer leaves. It has no message log, no tenants and
no commands. Run as `python -m benchmarks.reference FLEET STORE`, where STORE is `none`, a file for
SQLite or a postgresql:// URL; it prints {"event": "ready", "port": ...} and ends when stdin does.
"""

import argparse
import asyncio
import json
import resource
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from ocpp.routing import on
from ocpp.v16 import ChargePoint as OcppChargePoint
from ocpp.v16 import call_result
from websockets.asyncio.server import basic_auth, serve
from websockets.exceptions import ConnectionClosed

from benchmarks import fleet
from benchmarks.reference_stores import open_store


def now():
    return datetime.now(UTC).isoformat()


def register(meter_value):
    """The energy register of a meterValue in Wh, None where it has none."""
    for sample in meter_value["sampled_value"]:
        if sample.get("measurand", "Energy.Active.Import.Register") == "Energy.Active.Import.Register":
            return float(sample["value"])
    return None


class ChargePoint(OcppChargePoint):
    """The handlers of one connected charger; each awaits its commit before it answers."""

    def __init__(self, identifier, connection, *, store, tags):
        super().__init__(identifier, connection)
        self.store = store
        self.tags = tags

    def tag_info(self, id_tag):
        return {"status": "Accepted" if id_tag in self.tags else "Invalid"}

    @on("BootNotification")
    async def boot(self, charge_point_vendor, charge_point_model, **fields):
        await self.store.boot(self.id, charge_point_vendor, charge_point_model, now())
        return call_result.BootNotification(current_time=now(), interval=300, status="Accepted")

    @on("Heartbeat")
    async def heartbeat(self):
        return call_result.Heartbeat(current_time=now())

    @on("StatusNotification")
    async def status(self, connector_id, error_code, status, **fields):
        await self.store.status(self.id, connector_id, status, error_code, now())
        return call_result.StatusNotification()

    @on("Authorize")
    async def authorize(self, id_tag):
        return call_result.Authorize(id_tag_info=self.tag_info(id_tag))

    @on("StartTransaction")
    async def start_transaction(self, connector_id, id_tag, meter_start, timestamp, **fields):
        info = self.tag_info(id_tag)
        number = await self.store.start(self.id, connector_id, id_tag, meter_start, timestamp)
        return call_result.StartTransaction(transaction_id=number, id_tag_info=info)

    @on("MeterValues")
    async def meter_values(self, connector_id, meter_value, transaction_id=None, **fields):
        rows = [
            (
                self.id,
                connector_id,
                transaction_id,
                value["timestamp"],
                register(value),
                json.dumps(value["sampled_value"]),
            )
            for value in meter_value
        ]
        await self.store.readings(rows)
        return call_result.MeterValues()


async def run(options):
    tag, chargers = fleet.read(options.fleet)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    async def serve_charger(connection):
        identifier = connection.request.path.rpartition("/")[2]
        with suppress(ConnectionClosed):
            await ChargePoint(identifier, connection, store=store, tags={tag}).start()

    async with (
        open_store(options.store) as store,
        serve(
            serve_charger,
            "127.0.0.1",
            0,
            subprotocols=["ocpp1.6"],
            process_request=basic_auth(realm="reference", credentials=chargers),
            # A storm must not be slowed by the default of 100.
            backlog=2048,
        ) as server,
    ):
        port = server.sockets[0].getsockname()[1]
        print(json.dumps({"event": "ready", "port": port}), flush=True)
        loop.add_reader(sys.stdin.fileno(), ended.set)
        await ended.wait()
        loop.remove_reader(sys.stdin.fileno())


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reference")
    parser.add_argument("fleet", type=Path, help="file made by benchmarks.fleet")
    parser.add_argument("store", help="none, an SQLite file or a postgresql:// URL")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(run(options))


if __name__ == "__main__":
    main()
