# SPDX-License-Identifier: Apache-2.0
"""`kmapbench test --distributions`: the README's commands on Debians made from nothing."""
