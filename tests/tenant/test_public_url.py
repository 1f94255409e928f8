"""`tenant serve --public-url`: the page and API behind a real proxy that ends TLS, and nothing
looser without it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from reconciler.net.listening import read_origin
from tests.support.processes import run
from tests.support.raw_http import SECURE_COOKIE, split_cookie
from tests.support.tls_proxy import NAME, TlsProxy, behind


@pytest.mark.parametrize("keeps_host", [True, False])
def test_behind_a_proxy_the_page_is_signed_in_to_used_and_left_as_the_public_address_has_it(
    tmp_path: Path, keeps_host: bool
) -> None:
    with (
        TlsProxy(keeps_host=keeps_host) as proxy,
        behind(tmp_path, proxy, "--public-url", f"{proxy.origin}/") as served,
    ):
        api, page, listens = served.lines
        assert api == f"{proxy.origin}/public-api/v1"
        assert page.startswith(f"page: {proxy.origin}/sign-in?link=")
        assert listens == f"listens on http://127.0.0.1:{served.port}"
        link = served.link()
        assert served.ask("GET", link)[0] == 200
        status, answer, _ = served.ask("POST", link, "", Origin=proxy.origin)
        name, flags = split_cookie(answer["set-cookie"])
        assert (status, answer["location"]) == (303, "/settings/webhooks")
        assert name.startswith("__Host-reconciler_session=")
        assert flags == SECURE_COOKIE
        status, _, shown = served.ask("GET", "/settings/webhooks", Cookie=name)
        csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', shown)
        assert status == 200
        assert csrf
        form = f"csrf={csrf[1]}"
        for origin in (
            f"http://{NAME}:{proxy.port}",
            f"https://{NAME}",
            f"http://127.0.0.1:{served.port}",
            "https://evil.example",
        ):
            assert served.ask("POST", "/sign-out", form, Origin=origin, Cookie=name)[0] == 403, (
                origin
            )
            assert (
                served.ask_directly("POST", "/sign-out", form, Origin=origin, Cookie=name)[0] == 403
            ), origin
        assert served.ask("POST", "/sign-out", form, Cookie=name)[0] == 403
        plain = name.removeprefix("__Host-")
        assert (
            served.ask("GET", "/settings/webhooks", Cookie=plain)[0] == 401
        )  # another name could be set without TLS
        status, answer, _ = served.ask("POST", "/sign-out", form, Origin=proxy.origin, Cookie=name)
        assert (status, answer["set-cookie"].split("=")[0]) == (200, "__Host-reconciler_session")
        assert served.ask("GET", "/settings/webhooks", Cookie=name)[0] == 401


def test_behind_a_proxy_the_api_is_answered_and_foreign_hosts_are_not(tmp_path: Path) -> None:
    token = run(
        "tenant", "token", "ci", "--scope", "Webhooks: Read", "--db", "tenant.db", cwd=tmp_path
    ).out.strip()
    with (
        TlsProxy() as proxy,
        behind(
            tmp_path, proxy, "--public-url", proxy.origin.upper().replace("HTTPS", "https")
        ) as served,
    ):
        listing = {"Authorization": f"Bearer {token}"}
        path = "/public-api/v1/webhooks"
        status, _, text = served.ask("GET", path, **listing)
        assert (status, json.loads(text)) == (200, {"items": [], "next_cursor": None})
        assert served.ask_directly("GET", path, **listing)[0] == 200
        for host in ("evil.example", f"{NAME}.evil.example", f"x.{NAME}"):
            assert served.ask("GET", path, Host=host, **listing)[0] == 421, host
            assert served.ask("GET", "/sign-in?link=x", Host=host)[0] == 421, host


def test_without_the_option_a_proxy_makes_neither_its_host_nor_its_origin_known(
    tmp_path: Path,
) -> None:
    with TlsProxy(keeps_host=False) as proxy, behind(tmp_path, proxy) as served:
        link = served.lines[1].partition("/sign-in")[2]
        headers = {
            "Origin": proxy.origin,
            "X_Forwarded_Proto": "https",
            "X_Forwarded_Host": f"{NAME}:{proxy.port}",
        }
        assert (
            served.ask(
                "POST", f"/sign-in{link}", "", **headers, Forwarded=f"proto=https;host={NAME}"
            )[0]
            == 403
        )
        proxy.keeps_host = True
        assert served.ask("GET", f"/sign-in{link}")[0] == 421
        assert served.ask_directly("GET", f"/sign-in{link}")[0] == 200


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://tenant.example.com", "https://tenant.example.com"),
        ("HTTPS://Tenant.Example.com:443/", "https://tenant.example.com"),
        ("https://tenant.example.com:8443", "https://tenant.example.com:8443"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443"),
    ],
)
def test_a_public_address_is_taken_as_browsers_send_its_origin(url: str, origin: str) -> None:
    assert read_origin(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://tenant.example.com",
        "tenant.example.com",
        "https://",
        "https://tenant.example.com/path",
        "https://tenant.example.com?query",
        "https://tenant.example.com/#part",
        "https://user@tenant.example.com",
        "https://tenant.example.com:0",
        "https://tenant.example.com:65536",
        "https://ten ant.example.com",
        "https://t\u00e9nant.example.com",
        "https://a.example,https://b.example",
    ],
)
def test_a_public_address_that_is_no_origin_with_tls_is_a_usage_error(url: str) -> None:
    with pytest.raises(ValueError, match="wants https://HOST"):
        read_origin(url)


def test_a_usage_error_names_the_option(tmp_path: Path) -> None:
    ended = run("tenant", "serve", "--public-url", "http://tenant.example.com", cwd=tmp_path)
    assert (ended.code, ended.out) == (64, "")
    assert "--public-url" in ended.err
