# SPDX-License-Identifier: Apache-2.0
"""`kmapbench site`: pages of many campaigns, as files that need no server."""
