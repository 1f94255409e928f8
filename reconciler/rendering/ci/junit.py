"""Problems and test results as JUnit XML, for the test pages of CI systems.

The shape is what Jenkins, GitLab and others read: `testsuites`, `testsuite`, `testcase` with
`failure`. Times in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reconciler.core.model.problem import Problem
from reconciler.core.results.reports import Check, TestReport
from reconciler.rendering.escape import terminal
from reconciler.rendering.hints import check_hint
from reconciler.rendering.problems import problems_summary
from reconciler.rendering.wording import RECEIVES_NOTHING, check_result

_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


def _attributes(**texts: str) -> dict[str, str]:
    """Foreign texts made one visible line each, which XML can hold."""
    return {name: terminal(text) for name, text in texts.items()}


def _failure(case: Element, kind: str, message: str, hint: str | None) -> None:
    failure = SubElement(case, "failure", _attributes(type=kind, message=message))
    failure.text = terminal(f"{message}; hint: {hint}" if hint else message)


def _add_counts(element: Element) -> Element:
    """Adds the totals of the cases, which readers expect as attributes."""
    cases = list(element.iter("testcase"))
    failed = sum(case.find("failure") is not None for case in cases)
    seconds = sum(float(case.get("time", "0")) for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    counts = {"tests": len(cases), "failures": failed, "errors": 0, "skipped": skipped}
    element.attrib |= {name: str(count) for name, count in counts.items()} | {
        "time": f"{seconds:.3f}"
    }
    return element


def _text(root: Element) -> str:
    indent(root)
    return _HEAD + tostring(root, encoding="unicode")


def _check(suite: Element, check: Check) -> None:
    delivery = check.delivery
    suffix = "" if check.check == "delivery" else f", {check.check} check"
    names = _attributes(classname=check.key, name=f"{delivery.event} via {check.via}{suffix}")
    case = SubElement(suite, "testcase", names | {"time": f"{delivery.seconds:.3f}"})
    status = "" if delivery.status_code is None else f" {delivery.status_code}"
    result = f"{delivery.verdict.value}{status}{f', {delivery.detail}' if delivery.detail else ''}"
    if check.passed:
        SubElement(case, "system-out").text = terminal(result)
    elif not check.tested:
        SubElement(case, "skipped", _attributes(message=f"not tested: {check_result(check)}"))
    else:
        _failure(case, delivery.verdict.value, result, check_hint(check))


def test_junit(test_report: TestReport) -> str:
    """A suite a webhook, in the order given, and a case a check."""
    root = Element("testsuites", name="reconciler test")
    _suites(root, test_report)
    return _text(_add_counts(root))


def tests_junit(tenants: Iterable[tuple[str, TestReport | None, str]]) -> str:
    """The same for several tenants, their names before those of the suites; without a report a
    failed case with the reason.
    """
    root = Element("testsuites", name="reconciler test")
    for tenant, test_report, reason in tenants:
        if test_report is not None:
            _suites(root, test_report, f"{tenant}: ")
            continue
        suite = SubElement(root, "testsuite", _attributes(name=tenant))
        case = SubElement(
            suite,
            "testcase",
            _attributes(classname=tenant, name="tenant was tested") | {"time": "0.000"},
        )
        _failure(case, "not-tested", reason, None)
        _add_counts(suite)
    return _text(_add_counts(root))


def _suites(root: Element, test_report: TestReport, prefix: str = "") -> None:
    for key, checks in groupby(test_report.checks, lambda check: check.key):
        suite = SubElement(root, "testsuite", _attributes(name=f"{prefix}{key}"))
        for check in checks:
            _check(suite, check)
        _add_counts(suite)
        if key in test_report.switched_off:
            SubElement(suite, "system-out").text = f"warning: {RECEIVES_NOTHING}"


def problems_junit(problems: Iterable[Problem], documents: int, skipped: int) -> str:
    """One suite: a case for each problem, of which errors are failures; and one for the manifests,
    which holds the summary.
    """
    all_problems = tuple(problems)
    root = Element("testsuites", name="reconciler validate")
    suite = SubElement(root, "testsuite", name="validate")
    for problem in all_problems:
        origin = problem.origin
        names = _attributes(
            classname=origin.file,
            name=f"{origin} {problem.rule}",
            file=origin.file,
            line=str(origin.line),
        )
        case = SubElement(suite, "testcase", names | {"time": "0.000"})
        if problem.severity == "error":
            _failure(case, problem.rule, problem.message, problem.hint)
        else:
            SubElement(case, "system-out").text = terminal(f"warning: {problem.message}")
    case = SubElement(
        suite, "testcase", {"classname": "validate", "name": "manifests were read", "time": "0.000"}
    )
    SubElement(case, "system-out").text = problems_summary(all_problems, documents, skipped)
    _add_counts(suite)
    return _text(_add_counts(root))
