# SPDX-License-Identifier: Apache-2.0
"""`kmapbench gate`: whether a commit makes any case slower, for the CI of a kernel tree."""
