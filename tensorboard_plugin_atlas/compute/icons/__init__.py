# SPDX-License-Identifier: Apache-2.0
"""Icons: feature visualizations of cells, by inversion of their mean activation."""
