# SPDX-License-Identifier: Apache-2.0
"""Upgrades manifests of wire version 2 to version 3, before they are checked.

Version 3 added groups and churn of concepts, and changes of predictions. Nothing else of the
package knows version 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_ATLAS_KEYS: Final = ("groups", "concept_change")
_CONCEPT_KEYS: Final = ("group", "joined", "left")
_EVENT_KEYS: Final = ("samples", "classes", "images")


def upgrade_manifest(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a manifest of version 2 as one of version 3.

    Args:
        document: The untrusted manifest. It may hold anything; values of the wrong type are kept
            as they are, for the reader to refuse.
    """
    upgraded = dict(document) | {"version": 3}
    if upgraded.get("kind") == "atlas":
        upgraded |= dict.fromkeys(_ATLAS_KEYS)
        for name, keys in (("concepts", _CONCEPT_KEYS), ("events", _EVENT_KEYS)):
            if isinstance(upgraded.get(name), list):
                upgraded[name] = [_add_keys(entry, keys) for entry in upgraded[name]]
    return upgraded


def _add_keys(entry: Any, keys: tuple[str, ...]) -> Any:
    return entry | dict.fromkeys(keys) if isinstance(entry, dict) else entry
