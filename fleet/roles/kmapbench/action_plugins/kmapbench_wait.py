# SPDX-License-Identifier: Apache-2.0
"""Waits until a job on a host has ended, through lost connections and reboots.

Arguments: `argv` and `chdir` of the command that says how far the job is, `interval` between two
questions and `patience` with a host that does not answer, both in seconds. The result has the last
`answer`; a host that stayed silent is unreachable.
"""

import json
import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """The action that a task calls by the name of this file."""

    _VALID_ARGS = frozenset(("argv", "chdir", "interval", "patience"))
    _supports_check_mode = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The task's result."""
        result = super().run(tmp, task_vars)
        interval, patience = (float(self._task.args[name]) for name in ("interval", "patience"))
        heard = time.monotonic()
        while True:
            said = self._ask(task_vars or {})
            if not said.get("unreachable"):
                heard = time.monotonic()
                if said.get("rc") != 0:
                    return {**result, **said, "failed": True}
                answer = json.loads(said["stdout"])
                if answer["state"] != "running":
                    return {**result, "changed": False, "answer": answer}
            elif time.monotonic() - heard >= patience:
                reason = f"no answer for {patience:.0f} seconds: {said['msg']}"
                return {**result, "unreachable": True, "msg": reason}
            time.sleep(interval)

    def _ask(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the command module says, or that the host does not answer."""
        arguments = {name: self._task.args[name] for name in ("argv", "chdir")}
        try:
            return self._execute_module(
                module_name="ansible.builtin.command", module_args=arguments, task_vars=task_vars
            )
        except AnsibleConnectionFailure as error:
            # The next question opens a connection of its own.
            getattr(self._connection, "reset", lambda: None)()
            return {"unreachable": True, "msg": " ".join(str(error).split())}
