# SPDX-License-Identifier: Apache-2.0
"""The running kernel and the programs of this machine."""
