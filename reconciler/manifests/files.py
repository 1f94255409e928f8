"""Opens files so that a named pipe or a device can never hold a run up. Called by `paths.py` and `secrets.py`."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader


def open_regular(path: str, flags: int = 0) -> BufferedReader:
    """A regular file for reading; raises OSError, whose `strerror` says why not, and ValueError for what is no path."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    stream = os.fdopen(descriptor, "rb") if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    if stream is None:
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return stream
