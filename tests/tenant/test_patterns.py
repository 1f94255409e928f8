"""The patterns of the OpenAPI document say what `core/model/limits.py` says, so that a client may
trust the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

import pytest

from reconciler.core.model import limits
from reconciler.tenant.api import openapi_patterns as patterns

# Unicode's planes with characters, and the edges of the empty and the private ones, whose inner
# code points are all alike
PLANES = [
    range(0x40000),
    range(0xE0000, 0xE2000),
    *(
        edge
        for number in (*range(4, 14), 15, 16)
        for edge in (
            range(number << 16, (number << 16) + 256),
            range((number << 16) + 0xFF00, (number + 1) << 16),
        )
    ),
]
Limit = Callable[[str], str | None]
AUTHORITIES = [
    *[
        "1",
        "2",
        "255",
        "256",
        "0",
        "a",
        "B",
        "-",
        "_",
        ".",
        "x.y",
        "127.0.0.1",
        "[::1]",
        "[",
        "]",
        "::",
        "1:2:3:4:5:6:7:8",
    ],
    *[
        ":",
        "/",
        "?",
        "#",
        "@",
        "%41",
        "80",
        ":80",
        ":080",
        ":65535",
        ":65536",
        ":0",
        "\\",
        "|",
        "{",
        "~",
        "'",
        "&",
        "\n",
        " ",
    ],
]
TEXTS: list[tuple[str, Limit, list[str]]] = [
    (patterns.CREDENTIAL, limits.credential, list(" a~!\n\x7f:é")),
    (patterns.USERNAME, limits.username, list(" a~!\n\x7f:;9é")),
    (
        patterns.HEADER,
        limits.header,
        [*"x-:|\n ", "host", "Content-", "proxy-", "TE", "trailer", "EXPECT", "keep-alive"],
    ),
    (patterns.REPOSITORY, limits.repository, ["a.b/", "[::1]/", *"ab/.:@%~ -_[]\nÄé?#"]),
    (patterns.NAME, limits.name, list("\u200b\u00ad\ufe0f\u3164\U000e0041a\u0301")),
    (patterns.NAME, limits.name, list(" a\n\u00a0\u2028\u3000\u202e\U0001fffe\U0001f600")),
    (patterns.URL, limits.url, AUTHORITIES),
]


def _literals(random: Random) -> list[str]:
    """Urls with what may be an IPv6 address."""
    parts = ["1", "ab", "f00d", ":", ":", ":", ":", "::", "1.2.3.4", "00001", "g"]
    return [
        f"http://[{''.join(random.choices(parts, k=random.randint(1, 18)))}]" for _ in range(30_000)
    ]


def _disagreed(pattern: str, limit: Limit, texts: list[str]) -> list[str]:
    found = re.compile(pattern)
    return [text for text in texts if (found.search(text) is None) is (limit(text) is None)]


@pytest.mark.parametrize(
    ("pattern", "limit"), [(patterns.NAME, limits.name), (patterns.DESCRIPTION, limits.description)]
)
def test_each_character_is_allowed_by_both_or_by_neither(pattern: str, limit: Limit) -> None:
    every = [chr(number) for plane in PLANES for number in plane if not 0xD800 <= number <= 0xDFFF]
    assert _disagreed(pattern, limit, every + [f"a{char}a" for char in every]) == []


@pytest.mark.parametrize(("pattern", "limit", "parts"), TEXTS)
def test_each_text_is_allowed_by_both_or_by_neither(
    pattern: str, limit: Limit, parts: list[str]
) -> None:
    random, starts = (
        Random(4711),
        ("http://", "HTTPS://", "ftp://") if pattern == patterns.URL else ("",),
    )
    texts = [
        random.choice(starts) + "".join(random.choices(parts, k=random.randint(0, 7)))
        for _ in range(30_000)
    ]
    assert {limit(text) is None for text in texts} == {True, False}
    assert _disagreed(pattern, limit, texts) == []


def test_each_ipv6_address_is_allowed_by_both_or_by_neither() -> None:
    texts = _literals(Random(4711))
    assert sum(limits.url(text) is None for text in texts) > 300
    assert _disagreed(patterns.URL, limits.url, texts) == []
