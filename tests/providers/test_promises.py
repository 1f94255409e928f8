"""What every product with a stand-in promises in the same words: exact deletes, runs at once, lost
answers, refusals that name the right, and no secret in any output.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.providers.builders import Asked, Reply, reply
from tests.providers.forge_cases import (
    PRODUCTS,
    Product,
    make_by_hand,
    make_repository,
    read_hooks,
)
from tests.support.product_repository import ProductRepository
from tests.support.wire import After, Before, as_it_is, nothing, proxy

EACH = pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)


@contextmanager
def open_product(
    product: Product, folder: Path, *, before: Before = nothing, after: After = as_it_is
) -> Iterator[tuple[Any, ProductRepository]]:
    """The stand-in and manifests that reach it over a proxy."""
    with product.open() as server, proxy(server.url, before=before, after=after) as between:
        parts = urlsplit(between.url)
        yield server, make_repository(product, folder, f"{parts.scheme}://{parts.netloc}")


@EACH
def test_a_removed_manifest_deletes_its_webhook_and_no_other(
    product: Product, tmp_path: Path
) -> None:
    with product.open() as server:
        ours = make_repository(product, tmp_path, server.url)
        theirs = make_repository(product, tmp_path, server.url, "search")
        make_by_hand(product, server)
        for name in ("one", "two", "three"):
            ours.write(name)
        theirs.write("index")
        ours.reconcile()
        theirs.reconcile()
        before = deepcopy(read_hooks(server))
        assert len(before) == 5
        (ours.folder / "two.yaml").unlink()
        ours.reconcile()
        after = read_hooks(server)
        [deleted] = before.keys() - after.keys()
        assert "https://hooks.example.com/two" in str(before[deleted])
        assert {ident: before[ident] for ident in after} == after
        assert "No changes. 1 unchanged" in theirs.run("plan").out


@EACH
def test_two_owners_at_once_lose_nothing(product: Product, tmp_path: Path) -> None:
    with product.open() as server:
        both = [make_repository(product, tmp_path, server.url, name) for name in ("one", "two")]
        for number in range(4):
            for owner, one in zip(("one", "two"), both, strict=True):
                one.write(f"{owner}-{number}")
        with ThreadPoolExecutor() as pool:
            ended = list(pool.map(lambda one: one.run("reconcile", "--yes"), both))
        assert [one.code for one in ended] == [0, 0], ended[0].out + ended[1].out
        assert len(read_hooks(server)) == 8
        for one in both:
            assert "No changes. 4 unchanged" in one.run("plan").out


@EACH
def test_two_runs_of_one_owner_at_once_lose_nothing(product: Product, tmp_path: Path) -> None:
    with product.open() as server:
        one = make_repository(product, tmp_path, server.url)
        for number in range(4):
            one.remove_auth(one.write(f"hook-{number}"))
        one.reconcile()
        (one.folder / "hook-3.yaml").unlink()
        one.remove_auth(one.write("hook-2", "https://hooks.example.com/moved"))
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda _: one.run("reconcile", "--yes"), range(2)))
        one.reconcile()
        held = str(list(read_hooks(server).values()))
        assert len(read_hooks(server)) == 3
        assert "hooks.example.com/moved" in held
        assert "hooks.example.com/hook-3" not in held


@EACH
def test_a_lost_answer_on_create_leaves_one_webhook_and_an_empty_plan(
    product: Product, tmp_path: Path
) -> None:
    lost: list[Asked] = []

    def lose(asked: Asked, answer: Reply) -> Reply | None:
        if asked.method == "POST" and asked.target.endswith(product.path) and not lost:
            lost.append(asked)
            return None
        return answer

    with open_product(product, tmp_path, after=lose) as (server, ours):
        ours.write("one")
        ours.reconcile()
        assert len(read_hooks(server)) == len(lost) == 1


@EACH
@pytest.mark.parametrize("status", [403, 422])
def test_a_refused_create_names_the_right_and_repeats_no_secret(
    product: Product, status: int, tmp_path: Path
) -> None:
    text = f"No: {product.key} of {product.token}"

    def refuse(asked: Asked) -> Reply | None:
        refused = asked.method == "POST" and asked.target.endswith(product.path)
        return reply({"message": text, "detail": text}, status) if refused else None

    with open_product(product, tmp_path, before=refuse) as (server, ours):
        ours.write("one")
        for more in (("-vvv",), ("-o", "json")):
            ended = ours.run("reconcile", "--yes", *more)
            assert ended.code == {403: 3, 422: 4}[status], ended.out + ended.err
            assert f"answered {status}" in ended.out
            assert (product.rights in ended.out) is (status == 403), ended.out
        assert not read_hooks(server)


@EACH
def test_no_output_and_no_file_has_a_secret(product: Product, tmp_path: Path) -> None:
    with open_product(product, tmp_path) as (_server, ours):
        ours.write("one")
        ours.reconcile()
        ours.write("one", "https://hooks.example.com/moved")
        ours.write("two")
        for command, *options in (
            ("plan", "-vvv", "--out", "saved.plan"),
            ("drift", "-o", "markdown"),
            ("doctor", "-vvv"),
        ):
            ended = ours.run(command, *options)
            assert ended.code in {0, 7}, ended.out + ended.err
        assert ours.call("export", "out", "tenant.yaml").code == 0
        written = [path.read_text() for path in ours.folder.rglob("*") if path.is_file()]
        assert len(written) > 3
        for text in written:
            assert product.key not in text
            assert product.token not in text


@EACH
def test_two_runs_that_create_at_once_leave_one_webhook_or_a_plan_that_names_both(
    product: Product, tmp_path: Path
) -> None:
    started: list[Asked] = []

    async def run_again(asked: Asked) -> Reply | None:
        if asked.method == "POST" and asked.target.endswith(product.path) and not started:
            started.append(asked)
            await asyncio.to_thread(ours.run, "reconcile", "--yes")
        return None

    with open_product(product, tmp_path, before=run_again) as (server, ours):
        ours.write("one")
        first = ours.run("reconcile", "--yes")
        plan = ours.run("plan")
        held = read_hooks(server)
        if product.name in {"github", "svix"}:  # they refuse the url or the name twice
            assert first.code != 0, first.out
            assert len(held) == 1
            assert "No changes. 1 unchanged" in plan.out
        else:
            assert plan.code == 6, plan.out
            assert len(held) == 2
            assert all(str(ident) in plan.out for ident in held)
