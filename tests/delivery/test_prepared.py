"""What the first attempt needs is there before it, so that no request of the tenant's waits for
it.
"""

from __future__ import annotations

import subprocess
import sys

PREPARED = """
import asyncio, sys
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender

async def answer(reader, writer):
    await reader.readuntil(b"}")
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
    await writer.drain()
    writer.close()

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    policy = AddressPolicy.parse(["127.0.0.0/8"])
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server, Sender(policy, resolve=lambda _host, _port: ["127.0.0.1"]) as sender:
        await sender.prepare()
        before, opened = set(sys.modules), []
        sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" else None)
        outcome = await sender.send(Webhook("one", url), Subscription("t", "v0", "info"), b"{}")
        print(outcome.verdict.value, sorted(set(sys.modules) - before), opened)

asyncio.run(main())
"""


def test_the_first_attempt_after_prepare_imports_nothing_and_reads_no_file() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PREPARED], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.stdout, ended.stderr) == ("delivered [] []\n", "")
