"""Any bytes: problems or success, soon and in little memory; YAML 1.2's core schema and no
other.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.errors import InvalidManifests
from reconciler.manifests import Manifests, load
from reconciler.manifests.schema_texts import KINDS, load_schema, read_schema_text
from reconciler.manifests.yaml.document import File
from reconciler.manifests.yaml.reader import read_documents
from tests.support.requests import make_request

quick = settings(max_examples=50, deadline=None, derandomize=True, database=None)
HEAD = b"apiVersion: webhooks.reconciler/v1\nkind: Webhook\nmetadata: {name: a}\nspec:\n  url: https://x.example.com\n"
WORDS = sorted(
    {
        "apiVersion",
        "kind",
        "metadata",
        "name",
        "labels",
        "spec",
        "url",
        "auth",
        "type",
        "token",
        "fromEnv",
        "events",
        "selector",
    }
    | {
        "webhooks.reconciler/v1",
        "Webhook",
        "Tenant",
        "bearer",
        "basic",
        "none",
        "a",
        "a\n",
        "",
        "A",
        "local",
        "owner",
        "limits",
    }
)


def outcome(data: bytes) -> Manifests | InvalidManifests:
    try:
        return load(make_request(paths=("-",), stdin=data, lenient=True))
    except InvalidManifests as error:
        return error


def value_of(text: str) -> object:
    documents, problems = read_documents(File("x"), text.encode())
    assert problems == []
    return documents[0].value


@quick
@given(
    st.binary(max_size=200)
    | st.text(alphabet="&*!|>-?:{}[]<,#%@`'\"\\ \n\tab0", max_size=80).map(str.encode)
)
def test_any_bytes_are_problems_or_success(data: bytes) -> None:
    for whole in (data, HEAD + data):
        found = outcome(whole)
        assert isinstance(found, Manifests) or found.problems


@quick
@given(st.data())
def test_jsonschema_and_jsonschema_rs_agree(data: st.DataObject) -> None:
    leaf = (
        st.none()
        | st.booleans()
        | st.integers(-5, 5)
        | st.sampled_from(WORDS)
        | st.text(max_size=3)
    )
    tree = st.recursive(
        leaf,
        lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(WORDS), x, max_size=4),
        max_leaves=12,
    )
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    metadata = data.draw(
        st.fixed_dictionaries({"name": st.sampled_from(["a", "a\n", "A", "a."])}) | tree
    )
    spec = data.draw(
        st.dictionaries(
            st.sampled_from([*load_schema(KINDS[kind])["properties"]["spec"]["properties"]]), tree
        )
        | tree
    )
    body = {
        "apiVersion": "webhooks.reconciler/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": spec,
    }
    for name in (KINDS[kind], "manifest"):
        slow = jsonschema.Draft202012Validator(load_schema(name)).is_valid(body)
        assert slow == jsonschema_rs.Draft202012Validator(load_schema(name)).is_valid(body)


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "no",
        "yes",
        "off",
        "12:30:00",
        "2026-01-02",
        "012",
        "-012",
        "0b1",
        "1_000",
        "+0x1",
        "<<",
        "=",
        "tRue",
    ],
)
def test_what_the_core_schema_does_not_type_is_text(text: str) -> None:
    assert value_of(f"[{text}]") == [text]


def test_what_the_core_schema_types_is_typed() -> None:
    typed = value_of("[true, False, NULL, ~, null, 0, -12, 0x1F, 0o17, 1.5, -.5, 1e3, .inf, '1']")
    assert typed == [
        True,
        False,
        None,
        None,
        None,
        0,
        -12,
        31,
        15,
        1.5,
        -0.5,
        1000.0,
        math.inf,
        "1",
    ]


LAUGHS = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)
)
BOMBS = {
    "billion laughs": LAUGHS.encode(),
    "laughs by merging": (
        "a: &a {x: 1}\n"
        + "".join(f"b{n}: &b{n} {{k: *{'a' if n == 0 else f'b{n - 1}'}}}\n" for n in range(99))
    ).encode(),
    "deep lists": b"[" * 1_000_000,
    "deep blocks": b"- " * 1_000_000,
    "deep mappings": b"{a: " * 500_000,
    "many documents": b"---\n" * 1_000_000,
    "many items": b"[" + b"a," * 4_000_000 + b"]",
    "many directives": b"%TAG !a! b\n" * 500_000,
    "over 10 MiB": b"#" * (10 * 1024 * 1024 + 1),
    "a huge number": HEAD + b"  enabled: " + b"9" * 1_000_000,
    "many unknown fields": HEAD + b"".join(b"  x%d: 1\n" % n for n in range(30_000)),
    "many wrong events": HEAD + b"  events:\n" + b"  - {type: 1}\n" * 20_000,
    "many wrong lookups": b"".join(
        b"---\n" + HEAD.replace(b"name: a", b"name: a%d" % n) + b"  previously: [b]\n  x: 1\n"
        for n in range(3_000)
    ),
    "a large number": HEAD + b"  enabled: 99999999999999999999999999\n",
    "not a number": HEAD + b"  enabled: .nan\n",
    "key is an unhashable": b"kind: {a: b}\napiVersion: [webhooks.reconciler/v1]\n",
    "many lines": b"\n" * 10_000_000 + b"]",
    "many lines of another kind": b"\r" * 10_000_000 + b"]",
    "many breaks of lines": b"\r\n" * 5_000_000 + b"]",
    "many aliases of nothing": b"[" + b"*a," * 3_000_000 + b"]",
    "one long word": b"a" * 10_000_000,
    "one long key": b"? " + b"a" * 10_000_000 + b"\n: {}\n",
    "many escapes": b'["' + b"\\ud83d" * 1_700_000 + b'"]',
    "many quotes": b"'" * 10_000_001,
    "many anchors": b"".join(b"- &a%d x\n" % n for n in range(600_000)),
    "utf-16": "a: b".encode("utf-16"),
    "many long documents with a fault": b"".join(
        b"---\n"
        + HEAD
        + b"  x: 1\n  events:\n"
        + b"  - {type: t, version: v0, severity: info}\n" * 250
        for _ in range(50)
    ),
    "many unknown events": HEAD.replace(b"https", b"ftp")
    + b"  events:\n"
    + b"".join(
        b"  - {type: 'elastio:recovery-point:create:strt%d', version: v0, severity: infos%d}\n"
        % (n, n)
        for n in range(13_000)
    ),
    "one long text that is no ASCII": HEAD.replace(
        b"name: a", b'name: "' + "😀".encode() + b"a" * 10_400_000 + b'"'
    ),
    "many backslashes": b'["' + b"\\" * 10_000_000 + b'\\ud83d\\ude00"]',
    "many unknown severities": HEAD.replace(b"https", b"ftp")
    + b"  events:\n  - {type: t, version: v0, severity: ["
    + b",".join(b"info%d,%0250d" % (n, n) for n in range(1, 25_000))
    + b"]}\n",
    "many Tenants of many webhooks": b"".join(
        b"---\n"
        + HEAD.replace(b"{name: a}", b"{name: a%d, labels: {a: b}}" % n).replace(b"https", b"ftp")
        for n in range(1_000)
    )
    + b"".join(
        b"---\n" + HEAD.split(b"kind")[0] + b"kind: Tenant\nmetadata: {name: a%d}\n"
        b"spec: {owner: a%d, local: a.db, select: {matchLabels: {a: b}}}\n" % (n, n)
        for n in range(2_000)
    ),
    "many aliases of a long text where events belong": HEAD
    + b"  description: &a "
    + b"y" * 8_000
    + b"\n  events: ["
    + b"*a," * 90_000
    + b"]\n",
    "many aliases of a long text where a url belongs": b"x: &a "
    + b"y" * 200_000
    + b"\n"
    + HEAD.replace(b"https://x.example.com", b"[" + b"*a," * 90_000 + b"]"),
    "many aliases of a long text as labels": HEAD.replace(
        b"{name: a}",
        b"{name: a, labels: {a: &a "
        + b"y" * 200_000
        + b"".join(b", k%d: *a" % n for n in range(40_000))
        + b"}}",
    ),
    "many aliases of a long key": HEAD
    + b"  x: &a "
    + b"k" * 9_000
    + b"\n  events:\n"
    + b"  - {*a : 1}\n" * 30_000,
    "many merges of long keys": HEAD
    + b"  x: &a {"
    + b",".join(b"k%d%01000d: 1" % (n, n) for n in range(300))
    + b"}\n  events:\n"
    + b"  - {<<: *a}\n" * 150,
    "many aliases of a faulty event": HEAD
    + b"  events:\n  - &a {type: "
    + b"y" * 8_000
    + b", version: 1}\n"
    + b"  - *a\n" * 15_000,
    "many aliases of a list where text belongs": HEAD
    + b"  x: &a ["
    + b"yyyyyyyy," * 900
    + b"]\n  previously: ["
    + b"*a," * 100
    + b"]\n",
    "many items of the wrong kind": HEAD + b"  events: [" + b"a," * 90_000 + b"]\n",
    "one long key that is no ASCII": HEAD
    + b'  ? "'
    + "😀".encode()
    + b"a" * 10_400_000
    + b'"\n  : 1\n',
    "one long word where a reference belongs": HEAD
    + b"  auth: {type: bearer, token: "
    + b"y" * 10_400_000
    + b"}\n",
    "a Policy of wrong schemas": HEAD.split(b"kind")[0]
    + b"kind: Policy\nmetadata: {name: a}\nspec:\n  schema: {allOf: ["
    + b"a," * 90_000
    + b"]}\n",
    "many selectors of many webhooks": b"".join(
        b"---\n" + HEAD.replace(b"{name: a}", b"{name: a%d, labels: {a: b}}" % n)
        for n in range(3_000)
    )
    + b"".join(
        b"---\n"
        + HEAD.split(b"kind")[0]
        + b"kind: EventSubscription\nmetadata: {name: a%d}\nspec:\n"
        b"  selector: {matchLabels: {a: b}}\n  events: [{type: t, version: v0, severity: info}]\n"
        % n
        for n in range(2_000)
    ),
}


def test_of_very_many_warnings_the_first_are_shown_and_an_error_after_them_is_not_lost() -> None:
    unknown = b"".join(
        b"  - {type: t%d, version: v0, severity: info}\n" % number for number in range(5_000)
    )
    manifests = load(make_request(paths=("-",), stdin=HEAD + b"  events:\n" + unknown))
    assert [problem.rule for problem in manifests.problems].count("events/unknown-type") == 1_000
    assert [
        problem.severity for problem in manifests.problems if problem.rule == "document/limit"
    ] == ["warning"]
    with pytest.raises(InvalidManifests) as refused:
        load(
            make_request(
                paths=("-",),
                stdin=HEAD + b"  events:\n" + unknown + b"  - {type: late, version: v0}\n",
            )
        )
    assert ("subscription/incomplete", 5007) in [
        (problem.rule, problem.origin.line) for problem in refused.value.problems
    ]


# In a process of its own, so that what is measured is the reader: its processor seconds and its
# peak memory.
MEASURE = """
import resource, sys
from reconciler.core.errors import InvalidManifests
from reconciler.manifests import InputFiles, Request, TenantChoice, load
try:
    load(Request(InputFiles(("-",), sys.stdin.buffer.read()), tenant=TenantChoice(lenient=True)))
