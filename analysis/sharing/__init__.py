# SPDX-License-Identifier: Apache-2.0
"""Campaigns that are handed to others: packed, and checked by who takes them."""
