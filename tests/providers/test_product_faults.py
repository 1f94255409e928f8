"""What an error says of a product's own text."""

from __future__ import annotations

import pytest

from reconciler.providers.http.dialect import product_fault
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
