"""What is known of a customer, and how it is forgotten."""

import pytest

pytestmark = pytest.mark.once

CUSTOMER = {"idToken": {"idToken": "TAG1", "type": "ISO14443"}}


async def test_customer_is_told_of_and_forgotten(csms201, point201):
    await point201.plug_in()
    await point201.present_tag("TAG1")
    uid = point201.connectors[1].transaction.uid
    await csms201.until(lambda: not point201.delivery)  # the last that teaches the cache
    order = {"requestId": 2, "report": True, "clear": True} | CUSTOMER

    finished = await csms201.call("CustomerInformation", order)
    told = await csms201.hears("NotifyCustomerInformation")

    assert finished.payload == {"status": "Accepted"}
    assert (told["requestId"], told["data"]) == (2, f"TAG1 is Accepted in the cache; TAG1 charges in {uid}")
    assert point201.charging.authorizing.recall("TAG1") is None


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"report": True, "clear": False}, "Invalid"),
        ({"report": True, "clear": False, "customerIdentifier": "Ada"} | CUSTOMER, "Invalid"),
        ({"report": False, "clear": False} | CUSTOMER, "Rejected"),
    ],
)
async def test_unclear_request_is_refused(csms201, point201, order, status):
    finished = await csms201.call("CustomerInformation", {"requestId": 2} | order)

    assert finished.payload == {"status": status}


async def test_unknown_customer_has_an_empty_answer(csms201, point201):
    order = {"requestId": 2, "report": True, "clear": False, "customerIdentifier": "Ada"}

    await csms201.call("CustomerInformation", order)

    assert (await csms201.hears("NotifyCustomerInformation"))["data"] == ""
