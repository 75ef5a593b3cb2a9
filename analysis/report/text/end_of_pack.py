# SPDX-License-Identifier: Apache-2.0
"""What `pack` says of an archive that it has written."""

from collections.abc import Sequence

from analysis.sharing.packing import Packed


def render_packed(packed: Packed, problems: Sequence[str]) -> str:
    """A line for the archive, one for each thing that is not in it, and what a contribution of it
    would lack.
    """
    lines = [
        f"{packed.path}: {packed.size:,d} bytes, {packed.files} files; unpacked it gives the same"
        " records and verdicts"
    ]
    for one in packed.left_out:
        again = f" ({one['made_by']} makes them again)" if "made_by" in one else ""
        lines.append(
            f"left out: {one['what']}, {one['files']} files of {one['bytes']:,d} bytes, as"
            f" {one['why']}{again}"
        )
    lines += [f"not for results/contributed/: {one}" for one in problems]
    if not problems:
        lines.append("fit for results/contributed/: docs/contributing-results.md says how")
    return "\n".join(lines) + "\n"
