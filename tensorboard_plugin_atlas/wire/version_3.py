# SPDX-License-Identifier: Apache-2.0
"""Upgrades manifests of wire version 3 to version 4, before they are checked.

Version 4 added the compact form of blobs with many samples. Manifests did not change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def upgrade_manifest(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a manifest of version 3 as one of version 4.

    Args:
        document: The untrusted manifest. It may hold anything.
    """
    return dict(document) | {"version": 4}
