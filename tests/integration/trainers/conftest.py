# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests with real trainers."""

from collections.abc import Iterator

import pytest
from accelerate.state import AcceleratorState, PartialState


def reset_accelerate() -> None:
    """Forgets the settings of earlier accelerators, also those of the trainer of Transformers."""
    AcceleratorState._reset_state()
    PartialState._reset_state()


@pytest.fixture(autouse=True)
def _new_accelerate_state() -> Iterator[None]:
    reset_accelerate()
    yield
    reset_accelerate()
