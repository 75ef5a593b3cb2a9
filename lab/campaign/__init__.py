# SPDX-License-Identifier: Apache-2.0
"""A campaign on disk: its folder, its schedule, what may not differ between its boots."""
