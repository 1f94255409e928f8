"""The limits of the values, one function each: None when the value is fine, else what is wrong with
it.

A message never quotes the value.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64decode
from typing import Final
from urllib.parse import urlsplit

NAME_LENGTH: Final = 255  # characters; the project's own limit, Elastio's is not public
DESCRIPTION_LENGTH: Final = 1024  # characters; the project's own limit
HOST_LENGTH: Final = 254  # characters, with a dot at the end: RFC 1035, 2.3.4
URL_LENGTH: Final = 2048  # characters; the project's own limit
OPTION_LENGTH: Final = 2048  # of a secret option
CREDENTIAL_BYTES: Final = 255  # printable ASCII: docs.elastio.com/docs/reference/webhook.html

REPOSITORY_LENGTH: Final = 1024  # characters; the project's own limit

REPOSITORY: Final = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?:/[!$-.0-;=A-Z_a-z~]+)+"
)
KEY: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 token
_RESERVED: Final = re.compile(
    r"host|content-.*|connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|proxy-.*",
    re.IGNORECASE,
)
# Spaces and what Unicode calls Default_Ignorable_Code_Point, for a class of a regular expression:
# nothing of it is seen.
INVISIBLE: Final = (
    r" \u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u206f\u2800\u3000"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_VISIBLE: Final = re.compile(f"[^{INVISIBLE}]")
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LABEL: Final = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?")
_IPV4: Final = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!$)|$)){4}")
_IPV6: Final = re.compile(
    r"[0-9a-f:.]*:[0-9a-f:.]*"
)  # urlsplit has looked closer; without a zone and IPvFuture
_BRACKETS: Final = re.compile(r"\[[^]]*\](?::[0-9]*)?")  # urlsplit lets anything stand around them
_NUMBER_LAST: Final = re.compile(r"(?:^|\.)[0-9]+\.?$")
_LOOPBACK: Final = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|::1")  # 127.0.0.0/8: RFC 6890


def _unprintable(text: str) -> str | None:
    for char in text:
        category = unicodedata.category(char)
        if category == "Cs":
            return "has a lone surrogate"
        if char in _BIDI:
            return "has a bidirectional control character"
        if (
            category in {"Cc", "Zl", "Zp"}
            or ord(char) & 0xFFFE == 0xFFFE
            or "\ufdd0" <= char <= "\ufdef"
        ):
            # or one of the 66 noncharacters; what is unassigned here may be a new emoji
            return "has a control character"
    return None


def name(text: str) -> str | None:
    """A webhook's name: 1 to 255 printable characters, one of them visible, no space at either
    end.
    """
    if not 1 <= len(text) <= NAME_LENGTH:
        return f"must have 1 to {NAME_LENGTH} characters"
    if text != text.strip():
        return "has a space at its start or end"
    return _unprintable(text) or (None if _VISIBLE.search(text) else "has no visible character")


def description(text: str) -> str | None:
    """A description: up to 1,024 characters; line breaks and tabs are fine."""
    if len(text) > DESCRIPTION_LENGTH:
        return f"has over {DESCRIPTION_LENGTH} characters"
    return _unprintable(text.replace("\n", "").replace("\t", "").replace("\r", ""))


def repository(text: str) -> str | None:
    """A repository: `host/path`, host in small letters, no scheme, port or @ (so no password), up
    to 1,024 characters.
    """
    if len(text) > REPOSITORY_LENGTH:
        return f"has over {REPOSITORY_LENGTH} characters"
    return (
        None
        if REPOSITORY.fullmatch(text)
        else "must be host/path, such as forge.example/acme/webhooks"
    )


def _is_host(host: str, *, literal: bool) -> bool:
    """Whether it is a DNS name, or an IP address as everybody writes it: 127.1 and 0x7f.1 are
    neither.

    Brackets are split off.
    """
    if literal or _NUMBER_LAST.search(host):
        return (_IPV6 if literal else _IPV4).fullmatch(host) is not None
    return len(host) <= HOST_LENGTH and _HOST.fullmatch(host) is not None


def url(text: str) -> str | None:  # noqa: PLR0911  one line for each thing that can be wrong
    """An endpoint: absolute http(s), a host, no user info, no fragment, up to 2,048 characters."""
    if len(text) > URL_LENGTH:
        return f"has over {URL_LENGTH} characters"
    if not text.isascii() or any(char <= " " or char == "\x7f" for char in text):
        return "must be ASCII without spaces; encode other characters (RFC 3986)"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is not a url"
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        return "must be an absolute http:// or https:// url"
    literal = "[" in parts.netloc
    if not _is_host(host, literal=literal) or (
        literal and not _BRACKETS.fullmatch(parts.netloc.rpartition("@")[2])
    ):
        return "must have a host name, or an IP address in full"
    if any(char in text for char in '\\"<>^`{|}'):
        return "has a character that a url cannot hold; encode it (RFC 3986)"
    if "@" in parts.netloc:
        return "must not carry a user name or password; use auth"
    if "#" in text:
        return "must not have a fragment"
    return None


def is_plain_http_abroad(text: str) -> bool:
    """Whether a valid url would send in clear to a host that is not loopback."""
    parts = urlsplit(text)
    return parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname or "")


def credential(text: str) -> str | None:
    """A resolved authentication field: 1 to 255 bytes of printable ASCII, no space at either
    end.
    """
    if not 1 <= len(text) <= CREDENTIAL_BYTES:
        return f"must have 1 to {CREDENTIAL_BYTES} bytes"
    if not all(" " <= char <= "~" for char in text):
        return "must be printable ASCII"
    if text != text.strip(" "):
        return "has a space at its start or end"
    return None


def secret_option(text: str) -> str | None:
    """A secret among the options of a webhook: up to 2,048 printable ASCII characters on one
    line.
    """
    if not 1 <= len(text) <= OPTION_LENGTH:
        return f"must have 1 to {OPTION_LENGTH:,} characters"
    return None if all(" " <= char <= "~" for char in text) else "must be printable ASCII"


def signing_keys(text: str, scheme: str) -> str | None:
    """A key, or during a rotation two with a space between them, of one of auth.SCHEMES.

    Source of the forms: the Standard Webhooks specification (`whsec_` and base64 of 24 to 64 bytes;
    `whsk_` and base64 of an ed25519 private key).
    """
    if fault := credential(text):
        return fault
    keys = text.split(" ")
    if len(keys) > 2:
        return "must be one key, or two with a space between them"
    if scheme not in _KEY_FORMS:
        return None
    prefix, sizes, form = _KEY_FORMS[scheme]
    for key in keys:
        try:
            size = len(b64decode(key.removeprefix(prefix), validate=True))
        except ValueError:
            size = 0
        if not key.startswith(prefix) or size not in sizes:
            return f"must be {prefix} and base64 of {form}"
    return None


_KEY_FORMS: Final = {
    "standard": ("whsec_", range(24, 65), "24 to 64 bytes"),
    "standard-v1a": ("whsk_", (32, 64), "an ed25519 private key of 32 or 64 bytes"),
}


def username(text: str) -> str | None:
    """A basic user name: a credential without a colon (RFC 7617, 2)."""
    return "must not contain a colon (RFC 7617)" if ":" in text else credential(text)


def header(text: str) -> str | None:
    """An apiKey header: an HTTP field name (RFC 9110) that the delivery itself does not need."""
    if not 1 <= len(text) <= CREDENTIAL_BYTES or not _FIELD_NAME.fullmatch(text):
        return "is not an HTTP field name"
    if _RESERVED.fullmatch(text):
        return "is a header that HTTP itself uses"
    return None


def normalize_name(text: str) -> str:
    """A name as the tenant compares it: Unicode NFC."""
    return unicodedata.normalize("NFC", text)
