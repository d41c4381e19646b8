# SPDX-License-Identifier: Apache-2.0
"""What `tensorboard-atlas` does, one command a file; `cli.py` is its door."""
