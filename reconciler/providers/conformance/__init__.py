"""Proves that a provider keeps the promises that its capabilities make.

A package that adds a provider runs it in its own tests, with pytest:

    from reconciler.core.model.webhook import Subscription
    from reconciler.providers.conformance import Place, Samples, conformance

    @asynccontextmanager
    async def empty_product(endpoint: str):
        with serve_the_product() as url:
            yield Place(url, "the-token", {"team": "test"})

    events = Subscription("a", None, None), Subscription("b", None, None)
    test_conformance = conformance(PLUGIN, empty_product, Samples(events))

Every check gets an empty product. Which checks run is decided by the capabilities: each claim has
one. The runner puts a proxy that loses answers in front of the product, and a receiver behind it.
"""

from __future__ import annotations

from reconciler.providers.conformance.checks import CHECKS, chosen
from reconciler.providers.conformance.runner import Place, conformance
from reconciler.providers.conformance.samples import Samples
from reconciler.providers.conformance.subject import Setting, Subject

__all__ = ["CHECKS", "Place", "Samples", "Setting", "Subject", "chosen", "conformance"]
