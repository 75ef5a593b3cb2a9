# SPDX-License-Identifier: Apache-2.0
"""What an fio result says of the path: names of cases, the cost model, calls."""
