"""One change of one document, made in its text: everything else stays byte for byte.

Several ways to write a change are tried, the one that touches least first; one is taken only if the
strict reader then finds what was meant and nothing else changed. What others mean by an anchor
moves to where they stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from reconciler.core.export.manifest import scalar
from reconciler.manifests.edit.layout import block, entry, inline, pair, restyled
from reconciler.manifests.yaml.nodes import Node, Step, definition, tree, value
from reconciler.manifests.yaml.places import File
from reconciler.manifests.yaml.read import read

Path = tuple[Step, ...]
Cut = tuple[int, int, str]  # from, to, what stands there instead
_LINE_END: Final = re.compile(r"\r\n|\r|\n|\Z")
_GAP: Final = re.compile(r",\s*")
_COMMENT: Final = re.compile(r"[ \t]*#[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done at a path: `set` a value there, `remove` it, or `append` it to the list
    there.
    """

    verb: Literal["set", "remove", "append"]
    path: Path
    value: Any = None

    def done_to(self, whole: Any) -> Any:
        """The document's values with the change; nothing in them is shared."""
        made = json.loads(json.dumps(whole))
        self.do(made)
        return made

    def do(self, held: Any) -> None:
        """Makes the change in these values."""
        for step in self.path[:-1]:
            held = held[step]
        last = self.path[-1]
        if self.verb == "set":
            held[last] = self.value
        elif self.verb == "remove":
            del held[last]
        else:
            held[last].append(self.value)


def values(text: str) -> Any:
    """The values of a text's one document; None where there is none, or the strict reader refuses
    it.
    """
    documents, problems = read(File(""), text.encode())
    return documents[0].value if len(documents) == 1 and not problems else None


def spliced(text: str, change: Change) -> str | None:
    """The document's text with the change; None where it cannot be made without changing more."""
    root, before = tree(text), values(text)
    if root is None or before is None:
        return None
    wanted = change.done_to(before)
    sheet = _Sheet(text, root)
    anchors = sheet.anchors(change.path)
    for cuts in sheet.ways(change, wanted):
        more = [cut for cut in anchors if not _within(cut, cuts)]
        for tried in [cuts, [*cuts, *more]] if more else [cuts]:
            made = sheet.cut(tried)
            if values(made) == wanted:
                return made
    return None


def _within(cut: Cut, cuts: list[Cut]) -> bool:
    return any(start <= cut[0] and cut[1] <= end for start, end, _ in cuts)


