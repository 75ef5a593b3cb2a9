# SPDX-License-Identifier: Apache-2.0
"""The file of a walk along a series of patches (`kmapbench bisect --series`), which is no campaign.
"""

FORMAT = 1
FILE = "series.json"
