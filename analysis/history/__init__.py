# SPDX-License-Identifier: Apache-2.0
"""The same cases in many campaigns, one after the other: a store of their figures, and where a
level moved.
"""
