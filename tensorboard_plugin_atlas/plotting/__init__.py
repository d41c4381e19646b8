# SPDX-License-Identifier: Apache-2.0
"""Figures of atlases in Matplotlib, an optional dependency; it is imported when a function runs."""
