# SPDX-License-Identifier: Apache-2.0
"""The commands, as the launcher hands them over."""

import argparse
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lab import check, distribution, selftest, source_kernel, variants
from lab.distribution import RT_SERIES, SERIES
from lab.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_UNMET, KmapbenchError
from lab.paths import ROOT, cache_dir


class _Parser(argparse.ArgumentParser):
    """One line for wrong use, and no usage text around it."""

    def error(self, message: str):
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        sys.exit(EXIT_UNMET)

# What a run can be restricted to.
ONLY = ("micro", "user", "dax")


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 to 10000")
    return int(text)


def _label(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text) or text == "host":
        raise argparse.ArgumentTypeError(f"'{text}' is no name for a folder: letters, digits, '.', '_', '-', and not 'host'")
    return text


def parser() -> argparse.ArgumentParser:
    top = _Parser(
        prog="kmapbench",
        description="What WRPKRS costs in kmap_local_page() and kunmap_local().",
        epilog="With --no-install, anywhere, nothing is installed: what is missing is listed instead.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="measure and report: kernel cases in the lab, user models on this machine")
    run.add_argument("--variants", metavar="A,B", help="kernels to measure (default: stock)")
    run.add_argument("--boots", type=_count, metavar="N", help="boots a variant (default: 2)")
    run.add_argument("--seed", type=int, metavar="S", help="order of the boots (default: a new one, kept in campaign.json)")
    run.add_argument("--out", type=Path, metavar="DIR", help="campaign folder to make (default: a new one in results/)")
    run.add_argument("--only", choices=ONLY, help="kernel cases only, user models only, or instead of both fio on DAX files")
    run.add_argument("--kernel", choices=SERIES + RT_SERIES, help="which of the distribution's kernels stock is (default: the newest offered)")
    run.add_argument("--cases", metavar="default|all|GLOB", help="kernel cases and user models: a telling dozen of each, all, or those whose name matches, as 'kernel/*'")
    run.add_argument("--preset", metavar="NAME", help="with --only dax: what fio measures, a table of lab/dax.toml (default: quick; with --here: full)")
    run.add_argument("--here", action="store_true", help="kernel cases on this machine's running kernel, instead of the lab; takes root")
    run.add_argument("--on", metavar="PATH", help="with --here --only dax: a folder on a file system mounted with dax=always, or a device as /dev/pmem0, which is formatted")
    run.add_argument("--label", type=_label, metavar="NAME", help="with --here: what the running kernel is called in the campaign (default: here)")
    run.add_argument("--anonymize", action="store_true", help="keep no host names and serial numbers, so that the campaign can be shown to everybody")
    run.add_argument("--plan", type=Path, metavar="FILE", help="what these options say, from a file, as plan.toml of a campaign; options given beside it win")
    run.add_argument("--resume", type=Path, metavar="DIR", help="go on with a campaign that was cut short: what is whole is kept, the rest is made")
    run.add_argument("--dry-run", action="store_true", help="print every step, and do nothing")
    run.set_defaults(function=_run)

    report = commands.add_parser("report", help="write report.txt, report/index.html and charts/ of a campaign again")
    report.add_argument("folder", type=Path, metavar="DIR")
    report.set_defaults(function=_report)

    # Its options are analysis/'s (main hands them over); here it is listed.
    commands.add_parser("compare", help="say whether one kernel is slower than another, and how sure that is", add_help=False)

    look = commands.add_parser("check", help="say what can be measured here, what disturbs it, and what to do; changes nothing")
    look.set_defaults(function=lambda _: check.run())

    test = commands.add_parser("test", help="run all tests that need no kernel build, or more")
    more = test.add_mutually_exclusive_group()
    more.add_argument("--kernels", action="store_const", dest="reach", const=selftest.KERNELS, help="also those that build kernels")
    more.add_argument("--all", action="store_const", dest="reach", const=selftest.ALL, help="all: debug, the distribution's other kernels, long runs")
    test.set_defaults(function=lambda parsed: selftest.run(parsed.reach), reach=selftest.EVERYDAY)

    kernels = commands.add_parser("kernels", help="list the variants and what is built, or build")
    kernels.set_defaults(function=_kernels)
    build = kernels.add_subparsers(metavar="build").add_parser("build", help="build the kernels of variants")
    build.add_argument("names", nargs="+", metavar="NAME", help="a variant")
    build.set_defaults(function=_build)
    return top


# Options of run that a plan file can have, too.
_PLANNED = ("variants", "boots", "seed", "only", "kernel", "cases", "preset", "on", "here", "label", "anonymize")


def _run(arguments: argparse.Namespace) -> int:
    from lab import run  # jsonschema and rich, which the other commands can do without

    plan = _plan(arguments)
    if arguments.dry_run:
        print(run.steps_of(plan), end="")
        return EXIT_OK
    return run.run(plan)


def _plan(arguments: argparse.Namespace):
    """From options, a plan file, or the campaign that is to be resumed."""
    from lab import plan

    given = {name: value for name in _PLANNED if (value := getattr(arguments, name)) not in (None, False)}
    if "variants" in given:
        given["variants"] = given["variants"].split(",")
    if arguments.resume and (given or arguments.plan or arguments.out):
        raise KmapbenchError("--resume goes on with what was asked for then: leave out all else but --dry-run")
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
        seed=said.get("seed", secrets.randbits(32)),
        only=said.get("only"),
        series=said.get("kernel"),
        cases=said.get("cases", "default"),
        out=arguments.out.absolute() if arguments.out else None,
        arguments=sys.argv[1:],
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
            raise KmapbenchError("--here --only dax measures on what you name: give --on FOLDER or --on /dev/pmemN")
        for name in ("variants", "boots", "kernel"):
            if name in said:
                raise KmapbenchError(f"--here measures the running kernel in the boot it is in: leave out --{name}, or leave out --here")
    for name, needed in (("preset", "--only dax"), ("on", "--here --only dax")):
        if name in said and (said.get("only") != "dax" or (name == "on" and not said.get("here"))):
            raise KmapbenchError(f"--{name} goes with {needed}")
    if said.get("only") == "dax" and said.get("cases", "default") != "default":
        raise KmapbenchError("--cases chooses kernel cases and user models: leave it out, or leave out --only dax")
    for name, check in (("boots", _count), ("label", _label)):
        if name in said:
            try:
                check(str(said[name]))
            except argparse.ArgumentTypeError as error:
                raise KmapbenchError(f"{name}: {error}") from None
    for name, choices in (("only", ONLY), ("kernel", SERIES + RT_SERIES)):
        if name in said and said[name] not in choices:
            raise KmapbenchError(f"{name}: '{said[name]}' is none of {', '.join(choices)}")
    return said


def _report(arguments: argparse.Namespace) -> int:
    return subprocess.run([sys.executable, "-m", "analysis", "report", str(arguments.folder.absolute())], cwd=ROOT).returncode


def _compare(arguments: Sequence[str]) -> int:
    """analysis/ knows the options; paths are the caller's, so we stay in the caller's folder."""
    command = [sys.executable, "-P", "-m", "analysis", "compare", *arguments]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}).returncode


