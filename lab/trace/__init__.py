# SPDX-License-Identifier: Apache-2.0
"""What the emulator's observer saw: windows of a boot, symbols, profiles of calls."""
