# SPDX-License-Identifier: Apache-2.0
"""Files of a prediction: what llvm-mca said, written by the lab, and what is made of it."""

FORMAT = 1
FOLDER = "predicted"  # in a campaign
FILE = "llvm-mca.json"
NAME = "prediction"  # of all that is made of it, without suffix
