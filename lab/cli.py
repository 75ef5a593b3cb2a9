# SPDX-License-Identifier: Apache-2.0
"""The commands: their options, what can be said of them at once, and what they run.

Standard library only, as long as nothing is run: the launcher reads options before anything is
installed.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import commands as analysis_commands
from analysis import options as analysis_options
from analysis.data.bad_data import BadData
from lab import VERSION
from lab.commands import tests
from lab.core.dirs import cache_path
from lab.core.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_UNMET, KmapbenchError
from lab.distributions import matrix
from lab.kernels import debian_kernels

if TYPE_CHECKING:
    from lab.kernels import variants
    from lab.run.plan import Plan


class _Parser(argparse.ArgumentParser):
    """One line for wrong use, and no usage text around it; no shortened options."""

    def __init__(self, **words):
        super().__init__(allow_abbrev=False, **words)

    def error(self, message: str):
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        sys.exit(EXIT_UNMET)


# What a run can be restricted to.
ONLY = ("micro", "user", "dax")


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 to 10000")
    return int(text)


def _names_of(known: Iterable[str]):
    """The type of an option that takes some of these names, by comma; they keep the order that they
    are known in.
    """
    names = list(known)

    def taken(text: str) -> list[str]:
        for name in text.split(","):
            if name not in names:
                raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(names)}")
        return [name for name in names if name in text.split(",")]

    return taken


def _label(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text) or text == "host":
        raise argparse.ArgumentTypeError(
            f"'{text}' is no name for a folder: letters, digits, '.', '_', '-', and not 'host'"
        )
    return text


def _kernel(text: str) -> str:
    """A series or a folder; anything else is told what it may be."""
    try:
        return debian_kernels.asked(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def parser() -> argparse.ArgumentParser:
    top = _Parser(
        prog="kmapbench",
        description="What WRPKRS costs in kmap_local_page() and kunmap_local().",
    )
    top.add_argument("--version", action="version", version=f"kmapbench {VERSION}")
    _add_no_install(top)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = _command(
        commands,
        "run",
        help="measure and report: kernel cases in the lab, user models on this machine",
    )
    run.add_argument("--variants", metavar="A,B", help="kernels to measure (default: stock)")
    run.add_argument("--boots", type=_count, metavar="N", help="boots a variant (default: 2)")
    run.add_argument(
        "--seed",
        type=int,
        metavar="S",
        help="order of the boots (default: a new one, kept in campaign.json)",
    )
    run.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="campaign folder to make (default: a new one in results/)",
    )
    run.add_argument(
        "--only",
        choices=ONLY,
        help="kernel cases only, user models only, or instead of both fio on DAX files",
    )
    run.add_argument(
        "--kernel",
        type=_kernel,
        metavar="SERIES|DIR",
        help=(
            "which kernel stock is: a series of the distribution's, as 6.1, 6.12, 7.2, 7.3 or"
            " 6.12-rt, or a folder with boot/, lib/modules/ and usr/src/ as packages unpack to"
            " (default: the newest that was tried)"
        ),
    )
    run.add_argument(
        "--cases",
        metavar="default|all|GLOB",
        help=(
            "kernel cases and user models: a telling dozen of each, all, or those whose name"
            " matches, as 'kernel/*'"
        ),
    )
    run.add_argument(
        "--preset",
        metavar="NAME",
        help=(
            "with --only dax: what fio measures, a table of lab/workloads/fio/presets.toml"
            " (default: quick; with --here: full)"
        ),
    )
    run.add_argument(
        "--here",
        action="store_true",
        help="kernel cases on this machine's running kernel, instead of the lab; takes root",
    )
    run.add_argument(
        "--on",
        metavar="PATH",
        help=(
            "with --here --only dax: a folder on a file system mounted with dax=always, or a device"
            " as /dev/pmem0, which is formatted"
        ),
    )
    run.add_argument(
        "--label",
        type=_label,
        metavar="NAME",
        help="with --here: what the running kernel is called in the campaign (default: here)",
    )
    run.add_argument(
        "--anonymize",
        action="store_true",
        help=(
            "keep no host names and serial numbers, so that the campaign can be shown to everybody"
        ),
    )
    run.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help=(
            "what these options say, from a file, as plan.toml of a campaign; options given beside"
            " it win"
        ),
    )
    run.add_argument(
        "--resume",
        type=Path,
        metavar="DIR",
        help="go on with a campaign that was cut short: what is whole is kept, the rest is made",
    )
    run.add_argument(
        "--dry-run",
        action="store_true",
        help="print what would be done: packages, kernels, every step; do nothing",
    )
    run.set_defaults(function=_run, check=_check_run)

    report = _command(
        commands,
        "report",
        help="write report.txt, report/index.html and charts/ of a campaign again",
    )
    analysis_options.add_report(report)
    report.set_defaults(
        function=_of_analysis(analysis_commands.report), check=analysis_options.check_report
    )

    compare = _command(
        commands,
        "compare",
        help="say whether one kernel is slower than another, and how sure that is",
    )
    analysis_options.add_compare(compare)
    compare.set_defaults(
        function=_of_analysis(analysis_commands.compare), check=analysis_options.check_compare
    )

    look = _command(
        commands,
        "check",
        help="say what can be measured here, what disturbs it, and what to do; changes nothing",
    )
    look.set_defaults(function=_look)

    test = _command(commands, "test", help="run all tests that need no kernel build, or more")
    more = test.add_mutually_exclusive_group()
    more.add_argument(
        "--kernels",
        action="store_const",
        dest="reach",
        const=tests.KERNELS,
        help="also those that build kernels",
    )
    more.add_argument(
        "--all",
        action="store_const",
        dest="reach",
        const=tests.ALL,
        help="all: debug, the distribution's other kernels, long runs",
    )
    more.add_argument(
        "--distributions",
        action="store_true",
        help=(
            "in place of all that: run and test on Debian 12, 13 and testing, made of nothing;"
            " takes root"
        ),
    )
    test.add_argument(
        "--suites",
        type=_names_of(matrix.SUITES),
        metavar="A,B",
        help="with --distributions: which (default: bookworm,trixie,testing)",
    )
    test.add_argument(
        "--steps",
        type=_names_of(step.name for step in matrix.STEPS),
        metavar="A,B",
        help=(
            "with --distributions: what is done there: root/run, root/test, user/run, user/test,"
            " readonly/test (default: all)"
        ),
    )
    test.add_argument(
        "--fresh",
        action="store_true",
        help="with --distributions: keep nothing of what was finished earlier",
    )
    test.set_defaults(function=_test, check=_check_test, reach=tests.EVERYDAY)

    kernels = _command(commands, "kernels", help="list the variants and what is built, or build")
    kernels.set_defaults(function=_kernels)
    build = _command(
        kernels.add_subparsers(dest="what", metavar="build"),
        "build",
        help="build the kernels of variants",
    )
    build.add_argument("names", nargs="+", metavar="NAME", help="a variant")
    build.set_defaults(function=_build, check=_check_build)
    return top


def _command(commands, name: str, help: str) -> argparse.ArgumentParser:
    """A command; `check` looks at its options without running anything, `function` runs it."""
    parser = commands.add_parser(name, help=help)
    _add_no_install(parser)
    parser.set_defaults(check=lambda _: None)
    return parser


def _add_no_install(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-install",
        action="store_true",
        default=argparse.SUPPRESS,  # it is an option of each command, and of none
        help="install nothing: list the packages that are missing, and end",
    )


# Options of run that a plan file can have, too.
_PLANNED = (
    "variants",
    "boots",
    "seed",
    "only",
    "kernel",
    "cases",
    "preset",
    "on",
    "here",
    "label",
    "anonymize",
)


def _check_run(arguments: argparse.Namespace) -> None:
    from lab.run import preflight

    arguments.planned = _plan(arguments)
    preflight.check_options(arguments.planned)
    if not arguments.dry_run:  # which tells all that is not met
        preflight.check_machine(arguments.planned)


def _run(arguments: argparse.Namespace) -> int:
    from lab.run import preflight

    if arguments.dry_run:
        print(preflight.describe(arguments.planned), end="")
        return EXIT_UNMET if any(preflight.machine_problems(arguments.planned)) else EXIT_OK
    from lab.run import runner  # jsonschema and rich, which the other commands can do without

    return runner.run(arguments.planned)


def _plan(arguments: argparse.Namespace) -> "Plan":
    """From options, a plan file, or the campaign that is to be resumed."""
    from lab.kernels import variants
    from lab.run import plan

    given = {
        name: value for name in _PLANNED if (value := getattr(arguments, name)) not in (None, False)
    }
    if "variants" in given:
        given["variants"] = given["variants"].split(",")
    if arguments.resume and (given or arguments.plan or arguments.out):
        raise KmapbenchError(
            "--resume goes on with what was asked for then: leave out all else but --dry-run"
        )
    file = arguments.resume / "plan.toml" if arguments.resume else arguments.plan
    said = _checked((plan.read(file) if file else {}) | given)
    here = said.get("here", False)
    names = [] if here else said.get("variants", ["stock"])
    chosen = [variants.find(name) for name in names]
    if len(set(names)) < len(names):
        raise KmapbenchError(f"--variants {','.join(names)}: a variant is named twice")
    return plan.Plan(
        variants=chosen,
        boots=1 if here else said.get("boots", 2),
        seed=said.get("seed", int.from_bytes(os.urandom(4))),
        only=said.get("only"),
        series=said.get("kernel"),
        cases=said.get("cases", "default"),
        out=arguments.out.absolute() if arguments.out else None,
        arguments=arguments.given,
        preset=said.get("preset"),
        on=str(Path(said["on"]).absolute()) if "on" in said else None,
        label=said.get("label", "here") if here else None,
        anonymize=said.get("anonymize", False),
        resume=arguments.resume.absolute() if arguments.resume else None,
    )


def _checked(said: dict) -> dict:
    """The same, where it can be done."""
    if not said.get("here") and "label" in said:
        raise KmapbenchError("--label names the running kernel, and goes with --here")
    if said.get("here"):
        # What chooses among kernels and boots has no meaning where there is one of each.
        if said.get("only") == "dax" and "on" not in said:
            raise KmapbenchError(
                "--here --only dax measures on what you name: give --on FOLDER or --on /dev/pmemN"
            )
        for name in ("variants", "boots", "kernel"):
            if name in said:
                raise KmapbenchError(
                    f"--here measures the running kernel in the boot it is in: leave out --{name},"
                    " or leave out --here"
                )
    for name, needed in (("preset", "--only dax"), ("on", "--here --only dax")):
        if name in said and (said.get("only") != "dax" or (name == "on" and not said.get("here"))):
            raise KmapbenchError(f"--{name} goes with {needed}")
    if said.get("only") == "dax" and said.get("cases", "default") != "default":
        raise KmapbenchError(
            "--cases chooses kernel cases and user models: leave it out, or leave out --only dax"
        )
    for name, check in (("boots", _count), ("label", _label), ("kernel", _kernel)):
        if name in said:
            try:
                check(str(said[name]))
            except argparse.ArgumentTypeError as error:
                raise KmapbenchError(f"{name}: {error}") from None
    if "only" in said and said["only"] not in ONLY:
        raise KmapbenchError(f"only: '{said['only']}' is none of {', '.join(ONLY)}")
    return said


def _check_test(arguments: argparse.Namespace) -> None:
    for name in ("suites", "steps", "fresh"):
        if getattr(arguments, name) and not arguments.distributions:
            raise KmapbenchError(f"--{name} goes with --distributions")
    if arguments.distributions:
        matrix.check_user()


def _test(arguments: argparse.Namespace) -> int:
    if arguments.distributions:
        return matrix.run(arguments.suites, arguments.steps, arguments.fresh)
    return tests.run(arguments.reach)


def _of_analysis(command):
    """A command of analysis/, with what ends it as one line."""
    return lambda arguments: analysis_commands.execute(command, arguments)


def _look(_: argparse.Namespace) -> int:
    from lab.commands import check

    return check.run()


def _kernels(_: argparse.Namespace) -> int:
    from lab.core import subprocesses
    from lab.kernels import source_build, variants

    cache = cache_path()
    table = variants.load()
    images = {variant.image.name: variant.image for variant in table.values() if variant.image}
    # Without a compiler nothing was built here: a kernel's name has the compiler's.
    built = {
        name: source_build.built(image, cache) if subprocesses.has("gcc") else None
        for name, image in images.items()
    }
    code = {name: source_build.code_bytes(folder) for name, folder in built.items() if folder}
    for variant in table.values():
        if variant.image and (folder := built[variant.image.name]):
            state = [str(folder), _code(variant.image, images, code)]
        elif variant.image:
            state = [f"not built: kmapbench kernels build {variant.name}"]
        else:
            state = [str(folder) for folder in debian_kernels.fetched(cache)] or [
                "not fetched yet: kmapbench run does it"
            ]
        print(f"{variant.name:12} {variant.what}")
        print("".join(f"{'':12} {line}\n" for line in state), end="")
    return EXIT_OK


def _code(
    image: "variants.Image", images: "dict[str, variants.Image]", code: dict[str, int]
) -> str:
    from lab.kernels import variants

    baseline = variants.unpatched(image, images)
    known = baseline and baseline is not image and baseline.name in code
    against = (
        f", {code[image.name] - code[baseline.name]:+,d} against {baseline.name}" if known else ""
    )
    return f"{code[image.name]:,d} bytes of code{against}"


def _check_build(arguments: argparse.Namespace) -> None:
    from lab.kernels import variants

    for name in arguments.names:
        variants.find(name)


def _build(arguments: argparse.Namespace) -> int:
    from lab.core.dirs import cache_dir
    from lab.core.progress import Display  # rich
    from lab.kernels import source_build, variants

    chosen = [variants.find(name) for name in arguments.names]
    cache = cache_dir()
    with Display() as display:
        source_build.provide([variant.image for variant in chosen if variant.image], cache, display)
        for variant in chosen:
            if variant.image is None:
                debian_kernels.fetch(None, cache, display.say)
    return _kernels(arguments)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command, looked at as far as nothing has to be installed, built or started
    for it.

    Ends with SystemExit where the parser has had its say (--help, a typo), else with KmapbenchError
    or BadData.
    """
    parsed = parser().parse_args(arguments)
    parsed.given = list(arguments)
    parsed.check(parsed)
    return parsed


def guarded(work: Callable[[], int]) -> int:
    """What work() returns, an exit code; whatever ends it is one line."""
    try:
        return work()
    except (KmapbenchError, BadData) as error:
        print(f"kmapbench: {error}", file=sys.stderr)
        return getattr(error, "exit_code", EXIT_UNMET)
    except KeyboardInterrupt:
        print("kmapbench: interrupted; what was measured is kept", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_OK
    except OSError as error:
        print(f"kmapbench: {error.filename or 'system'}: {error.strerror}", file=sys.stderr)
        return EXIT_UNMET
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("lab", "analysis"):
            raise
        print(
            f"kmapbench: {error}: start it as ./kmapbench, which installs what is missing",
            file=sys.stderr,
        )
        return EXIT_UNMET


def main(arguments: Sequence[str] | None = None) -> int:
    """A command, on a machine that has all it needs."""

    def work() -> int:
        parsed = parse(sys.argv[1:] if arguments is None else arguments)
        return parsed.function(parsed)

    return guarded(work)
