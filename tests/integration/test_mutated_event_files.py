# SPDX-License-Identifier: Apache-2.0
"""Thousands of mutations of an event file: readers and routes never return a damaged atlas."""

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
from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs.event_file import (
    EventSink,
    compute_masked_crc,
    frame,
    scan_records,
)
from tensorboard_plugin_atlas.logs.resume import find_last_atlases
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas, encode_probe

pytestmark = pytest.mark.sampled(2)

LAYERS, STEPS = ("a", "b"), (0, 10, 20)
KINDS = ("flip", "cut", "insert", "delete", "repeat", "swap", "resealed", "moved")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An event file with a probe, two layers at three steps, and scalars between them."""
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
def original_atlases(original: Path) -> dict[tuple[str, int], Atlas]:
    return {(a.layer, a.step): a for a in read_atlases(original.parents[2])}


def mutate(whole: bytes, kind: str, random_state: random.Random) -> bytes:
    """Applies one mutation at a random offset."""
    start = random_state.randrange(len(whole))
    end = min(len(whole), start + random_state.choice((1, 7, 64, 900, 5000)))
    if kind == "flip":
        changed = bytearray(whole)
        for _ in range(random_state.choice((1, 1, 2, 20))):
            changed[random_state.randrange(len(whole))] ^= 1 << random_state.randrange(8)
        return bytes(changed)
    if kind == "cut":
        return whole[:start]
    if kind == "insert":
        return whole[:start] + random_state.randbytes(end - start) + whole[start:]
    if kind == "delete":
        return whole[:start] + whole[end:]
    if kind == "repeat":
        return whole[:end] + whole[start:]
    if kind == "swap":
        behind = min(len(whole), 2 * end - start)
        return whole[:start] + whole[end:behind] + whole[start:end] + whole[behind:]
    if kind == "moved":
        return move_record(whole, random_state)
    return mutate_payload(whole, random_state)


def move_record(whole: bytes, random_state: random.Random) -> bytes:
    """Changes the step or the layer of a valid atlas, with a correct checksum."""
    offset, length = random_state.choice(
        [record for record in find_records(whole) if record[1] > 4000]
    )
    event = Event.FromString(whole[offset + 12 : offset + 12 + length])
    if random_state.random() < 0.5:
        event.step = random_state.choice([*STEPS, 15, 2**62, -1])
    else:
        event.summary.value[0].tag = random_state.choice(
            [*map(layer_tag, LAYERS), PROBE_TAG, "layer/"]
        )
    return whole[:offset] + frame(event.SerializeToString()) + whole[offset + length + 16 :]


def mutate_payload(whole: bytes, random_state: random.Random) -> bytes:
    """Mutates the payload of one record and updates its checksum."""
    record = random_state.choice(find_records(whole))
    start, length = record[0] + 12, record[1]
    payload = bytearray(whole[start : start + length])
    for _ in range(random_state.choice((1, 1, 3))):
        # Half of the time in the first bytes: time, step, tag, and the lengths of everything.
        where = random_state.randrange(min(60, length) if random_state.random() < 0.5 else length)
        payload[where] ^= 1 << random_state.randrange(8)
    seal = struct.pack("<I", compute_masked_crc(bytes(payload)))
    return whole[:start] + bytes(payload) + seal + whole[start + length + 4 :]


def find_records(whole: bytes) -> list[tuple[int, int]]:
    records, offset = [], 0
    while offset < len(whole):
        (length,) = struct.unpack_from("<Q", whole, offset)
        records.append((offset, length))
        offset += length + 16
    return records


def find_error(atlas: Atlas, original_atlases: dict[tuple[str, int], Atlas]) -> str | None:
    """Returns where an atlas differs from the one logged at its step, or None."""
    wanted = original_atlases.get((atlas.layer, atlas.step))
    return f"{atlas.layer} {atlas.step}" if wanted is None else find_difference(wanted, atlas)


def check_reading(log_dir: Path, original_atlases: dict[tuple[str, int], Atlas]) -> Iterator[str]:
    """Reads a mutated log in every way that needs no server; yields what was found."""
    for atlas in read_atlases(log_dir, on_damage="skip"):
        assert find_error(atlas, original_atlases) is None, atlas
        yield f"read {atlas.layer} {atlas.step}"
    earlier = find_last_atlases(str(log_dir / "exp" / CHILD_RUN), LAYERS)
    for atlas in earlier.atlases.values():
        wanted = original_atlases[atlas.layer, atlas.step]
        # Damaged atlases after it have increased the sequence number.
        assert atlas.sequence >= wanted.sequence
        found = atlas.replace(sequence=wanted.sequence, run=wanted.run)
        assert find_difference(wanted, found) is None


def check_routes(log_dir: Path, original_atlases: dict[tuple[str, int], Atlas]) -> Iterator[str]:
    """Requests everything that the plugin lists; yields what was served."""
    client, _ = make_client(log_dir)
    index = client.get(ROUTE_PREFIX + "index")
    assert index.status_code == 200
    for series in (series for run in index.json["runs"] for series in run["series"]):
        for step in series["steps"]:
            atlas = fetch_atlas(client, series["id"], step)
            if atlas is not None:
                assert (atlas.layer, atlas.step) == (series["layer"], step)
                assert find_error(atlas, original_atlases) is None
                yield f"served {atlas.layer} {atlas.step}"
        history = client.get(ROUTE_PREFIX + "history", query_string={"id": series["id"]})
        assert history.status_code == 200


def fetch_atlas(client: Any, series: str, step: int) -> Atlas | None:
    """Fetches all blobs of an atlas as the tab does; returns None if one is rejected."""
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
        response = client.get(ROUTE_PREFIX + name, query_string={**where, **more})
        assert response.status_code in (200, 422), response.data
        if response.status_code != 200:
            return None
        blobs.append(response.data)
    return decode_atlas(blobs, run="exp/atlas")


def crc(data: bytes) -> int:
    import google_crc32c

    return int(google_crc32c.value(data))


class AnyChecksum:
    """A checksum that equals every value."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


