# SPDX-License-Identifier: Apache-2.0
"""What --help says behind the options."""

EPILOG = """\
KMAPBENCH_CACHE is the folder for sources, kernels and modules (default: kmapbench in
XDG_CACHE_HOME or ~/.cache). Exit codes: 0; 1 a check or a boot failed, or compare found
what --fail-on names; 2 wrong use, bad data, or something is missing; 3 compare could
not judge what --fail-on asks for; 128 and its number where a signal ended it.
"""
