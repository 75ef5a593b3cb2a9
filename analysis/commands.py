# SPDX-License-Identifier: Apache-2.0
"""The commands that need the files of campaigns only, with their options read."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from analysis import streams
from analysis.data.bad_data import BadData, printable
from formats import exit_codes

if TYPE_CHECKING:
    from analysis.compare.gate import Gate

# Formats whose module has another name.
_FORMATS = {"md": "markdown"}


def execute(function: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """The exit code of a command; what ends it is one line."""
    streams.make_usable()
    try:
        code = function(arguments)
        sys.stdout.flush()
        return code
    except BadData as error:
        streams.complain(f"kmapbench: {error}")
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:  # whoever read has had enough
        streams.lead_nowhere(sys.stdout)
        return exit_codes.OK
    except OSError as error:
        streams.complain(f"kmapbench: {error.filename or 'system'}: {error.strerror}")
    return exit_codes.UNMET


def report(arguments: argparse.Namespace) -> int:
    """Writes a campaign's report again, and says what it is; 1 where its figures are not valid."""
    from analysis.report import writer

    written = writer.write_report(arguments.folder)
    print(written.mail if arguments.print else written.summary, end="")
    for problem in written.problems:
        print(f"kmapbench: {problem}", file=sys.stderr)
    return exit_codes.FAILED if written.problems else exit_codes.OK


def list_campaigns(arguments: argparse.Namespace) -> int:
    """Prints which campaigns lie in a folder."""
    from analysis.report.text.campaign_table import render_list
    from analysis.summary import campaign_list

    found = campaign_list.list_campaigns(arguments.folder)
    if not found:
        raise BadData(f"{arguments.folder}: no campaign there; ./kmapbench run makes one")
    print(render_list(found), end="")
    return exit_codes.OK


def pack(arguments: argparse.Namespace) -> int:
    """Writes a campaign's archive, or says what is wrong with one; 1 where anything is."""
    from analysis.report import writer
    from analysis.report.text.end_of_pack import render_packed
    from analysis.sharing import contribution, packing
    from formats.known_names import machine_names

    names = machine_names()
    if arguments.check_only:
        found = contribution.problems(arguments.path, names)
        for problem in found:
            print(f"kmapbench: {printable(problem)}", file=sys.stderr)
        if not found:
            print(f"{arguments.path}: schema, oracle, controls, fingerprint, names: nothing wrong")
        return exit_codes.FAILED if found else exit_codes.OK
    asked = packing.Asked(arguments.path, arguments.out, arguments.anonymize, arguments.with_names)
    packed = packing.pack(asked, names, writer.write_report)
    print(render_packed(packed, contribution.problems(packed.path, names)), end="")
    return exit_codes.OK


def show(arguments: argparse.Namespace) -> int:
    """Prints the records of a case."""
    from analysis.data.load import load
    from analysis.report.text import record_view

    campaign = load(arguments.folder)
    text = record_view.render_case(campaign, arguments.case, arguments.variant)
    if not text and arguments.variant and record_view.render_case(campaign, arguments.case, None):
        raise BadData(f"{arguments.folder}: no record of {arguments.case} in {arguments.variant}")
    if not text:
        like = ", ".join(record_view.names_like(campaign, arguments.case)[:5])
        mend = f"; there are {like}" if like else "; ./kmapbench cases lists all names"
        raise BadData(f"{arguments.folder}: no record of {arguments.case}{mend}")
    print(text, end="")
    return exit_codes.OK


def compare(arguments: argparse.Namespace) -> int:
    """Prints a comparison."""
    from analysis.compare import engine, inputs
    from analysis.compare.gate import gate as judge

    if arguments.history:
        return _history(arguments)
    pairs = inputs.pair_sources(arguments.sides, arguments.baseline, arguments.variants)
    groups = engine.compare(pairs.sources, arguments.allow, arguments.metric, arguments.cases)
    exporter = import_module(
        f"analysis.report.comparison.as_{_FORMATS.get(arguments.format, arguments.format)}"
    )
    shown = [engine.only_changed(group) for group in groups] if arguments.only_changed else groups
    text = exporter.export(shown, pairs.notes)
    return _said(
        text, judge(groups, arguments.fail_on, arguments.cases, pairs.lone, pairs.untrusted)
    )


def _history(arguments: argparse.Namespace) -> int:
    from analysis.history import case_history, history_gate

    history = case_history.read_history(arguments.history, arguments.metric, arguments.cases)
    exporter = import_module(
        f"analysis.report.history.history_{_FORMATS.get(arguments.format, arguments.format)}"
    )
    text = exporter.export(history)
    return _said(text, history_gate.judge_history(history, arguments.fail_on))


def _said(text: str, found: "Gate") -> int:
    """The exit code of a comparison that is printed now."""
    print(text, end="")
    sys.stdout.flush()
    for line in found.lines:
        print(f"kmapbench: {printable(line)}", file=sys.stderr)
    return found.code


def gate(arguments: argparse.Namespace) -> int:
    """Judges what `kmapbench gate` has measured, and writes it for CI systems."""
    from analysis.gate import gate_writer

    return gate_writer.write_gate(arguments.folder)


def site(arguments: argparse.Namespace) -> int:
    """Builds the site of many campaigns, and names what is not in it."""
    from analysis.site.site_build import build_site

    address = arguments.url and arguments.url.rstrip("/") + "/"
    built = build_site(arguments.folders, arguments.out, address)
    for where, why in built.left_out.items():
        print(f"kmapbench: {printable(where)}: {printable(why)}", file=sys.stderr)
    counts = ((built.campaigns, "campaign"), (built.cases, "case"), (built.changes, "change"))
    said = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
    print(f"{arguments.out / 'index.html'}: {said}; {built.written} files written")
    return exit_codes.OK


def forecast(arguments: argparse.Namespace) -> int:
    """Prints what a campaign that is not made yet can find, where an earlier one tells."""
    from analysis.compare import forecast as study

    variants = arguments.variants.split(",")
    asked = study.Asked(arguments.pairs, arguments.alpha, variants, arguments.cases, arguments.base)
    sentence = study.forecast(arguments.folder, asked)
    print(f"{sentence}\n" if sentence else "", end="")
    return exit_codes.OK


def predict(arguments: argparse.Namespace) -> int:
    """Writes what comes of llvm-mca's figures, and prints it."""
    from analysis.prediction.forms import prediction_writer

    text = prediction_writer.write_prediction(
        arguments.folder, arguments.campaign, arguments.format
    )
    print(text, end="")
    return exit_codes.OK


def calibrate(arguments: argparse.Namespace) -> int:
    """Runs the calibration's cells, and prints them; 1 where one breaks a limit."""
    from analysis.studies import calibrate as study

    return study.calibrate(arguments)
