# SPDX-License-Identifier: Apache-2.0
"""Models that Accelerate prepared for mixed precision, which replaces their `forward`.

The replacement enables autocast inside, where a caller cannot disable it, and refuses to be
pickled. Atlases are computed in the precision of the parameters, as for a loop that enables
autocast itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

_ORIGINAL = "_original_forward"
"""Attribute that holds the method that Accelerate replaced."""


def without_autocast(kind: type[nn.Module], attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the attributes of a module as they were before it was prepared.

    Args:
        kind: Class of the module.
        attributes: Its `__dict__`.

    Returns:
        A new dictionary, or None if the module was not prepared for mixed precision.
    """
    original = attributes.get(_ORIGINAL)
    if original is None or "forward" not in attributes:
        return None
    kept = {name: value for name, value in attributes.items() if name not in ("forward", _ORIGINAL)}
    if getattr(original, "__func__", None) is not kind.forward:
        kept["forward"] = original  # the user's own replacement
    return kept


@contextlib.contextmanager
def remove_autocast(model: nn.Module) -> Iterator[None]:
    """Restores the original `forward` of all modules inside a block."""
    prepared = []
    for module in model.modules():
        attributes = vars(module)
        original = without_autocast(type(module), attributes)
        if original is not None:
            both = {name: attributes[name] for name in ("forward", _ORIGINAL)}
            prepared.append((attributes, both, original.get("forward")))
    try:
        for attributes, both, forward in prepared:
            for name in both:
                del attributes[name]
            if forward is not None:
                attributes["forward"] = forward
        yield
    finally:
        for attributes, both, _ in prepared:
            attributes.update(both)
