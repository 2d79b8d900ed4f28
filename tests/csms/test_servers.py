"""What servers other than uvicorn cannot do, and what is done about it."""

import pytest
from asgiref.testing import ApplicationCommunicator

from csms import servers


async def closed_with(code):
    """Return what daphne is told when the application closes with `code`."""

    async def application(scope, receive, send):
        await send({"type": "websocket.close", "code": code, "reason": "why"})

    end = ApplicationCommunicator(servers.with_plain_closes(application), {"type": "websocket"})
    return await end.receive_output()


@pytest.mark.parametrize(("code", "told"), [(1000, 1000), (1002, 1000), (1013, 1000), (3000, 3000)])
async def test_daphne_closes_whatever_the_code(code, told):
    """It raises at most codes of the standard, and the socket would stay open."""
    assert (await closed_with(code))["code"] == told
