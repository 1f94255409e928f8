"""An export over hand-written authentication and blocks of text: what differs changes, references
stay, and the plan is empty.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from reconciler.core.model.auth import ApiKeyAuth, Auth, BasicAuth, BearerAuth, NoAuth
from reconciler.core.model.secret import Secret, Withheld
from tests.support.exporting import HEAD, export_over, touched

AUTHS: dict[str, tuple[str, Auth, int]] = {
    "user name": (
        """\
  auth:
    # who
    username: bob  # him
    type: basic
    password: {fromEnv: P}
    version: '1'
""",
        BasicAuth(Secret("amy"), Withheld("1")),
        1,
    ),
    "user name in flow": (
        """\
  auth: {type: basic, username: 'bob',  password: {fromEnv: P}, version: '1'}  # him
""",
        BasicAuth(Secret("a:y"[::2]), Withheld("1")),
        1,
    ),
    "header": (
        """\
  auth: {type: apiKey, header: X-Key, value: {fromFile: key}, version: '1'}
""",
        ApiKeyAuth("X-Other", Withheld("1")),
        1,
    ),
    "header in block": (
        """\
  auth:
    type: apiKey
    header: "X-Key"   # theirs
    value:
      fromEnv: V
    version: '1'
""",
        ApiKeyAuth("X-Other", Withheld("1")),
        1,
    ),
    "version": (
        """\
  auth:
      type: bearer
      token: {fromEnv: T}
      version: "1"  # rotate
""",
        BearerAuth(Withheld("2")),
        1,
    ),
    "version in flow": (
        """\
  auth: {type: bearer, token: {fromEnv: T}, version: '1'}
""",
        BearerAuth(Withheld("2")),
        1,
    ),
    "no version": (
        """\
  auth:
      type: bearer
      token: {fromEnv: T}
      version: "1"
""",
        BearerAuth(Withheld()),
        1,
    ),
    "none": (
        """\
  auth: {type: bearer, token: {fromEnv: T}, version: '1'}  # why
""",
        NoAuth(),
        1,
    ),
    "none from a block": (
        """\
  auth:
    type: bearer  # why
    token: {fromEnv: T}
    version: '1'
""",
        NoAuth(),
        4,
    ),
    "from none": (
        """\
  auth: {type: none}  # yet
""",
        BearerAuth(Withheld("1")),
        1,
    ),
}


@pytest.mark.parametrize(
    ("case", "rest"),
    list(
        product(
            AUTHS,
            ("  enabled: true\n", "  events:\n    - {type: x, version: v0, severity: info}\n", ""),
        )
    ),
)
def test_an_edit_of_the_authentication_touches_what_differs_and_keeps_references(
    tmp_path: Path, case: str, rest: str
) -> None:
    auth, held, lines = AUTHS[case]
    before = HEAD + "spec:\n  url: https://a.example/1  # where\n" + auth + rest
    after, _ = export_over(
        tmp_path, before, lambda spec: replace(spec, auth=held), "\r\n" if rest else "\n"
    )
    found = touched(before, after)
    assert len(found) == 1, after
    assert max(found[0]) == lines, after
    for reference in ("{fromEnv: T}", "{fromEnv: P}", "{fromFile: key}", "fromEnv: V\n"):
        assert (reference in after) == (reference in before and not isinstance(held, NoAuth))
    assert after.count("#") >= before.count("#") - isinstance(held, NoAuth)


def test_another_type_gets_another_reference_and_its_variable_is_reported(tmp_path: Path) -> None:
    before = (
        HEAD + "spec:\n  url: https://a.example/1\n  auth:  # theirs\n    type: bearer  # RFC "
        "6750\n    token: {fromEnv: T}\n"
    )
    after, _ = export_over(
        tmp_path, before, lambda spec: replace(spec, auth=BasicAuth(Secret("bob"), Withheld("7")))
    )
    assert after == before.replace("type: bearer", "type: basic").replace(
        "    token: {fromEnv: T}\n",
        '    username: bob\n    password: {fromEnv: WEBHOOK_ONE_PASSWORD}\n    version: "7"\n',
    )


BLOCK = (
    HEAD + "spec:\n  description: |  # long\n     One line\n     two: lines\n  # after\n  url: "
    "https://a.example/1\n"
)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("One line\ntwo lines\n", BLOCK.replace("two: lines", "two lines")),
        ("One", BLOCK.replace("|  # long\n     One line\n     two: lines", "|-  # long\n     One")),
        ("", BLOCK.replace("|  # long\n     One line\n     two: lines", '""')),
    ],
)
def test_a_block_of_lines_stays_a_block(tmp_path: Path, new: str, expected: str) -> None:
    assert export_over(tmp_path, BLOCK, lambda spec: replace(spec, description=new))[0] == expected
