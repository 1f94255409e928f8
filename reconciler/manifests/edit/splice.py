"""One change of one document, made in its text: everything else stays byte for byte.

Several ways to write a change are tried, the smallest first. A way counts only if the strict reader
then finds the new values and nothing else changed. If a change removes an anchor with aliases, then
the anchor moves to the first alias.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from reconciler.core.export.manifest import format_scalar
from reconciler.manifests.edit.layout import (
    format_block,
    format_entry,
    format_inline,
    format_pair,
    restyle,
)
from reconciler.manifests.yaml.document import File
from reconciler.manifests.yaml.nodes import Node, Step, find_definition, read_tree, resolve_value
from reconciler.manifests.yaml.reader import read_documents

Path = tuple[Step, ...]
Cut = tuple[int, int, str]  # from, to, what stands there instead
_LINE_END: Final = re.compile(r"\r\n|\r|\n|\Z")
_GAP: Final = re.compile(r",\s*")
_COMMENT: Final = re.compile(r"[ \t]*#[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Change:
    """A change at a path: `set` a value there, `remove` it, or `append` a value to the list
    there.
    """

    verb: Literal["set", "remove", "append"]
    path: Path
    value: Any = None

    def apply(self, document: Any) -> Any:
        """A deep copy of the document's values with the change."""
        result = json.loads(json.dumps(document))
        self.apply_in_place(result)
        return result

    def apply_in_place(self, document: Any) -> None:
        """Makes the change in these values."""
        for step in self.path[:-1]:
            document = document[step]
        last_step = self.path[-1]
        if self.verb == "set":
            document[last_step] = self.value
        elif self.verb == "remove":
            del document[last_step]
        else:
            document[last_step].append(self.value)


def read_values(text: str) -> Any:
    """The values of a text's one document; None if there is none, or the strict reader
    refuses it.
    """
    documents, problems = read_documents(File(""), text.encode())
    return documents[0].value if len(documents) == 1 and not problems else None


def splice(text: str, change: Change) -> str | None:
    """The document's text with the change; None if it cannot be made without changing more."""
    root, before = read_tree(text), read_values(text)
    if root is None or before is None:
        return None
    new_document = change.apply(before)
    sheet = _Sheet(text, root)
    all_anchors = sheet.find_anchors(change.path)
    for cuts in sheet.find_ways(change, new_document):
        anchor_cuts = [cut for cut in all_anchors if not _is_within(cut, cuts)]
        for attempt in [cuts, [*cuts, *anchor_cuts]] if anchor_cuts else [cuts]:
            result = sheet.apply_cuts(attempt)
            if read_values(result) == new_document:
                return result
    return None


def _is_within(cut: Cut, cuts: list[Cut]) -> bool:
    return any(start <= cut[0] and cut[1] <= end for start, end, _ in cuts)


