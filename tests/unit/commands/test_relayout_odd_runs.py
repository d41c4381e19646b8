# SPDX-License-Identifier: Apache-2.0
"""Relayout of damaged, small, empty, or changed runs, and rejected arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_atlases import make_atlas, write_atlases
from synthetic_runs import atlas_from_activations

from tensorboard_plugin_atlas import read_atlases, sample_subset
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.commands import map_relayout as relayout_module
from tensorboard_plugin_atlas.commands.map_relayout import relayout
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.event_file import EventSink, scan_records
from tensorboard_plugin_atlas.logs.log_files import list_event_files


class TestOddRuns:
    def test_damage_costs_the_step_it_is_in(self, tmp_path: Path) -> None:
        folder = tmp_path / "a"
        write_atlases(folder, [make_atlas(s, sequence=i) for i, s in enumerate((0, 50, 100), 1)])
        (path,) = list_event_files(folder)
        content = bytearray(path.read_bytes())
        content[list(scan_records(path))[3].offset + 3000] ^= 1
        path.write_bytes(content)
        result = relayout(tmp_path, progress=False)
        assert result.layers[0].steps == 2
        (word,) = result.messages
        assert "skipped: run 'a', layer 'layer3', step 50" in word
        assert [a.step for a in read_atlases(tmp_path, run="a/backwards")] == [0, 100]

    @pytest.mark.parametrize("is_old", [False, True])
    def test_only_a_log_of_an_older_version_gets_new_concepts(
        self, is_old: bool, tmp_path: Path
    ) -> None:
        found = [make_atlas(step, sequence=i) for i, step in enumerate((0, 50), 1)]
        if is_old:
            for i, atlas in enumerate(found):
                plain = tuple(dataclasses.replace(one, group=None) for one in atlas.concepts or ())
                found[i] = atlas.replace(concepts=plain, concept_groups=None, concept_change=None)
        write_atlases(tmp_path / "a", found)
        relayout(tmp_path, progress=False)
        for atlas, logged in zip(read_atlases(tmp_path, run="a/backwards"), found, strict=True):
            assert atlas.concept_groups is not None
            assert atlas.concept_change is not None
            if is_old:
                ids = {one.id for one in atlas.concept_groups}
                assert {one.group for one in atlas.concepts or ()} == ids
            else:
                assert atlas.concepts == logged.concepts
                assert atlas.concept_groups == logged.concept_groups
                np.testing.assert_array_equal(atlas.samples.concepts, logged.samples.concepts)

    def test_a_single_step(self, tmp_path: Path) -> None:
        write_atlases(tmp_path / "a", [make_atlas(7)])
        (one,) = relayout(tmp_path, progress=False).layers
        assert (one.steps, one.last, one.move_before, one.move_after) == (1, 7, None, None)
        (atlas,) = read_atlases(tmp_path, run="a/backwards")
        assert atlas.samples.noise_floor is None
        # The coordinates of these samples are two of their channels; the others are noise.
        assert atlas.quality.trustworthiness is not None

    def test_three_samples(self, tmp_path: Path) -> None:
        rows = np.random.default_rng(0).random((3, 5)).astype(np.float32)
        write_atlases(
            tmp_path / "a", [atlas_from_activations(rows, step=s, sequence=s + 1) for s in range(3)]
        )
        (one,) = relayout(tmp_path, progress=False).layers
        assert one.steps == 3
        for atlas in read_atlases(tmp_path, run="a/backwards"):
            assert len(atlas.xy) == 3
            assert np.isfinite(atlas.xy).all()

    def test_samples_with_nan_are_placed_and_in_no_cell(self, tmp_path: Path) -> None:
        found = []
        for number, step in enumerate((0, 10, 20), start=1):
            rows = np.random.default_rng(1).normal(size=(60, 8)).astype(np.float32)
            if step == 10:
                rows[4:7] = np.nan
            found.append(atlas_from_activations(rows, step=step, sequence=number))
        write_atlases(tmp_path / "a", found)
        relayout(tmp_path, progress=False)
        _, atlas, _ = read_atlases(tmp_path, run="a/backwards")
        assert np.isfinite(atlas.xy).all()
        for grid in atlas.grids:
            assert (grid.cell_of[4:7] == -1).all()
        assert any("3 samples hold NaN" in note for note in atlas.provenance.notes)
        assert np.isnan(atlas.activations[4:7]).all()

    def test_a_step_without_any_number_is_left_out(self, tmp_path: Path) -> None:
        rows = np.random.default_rng(1).normal(size=(40, 8)).astype(np.float32)
        gone = atlas_from_activations(np.full_like(rows, np.nan), step=10, sequence=2)
        write_atlases(tmp_path / "a", [atlas_from_activations(rows), gone])
        result = relayout(tmp_path, progress=False)
        assert result.layers[0].steps == 1
        assert "step 10: all samples hold NaN or infinity" in result.messages[0]

    def test_a_log_with_activations_of_some_samples_is_left_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        few = atlas_from_activations(np.random.default_rng(1).normal(size=(40, 8)))
        monkeypatch.setattr(sample_subset, "MANY_SAMPLES", 50)
        many = atlas_from_activations(np.random.default_rng(1).normal(size=(60, 8)), step=10)
        write_atlases(tmp_path / "a", [few, many])
        result = relayout(tmp_path, progress=False)
        assert [one.steps for one in result.layers] == [1]
        assert result.messages == (
            "skipped: run 'a', layer 'layer3', step 10: the log holds the activations of 50 of 60 "
            "samples, and a map needs all of them",
        )

    def test_without_icons(self, tmp_path: Path) -> None:
        found = []
        for step in (0, 10):
            atlas = make_atlas(step, sequence=1 + step // 10)
            grids = tuple(
                dataclasses.replace(
                    grid,
                    sheets=None,
                    kind_codes=np.zeros_like(grid.kind_codes),
                    icon_cosine=np.full_like(grid.icon_cosine, np.nan),
                )
                for grid in atlas.grids
            )
            found.append(atlas.replace(grids=grids))
        write_atlases(tmp_path / "a", found)
        relayout(tmp_path, progress=False)
        for atlas in read_atlases(tmp_path, run="a/backwards"):
            assert all(grid.icons is None for grid in atlas.grids)
            assert not any(note.startswith("icons:") for note in atlas.provenance.notes)

    def test_another_probe_midway_begins_another_chain(self, tmp_path: Path) -> None:
        rows = np.random.default_rng(2).normal(size=(4, 50, 8)).astype(np.float32)
        found = [
            atlas_from_activations(r, step=10 * i, sequence=i + 1, probe="ab"[i > 1] * 16)
            for i, r in enumerate(rows)
        ]
        write_atlases(tmp_path / "a", found)
        result = relayout(tmp_path, progress=False)
        assert result.messages == (
            "run 'a', layer 'layer3': the samples change at step 20; the maps up to step 10 are "
            "computed separately",
        )
        notes = [a.provenance.notes for a in read_atlases(tmp_path, run="a/backwards")]
        lasts = ["10", "10", "30", "30"]
        for own, last in zip(notes, lasts, strict=True):
            assert f"layout: computed again from the last step ({last}) to the first" in own
        assert any(note.startswith("concepts: started over") for note in notes[2])

    def test_no_pictures_of_the_probe(self, tmp_path: Path) -> None:
        write_atlases(tmp_path / "a", [make_atlas(0)], probe=False)
        result = relayout(tmp_path, progress=False)
        assert result.messages == ("run 'a': the images of its probe are missing",)

    def test_the_first_run_of_the_log_is_the_log_itself(self, tmp_path: Path) -> None:
        write_atlases(tmp_path, [make_atlas(0), make_atlas(9, sequence=2)])
        relayout(tmp_path, progress=False)
        assert {a.run for a in read_atlases(tmp_path)} == {"."}
        for _ in range(2):
            relayout(tmp_path, progress=False)
            assert len(list(read_atlases(tmp_path, run="backwards"))) == 2

    def test_memory_stays_at_a_few_atlases(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        alive: set[int] = set()
        most = 0

        class Counted:
            def __init__(self, key: int) -> None:
                self.key = key
                alive.add(key)

            def __del__(self) -> None:
                alive.discard(self.key)

        number = iter(range(10_000))
        decode = relayout_module.AtlasRecord.read_latest

        def count_reads(original: Any) -> Atlas:
            nonlocal most
            atlas = decode(original)
            object.__setattr__(atlas, "_counted", Counted(next(number)))
            most = max(most, len(alive))
            return atlas

        monkeypatch.setattr(relayout_module.AtlasRecord, "read_latest", count_reads)
        write_atlases(
            tmp_path / "a", [make_atlas(s, sequence=s + 1, samples=80) for s in range(12)]
        )
        relayout(tmp_path, progress=False)
        assert 1 <= most <= 3


class TestRefusals:
    def test_event_files_of_another_program(self, tmp_path: Path) -> None:
        write_atlases(tmp_path / "a", [make_atlas(0)])
        (tmp_path / "a/backwards").mkdir()
        own = tmp_path / "a/backwards/events.out.tfevents.1.host"
        own.write_bytes(b"mine")
        with pytest.raises(ArgumentError, match=r"holds event files of another program"):
            relayout(tmp_path, progress=False)
        assert own.read_bytes() == b"mine"

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        write_atlases(tmp_path / "a", [make_atlas(0)])
        (tmp_path / "a/backwards").write_text("")
        with pytest.raises(ArgumentError, match=r"but the new maps are stored there"):
            relayout(tmp_path, progress=False)

    def test_a_disk_that_is_full(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_atlases(tmp_path / "a", [make_atlas(0)])

        def full(*_: Any) -> Iterator[None]:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(EventSink, "write", full)
        with pytest.raises(ArgumentError, match=r"cannot be written \(No space left on device\)"):
            relayout(tmp_path, progress=False)

    def test_nothing_to_lay_out(self, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError, match="no atlases under"):
            relayout(tmp_path, progress=False)
