# SPDX-License-Identifier: Apache-2.0
"""A campaign reduced to one row per case and variant."""
