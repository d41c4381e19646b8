# SPDX-License-Identifier: Apache-2.0
"""Subcommands of the command line, one module each."""
