"""Answers that charge points do not like."""

import pytest

from chargers.wire.validation import V16, V201
from tests.kit.scripted_csms import SILENCE

pytestmark = pytest.mark.once
ERROR = ("InternalError", "out of order")


@pytest.mark.parametrize("answer", [pytest.param(ERROR, id="error"), pytest.param(SILENCE, id="silence")])
@pytest.mark.acceptance("CALLERROR to a transaction message")
async def test_start_is_sent_again(far, answer):
    """With the same content under another message id; what follows waits for it."""
    settings = {"TransactionMessageAttempts": 3, "TransactionMessageRetryInterval": 1}
    csms, point = await far(V16, {"StartTransaction": [answer]}, call_timeout=0.2, configuration=settings)
    await csms.hears("StatusNotification")

    await point.plug_in()
    await point.present_tag("TAG1")
    await point.present_tag("TAG1")
    await csms.hears("StopTransaction")

    first, again = [heard for heard in csms.heard if heard.action == "StartTransaction"]
    assert first.payload == again.payload
    assert first.message_id != again.message_id
    assert csms.of("StopTransaction")[0]["transactionId"] == 100


@pytest.mark.acceptance("CALLERROR to a transaction message")
async def test_event_is_sent_again(far):
    settings = {"TransactionMessageAttempts": 3, "TransactionMessageRetryInterval": 1}
    csms, point = await far(V201, {"TransactionEvent": [ERROR]}, configuration=settings)
    await csms.hears("StatusNotification")

    await point.plug_in()
    await point.present_tag("TAG1")
    await csms.hears("TransactionEvent", 2)

    first, again = csms.of("TransactionEvent")[:2]
    assert first == again
