# SPDX-License-Identifier: Apache-2.0
"""Classes as people ask for them, by name or index, checked against what a model tells apart."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Iterable, Sequence
from typing import Any, Final, SupportsIndex

from tensorboard_plugin_atlas.errors import ArgumentError

_CLOSE: Final = 3


def resolve_classes(
    asked: Any, names: Sequence[str] | None, count: int, argument: str = "class_atlases"
) -> tuple[tuple[int, ...], ...]:
    """Returns the indices of each class or pair of classes asked for, each once, in order.

    Args:
        asked: Names or indices, and tuples of two of them, such as `["cat", ("cat", "dog"), 3]`.
        names: Class names, or None.
        count: Classes that the model tells apart.
        argument: Where it was given, for messages.

    Raises:
        ArgumentError: if there is no such class; the message lists close names.
    """
    if isinstance(asked, (str, bytes)) or not isinstance(asked, Iterable):
        raise ArgumentError(
            f"{argument}={asked!r:.80}: pass a list of names or indices, and of tuples of two for "
            'what tells two apart, such as ["cat", ("cat", "dog"), 3]'
        )
    found = []
    for one in asked:
        parts = one if isinstance(one, (tuple, list)) else (one,)
        if not 1 <= len(parts) <= 2:
            raise ArgumentError(f"{argument}: {one!r:.80} is no class and no pair of two classes")
        classes = tuple(class_index(part, names, count, argument) for part in parts)
        if len(set(classes)) < len(classes):
            raise ArgumentError(f"{argument}: {one!r:.80} names one class twice; pass two")
        found.append(classes)
    return tuple(dict.fromkeys(found))


def class_index(wanted: object, names: Sequence[str] | None, count: int, argument: str) -> int:
    """Returns the index of one class.

    Args:
        wanted: Its name, or its index.
        names: Class names, or None.
        count: Classes that the model tells apart.
        argument: Where it was given, for messages.

    Raises:
        ArgumentError: if there is no such class; the message lists close names.
    """
    if isinstance(wanted, str):
        return _named(wanted, names, count, argument)
    if isinstance(wanted, bool) or not isinstance(wanted, SupportsIndex):
        raise ArgumentError(f"{argument}: {wanted!r:.80}: pass the name of a class, or its index")
    index = operator.index(wanted)
    if not 0 <= index < count:
        raise ArgumentError(
            f"{argument}: {index} is no class; the model tells {count:,} apart: pass 0 to "
            f"{count - 1:,}"
        )
    return index


def _named(wanted: str, names: Sequence[str] | None, count: int, argument: str) -> int:
    if names is None:
        raise ArgumentError(
            f"{argument}: {wanted!r:.80}: the classes have no names; pass classes=[...], or an "
            f"index from 0 to {count - 1:,}"
        )
    places = [index for index, name in enumerate(names[:count]) if name == wanted]
    if len(places) == 1:
        return places[0]
    if places:
        raise ArgumentError(
            f"{argument}: {len(places)} classes are called {wanted!r:.80}; pass an index: "
            + ", ".join(map(str, places[:_CLOSE]))
        )
    lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(wanted.lower(), lower, n=_CLOSE, cutoff=0.5)
    shown = [lower[name] for name in close] or list(names[:_CLOSE])
    hint = "did you mean" if close else "there are"
    raise ArgumentError(
        f"{argument}: no class is called {wanted!r:.80}; {hint} {', '.join(map(repr, shown))}"
        + ("?" if close else f", … ({len(names):,} in all)")
    )
