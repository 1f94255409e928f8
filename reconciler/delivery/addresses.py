"""Which addresses are special: the IANA special-purpose registries, and IPv4 hidden inside IPv6.
Pure; used by `guard.py`.

Source: iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry, every entry
whether "globally reachable" or not, plus multicast, the reserved blocks and 168.63.129.16 (a
cloud's metadata service behind a public-looking address).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SPECIAL_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host
        "169.254.0.0/16",  # link-local, metadata services
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112, direct delegation
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
GLOBAL_V6: Final = IPv6Network(
    "2000::/3"
)  # all that is assigned for the public net; the rest is special or reserved
SPECIAL_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112, direct delegation
        "3fff::/20",  # documentation
    )
)
_COMPATIBLE: Final = IPv6Network("::/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")


def is_special(address: Address) -> bool:
    """Whether the address is not an ordinary public one. Embedded addresses are not checked."""
    if isinstance(address, IPv4Address):
        return any(address in network for network in SPECIAL_V4)
    return address not in GLOBAL_V6 or any(address in network for network in SPECIAL_V6)


def find_embedded(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that a translated IPv6 address leads to: compatible, 6to4, Teredo (server,
    client) and NAT64.

    Mapped addresses are not among them: to the system they are the IPv4 address itself. 0.0.0.0/8
    is left out: the zeros of ::1 or of a different prefix length look like it, and no translator
    sends packets there.
    """
    if isinstance(address, IPv6Address):
        yield from (inner for inner in _find_translated(address) if inner not in SPECIAL_V4[0])


def _find_translated(address: IPv6Address) -> Iterator[IPv4Address]:
    if address in _COMPATIBLE or address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64_LOCAL:  # RFC 6052: any prefix length from 48 on may be in use
        yield from (IPv4Address(_rfc6052(int(address), length)) for length in (48, 56, 64, 96))


def _rfc6052(value: int, length: int) -> int:
    """The 32 bits after a prefix of `length` bits, bits 64 to 71 left out."""
    if length == 96:
        return value & 0xFFFFFFFF
    bits = ((value >> 64) << 56) | (value & ((1 << 56) - 1))  # 120 bits, the reserved octet gone
    return (bits >> (120 - length - 32)) & 0xFFFFFFFF
