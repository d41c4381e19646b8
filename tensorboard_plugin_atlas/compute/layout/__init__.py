# SPDX-License-Identifier: Apache-2.0
"""Layout: activations to 2-D coordinates that stay comparable between steps."""
