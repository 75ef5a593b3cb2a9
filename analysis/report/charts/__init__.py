# SPDX-License-Identifier: Apache-2.0
"""Charts of a campaign, as SVG and PNG: one a file. What all have in common is in frame.py."""
