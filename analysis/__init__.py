# SPDX-License-Identifier: Apache-2.0
"""Loads campaigns and reports on them. It never starts a measurement: all it knows is in the files.
"""
