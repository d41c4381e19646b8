# SPDX-License-Identifier: Apache-2.0
"""Thousands of ways to break a log: nothing that was damaged is ever taken for an atlas."""

from __future__ import annotations

import collections
import json
import random
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from atlas_strategies import find_difference
from route_client import ROUTE_PREFIX, make_client
from synthetic_atlases import make_atlas, make_probe_pictures
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.tensorflow_stub import pywrap_tensorflow
from tensorboard_server import get, start_tensorboard

from tensorboard_plugin_atlas import read_atlases
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.logs.event_file import EventSink, frame, masked_crc, scan_records
from tensorboard_plugin_atlas.logs.resume import find_last_atlases
from tensorboard_plugin_atlas.metadata import CHILD_RUN, PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas, encode_probe

LAYERS, STEPS = ("a", "b"), (0, 10, 20)
KINDS = ("flip", "cut", "insert", "delete", "repeat", "swap", "resealed", "moved")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An event file of a probe, two layers at three steps, and scalars between them."""
    sink = EventSink(tmp_path_factory.mktemp("original") / "exp" / CHILD_RUN)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures(8)), 0)
    for number, step in enumerate(STEPS, start=1):
        for layer in LAYERS:
            atlas = small_atlas(layer, step, number)
            sink.write(layer_tag(layer), encode_atlas(atlas), step, atlas.wall_time)
            sink.write_scalars({f"atlas/{layer}/seconds": 1.0}, step)
    sink.close()
    assert sink.path is None
    (path,) = Path(sink.location).iterdir()
    return path


def small_atlas(layer: str, step: int, number: int) -> Atlas:
    return make_atlas(
        step, layer=layer, samples=24, grids=(2, 3), tile=6, channels=4, sequence=number, images=8
    )


@pytest.fixture(scope="module")
def truth(original: Path) -> dict[tuple[str, int], Atlas]:
    return {(a.layer, a.step): a for a in read_atlases(original.parents[2])}


def mutated(whole: bytes, kind: str, chance: random.Random) -> bytes:
    """Breaks `whole` once, anywhere."""
    start = chance.randrange(len(whole))
    end = min(len(whole), start + chance.choice((1, 7, 64, 900, 5000)))
    if kind == "flip":
        changed = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 20))):
            changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        return bytes(changed)
    if kind == "cut":
        return whole[:start]
    if kind == "insert":
        return whole[:start] + chance.randbytes(end - start) + whole[start:]
    if kind == "delete":
        return whole[:start] + whole[end:]
    if kind == "repeat":
        return whole[:end] + whole[start:]
    if kind == "swap":
        behind = min(len(whole), 2 * end - start)
        return whole[:start] + whole[end:behind] + whole[start:end] + whole[behind:]
    if kind == "moved":
        return moved(whole, chance)
    return resealed(whole, chance)


def moved(whole: bytes, chance: random.Random) -> bytes:
    """Puts a sound atlas under another step or another layer, with a right checksum."""
    offset, length = chance.choice([place for place in record_places(whole) if place[1] > 4000])
    event = Event.FromString(whole[offset + 12 : offset + 12 + length])
    if chance.random() < 0.5:
        event.step = chance.choice([*STEPS, 15, 2**62, -1])
    else:
        event.summary.value[0].tag = chance.choice([*map(layer_tag, LAYERS), PROBE_TAG, "layer/"])
    return whole[:offset] + frame(event.SerializeToString()) + whole[offset + length + 16 :]


def resealed(whole: bytes, chance: random.Random) -> bytes:
    """Breaks the payload of one record and makes its checksum right again."""
    place = chance.choice(record_places(whole))
    start, length = place[0] + 12, place[1]
    payload = bytearray(whole[start : start + length])
    for _ in range(chance.choice((1, 1, 3))):
        # Half of the time in the first bytes: time, step, tag, and the lengths of everything.
        where = chance.randrange(min(60, length) if chance.random() < 0.5 else length)
        payload[where] ^= 1 << chance.randrange(8)
    seal = struct.pack("<I", masked_crc(bytes(payload)))
    return whole[:start] + bytes(payload) + seal + whole[start + length + 4 :]


def record_places(whole: bytes) -> list[tuple[int, int]]:
    places, offset = [], 0
    while offset < len(whole):
        (length,) = struct.unpack_from("<Q", whole, offset)
        places.append((offset, length))
        offset += length + 16
    return places


def untrue(atlas: Atlas, truth: dict[tuple[str, int], Atlas]) -> str | None:
    """Says where an atlas differs from the one that was logged in its place, or returns None."""
    wanted = truth.get((atlas.layer, atlas.step))
    return f"{atlas.layer} {atlas.step}" if wanted is None else find_difference(wanted, atlas)


def check_reading(log_dir: Path, truth: dict[tuple[str, int], Atlas]) -> Iterator[str]:
    """Reads a broken log in every way that needs no server; yields what was found in it."""
    for atlas in read_atlases(log_dir, on_damage="skip"):
        assert untrue(atlas, truth) is None, atlas
        yield f"read {atlas.layer} {atlas.step}"
    earlier = find_last_atlases(str(log_dir / "exp" / CHILD_RUN), LAYERS)
    for atlas in earlier.atlases.values():
        wanted = truth[atlas.layer, atlas.step]
        # Damaged ones behind it were counted on.
        assert atlas.sequence >= wanted.sequence
        found = atlas.replace(sequence=wanted.sequence, run=wanted.run)
        assert find_difference(wanted, found) is None


def check_routes(log_dir: Path, truth: dict[tuple[str, int], Atlas]) -> Iterator[str]:
    """Asks the plugin's routes for everything that they list; yields what was served."""
    client, _ = make_client(log_dir)
    index = client.get(ROUTE_PREFIX + "index")
    assert index.status_code == 200
    for series in (series for run in index.json["runs"] for series in run["series"]):
        for step in series["steps"]:
            atlas = asked(client, series["id"], step)
            if atlas is not None:
                assert (atlas.layer, atlas.step) == (series["layer"], step)
                assert untrue(atlas, truth) is None
                yield f"served {atlas.layer} {atlas.step}"
        history = client.get(ROUTE_PREFIX + "history", query_string={"id": series["id"]})
        assert history.status_code == 200


