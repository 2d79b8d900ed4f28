"""Long reports, told in parts."""

from chargers.wire import clock

LARGEST_PART = 20


def split(member, entries):
    """Return the payloads that tell `entries` as the member of that name."""
    starts = range(0, len(entries), LARGEST_PART)
    return [{member: entries[start : start + LARGEST_PART]} for start in starts]


async def tell(point, action, request_id, parts, *, is_numbered=True):
    """Tell the parts of one report in order; not every report numbers its parts."""
    for number, part in enumerate(parts):
        told = {"requestId": request_id, "tbc": number + 1 < len(parts)} | part
        if is_numbered:
            told |= {"seqNo": number, "generatedAt": clock.text(point.clock.now())}
        await point.tell(action, told, is_triggered=True)
