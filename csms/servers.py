"""The ASGI servers: uvicorn, with a drain before it closes anything, and daphne, degraded."""

import asyncio
import gc
import warnings

import uvicorn
from uvicorn.server import Server

from csms.sockets import Http, WebSocket

LARGEST_FRAME = 1024 * 1024
BACKLOG = 4096
# Messages make many objects and no cycles; the default of 700 collects for each dozen of them.
_COLLECT_AFTER = (20_000, 20, 20)
# Daphne closes a websocket with 1000 or one of these, and with nothing else.
FIRST_PRIVATE_CODE = 3000


def run(server, host, port, stop):
    """Serve until a signal arrives; `stop` is set as soon as the server begins to end."""
    _spare_the_collector()
    _RUNNERS[server](host, port, stop)


def _spare_the_collector():
    """Keep the garbage collector from walking all that was imported, again and again while messages come."""
    import csms.asgi  # noqa: F401  (else it would be imported afterwards)

    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def _run_uvicorn(host, port, stop):
    # whitenoise hands out files piece by piece; Django warns that this is not asynchronous.
    warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")
    config = uvicorn.Config(
        "csms.asgi:application",
        host=host,
        port=port,
        http=Http,
        ws=WebSocket,
        loop="uvloop",
        lifespan="off",
        # URLs may hold passwords, and uvicorn prints them at level info.
        access_log=False,
        log_level="warning",
        log_config=None,
        # Some chargers hang up when they are pinged; the lease watches over the silent ones.
        ws_ping_interval=None,
        ws_max_size=LARGEST_FRAME,
        ws_per_message_deflate=False,
        backlog=BACKLOG,
        # Whom to believe about addresses is for CSMS_TRUSTED_PROXIES to say.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=20,
    )
    DrainingServer(config, stop).run()


class DrainingServer(Server):
    """Finishes what chargers have sent, then closes their sockets, before uvicorn closes the rest."""

    def __init__(self, config, stop):
        super().__init__(config)
        self._stop = stop

    async def startup(self, sockets=None):
        from chargers import switchboard

        # Before the first charger: the process is known to the others, and its lanes run.
        self._starting = asyncio.create_task(switchboard.start())
        await super().startup(sockets)

    async def shutdown(self, sockets=None):
        from chargers import switchboard
        from csms import health, stream

        self._stop.set()
        health.drain()
        self._starting.cancel()
        await asyncio.gather(*(board.drain() for board in switchboard.boards()))
        # uvicorn waits for every answer to end, and a live stream has no end of its own.
        stream.close()
        await super().shutdown(sockets)
        # uvicorn raises the signal once more, which would end us by it: a drained server exits with 0.
        self._captured_signals.clear()


def _run_daphne(host, port, stop):
    """Serve with daphne: refusals are 403 only, and SIGTERM drops sockets without a close frame."""
    from daphne.server import Server as DaphneServer

    from chargers import switchboard
    from csms.asgi import application

    tasks = []
    interface = host.replace(":", r"\:")
    DaphneServer(
        with_plain_closes(application),
        endpoints=[f"tcp:port={port}:interface={interface}:backlog={BACKLOG}"],
        websocket_timeout=-1,  # its default closes every websocket after a day
        ping_interval=0,
        verbosity=0,
        # Called when its loop is there and about to run.
        ready_callable=lambda: tasks.append(asyncio.get_event_loop().create_task(switchboard.start())),
    ).run()
    stop.set()


def with_plain_closes(application):
    """Wrap an ASGI application for daphne, which raises at 1012 and its like instead of closing."""

    async def wrapped(scope, receive, send):
        async def send_plainly(event):
            if event["type"] == "websocket.close" and event.get("code", 1000) < FIRST_PRIVATE_CODE:
                event = {**event, "code": 1000}
            await send(event)

        await application(scope, receive, send_plainly if scope["type"] == "websocket" else send)

    return wrapped


_RUNNERS = {"uvicorn": _run_uvicorn, "daphne": _run_daphne}
