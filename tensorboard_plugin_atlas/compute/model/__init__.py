# SPDX-License-Identifier: Apache-2.0
"""The user's model: its layers, what they give and see, copies of it; no trace is left in it."""
