# SPDX-License-Identifier: Apache-2.0
"""A real TensorBoard with both of its loaders."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from large_atlases import make_large_atlas
from loaders import LOADERS, steps_by_series, wait_for_json
from safetensors.numpy import load
from synthetic_atlases import make_atlas, make_probe_pictures, write_log
from tensorboard_server import get, start_tensorboard

from tensorboard_plugin_atlas.log_names import layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink, scan_records
from tensorboard_plugin_atlas.wire.atlas_codec import checksum, encode_atlas, encode_probe


@LOADERS
def test_all_logged_data_is_served(fast: bool, tmp_path: Path) -> None:
    write_log(tmp_path, runs=("exp",), layers=("layer1", "layer2"), steps=(0, 10, 20))
    with start_tensorboard(tmp_path, fast, "--path_prefix=/a/b") as url:
        assert url.endswith("/a/b/")
        here = url + "data/plugin/atlas/"
        wanted = {("exp/atlas", layer): [0, 10, 20] for layer in ("layer1", "layer2")}
        index = wait_for_json(here + "index", lambda found: steps_by_series(found) == wanted)
        assert index["kept_limit"] == 200
        (run,) = index["runs"]
        series = run["series"][1]["id"]
        history = json.loads(get(f"{here}history?id={series}")[2])
        assert [step["status"] for step in history["steps"]] == ["ok"] * 3
        assert (history["logged"], history["kept"]) == (3, 3)
        assert [(one["step"], one["kind"]) for one in history["events"]] == [
            (10, "splits"),
            (20, "splits"),
        ]

        blobs = encode_atlas(make_atlas(10, layer="layer2", sequence=2))
        atlas = get(f"{here}atlas?id={series}&step=10")
        assert (atlas[0], atlas[2][-len(blobs[1]) :]) == (200, blobs[1])
        assert atlas[2][4 : 4 + len(blobs[0]) - 9] == blobs[0][9:]
        etag = atlas[1]["ETag"]
        assert get(f"{here}atlas?id={series}&step=10", **{"If-None-Match": etag})[0] == 304
        assert get(f"{here}activations?id={series}&step=10")[2] == blobs[2]
        for number in (3, 4, 5):
            sheet = f"{here}sheet?id={series}&step=10&blob={number}&v={checksum(blobs[number])}"
            assert get(sheet)[2] == blobs[number]
        probe = encode_probe(make_probe_pictures())
        assert get(f"{here}probe?run={run['id']}")[2].endswith(probe[1])
        assert get(f"{here}thumbs?run={run['id']}&blob=2")[2] == probe[2]

        listing = json.loads(get(url + "data/plugins_listing")[2])["atlas"]
        assert (listing["enabled"], listing["tab_name"]) == (True, "Atlas")
        module = listing["loading_mechanism"]["module_path"].removeprefix("/a/b").lstrip("/")
        assert get(url + module)[0] == 200


@LOADERS
def test_an_empty_log_disables_the_tab(fast: bool, tmp_path: Path) -> None:
    with start_tensorboard(tmp_path, fast) as url:
        listing = json.loads(get(url + "data/plugins_listing")[2])
        assert listing["atlas"]["enabled"] is False
        assert listing["scalars"] is not None
        assert json.loads(get(url + "data/plugin/atlas/index")[2])["runs"] == []


@pytest.mark.sampled(2)
@LOADERS
@pytest.mark.parametrize(("flags", "count"), [((), 200), (("--atlas_samples=0",), 300)])
def test_the_samples_flag_limits_the_kept_steps(
    fast: bool, flags: tuple[str, ...], count: int, tmp_path: Path
) -> None:
    sink = EventSink(tmp_path / "atlas")
    for step in range(300):
        atlas = make_atlas(step, layer="a", samples=10, grids=(2,), tile=4, sequence=step + 1)
        sink.write(layer_tag("a"), encode_atlas(atlas), step)
    sink.close()
    with start_tensorboard(tmp_path, fast, *flags) as url:
        here = url + "data/plugin/atlas/"

        def is_loaded(index: Any) -> bool:
            steps = steps_by_series(index).get(("atlas", "a"), [])
            return len(steps) == count and steps[-1] == 299

        index = wait_for_json(here + "index", is_loaded)
        assert index["kept_limit"] == (count if count < 300 else None)
        history = wait_for_json(
            f"{here}history?id={index['runs'][0]['series'][0]['id']}",
            lambda found: found["kept"] == count,
        )
        assert history["logged"] == 300
        assert {step["status"] for step in history["steps"]} == {"ok"}


WRITE_SCALARS = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import tensorboardX, torch.utils.tensorboard
from synthetic_atlases import make_atlas
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.log_names import CHILD_RUN, layer_tag
runs = {"torch": torch.utils.tensorboard, "x": tensorboardX}
log_dir = Path(sys.argv[1])
writers = [library.SummaryWriter(str(log_dir / run)) for run, library in runs.items()]
sinks = [EventSink(log_dir / run / CHILD_RUN) for run in runs]
for step in range(40):
    for writer, sink in zip(writers, sinks):
        writer.add_scalar("loss", 1 / (step + 1), step)
        if step % 4 == 0:
            writer.flush()
            atlas = make_atlas(step, layer="a", samples=50, grids=(3,), sequence=step // 4 + 1)
            sink.write(layer_tag("a"), encode_atlas(atlas), step)
            sink.flush()
    time.sleep(0.1)
for writer in (*writers, *sinks):
    writer.close()
"""


