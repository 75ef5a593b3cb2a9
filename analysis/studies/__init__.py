# SPDX-License-Identifier: Apache-2.0
"""Studies of the statistics; nothing else imports them."""
