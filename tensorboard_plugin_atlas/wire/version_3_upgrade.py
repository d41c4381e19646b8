# SPDX-License-Identifier: Apache-2.0
"""Upgrades manifests of wire version 3 to version 4, before they are checked.

Version 4 added the compact form of blobs with many samples, and `logged_samples`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def upgrade_manifest(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a manifest of version 3 as one of version 4.

    Args:
        document: The untrusted manifest. It may hold anything.
    """
    upgraded = dict(document) | {"version": 4}
    return upgraded | {"logged_samples": None} if upgraded.get("kind") == "atlas" else upgraded
