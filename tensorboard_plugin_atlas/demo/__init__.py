# SPDX-License-Identifier: Apache-2.0
"""The demo: trains a small network and logs its atlases."""
