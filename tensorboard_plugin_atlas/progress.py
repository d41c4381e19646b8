# SPDX-License-Identifier: Apache-2.0
"""Progress bars, which are shown on terminals only."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm


@contextlib.contextmanager
def progress_bar(
    what: str, total: int, *, unit: str = "it", shown: bool = True, delay: float = 0.0
) -> Iterator[tqdm[Any] | None]:
    """Shows a progress bar inside the block.

    Args:
        what: Label of the bar.
        total: Number of units at the end.
        unit: Name of a unit.
        shown: False for no bar.
        delay: Seconds after which the bar is shown.

    Yields:
        The bar, or None without a terminal.
    """
    if not (shown and _is_on_a_terminal()):
        yield None
        return
    with tqdm(total=total, desc=what, unit=unit, leave=False, delay=delay) as bar:
        yield bar


def _is_on_a_terminal() -> bool:
    """Returns whether stderr is a terminal; daemons may have closed it or set it to None."""
    try:
        return sys.stderr.isatty()
    except (AttributeError, OSError, ValueError):
        return False
