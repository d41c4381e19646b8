# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of a finished run: finds and reads the files, and makes atlases of them."""
