# SPDX-License-Identifier: Apache-2.0
"""What the playbooks of fleet/ run: on each host, and at home."""
