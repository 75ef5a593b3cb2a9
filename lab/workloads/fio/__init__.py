# SPDX-License-Identifier: Apache-2.0
"""fio on DAX files, as a workload."""
