# SPDX-License-Identifier: Apache-2.0
"""The one place that states the version; setup.py and the front end's build read it from here."""

__version__ = "0.1.0"
