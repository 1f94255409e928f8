"""Which proxy a request goes through, and that none of its addresses is ever quoted."""

from __future__ import annotations

import pytest

from reconciler.core.errors import BadRequest
from reconciler.net.proxies import Network, parse_proxy

PROXY = "http://proxy.example.com:3128"
URL = "https://tenant.example.com/public-api/v1"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_https_goes_through_the_proxy_of_the_variable(name: str) -> None:
    proxy = Network({name: PROXY}).proxy_for(URL)
    assert proxy is not None
    assert (proxy.address, proxy.display, proxy.is_tls) == (
        ("proxy.example.com", 3128),
        "proxy.example.com:3128",
        False,
    )


def test_plain_http_never_goes_through_a_proxy() -> None:
    env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), PROXY)
    assert Network(env).proxy_for("http://tenant.example.com/") is None


def test_other_variables_and_empty_ones_give_no_proxy() -> None:
    for env in ({}, {"HTTPS_PROXY": ""}, {"HTTP_PROXY": PROXY}, {"ALL_PROXY": PROXY}):
        assert Network(env).proxy_for(URL) is None


def test_lower_case_comes_first() -> None:
    proxy = Network({"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:2"}).proxy_for(
        URL
    )
    assert proxy is not None
    assert proxy.display == "lower:2"


@pytest.mark.parametrize(
    ("listed", "url", "direct"),
    [
        ("*", URL, True),
        ("tenant.example.com", URL, True),
        ("TENANT.example.COM", URL, True),
        (".example.com", URL, True),
        ("*.example.com", URL, True),
        ("example.com", URL, True),
        ("other.test, example.com", URL, True),
        ("other.test example.com", URL, True),
        ("ample.com", URL, False),
        ("www.tenant.example.com", URL, False),
        ("tenant.example.com:443", URL, True),
        ("tenant.example.com:8443", URL, False),
        ("tenant.example.com:8443", "https://tenant.example.com:8443/", True),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.1.2.3", "https://10.1.2.3/", True),
        ("10.1.2.3:8443", "https://10.1.2.3:8443/", True),
        ("fd00::/8", "https://[fd00::1]/", True),
        ("::1", "https://[::1]/", True),
        ("[::1]:8443", "https://[::1]:8443/", True),
        ("[::1]:8443", "https://[::1]/", False),
        ("127.0.0.1", "https://localhost/", False),
        (",, ,", URL, False),
        (".", URL, False),
    ],
)
def test_no_proxy_lists_what_is_reached_directly(listed: str, url: str, direct: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        assert (Network({"HTTPS_PROXY": PROXY, name: listed}).proxy_for(url) is None) is direct


@pytest.mark.parametrize(
    "text",
    ["proxy.example.com:3128", "http://proxy.example.com:3128", "http://proxy.example.com:3128/"],
)
def test_a_scheme_may_be_left_out(text: str) -> None:
    assert parse_proxy(text, "HTTPS_PROXY").address == ("proxy.example.com", 3128)


def test_a_port_may_be_left_out() -> None:
    assert parse_proxy("http://proxy.test", "x").address == ("proxy.test", 80)
    assert parse_proxy("https://proxy.test", "x").address == ("proxy.test", 443)
    assert parse_proxy("http://[::1]:3128", "x").display == "[::1]:3128"


def test_a_credential_is_sent_and_never_shown() -> None:
    proxy = parse_proxy("http://bo:hunter%402@proxy.example.com:3128", "HTTPS_PROXY")
    assert proxy.credential == "Basic Ym86aHVudGVyQDI="
    assert (
        "hunter" not in f"{proxy!r} {proxy} {proxy.display} {Network({'HTTPS_PROXY': proxy.url})!r}"
    )


@pytest.mark.parametrize(
    "text",
    ["socks5://bo:hunter2@p:1", "http://", "http://bo:hunter2@", "http://p:hunter2", "http://p:0", "http://p/hunter2",
     "http://p:99999", "http://p?hunter2", "http://[hunter2", "http://hunter2 x", "http://hunter2\n:1"],
)  # fmt: skip
def test_what_is_no_proxy_is_an_error_that_names_the_variable_and_not_the_value(text: str) -> None:
    with pytest.raises(BadRequest, match=r"^HTTPS_PROXY .*http://") as caught:
        Network({"HTTPS_PROXY": text}).proxy_for(URL)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
