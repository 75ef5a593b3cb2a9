# SPDX-License-Identifier: Apache-2.0
"""`kmapbench run`: from the plan to a finished campaign."""
