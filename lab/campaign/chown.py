# SPDX-License-Identifier: Apache-2.0
"""What root makes in a user's folder belongs to that user: `sudo ./kmapbench run` leaves nothing
its caller cannot remove.
"""

import os
from pathlib import Path


def hand_over(folder: Path) -> None:
    """Gives a folder that we made to the owner of the folder it is in. Only root can,
    and has to.
    """
    if os.geteuid() != 0:
        return
    owner = folder.parent.stat()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
