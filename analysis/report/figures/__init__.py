# SPDX-License-Identifier: Apache-2.0
"""Which charts a campaign has, with which data."""
