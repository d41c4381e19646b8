# SPDX-License-Identifier: Apache-2.0
"""`find_events`: the events of a log, ranked, or computed for a log of an older version."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_atlases import make_atlas, write_atlases, write_log
from synthetic_runs import SyntheticRun, make_atlases, simulate_run

from tensorboard_plugin_atlas import cli
from tensorboard_plugin_atlas.analysis.concepts.tracker import ConceptTracker, detect_events
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.commands.run_events import find_events
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.event_file import scan_records
from tensorboard_plugin_atlas.logs.log_files import list_event_files
from tensorboard_plugin_atlas.logs.reader import read_atlases

CLASSES = ("cat", "dog", "ship")
SIZES = (60, 50, *[50] * 20)
SHIPS = [{unit} for unit in range(2, len(SIZES))]


@pytest.fixture(scope="module")
def history() -> SyntheticRun:
    """Cats and dogs form one cluster that splits and merges again; ships are separate."""
    together = [{0, 1}, *SHIPS]
    return simulate_run(SIZES, [together, [{0}, {1}, *SHIPS], together], noise=0.6, seed=3)


@pytest.fixture(scope="module")
def tracked(history: SyntheticRun) -> list[Atlas]:
    """The atlases of this history with concepts and events, as a writer logs them."""
    labels = np.minimum(history.unit, 2).astype(np.int64)
    tracer = ConceptTracker()
    return [tracer.advance(a) for a in make_atlases(history, labels=labels, classes=CLASSES)]


class TestEvents:
    def test_they_are_those_of_trace_events_and_of_the_log(
        self, tracked: list[Atlas], tmp_path: Path
    ) -> None:
        write_atlases(tmp_path / "a", tracked)
        found = find_events(tmp_path)
        traced = detect_events(read_atlases(tmp_path))
        assert [(one.step, one.event) for one in found.events] == [
            (one.step, one.event) for one in traced
        ]
        assert [one.rank for one in found.events] == [*range(1, len(traced) + 1)]
        (report,) = found.layers
        assert (report.source, report.found) == ("logged", len(traced))
        assert report.atlases == len(tracked)

    def test_the_planted_story_is_reported_with_its_numbers(
        self, tracked: list[Atlas], history: SyntheticRun, tmp_path: Path
    ) -> None:
        write_atlases(tmp_path / "a", tracked)
        first, second = sorted(find_events(tmp_path).events, key=lambda one: one.step)[:2]
        split, merge = history.planted
        assert (first.event.kind, first.step) == ("splits", 100 * split.first)
        assert (second.event.kind, second.step) == ("merges", 100 * merge.first)
        assert first.before == pytest.approx((110,), abs=8)
        assert first.after == pytest.approx((60, 50), abs=8)
        assert second.before == pytest.approx((60, 50), abs=8)
        assert second.after == pytest.approx((110,), abs=8)

    def test_runs_and_layers_are_ranked_together_and_followed_apart(
        self, tracked: list[Atlas], tmp_path: Path
    ) -> None:
        write_atlases(tmp_path / "a", tracked)
        write_atlases(tmp_path / "b", [a.replace(layer="layer4") for a in tracked])
        shutil.copytree(tmp_path / "a", tmp_path / "a/backwards")
        found = find_events(tmp_path)
        assert {(one.run, one.layer) for one in found.events} == {("a", "layer3"), ("b", "layer4")}
        scores = [one.event.score for one in found.events]
        assert scores == sorted(scores, reverse=True)
        assert [one.run for one in find_events(tmp_path, run="b").layers] == ["b"]
        assert [one.run for one in find_events(tmp_path, run="a/backwards").layers] == [
            "a/backwards"
        ]
        with pytest.raises(ArgumentError, match=r"--layer 'x' was not logged"):
            find_events(tmp_path, layers=["x"])

    def test_by_step_and_the_best(self, tracked: list[Atlas], tmp_path: Path) -> None:
        write_atlases(tmp_path / "a", tracked)
        found = find_events(tmp_path)
        assert [one.rank for one in found.select(2)] == [1, 2]
        steps = [one.step for one in found.select(2, by_step=True)]
        assert steps == sorted(steps)
        assert {one.rank for one in found.select(2, by_step=True)} == {1, 2}


class TestSource:
    def test_logged_events_are_reported_as_they_are(
        self, tracked: list[Atlas], tmp_path: Path
    ) -> None:
        """They come from exact activations, of which the log may store less."""
        at = next(i for i, atlas in enumerate(tracked) if atlas.events)
        events = (dataclasses.replace(tracked[at].events[0], score=1.5), *tracked[at].events[1:])
        run = [*tracked[:at], tracked[at].replace(events=events), *tracked[at + 1 :]]
        write_atlases(tmp_path / "a", run)
        assert 1.5 in {one.event.score for one in find_events(tmp_path).events}

    @pytest.mark.parametrize("with_concepts", [False, True])
    def test_events_of_an_older_log_are_computed(
        self, with_concepts: bool, tracked: list[Atlas], tmp_path: Path, history: SyntheticRun
    ) -> None:
        older = [atlas.replace(concept_groups=None, events=()) for atlas in tracked]
        older = [
            atlas.replace(
                concepts=tuple(dataclasses.replace(c, group=None) for c in atlas.concepts)
            )
            for atlas in older
            if atlas.concepts is not None
        ]
        write_atlases(tmp_path / "a", older if with_concepts else make_atlases(history))
        found = find_events(tmp_path)
        (report,) = found.layers
        assert (report.source, report.found) == ("computed", 2)
        assert [one.event.kind for one in found.select(by_step=True)] == ["splits", "merges"]


class TestOddRuns:
    @pytest.mark.parametrize("is_old", [False, True])
    def test_a_probe_that_changed_midway(
        self, is_old: bool, tracked: list[Atlas], tmp_path: Path
    ) -> None:
        at = 4
        other = [
            a.replace(provenance=dataclasses.replace(a.provenance, probe="other"))
            for a in tracked[at:]
        ]
        tracer = ConceptTracker()
        atlases = [tracer.advance(atlas) for atlas in [*tracked[:at], *other]]
        if is_old:
            atlases = [atlas.replace(concepts=None, concept_groups=None) for atlas in atlases]
            atlases = [
                a.replace(samples=dataclasses.replace(a.samples, concepts=None), events=())
                for a in atlases
            ]
        write_atlases(tmp_path / "a", atlases)
        with pytest.raises(ArgumentError, match="probe changed"):
            detect_events(read_atlases(tmp_path))
        found = find_events(tmp_path)
        (report,) = found.layers
        assert report.source == ("computed" if is_old else "logged")
        if is_old:
            assert f"channels change at step {tracked[at].step:,}" in report.messages[0]
        parts = [detect_events(part) for part in (tracked[:at], other)]
        assert len(found.events) == sum(map(len, parts))

    def test_damage_costs_a_step(self, tracked: list[Atlas], tmp_path: Path) -> None:
        write_atlases(tmp_path / "a", tracked)
        (path,) = list_event_files(tmp_path / "a")
        content = bytearray(path.read_bytes())
        content[list(scan_records(path))[4].offset + 2500] ^= 1
        path.write_bytes(content)
        (report,) = find_events(tmp_path).layers
        assert report.atlases == len(tracked) - 1
        assert "skipped: run 'a', layer 'layer3', step 200" in report.messages[0]

    def test_it_only_reads_and_needs_numpy_alone(
        self, tracked: list[Atlas], tmp_path: Path
    ) -> None:
        write_atlases(tmp_path / "a", tracked[:3])
        before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
        script = (
            "import sys\n"
            "from tensorboard_plugin_atlas.cli import main\n"
            f"assert main(['events', {str(tmp_path)!r}]) == 0\n"
            "heavy = {'torch', 'umap', 'numba', 'scipy', 'sklearn', 'PIL'} & set(sys.modules)\n"
            "assert not heavy, heavy\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
        assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


class TestCommand:
    def test_a_ranked_list_with_where_to_look(
        self, tracked: list[Atlas], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_atlases(tmp_path / "a", tracked)
        assert cli.main(["events", str(tmp_path), "--limit", "1"]) == 0
        head, _, best, *rest = capsys.readouterr().out.splitlines()
        assert head.split() == [
            "rank",
            "layer",
            "step",
            "kind",
            "sure",
            "score",
            "look",
            "at",
            "what",
        ]
        rank, layer, step, kind, sure, score, place, *text = best.split()
        one = find_events(tmp_path).events[0]
        assert (rank, layer, step, kind) == ("1", "layer3", f"{one.step:,}", one.event.kind)
        assert one.event.cell is not None
        grid, row, col = one.event.cell
        assert place == f"{grid}:{row + 1},{col + 1}"  # as in the search of the tab
        assert float(sure) == pytest.approx(one.event.confidence, abs=0.01)
        assert float(score) == pytest.approx(one.event.score, abs=0.1)
        assert " ".join(text) == one.event.text
        found = len(find_events(tmp_path).events)
        assert rest == [
            "",
            f"run a, layer layer3: {found} events in {len(tracked)} atlases",
            f"1 of {found} events are listed; pass --limit for more",
        ]

    def test_several_runs_are_named_and_listed_by_step(
        self, tracked: list[Atlas], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in ("a", "b"):
            write_atlases(tmp_path / name, tracked)
        assert cli.main(["events", str(tmp_path), "--order", "step"]) == 0
        head, _, *rows = capsys.readouterr().out.splitlines()
        assert head.split()[:3] == ["rank", "run", "layer"]
        listed = [tuple(row.split()[1:4:2]) for row in rows[: rows.index("")]]
        order = [(run, int(step.replace(",", ""))) for run, step in listed]
        assert order == sorted(order)

    def test_one_json_document(self, tracked: list[Atlas], tmp_path: Path, capsys: Any) -> None:
        write_atlases(tmp_path / "a", tracked)
        assert cli.main(["events", str(tmp_path), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        found = find_events(tmp_path)
        assert document["events_found"] == len(document["events"]) == len(found.events)
        best, one = document["events"][0], found.events[0]
        assert (best["rank"], best["run"], best["layer"], best["step"]) == (
            *(1, "a", "layer3", one.step),
        )
        assert best["before"] == [
            {"id": i, "samples": n} for i, n in zip(one.event.before, one.before, strict=True)
        ]
        assert all(group["samples"] > 0 for group in best["before"] + best["after"])
        assert one.event.cell is not None
        assert tuple(best["cell"].items()) == tuple(
            zip(("grid", "row", "col"), map(int, one.event.cell), strict=True)
        )
        (layer,) = document["layers"]
        assert (layer["source"], layer["messages"]) == ("logged", [])
        assert cli.main(["events", str(tmp_path), "--json", "--limit", "1"]) == 0
        assert len(json.loads(capsys.readouterr().out)["events"]) == 1

    def test_log_text_cannot_steer_a_terminal(
        self, history: SyntheticRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        untrusted = ("\x1b[2Jcat", "do\u202eg", "ship\n")
        labels = np.minimum(history.unit, 2).astype(np.int64)
        tracer = ConceptTracker()
        atlases = make_atlases(history, labels=labels, classes=untrusted, layer="l\x1b[31m")
        write_atlases(tmp_path / "a\x1bb", [tracer.advance(atlas) for atlas in atlases])
        for more in ([], ["--json"]):
            assert cli.main(["events", str(tmp_path), *more]) == 0
            out = capsys.readouterr().out
            assert "\x1b" not in out
            assert "\u202e" not in out
            assert "cat" in out

    def test_kinds_are_ranked_among_themselves(
        self, tracked: list[Atlas], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        flip = dataclasses.replace(
            make_atlas(5).events[0],
            kind="flips",
            text="9 images of cat are now predicted as dog",
            before=(),
            after=(),
            classes=(0, 0, 1),
            images=9,
            score=1000.0,
        )
        run = [*tracked[:-1], tracked[-1].replace(events=(flip, *tracked[-1].events))]
        write_atlases(tmp_path / "a", run)
        concepts = sum(len(atlas.events) for atlas in tracked)
        for kind, count, best in (
            ("concepts", concepts, "split"),
            ("predictions", 1, "9 images of cat"),
            ("all", concepts + 1, "9 images of cat"),
        ):
            assert cli.main(["events", str(tmp_path), "--kind", kind]) == 0
            _, _, first, *rest = capsys.readouterr().out.splitlines()
            assert first.split()[0] == "1"
            assert best in first
            assert rest[-1].startswith(f"run a, layer layer3: {count} event")
        assert cli.main(["events", str(tmp_path)]) == 0
        assert "9 images" not in capsys.readouterr().out

    def test_one_atlas_is_too_few(self, tmp_path: Path, capsys: Any) -> None:
        write_atlases(tmp_path / "a", [make_atlas(0)])
        assert cli.main(["events", str(tmp_path)]) == 0
        assert capsys.readouterr().out == (
            "run a, layer layer3: 0 events in 1 atlas; events need two atlases\n"
        )

    def test_hidden_damage_is_reported_and_nothing_else(self, tmp_path: Path, capsys: Any) -> None:
        write_log(tmp_path, runs=("a",), layers=("layer3",), steps=(0, 9))
        (path,) = list_event_files(tmp_path / "a/atlas")
        content = bytearray(path.read_bytes())
        record = list(scan_records(path))[3]
        content[record.offset + 12 : record.offset + 40] = bytes(28)
        path.write_bytes(content)
        assert cli.main(["events", str(tmp_path)]) == 0
        out = capsys.readouterr().out
        assert out.count("skipped: ") == 1
        assert "layer layer3: 0 events in 1 atlas" in out

    def test_an_empty_folder_is_2_with_what_to_type(self, tmp_path: Path, capsys: Any) -> None:
        assert cli.main(["events", str(tmp_path)]) == 2
        (sentence,) = capsys.readouterr().err.splitlines()
        assert "no atlases under" in sentence
        assert "`tensorboard-atlas doctor`" in sentence

    @pytest.mark.parametrize("limit", ["0", "-1", "many"])
    def test_a_limit_that_is_none(self, limit: str, tmp_path: Path, capsys: Any) -> None:
        with pytest.raises(SystemExit):
            cli.main(["events", str(tmp_path), f"--limit={limit}"])
        assert "pass an integer above 0" in capsys.readouterr().err
