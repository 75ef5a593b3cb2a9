# SPDX-License-Identifier: Apache-2.0
"""What is measured on this machine itself: the running kernel's cases, and user models."""

from pathlib import Path

from lab import campaign, here, host
from lab.errors import KmapbenchError
from lab.progress import Display

HOST = "host"
LAUNCHES = 10

# For the progress display, in boots of the lab.
LAUNCH_WORK = 0.05
HERE_WORK = 1


def measure_here(kept: campaign.Boot, names: list[str], running: here.Prepared, kmap_bench: Path, display: Display) -> str | None:
    """Kernel cases on the running kernel, whose module is loaded; what went wrong, in one line, or None."""
    making: list[str] = []  # the case being measured, if any

    def on_line(line) -> None:
        if line.record:
            making.clear()
            display.advance(HERE_WORK / len(names))
        else:
            making[:] = [line.event["name"]]
            display.detail(f"{kept.variant}: {line.event['name']}")

    display.say(f"{kept.variant}: {len(names)} kernel cases on Linux {running.kernel.release}, the running kernel")
    try:
        host.measure(kept, kmap_bench, 1, here.options(names), on_line=on_line)
    except KeyboardInterrupt:
        kept.interrupt("Ctrl-C")
        raise
    except KmapbenchError as error:
        if making:
            kept.append_crashed(making[0], "tsc", str(error), [])
        kept.end(str(error))
        return f"{kept.variant}: {error}"
    kept.end()
    for line in here.skipped(kept.records):
        display.note(line)
    failed = kept.failed_oracles()
    return f"{kept.variant}: the oracle failed for {', '.join(failed)}" if failed else None


def measure_user(kept: campaign.Boot, kmap_bench: Path, display: Display) -> str | None:
    """User models; what went wrong, in one line, or None. Never beside QEMU: its load would be in the figures."""
    display.say("user models on this machine")
    try:
        host.measure(kept, kmap_bench, LAUNCHES, host.USER, lambda: display.advance(LAUNCH_WORK))
    except KeyboardInterrupt:
        kept.interrupt("Ctrl-C")
        raise
    except KmapbenchError as error:
        kept.end(str(error))
        return f"user models: {error}"
    kept.end()
    return None
