# SPDX-License-Identifier: Apache-2.0
"""Commands other than run."""
