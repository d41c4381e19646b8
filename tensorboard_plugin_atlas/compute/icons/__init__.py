# SPDX-License-Identifier: Apache-2.0
"""Icons: feature visualization of cells by inversion of their mean activation."""
