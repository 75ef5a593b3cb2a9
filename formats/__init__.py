# SPDX-License-Identifier: Apache-2.0
"""What lab and analysis both know of a campaign. Standard library only."""
