# SPDX-License-Identifier: Apache-2.0
"""Exports atlases of a log as one HTML page that contains the Atlas tab."""
