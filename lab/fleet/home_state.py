# SPDX-License-Identifier: Apache-2.0
"""What is at home of each host, and what is still to be done: `python3 -m lab.fleet.home_state`.

Each subcommand prints one JSON object. Below the home folder:
    archives/PLAN/HOST/     state.json, and the archive if it was taken
    incoming/PLAN/          archives that were fetched and not looked at
    sources/                this commit, as a git bundle
    labels.json             what a host's campaigns are called, by host
    site/, site.json        the site, and of which archives it was made
"""

import argparse
import hashlib
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.campaign import safe_files
from lab.core.dirs import ROOT
from lab.core.errors import KmapbenchError
from lab.fleet import fleet_plan, one_answer
from lab.fleet.fleet_plan import CAMPAIGN, RUN

MEASURED, UNFIT, UNREACHABLE, FAILED = "measured", "unfit", "unreachable", "failed"

_REASON_LETTERS = 400


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the answer of a subcommand, or one line that says what is wrong; an exit code."""
    parsed = _parser().parse_args(arguments)
    return one_answer.give(lambda: _answer(parsed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab.fleet.home_state", description=__doc__)
    parser.add_argument("what", choices=tuple(_ANSWERS))
    parser.add_argument("--home", type=Path, required=True, metavar="DIR")
    parser.add_argument("--plan", type=Path, metavar="FILE", help="of plan: what is measured")
    parser.add_argument("--kind", choices=(RUN, CAMPAIGN), default=RUN)
    parser.add_argument("--id", metavar="PLAN", help="as plan answered")
    parser.add_argument("--host", help="of record")
    parser.add_argument("--state", choices=(MEASURED, UNFIT, UNREACHABLE, FAILED))
    parser.add_argument("--reason", default="")
    parser.add_argument("--archive", type=Path, metavar="FILE", help="of record: what was fetched")
    parser.add_argument("--program", type=Path, default=ROOT / "kmapbench", help="kmapbench")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    return parser


def _answer(parsed: argparse.Namespace) -> dict[str, Any]:
    parsed.home = parsed.home.absolute()
    return _ANSWERS[parsed.what](parsed)


def plan(parsed: argparse.Namespace) -> dict[str, Any]:
    """Which hosts lack the plan's archive of this commit. The hosts are a JSON list on standard
    input.
    """
    hosts = json.load(sys.stdin)
    path = parsed.plan.absolute()
    asked = fleet_plan.read(parsed.kind, path)
    commit = _commit()
    digest = hashlib.sha256(parsed.kind.encode() + b"\n" + path.read_bytes()).hexdigest()
    name = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-").lower() or "plan"
    identity = f"{name}-{digest[:10]}-{commit[:10]}"
    labels = _labels(parsed.home, hosts, parsed.dry_run)
    done = [host for host in hosts if _is_done(_folder(parsed.home, identity, host))]
    to_do = [host for host in hosts if host not in set(done)]
    bundle = parsed.home / "sources" / f"{commit}.bundle"
    if to_do and not parsed.dry_run:
        _write_bundle(bundle)
    return {
        "id": identity,
        "kind": parsed.kind,
        "plan": str(path),
        "commit": commit,
        "home": str(parsed.home),
        "program": str(parsed.program),
        "bundle": str(bundle),
        "incoming": str(parsed.home / "incoming" / identity),
        "needs_root": asked.needs_root,
        "names": {
            host: f"{name}-{labels[host]}{_again(parsed.home, identity, host)}" for host in hosts
        },
        "done": done,
        "to_do": to_do,
    }


def _again(home: Path, identity: str, host: str) -> str:
    """What is added to a campaign's name after its archive was refused: it is measured anew."""
    refused = _read(_folder(home, identity, host) / "state.json").get("refused", 0)
    return f"-{refused + 1}" if refused else ""


def _write_bundle(bundle: Path) -> None:
    """What hosts clone, whole or not at all."""
    if bundle.exists():
        return
    bundle.parent.mkdir(parents=True, exist_ok=True)
    part = bundle.with_suffix(".part")
    made = _git("bundle", "create", "-q", str(part), "HEAD")
    if made.returncode:
        raise KmapbenchError(f"{bundle}: git bundle failed: {_one_line(made.stderr)}")
    part.replace(bundle)


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    """git in our own checkout."""
    command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True)


def _commit() -> str:
    """What hosts get; a KmapbenchError where that is not what lies here."""
    head = _git("rev-parse", "HEAD")
    if head.returncode:
        raise KmapbenchError(f"{ROOT}: no git checkout: hosts get a commit of it; clone it")
    changed = _git("status", "--porcelain", "--untracked-files=no").stdout.splitlines()
    if changed:
        raise KmapbenchError(
            f"{ROOT}: {changed[0][3:]} is changed, and hosts get commits only: commit it, or git"
            " stash"
        )
    return head.stdout.strip()


