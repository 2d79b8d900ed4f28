"""DataTransfer both ways: what vendors say to each other (OCPP 1.6 section 5.6; 2.0.1 block P)."""

import asyncio

from chargers.virtual.client import CallFailed

# EVerest's: from then on the CSMS counts as offline.
ANSWER_SECONDS = 60.0
OFFLINE, REJECTED = "Offline", "Rejected"
_STATUSES = ("Accepted", REJECTED, "UnknownMessageId", "UnknownVendorId")


class Vendors:
    """Who takes what the CSMS sends, and the sending to it."""

    def __init__(self, point, *, answer_seconds=ANSWER_SECONDS):
        self._point, self._answer_seconds = point, answer_seconds
        self._handlers = {}

    def register(self, vendor_id, message_id, handler):
        """Have `handler(data)` answer the messages of that vendor, in place of one before.

        It returns a status, or a status and data, and must not wait. A `message_id` of None stands for
        all messages of the vendor that have no handler of their own, and for those without an id.
        """
        self._handlers[vendor_id, message_id] = handler

    def receive(self, vendor_id, message_id, data):
        """Return the answer to a DataTransfer of the CSMS: a status and perhaps data."""
        handler = self._handlers.get((vendor_id, message_id)) or self._handlers.get((vendor_id, None))
        if handler is None:
            is_known = any(vendor == vendor_id for vendor, _ in self._handlers)
            return {"status": "UnknownMessageId" if is_known else "UnknownVendorId"}
        told = handler(data)
        status, answer = told if isinstance(told, tuple) else (told, None)
        return {"status": status} | ({} if answer is None else {"data": answer})

    async def send(self, payload):
        """Send a DataTransfer and return the answer's payload.

        Its status is the CSMS's; or Offline when it cannot be reached or does not answer; or Rejected
        when its answer is an error or cannot be read.
        """
        if not self._point.is_online:
            return {"status": OFFLINE}
        try:
            async with asyncio.timeout(self._answer_seconds):
                answer = await self._point.client.call("DataTransfer", payload)
        except TimeoutError:
            return {"status": OFFLINE}
        except CallFailed as failure:
            return {"status": REJECTED if failure.outcome == "error" else OFFLINE}
        return answer if answer["status"] in _STATUSES else {"status": REJECTED}
