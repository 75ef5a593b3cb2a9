# SPDX-License-Identifier: Apache-2.0
"""Booting QEMU: the command line, the initramfs, the console, the observer's plugin."""
