# SPDX-License-Identifier: Apache-2.0
"""Two sides compared: what they are, whether they may be, and the verdicts."""
