# SPDX-License-Identifier: Apache-2.0
"""Callbacks and handlers for PyTorch Lightning, Transformers, Accelerate, and Ignite.

Each module imports its host library; the package itself depends on none of them.
"""
