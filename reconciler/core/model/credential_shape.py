"""Whether a text has the shape of a credential: an error where a name belongs, so that no output
repeats it.

Asked about names of references and of token files. No text here is read from a secret source.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

# Forms that issuers publish, so that scanners of repositories find them.
_ISSUED: Final = re.compile(
    r"""
    (?<![A-Za-z0-9])(?:
        (?:sk|pk|rk)[-_](?:live|test|prod|proj|ant|or|svcacct)[-_][A-Za-z0-9]
      | sk-[A-Za-z0-9_-]{16}
      | gh[oprsu]_[A-Za-z0-9]{8} | github_pat_[A-Za-z0-9] | gl[a-z]{2,6}-[A-Za-z0-9_-]{16}
      | xox[a-z]-[A-Za-z0-9] | xapp-[0-9] | whsec_[A-Za-z0-9+/]{8}
      | shp(?:at|ca|pa|ss|sc)_[A-Fa-f0-9]{8}
      | (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12} | AIza[A-Za-z0-9_-]{20} | ya29\.[A-Za-z0-9_-]
      | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-] | hv[bsr]\.[A-Za-z0-9_-]{8} | s\.[A-Za-z0-9]{24}
      | npm_[A-Za-z0-9]{20} | pypi-[A-Za-z0-9_-]{16} | do[oprt]_v1_[a-f0-9]{8}
      | SG\.[A-Za-z0-9_-]{16}
      | AGE-SECRET-KEY-1 | -----BEGIN
    )
    | ^[a-z][a-z0-9+.-]*://
    """,
    re.VERBOSE,
)
_SCHEME: Final = re.compile(
    r"\s*(?:basic|bearer|token|apikey|digest|negotiate)\s+\S", re.IGNORECASE
)
_PIECES: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_PART_LENGTH: Final = 16  # letters and digits of one part between separators
_LONG_LENGTH: Final = 24  # letters and digits of a long part
_WHOLE_LENGTH: Final = 32  # letters and digits of a whole name
_SHORT_PIECE: Final = 3.2  # mean length of words and numbers up to which they are no words
_LONG_PIECE: Final = 3.7


@lru_cache(maxsize=4096)  # the same names come again and again
def is_issued(text: str) -> bool:
    """Whether a text is or contains what a known issuer hands out, a value of an Authorization
    header, or a url.
    """
    return _ISSUED.search(text) is not None or _SCHEME.match(text) is not None


@lru_cache(maxsize=4096)
def is_random(name: str) -> bool:
    """Whether a name looks drawn by chance: letters and digits in turns, at a length that no person
    writes.
    """
    parts = re.split(r"[^A-Za-z0-9+/=]+", name)
    whole = "".join(parts)
    return any(map(_is_mixed, parts)) or (len(whole) >= _WHOLE_LENGTH and _is_mixed(whole))


def _is_mixed(text: str) -> bool:
    pieces: list[str] = _PIECES.findall(text)
    length = sum(map(len, pieces))
    if length < _PART_LENGTH or text.isalpha():
        return False
    return length / len(pieces) <= (_LONG_PIECE if length >= _LONG_LENGTH else _SHORT_PIECE)