def _kernels(_: argparse.Namespace) -> int:
    cache = cache_dir()
    table = variants.load()
    images = {variant.image.name: variant.image for variant in table.values() if variant.image}
    built = {name: source_kernel.built(image, cache) for name, image in images.items()}
    code = {name: source_kernel.code_bytes(folder) for name, folder in built.items() if folder}
    for variant in table.values():
        if variant.image and (folder := built[variant.image.name]):
            state = [str(folder), _code(variant.image, images, code)]
        elif variant.image:
            state = [f"not built: kmapbench kernels build {variant.name}"]
        else:
            state = [str(folder) for folder in distribution.fetched(cache)] or ["not fetched yet: kmapbench run does it"]
        print(f"{variant.name:12} {variant.what}")
        print("".join(f"{'':12} {line}\n" for line in state), end="")
    return EXIT_OK


def _code(image: variants.Image, images: dict[str, variants.Image], code: dict[str, int]) -> str:
    baseline = variants.unpatched(image, images)
    known = baseline and baseline is not image and baseline.name in code
    against = f", {code[image.name] - code[baseline.name]:+,d} against {baseline.name}" if known else ""
    return f"{code[image.name]:,d} bytes of code{against}"


def _build(arguments: argparse.Namespace) -> int:
    from lab.progress import Display  # rich

    chosen = [variants.find(name) for name in arguments.names]
    cache = cache_dir()
    with Display() as display:
        source_kernel.provide([variant.image for variant in chosen if variant.image], cache, display)
        for variant in chosen:
            if variant.image is None:
                distribution.fetch(None, cache, display.say)
    return _kernels(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments and arguments[0] == "compare":
            return _compare(arguments[1:])
        parsed = parser().parse_args(arguments)
        return parsed.function(parsed)
    except KmapbenchError as error:
        print(f"kmapbench: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("kmapbench: interrupted; what was measured is kept", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_OK
    except OSError as error:
        print(f"kmapbench: {error.filename or 'system'}: {error.strerror}", file=sys.stderr)
        return EXIT_UNMET
