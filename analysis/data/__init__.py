# SPDX-License-Identifier: Apache-2.0
"""Campaigns read from disk, each record checked."""