def trust_data(data: bytes) -> Any:
    """Accepts any data, as the data server does: it checks headers only."""
    return compute_masked_crc(data) if len(data) == 8 else AnyChecksum()


@pytest.fixture
def mutated_path(tmp_path: Path, original: Path) -> Path:
    """Path of the mutated copies, written in turn."""
    path = tmp_path / "exp" / CHILD_RUN / original.name
    path.parent.mkdir(parents=True)
    return path


def run_mutations(
    count: int,
    mutated_path: Path,
    original: Path,
    original_atlases: dict[tuple[str, int], Atlas],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> collections.Counter[str]:
    whole, random_state = original.read_bytes(), random.Random(seed)
    seen: collections.Counter[str] = collections.Counter()
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        mutated_path.write_bytes(mutate(whole, kind, random_state))
        # In turn with and without TensorBoard's check of the data.
        check = trust_data if number // len(KINDS) % 2 else compute_masked_crc
        monkeypatch.setattr(pywrap_tensorflow, "masked_crc32c", check)
        found = set(check_reading(mutated_path.parents[2], original_atlases))
        try:
            found |= set(check_routes(mutated_path.parents[2], original_atlases))
        except TensorBoardError:
            seen[f"{kind}: TensorBoard itself failed"] += 1
        seen.update(found)
        seen[kind] += 1
    return seen


class TensorBoardError(Exception):
    """An exception of the Python loader, which ends a reload."""


@pytest.fixture(autouse=True)
def loader_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distinguishes exceptions of TensorBoard's loader from those of the package."""
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

    reload = EventMultiplexer.Reload

    def wrap(self: Any) -> Any:
        try:
            return reload(self)
        except Exception as error:
            raise TensorBoardError from error

    monkeypatch.setattr(EventMultiplexer, "Reload", wrap)


def check_counts(seen: collections.Counter[str], count: int) -> None:
    """Checks that enough atlases were read and served for the test to mean something."""
    records = [f"{layer} {step}" for layer in LAYERS for step in STEPS]
    for record in records:
        assert seen[f"read {record}"] > 0.5 * count, seen
        assert seen[f"served {record}"] > 0.1 * count, seen
    assert sum(seen[kind] for kind in KINDS) == count
    assert seen["read a 0"] < count


def test_no_mutation_is_read_as_an_atlas(
    mutated_path: Path, original: Path, original_atlases: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_counts(run_mutations(600, mutated_path, original, original_atlases, monkeypatch, 1), 600)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 6))
def test_ten_thousand_mutations(
    seed: int,
    mutated_path: Path,
    original: Path,
    original_atlases: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = time.perf_counter()
    seen = run_mutations(2600, mutated_path, original, original_atlases, monkeypatch, seed)
    print(f"\n2,600 mutations in {time.perf_counter() - start:.0f} s: {dict(seen)}")
    check_counts(seen, 2600)


@pytest.mark.parametrize("fast", [True, False], ids=["data-server", "python-loader"])
def test_a_real_tensorboard_serves_no_damaged_atlas(
    fast: bool, original: Path, original_atlases: Any, tmp_path: Path
) -> None:
    """The directory has sixty mutated runs and one valid run."""
    whole, random_state = original.read_bytes(), random.Random(9)
    kinds = [kind for kind in KINDS if fast or kind != "resealed"]  # which ends a Python reload
    for number in range(60):
        path = tmp_path / f"run{number}" / CHILD_RUN / original.name
        path.parent.mkdir(parents=True)
        path.write_bytes(mutate(whole, kinds[number % len(kinds)], random_state))
    sound = tmp_path / "sound" / CHILD_RUN / original.name
    sound.parent.mkdir(parents=True)
    sound.write_bytes(whole)
    with start_tensorboard(tmp_path, fast) as url:
        here = url + "data/plugin/atlas/"
        deadline, steps = time.monotonic() + 120, {}
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
                    blobs = encode_atlas(original_atlases[series["layer"], step])
                    assert body.endswith(blobs[1])
                    assert blobs[0][9:] in body
        assert served > 100
        assert refused > 0 or not fast


def test_the_original_log_is_read_and_served_completely(
    original: Path, original_atlases: Any
) -> None:
    everything = {f"{layer} {step}" for layer in LAYERS for step in STEPS}
    log_dir = original.parents[2]
    assert {f.partition(" ")[2] for f in check_reading(log_dir, original_atlases)} == everything
    assert {f.partition(" ")[2] for f in check_routes(log_dir, original_atlases)} == everything
    assert len(list(scan_records(original))) == 2 + 2 * len(everything)
