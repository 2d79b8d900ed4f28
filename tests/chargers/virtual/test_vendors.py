"""DataTransfer both ways."""

import pytest

from chargers.virtual.vendors import Vendors
from tests.chargers.virtual.conftest import ready
from tests.kit.scripted_csms import SILENCE

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ({"vendorId": "acme", "messageId": "ping", "data": "1"}, {"status": "Accepted", "data": "got 1"}),
        ({"vendorId": "acme", "messageId": "pong"}, {"status": "UnknownMessageId"}),
        ({"vendorId": "acme"}, {"status": "UnknownMessageId"}),
        ({"vendorId": "stranger"}, {"status": "UnknownVendorId"}),
        ({"vendorId": "any", "messageId": "thing"}, {"status": "Rejected"}),
    ],
)
async def test_handler_answers_its_message(either, build, message, answer):
    point = await ready(build(either), either)
    point.register_data_transfer("acme", "ping", lambda data: ("Accepted", f"got {data}"))
    point.register_data_transfer("any", None, lambda data: "Rejected")

    assert (await either.call("DataTransfer", message)).payload == answer


async def test_broken_handler_costs_only_its_answer(csms, point):
    point.register_data_transfer("acme", None, lambda data: 1 / 0)

    assert (await csms.call("DataTransfer", {"vendorId": "acme"})).code == "InternalError"
    assert point.is_connected


async def test_answer_of_the_csms_is_returned(either, build):
    either.script["DataTransfer"] = [{"status": "Accepted", "data": "42"}]
    point = await ready(build(either), either)

    answer = await point.data_transfer("acme", "ask", "what")

    assert answer == {"status": "Accepted", "data": "42"}
    assert either.of("DataTransfer") == [{"vendorId": "acme", "messageId": "ask", "data": "what"}]


@pytest.mark.parametrize("trouble", [("InternalError", ""), {"status": "Nonsense"}, {}])
async def test_answer_that_is_none_counts_as_rejected(either, build, trouble):
    either.script["DataTransfer"] = [trouble]
    point = await ready(build(either), either)

    assert await point.data_transfer("acme") == {"status": "Rejected"}


async def test_without_a_connection_it_is_offline(csms, point):
    await point.go_offline()
    await csms.until(lambda: not point.is_connected)

    assert await point.data_transfer("acme") == {"status": "Offline"}


async def test_without_an_answer_it_is_offline(csms, point):
    csms.script["DataTransfer"] = [SILENCE]

    answer = await Vendors(point, answer_seconds=0.05).send({"vendorId": "acme"})

    assert answer == {"status": "Offline"}
