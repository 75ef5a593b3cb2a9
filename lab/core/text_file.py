# SPDX-License-Identifier: Apache-2.0
"""Text files that a user names. Standard library only."""

import os
import stat
from errno import EFBIG, EINVAL
from pathlib import Path

_MOST_BYTES = 64 << 20  # a mailbox of patches; what is larger was not meant


def read(path: Path, errors: str = "strict") -> str:
    """The text of a file or a pipe; OSError says what is wrong, also of a device, which may have no
    end. ValueError: it is not UTF-8. errors: as for bytes.decode().
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            raise OSError(EINVAL, "is no file", str(path))
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise OSError(EFBIG, f"has more than {_MOST_BYTES >> 20} MiB", str(path))
    return content.decode(errors=errors)
