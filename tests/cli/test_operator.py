"""`reconciler operator`: what it says without a cluster."""

from __future__ import annotations

from pathlib import Path

from tests.support.processes import run


def test_without_a_cluster_it_says_what_to_give(tmp_path: Path) -> None:
    done = run("operator", "--lease-namespace", "default", cwd=tmp_path)
    assert done.code == 64
    assert "outside of a cluster give --kubeconfig" in done.err


def test_outside_of_a_pod_its_namespace_has_to_be_given(tmp_path: Path) -> None:
    done = run("operator", cwd=tmp_path)
    assert done.code == 64
    assert "give --lease-namespace" in done.err


def test_a_kubeconfig_that_is_missing_is_named(tmp_path: Path) -> None:
    for command in (["operator", "--lease-namespace", "default"], ["operator", "release"]):
        done = run(*command, "--kubeconfig", "missing", cwd=tmp_path)
        assert done.code == 64
        assert "no API server is known" in done.err


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    done = run("operator", "--tls-cert", "x.pem", cwd=tmp_path)
    assert done.code == 64
    assert "--tls-cert and --tls-key go together" in done.err
