# SPDX-License-Identifier: Apache-2.0
"""The demo: a small network that trains while its atlases are logged."""
