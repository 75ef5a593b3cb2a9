# SPDX-License-Identifier: Apache-2.0
"""`kmapbench test --distributions`: the README's commands on Debian systems made from nothing."""
