# SPDX-License-Identifier: Apache-2.0
"""Event files: reading, writing, resuming, checking and repairing logs of atlases."""
