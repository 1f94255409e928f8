"""How tenants, endpoints and secret stores are reached, as plain values. `connect.py` uses it."""

from __future__ import annotations

from typing import NamedTuple


class Connection(NamedTuple):
    """Networks (CIDR) and ports that deliveries of the embedded tenant may reach beside the usual
    ones, a PEM file of certificate authorities beside the machine's, the seconds of a request, and
    those of the whole run. `patience` is the seconds that one request may take with all its tries:
    who repeats runs anyway wants to know soon.
    """

    allow_network: tuple[str, ...] = ()
    allow_port: tuple[int, ...] = ()
    ca_file: str | None = None
    timeout: float = 30.0
    deadline: float | None = None
    patience: float = 300.0
