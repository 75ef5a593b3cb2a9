# SPDX-License-Identifier: Apache-2.0
"""Figures of a report: which there are, with which data; analysis.report.charts draws them."""
