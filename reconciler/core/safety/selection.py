"""What the Tenant in use selects of the webhooks that the files of a run declare. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.model.webhook import Origin


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A webhook that the files of a run declare and the Tenant in use does not select; `name` is
    its name at a tenant.
    """

    key: str
    name: str
    previously: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Selection:
    """What the Tenant in use selects: its name, the labels that it wants, and the declared webhooks
    that lack them.
    """

    tenant: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    @property
    def text(self) -> str:
        """The labels as `--select` takes them."""
        return ", ".join(f"{label}={value}" for label, value in self.labels.items())
