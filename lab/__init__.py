# SPDX-License-Identifier: Apache-2.0
"""Prepares kernels, boots them, runs kmap_bench there or here, keeps campaigns.

The lab measures and keeps; it computes no statistic (analysis/ does, from the files).
"""

VERSION = "0.2"  # of kmapbench as a whole