except InvalidManifests as error:
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(len(error.problems), used.ru_utime + used.ru_stime, peak // 1024)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_file_ends_in_problems_within_two_seconds_and_200_mib(name: str) -> None:
    untraced = {
        key: value for key, value in os.environ.items() if not key.startswith("COV")
    }  # tracing would be measured too
    ended = subprocess.run(
        [sys.executable, "-c", MEASURE],
        input=BOMBS[name],
        env=untraced,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-500:]
    problems, seconds, mebibytes = ended.stdout.split()
    assert int(problems) > 0
    assert float(seconds) < 2
    assert int(mebibytes) < 200


def test_every_schema_is_a_valid_draft_2020_12_schema() -> None:
    for name in (*KINDS.values(), "manifest", "problems"):
        jsonschema.Draft202012Validator.check_schema(json.loads(read_schema_text(name)))
        assert load_schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_place_is_found_through_any_kind_of_line_break() -> None:
    for mark in ("\n", "\r\n", "\r"):
        documents, _ = read_documents(File("x"), mark.join(["a: 1", "b:", "  - c: 2"]).encode())
        assert (
            documents[0].locate(("b", 0, "c")).line,
            documents[0].locate(("b", 0, "c")).column,
        ) == (3, 8)


def test_a_schema_that_does_not_exist_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        read_schema_text("nothing")
