"""The options of every command that plans."""

from __future__ import annotations

from typing import Any

from reconciler.cli.options import (
    Decorator,
    narrow_options,
    network_options,
    policies_option,
    policy_options,
    secret_options,
    tenant_options,
    time_options,
    together,
)
from reconciler.cli.run.certificates import ca_file_option
from reconciler.cli.run.moved_from import moved_from_option

shared_options: Decorator[Any] = together(
    tenant_options,
    ca_file_option,
    policies_option,
    policy_options,
    moved_from_option,
    narrow_options,
    time_options,
    network_options,
    secret_options,
)
