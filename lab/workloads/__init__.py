# SPDX-License-Identifier: Apache-2.0
"""What is measured in a boot: cases of the module, user models."""