class _Sheet:
    """A text and its tree, in which ways to make a change are searched."""

    def __init__(self, text: str, root: Node) -> None:
        self.text = text
        self.root = root
        self.line_end = "\r\n" if "\r\n" in text else "\n"
        first = root.parts[0] if root.parts else root
        self.strict = root.flow and first.style == '"'

    def find_anchors(self, path: Path) -> list[Cut]:
        """Cuts of the anchors along a path, so that their aliases do not follow the change."""
        return [
            (node.start, node.inner, "")
            for node in self._find_nodes(path)
            if node.kind != "alias" and node.inner > node.start
        ]

    def apply_cuts(self, cuts: list[Cut]) -> str:
        """The text after all cuts. A removed anchor moves to the first of its remaining aliases."""
        moved_anchors: list[Cut] = []
        for node in self.root.walk():
            is_removed = any(
                start <= node.start and node.inner <= end and node.inner > node.start
                for start, end, _ in cuts
            )
            if node.kind == "alias" or node.name is None or not is_removed:
                continue
            remaining_aliases = [
                alias
                for alias in self.root.walk()
                if alias.kind == "alias"
                and alias.name == node.name
                and find_definition(alias, self.root) is node
                and not any(start <= alias.start < end for start, end, _ in cuts)
            ]
            if remaining_aliases:
                alias = remaining_aliases[0]
                text = format_inline(resolve_value(node, self.root), strict=self.strict)
                moved_anchors.append((alias.start, alias.end, f"&{node.name} {text}"))
        result = self.text
        for start, end, replacement in sorted([*cuts, *moved_anchors], reverse=True):
            result = result[:start] + replacement + result[end:]
        return result

    def find_ways(self, change: Change, new_document: Any) -> Iterator[list[Cut]]:
        """The change itself, then its surrounding values written anew, from the inside out."""
        nodes = self._find_nodes(change.path)
        holder, target = nodes[len(change.path) - 1 :][:1], nodes[len(change.path) :][:1]
        if change.verb == "remove" and holder and target:
            yield from self._remove_entry(holder[0], target[0])
        elif change.verb == "append" and target:
            yield from self._append_item(target[0], change.value)
        for depth in range(min(len(change.path) - (change.verb == "remove"), len(nodes)), 1, -1):
            new_value = new_document
            for step in change.path[:depth]:
                new_value = new_value[step]
            if depth < len(nodes):
                yield from self._replace_node(
                    nodes[depth], new_value, strict=self._is_strict(nodes[depth - 1])
                )
            elif nodes[-1].kind == "mapping":
                yield from self._add_key(
                    nodes[-1], str(change.path[depth - 1]), new_value, front=depth == 2
                )

    def _find_nodes(self, path: Path) -> list[Node]:
        """The nodes from the root along a path, as far as the text itself has them."""
        nodes = [self.root]
        for step in path:
            child = nodes[-1].find_child(step)
            if child is None:
                break
            nodes.append(child)
        return nodes

    def _is_strict(self, holder: Node) -> bool:
        """Whether a mapping quotes its keys, as JSON does."""
        return self.strict or (holder.flow and bool(holder.parts) and holder.parts[0].style == '"')

    def _find_column(self, index: int) -> int:
        return index - self._find_line_start(index)

    def _find_line_start(self, index: int) -> int:
        return max(self.text.rfind("\n", 0, index), self.text.rfind("\r", 0, index)) + 1

    def _find_line_end(self, index: int) -> tuple[int, int]:
        """Offset of the end of the line, and of the next line."""
        match = _LINE_END.search(self.text, index)
        return match.span() if match is not None else (index, index)

    def _indent(self, lines: list[str], column: int) -> str:
        return (self.line_end + " " * column).join(lines)

    def _replace_node(self, node: Node, new_value: Any, *, strict: bool) -> Iterator[list[Cut]]:
        """A new value in place of a node. Its anchor stays unless aliases refer to it."""
        is_referenced = any(
            part.kind == "alias" and part.name == node.name for part in self.root.walk()
        )
        start = node.start if is_referenced else node.inner
        if isinstance(new_value, str) and node.kind == "scalar" and not strict:
            for text in restyle(new_value, node, self.text, self.line_end):
                yield [(start, node.end, text)]
        elif (
            isinstance(new_value, dict | list)
            and node.kind != "scalar"
            and node.parts
            and not node.flow
        ):
            yield [
                (
                    start,
                    node.end,
                    self._indent(format_block(new_value), self._find_column(node.inner)),
                )
            ]
        yield [(start, node.end, format_inline(new_value, strict=strict))]

    def _add_key(
        self, holder: Node, key: str, new_value: Any, *, front: bool
    ) -> Iterator[list[Cut]]:
        """A new key: a short one of the spec before all others, else after the last."""
        strict, first = self._is_strict(holder), holder.parts[0] if holder.parts else None
        key_text = format_inline(key, strict=strict or (first is not None and first.style == '"'))
        is_plain = isinstance(new_value, str) and not holder.flow
        text = format_scalar(new_value) if is_plain else format_inline(new_value, strict=strict)
        line = f"{key_text}: {text}"
        if first is None:
            yield [(holder.end - 1, holder.end - 1, line)]
            return
        start = first.start if holder.flow else holder.inner  # a key may be written `? key`
        column = self._find_column(start)
        separator = ", " if holder.flow else self.line_end + " " * column
        before = [(start, start, line + separator)]
        if front and not isinstance(new_value, dict | list):
            yield before
        elif holder.flow:
            yield [(holder.parts[-1].end, holder.parts[-1].end, self._find_gap(holder, 2) + line)]
        else:
            position, _ = self._find_line_end(holder.parts[-1].end)
            yield [
                (
                    position,
                    position,
                    self.line_end
                    + " " * column
                    + self._indent(format_pair(key_text, new_value, " " * min(column, 8)), column),
                )
            ]
        yield before

    def _find_gap(self, holder: Node, step: int) -> str:
        """The text between the last two entries of a flow collection."""
        if len(holder.parts) > step:
            gap = self.text[holder.parts[-step - 1].end : holder.parts[-step].start]
        else:
            gap = "," + self.text[holder.inner + 1 : holder.parts[0].start]
        gap = _COMMENT.sub("", gap)
        return gap if _GAP.fullmatch(gap) and gap != "," else ", "

    def _remove_entry(self, holder: Node, node: Node) -> Iterator[list[Cut]]:
        """Removes an entry of a mapping or list: its lines in block style, itself and a comma in
        flow style.
        """
        position = holder.parts.index(node)
        step = 2 if holder.kind == "mapping" else 1
        entry_start = holder.parts[position - step + 1].start
        if holder.flow:
            if position + 1 < len(holder.parts):
                yield [(entry_start, holder.parts[position + 1].start, "")]
            elif position >= step:
                before = holder.parts[position - step].end
                comma = self.text.index(",", before)
                if not _GAP.fullmatch(self.text, before, entry_start):  # a comment, which stays
                    start, (end, after) = (
                        self._find_line_start(entry_start),
                        self._find_line_end(node.end),
                    )
                    if not (self.text[start:entry_start] + self.text[node.end : end]).strip(" ,"):
                        yield [(comma, comma + 1, ""), (start, after, "")]
                    yield [(comma, comma + 1, ""), (entry_start, node.end, "")]
                yield [(before, node.end, "")]
            return
        start = self._find_line_start(entry_start)
        if holder.kind == "list":
            column = self._find_column(holder.inner)
            while start and self.text[start + column : start + column + 1] != "-":
                start = self._find_line_start(start - 1)
        _, end = self._find_line_end(node.end)
        if not self.text[start : start + self._find_column(holder.inner)].strip():
            yield [(start, end, "")]

    def _append_item(self, holder: Node, new_value: Any) -> Iterator[list[Cut]]:
        """Appends an item after the last one, in its layout."""
        if holder.kind != "list" or not holder.parts:
            return
        last_item = holder.parts[-1]
        strict = (
            self._is_strict(last_item)
            if last_item.kind == "mapping"
            else self.strict or (holder.flow and last_item.style == '"')
        )
        if holder.flow:
            yield [
                (
                    last_item.end,
                    last_item.end,
                    self._find_gap(holder, 1) + format_inline(new_value, strict=strict),
                )
            ]
            return
        column = self._find_column(holder.inner)
        dash = self.text.rfind("-", 0, last_item.start)
        gap = self.text[dash + 1 : last_item.start]
        gap = gap if gap and not gap.strip(" ") else " "
        is_short = last_item.flow or last_item.kind == "scalar"
        lines = (
            [f"-{gap}{format_inline(new_value, strict=strict)}"]
            if is_short
            else format_entry(new_value, gap)
        )
        position, _ = self._find_line_end(last_item.end)
        yield [(position, position, self.line_end + " " * column + self._indent(lines, column))]
