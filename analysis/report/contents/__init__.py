# SPDX-License-Identifier: Apache-2.0
"""Tables and sentences of a report, made once for the text, the page and the charts' data."""
