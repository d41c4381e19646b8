# SPDX-License-Identifier: Apache-2.0
"""What speaks for a class, and the patches that make a network say one: found, then tested."""
