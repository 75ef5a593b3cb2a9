# SPDX-License-Identifier: Apache-2.0
"""Kernels to measure: the table of variants, the distribution's packages, builds from source, the
module.
"""
