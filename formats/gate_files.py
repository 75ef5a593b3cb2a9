# SPDX-License-Identifier: Apache-2.0
"""The folder of a gate (`kmapbench gate`): its files, and the two kernels in it."""

FORMAT = 1
FILE = "gate.json"  # what was asked, and what ended a build; results/schema/gate.schema.json
CAMPAIGN = "campaign"  # a folder; there is none where no kernel was booted
COMMENT, KTAP, KCIDB = "comment.md", "result.ktap", "kcidb.json"

BASE, HEAD = "base", "head"
