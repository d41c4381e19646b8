# SPDX-License-Identifier: Apache-2.0
"""What blobs are made of: tensors, the manifest, and stores of numbers; `codec.py` is the door."""
