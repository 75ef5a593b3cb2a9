# SPDX-License-Identifier: Apache-2.0
"""Report of a campaign: built once as a ReportModel, then rendered as text, page and charts."""
