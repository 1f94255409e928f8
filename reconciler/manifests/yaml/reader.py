"""Bytes -> documents and problems: the strict YAML 1.2 reader, for JSON files too.

Any bytes give documents or problems, never an exception. Files are opened elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import yaml
from yaml.error import MarkedYAMLError, YAMLError

from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Origin
from reconciler.manifests.yaml.build import Builder, Stop
from reconciler.manifests.yaml.document import Document, File

SIZE: Final = 10 * 1024 * 1024  # bytes a file
_DIRECTIVES: Final = 100  # the parser compares each with all before it
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_USUAL: Final = bytes([9, 10, 13, *range(32, 127)])
_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)
_PAIR: Final = re.compile(
    r"(?<!\\)((?:\\\\)*+)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)


def open_parser(text: str) -> Any:
    """PyYAML's C parser, or the pure Python parser if the extension was not built."""
    try:
        from yaml._yaml import CParser  # noqa: PLC0415  PyYAML has it only if libyaml was found
    except ImportError:
        return yaml.SafeLoader(text)
    return CParser(text)


def _join_pair(match: re.Match[str]) -> str:
    point = 0x10000 + ((int(match[2], 16) - 0xD800) << 10) + (int(match[3], 16) - 0xDC00)
    return f"{match[1]}\\U{point:08x}"


def _decode(file: File, data: bytes) -> list[Problem]:
    """Puts the text into the file; returns problems if it is not text that YAML can hold."""
    if len(data) > SIZE:
        return [
            Problem(Origin(file.name, 1), "", "yaml/limit", "error", "the file has over 10 MiB")
        ]
    try:
        file.text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        file.text = data[: error.start].decode("utf-8-sig", errors="replace")
        return [
            file.make_problem(
                len(file.text), "yaml/encoding", "not UTF-8", "save the file as UTF-8"
            )
        ]
    unusual_bytes = data.translate(None, _USUAL)  # nearly always empty, and faster than the search
    control = _CONTROL.search(file.text) if unusual_bytes else None
    if control is not None:
        return [
            file.make_problem(
                control.start(),
                "yaml/encoding",
                f"a control character (U+{ord(control[0]):04X})",
                "remove it",
            )
        ]
    if (
        "%" in file.text
        and (directive := next(islice(_DIRECTIVE.finditer(file.text), _DIRECTIVES, None), None))
        is not None
    ):
        return [
            file.make_problem(directive.start(), "yaml/limit", f"over {_DIRECTIVES} directives")
        ]
    if "\\u" in file.text and file.text.lstrip()[:1] in {"{", "["}:
        file.text = _PAIR.sub(
            _join_pair, file.text
        )  # JSON writes characters beyond U+FFFF as two escapes, YAML as one
    return []


# A part of the parser's message, and the fix; the first match counts.
_FIXES: Final = (
    (
        "mapping values are not allowed",
        "quote a value that contains a colon and a space, or check the indentation",
    ),
    ("could not find expected ':'", "a key needs a colon and a space after it"),
    (
        "did not find expected key",
        "indent this line as the entries above it, or quote a value that starts with a quote",
    ),
    (
        "did not find expected '-' indicator",
        "indent this line as the items above it, each with a dash",
    ),
    ("did not find expected ',' or", "close the bracket, or put a comma between its entries"),
    ("did not find expected node content", "give the value, or quote one that starts with a sign"),
    ("cannot start any token", "quote a value that starts with @, % or `"),
    ("alphabetic or numeric character", "quote a value that starts with * or &"),
    ("unknown escape character", "put the text in single quotes, or double the backslash"),
    ("block sequence entries are not allowed", "begin the list on a line of its own"),
    ("did not find expected <document start>", "put --- between two documents"),
    ("simple keys", "keep a key and its colon on one line"),
    ("undefined alias", "quote a value that starts with *"),
)
_ELSE: Final = "check indentation, colons and quotes of this line and of the one before"


def _syntax_problem(file: File, error: YAMLError) -> Problem:
    """The parser's error with the source line and a hint."""
    if not isinstance(error, MarkedYAMLError):
        return file.make_problem(0, "yaml/syntax", "not YAML")
    from reconciler.manifests.yaml.excerpt import make_excerpt  # noqa: PLC0415  a manifest without a fault does not need it

    index, message, hint = _explain_syntax(file, error)
    return replace(
        file.make_problem(index, "yaml/syntax", message, hint), excerpt=make_excerpt(file, index)
    )


def _explain_syntax(file: File, error: MarkedYAMLError) -> tuple[int, str, str]:
    """The offset, the reason and the fix of a syntax error. The offset of an unclosed quote is its
    start.
    """
    unclosed = "quoted" in (error.context or "") and "end of stream" in (error.problem or "")
    mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
    index = min(mark.index if mark is not None else 0, len(file.text))
    if unclosed:
        return index, "a quote that is not closed", "close it on the same line"
    start = max(file.text.rfind("\n", 0, index), file.text.rfind("\r", 0, index)) + 1
    if "\t" in file.text[start : index + 1] and not file.text[start:index].strip():
        return index, "a tab in the indentation", "indent with spaces"
    words = " ".join(part for part in (error.context, error.problem) if part)
    hint = next((fix for part, fix in _FIXES if part in words), _ELSE)
    return index, f"not YAML: {words.split(chr(39))[0].strip()}", hint


def read_documents(file: File, data: bytes) -> tuple[list[Document], list[Problem]]:
    """The documents of one file and its problems; documents before a syntax error are included."""
    problems = _decode(file, data)
    if problems:
        return [], problems
    builder = Builder(file)
    try:
        builder.run(open_parser(file.text).get_event)
    except Stop:
        pass
    except YAMLError as error:
        builder.problems.append(_syntax_problem(file, error))
    except (
        RecursionError,
        ValueError,
        MemoryError,
    ):  # of the pure parser, or of the C parser's own buffers
        builder.problems.append(file.make_problem(0, "yaml/syntax", "not YAML that can be read"))
    return builder.documents, builder.problems
