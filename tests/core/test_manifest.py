"""What a tenant holds as the YAML that declares it: readable, complete, and read back as the same
value.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.export.manifest import (
    NO_LABELS,
    OTHER_LABELS,
    format_scalar,
    make_key,
    make_manifest,
)
from reconciler.core.model import limits
from reconciler.core.model.auth import ApiKeyAuth, Auth, BasicAuth, BearerAuth, NoAuth
from reconciler.core.model.secret import Secret, Withheld, hidden_url
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.manifests.load import load
from tests.support.requests import make_request

URL = "https://hooks.example.com/elastio"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
NAMES = TEXT.map(limits.normalize_name).filter(lambda text: limits.name(text) is None)
PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)
VERSIONS = st.none() | NAMES
AUTHS = st.one_of(
    st.just(NoAuth()),
    st.builds(
        BasicAuth,
        PRINTABLE.filter(lambda text: limits.username(text) is None),
        st.builds(Withheld, VERSIONS),
    ),
    st.builds(BearerAuth, st.builds(Withheld, VERSIONS)),
    st.builds(
        ApiKeyAuth,
        st.sampled_from(["X-API-TOKEN", "null", "1", "~", "!"]),
        st.builds(Withheld, VERSIONS),
    ),
)
SPECS = st.builds(
    Webhook,
    name=NAMES,
    url=st.sampled_from([URL, f"{URL}?a=b&c=%23{{", "http://127.0.0.1:8000"]).filter(
        lambda text: limits.url(text) is None
    ),
    description=(TEXT | st.just("")).filter(lambda text: limits.description(text) is None),
    enabled=st.booleans(),
    auth=AUTHS,
    subscriptions=st.frozensets(st.builds(Subscription, NAMES, NAMES, NAMES), max_size=4),
)
HOSTILE = [
    "<script>alert(1)</script>",
    "'; DROP TABLE webhooks; --",
    "null",
    "yes",
    "012",
    "1e3",
    "- a: b # c",
    "{{ 7*7 }} ${HOME} `id`",
    "*alias &anchor !tag |",
    "\u05d0\u05d1\u05d2 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 family",
    "\ufeffmark",
    "\U000e0041 tag character",
    'quote " and \\ back',
    "n" * 255,
    "\U0001f525" * 255,
]


def read_back(folder: Path, text: str) -> tuple[Webhook, str, bool]:
    """What the loader makes of a manifest; an error fails, warnings do not."""
    path = folder / "webhook.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = load(make_request((str(path),), env={}))
    assert [problem for problem in loaded.problems if problem.severity == "error"] == []
    [declared] = loaded.declared
    return declared.spec, declared.key, bool(declared.protected)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "auth",
    [
        NoAuth(),
        BasicAuth("null", Withheld("1")),
        BearerAuth(Withheld("hmac-sha256:00")),
        ApiKeyAuth("X-API-TOKEN", Withheld()),
    ],
)
def test_hostile_names_of_every_authentication_are_valid_and_read_back(
    tmp_path: Path, name: str, auth: Auth
) -> None:
    events = frozenset({Subscription(name, name, name)})
    spec = Webhook(
        limits.normalize_name(name), URL, name, enabled=False, auth=auth, subscriptions=events
    )
    made = make_manifest(spec, make_key(name, "webhook"), protected=True)
    back, key, protected = read_back(tmp_path, made.text)
    assert (back.name, back.url, back.description, back.enabled) == (spec.name, URL, name, False)
    assert (back.subscriptions, key, protected) == (
        spec.subscriptions,
        make_key(name, "webhook"),
        True,
    )
    assert type(back.auth) is type(auth)


@settings(max_examples=200)
@given(SPECS)
def test_every_valid_webhook_reads_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, spec: Webhook
) -> None:
    back, _, _ = read_back(tmp_path_factory.mktemp("manifest"), make_manifest(spec, "key").text)
    assert (back.name, back.url, back.description) == (spec.name, spec.url, spec.description)
    assert back.subscriptions == spec.subscriptions
    assert back.enabled is spec.enabled
    assert type(back.auth) is type(spec.auth)


@given(TEXT)
def test_other_yaml_readers_find_the_same_text(text: str) -> None:
    assert yaml.safe_load(format_scalar(text)) == text


def test_defaults_are_left_out_and_plain_texts_stay_plain() -> None:
    made = make_manifest(Webhook("payments-oncall", URL), "payments-oncall")
    assert made.text == (
        "apiVersion: webhooks.reconciler/v1\nkind: Webhook\nmetadata:\n  name: payments-oncall\n"
        f"  {NO_LABELS}\nspec:\n  url: {URL}\n  enabled: true\n"
    )
    assert made.variables == ()


def test_all_of_a_webhook_is_there_its_secrets_as_references() -> None:
    started = "elastio:recovery-point:create:started"
    subscriptions = frozenset(
        {Subscription(started, "v0", "info"), Subscription(started, "v0", "critical")}
    )
    auth = BasicAuth("rota", Withheld("2"))
    made = make_manifest(
        Webhook("Payments on-call", URL, "a\nb", False, auth, subscriptions),
        "payments",
        protected=True,
    )
    assert made.text == (
        "apiVersion: webhooks.reconciler/v1\n"
        "kind: Webhook\n"
        "metadata:\n"
        "  name: payments\n"
        f"  {NO_LABELS}\n"
        "spec:\n"
        '  name: "Payments on-call"\n'
        f"  url: {URL}\n"
        '  description: "a\\nb"\n'
        "  enabled: false\n"
        "  auth:\n"
        "    type: basic\n"
        "    username: rota\n"
        "    password: {fromEnv: WEBHOOK_PAYMENTS_PASSWORD}\n"
        '    version: "2"\n'
        "  protected: true\n"
        "  events:\n"
        f"    - type: {started}\n"
        "      version: v0\n"
        "      severity: [critical, info]\n"
    )
    assert made.variables == ("WEBHOOK_PAYMENTS_PASSWORD",)


def test_a_hidden_url_and_user_name_become_references_and_no_secret_is_revealed() -> None:
    auth = BasicAuth(Secret("sesame-user"), Secret("sesame-word", version="hmac-sha256:12"))
    made = make_manifest(
        Webhook("one", hidden_url("https://hooks.example.com/sesame"), auth=auth), "one"
    )
    assert made.variables == ("WEBHOOK_ONE_URL", "WEBHOOK_ONE_USERNAME", "WEBHOOK_ONE_PASSWORD")
    assert "sesame" not in made.text
    assert "version: " not in made.text


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Payments on-call", "payments-on-call"),
        ("  Caf\u00e9 -- N\u00ba 5!", "cafe-no-5"),
        ("reconciler", "reconciler"),
        ("\u05d0\u05d1\u05d2", "otherwise"),
        ("n" * 255, "n" * 63),
        ("a" * 62 + "--b", "a" * 62),
    ],
)
def test_a_key_is_made_from_a_name(name: str, key: str) -> None:
    assert make_key(name, "otherwise") == key
    assert limits.KEY.fullmatch(key)


@pytest.mark.parametrize("key", ["reconciler-x", "tenant", "1st", "a.b-c", "k" * 253])
def test_the_variables_are_ones_that_a_manifest_may_reference(tmp_path: Path, key: str) -> None:
    made = make_manifest(Webhook("one", URL, auth=BearerAuth(Withheld())), key)
    back, _, _ = read_back(tmp_path, made.text)
    assert isinstance(back.auth, BearerAuth)
    assert len(made.variables[0]) <= 255


def test_labels_that_are_known_are_kept_and_a_comment_says_what_is_not() -> None:
    plain, labelled = (
        make_manifest(Webhook("a", URL), "a", labels=labels).text
        for labels in ({}, {"team": "payments"})
    )
    assert f"  {NO_LABELS}\n" in plain
    assert f"  {OTHER_LABELS}\n  labels: {{team: payments}}\n" in labelled
    assert "a Tenant's select may need them" in NO_LABELS
