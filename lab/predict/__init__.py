# SPDX-License-Identifier: Apache-2.0
"""`kmapbench predict`: the executed code of the path through llvm-mca."""
