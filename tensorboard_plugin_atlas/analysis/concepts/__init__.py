# SPDX-License-Identifier: Apache-2.0
"""Concepts: clusters of samples that keep their id from step to step."""
