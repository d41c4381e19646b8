# SPDX-License-Identifier: Apache-2.0
"""Mutated blobs with correct checksums: the validation of values must reject them.

`--long` runs ten times as many. `fuzz.test.ts` does the same for the front end.
"""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import pytest
from blob_damage import mutate_bytes, rewrite_manifest
from large_atlases import make_large_atlas
from synthetic_atlases import make_atlas, make_probe_pictures
from synthetic_shortcuts import make_shortcuts
from untrusted_text import TEXTS

from tensorboard_plugin_atlas import sample_subset
from tensorboard_plugin_atlas.errors import DamageError, TooNewError
from tensorboard_plugin_atlas.wire.atlas_codec import (
    checksum,
    decode_atlas,
    decode_probe,
    encode_atlas,
    encode_probe,
)
from tensorboard_plugin_atlas.wire.limits import MAX_TEXT
from tensorboard_plugin_atlas.wire.shortcut_codec import decode_shortcuts, encode_shortcuts

Decode = Callable[[Sequence[bytes]], Any]


def encode_many() -> list[bytes]:
    """Returns an atlas in the compact form."""
    with mock.patch.object(sample_subset, "MANY_SAMPLES", 30):
        return encode_atlas(make_large_atlas(40, grids=(3, 5), invalid=2, min_count=1))


KINDS: dict[str, tuple[Decode, Callable[[], list[bytes]]]] = {
    "atlas": (
        decode_atlas,
        lambda: encode_atlas(make_atlas(100, samples=40, grids=(3, 5), tile=8)),
    ),
    "atlas of many samples": (decode_atlas, encode_many),
    "probe": (decode_probe, lambda: encode_probe(make_probe_pictures(12))),
    "shortcuts": (decode_shortcuts, lambda: encode_shortcuts(make_shortcuts(100))),
}
UNUSUAL_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, 2**31, 2**53 + 1, -(2**63), 10**400),
    *("", "x", [], {}, [None], [[]], [{}], {"": None}, [0] * 300, "x" * 5000),
    *TEXTS[:60],
)


def find_entries(value: Any) -> list[tuple[Any, Any]]:
    """Returns every (container, key) of a JSON value, depth first."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    found = []
    for key in list(keys):
        found.append((value, key))
        if isinstance(value[key], (dict, list)):
            found += find_entries(value[key])
    return found


def change_entry(document: dict[str, Any], random_state: random.Random) -> None:
    """Changes, removes or duplicates one entry."""
    where, key = random_state.choice(find_entries(document))
    kind = random_state.random()
    if kind < 0.15:
        del where[key]
    elif kind < 0.3 and isinstance(where, list):
        where.insert(key, where[key])
    elif kind < 0.4 and isinstance(where, dict):
        where[random_state.choice(TEXTS)[:40]] = where.pop(key)
    elif kind < 0.5 and isinstance(where[key], int):
        where[key] += random_state.choice((-1, 1, 256, -256, 2**32))
    else:
        where[key] = copy.deepcopy(random_state.choice(UNUSUAL_VALUES))


def mutate_record(blobs: list[bytes], random_state: random.Random) -> list[bytes]:
    """Mutates a record once or twice and updates all its checksums."""
    index = random_state.randrange(len(blobs))
    if index == 0 and random_state.random() < 0.3:
        text = mutate_bytes(blobs[0][9:], random_state)
        return [checksum(text).encode() + b"\n" + text, *blobs[1:]]
    if index == 0 or random_state.random() < 0.4:
        document = json.loads(blobs[0][9:])
        for _ in range(random_state.choice((1, 1, 2))):
            if document:
                change_entry(document, random_state)
        text = json.dumps(document).encode()
        return [checksum(text).encode() + b"\n" + text, *blobs[1:]]
    mutated = list(blobs)
    mutated[index] = mutate_bytes(blobs[index], random_state)
    return rewrite_manifest(mutated)


LONG = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [700, pytest.param(7_000, marks=LONG)])
def test_mutated_blobs_raise_a_damage_error(kind: str, count: int) -> None:
    decode, encode = KINDS[kind]
    blobs, random_state, seen = encode(), random.Random(f"{kind} {count}"), Counter[str]()
    whole = type(decode(blobs))
    reasons: list[str] = []
    for _ in range(count):
        try:
            found = decode(mutate_record(blobs, random_state))
        except DamageError as error:
            seen["too new" if isinstance(error, TooNewError) else "damaged"] += 1
            reasons.append(str(error))
        else:
            assert isinstance(found, whole)
            seen["read"] += 1
    print(f"\n{count:,} mutated {kind}: {dict(seen)}")
    lengths = [len(reason) for reason in reasons]
    assert 0 < min(lengths) <= max(lengths) < 500, max(reasons, key=len)[:800]
    assert seen["damaged"] > count / 3
    assert seen["read"] > count / 100


def test_a_very_long_text_is_rejected_with_a_short_reason() -> None:
    blobs = KINDS["atlas"][1]()
    with pytest.raises(DamageError) as caught:
        decode_atlas(
            rewrite_manifest(blobs, lambda document: document.update(layer="x" * (MAX_TEXT + 1)))
        )
    assert len(str(caught.value)) < 200
