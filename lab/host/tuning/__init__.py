# SPDX-License-Identifier: Apache-2.0
"""Settings of this machine that a run changes, and puts back."""
