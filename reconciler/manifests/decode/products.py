"""Product documents -> product files, and those that come with the reconciler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from reconciler.core.model.capabilities import PRODUCT_FILE
from reconciler.core.model.problem import Problem
from reconciler.core.model.product import Product, find_faults, make_product
from reconciler.manifests.schemas.suggestions import suggest
from reconciler.manifests.yaml.document import Document, File
from reconciler.manifests.yaml.reader import read_documents

_FOLDER: Final = Path(__file__).resolve().parents[1] / "products"
_PLACE: Final = ("spec", "product")


def list_built_in() -> tuple[str, ...]:
    """The names of the product files that come with the reconciler, sorted."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.yaml")))


@cache
def read_built_in(name: str) -> Product | None:
    """One of them by its name, None if there is none."""
    if name not in list_built_in():
        return None
    path = _FOLDER / f"{name}.yaml"
    documents, _ = read_documents(File(path.name), path.read_bytes())
    return make_product(name, documents[0].value["spec"])


def decode_products(documents: Iterable[Document], problems: list[Problem]) -> dict[str, Product]:
    """The product files among the documents by name; their faults join `problems`."""
    products: dict[str, Product] = {}
    for document in documents:
        name, spec = document.value["metadata"]["name"], document.value["spec"]
        faults = check_product(document)
        problems += faults
        if name in products:
            message = f"a second Product with the name {name}"
            place = ("metadata", "name")
            problems.append(document.make_problem(place, "product/duplicate", message, "rename it"))
        if not faults:
            products.setdefault(name, make_product(name, spec))
    return products


def check_product(document: Document) -> list[Problem]:
    """What the schema cannot say of a product file."""
    faults = find_faults(document.value["spec"])
    return [
        document.make_problem(("spec", *path), "product/invalid", text, hint)
        for path, text, hint in faults
    ]


def find_product(
    document: Document, products: Mapping[str, Product], problems: list[Problem]
) -> Product | None:
    """The product file of a Tenant, None if it has another provider; a fault joins `problems`."""
    spec: dict[str, Any] = document.value["spec"]
    name, is_http = spec.get("product"), spec.get("provider") == PRODUCT_FILE
    if is_http and name is not None:
        product = products.get(name) or read_built_in(name)
        if product is None:
            known = (*products, *list_built_in())
            hint = suggest(name, known) or f"there are: {', '.join(known)}"
            message = f"no product file is named {name}"
            problems.append(document.make_problem(_PLACE, "tenant/product", message, hint))
        return product
    if is_http:
        hint = "give spec.product: the name of a Product document, or of one that is built in"
        message = "the provider http needs a product"
        problems.append(
            document.make_problem(("spec", "provider"), "tenant/product", message, hint)
        )
    elif name is not None:
        message, hint = "only the provider http takes a product", "add provider: http"
        problems.append(document.make_problem(_PLACE, "tenant/product", message, hint, key=True))
    return None
