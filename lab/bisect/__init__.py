# SPDX-License-Identifier: Apache-2.0
"""`kmapbench bisect`: which commit changed a figure."""
