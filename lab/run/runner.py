# SPDX-License-Identifier: Apache-2.0
"""`kmapbench run`: a campaign from its plan to its records, then the report."""

import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from analysis import streams
from formats import exit_codes
from formats.campaign_format import LOOKS, USER_SPACE
from formats.conditions import COMPARE
from lab.campaign import chown, store
from lab.campaign.schedule import Step
from lab.core import bench_command, signals
from lab.core.dirs import RESULTS, ROOT, cache_dir
from lab.core.errors import Interrupted, KmapbenchError
from lab.core.progress import Display
from lab.core.time_left import TimeLeft
from lab.host import level_check
from lab.run import campaign_name, expectation, manifest, parallel, preflight, selection, tuned_run
from lab.run.plan import Plan, write
from lab.run.targets import Context, Target, targets

# Steps of a run beside its boots, as the time left knows them.
_PREPARATION, _REPORT = "preparation", "report"


@contextmanager
def _context(plan: Plan) -> Iterator[Context]:
    """What the targets of a plan share; a KmapbenchError where it cannot be measured."""
    kmap_bench = bench_command.built()
    if not kmap_bench.is_file():
        raise KmapbenchError(
            f"{kmap_bench}: not built; run ./kmapbench, or: cmake --preset release && cmake --build"
            " build"
        )
    preflight.check_options(plan)
    with (
        tempfile.TemporaryDirectory(prefix="kmapbench-") as scratch,
        Display(times := TimeLeft(cache_dir() / "durations.json", _kind(plan))) as display,
    ):
        yield Context(plan, kmap_bench, cache_dir(), Path(scratch), display, times)


def run(plan: Plan) -> int:
    """Measures, reports, and returns the exit code."""
    if plan.resume and preflight.is_complete(plan):
        return report_again(plan.resume, plan.print)
    problems: list[str] = []
    reported = None
    with _context(plan) as context, ExitStack() as leaving:
        problems, reported = _measure(context, leaving)
    failures = [f"kmapbench: {problem}" for problem in problems]
    return print_end(failures, reported)


def report_again(folder: Path, whole: bool) -> int:
    """Of a campaign that is complete only the report is made, which may be what was cut short."""
    campaign = store.Campaign.reopen(folder)
    try:
        print(f"{folder}: nothing is left to measure; writing the report", file=sys.stderr)
        return print_end([], write_report(folder, whole))
    finally:
        chown.hand_over(folder)
        campaign.release()


def print_end(failures: list[str], reported: subprocess.CompletedProcess | None) -> int:
    """Prints the end of a report and all failures; the exit code, whoever reads it to its end."""
    code = exit_codes.FAILED if failures else exit_codes.OK
    if reported:
        try:
            print(reported.stdout, end="", flush=True)
        except BrokenPipeError:
            streams.lead_nowhere(sys.stdout)
        if reported.returncode != 0:
            failures = [*failures, reported.stderr.strip() or "kmapbench: the report failed"]
            code = code or reported.returncode
    for failure in failures:
        print(failure, file=sys.stderr)
    return code


def measure(plan: Plan) -> list[str]:
    """Measures without a report; what went wrong, a line each."""
    problems: list[str] = []
    with _context(plan) as context, ExitStack() as leaving:
        problems, _ = _measure(context, leaving, is_reported=False)
    return problems


def _measure(
    context: Context, leaving: ExitStack, is_reported: bool = True
) -> tuple[list[str], subprocess.CompletedProcess | None]:
    """Makes all steps of a plan; what went wrong, and the report, if there are records."""
    plan, display = context.plan, context.display
    tuned_run.restore_first(display)
    resumed = store.Campaign.reopen(plan.resume) if plan.resume else None
    if resumed:
        leaving.callback(resumed.release)
    chosen = targets(context)
    _expect(context, resumed.left() if resumed else selection.steps(plan), [_PREPARATION])
    display.begin(_PREPARATION)
    for target in chosen:
        target.prepare(leaving)
    display.end(_PREPARATION)
    campaign = _open(context, chosen, resumed, leaving)
    go_on = resuming(campaign.folder)
    try:
        problems = _measure_steps(context, chosen, campaign)
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"ended by {signals.cause(error)}; what was measured is kept, and {go_on} goes on",
            signals.exit_code(error),
        ) from None
    except KmapbenchError:
        display.note(f"what was measured is kept; to go on: {go_on}")
        raise
    return problems, finish(campaign, display, plan.print, is_reported)


def begin(plan: Plan) -> None:
    """Prepares and begins a new campaign, of which nothing is measured yet."""
    with _context(plan) as context, ExitStack() as leaving:
        chosen = targets(context)
        for target in chosen:
            target.prepare(leaving)
        _open(context, chosen, None, leaving)


def resuming(folder: Path) -> str:
    """The command that goes on with a campaign."""
    return f"./kmapbench run --resume {shlex.quote(str(folder))}"


