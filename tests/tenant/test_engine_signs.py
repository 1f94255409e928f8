"""The engine signs what it delivers, each attempt anew."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from standardwebhooks import Webhook

from tests.support.receiver import OLD_SIGNING_KEY, SIGNING_KEY
from tests.tenant.harness import EVENT, Receiver, Tenant
from tests.tenant.stories import post, run, wait_seconds


def read_headers(head: str) -> dict[str, str]:
    lines = (line.partition(": ") for line in head.split("\r\n") if ": " in line)
    return {name.lower(): value for name, _, value in lines}


def test_each_attempt_has_the_id_of_the_event_its_own_time_and_a_signature_per_key(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        endpoint.status = 500
        keys = f"{SIGNING_KEY} {OLD_SIGNING_KEY}"
        auth = {"type": "signature", "scheme": "standard", "secret": keys}
        made = await t.make(url=endpoint.url, events=[EVENT], auth=auth)
        assert made["auth"] == {
            "type": "signature",
            "scheme": "standard",
            "credential_version": None,
        }
        await post(t)
        await wait_seconds(t, 6)
        sent = [read_headers(head) for head in endpoint.heads]
        assert len({headers["webhook-id"] for headers in sent}) == 1
        assert len({headers["webhook-timestamp"] for headers in sent}) == len(sent) == 2
        for headers, body in zip(sent, endpoint.bodies, strict=True):
            moment = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
            assert headers["webhook-signature"].split(" ") == [
                Webhook(key).sign(headers["webhook-id"], moment, body.decode())
                for key in (SIGNING_KEY, OLD_SIGNING_KEY)
            ]
            assert "authorization" not in headers

    run(tmp_path, story)
