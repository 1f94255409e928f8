"""Values for the tests of `rendering`: each test names only what matters to it."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.change import Action, Change, Counts, FieldChange, Plan, TenantRef, Violation
from reconciler.core.model.auth import BearerAuth
from reconciler.core.model.problem import Problem
from reconciler.core.model.secret import Secret, Withheld, hidden_url
from reconciler.core.model.webhook import (
    Declared,
    Live,
    ManagedBy,
    Origin,
    Owner,
    Subscription,
    Use,
    Webhook,
)
from reconciler.core.planning.plan import make_plan
from reconciler.core.results.drift import Drift, find_drift, find_news
from reconciler.core.results.reports import (
    Check,
    Delivery,
    Failure,
    Outcome,
    Report,
    Status,
    TestReport,
    Verdict,
)
from reconciler.core.safety.plan_digest import add_digest
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.saved.since import Base, labelled
from reconciler.providers.moved import withheld

TENANT = TenantRef("production", "https://acme.example.com/public-api/v1", "payments")
STARTED = Subscription("elastio:recovery-point:create:started", "v0", "info")
UNHEALTHY = Subscription("elastio:recovery-point:iscan:unhealthy", "v0", "critical")
TOKEN, PATH = "tok-5d0fe1c9-never-print", "T0KEN-IN-PATH-never-print"
SECRETS = (TOKEN, PATH)

HOSTILE = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "</details><img src=x onerror=alert(1)>",
    "a | pipe | `tick` ``` fence",
    "@everyone see #12 and GH-12, org/repo#3",
    "line one\nline two\r\n## heading",
    "\u202egnp.exe\u2066 \u200bhidden",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    "--> <!-- x -->",
    "https://evil.example www.evil.example",
    "\x9b31m C1 \x7f del",
    "*bold* _em_ ~~gone~~ \\* &amp; $x$",
    "lone \ud800 surrogate",
    "   ",
)


def spec(name: str = "Payments on-call", **fields: object) -> Webhook:
    start = Webhook(name, "https://hooks.example.com/elastio", subscriptions=frozenset({STARTED}))
    return replace(start, **fields)  # type: ignore[arg-type]  # a builder: the dataclass itself refuses unknown names


def declared(
    key: str, wanted: Webhook, line: int = 3, file: str = "webhooks/payments.yaml"
) -> Declared:
    origins = {
        item: Origin(file, line + 7 + index)
        for index, item in enumerate(sorted(wanted.subscriptions, key=str))
    }
    return Declared(wanted, key, Origin(file, line), sources=(file,), subscription_origins=origins)


def live(key: str, held: Webhook, **fields: object) -> Live:
    mark = ManagedBy("payments", key, ("webhooks/payments.yaml",))
    start = Live(held, f"wh_{key}", "r1", mark, use=Use(3, 1))
    return replace(start, **fields)  # type: ignore[arg-type]  # as above


def mixed_plan() -> Plan:
    """A create, an update of every kind of field, a delete, violations, an unmanaged one and a kept
    one.
    """
    secret = Secret(TOKEN, "fromEnv: PAYMENTS_TOKEN", version="2")
    before = spec(
        "Payments pager",
        url=hidden_url(f"https://old.example.com/{PATH}"),
        auth=BearerAuth(Withheld("1")),
        enabled=False,
    )
    after = spec(
        auth=BearerAuth(secret),
        description="Backup notices\nfor the rota",
        subscriptions=frozenset({UNHEALTHY}),
    )
    hidden = Secret(
        f"https://hooks.example.com/{PATH}", "fromEnv: AUDIT_URL", "https://hooks.example.com/…"
    )
    wanted = (
        declared("payments-oncall", after),
        declared(
            "audit", spec("Audit", url=hidden, auth=BearerAuth(replace_version(secret, "1"))), 20
        ),
        declared("same", spec("Same"), 40),
    )
    held = (
        live("payments-oncall", before),
        live("same", spec("Same", url=hidden_url("https://hooks.example.com/elastio"))),
        live("gone-1", spec("Gone one"), protected=True),
        live("gone-2", spec("Gone two")),
        live("foreign", spec("Somebody's"), managed_by=None),
    )
    return make_plan(wanted, held, RunPolicy(Owner("payments")), tenant=TENANT)


def labelled_plan() -> Plan:
    """What Git moved, what the tenant moved, what both did, field by field, since a revision."""

    def one(key: str, line: int = 1, **fields: object) -> Declared:
        return declared(key, spec(key, **fields), line, f"webhooks/{key}.yaml")

    def there(key: str, **fields: object) -> Live:
        mark = ManagedBy("payments", key, (f"webhooks/{key}.yaml",))
        return live(
            key,
            spec(key, **{"url": hidden_url("https://hooks.example.com/elastio"), **fields}),
            managed_by=mark,
        )

    secret = Secret(TOKEN, "fromEnv: PAYMENTS_TOKEN", version="2")
    old = BearerAuth(replace_version(secret, "1"))
    moved = hidden_url(f"https://elsewhere.example.com/{PATH}")
    base = (
        one("both", auth=old),
        one("drift"),
        one("gone"),
        one("parts"),
        one("pending"),
        one("removed"),
    )
    wanted = (
        one("both", auth=BearerAuth(secret), description="from Git"),
        one("drift"),
        one("new"),
        one("parts", description="from Git"),
        one("pending", subscriptions=frozenset({UNHEALTHY})),
        one("removed"),
    )
    held = (
        there("both", auth=BearerAuth(Withheld("3")), description="by hand"),
        there("drift", url=moved, subscriptions=frozenset({STARTED, UNHEALTHY})),
        there("gone", description="by hand"),
        there("parts", enabled=False, url=moved, subscriptions=frozenset({STARTED, UNHEALTHY})),
        there("pending"),
    )
    policy = RunPolicy(
        Owner("payments"), literal_urls=frozenset({"https://hooks.example.com/elastio"})
    )
    plan = make_plan(wanted, held, policy, tenant=TENANT)
    return labelled(plan, Base("origin/main", "4fd1c2e" + "0" * 33, base), policy, withheld)


def settled() -> Drift:
    """What is news after that plan once a single change is left."""
    before = find_drift(labelled_plan())
    left = tuple(change for change in before.plan.pending if change.key == "pending")
    return find_news(before, find_drift(replace(before.plan, stages=(left,))))


def replace_version(secret: Secret, version: str) -> Secret:
    return secret.with_version(version)


def empty_plan() -> Plan:
    return add_digest(Plan(TENANT, counts=Counts(keep=8, unmanaged=3)))


def plan_of(
    *changes: Change, violations: tuple[Violation, ...] = (), warnings: tuple[str, ...] = ()
) -> Plan:
    kinds = [change.action for change in changes]
    counts = Counts(
        kinds.count(Action.CREATE), kinds.count(Action.UPDATE), kinds.count(Action.DELETE)
    )
    return add_digest(
        Plan(
            TENANT, (changes,) if changes else (), counts, violations=violations, warnings=warnings
        )
    )


def update(name: str, *fields: FieldChange) -> Change:
    changes = fields or (FieldChange(("description",), "before", "after"),)
    return Change(
        Action.UPDATE,
        name,
        live(name, spec(name)),
        declared(name, spec(name)),
        changes,
        "differs from the manifest",
    )


def delete(name: str) -> Change:
    return Change(
        Action.DELETE,
        name,
        live(name, spec(name)),
        reason="ours, no longer declared",
        source="webhooks/payments.yaml",
    )


def hostile_plan(text: str) -> Plan:
    """A plan in which every text that a stranger may choose is `text`."""
    event = Subscription(text, text, text)
    fields = (
        FieldChange(("description",), text, f"x{text}"),
        FieldChange(("events",), added=(event,), removed=(event,)),
    )
    wanted = Declared(
        spec(text, subscriptions=frozenset({event})),
        text,
        Origin(text, 1),
        subscription_origins={event: Origin(text, 2)},
    )
    changed = Change(Action.UPDATE, text, live(text, spec(text)), wanted, fields, f"differs {text}")
    gone = Change(
        Action.DELETE,
        text,
        live(text, spec(text), managed_by=ManagedBy(text, text, (text,))),
        reason=text,
        source=text,
    )
    violations = (
        Violation("protected", f"{text}: is protected", (text,)),
        Violation("delete-limit", text, (text, "b")),
        Violation("policy/https", f"{text}: {text} (url: {text})", (text,), Origin(text, 3, 5)),
    )
    plan = plan_of(changed, gone, violations=violations, warnings=(text,))
    return add_digest(replace(plan, tenant=TenantRef(text, text, text)))


def report_of(plan: Plan) -> Report:
    """Every change of a plan with one status after the other."""
    cycle = (Status.CREATED, Status.UPDATED, Status.FAILED, Status.SKIPPED)
    conflict = Failure("conflict", "changed at the tenant since the plan", ("url", "events"))
    skipped = Failure("skipped", "deletes start only if every create and update succeeded")
    errors = {Status.FAILED: conflict, Status.SKIPPED: skipped}
    outcomes = []
    for index, change in enumerate(plan.pending):
        status = cycle[index % len(cycle)]
        outcomes.append(Outcome(status, change, f"wh_{index}", 0.0214 + index, errors.get(status)))
    return Report(plan, tuple(outcomes))


def checks() -> TestReport:
    """One check of each verdict, and those of auth and latency."""
    results = []
    for verdict in Verdict:
        good = verdict is Verdict.DELIVERED
        delivery = Delivery(
            f"Hook {verdict}",
            STARTED,
            verdict,
            200 if good else None,
            None if good else "after 0 bytes",
            0.0412,
        )
        results.append(Check(delivery, f"hook-{verdict}", "tenant", "delivery", good))
    refused = Delivery("Guarded", UNHEALTHY, Verdict.AUTH_REFUSED, 401, None, 0.01)
    lax = Delivery("Lax", UNHEALTHY, Verdict.DELIVERED, 204, None, 1.5)
    return TestReport(
        (
            *results,
            Check(refused, "guarded", "probe", "auth", passed=True),
            Check(lax, "lax", "probe", "auth", passed=False),
            Check(lax, "lax", "probe", "latency", passed=False),
        )
    )


def problems() -> tuple[Problem, ...]:
    return (
        Problem(
            Origin("a.yaml", 7, 9),
            "/spec/auth/type",
            "schema/enum",
            "error",
            "not one of none, basic",
            "did you mean bearer?",
        ),
        Problem(Origin("b.yaml", 1, 1), "", "event/unknown", "warning", "not in the catalogue"),
    )