def asked(client: Any, series: str, step: int) -> Atlas | None:
    """Fetches an atlas as the tab does, every blob of it; None if any is refused."""
    where = {"id": series, "step": step}
    pack = client.get(ROUTE_PREFIX + "atlas", query_string=where)
    assert pack.status_code in (200, 422), pack.data
    if pack.status_code != 200:
        return None
    (length,) = struct.unpack_from("<I", pack.data)
    text = pack.data[4 : 4 + length].rstrip(b" ")
    blobs = [b"%08x\n" % crc(text) + text, pack.data[4 + length :]]
    for number, entry in enumerate(json.loads(text)["blobs"][1:], start=2):
        name = "activations" if entry["role"] == "activations" else "sheet"
        more = {} if name == "activations" else {"blob": number, "v": entry["crc32c"]}
        answer = client.get(ROUTE_PREFIX + name, query_string={**where, **more})
        assert answer.status_code in (200, 422), answer.data
        if answer.status_code != 200:
            return None
        blobs.append(answer.data)
    return decode_atlas(blobs, run="exp/atlas")


def crc(data: bytes) -> int:
    import google_crc32c

    return int(google_crc32c.value(data))


class Anything:
    """A checksum that equals every other."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


def trust_data(data: bytes) -> Any:
    """What the data server does: it checks headers, and never data."""
    return masked_crc(data) if len(data) == 8 else Anything()


@pytest.fixture
def broken(tmp_path: Path, original: Path) -> Path:
    """Where the broken copies go, one after the other."""
    path = tmp_path / "exp" / CHILD_RUN / original.name
    path.parent.mkdir(parents=True)
    return path


def run_mutations(
    count: int,
    broken: Path,
    original: Path,
    truth: dict[tuple[str, int], Atlas],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> collections.Counter[str]:
    whole, chance = original.read_bytes(), random.Random(seed)
    seen: collections.Counter[str] = collections.Counter()
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        broken.write_bytes(mutated(whole, kind, chance))
        # One after the other, TensorBoard's own check of data, and none.
        check = trust_data if number // len(KINDS) % 2 else masked_crc
        monkeypatch.setattr(pywrap_tensorflow, "masked_crc32c", check)
        found = set(check_reading(broken.parents[2], truth))
        try:
            found |= set(check_routes(broken.parents[2], truth))
        except TensorBoardError:
            seen[f"{kind}: TensorBoard itself failed"] += 1
        seen.update(found)
        seen[kind] += 1
    return seen


class TensorBoardError(Exception):
    """The Python loader's own exception, which ends a whole reload."""


