# SPDX-License-Identifier: Apache-2.0
"""Commands of `tensorboard-atlas`: one module per command, with its options and its output.

These modules import the code that does the work when a command runs, so that `--help` is fast and
needs no torch.
"""
