# SPDX-License-Identifier: Apache-2.0
"""Data behind the plugin's routes, read through TensorBoard's data provider."""
