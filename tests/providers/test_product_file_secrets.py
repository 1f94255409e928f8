"""Options of a product file whose values are secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.providers.test_product_file import make_spec, write_manifests
from tests.stand_ins.rest import open_rest

OLD, NEW = "gate-value-0123456789", "gate-value-9876543210"
GATE = {"at": "/gate", "type": "string", "secret": True, "description": "Opens the gate."}
LINE = "  options: {gate: {fromEnv: GATE}}\n"


@pytest.mark.parametrize("method", ["patch", "put"])
def test_a_secret_option_is_sent_kept_and_removed(method: str, tmp_path: Path) -> None:
    with open_rest() as server:
        spec = make_spec(options={"gate": GATE}, update={method: "/hooks/{id}"})
        repository = write_manifests(tmp_path, server, spec)
        repository.env |= {"GATE": OLD, "RECONCILER_FINGERPRINT_KEY": "a-key-0123456789"}
        repository.secrets += (OLD, NEW)
        path = repository.write("pager", more=LINE)
        repository.reconcile()
        (hook,) = server.hooks.values()
        assert hook["gate"] == OLD
        repository.env["GATE"] = NEW
        assert "options.gate (secret)" in repository.run("plan").out
        repository.reconcile()
        (hook,) = server.hooks.values()
        assert hook["gate"] == NEW
        if method == "patch":  # PUT would need the value, which never comes back
            path.write_text(path.read_text().replace("enabled: true", "enabled: false"))
            repository.reconcile()
            (hook,) = server.hooks.values()
            assert (hook["gate"], hook["active"]) == (NEW, False)
        path.write_text(path.read_text().replace(LINE, ""))
        repository.reconcile()
        (hook,) = server.hooks.values()
        assert hook["gate"] == ""


def test_a_literal_value_is_an_error_that_does_not_quote_it(tmp_path: Path) -> None:
    with open_rest() as server:
        repository = write_manifests(tmp_path, server, make_spec(options={"gate": GATE}))
        repository.secrets += (OLD,)
        repository.write("pager", more=f"  options: {{gate: {OLD}}}\n")
        ended = repository.run("validate")
        assert ended.code == 1
        assert "[secret/literal]" in ended.out + ended.err


@pytest.mark.parametrize("more", [{"type": "boolean"}, {"default": "x"}, {"enum": ["x"]}])
def test_a_secret_option_is_a_text_of_any_value(more: dict[str, Any], tmp_path: Path) -> None:
    with open_rest() as server:
        spec = make_spec(options={"gate": {**GATE, **more}})
        ended = write_manifests(tmp_path, server, spec).run("validate")
        assert ended.code == 1
        assert "a secret is a text of any value" in ended.out + ended.err
