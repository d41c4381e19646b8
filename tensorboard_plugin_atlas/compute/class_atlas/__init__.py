# SPDX-License-Identifier: Apache-2.0
"""Class atlases: maps of the samples that support one class or two."""
