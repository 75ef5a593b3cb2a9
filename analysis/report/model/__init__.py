# SPDX-License-Identifier: Apache-2.0
"""Data types of a report: what it says, before it becomes text, a page or a chart."""
