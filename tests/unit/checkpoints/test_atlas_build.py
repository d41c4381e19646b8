# SPDX-License-Identifier: Apache-2.0
"""Atlases of the checkpoints of a finished run: the same as in the loop, and resumable."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard_server import get, start_tensorboard
from tiny_training import CLASSES, Net, make_images, wait_until
from torch import nn

from tensorboard_plugin_atlas import Atlas, AtlasConfig, AtlasWriter, build_atlases, read_atlases
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError
from tensorboard_plugin_atlas.log_names import PROBE_TAG, Revision, layer_tag
from tensorboard_plugin_atlas.logs.doctor import PROBLEM, examine
from tensorboard_plugin_atlas.logs.event_file import (
    EventSink,
    list_event_files,
    read_events,
    scan_records,
)
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

STEPS = (0, 10, 20)
LAYERS = ["stem", "body"]
CONFIG = AtlasConfig(
    samples=24, grids=(2, 3), min_count=1, neighbors=4, epochs=5, icons="preview", icon_steps=2
)

QUICK = dataclasses.replace(CONFIG, icons="none", attribution=False)


def train(folder: Path, writer: AtlasWriter | None = None, model: nn.Module | None = None) -> None:
    """Trains a model, saves a checkpoint at each step, and logs atlases if there is a writer."""
    folder.mkdir()
    model = make_model() if model is None else model
    images, labels = make_images(24)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for step in range(max(STEPS) + 1):
        if step in STEPS:
            path = folder / f"step{step}.pt"
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
            os.utime(path, (1_000, 1_000 + step))
            if writer is not None:
                writer.add_atlas(step, walltime=1_000 + step)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()


def make_model() -> Net:
    torch.manual_seed(0)
    return Net()


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three checkpoints."""
    folder = tmp_path_factory.mktemp("run") / "ckpts"
    train(folder)
    return folder


def build(checkpoints: Path, log_dir: Path, layers: list[str] | None = None, **more: Any) -> Any:
    """Builds the atlases of the checkpoints of a folder, or of those that a pattern matches."""
    pattern = checkpoints / "*.pt" if checkpoints.is_dir() else checkpoints
    settings = {
        "probe": make_images(24),
        "classes": CLASSES,
        "config": CONFIG,
        "progress": False,
        **more,
    }
    return build_atlases(pattern, make_model(), log_dir, layers or LAYERS, **settings)


def read(log_dir: Path) -> dict[tuple[str, int], Atlas]:
    return {(a.layer, a.step): a for a in read_atlases(log_dir, on_damage="raise")}


def count_records(log_dir: Path) -> int:
    return sum(1 for _ in read_events(log_dir / "atlas"))


class TestSameAsTheWriter:
    def test_to_the_bit(self, tmp_path: Path) -> None:
        model = make_model()
        settings: Any = {"probe": make_images(24), "classes": CLASSES, "config": CONFIG}
        with AtlasWriter(
            tmp_path / "loop", model, LAYERS, worker="inline", strict=True, **settings
        ) as writer:
            train(tmp_path / "ckpts", writer, model)
        result = build(tmp_path / "ckpts", tmp_path / "built")
        assert result.built == STEPS
        assert result.logged == ()
        logged, built = read(tmp_path / "loop"), read(tmp_path / "built")
        assert list(built) == [(layer, step) for layer in sorted(LAYERS) for step in STEPS]
        for key, atlas in built.items():
            # Activations, map, icons, attribution, concepts, notes, and wall time.
            assert encode_atlas(atlas.replace(run="")) == encode_atlas(logged[key].replace(run=""))
            assert atlas.grids[0].attribution is not None
            assert atlas.grids[0].icons is not None
        for one, other in zip(
            *(read_records(tmp_path / name) for name in ("loop", "built")), strict=True
        ):
            assert one == other

    def test_from_another_number_of_threads_and_mode(self, tmp_path: Path) -> None:
        train(tmp_path / "ckpts")
        torch.set_num_threads(2)
        try:
            build(tmp_path / "ckpts", tmp_path / "a")
            assert torch.get_num_threads() == 2
        finally:
            torch.set_num_threads(1)
        build(tmp_path / "ckpts", tmp_path / "b")
        for key, atlas in read(tmp_path / "a").items():
            assert encode_atlas(atlas) == encode_atlas(read(tmp_path / "b")[key])