@LOADERS
def test_scalars_of_the_user_stay_complete(fast: bool, tmp_path: Path) -> None:
    """Writers of torch, tensorboardX and this package write while TensorBoard reads."""
    command = [
        sys.executable,
        "-c",
        WRITE_SCALARS,
        str(tmp_path),
        str(Path(__file__).parents[1] / "helpers"),
    ]
    with start_tensorboard(tmp_path, fast) as url:
        subprocess.run(command, check=True, timeout=120)
        for run in ("torch", "x"):
            address = f"{url}data/plugin/scalars/scalars?run={run}&tag=loss"
            scalars = wait_for_json(address, lambda found: len(found) == 40)
            assert [step for _, step, _ in scalars] == list(range(40))
        steps = list(range(0, 40, 4))
        wanted = {("torch/atlas", "a"): steps, ("x/atlas", "a"): steps}
        wait_for_json(
            url + "data/plugin/atlas/index", lambda index: steps_by_series(index) == wanted
        )


def test_a_flipped_byte_that_tensorboard_does_not_detect_is_reported(tmp_path: Path) -> None:
    """The data server does not verify checksums; the manifest's do. Other steps are served."""
    write_log(tmp_path, runs=("exp",), layers=("a",), steps=(0, 10, 20))
    (path,) = (tmp_path / "exp" / "atlas").iterdir()
    data = bytearray(path.read_bytes())
    data[list(scan_records(path))[3].offset + 10_000] ^= 1  # in the map of step 10
    path.write_bytes(data)
    with start_tensorboard(tmp_path, True) as url:
        here = url + "data/plugin/atlas/"
        index = wait_for_json(
            here + "index", lambda found: list(steps_by_series(found).values()) == [[0, 10, 20]]
        )
        series = index["runs"][0]["series"][0]["id"]
        status, _, body = get(f"{here}atlas?id={series}&step=10")
        error = json.loads(body)["error"]
        assert (status, error["kind"]) == (422, "damaged")
        assert error["message"].startswith("blob 1 (map): checksum ")
        assert [get(f"{here}atlas?id={series}&step={step}")[0] for step in (0, 20)] == [200, 200]
        history = json.loads(get(f"{here}history?id={series}")[2])
        assert [step["status"] for step in history["steps"]] == ["ok", "damaged", "ok"]


@LOADERS
def test_a_run_name_that_the_data_server_rejects_is_reported(fast: bool, tmp_path: Path) -> None:
    """The data server returns keys with escaped names, and then rejects the same keys."""
    names = ('quo"ted', "back\\slash", "con\ttrol", "plain")
    write_log(tmp_path, runs=names, layers=("a",), steps=(0, 10))
    with start_tensorboard(tmp_path, fast) as url:
        here = url + "data/plugin/atlas/"
        wanted = {(f"{name}/atlas", "a"): [0, 10] for name in names}
        index = wait_for_json(here + "index", lambda found: steps_by_series(found) == wanted)
        for run in index["runs"]:
            readable = not fast or run["run"] == "plain/atlas"
            series = run["series"][0]["id"]
            history = json.loads(get(f"{here}history?id={series}")[2])
            status = "ok" if readable else "damaged"
            assert [step["status"] for step in history["steps"]] == [status] * 2
            for address in (f"atlas?id={series}&step=10", f"probe?run={run['id']}"):
                code, _, body = get(here + address)
                assert code == (200 if readable else 422), (run["run"], address)
                if not readable:
                    error = json.loads(body)["error"]
                    assert error["kind"] == "damaged"
                    assert "rename the run's folder, or start TensorBoard with" in error["message"]


@LOADERS
def test_a_selection_of_very_many_samples_is_served(fast: bool, tmp_path: Path) -> None:
    sink = EventSink(tmp_path / "exp" / "atlas")
    for number, step in enumerate((0, 10), start=1):
        atlas = make_large_atlas(150_000, step=step, seed=step).replace(sequence=number)
        sink.write(layer_tag("layer3"), encode_atlas(atlas), step, atlas.wall_time)
    sink.close()
    wanted = {("exp/atlas", "layer3"): [0, 10]}
    with start_tensorboard(tmp_path, fast) as url:
        here = url + "data/plugin/atlas/"
        index = wait_for_json(here + "index", lambda found: steps_by_series(found) == wanted)
        series = index["runs"][0]["series"][0]["id"]
        image_ids = []
        for step in (0, 10):
            status, headers, pack = get(f"{here}atlas?id={series}&step={step}")
            assert (status, len(pack) < 4_000_000) == (200, True)
            length = int.from_bytes(pack[:4], "little")
            manifest, arrays = json.loads(pack[4 : 4 + length]), load(pack[4 + length :])
            assert (manifest["version"], manifest["samples"]) == (4, 40_000)
            assert len(arrays["xy"]) == 40_000
            assert arrays["grid40.counts"].sum() > 100_000
            image_ids.append(arrays["image_ids"])
            again = {"If-None-Match": headers["ETag"]}
            assert get(f"{here}atlas?id={series}&step={step}", **again)[0] == 304
            activations = load(get(f"{here}activations?id={series}&step={step}")[2])
            assert activations["codes"].shape == (40_000, 16)
        assert (image_ids[0] == image_ids[1]).all()
        history = json.loads(get(f"{here}history?id={series}")[2])
        assert [one["samples"] for one in history["steps"]] == [150_000] * 2
