# SPDX-License-Identifier: Apache-2.0
"""`kmapbench test --distributions`: what the README says, on Debian systems made of nothing.

Each in its turn: root first, who installs what is missing, then an ordinary user, then one for
whom the checkout is read-only. What is finished is kept with the state of the checkout that it was
of, so that an interrupted test goes on.
"""

import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from formats import exit_codes
from lab.core import package_archive, subprocesses
from lab.core.dirs import ROOT, cache_dir
from lab.core.errors import KmapbenchError
from lab.distributions import figure_table
from lab.distributions.debootstrap import Debian
from lab.distributions.steps import MADE, STEPS, SUITES, TESTER, Result, State, Step
from lab.distributions.summary import summary

if TYPE_CHECKING:
    from lab.core.progress import Display


def check_user() -> None:
    """Only root makes systems."""
    if os.geteuid() != 0:
        raise KmapbenchError(
            "--distributions makes whole systems in folders, which takes root: "
            "sudo ./kmapbench test --distributions"
        )


def run(suites: Sequence[str] | None, steps: Sequence[str] | None, fresh: bool) -> int:
    """Those that are named, else all, and the table; the exit code says whether all is well."""
    from lab.core.progress import Display  # rich

    archive = package_archive.archive()
    folder = cache_dir() / "distributions"
    folder.mkdir(parents=True, exist_ok=True)
    suites = suites or list(SUITES)
    chosen = [step for step in STEPS if steps is None or step.name in steps]
    with ExitStack() as leaving:
        lock = leaving.enter_context((folder / "lock").open("w"))
        scratch = leaving.enter_context(tempfile.TemporaryDirectory(prefix="kmapbench-"))
        display = leaving.enter_context(Display())
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KmapbenchError(
                f"{folder}: another test of distributions is at work there: wait for it, or end it"
            ) from None
        source = Path(scratch) / "checkout.tar"
        checkout = pack_checkout(source)
        display.plan(len(suites) * (len(chosen) + 1))
        tested = [Tried(suite, folder, checkout, source, archive, display) for suite in suites]
        for one in tested:
            one.run(chosen, fresh)
    text, good = summary(tested, chosen)
    (folder / "table.txt").write_text(text)
    print(text, end="")
    return exit_codes.OK if good else exit_codes.FAILED


