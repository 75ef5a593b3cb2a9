# SPDX-License-Identifier: Apache-2.0
"""Whether one side is slower than the other, and how sure that is.

The boot (or launch) is the unit: samples inside one share its layout and are not independent, so
each boot counts once, by its median. Estimate, interval and p are of the same quantity and of one
model (model.py). What
the reader should know beside the verdict is a value in the result, never a print. Functions are
pure; the same input gives
the same output.
"""
