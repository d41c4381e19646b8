# SPDX-License-Identifier: Apache-2.0
"""The wire format: how atlases and shortcuts become bytes, and back."""
