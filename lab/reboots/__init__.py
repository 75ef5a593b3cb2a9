# SPDX-License-Identifier: Apache-2.0
"""`kmapbench campaign`: kernels of this machine, measured boot after boot."""
