# SPDX-License-Identifier: Apache-2.0
"""Exceptions of this package.

* AtlasError
  * ArgumentError     an argument cannot be used (also a ValueError)
    * CannotSendError  a model that cannot be sent to another process
  * LayerError        an unknown layer, or one that never ran (also a ValueError)
  * DamageError       stored bytes that do not match their manifest
    * TooNewError     bytes written by a newer version of this package
  * WorkerError       the worker process failed at a step, or ended
  * RankError         a rank of a distributed run failed, ended, or did not call with the others
"""

from __future__ import annotations

import traceback
from typing import Final

_MAX_TEXT: Final = 2_000
"""Characters of the text of an exception that are kept: some texts print whole tensors."""


class AtlasError(Exception):
    """Base class of all exceptions of this package."""


class ArgumentError(AtlasError, ValueError):
    """An argument cannot be used; the message names it, shows its value and says what to pass."""


class CannotSendError(ArgumentError):
    """The model holds something that cannot be sent to another process."""


class LayerError(AtlasError, ValueError):
    """A layer name does not resolve, or the layer did not run; the message lists close names."""


class DamageError(AtlasError):
    """Stored bytes do not match their manifest and must not be shown."""


class TooNewError(DamageError):
    """The bytes have a wire version that this release does not support."""


class WorkerError(AtlasError, RuntimeError):
    """An error of the worker process, reported in the training process.

    Attributes:
        location: File and line where it was raised; there is one warning per location.
    """

    def __init__(self, message: str, location: str = "") -> None:
        super().__init__(message)
        self.location = location


class RankError(AtlasError, RuntimeError):
    """A rank did not make a call that all ranks have to make, failed in it, or ended."""


def describe_error(error: BaseException) -> str:
    """Returns type and text of an exception, even if its `__str__` fails."""
    try:
        text = str(error)[:_MAX_TEXT]
    except Exception:
        text = "(it has no text)"
    return f"{type(error).__name__}: {text}"


def summarize_error(error: BaseException) -> str:
    """Returns type and first line of the text of an exception, up to 200 characters."""
    kind, _, text = describe_error(error).partition(": ")
    line = text.strip().partition("\n")[0][:200]
    return f"{kind}: {line}" if line else kind


def find_location(error: BaseException) -> str:
    """Returns file and line where an exception was raised, such as "train.py:12"."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{frame.f_code.co_filename}:{line}"
