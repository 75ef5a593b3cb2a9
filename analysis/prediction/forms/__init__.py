# SPDX-License-Identifier: Apache-2.0
"""A prediction as files: text, Markdown, JSON and charts."""
