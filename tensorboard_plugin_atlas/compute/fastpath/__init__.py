# SPDX-License-Identifier: Apache-2.0
"""Faster exact forward and backward passes through the front of a frozen network."""