def read_records(log_dir: Path) -> list[bytes]:
    """Returns the blobs of this package in the event files of a run, in order."""
    return [b"".join(event.blobs or ()) for event in read_events(log_dir / "atlas")]


class TestResume:
    def test_what_is_in_the_log_is_skipped(self, checkpoints: Path, tmp_path: Path) -> None:
        build(checkpoints / "step0.pt", tmp_path)
        before = {p: p.read_bytes() for p in list_event_files(tmp_path / "atlas")}
        result = build(checkpoints, tmp_path)
        assert (result.logged, result.built) == ((0,), (10, 20))
        assert {p: p.read_bytes() for p in before} == before
        atlases = read(tmp_path)
        assert [atlases["body", step].sequence for step in STEPS] == [1, 2, 3]
        assert "continues" not in str(atlases["body", 20].provenance.notes)
        assert [f.text for f in examine(tmp_path) if f.mark == PROBLEM] == []

    def test_a_complete_log_is_not_changed(self, checkpoints: Path, tmp_path: Path) -> None:
        build(checkpoints, tmp_path)
        before = {p: p.read_bytes() for p in list_event_files(tmp_path / "atlas")}
        result = build(checkpoints, tmp_path)
        assert (result.logged, result.built, result.cost.atlases) == (STEPS, (), 0)
        assert {p: p.read_bytes() for p in list_event_files(tmp_path / "atlas")} == before

    @pytest.mark.parametrize("kept", range(1, 14))
    def test_of_a_log_that_ends_after_any_record(
        self, kept: int, checkpoints: Path, tmp_path: Path
    ) -> None:
        build(checkpoints, tmp_path, config=QUICK)
        whole = read(tmp_path)
        (path,) = list_event_files(tmp_path / "atlas")
        records = list(scan_records(path))
        # File version, probe, and for each of two layers at three steps, an atlas and scalars.
        assert len(records) == 14
        # A part of the next record, which was being written.
        path.write_bytes(path.read_bytes()[: records[kept].offset + 7])
        result = build(checkpoints, tmp_path, config=QUICK)
        complete = max(0, (kept - 2) // 4)
        assert result.logged == STEPS[:complete]
        assert result.built == STEPS[complete:]
        atlases = read(tmp_path)
        assert {key: a.sequence for key, a in atlases.items()} == {
            key: a.sequence for key, a in whole.items()
        }
        np.testing.assert_array_equal(
            atlases["body", 20].activations, whole["body", 20].activations
        )
        assert [f.text for f in examine(tmp_path) if f.mark == PROBLEM] == []
        assert build(checkpoints, tmp_path, config=QUICK).built == ()

    def test_force_makes_all_again(self, checkpoints: Path, tmp_path: Path) -> None:
        build(checkpoints, tmp_path)
        config = dataclasses.replace(CONFIG, icons="none")
        result = build(checkpoints, tmp_path, ["body"], config=config, force=True)
        assert (result.logged, result.built) == ((), STEPS)
        atlases = read(tmp_path)
        assert {(a.layer, a.step, a.sequence) for a in atlases.values()} == {
            ("body", 0, 1),
            ("body", 10, 2),
            ("body", 20, 3),
        }
        assert all(a.grids[0].icons is None for a in atlases.values())

    def test_a_log_in_a_store(self, checkpoints: Path) -> None:
        url = "memory://finished/run"
        first = build(checkpoints / "step0.pt", url, config=QUICK)  # type: ignore[arg-type]
        assert first.location == f"{url}/atlas"
        second = build(checkpoints, url, config=QUICK)  # type: ignore[arg-type]
        assert (second.logged, second.built) == ((0,), (10, 20))

    def test_the_log_of_a_training_loop_is_continued(
        self, checkpoints: Path, tmp_path: Path
    ) -> None:
        settings: Any = {"probe": make_images(24), "classes": CLASSES, "config": CONFIG}
        with AtlasWriter(
            tmp_path, make_model(), LAYERS, worker="inline", strict=True, **settings
        ) as writer:
            writer.add_atlas(0)
        assert build(checkpoints, tmp_path).built == (10, 20)


class TestLastFirst:
    def test_the_final_log_is_the_same(self, checkpoints: Path, tmp_path: Path) -> None:
        build(checkpoints, tmp_path / "plain")
        build(checkpoints, tmp_path / "last", last_first=True)
        plain, last = read(tmp_path / "plain"), read(tmp_path / "last")
        assert list(plain) == list(last)
        for key, atlas in last.items():
            assert encode_atlas(atlas) == encode_atlas(plain[key])
        tags = [(event.tag, event.step) for event in read_events(tmp_path / "last" / "atlas")]
        preliminary = [layer_tag(layer, Revision.PRELIMINARY) for layer in LAYERS]
        assert tags[:3] == [*((tag, 20) for tag in preliminary), (PROBE_TAG, 0)]
        assert [f.text for f in examine(tmp_path / "last") if f.mark == PROBLEM] == []

    def test_no_other_preliminary_atlas_is_logged(self, tmp_path: Path, checkpoints: Path) -> None:
        config = dataclasses.replace(CONFIG, draft_seconds=0)  # word-check: ok
        for name, last_first in {"plain": False, "last": True}.items():
            build(checkpoints, tmp_path / name, ["body"], config=config, last_first=last_first)
        tag = layer_tag("body", Revision.PRELIMINARY)
        steps = {
            name: [e.step for e in read_events(tmp_path / name / "atlas") if e.tag == tag]
            for name in ("plain", "last")
        }
        assert steps == {"plain": [10, 20], "last": [20]}

    @pytest.mark.parametrize("fast", [True, False], ids=["data server", "python loader"])
    def test_an_interrupted_build_shows_it_in_tensorboard(
        self, fast: bool, checkpoints: Path, tmp_path: Path
    ) -> None:
        shutil.copytree(checkpoints, tmp_path / "ckpts")
        torch.save(Net(width=9).state_dict(), tmp_path / "ckpts" / "step10.pt")
        for _ in range(2):  # the second one makes the records of the first void, and starts over
            with pytest.raises(ArgumentError, match=r"step10\.pt' does not fit"):
                build(tmp_path / "ckpts", tmp_path / "runs", ["body"], last_first=True)
        atlases = read(tmp_path / "runs")
        assert list(atlases) == [("body", 0), ("body", 20)]
        assert set(atlases["body", 20].grids[0].icon_kind) == {"examples"}
        assert "of this checkpoint alone" in str(atlases["body", 20].provenance.notes)
        with start_tensorboard(tmp_path / "runs", fast) as url:
            assert wait_until(lambda: read_revisions(url)) == {0: "logged", 20: "preliminary"}


def read_revisions(url: str) -> dict[int, str] | None:
    """Returns the revision of each step that a TensorBoard shows; None before it shows two."""
    route = f"{url}data/plugin/atlas/"
    for run in json.loads(get(f"{route}index")[2])["runs"]:
        for series in run["series"]:
            steps = json.loads(get(f"{route}history?id={series['id']}")[2])["steps"]
            if len(steps) == 2:
                return {one["step"]: one["revision"] for one in steps}
    return None


class TestErrors:
    @pytest.mark.parametrize(
        ("more", "words"),
        [
            (
                {"probe": (make_images(24)[0] * 0.5, make_images(24)[1])},
                r"other data or settings .*: the images' pixels .*--force",
            ),
            ({"probe": make_images(20)}, "24 before"),
            ({"classes": ("a", "b", "c", "d")}, "other class names"),
            (
                {"config": dataclasses.replace(CONFIG, grids=(2,), seed=3)},
                r"grids=\(2,\), \(2, 3\) before|grids=\(2,\), \[2, 3\] before",
            ),
            ({"layers": ["stem", "head"]}, r"layer 'head' is not in the log, .*'body', 'stem'"),
        ],
    )
    def test_a_log_that_cannot_be_continued(
        self, more: dict[str, Any], words: str, checkpoints: Path, tmp_path: Path
    ) -> None:
        build(checkpoints / "step[0-1]*.pt", tmp_path)
        before = count_records(tmp_path)
        with pytest.raises(ArgumentError, match=words):
            build(checkpoints, tmp_path, **more)
        assert count_records(tmp_path) == before

    def test_another_layer_than_that_of_the_only_step(
        self, checkpoints: Path, tmp_path: Path
    ) -> None:
        build(checkpoints / "step0.pt", tmp_path, ["stem"], config=QUICK)
        with pytest.raises(
            ArgumentError, match=r"layer 'body' is not in the log, which has 'stem'"
        ):
            build(checkpoints, tmp_path, ["body"], config=QUICK)
        with pytest.raises(ArgumentError, match=r"the log was made with other data or settings"):
            build(checkpoints, tmp_path, LAYERS)
        # As if it had been killed before the second layer.
        assert build(checkpoints, tmp_path, LAYERS, config=QUICK).built == STEPS

    def test_a_step_within_the_log(self, checkpoints: Path, tmp_path: Path) -> None:
        files = [checkpoints / "step0.pt", checkpoints / "step20.pt"]
        build_atlases(files, make_model(), tmp_path, ["body"], probe=make_images(24), config=CONFIG)
        with pytest.raises(
            ArgumentError, match=r"step10\.pt' is of step 10, which is not .* goes on to step 20"
        ):
            build(checkpoints, tmp_path, ["body"], classes=None)

    def test_a_checkpoint_of_another_architecture(self, tmp_path: Path) -> None:
        train(tmp_path / "ckpts")
        torch.save(Net(width=9).state_dict(), tmp_path / "ckpts" / "step15.pt")
        with pytest.raises(ArgumentError, match=r"step15\.pt' does not fit the model"):
            build(tmp_path / "ckpts", tmp_path / "runs")
        # What was done stays.
        assert sorted({step for _, step in read(tmp_path / "runs")}) == [0, 10]
        (tmp_path / "ckpts" / "step15.pt").unlink()
        assert build(tmp_path / "ckpts", tmp_path / "runs").built == (20,)

    def test_a_checkpoint_with_nan(self, tmp_path: Path) -> None:
        train(tmp_path / "ckpts")
        state = {name: value * float("nan") for name, value in make_model().state_dict().items()}
        torch.save(state, tmp_path / "ckpts" / "step10.pt")
        with pytest.raises(
            ArgumentError, match=r"step10\.pt' \(step 10\): .*to continue after it, leave it out"
        ):
            build(tmp_path / "ckpts", tmp_path / "runs")
        (tmp_path / "ckpts" / "step10.pt").unlink()
        assert build(tmp_path / "ckpts", tmp_path / "runs").built == (20,)

    def test_a_truncated_checkpoint_stops_the_build_before_it_starts(self, tmp_path: Path) -> None:
        train(tmp_path / "ckpts")
        path = tmp_path / "ckpts" / "step20.pt"
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(ArgumentError, match=r"step20\.pt' cannot be read"):
            build(tmp_path / "ckpts", tmp_path / "runs")
        assert not (tmp_path / "runs").exists()

    def test_a_layer_that_does_not_exist(self, checkpoints: Path, tmp_path: Path) -> None:
        with pytest.raises(LayerError, match="bodi"):
            build(checkpoints, tmp_path / "runs", ["bodi"])
        assert not (tmp_path / "runs").exists()

    def test_a_full_disk(
        self, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        append, written = EventSink.append, []

        def append_some(sink: EventSink, payload: bytes) -> None:
            if len(written) == 6:
                raise OSError(errno.ENOSPC, "No space left on device")
            written.append(payload)
            append(sink, payload)

        with monkeypatch.context() as fault:
            fault.setattr(EventSink, "append", append_some)
            with pytest.raises(ArgumentError, match=r"atlas' cannot be written \(No space left"):
                build(checkpoints, tmp_path, config=QUICK)
        assert build(checkpoints, tmp_path, config=QUICK).built == (10, 20)

    def test_what_is_no_directory(self, checkpoints: Path) -> None:
        with pytest.raises(ArgumentError, match=r"log_dir=3: pass the directory of a run"):
            build(checkpoints, 3)  # type: ignore[arg-type]

    def test_a_log_directory_that_cannot_be_written(
        self, checkpoints: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "runs").touch()
        with pytest.raises(ArgumentError, match=r"runs'? is a file"):
            build(checkpoints, tmp_path / "runs")
