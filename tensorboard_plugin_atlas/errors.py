# SPDX-License-Identifier: Apache-2.0
"""Every error this package raises on purpose.

* AtlasError
  * ArgumentError     a call was given something it cannot use (also a ValueError)
    * CannotSendError  a model that cannot be made again in another process
  * LayerError        an unknown layer, or one that never ran (also a ValueError)
  * DamageError       bytes in a log that are not what their manifest says
    * TooNewError     bytes written by a newer version of this package
  * WorkerError       the background process failed at a checkpoint, or ended
"""

from __future__ import annotations

from typing import Final

_LONGEST_TEXT: Final = 2_000
"""Characters of an exception's text that are passed on: some print the tensors they met."""


class AtlasError(Exception):
    """Base class: catch this to catch everything the package raises on purpose."""


class ArgumentError(AtlasError, ValueError):
    """An argument cannot be used; the message names it, shows its value and says what to pass."""


class CannotSendError(ArgumentError):
    """The model holds something that no other process can be given."""


class LayerError(AtlasError, ValueError):
    """A layer name does not resolve, or the layer did not run; the message lists close names."""


class DamageError(AtlasError):
    """Stored bytes disagree with their own manifest; nothing of them may be shown as truth."""


class TooNewError(DamageError):
    """The bytes follow a wire version that this release does not know."""


class WorkerError(AtlasError, RuntimeError):
    """What went wrong in the background process, told in the training process.

    Attributes:
        location: File and line where it was raised; one warning is given for each.
    """

    def __init__(self, message: str, location: str = "") -> None:
        super().__init__(message)
        self.location = location


def describe_error(error: BaseException) -> str:
    """Returns type and text of an exception, also of one whose text cannot be made."""
    try:
        text = str(error)[:_LONGEST_TEXT]
    except Exception:
        text = "(it has no text)"
    return f"{type(error).__name__}: {text}"


def summarize_error(error: BaseException) -> str:
    """Returns type and the first line of the text, up to 200 characters, for a note."""
    kind, _, text = describe_error(error).partition(": ")
    line = text.strip().partition("\n")[0][:200]
    return f"{kind}: {line}" if line else kind
