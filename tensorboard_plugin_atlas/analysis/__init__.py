# SPDX-License-Identifier: Apache-2.0
"""Comparison of atlases, layer links, cell labels and concepts, with numpy only."""
