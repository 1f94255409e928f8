"""`reconciler providers check`: a product file by itself, and against the product."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from reconciler.core.errors import BadRequest
from reconciler.core.model.product import EVERY_EVENT, Product
from reconciler.core.model.webhook import Subscription
from reconciler.manifests import InputFiles, Request, load
from reconciler.providers.conformance.live import run_checks
from reconciler.providers.conformance.runner import Place
from reconciler.providers.conformance.samples import Samples
from reconciler.providers.product_file.plugin import ProductFile

_VARIABLE = "RECONCILER_TENANT_TOKEN"


class Against(NamedTuple):
    """The product that a file is checked against: its url, `NAME=VALUE` per part of a target, and
    two events.
    """

    url: str
    target: Sequence[str] = ()
    events: Sequence[str] = ()


def read_product(file: str) -> Product:
    """The one Product of a file; raises InvalidManifests, BadRequest."""
    products = load(Request(InputFiles((file,)), env=dict(os.environ))).products
    if len(products) != 1:
        raise BadRequest(f"{file} has {len(products)} Products; check takes a file with one")
    return next(iter(products.values()))


async def check_against(product: Product, against: Against) -> AsyncIterator[tuple[str, str]]:
    """Each check's name, and why it failed, empty if it did not. Raises BadRequest,
    ProviderError.
    """
    token = os.environ.get(_VARIABLE)
    if not token:
        raise BadRequest(f"--url needs the product's token in {_VARIABLE}")
    place = Place(against.url, token, _read_target(against.target))
    samples = Samples(_choose_events(product, against.events), options=_choose_options(product))
    async for result in run_checks(ProductFile(product), place, samples):
        yield result


def _read_target(parts: Sequence[str]) -> dict[str, str]:
    target = {}
    for part in parts:
        name, sign, value = part.partition("=")
        if not (name and sign and value):
            raise BadRequest("--target takes NAME=VALUE")
        target[name] = value
    return target


def _choose_events(product: Product, given: Sequence[str]) -> tuple[Subscription, Subscription]:
    known = [name for name in product.capabilities.events if name != EVERY_EVENT]
    names = list(given or known)[:2]
    if len(names) != 2:
        raise BadRequest("the checks need two events of the product: --event A --event B")
    first, second = (Subscription(name, None, None) for name in names)
    return first, second


def _choose_options(product: Product) -> dict[str, Any]:
    """A value of every option that is a flag, other than its default."""
    parts: dict[str, Any] = product.capabilities.options.get("properties", {})
    return {
        name: not part.get("default", False)
        for name, part in parts.items()
        if part["type"] == "boolean"
    }
