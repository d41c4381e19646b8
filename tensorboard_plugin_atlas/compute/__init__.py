# SPDX-License-Identifier: Apache-2.0
"""Model and probe to atlas. Only compute, writer, demo and commands import torch."""
