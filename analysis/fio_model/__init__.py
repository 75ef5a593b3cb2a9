# SPDX-License-Identifier: Apache-2.0
"""fio results interpreted: names of cases, means, the cost model, single reads and writes."""
