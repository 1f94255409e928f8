"""Every error this program raises on purpose. Only `cli` catches them; a bug is not caught.

ReconcilerError
├── InvalidManifests      problems: all of them, by file and line
├── PlanRefused           violations: why the plan is unsafe
├── StalePlan             the approved digest is not that of this plan
├── InvalidPlanFile       the file is no saved plan, or was changed
├── BadRequest            the options do not fit the manifests (no such webhook, which tenant?)
├── GitFailed             git cannot read the manifests at a revision
├── Declined              a person answered no at the prompt
├── StoreError            the embedded tenant's file cannot be used
├── NotServed             the embedded tenant cannot be served there: the port is taken, the address
is none of this machine
└── ProviderError         one request; never headers, bodies or secrets in the message; cause
chained
    ├── Unreachable       temporary: connection, timeout
    ├── Overloaded        temporary: 429, 503, 507; says when
    ├── Interrupted       a person ended the wait for another try
    ├── TenantFault       temporary: other 5xx
    ├── Unauthorized      permanent: 401, 403 (a 403 of type `owner` fails that object alone)
    ├── NotFound          permanent: 404 (deleting what is gone counts as deleted)
    ├── Conflict          permanent: 409, 412 (409 `idempotency-in-progress` is temporary)
    ├── Rejected          permanent: other 4xx: problem type, title, pointers
    └── BadAnswer         permanent: success with a body that does not decode
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from reconciler.core.change import Violation
    from reconciler.core.model.problem import Problem


class ReconcilerError(Exception):
    """The root class. Its text may be printed as it is."""

    kind: ClassVar[str] = "error"


class InvalidManifests(ReconcilerError):
    """Manifests with at least one problem of severity error; `problems` holds warnings too."""

    kind = "invalid-manifests"

    def __init__(self, problems: tuple[Problem, ...], documents: int = 0, skipped: int = 0) -> None:
        """`documents` were read, and `skipped` ones of an unknown apiVersion were not."""
        super().__init__(
            f"{sum(p.severity == 'error' for p in problems)} problem(s) in the manifests"
        )
        self.problems = problems
        self.documents = documents
        self.skipped = skipped


class PlanRefused(ReconcilerError):
    """A plan that `check` found unsafe."""

    kind = "plan-refused"

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        """`violations` in the order of the rules."""
        super().__init__("; ".join(v.message for v in violations))
        self.violations = violations


class StalePlan(ReconcilerError):
    """The approved plan differs from the current one."""

    kind = "stale-plan"


class InvalidPlanFile(ReconcilerError):
    """The file is no saved plan, was cut or edited, or comes from a different version."""

    kind = "plan-file"


class BadRequest(ReconcilerError):
    """The options do not fit the manifests or the tenant; a usage error that is found after parsing
    options.
    """

    kind = "usage"

    def __init__(self, message: str, *, nothing_selected: bool = False) -> None:
        """`nothing_selected`: the options select no declared webhook."""
        super().__init__(message)
        self.nothing_selected = nothing_selected


class GitFailed(ReconcilerError):
    """Git cannot read the earlier manifests: it is not installed, or its repository is
    incomplete.
    """

    kind = "git"


class Declined(ReconcilerError):
    """A person answered no at the prompt, or there was no terminal."""

    kind = "declined"


class StoreError(ReconcilerError):
    """The embedded tenant's file cannot be used: not a database, locked, from a newer version,
    without its key.
    """

    kind = "store"


class NotServed(ReconcilerError):
    """The embedded tenant cannot be served there: the port is taken, or the address is none of this
    machine.
    """

    kind = "not-served"


class ProviderError(ReconcilerError):
    """One request to a tenant failed. `temporary` decides the retry, in `providers/http/client.py`
    alone.
    """

    kind = "provider"
    temporary: ClassVar[bool] = False


class Unreachable(ProviderError):
    """No answer: connection refused or lost, or a timeout."""

    kind = "unreachable"
    temporary = True

    def __init__(self, message: str, waited: float | None = None) -> None:
        """`waited` is the number of seconds without an answer, None for other reasons."""
        super().__init__(message)
        self.waited = waited


class Overloaded(ProviderError):
    """429, 503 or 507; `retry_after` is the number of seconds that the tenant asks for, None if it
    does not.
    """

    kind = "overloaded"
    temporary = True

    def __init__(
        self, message: str, retry_after: float | None = None, *, storage_full: bool = False
    ) -> None:
        """`retry_after` in seconds from now; `storage_full` if the tenant has no room to store
        anything.
        """
        super().__init__(message)
        self.retry_after = retry_after
        self.storage_full = storage_full


class Interrupted(ProviderError):
    """A person ended the run while this request waited for its next try."""

    kind = "interrupted"


class TenantFault(ProviderError):
    """A 5xx other than 503 and 507."""

    kind = "tenant-fault"
    temporary = True


class Unauthorized(ProviderError):
    """401 or 403; `object_only` when only this webhook is refused (problem type `owner`)."""

    kind = "unauthorized"

    def __init__(self, message: str, *, object_only: bool = False, explained: bool = False) -> None:
        """`object_only` is true for a 403 of type `owner`; `explained` if the message says which
        right is missing.
        """
        super().__init__(message)
        self.object_only, self.explained = object_only, explained


class NotFound(ProviderError):
    """404: the webhook does not exist."""

    kind = "not-found"


class Conflict(ProviderError):
    """409 or 412: the webhook differs from the plan; `fields` are the changed ones, if they could
    be read.
    """

    kind = "conflict"

    def __init__(self, message: str, fields: tuple[str, ...] = (), *, problem: str = "") -> None:
        """`fields` are dotted paths such as `auth.username`; `problem` is the tenant's problem
        type.
        """
        super().__init__(message)
        self.fields = fields
        self.problem = problem


class Rejected(ProviderError):
    """A 4xx without a class of its own: the tenant does not accept the request. Or a 500 that no
    retry fixes: its database is damaged.
    """

    kind = "rejected"

    def __init__(self, message: str, fields: tuple[str, ...] = ()) -> None:
        """`fields` are the pointers that the tenant names."""
        super().__init__(message)
        self.fields = fields


class BadAnswer(ProviderError):
    """A success whose body does not match the contract."""

    kind = "bad-answer"
