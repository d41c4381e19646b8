# SPDX-License-Identifier: Apache-2.0
"""Beside the training loop: the worker, what waits for it, what it costs, what it records."""
