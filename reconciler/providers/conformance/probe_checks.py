"""A check of what a probe sends in the product's place."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime

from reconciler.core.wire.product_request import list_product_signatures, make_product_request
from reconciler.providers.conformance.samples import CREDENTIAL, OTHER_CREDENTIAL
from reconciler.providers.conformance.subject import Subject, require
from reconciler.providers.driver.compare import complete_options


async def a_probe_is_signed_as_the_product_signs(subject: Subject) -> None:
    """A receiver that verifies deliveries of the product accepts a probe, and no other key."""
    can, verify = subject.capabilities, subject.samples.verify
    if verify is None or can.envelope is None:
        raise AssertionError("a product that signs needs Samples(verify=…)")
    scheme = next(iter(can.schemes), "")
    ident, moment = str(uuid.uuid4()), int(time.time())
    written = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = {
        "id": ident,
        "timestamp": str(moment),
        "time": written,
        "instance": "https://x.example",
    }
    for event in subject.samples.events:
        options = complete_options(can.options, {})
        request = make_product_request(can.envelope, event, options, words)
        signed = list_product_signatures(request, scheme, CREDENTIAL, ident, moment)
        headers = {name.lower(): value for name, value in (*request.headers, *signed)}
        require(verify(headers, request.body, CREDENTIAL), "a receiver would refuse a probe")
        require(not verify(headers, request.body, OTHER_CREDENTIAL), "any key verifies a probe")
