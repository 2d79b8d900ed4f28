"""The MQTT broker that `MQTT_URL` names: a client for it, and what is known of being acknowledged by it."""

import asyncio
import logging
import ssl
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import unquote, urlsplit

import aiomqtt
from django.conf import settings

# Seconds within which the broker has to acknowledge what it was sent.
ACKNOWLEDGE_SECONDS = 15
# Messages on the way at once; the rest of a call waits its turn here.
ON_THE_WAY = 100
Error = aiomqtt.MqttError
# What it has to say of its own is said by us, once; it would warn of every message that waits.
_silent = logging.getLogger("csms.mqtt.client")
_silent.setLevel(logging.CRITICAL)


def client(broker, **options):
    """Return an aiomqtt.Client for the URL `broker`, not connected yet; `options` are more of its own."""
    url = urlsplit(broker)
    is_secure = url.scheme == "mqtts"
    return aiomqtt.Client(
        url.hostname,
        port=url.port or (8883 if is_secure else 1883),
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        tls_context=ssl.create_default_context() if is_secure else None,
        keepalive=20,
        logger=_silent,
        **options,
    )


@asynccontextmanager
async def connected():
    """Yield a Link to the broker; raises `Error` where it cannot be had."""
    broker = client(settings.MQTT_URL, max_inflight_messages=ON_THE_WAY)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(broker)
        except UnicodeError:  # a host that no name server can be asked for
            raise Error("its host is no name") from None
        link = Link(broker)
        stack.callback(link.close)
        yield link


class Link:
    """A connection to the broker, and whether it still is one."""

    def __init__(self, client):
        self._client = client
        self._loss = asyncio.create_task(self._listen())

    async def publish(self, messages):
        """Publish [(topic, payload)] in their order with QoS 1; returns when all are acknowledged.

        Raises `Error` else: any of them may or may not have arrived.
        """
        waits = (
            self._client.publish(topic, payload, qos=1, timeout=ACKNOWLEDGE_SECONDS)
            for topic, payload in messages
        )
        await self._unless_lost(asyncio.gather(*waits))

    async def rest(self, seconds):
        """Wait; raises `Error` if the broker is lost meanwhile."""
        await self._unless_lost(asyncio.ensure_future(asyncio.sleep(seconds)))

    async def _unless_lost(self, doing):
        try:
            await asyncio.wait([doing, self._loss], return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise self._loss.exception() or Error("the broker is gone")
            await doing
        finally:
            await _ended(doing)

    async def _listen(self):
        """End with an Error when the connection does: a message that waits would not hear of it."""
        async for _ in self._client.messages:
            pass

    def close(self):
        if self._loss.done():
            self._loss.exception()  # it was heard
        self._loss.cancel()


async def _ended(doing):
    """Cancel what is not done, and hear what became of it, so that nobody complains that nobody did."""
    if not doing.done():
        doing.cancel()
        await asyncio.wait([doing])
    if not doing.cancelled():
        doing.exception()
