# SPDX-License-Identifier: Apache-2.0
"""A Slurm cluster of this machine's own: munged, slurmctld and a slurmd for each machine that it
pretends to have, all in a folder of the test, and gone after it.
"""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from lab.core import subprocesses

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
# What a slurmd that has gone silent is waited for.
SILENT_SECONDS = 60


class SlurmCluster:
    """A context manager. variables: what commands need to reach it."""

    def __init__(self, folder: Path, nodes: int = 2, cpus: int = 1):
        self.folder = folder
        self.nodes = [f"machine{number}" for number in range(1, nodes + 1)]
        self._cpus = cpus
        self._ports = _free_ports(1 + nodes)
        self._running: dict[str, subprocess.Popen] = {}
        self.variables = {"SLURM_CONF": str(folder / "slurm.conf")}

    def __enter__(self) -> "SlurmCluster":
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("state", "run", *self.nodes):
            (self.folder / name).mkdir()
        (self.folder / "slurm.conf").write_text(self._conf())
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        try:
            self._start_munge(key)
            self.start_controller()
            for node in self.nodes:
                self.start_node(node)
            self._wait_for_nodes()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if "slurmctld" in self._running:
            self.command("scancel", "--user=root", check=False)
        for node in self.nodes:
            self.kill_node(node)
        for name in list(self._running):
            self._kill(name)

    def _conf(self) -> str:
        state = self.folder
        host = socket.gethostname()
        lines = {
            "ClusterName": "kmapbench",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmctldPort": self._ports[0],
            "SlurmUser": "root",
            "SlurmdUser": "root",
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={state}/munge.socket",
            "CredType": "cred/munge",
            "StateSaveLocation": f"{state}/state",
            "SlurmdSpoolDir": f"{state}/%n",
            "SlurmctldPidFile": f"{state}/run/slurmctld.pid",
            "SlurmdPidFile": f"{state}/run/%n.pid",
            "SlurmctldLogFile": f"{state}/slurmctld.log",
            "SlurmdLogFile": f"{state}/%n.log",
            "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_CPU",
            "SchedulerParameters": "batch_sched_delay=0,sched_interval=2,bf_interval=2",
            "SlurmdParameters": "config_overrides",
            "SlurmdTimeout": SILENT_SECONDS,
            "SlurmctldTimeout": 30,
            "InactiveLimit": 0,
            "KillWait": 3,
            "ReturnToService": 2,
            "MpiDefault": "none",
            "MailProg": "/bin/true",
            "PropagateResourceLimits": "NONE",
        }
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        for node, port in zip(self.nodes, self._ports[1:], strict=True):
            text += (
                f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port}"
                f" CPUs={self._cpus} RealMemory=16000\n"
            )
        return f"{text}PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE\n"

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self._running[name] = subprocess.Popen(
                subprocesses.ended_with_us(command),
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=os.environ | self.variables,
            )

    def _start_munge(self, key: Path) -> None:
        place = self.folder
        self._start(
            "munged",
            subprocesses.find("munged", "munge"),
            "--foreground",
            "--force",  # whoever may write to the folders above is no matter here
            f"--key-file={key}",
            f"--socket={place}/munge.socket",
            f"--pid-file={place}/run/munged.pid",
            f"--log-file={place}/munged.log",
            f"--seed-file={place}/munged.seed",
        )
        _wait_until((place / "munge.socket").exists, f"munged: see {place}/munged.out")

    def start_controller(self) -> None:
        self._start("slurmctld", subprocesses.find("slurmctld", "slurmctld"), "-D")

    def stop_controller(self) -> None:
        """As a restart does it; by SIGKILL it would forget the last seconds, and start jobs anew
        that it has started already.
        """
        process = self._running.pop("slurmctld")
        process.terminate()
        process.wait()

    def start_node(self, node: str) -> None:
        self._start(node, subprocesses.find("slurmd", "slurmd"), "-D", "-N", node)

    def kill_node(self, node: str) -> None:
        """As where its power fails: slurmd, the steps that it has started, and all they run."""
        self._kill(node)
        for pid in _step_managers(f"SLURM_CONF={self.variables['SLURM_CONF']}", node):
            _kill_tree(pid)

    def _kill(self, name: str) -> None:
        if process := self._running.pop(name, None):
            process.kill()
            process.wait()

    def _wait_for_nodes(self) -> None:
        def ready() -> bool:
            states = self.command("sinfo", "-h", "-N", "-o", "%T", check=False).split()
            return len(states) == len(self.nodes) and set(states) == {"idle"}

        _wait_until(ready, f"the cluster: see {self.folder}/slurmctld.log")

    def command(self, *words: str, check: bool = True) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(
            words, capture_output=True, text=True, env=os.environ | self.variables, check=False
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    def running(self) -> dict[str, str]:
        """The tasks that run, each with its machine."""
        lines = self.command("squeue", "-h", "-t", "RUNNING", "-o", "%F_%K %N", check=False)
        return dict(line.split() for line in lines.splitlines())

    def active(self, array: str) -> bool:
        """Whether a task of an array has not ended yet."""
        return bool(self.command("squeue", "-h", "-j", array, check=False))

    def states(self, array: str) -> set[str]:
        """How the tasks of an array have ended."""
        listed = ["-h", "-r", "-t", "all", "-j", array, "-o", "%T"]
        return {*self.command("squeue", *listed).split()}

    def mend(self) -> None:
        """Starts what was killed, and waits until all machines are idle."""
        if "slurmctld" not in self._running:
            self.start_controller()
        for node in self.nodes:
            if node not in self._running:
                self.start_node(node)
        self._wait_for_nodes()


def _step_managers(cluster: str, node: str) -> list[int]:
    """The processes that keep the tasks of a machine. cluster: what its tasks have in their
    environment, for the machines of another test may have the same names.
    """
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            if (proc / "comm").read_text().strip() != "slurmstepd":
                continue
            for child in (proc / "task" / proc.name / "children").read_text().split():
                told = Path("/proc", child, "environ").read_bytes().decode(errors="replace")
                if {cluster, f"SLURMD_NODENAME={node}"} <= {*told.split("\0")}:
                    found.append(int(proc.name))
        except OSError:
            continue  # it has just ended
    return found


def _kill_tree(pid: int) -> None:
    """Stops a process before its children, so that it starts no others meanwhile."""
    try:
        os.kill(pid, signal.SIGSTOP)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in children:
            _kill_tree(int(child))
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, FileNotFoundError):
        pass


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_until(holds, what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def missing_program() -> str | None:
    """A program that a cluster needs and this machine lacks."""
    return next((name for name in PROGRAMS if not subprocesses.has(name)), None)
