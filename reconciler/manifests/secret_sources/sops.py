"""`fromSops: {file, key}`: a value of a file that sops encrypted, decrypted by the program `sops`.

Which keys open a file stands in the file, which may come from a pull request: the address of a
Vault too. So sops is given no Vault token; age, PGP and the key services of clouds work.
"""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.manifests.secret_sources.base import SIZE, Access, Item, Lost, Place, text_of
from reconciler.manifests.secret_sources.file import allowed, contents

LISTED: Final = "sops"
OPTIONAL: Final = False
# Not empty: without a token in its environment, sops takes the one that `vault login` left in the
# home folder.
_NO_VAULT: Final = {"VAULT_TOKEN": "none", "VAULT_ADDR": ""}
_CODES: Final = {
    1: "sops cannot read the file: it is damaged, or not encrypted by sops",
    24: "the file was changed after it was encrypted: its checksum does not decrypt",
    25: "the file was changed after it was encrypted: a value does not decrypt",
    51: "the file was changed after it was encrypted: its checksum is another",
    52: "the file was changed after it was encrypted: its checksum is missing",
    128: "none of the keys that open the file is here",
}


def place(value: Any, folder: str, access: Access) -> Place:
    """The key in that file, which may stand where a file of `fromFile` may."""
    name = value["file"]
    return Place(
        "fromSops", (allowed(name, folder, access.secrets_dir),), value["key"], subject=name
    )


def fetch(item: Item, access: Access) -> Any:
    """The whole file, decrypted."""
    from reconciler.manifests.secret_sources.process import Exited, run  # noqa: PLC0415  runs without a program never load it

    (path,) = item
    contents(path, 0)  # a pipe, or nothing at all, is told as of any file
    try:
        text = run(
            ["sops", "decrypt", "--output-type", "json", path], access, 16 * SIZE, env=_NO_VAULT
        )
    except Exited as error:
        why = _CODES.get(error.code, f"sops ended with exit code {error.code}")
        key = error.code == 128
        raise Lost(
            why,
            "for age: set SOPS_AGE_KEY_FILE"
            if key
            else "run `sops decrypt` by hand to see what it says",
        ) from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Lost("sops printed no JSON") from None


def pick(got: Any, place: Place) -> str:
    """The value of a key of the top level, else of several that dots separate."""
    values, key = got, place.part or ""
    while isinstance(values, dict) and key not in values and "." in key:
        first, _, rest = key.partition(".")
        if first not in values:
            break
        values, key = values[first], rest
    return text_of(values if isinstance(values, dict) else {}, key)
