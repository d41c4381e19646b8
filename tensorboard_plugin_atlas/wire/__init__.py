# SPDX-License-Identifier: Apache-2.0
"""The wire format: encodes atlases and shortcuts as bytes, and decodes them."""
