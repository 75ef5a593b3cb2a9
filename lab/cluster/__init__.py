# SPDX-License-Identifier: Apache-2.0
"""Work that is given to a cluster: tasks, the scripts that submit them, and what they leave."""
