# SPDX-License-Identifier: Apache-2.0
"""Progress bars that appear on a terminal only and leave no line behind."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from tqdm.auto import tqdm


@contextlib.contextmanager
def progress_bar(
    what: str, total: int, *, unit: str = "it", shown: bool = True
) -> Iterator[tqdm[Any] | None]:
    """Shows a bar inside the block.

    Args:
        what: Stands before the bar.
        total: Where it ends.
        unit: What is counted.
        shown: False for no bar, wherever the program runs.

    Yields:
        The bar, or None where there is no terminal.
    """
    if not (shown and _is_on_a_terminal()):
        yield None
        return
    with tqdm(total=total, desc=what, unit=unit, leave=False) as bar:
        yield bar


def _is_on_a_terminal() -> bool:
    """Asks stderr, which a program that let go of its terminal may have closed or set to None."""
    try:
        return sys.stderr.isatty()
    except (AttributeError, OSError, ValueError):
        return False
