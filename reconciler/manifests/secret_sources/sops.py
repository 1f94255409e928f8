"""`fromSops: {file, key}`: a value of a file that sops encrypted, decrypted by the program `sops`.

The file says which keys open it, and the address of a Vault too; it may come from a pull request.
So sops gets no Vault token. age, PGP and the key services of clouds work.
"""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.manifests.secret_sources.base import SIZE, Access, Item, Place, Unresolved, get_text
from reconciler.manifests.secret_sources.file import read_file, resolve_allowed

LIST_NAME: Final = "sops"
ALLOWED_BY_DEFAULT: Final = False
# Not empty: without a token in its environment, sops takes the one that `vault login` left in the
# home folder.
_NO_VAULT: Final = {"VAULT_TOKEN": "none", "VAULT_ADDR": ""}
_CODES: Final = {
    1: "sops cannot read the file: it is damaged, or not encrypted by sops",
    24: "the file was changed after it was encrypted: its checksum does not decrypt",
    25: "the file was changed after it was encrypted: a value does not decrypt",
    51: "the file was changed after it was encrypted: checksum mismatch",
    52: "the file was changed after it was encrypted: its checksum is missing",
    128: "none of the keys that open the file is here",
}


def find_place(value: Any, folder: str, access: Access) -> Place:
    """The key in that file, which must be allowed as a file of `fromFile` is."""
    name = value["file"]
    return Place(
        "fromSops", (resolve_allowed(name, folder, access.secrets_dir),), value["key"], subject=name
    )


def fetch(item: Item, access: Access) -> Any:
    """The whole file, decrypted."""
    from reconciler.manifests.secret_sources.process import Exited, run  # noqa: PLC0415  runs without a program never load it

    (path,) = item
    read_file(path, 0)  # reports a pipe or a missing file as `fromFile` does
    try:
        text = run(
            ["sops", "decrypt", "--output-type", "json", path], access, 16 * SIZE, env=_NO_VAULT
        )
    except Exited as error:
        reason = _CODES.get(error.code, f"sops ended with exit code {error.code}")
        is_missing_key = error.code == 128
        raise Unresolved(
            reason,
            "for age: set SOPS_AGE_KEY_FILE"
            if is_missing_key
            else "run `sops decrypt` by hand to see its message",
        ) from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unresolved("sops printed no JSON") from None


def pick(fetched: Any, place: Place) -> str:
    """The value of a top-level key, else of a path of keys with dots."""
    values, key = fetched, place.part or ""
    while isinstance(values, dict) and key not in values and "." in key:
        first, _, rest = key.partition(".")
        if first not in values:
            break
        values, key = values[first], rest
    return get_text(values if isinstance(values, dict) else {}, key)