@pytest.fixture(autouse=True)
def loader_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tells exceptions of TensorBoard's loader from our own."""
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

    reload = EventMultiplexer.Reload

    def told(self: Any) -> Any:
        try:
            return reload(self)
        except Exception as error:
            raise TensorBoardError from error

    monkeypatch.setattr(EventMultiplexer, "Reload", told)


def check_counts(seen: collections.Counter[str], count: int) -> None:
    """A check that sees nothing checks nothing."""
    places = [f"{layer} {step}" for layer in LAYERS for step in STEPS]
    for place in places:
        assert seen[f"read {place}"] > 0.5 * count, seen
        assert seen[f"served {place}"] > 0.1 * count, seen
    assert sum(seen[kind] for kind in KINDS) == count
    assert seen["read a 0"] < count


def test_no_mutation_is_taken_for_an_atlas(
    broken: Path, original: Path, truth: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_counts(run_mutations(600, broken, original, truth, monkeypatch, 1), 600)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 6))
def test_ten_thousand_mutations(
    seed: int, broken: Path, original: Path, truth: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.perf_counter()
    seen = run_mutations(2600, broken, original, truth, monkeypatch, seed)
    print(f"\n2,600 mutations in {time.perf_counter() - start:.0f} s: {dict(seen)}")
    check_counts(seen, 2600)


@pytest.mark.parametrize("fast", [True, False], ids=["data-server", "python-loader"])
def test_a_real_tensorboard_shows_nothing_untrue(
    fast: bool, original: Path, truth: Any, tmp_path: Path
) -> None:
    """Sixty broken runs and a sound one in one directory."""
    whole, chance = original.read_bytes(), random.Random(9)
    kinds = [kind for kind in KINDS if fast or kind != "resealed"]  # which ends a Python reload
    for number in range(60):
        path = tmp_path / f"run{number}" / CHILD_RUN / original.name
        path.parent.mkdir(parents=True)
        path.write_bytes(mutated(whole, kinds[number % len(kinds)], chance))
    sound = tmp_path / "sound" / CHILD_RUN / original.name
    sound.parent.mkdir(parents=True)
    sound.write_bytes(whole)
    with start_tensorboard(tmp_path, fast) as url:
        here = url + "data/plugin/atlas/"
        deadline, steps = time.monotonic() + 60, {}
        while steps.get("sound/atlas") != [list(STEPS)] * 2:
            assert time.monotonic() < deadline, steps
            index = json.loads(get(here + "index")[2])
            steps = {run["run"]: [s["steps"] for s in run["series"]] for run in index["runs"]}
            time.sleep(0.2)
        served = refused = 0
        for series in (series for run in index["runs"] for series in run["series"]):
            for step in series["steps"]:
                status, _, body = get(f"{here}atlas?id={series['id']}&step={step}")
                assert status in (200, 422)
                refused += status == 422
                served += status == 200
                if status == 200:
                    blobs = encode_atlas(truth[series["layer"], step])
                    assert body.endswith(blobs[1])
                    assert blobs[0][9:] in body
        assert served > 100
        assert refused > 0 or not fast


def test_the_sound_log_is_read_and_served_whole(original: Path, truth: Any) -> None:
    everything = {f"{layer} {step}" for layer in LAYERS for step in STEPS}
    log_dir = original.parents[2]
    assert {f.partition(" ")[2] for f in check_reading(log_dir, truth)} == everything
    assert {f.partition(" ")[2] for f in check_routes(log_dir, truth)} == everything
    assert len(list(scan_records(original))) == 2 + 2 * len(everything)
