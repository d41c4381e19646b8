# SPDX-License-Identifier: Apache-2.0
"""Directional derivatives of logits along activations, and the networks they need."""
