"""What an error says of a product's own text."""

from __future__ import annotations

import pytest

from reconciler.core.errors import Overloaded, Unauthorized
from reconciler.core.model.scopes import Allowance
from reconciler.providers.github import plugin as github
from reconciler.providers.gitlab import plugin as gitlab
from reconciler.providers.http.dialect import Dialect, product_fault, read_allowance
from reconciler.providers.http.faults import Sent

SENT = Sent("POST", "/hooks", ({"url": "https://secret.example/", "name": "oncall"},))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"message": "No such group"}, ": No such group"),
        ({"code": "x", "detail": "A conflict has occurred"}, ": A conflict has occurred"),
        ({"detail": [{"loc": ["body", "url"], "msg": "too long"}]}, ": body.url: too long"),
        ({"detail": [{"loc": ["body", 0], "msg": "no https://secret.example/"}]}, ": body.0"),
        ({"detail": [{"loc": "body", "msg": 7}, "plain", None]}, ": plain"),
        ({"detail": [{"loc": ["body", "oncall"]}]}, ""),
        ({"detail": {"loc": ["query"], "msg": "wrong"}}, ": query: wrong"),
        ([], ""),
        (None, ""),
    ],
)
def test_the_text_of_a_product_is_shown_unless_it_repeats_what_was_sent(
    body: object, said: str
) -> None:
    assert (
        str(product_fault(SENT, 422, None, body)) == f"POST /hooks: the product answered 422{said}"
    )


@pytest.mark.parametrize(
    ("dialect", "left", "reset"),
    [
        (github.PLUGIN.dialect, "x-ratelimit-remaining", "x-ratelimit-reset"),
        (gitlab.PLUGIN.dialect, "ratelimit-remaining", "ratelimit-reset"),
    ],
)
def test_each_product_tells_its_limit_in_headers_of_its_own(
    dialect: Dialect, left: str, reset: str
) -> None:
    assert read_allowance({left: "4200", reset: "1790000000"}, dialect) == Allowance(
        4200, 1_790_000_000
    )
    for headers in (
        {},
        {left: "4200"},
        {left: "many", reset: "1790000000"},
        {left: "²", reset: "1"},
    ):
        assert read_allowance(headers, dialect) is None
    assert read_allowance({left: "9" * 400, reset: "9" * 400}, dialect) is not None


def test_a_403_says_that_the_token_lacks_a_right_also_if_the_product_names_none() -> None:
    error = product_fault(SENT, 403, None, {"message": "Forbidden"})
    assert isinstance(error, Unauthorized)
    assert error.object_only
    assert str(error).endswith(
        "403: Forbidden: the token needs the right to read and to change webhooks there"
    )
    assert isinstance(product_fault(SENT, 403, 5.0, None), Overloaded)
