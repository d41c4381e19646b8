# SPDX-License-Identifier: Apache-2.0
"""Reasons why plain autograd runs instead of the fast path, logged at level INFO."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from tensorboard_plugin_atlas.errors import summarize_error

_logger: Final = logging.getLogger("tensorboard_plugin_atlas")


class UnsupportedError(Exception):
    """A network has an operation that the fast path does not implement; the message names it."""


@dataclass(frozen=True)
class Fallback:
    """The fast path cannot be used, and plain autograd runs instead.

    Attributes:
        reason: The operation or the type of the exception. It is the same in every process, since
            it goes into the provenance of an atlas.
    """

    reason: str


def log_fallback(task: str, cause: str | Exception) -> Fallback:
    """Logs that plain autograd runs instead of the fast path, and returns the reason.

    Args:
        task: What is computed, such as "icons of layer 'layer3'".
        cause: The reason, or the exception that was raised. The text of an exception of the user's
            code is logged, but only its type is returned: the text may contain memory addresses.
    """
    if isinstance(cause, Exception) and not isinstance(cause, UnsupportedError):
        text, reason = summarize_error(cause), type(cause).__name__
    else:
        text = reason = str(cause)
    _logger.info("%s: plain autograd runs instead of the fast path (%s)", task, text)
    return Fallback(reason)
