# SPDX-License-Identifier: Apache-2.0
"""What all rooms of lab use: errors, folders, programs, progress, and the guest's stream of events.
"""
