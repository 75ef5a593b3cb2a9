# SPDX-License-Identifier: Apache-2.0
"""Report, page and charts of a campaign."""
