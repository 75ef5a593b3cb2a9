# SPDX-License-Identifier: Apache-2.0
"""Exit codes of all commands, as design and --help give them."""

OK = 0
FAILED = 1  # a check failed, a boot crashed, --fail-on found a slower case
UNMET = 2  # wrong use, bad data, an unmet need
UNRESOLVED = 3  # nothing slower, and a case that was asked for could not be judged
SIGNALLED = 128  # and the number of the signal that ended it
INTERRUPTED = SIGNALLED + 2  # by Ctrl-C
