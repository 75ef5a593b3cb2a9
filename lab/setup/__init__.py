# SPDX-License-Identifier: Apache-2.0
"""What a machine needs before anything runs: packages, a Python, the C++ build."""
