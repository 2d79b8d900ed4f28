"""One charging session from the arrival to the departure, as a driver lives it."""

import asyncio

from chargers.virtual.charging import NotPossible

REACH_SECONDS = 30
DELIVER_SECONDS = 30


class Refused(Exception):
    """The session did not come about; the text says why."""


class Watch:
    """Waits for what charge points publish."""

    def __init__(self, points, *events):
        self._changed = asyncio.Event()
        for point in points:
            for event in events:
                point.subscribe(event, lambda value: self._changed.set())

    async def until(self, condition, seconds=None):
        """Wait until `condition()` holds; False when it does not within `seconds`.

        It is asked again whenever one of the events is published.
        """
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True


async def charge(point, token, *, seconds=10.0, connector=1):
    """Play one session at a started charge point and return its Transaction; raises Refused.

    Plug in, tag, charge for `seconds`, tag again, unplug; returns when the CSMS has heard it all.
    """
    watch, refusals = Watch([point], "boot_notification_response", "transaction", "is_connected"), []
    point.subscribe("connection_refused", refusals.append)
    if not await watch.until(lambda: point.is_online, REACH_SECONDS):
        raise Refused(_why_not_online(point, refusals))
    await point.plug_in(connector)
    try:
        status = await point.present_tag(token, connector)
    except NotPossible as problem:
        status = str(problem)
    if status != "Accepted":
        await point.unplug(connector)
        raise Refused(f"the tag {token} is refused: {status}")
    transaction = point.connectors[connector].transaction
    # A start may be refused after all, and the CSMS may stop it.
    await watch.until(lambda: transaction.ended_at is not None, seconds)
    if transaction.ended_at is None:
        await point.present_tag(transaction.token, connector)
    await point.unplug(connector)
    if not await _is_delivered(point, watch):
        raise Refused("the CSMS did not take the session in")
    if transaction.verdict not in ("", "Accepted"):
        raise Refused(f"the CSMS refused the start: {transaction.verdict}")
    return transaction


async def _is_delivered(point, watch):
    """Wait until the CSMS has heard it all, over an outage too; say whether it has."""
    try:
        async with asyncio.timeout(DELIVER_SECONDS):
            while not await point.delivery.drained(DELIVER_SECONDS):
                await watch.until(lambda: point.is_online)
    except TimeoutError:
        return False
    return True


def _why_not_online(point, refusals):
    if not point.is_connected:
        return f"the server cannot be reached: {refusals[-1]['cause'] if refusals else 'no answer'}"
    return f"the CSMS answered the boot with {point.registration.status or 'nothing'}"
