"""Fields that a manifest leaves out of comparison with `spec.ignore`: the live value is kept. Pure.
docs/plan-rules.md, rule 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reconciler.core.model.fields import Path
from reconciler.core.model.options import Options
from reconciler.core.model.webhook import Webhook


def keep_ignored(spec: Webhook, live: Webhook, ignored: Iterable[Path]) -> Webhook:
    """The declared spec with the live value of each ignored field."""
    values: dict[str, Any] = {}
    options = [path[1] for path in ignored if path[0] == "options"]
    for name, *_ in ignored:
        if name == "events":
            values["subscriptions"] = live.subscriptions
        elif name != "options":
            values[name] = getattr(live, name)
    if options:
        values["options"] = _keep_options(spec.options, live.options, options)
    return replace(spec, **values)


def _keep_options(options: Options, live: Options, names: Iterable[str]) -> Options:
    kept = {name: value for name, value in options.items() if name not in names}
    return kept | {name: live[name] for name in names if name in live}
