# SPDX-License-Identifier: Apache-2.0
"""Cycles that llvm-mca predicts, beside what was measured."""
