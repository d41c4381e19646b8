# SPDX-License-Identifier: Apache-2.0
"""JSON that a stranger wrote, asked key by key for values of a stated type and range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.sprite_sheets import MAX_PAGES, MAX_SIDE, page_count

MAX_TEXT: Final = 1 << 20
MAX_NAMES: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class SheetLayout:
    """How pictures lie on their pages: `count` tiles of `tile` px, `columns` a row."""

    tile: int
    columns: int
    count: int


class Fields:
    """A JSON object that is asked for values of a stated type and range, key by key.

    Every method raises a DamageError that names the key, what it holds and what was expected.

    Args:
        data: The object.
        where: Its name for messages.
    """

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise DamageError(f"{where}: expected an object")
        self._data = data
        self._where = where

    def refuse(self, key: str, wanted: str) -> DamageError:
        """Returns what to raise about a key: what it holds, and what was wanted."""
        shown = repr(self._data.get(key, "absent"))[:60]
        return DamageError(f'{self._where}: "{key}" is {shown}, expected {wanted}')

    def get(self, key: str) -> Any:
        """Returns a value as JSON has it, None for an absent one."""
        return self._data.get(key)

    def integer(self, key: str, low: int, high: int) -> int:
        """Returns a whole number."""
        value = self.get(key)
        if type(value) is not int or not low <= value <= high:
            raise self.refuse(key, f"a whole number from {low:,} to {high:,}")
        return value

    def optional_integer(self, key: str, low: int, high: int) -> int | None:
        """Returns a whole number, or None for null or an absent key."""
        return None if self.get(key) is None else self.integer(key, low, high)

    def number(self, key: str, low: float = -math.inf, high: float = math.inf) -> float:
        """Returns a finite number as a float."""
        value = self.get(key)
        if type(value) not in (int, float) or not low <= value <= high:
            raise self.refuse(key, f"a number from {low} to {high}")
        number = _as_float(value)
        if not math.isfinite(number):
            raise self.refuse(key, "a finite number")
        return number

    def optional_number(self, key: str) -> float | None:
        """Returns a finite number, or None for null or an absent key."""
        return None if self.get(key) is None else self.number(key)

    def text(self, key: str, most: int = MAX_TEXT) -> str:
        """Returns a text."""
        value = self.get(key)
        if not isinstance(value, str) or len(value) > most:
            raise self.refuse(key, f"text of at most {most:,} characters")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """Returns one of the texts in `choices`."""
        value = self.get(key)
        if value not in choices:
            raise self.refuse(key, "one of " + ", ".join(choices))
        return str(value)

    def items(self, key: str, most: int) -> list[Any]:
        """Returns a list whose items are not checked."""
        value = self.get(key)
        if not isinstance(value, list) or len(value) > most:
            raise self.refuse(key, f"a list of at most {most:,}")
        return value

    def integers(self, key: str, most: int, low: int, high: int) -> tuple[int, ...]:
        """Returns whole numbers."""
        value = self.items(key, most)
        if not all(type(n) is int and low <= n <= high for n in value):
            raise self.refuse(key, f"whole numbers from {low:,} to {high:,}")
        return tuple(value)

    def numbers(self, key: str, count: int, low: float, high: float) -> tuple[float, ...]:
        """Returns exactly `count` numbers."""
        value = self.items(key, count)
        are_numbers = all(type(n) in (int, float) and low <= n <= high for n in value)
        if len(value) != count or not are_numbers:
            raise self.refuse(key, f"{count} numbers from {low} to {high}")
        return tuple(map(float, value))

    def flag(self, key: str) -> bool:
        """Returns a truth value."""
        value = self.get(key)
        if not isinstance(value, bool):
            raise self.refuse(key, "true or false")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """Returns texts."""
        value = self.items(key, MAX_NAMES)
        if not all(isinstance(name, str) for name in value):
            raise self.refuse(key, "a list of texts")
        return tuple(value)

    def optional_names(self, key: str) -> tuple[str, ...] | None:
        """Returns texts, or None for null or an absent key."""
        return None if self.get(key) is None else self.names(key)

    def size(self, key: str, most: int) -> tuple[int, int]:
        """Returns a height and a width."""
        value = self.get(key)
        if (
            not isinstance(value, list)
            or len(value) != 2
            or not all(type(n) is int and 1 <= n <= most for n in value)
        ):
            raise self.refuse(key, f"height and width from 1 to {most:,}")
        return value[0], value[1]

    def mapping(self, key: str) -> dict[str, Any]:
        """Returns an object, its lists as tuples."""
        value = self.get(key)
        if not isinstance(value, dict):
            raise self.refuse(key, "an object")
        return {name: _frozen(item) for name, item in value.items()}

    def child(self, key: str) -> Fields:
        """Returns an object to be asked in turn."""
        return Fields(self.get(key), f'{self._where}: "{key}"')

    def children(self, key: str, most: int) -> list[Fields]:
        """Returns a list of objects to be asked in turn."""
        items = self.items(key, most)
        return [Fields(v, f'{self._where}: "{key}"[{i}]') for i, v in enumerate(items)]


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _frozen(value: Any) -> Any:
    """Returns a JSON value with tuples for lists, as the writer's frozen settings had them."""
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {name: _frozen(item) for name, item in value.items()}
    return value


def sheet_layout(fields: Fields, count: int) -> SheetLayout:
    """Returns how `count` pictures lie on their pages.

    Raises:
        DamageError: if they take more or larger pages than readers accept.
    """
    tile = fields.integer("tile", 1, MAX_SIDE)
    columns = fields.integer("columns", 1, MAX_SIDE // tile)
    if page_count(count, columns) > MAX_PAGES:
        raise DamageError(f"manifest: {count:,} pictures in {columns} columns, too many pages")
    return SheetLayout(tile=tile, columns=columns, count=count)
