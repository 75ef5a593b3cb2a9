# SPDX-License-Identifier: Apache-2.0
"""What `kmapbench gate` says of two kernels: the answer, and the files that CI systems read."""
