# SPDX-License-Identifier: Apache-2.0
"""Files of a table of configurations (`kmapbench configs`), which is no campaign."""

FORMAT = 1
FILE = "table.json"
TEXT = "table.txt"