def _labels(home: Path, hosts: Sequence[str], is_dry: bool) -> dict[str, str]:
    """What campaigns of each host are called: by chance, so that the name of none can be guessed;
    once and for all.
    """
    path = home / "labels.json"
    known = _read(path)
    labels = {host: known.get(host) or f"h{secrets.token_hex(4)}" for host in hosts}
    if labels.items() - known.items() and not is_dry:
        home.mkdir(parents=True, exist_ok=True)
        safe_files.write_json(path, known | labels)
    return labels


def _folder(home: Path, identity: str, host: str) -> Path:
    """Of a host, whose name may have any letter."""
    return home / "archives" / identity / _file_name(host)


def _file_name(host: str) -> str:
    name = quote(host, safe="")
    return f"%2E{name[1:]}" if name.startswith(".") else name


def _is_done(folder: Path) -> bool:
    """Whether the archive that was taken is still there, byte for byte."""
    state = _read(folder / "state.json")
    archive = folder / state.get("archive", "")
    return (
        state.get("state") == MEASURED
        and archive.is_file()
        and _sha256(archive) == state.get("sha256")
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record(parsed: argparse.Namespace) -> dict[str, Any]:
    """Takes a host's archive, if `pack --check` finds nothing wrong with it, or keeps the reason
    why there is none.
    """
    folder = _folder(parsed.home, parsed.id, parsed.host)
    before = _read(folder / "state.json")
    refused = before.get("refused", 0)
    state: dict[str, Any] = {"state": parsed.state, "reason": _one_line(parsed.reason)}
    archive: Path | None = parsed.archive
    if archive:
        if problem := _archive_problem(parsed.program, archive):
            state, refused = {"state": FAILED, "reason": problem}, refused + 1
            archive.unlink()
            archive = None
        else:
            state = {"state": MEASURED, "archive": archive.name, "sha256": _sha256(archive)}
    state |= {"refused": refused} if refused else {}
    if before != state:
        folder.mkdir(parents=True, exist_ok=True)
        safe_files.write_json(folder / "state.json", state)
    if archive:
        archive.replace(folder / archive.name)
    return {**state, "host": parsed.host, "changed": before != state}


def _archive_problem(program: Path, archive: Path) -> str:
    """Why an archive is not taken; empty: it is."""
    command = [str(program), "pack", "--no-install", "--check", str(archive)]
    checked = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if not checked.returncode:
        return ""
    lines = checked.stderr.splitlines() or [f"pack --check ended with {checked.returncode}"]
    return _one_line(f"its archive is not taken: {lines[0].removeprefix('kmapbench: ')}")


def _one_line(text: str) -> str:
    """What others said, as one line of letters that can be shown."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.split())[:_REASON_LETTERS]


def site(parsed: argparse.Namespace) -> dict[str, Any]:
    """Makes the site of all archives, unless it is the one of these already."""
    archives = sorted((parsed.home / "archives").glob("*/*/*.tar.xz"))
    made = {str(path.relative_to(parsed.home)): _sha256(path) for path in archives}
    kept = parsed.home / "site.json"
    if not made or _read(kept) == made:
        return {"changed": False, "archives": len(archives)}
    words = ["site", "--no-install", str(parsed.home / "archives")]
    command = [str(parsed.program), *words, "--out", str(parsed.home / "site")]
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if said.returncode:
        lines = said.stderr.splitlines() or [f"it ended with {said.returncode}"]
        raise KmapbenchError(f"kmapbench site: {lines[-1].removeprefix('kmapbench: ')}")
    safe_files.write_json(kept, made)
    return {"changed": True, "archives": len(archives)}


def table(parsed: argparse.Namespace) -> dict[str, Any]:
    """A line for each host, and how many have neither an archive nor a reason to have none. The
    hosts are a JSON list on standard input.
    """
    hosts = json.load(sys.stdin)
    states = {host: _read(_folder(parsed.home, parsed.id, host) / "state.json") for host in hosts}
    width = max(map(len, hosts), default=0)
    lines = [f"{host:{width}}  {_said(state)}" for host, state in states.items()]
    lost = (UNREACHABLE, FAILED, None)
    return {
        "lines": lines,
        "lost": [host for host, state in states.items() if state.get("state") in lost],
    }


def _said(state: Mapping[str, Any]) -> str:
    if not state:
        return "nothing is known of it"
    return f"{state['state']}: {state.get('archive') or state['reason']}"


def _read(path: Path) -> dict[str, Any]:
    """A file of ours, empty where there is none."""
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError:
        raise KmapbenchError(
            f"{path}: not JSON; remove it, and its host is visited again"
        ) from None
    return value if isinstance(value, dict) else {}


# Subcommands, by name.
_ANSWERS = {"plan": plan, "record": record, "site": site, "table": table}


if __name__ == "__main__":
    sys.exit(main())
