# SPDX-License-Identifier: Apache-2.0
"""A guest that suspends to RAM is woken from outside, however long it took to fall asleep."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def waking() -> Iterator[int]:
    """The monitor of a machine (qemu.Machine.monitor), which is woken each time that it sleeps.

    QMP, as QEMU's docs/interop/qmp-spec describes it: a greeting, then commands and events, each a
    line of JSON.
    """
    ours, qemus = socket.socketpair()
    thread = threading.Thread(target=_wake, args=(ours,))
    thread.start()
    try:
        yield qemus.fileno()
    finally:
        qemus.close()  # QEMU, which had a copy, is gone: there is no more to read
        thread.join()
        ours.close()


def _wake(monitor: socket.socket) -> None:
    with monitor.makefile("rw", encoding="utf-8") as lines:
        for line in lines:
            said = json.loads(line)
            if "QMP" in said:
                _execute(lines, "qmp_capabilities")
            elif said.get("event") == "SUSPEND":
                _execute(lines, "system_wakeup")


def _execute(lines, command: str) -> None:
    lines.write(json.dumps({"execute": command}) + "\n")
    lines.flush()
