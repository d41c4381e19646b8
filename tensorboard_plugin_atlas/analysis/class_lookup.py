# SPDX-License-Identifier: Apache-2.0
"""Resolves class names and indices that a caller requests."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Iterable, Sequence
from typing import Any, Final, SupportsIndex

from tensorboard_plugin_atlas.errors import ArgumentError

_SUGGESTIONS: Final = 3
"""Class names that an error message lists."""


def resolve_classes(
    requested: Any, names: Sequence[str] | None, count: int, argument: str = "class_atlases"
) -> tuple[tuple[int, ...], ...]:
    """Returns the class indices of each request, once each and in order.

    Args:
        requested: Names or indices, and pairs of them, such as `["cat", ("cat", "dog"), 3]`.
        names: Class names, or None.
        count: Number of classes of the model.
        argument: Name of the argument or option, for messages.

    Raises:
        ArgumentError: if there is no such class; the message lists close names.
    """
    if isinstance(requested, (str, bytes)) or not isinstance(requested, Iterable):
        raise ArgumentError(
            f"{argument}={requested!r:.80}: pass a list of class names or indices, and of pairs of "
            'them, such as ["cat", ("cat", "dog"), 3]'
        )
    found = []
    for one in requested:
        parts = one if isinstance(one, (tuple, list)) else (one,)
        if not 1 <= len(parts) <= 2:
            raise ArgumentError(f"{argument}: {one!r:.80} is not a class or a pair of classes")
        classes = tuple(resolve_class(part, names, count, argument) for part in parts)
        if len(set(classes)) < len(classes):
            raise ArgumentError(f"{argument}: {one!r:.80} names one class twice; pass two classes")
        found.append(classes)
    return tuple(dict.fromkeys(found))


def resolve_class(wanted: object, names: Sequence[str] | None, count: int, argument: str) -> int:
    """Returns the index of one class.

    Args:
        wanted: Its name or its index.
        names: Class names, or None.
        count: Number of classes of the model.
        argument: Name of the argument or option, for messages.

    Raises:
        ArgumentError: if there is no such class; the message lists close names.
    """
    if isinstance(wanted, str):
        return _resolve_name(wanted, names, count, argument)
    if isinstance(wanted, bool) or not isinstance(wanted, SupportsIndex):
        raise ArgumentError(f"{argument}: {wanted!r:.80}: pass the name of a class or its index")
    index = operator.index(wanted)
    if not 0 <= index < count:
        raise ArgumentError(
            f"{argument}: {index} is not a class; the model has {count:,} classes: pass 0 to "
            f"{count - 1:,}"
        )
    return index


def _resolve_name(wanted: str, names: Sequence[str] | None, count: int, argument: str) -> int:
    if names is None:
        raise ArgumentError(
            f"{argument}: {wanted!r:.80}: the classes have no names; pass classes=[...], or an "
            f"index from 0 to {count - 1:,}"
        )
    indices = [index for index, name in enumerate(names[:count]) if name == wanted]
    if len(indices) == 1:
        return indices[0]
    if indices:
        raise ArgumentError(
            f"{argument}: {len(indices)} classes are named {wanted!r:.80}; pass an index: "
            + ", ".join(map(str, indices[:_SUGGESTIONS]))
        )
    lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(wanted.lower(), lower, n=_SUGGESTIONS, cutoff=0.5)
    shown = [lower[name] for name in close] or list(names[:_SUGGESTIONS])
    hint = "did you mean" if close else "choose one of"
    raise ArgumentError(
        f"{argument}: no class is named {wanted!r:.80}; {hint} {', '.join(map(repr, shown))}"
        + ("?" if close else f", … ({len(names):,} in all)")
    )
