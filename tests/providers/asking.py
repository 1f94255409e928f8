"""One request of the client to a server with prepared answers. Used by the tests of the
client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from reconciler.core.errors import (
    ProviderError,
)
from reconciler.providers.http.answer import Answer
from tests.providers.builders import Asked, Reply, Sleeps, client, reply, serving

OK = reply({"items": [], "next_cursor": None})


def ask(
    answers: list[Reply | None] | Callable[[Asked], Reply | None],
    sleeps: Sleeps | None = None,
    *,
    method: str = "GET",
    idempotent: bool = True,
    json: object = None,
    patient: bool = False,
    **options: object,
) -> tuple[Answer | ProviderError, list[Asked]]:
    """One request to a server that gives these answers, the last one for ever."""

    async def run() -> tuple[Answer | ProviderError, list[Asked]]:
        given = list(answers) if isinstance(answers, list) else []

        def answer(asked: Asked) -> Reply | None:
            if not isinstance(answers, list):
                return answers(asked)
            return given.pop(0) if len(given) > 1 else given[0]

        async with serving(answer) as server, client(server.url, sleeps, **options) as http:
            try:
                result = await http.request(
                    method, "/webhooks", json=json, idempotent=idempotent, patient=patient
                )
            except ProviderError as error:
                return error, server.asked
            return result, server.asked

    return asyncio.run(run())
