"""Addresses that the CSMS names, and sending a file by HTTP to one."""

from urllib.parse import urlsplit

import httpx2

TIMEOUT_SECONDS = 30.0


def protocol(location):
    """Return the protocol of an address, in capitals, "" where it is no address."""
    try:
        return urlsplit(location).scheme.upper()
    except ValueError:
        return ""


async def put(location, name, content):
    """PUT bytes to a URL, under `name` where that is a folder; say whether the server took them."""
    url = f"{location}{name}" if location.endswith("/") else location
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            response = await client.put(url, content=content)
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return False
    return response.is_success
