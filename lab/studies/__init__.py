# SPDX-License-Identifier: Apache-2.0
"""Studies of the tool itself; nothing else imports them."""
