# SPDX-License-Identifier: Apache-2.0
"""Access to the user's model: its layers, outputs, receptive fields, and frozen copies."""
