# SPDX-License-Identifier: Apache-2.0
"""A history as text, Markdown, HTML or JSON: a file each, with one function, `export`."""
