# SPDX-License-Identifier: Apache-2.0
"""Reads the data for the plugin's routes through TensorBoard's data provider."""
