# SPDX-License-Identifier: Apache-2.0
"""Whether one side is slower than the other, and how sure that is.

The pair of boots is the unit: samples inside a boot share its layout and are not independent, and
the coin that ordered each pair is what the test rests on (randomisation.py). What the reader should
know beside the verdict is a value in the result, never a print. Functions are pure; the same input
gives the same output.
"""
