"""The messages of CEL rules about one text, by the rule that the command line reports.

Each one is what `core/model/limits.py` says of such a value, in one sentence.
"""

from __future__ import annotations

from typing import Final

from reconciler.core.model import limits

_PRINTABLE: Final = "printable characters, one of them visible, without a space at either end"
MESSAGES: Final = {
    "url/invalid": f"must be an absolute http:// or https:// url of up to {limits.URL_LENGTH:,} "
    "ASCII characters, without a user name and a fragment",
    "tenant/plain-http": "must be https://, or http:// to loopback",
    "webhook/name": f"must be 1 to {limits.NAME_LENGTH} {_PRINTABLE}",
    "tenant/owner": f"must be 1 to {limits.NAME_LENGTH} {_PRINTABLE}",
    "webhook/description": "has a control character",
    "auth/header": "is not an HTTP field name, or is a header that HTTP itself uses",
    "auth/username-colon": "must be printable ASCII without a colon (RFC 7617), and without a "
    "space at either end",
}