class _Sheet:
    """A text and its tree, while ways are looked for."""

    def __init__(self, text: str, root: Node) -> None:
        self.text = text
        self.root = root
        self.line_end = "\r\n" if "\r\n" in text else "\n"
        first = root.parts[0] if root.parts else root
        self.strict = root.flow and first.style == '"'

    def anchors(self, path: Path) -> list[Cut]:
        """Cuts of the anchors along a path: others who mean what is changed are then left as they
        are.
        """
        return [
            (node.start, node.inner, "")
            for node in self._along(path)
            if node.kind != "alias" and node.inner > node.start
        ]

    def cut(self, cuts: list[Cut]) -> str:
        """The text after all cuts. An anchor that goes with one moves to the first alias that is
        left of it.
        """
        moved: list[Cut] = []
        for node in self.root.walk():
            gone = any(
                start <= node.start and node.inner <= end and node.inner > node.start
                for start, end, _ in cuts
            )
            if node.kind == "alias" or node.name is None or not gone:
                continue
            left = [
                alias
                for alias in self.root.walk()
                if alias.kind == "alias"
                and alias.name == node.name
                and definition(alias, self.root) is node
                and not any(start <= alias.start < end for start, end, _ in cuts)
            ]
            if left:
                moved.append(
                    (
                        left[0].start,
                        left[0].end,
                        f"&{node.name} {inline(value(node, self.root), strict=self.strict)}",
                    )
                )
        made = self.text
        for start, end, new in sorted([*cuts, *moved], reverse=True):
            made = made[:start] + new + made[end:]
        return made

    def ways(self, change: Change, wanted: Any) -> Iterator[list[Cut]]:
        """The change itself, then what it lies in written anew, from the inside out."""
        nodes = self._along(change.path)
        holder, held = nodes[len(change.path) - 1 :][:1], nodes[len(change.path) :][:1]
        if change.verb == "remove" and holder and held:
            yield from self._without(holder[0], held[0])
        elif change.verb == "append" and held:
            yield from self._with_item(held[0], change.value)
        for depth in range(min(len(change.path) - (change.verb == "remove"), len(nodes)), 1, -1):
            new = wanted
            for step in change.path[:depth]:
                new = new[step]
            if depth < len(nodes):
                yield from self._instead(nodes[depth], new, strict=self._strict(nodes[depth - 1]))
            elif nodes[-1].kind == "mapping":
                yield from self._with_key(
                    nodes[-1], str(change.path[depth - 1]), new, front=depth == 2
                )

    def _along(self, path: Path) -> list[Node]:
        """The nodes from the root along a path, as far as it goes through what stands here
        itself.
        """
        found = [self.root]
        for step in path:
            child = found[-1].child(step)
            if child is None:
                break
            found.append(child)
        return found

    def _strict(self, holder: Node) -> bool:
        """Whether a mapping quotes its keys, as JSON does."""
        return self.strict or (holder.flow and bool(holder.parts) and holder.parts[0].style == '"')

    def _column(self, index: int) -> int:
        return index - self._line_start(index)

    def _line_start(self, index: int) -> int:
        return max(self.text.rfind("\n", 0, index), self.text.rfind("\r", 0, index)) + 1

    def _rest_of_line(self, index: int) -> tuple[int, int]:
        """Where the line ends, and where the next one begins."""
        found = _LINE_END.search(self.text, index)
        return found.span() if found is not None else (index, index)

    def _indented(self, lines: list[str], column: int) -> str:
        return (self.line_end + " " * column).join(lines)

    def _instead(self, node: Node, new: Any, *, strict: bool) -> Iterator[list[Cut]]:
        """Another value where a node stands; its anchor stays unless others mean the old value by
        it.
        """
        used = any(part.kind == "alias" and part.name == node.name for part in self.root.walk())
        start = node.start if used else node.inner
        if isinstance(new, str) and node.kind == "scalar" and not strict:
            for text in restyled(new, node, self.text, self.line_end):
                yield [(start, node.end, text)]
        elif (
            isinstance(new, dict | list) and node.kind != "scalar" and node.parts and not node.flow
        ):
            yield [(start, node.end, self._indented(block(new), self._column(node.inner)))]
        yield [(start, node.end, inline(new, strict=strict))]

    def _with_key(self, holder: Node, key: str, new: Any, *, front: bool) -> Iterator[list[Cut]]:
        """A key that is not there: a short one of the spec before all others, else behind the
        last.
        """
        strict, first = self._strict(holder), holder.parts[0] if holder.parts else None
        quoted = inline(key, strict=strict or (first is not None and first.style == '"'))
        plain = isinstance(new, str) and not holder.flow
        line = f"{quoted}: {scalar(new) if plain else inline(new, strict=strict)}"
        if first is None:
            yield [(holder.end - 1, holder.end - 1, line)]
            return
        start = first.start if holder.flow else holder.inner  # a key may be written `? key`
        column = self._column(start)
        between = ", " if holder.flow else self.line_end + " " * column
        before = [(start, start, line + between)]
        if front and not isinstance(new, dict | list):
            yield before
        elif holder.flow:
            yield [(holder.parts[-1].end, holder.parts[-1].end, self._gap(holder, 2) + line)]
        else:
            at, _ = self._rest_of_line(holder.parts[-1].end)
            yield [
                (
                    at,
                    at,
                    self.line_end
                    + " " * column
                    + self._indented(pair(quoted, new, " " * min(column, 8)), column),
                )
            ]
        yield before

    def _gap(self, holder: Node, step: int) -> str:
        """What stands between two entries of a flow collection, as the last two have it."""
        if len(holder.parts) > step:
            found = self.text[holder.parts[-step - 1].end : holder.parts[-step].start]
        else:
            found = "," + self.text[holder.inner + 1 : holder.parts[0].start]
        found = _COMMENT.sub("", found)
        return found if _GAP.fullmatch(found) and found != "," else ", "

    def _without(self, holder: Node, node: Node) -> Iterator[list[Cut]]:
        """An entry of a mapping or list taken out: its lines in block style, itself and a comma in
        flow style.
        """
        at = holder.parts.index(node)
        step = 2 if holder.kind == "mapping" else 1
        entry_start = holder.parts[at - step + 1].start
        if holder.flow:
            if at + 1 < len(holder.parts):
                yield [(entry_start, holder.parts[at + 1].start, "")]
            elif at >= step:
                before = holder.parts[at - step].end
                comma = self.text.index(",", before)
                if not _GAP.fullmatch(self.text, before, entry_start):  # a comment, which stays
                    start, (end, after) = (
                        self._line_start(entry_start),
                        self._rest_of_line(node.end),
                    )
                    if not (self.text[start:entry_start] + self.text[node.end : end]).strip(" ,"):
                        yield [(comma, comma + 1, ""), (start, after, "")]
                    yield [(comma, comma + 1, ""), (entry_start, node.end, "")]
                yield [(before, node.end, "")]
            return
        start = self._line_start(entry_start)
        if holder.kind == "list":
            column = self._column(holder.inner)
            while start and self.text[start + column : start + column + 1] != "-":
                start = self._line_start(start - 1)
        _, end = self._rest_of_line(node.end)
        if not self.text[start : start + self._column(holder.inner)].strip():
            yield [(start, end, "")]

    def _with_item(self, held: Node, new: Any) -> Iterator[list[Cut]]:
        """One more item behind the last one, laid out like it."""
        if held.kind != "list" or not held.parts:
            return
        last = held.parts[-1]
        strict = (
            self._strict(last)
            if last.kind == "mapping"
            else self.strict or (held.flow and last.style == '"')
        )
        if held.flow:
            yield [(last.end, last.end, self._gap(held, 1) + inline(new, strict=strict))]
            return
        column = self._column(held.inner)
        dash = self.text.rfind("-", 0, last.start)
        gap = self.text[dash + 1 : last.start]
        gap = gap if gap and not gap.strip(" ") else " "
        short = last.flow or last.kind == "scalar"
        lines = [f"-{gap}{inline(new, strict=strict)}"] if short else entry(new, gap)
        at, _ = self._rest_of_line(last.end)
        yield [(at, at, self.line_end + " " * column + self._indented(lines, column))]
