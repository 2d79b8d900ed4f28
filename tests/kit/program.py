"""`manage.py virtualchargepoint` in a process of its own."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextlib.asynccontextmanager
async def started(url, *options):
    """Start the command; its database does not exist, since it needs none."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "manage.py", "virtualchargepoint", "--url", url, "--id", "CP-1", *options),
        cwd=ROOT,
        env=os.environ
        | {
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
            "CSMS_SECRET_KEYS": "k" * 50,
            "MQTT_URL": "",
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def lines_of(process, text=b""):
    """Give the command its input, and return its exit code, the lines it printed, and its complaints."""
    out, err = await asyncio.wait_for(process.communicate(text), 40)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


async def until_printed(process, text):
    async with asyncio.timeout(30):
        async for line in process.stdout:
            if text in line.decode():
                return
