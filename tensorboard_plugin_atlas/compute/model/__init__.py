# SPDX-License-Identifier: Apache-2.0
"""The user's model: its layers, outputs, receptive fields, and copies of it."""
