# SPDX-License-Identifier: Apache-2.0
"""`kmapbench configs`: what each symbol of a kernel configuration costs."""