def finish(
    campaign: store.Campaign, display: Display, whole: bool, is_reported: bool = True
) -> subprocess.CompletedProcess | None:
    """Ends a campaign of which as much is measured as can be now; its report, if there are
    records. whole: whether the report is printed at the end.
    """
    campaign.end()
    for line in campaign.differences():
        display.note(f"not the same as in the variant's other boots: {line}")
    if not is_reported:
        return None
    display.say("writing the report")
    # Where every boot crashed before its first record there is nothing to report, and what went
    # wrong is said already.
    has_records = any(campaign.folder.glob("*/boot-*/micro.jsonl"))
    display.begin(_REPORT)
    reported = write_report(campaign.folder, whole) if has_records else None
    display.end(_REPORT, keep=has_records)
    if campaign.left():
        display.note(f"to go on: {resuming(campaign.folder)}")
    return reported


def _measure_steps(
    context: Context, chosen: Sequence[Target], campaign: store.Campaign
) -> list[str]:
    """Makes the steps that are left, on a machine that is tuned if the plan says so; what went
    wrong.
    """
    with tuned_run.tuned_for(context) as not_back:
        problems = _measure_looks(context, chosen, campaign)
    return problems + not_back


def _measure_looks(
    context: Context, chosen: Sequence[Target], campaign: store.Campaign
) -> list[str]:
    """Makes the steps that are left, and looks at them as the plan says; what went wrong."""
    plan, display = context.plan, context.display
    problems: list[str] = []
    for most in sorted(LOOKS) if plan.until_resolved else [plan.boots]:
        left = [step for step in campaign.left() if step.boot <= most]
        by_target = {target: [step for step in left if target.takes(step)] for target in chosen}
        work = sum(target.work(steps) for target, steps in by_target.items())
        display.plan(work, is_even=False)
        _expect(context, left, [])
        problems += [
            line for target, steps in by_target.items() for line in target.measure(campaign, steps)
        ]
        if plan.until_resolved and left:
            resolved = is_resolved(campaign.folder)
            display.note(f"after {most} pairs: {'resolved' if resolved else 'not resolved'}")
            if resolved:
                break
    return problems


def _expect(context: Context, steps: Sequence[Step], before: Sequence[str]) -> None:
    """Tells how many steps of each kind there will be. before: those before the first boot."""
    plan = context.plan
    at_once = parallel.places(plan.variants) if selection.asks_lab(plan) else 1
    kinds = Counter([*before, *(step.variant for step in steps), _REPORT])
    serial = frozenset((_PREPARATION, _REPORT, USER_SPACE))
    context.times.plan(kinds, serial, at_once)


def _kind(plan: Plan) -> str:
    """What plans have in common whose steps take as long."""
    place = plan.on if plan.here else plan.kernel
    return f"{plan.only} {plan.cases} {plan.preset} {plan.label if plan.here else ''} {place}"


def _open(
    context: Context, chosen: Sequence[Target], resumed: store.Campaign | None, leaving: ExitStack
) -> store.Campaign:
    """The campaign to measure into: a new one, or the one that is resumed."""
    plan, display = context.plan, context.display
    planned = selection.steps(plan)
    for note in [*(one for target in chosen for one in target.refusals), *_unfit(plan)]:
        display.note(note)
    described = manifest.describe(plan, chosen, planned, context.kmap_bench)
    if resumed:
        campaign = resumed
        campaign.go_on(described)
    else:
        folder = plan.out or campaign_name.new_folder(RESULTS, campaign_name.name_of(plan))
        campaign = store.Campaign.begin(folder, described, write(plan))
        leaving.callback(campaign.release)
    leaving.callback(chown.hand_over, campaign.folder)
    if not resumed and (expected := expectation.sentence(plan, campaign.folder.parent)):
        display.note(expected)
    left = f": {len(campaign.left())} of {len(planned)} steps left" if resumed else ""
    display.note(f"campaign {campaign.folder}{left}")
    return campaign


def _unfit(plan: Plan) -> list[str]:
    """What makes times on this machine less steady, where the level is to compare them."""
    if plan.level != COMPARE:
        return []
    return [level_check.sentence(one) for one in level_check.not_allowed(level_check.look(), ())]


def is_resolved(folder: Path) -> bool:
    """Whether each case of a campaign has a verdict, or would have none with more boots either."""
    command = [sys.executable, "-m", "analysis", "compare", str(folder), "--fail-on", "unresolved"]
    code = subprocess.run(command, cwd=ROOT, capture_output=True).returncode
    return code != exit_codes.UNRESOLVED


def write_report(folder: Path, whole: bool) -> subprocess.CompletedProcess:
    """Has the report of a campaign made. whole: what it prints is report.txt."""
    command = [sys.executable, "-m", "analysis", "report", str(folder)]
    command += ["--print"] if whole else []
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
