# SPDX-License-Identifier: Apache-2.0
"""The keys of a manifest of kind "shortcuts", both ways; see `http_api.md` for each."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import Any, Final

from tensorboard_plugin_atlas.shortcut_record import (
    LoggedShortcut,
    PastedImage,
    ShortcutRecord,
    ShortcutTest,
)
from tensorboard_plugin_atlas.sprite_sheets import page_count
from tensorboard_plugin_atlas.wire.json_reader import Fields, SheetLayout, sheet_layout

MAX_FOUND: Final = 40
MAX_HISTORY: Final = 1_000
MAX_SAMPLES_SHOWN: Final = 64
MAX_EXAMPLES: Final = 12

_MAX_ID: Final = 2**31 - 1
_MAX_CLASS: Final = 1_000_000
_MAX_ROWS: Final = 1_000_000
_MAX_IMAGE_SIDE: Final = 1 << 16
_MAX_STRENGTH: Final = 100.0
_STEPS: Final = (-(2**63), 2**63 - 1)
_RATES: Final = (
    "area",
    "flip_rate",
    "anywhere_flip_rate",
    "noise_flip_rate",
    "other_flip_rate",
    "same_flip_rate",
)


@dataclass(frozen=True, kw_only=True)
class ShortcutFields:
    """The part of a manifest that belongs to kind "shortcuts": a `ShortcutRecord` without pixels.

    Attributes:
        layer: Dotted module name.
        step: Global step.
        wall_time: Seconds since the epoch.
        classes: Class names, or None.
        probe: The probe's hash.
        input_size: Height and width of the images.
        images: Images that were searched.
        found: The patches.
        sheet: How their pictures lie on their one page, or None without any.
    """

    layer: str
    step: int
    wall_time: float
    classes: tuple[str, ...] | None
    probe: str
    input_size: tuple[int, int]
    images: int
    found: tuple[LoggedShortcut, ...]
    sheet: SheetLayout | None


def fields_of(record: ShortcutRecord, sheet: SheetLayout | None) -> ShortcutFields:
    """Returns what the manifest of `record` says, its patches lying as `sheet` tells."""
    names = {field.name for field in dataclasses.fields(ShortcutFields)} - {"sheet"}
    return ShortcutFields(**{name: getattr(record, name) for name in names}, sheet=sheet)


def shortcut_header(fields: ShortcutFields) -> dict[str, Any]:
    """Returns the keys as JSON has them."""
    header = dataclasses.asdict(fields)
    sheet = header.pop("sheet")
    header["patches"] = sheet and {key: sheet[key] for key in ("tile", "columns")}
    return header


def shortcut_fields(fields: Fields) -> ShortcutFields:
    """Reads the keys.

    Raises:
        DamageError: if one is not what a writer of ours writes.
    """
    size = fields.size("input_size", _MAX_IMAGE_SIDE)
    found = tuple(_found(one, size) for one in fields.children("found", MAX_FOUND))
    if len({one.id for one in found}) != len(found):
        raise fields.refuse("found", "an id for each")
    return ShortcutFields(
        layer=fields.text("layer"),
        step=fields.integer("step", *_STEPS),
        wall_time=fields.number("wall_time"),
        classes=fields.optional_names("classes"),
        probe=fields.text("probe"),
        input_size=size,
        images=fields.integer("images", 0, _MAX_ROWS),
        found=found,
        sheet=_sheet(fields, found),
    )


def _sheet(fields: Fields, found: tuple[LoggedShortcut, ...]) -> SheetLayout | None:
    if (fields.get("patches") is None) != (not found):
        raise fields.refuse("patches", "null where nothing was found, and only there")
    if not found:
        return None
    sheet = sheet_layout(fields.child("patches"), len(found))
    if page_count(sheet.count, sheet.columns) != 1 or sheet.tile != longest_side(found):
        raise fields.refuse("patches", "one page, its tiles as long as the longest patch")
    return sheet


def longest_side(found: tuple[LoggedShortcut, ...]) -> int:
    """Returns the pixels along the longest side of any patch."""
    return max(max(y1 - y0, x1 - x0) for y0, x0, y1, x1 in (one.box for one in found))


def _found(one: Fields, size: tuple[int, int]) -> LoggedShortcut:
    history = tuple(_tests(one))
    if any(a.step >= b.step for a, b in itertools.pairwise(history)):
        raise one.refuse("history", "rising steps")
    low, high = one.numbers("interval", 2, -1, 1)
    return LoggedShortcut(
        **{name: one.number(name, 0, 1) for name in _RATES},
        id=one.integer("id", 0, _MAX_ID),
        target=one.integer("target", 0, _MAX_CLASS),
        box=_box(one, size),
        interval=(low, high),
        strength=one.number("strength", -_MAX_STRENGTH, _MAX_STRENGTH),
        support=one.integer("support", 0, _MAX_ROWS),
        significant=one.flag("significant"),
        since=one.optional_integer("since", *_STEPS),
        image=one.integer("image", 0, _MAX_ID),
        history=history,
        samples=one.integers("samples", MAX_SAMPLES_SHOWN, 0, _MAX_ROWS),
        similarity=_optional(one, "similarity", -1, 1),
        examples=tuple(
            PastedImage(
                image=example.integer("image", 0, _MAX_ID),
                before=example.integer("before", 0, _MAX_CLASS),
                after=example.integer("after", 0, _MAX_CLASS),
                probability_before=example.number("probability_before", 0, 1),
                probability_after=example.number("probability_after", 0, 1),
            )
            for example in one.children("examples", MAX_EXAMPLES)
        ),
    )


def _tests(one: Fields) -> list[ShortcutTest]:
    return [
        ShortcutTest(
            step=test.integer("step", *_STEPS),
            flip_rate=_optional(test, "flip_rate", 0, 1),
            noise_flip_rate=_optional(test, "noise_flip_rate", 0, 1),
            significant=test.flag("significant"),
        )
        for test in one.children("history", MAX_HISTORY)
    ]


def _optional(fields: Fields, key: str, low: float, high: float) -> float | None:
    return None if fields.get(key) is None else fields.number(key, low, high)


def _box(one: Fields, size: tuple[int, int]) -> tuple[int, int, int, int]:
    corners = one.integers("box", 4, 0, max(size))
    if len(corners) == 4:
        y0, x0, y1, x1 = corners
        if y0 < y1 <= size[0] and x0 < x1 <= size[1]:
            return y0, x0, y1, x1
    raise one.refuse("box", f"y0, x0, y1, x1 within {size[0]} x {size[1]} px")
