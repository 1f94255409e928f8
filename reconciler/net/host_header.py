"""Whether a request is for this server: its Host header. A page in a browser that was given our
address under another name (DNS rebinding) sends that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_HOST: Final = re.compile(
    r"(?:\[(?P<address>[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)\]|(?P<name>[^\[\]:]+))(?::[0-9]*)?"
)


def is_served(header: str, hosts: Iterable[str]) -> bool:
    """Whether a Host header is one of these hosts, in lower case, with at most a port."""
    match = _HOST.fullmatch(header)
    return match is not None and (match["name"] or match["address"]).lower() in hosts
