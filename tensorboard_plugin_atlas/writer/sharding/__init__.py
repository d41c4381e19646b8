# SPDX-License-Identifier: Apache-2.0
"""Models whose parameters are sharded over the ranks of a process group."""
