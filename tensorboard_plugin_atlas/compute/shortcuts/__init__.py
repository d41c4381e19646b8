# SPDX-License-Identifier: Apache-2.0
"""Shortcuts: small patches that flip predictions to a class, with a significance test."""
