"""A Tenant's `spec.patches` applied to Webhook documents: JSON Merge Patch (RFC 7396), then the
schema again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from reconciler.core.model.problem import Problem
from reconciler.manifests.decode.loaded import TenantSpec
from reconciler.manifests.decode.refused import Refused
from reconciler.manifests.schemas.near import near
from reconciler.manifests.schemas.schema import check, is_valid
from reconciler.manifests.yaml.places import Document, Patched, Path

# patched webhooks of a run, and patches applied to them: so that no file makes a run of minutes
MOST: Final = 100_000
_PROBLEMS: Final = 100  # of one webhook
# webhooks of a run whose problems are told: one patch that matches many is at fault in all of them
# alike
EXPLAINED: Final = 50
_MENDS: Final = {
    "schema/required": "every Webhook needs it, patched or not",
    "schema/additionalProperties": "null in the patch removes what the manifest says",
    "schema/maxProperties": "null in the patch removes what the manifest says: {fromEnv: "
    "null, fromFile: PATH}",
}
_PATCHES: Final[Path] = ("spec", "patches")
Labels = Mapping[str, str]


def merge(
    target: Any, patch: Any, told: Callable[[Path], object] = lambda _path: None, path: Path = ()
) -> Any:
    """The target with the patch in it, by RFC 7396; neither is changed. `told` gets each path that
    the patch set or removed.
    """
    if not isinstance(patch, dict):
        told(path)
        return patch
    if not isinstance(target, dict):
        told(path)
        target, told = {}, lambda _path: None
    made = dict(target)
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
            told((*path, key))
        else:
            made[key] = merge(made.get(key), value, told, (*path, key))
    return made


@dataclass(frozen=True, slots=True)
class Merged:
    """The documents that are left, with what patches made of them; `refused` are keys of those that
    the schema then refused.
    """

    documents: list[Document]
    refused: frozenset[str] = frozenset()


def apply(
    documents: Sequence[Document],
    tenant: TenantSpec,
    of: Document,
    problems: list[Problem],
    lost: Refused,
    *,
    explain: int = EXPLAINED,
) -> Merged:
    """Merges the patches of a Tenant, whose document is `of`, into the Webhook documents that it
    selects.

    A patch that matches one of the `lost` webhooks only is not reported as idle. Of what comes out
    wrong the faults of `explain` webhooks are reported.
    """
    patches, left = _Patches(of), MOST
    made: list[Document] = []
    refused: dict[str, list[Problem]] = {}
    for document in documents:
        name, labels = document.value["metadata"]["name"], _labels(document)
        numbers = patches.matching(name, labels) if tenant.selects(labels) else []
        left -= len(numbers)
        if left < 0:
            message = f"the patches apply over {MOST:,} times in all"
            problems.append(
                of.problem(_PATCHES, "patch/limit", message, "match fewer webhooks", key=True)
            )
            return Merged([], frozenset(item.value["metadata"]["name"] for item in documents))
        patched = patches.patched(document, numbers) if numbers else document
        if patched is document or is_valid("Webhook", patched.value):
            made.append(patched)
        else:
            refused[name] = check("Webhook", patched, _PROBLEMS) if len(refused) < explain else []
    problems += [_with_mend(problem) for told in refused.values() for problem in told]
    problems += patches.idle(documents, tenant, lost)
    return Merged(made, frozenset(refused))


def _with_mend(problem: Problem) -> Problem:
    """What the schema says of a manifest, with what it means for a patch."""
    mend = _MENDS.get(problem.rule)
    return (
        problem
        if mend is None
        else replace(problem, hint=mend if problem.hint is None else f"{problem.hint}; {mend}")
    )


def _labels(document: Document) -> Labels:
    labels: Labels = document.value["metadata"].get("labels") or {}
    return labels


class _Patches:
    """The patches of one Tenant, found by what they match."""

    def __init__(self, of: Document) -> None:
        self._of = of
        self._patches: list[dict[str, Any]] = of.value["spec"].get("patches", [])
        self._used: set[int] = set()
        self._by: dict[object, list[int]] = {}
        for number, patch in enumerate(self._patches):
            self._by.setdefault(_most_telling(patch["match"]), []).append(number)

    def matching(self, name: str, labels: Labels) -> list[int]:
        """The numbers of the patches that match a webhook, in the order in which they are
        applied.
        """
        maybe = [
            number for known in (None, name, *labels.items()) for number in self._by.get(known, ())
        ]
        found = sorted(
            number for number in maybe if _matches(self._patches[number]["match"], name, labels)
        )
        self._used.update(found)
        return found

    def patched(self, document: Document, numbers: Sequence[int]) -> Document:
        """The document with those patches in it, and where they stand; as it was where they say
        nothing.
        """
        spec, grafts = document.value["spec"], dict[Path, tuple[Document, Path]]()
        for number in numbers:
            touched: list[Path] = []
            spec = merge(spec, self._patches[number]["patch"], touched.append)
            for path in touched:
                below = [graft for graft in grafts if graft[: len(path) + 1] == ("spec", *path)]
                for graft in below:
                    del grafts[graft]
                grafts["spec", *path] = self._of, (*_PATCHES, number, "patch", *path)
        value = {**document.value, "spec": spec}
        return (
            Document(value, document.file, document.index, Patched(document, grafts))
            if grafts
            else document
        )

    def idle(
        self, documents: Sequence[Document], tenant: TenantSpec, lost: Refused
    ) -> Iterator[Problem]:
        """A warning for each patch that matched nothing, and nothing that was `lost`."""
        names = {document.value["metadata"]["name"] for document in documents}
        for number, patch in enumerate(self._patches):
            match = patch["match"]
            if number not in self._used and not lost.may_match(
                match.get("name"), match.get("matchLabels", {})
            ):
                path: Path = (*_PATCHES, number, "match")
                message = f"the patch matches no Webhook that Tenant {tenant.name} selects"
                mend = _mend(match.get("name"), names)
                yield self._of.problem(
                    path, "patch/no-match", message, mend, severity="warning", key=True
                )


def _mend(name: str | None, names: Collection[str]) -> str:
    if name is None:
        return "no such Webhook among the paths has all these labels"
    if name in names:
        return f"{name} is declared: compare its labels with the match and with the Tenant's select"
    return near(name, names) or "is the file that declares it among the paths?"


def _most_telling(match: dict[str, Any]) -> object:
    """What to find a patch by: the name, one of the labels, None for what matches everything."""
    return match.get("name") or next(iter(match.get("matchLabels", {}).items()), None)


def _matches(match: dict[str, Any], name: str, labels: Labels) -> bool:
    wanted: Labels = match.get("matchLabels", {})
    return match.get("name", name) == name and wanted.items() <= labels.items()