class Tried:
    """One distribution."""

    def __init__(
        self,
        suite: str,
        folder: Path,
        checkout: str,
        source: Path,
        archive: package_archive.Archive,
        display: "Display",
    ):
        """folder: where all of them are; checkout: the state of it that is packed in source."""
        self.suite, self._archive, self._source, self._display = suite, archive, source, display
        self.folder = folder / suite
        self._packages = folder / "packages" / suite
        self.system = Debian(self.folder, self._packages)
        self.state = State.load(self.folder / "state.json", checkout)

    def run(self, steps: Sequence[Step], fresh: bool) -> None:
        """Those of the steps that are not finished. The first of all meets an untouched system."""
        self.folder.mkdir(parents=True, exist_ok=True)
        first = STEPS[0]
        there = self.state.finished(MADE) and self.system.root.is_dir()
        half_done = first in steps and not self.state.finished(first.name)
        if fresh or half_done or not there:
            self.state.results.clear()
            self._make()
        self._display.advance(1)
        for step in steps:
            if self.state.finished(MADE) and not self.state.finished(step.name):
                self._display.say(f"{self.suite}: {step.name}")
                self.state.keep(step.name, self._do(step))
            self._display.advance(1)

    def _make(self) -> None:
        self._display.say(f"{self.suite}: making it")
        log = self.folder / f"{MADE}.log"
        log.unlink(missing_ok=True)
        begun = time.monotonic()
        try:
            self.system.make(self.suite, self._archive, log)
            self.system.add_user(TESTER)
            fetched = self.system.bytes_of(self.system.installed())
            result = Result(exit_codes.OK, time.monotonic() - begun, fetched)
        except KmapbenchError as error:
            result = Result(exit_codes.FAILED, time.monotonic() - begun, 0, str(error))
        self.state.keep(MADE, result)

    def _do(self, step: Step) -> Result:
        self._place(step)
        before = self.system.installed()
        campaigns, kernels = self._campaigns(step), self._kernels(step)
        log = self.folder / f"{step.file}.log"
        words = ["./kmapbench", step.command]
        code, seconds = self.system.run(step.user, words, step.checkout, log)
        after = self.system.installed()
        new = {name: version for name, version in after.items() if before.get(name) != version}
        result = Result(code, seconds, self.system.bytes_of(new))
        if code != exit_codes.OK:
            result.why = _last_words(log)
        if step.command == "run":
            self._keep_campaign(step, sorted(self._campaigns(step) - campaigns), result)
            if not kernels:
                result.download_bytes += self.system.bytes_of(self._kernel_packages(step))
        return result

    def _place(self, step: Step) -> None:
        """The checkout, where this step wants it."""
        place = self._inside(step.checkout)
        if place.is_dir():
            return
        place.mkdir(parents=True)
        subprocesses.output(["tar", "-x", "-f", self._source, "-C", place])
        quoted = shlex.quote(step.checkout)
        home = shlex.quote(TESTER.home)
        owned = home if step.checkout.startswith(f"{TESTER.home}/") else quoted
        chown = f"chown -R {step.owner}:{step.owner} {owned}"
        self.system.output(["sh", "-c", f"{chown} && chmod -R u+rwX,go+rX,go-w {quoted}"])

    def _inside(self, path: str) -> Path:
        return self.system.root / path.lstrip("/")

    def _campaigns(self, step: Step) -> set[Path]:
        made = self._inside(step.checkout).glob("results/20*/campaign.json")
        return {path.parent for path in made}

    def _kernels(self, step: Step) -> list[Path]:
        return list(self._cache(step).glob("kernels/linux-image-*"))

    def _cache(self, step: Step) -> Path:
        return self._inside(step.user.home) / ".cache" / "kmapbench"

    def campaign(self, step: Step) -> Path:
        """Where the campaign of a step is kept."""
        return self.folder / step.file

    def _keep_campaign(self, step: Step, made: Sequence[Path], result: Result) -> None:
        """A copy of what was made outlives the system, the module that was measured beside it."""
        kept = self.campaign(step)
        shutil.rmtree(kept, ignore_errors=True)
        if not made:
            return
        shutil.copytree(made[-1], kept)
        built = self._cache(step).glob("modules/*/kmapbench.ko")
        modules = sorted(built, key=os.path.getmtime)
        if modules:
            shutil.copy(modules[-1], kept / "kmapbench.ko")
        if wrong := figure_table.wrong(figure_table.of_campaign(kept)):
            result.code = result.code or exit_codes.FAILED
            result.why = wrong[0] + (f" (and {len(wrong) - 1} more)" if wrong[1:] else "")

    def _kernel_packages(self, step: Step) -> dict[str, str]:
        try:
            variants = json.loads((self.campaign(step) / "campaign.json").read_text())["variants"]
        except OSError:
            return {}
        packages: dict[str, str] = {}
        for variant in variants.values():
            packages |= variant["packages"]
        return packages


def pack_checkout(target: Path) -> str:
    """The checkout as git has it, with what is not committed; what names this state of it."""
    git = [subprocesses.find("git", "git"), "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        copy = Path(name) / "copy"
        # By a bundle: a clone starts a git of its own, which refuses a repository of another owner.
        subprocesses.output([*git, "bundle", "create", Path(name) / "bundle", "HEAD"])
        subprocesses.output([git[0], "clone", "-q", Path(name) / "bundle", copy])
        subprocesses.output([git[0], "-C", copy, "remote", "remove", "origin"])
        digest = hashlib.sha256(subprocesses.output([*git, "rev-parse", "HEAD"]).encode())
        kinds = ["--modified", "--deleted", "--others", "--exclude-standard"]
        listed = subprocesses.output([*git, "ls-files", "-z", *kinds])
        for changed in sorted(set(filter(None, listed.split("\0")))):
            source, place = ROOT / changed, copy / changed
            place.unlink(missing_ok=True)
            digest.update(f"{changed}\0".encode())
            if source.is_symlink() or source.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, place, follow_symlinks=False)
                link = os.readlink(source).encode() if source.is_symlink() else None
                digest.update(link or source.read_bytes())
        subprocesses.output(["tar", "-c", "-f", target, "-C", copy, "."])
    return digest.hexdigest()


def _last_words(log: Path) -> str:
    """The line of a log that says why: kmapbench's own, else the last. What ctest says comes before
    pytest's, which may have passed.
    """
    text = log.read_text(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith(("kmapbench:", "=", "E: "))] or lines
    last = said[-1].strip("= ") if said else "nothing was said"
    of_ctest = re.search(r", ([1-9]\d*) tests? failed out of (\d+)$", text, re.MULTILINE)
    return f"ctest: {of_ctest[1]} of {of_ctest[2]} failed; {last}" if of_ctest else last
