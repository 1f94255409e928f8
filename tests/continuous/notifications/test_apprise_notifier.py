"""Notices through apprise itself, to a real receiver on this machine."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.continuous.notifications.apprise_notifier import (
    AppriseNotifier,
    make_notifiers,
    parse_urls,
)
from reconciler.continuous.notifications.notice import KINDS, Notice, Result, make_notice
from reconciler.continuous.notifications.notifier import NotSent
from reconciler.continuous.notifications.send import notify
from reconciler.core.errors import BadRequest
from reconciler.core.model.secret import Secret
from tests.support.processes import ROOT
from tests.support.receiver import Receiver

RESULT = Result("prod", "drift", 0.0, "c0ffee1", "sha256:d1")
NOTICE = make_notice("drift", RESULT, ["ci: enabled: true → false & <b>"])


def make(receiver: Receiver, path: str = "/ok", query: str = "") -> AppriseNotifier:
    url = f"json://127.0.0.1:{receiver.port}{path}{query}"
    return AppriseNotifier(Secret(url, "fromEnv: RECONCILER_NOTIFY"))


def send(notifier: AppriseNotifier, *notices: Notice) -> None:
    async def main() -> None:
        for notice in notices:
            await notifier.send(notice)

    asyncio.run(main())


def test_a_service_gets_title_text_and_severity() -> None:
    with Receiver() as receiver:
        send(make(receiver), NOTICE)
        (request,) = receiver.requests
    assert request.json["title"] == "prod: the tenant differs from Git"
    assert request.json["message"] == NOTICE.text
    assert request.json["type"] == "warning"


def test_apprise_knows_each_severity() -> None:
    notices = [make_notice(kind, RESULT, ()) for kind in KINDS]
    with Receiver() as receiver:
        send(make(receiver), *notices)
        sent = [request.json["type"] for request in receiver.requests]
    assert sent == [notice.severity for notice in notices]


def test_a_notice_without_a_text_is_its_title() -> None:
    with Receiver() as receiver:
        send(make(receiver), make_notice("failed", Result("", "failed", 0.0), ()))
        (request,) = receiver.requests
    assert request.json["message"] == "the run failed"


@pytest.mark.parametrize("path", ["/status/500", "/status/404", "/drop"])
def test_a_service_that_does_not_take_it_is_reported(path: str) -> None:
    with Receiver() as receiver, pytest.raises(NotSent, match="the service did not take it"):
        send(make(receiver, path), NOTICE)


def test_a_service_that_hangs_ends_with_its_time() -> None:
    with Receiver() as receiver:
        notifier = make(receiver, "/hang", "?rto=1&cto=1")
        failures = asyncio.run(notify([NOTICE], [notifier], seconds=0.3))
    (failure,) = failures
    name = "apprise (RECONCILER_NOTIFY, url 1)"
    assert failure == f"{name}: the notice drift of prod was not sent: its time is over"


def test_urls_are_secrets_from_the_lines_of_a_variable_or_file() -> None:
    urls = parse_urls("\n# chat\n slack://t0ken/t0ken/t0ken \n\njson://h/t0ken\n", "fromFile: urls")
    assert urls == (Secret("slack://t0ken/t0ken/t0ken"), Secret("json://h/t0ken"))
    assert "t0ken" not in repr(urls)
    assert {url.reference for url in urls} == {"fromFile: urls"}


def test_each_url_has_a_notifier_that_is_named_by_its_place() -> None:
    urls = parse_urls("json://127.0.0.1/t0ken\nform://127.0.0.1/t0ken", "fromEnv: NOTIFY")
    names = [notifier.name for notifier in make_notifiers(urls)]
    assert names == ["apprise (NOTIFY, url 1)", "apprise (NOTIFY, url 2)"]


@pytest.mark.parametrize("url", ["", "t0ken", "nosuch://t0ken", "slack://t0ken", "json://"])
def test_a_url_that_apprise_does_not_know_is_a_usage_error_without_it(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(BadRequest) as refused:
        make_notifiers(
            (Secret("json://127.0.0.1", "fromEnv: NOTIFY"), Secret(url, "fromEnv: NOTIFY"))
        )
    assert str(refused.value) == "apprise (NOTIFY, url 2): apprise does not know this url"
    assert "t0ken" not in caplog.text + "".join(capfd.readouterr()) + repr(
        refused.value.__context__
    )


def test_nothing_of_a_url_is_logged_printed_or_written(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """apprise and urllib3 log urls and paths at DEBUG."""
    with caplog.at_level(logging.DEBUG), Receiver() as receiver:
        for path in ("/ok?k=t0ken", "/status/500?k=t0ken", "/t0ken", "/drop?k=t0ken"):
            url = f"json://user:t0ken@127.0.0.1:{receiver.port}{path}"
            failures = asyncio.run(notify([NOTICE], [AppriseNotifier(Secret(url))]))
            assert "t0ken" not in "".join(failures)
            assert "://" not in "".join(failures)
        assert len(receiver.requests) >= 4
    assert "t0ken" not in caplog.text + "".join(capfd.readouterr())
    libraries = ("apprise", "urllib3", "requests")
    assert not [record for record in caplog.records if record.name.startswith(libraries)]


def test_without_apprise_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(BadRequest, match="install webhook-reconciler with the extra agent"):
        AppriseNotifier(Secret("json://127.0.0.1"))


def test_apprise_is_imported_where_it_is_used_only() -> None:
    code = "import sys, reconciler.continuous.notifications.apprise_notifier; "
    code += "sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_apprise_writes_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    with Receiver() as receiver:
        send(make(receiver), NOTICE)
    assert list(tmp_path.iterdir()) == []
