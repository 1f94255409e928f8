"""The limits that manifests and tenant share: what is fine, what is wrong, and that no message
quotes the value.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.core.model import limits

HOSTS = (
    "a",
    "a.",
    "a_b.example.com",
    "x--y",
    "1.2.3.4",
    "255.255.255.255",
    "[2001:db8::1]",
    "[::ffff:1.2.3.4]",
    "1a",
    "x" * 63,
)
NO_HOSTS = (
    "a..b",
    "*",
    "-a",
    "a-.b",
    ".",
    "%41",
    "127.1",
    "0x7f.1",
    "2130706433",
    "1.2.3.256",
    "1.2.3.4.",
    "01.2.3.4",
)
NO_HOSTS += ("x" * 64, "a." * 127 + "a", "[v1.x]", "[fe80::1%25eth0]", "a,b", "(a)")
NONCHARACTERS = ("\ufdd0", "\uffff", "\U0001fffe", "\U0010ffff")
INVISIBLE = (
    "\u00ad",
    "\u034f",
    "\u115f",
    "\u17b4",
    "\u200b",
    "\u200d",
    "\u2060",
    "\u2800",
    "\u3164",
    "\ufe0f",
    "\ufeff",
    "\uffa0",
)
INVISIBLE += ("\U0001d173", "\U000e0041", "\U000e0100")
FINE: list[tuple[Callable[[str], str | None], str]] = [
    (limits.name, "Payments on-call"),
    (limits.name, "x" * 255),
    (limits.name, "支払い 🔔"),
    (limits.name, "👩\u200d🔬"),
    (limits.name, "a\u0301"),
    (limits.description, ""),
    (limits.description, "two\nlines\tand a tab"),
    (limits.description, "x" * 1024),
    (limits.url, "https://hooks.example.com:8443/a?b=c%20d"),
    (limits.url, "http://[::1]:8080/"),
    (limits.url, "https://h/" + "x" * 2038),
    (limits.name, "not assigned yet in this Python: \U0001fadf"),
    *((limits.url, f"https://{host}/") for host in HOSTS),
    (limits.credential, "a b!~"),
    (limits.credential, "x" * 255),
    (limits.username, "bob"),
    (limits.header, "X-API-TOKEN"),
    (limits.header, "Authorization"),
]
WRONG: list[tuple[Callable[[str], str | None], str, str]] = [
    (limits.name, "", "1 to 255"),
    (limits.name, "x" * 256, "1 to 255"),
    (limits.name, " leading", "space"),
    (limits.name, "trailing\u00a0", "space"),
    (limits.name, "a\x1b[31m", "control"),
    (limits.name, "two\nlines", "control"),
    (limits.name, "a\u2028b", "control"),
    (limits.name, "gnp.\u202eexe", "bidirectional"),
    (limits.name, "lone \ud800", "surrogate"),
    (limits.description, "x" * 1025, "1024"),
    (limits.description, "a\x00b", "control"),
    (limits.url, "https://h/" + "x" * 2039, "2048"),
    (limits.url, "hooks.example.com/x", "absolute"),
    (limits.url, "ftp://h/x", "absolute"),
    (limits.url, "https:///x", "absolute"),
    (limits.url, "https://h:0/", "absolute"),
    (limits.url, "https://h:99999/", "not a url"),
    (limits.url, "https://[::1/", "not a url"),
    (limits.url, "https://user:pw@h/x", "user name"),
    (limits.url, "https://h/x#part", "fragment"),
    (limits.url, "https://h/x#", "fragment"),
    (limits.url, "https://h/a b", "ASCII"),
    (limits.url, "https://h/é", "ASCII"),
    (limits.url, "https://h\\@evil.example.com/", "cannot hold"),
    *((limits.name, f"a{char}b", "control") for char in NONCHARACTERS),
    *((limits.name, char * 3, "no visible") for char in INVISIBLE),
    (limits.name, "\u200b\ufe0f\U000e0041", "no visible"),
    *((limits.url, f"https://{host}/", "host name") for host in NO_HOSTS),
    (limits.credential, "", "1 to 255"),
    (limits.credential, "x" * 256, "1 to 255"),
    (limits.credential, "pässword", "ASCII"),
    (limits.credential, "a\nb", "ASCII"),
    (limits.credential, " secret", "space"),
    (limits.username, "a:b", "colon"),
    (limits.username, "", "1 to 255"),
    (limits.header, "X Key", "field name"),
    (limits.header, "X-Key:", "field name"),
    (limits.header, "", "field name"),
]


@pytest.mark.parametrize(("limit", "text"), FINE)
def test_what_is_within_the_limits_is_fine(limit: Callable[[str], str | None], text: str) -> None:
    assert limit(text) is None


@pytest.mark.parametrize(("limit", "text", "why"), WRONG)
def test_what_is_beyond_is_said_without_the_value(
    limit: Callable[[str], str | None], text: str, why: str
) -> None:
    said = limit(text)
    assert said is not None
    assert why in said
    assert len(text) < 4 or text not in said


@pytest.mark.parametrize(
    "header",
    [
        "Host",
        "content-type",
        "Content-Length",
        "CONNECTION",
        "keep-alive",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "Proxy-Authorization",
    ],
)
def test_headers_of_http_itself_are_refused_in_any_case(header: str) -> None:
    assert limits.header(header) == "is a header that HTTP itself uses"


@pytest.mark.parametrize(
    ("url", "abroad"),
    [
        ("http://example.com/", True),
        ("https://example.com/", False),
        ("http://127.0.0.1:1/", False),
        ("http://[::1]/", False),
        ("http://127.9.9.9/", False),
    ],
)
def test_plain_http_is_fine_on_loopback_only(url: str, abroad: bool) -> None:
    assert limits.is_plain_http_abroad(url) is abroad


def test_names_are_compared_in_nfc() -> None:
    assert limits.normalize_name("Cafe\u0301") == "Caf\u00e9"
