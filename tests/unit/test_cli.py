# SPDX-License-Identifier: Apache-2.0
"""The command line: what it teaches, prints and refuses, and the demo on tiny pictures."""

from __future__ import annotations

import io
import re
import runpy
import socket
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from synthetic_atlases import make_atlas, write_log
from synthetic_shortcuts import make_shortcuts
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_training import TINY

from tensorboard_plugin_atlas import __version__, cli, read_atlases, read_shortcuts
from tensorboard_plugin_atlas.commands import demo
from tensorboard_plugin_atlas.commands.cost_estimate import build_model, estimate
from tensorboard_plugin_atlas.demo.data import load
from tensorboard_plugin_atlas.demo.network import DemoNet
from tensorboard_plugin_atlas.demo.run import run_demo
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.logs.probe_reader import read_probe
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts
from tensorboard_plugin_atlas.writer.atlas_cost import Cost


def help_of(capsys, *command):
    with pytest.raises(SystemExit) as stop:
        cli.main([*command, "--help"])
    assert stop.value.code == 0
    return capsys.readouterr().out


class TestHelp:
    def test_the_front_page_teaches_the_three_lines(self, capsys):
        text = help_of(capsys)
        for line in (
            "from tensorboard_plugin_atlas import AtlasWriter",
            'atlas = AtlasWriter("runs/exp1", model, layers=["layer3"], probe=val_set)',
            "atlas.add_atlas(step)",
            "tensorboard --logdir runs",
        ):
            assert line in text
        assert "demo" in text
        assert "inspect" in text

    def test_each_command_shows_calls_to_copy(self, capsys):
        text = help_of(capsys, "demo")
        assert "tensorboard-atlas demo --data photos.zip" in text
        assert "class/image.ext" in text
        inspect = help_of(capsys, "inspect")
        assert "tensorboard-atlas inspect runs --run exp1 --layer layer3" in inspect
        relayout = help_of(capsys, "relayout")
        assert "tensorboard-atlas relayout runs --run exp1 --layer layer3" in relayout
        assert "<run>/backwards" in relayout
        events = help_of(capsys, "events")
        assert "tensorboard-atlas events runs --json > events.json" in events
        assert "grid:row,column" in events

    def test_version(self, capsys):
        with pytest.raises(SystemExit) as stop:
            cli.main(["--version"])
        assert stop.value.code == 0
        assert capsys.readouterr().out == f"tensorboard-atlas {__version__}\n"

    @pytest.mark.parametrize("command", [[], ["draw"], ["inspect"], ["demo", "--steps", "0"]])
    def test_bad_usage_is_2_with_the_usage(self, capsys, command):
        with pytest.raises(SystemExit) as stop:
            cli.main(command)
        assert stop.value.code == 2
        assert capsys.readouterr().err.startswith("usage: tensorboard-atlas")

    def test_the_module_is_the_command(self, capsys, monkeypatch):
        monkeypatch.setattr(sys, "argv", ["tensorboard_plugin_atlas", "--version"])
        with pytest.raises(SystemExit) as stop:
            runpy.run_module("tensorboard_plugin_atlas", run_name="__main__")
        assert stop.value.code == 0
        assert __version__ in capsys.readouterr().out


class TestInspect:
    def test_a_sound_log_is_listed(self, tmp_path, capsys):
        write_log(tmp_path, runs=("warm", "cold"), layers=("layer3", "layer4"), steps=(0, 1600))
        assert cli.main(["inspect", str(tmp_path)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split() == ["run", "layer", "step", "samples", "size", "state"]
        assert set(lines[1]) == {"-", " "}
        assert len(lines) == 2 + 8 + 2
        first = lines[2].split()
        assert first[:4] == ["cold/atlas", "layer3", "0", "400"]
        assert first[-1] == "ok"
        assert lines[3].split()[2] == "1,600"
        assert lines[-1].startswith("8 atlases, ")
        assert lines[-1].endswith("MB, 0 damaged")

    def test_run_and_layer_narrow_the_list(self, tmp_path, capsys):
        write_log(tmp_path, runs=("warm", "cold"), layers=("layer3", "layer4"), steps=(0, 5))
        for run in ("warm/atlas", "warm"):
            narrowed = ["inspect", str(tmp_path), "--run", run, "--layer", "layer4"]
            assert cli.main(narrowed) == 0
            rows = capsys.readouterr().out.splitlines()[2:-2]
            assert [row.split()[:3] for row in rows] == [
                ["warm/atlas", "layer4", "0"],
                ["warm/atlas", "layer4", "5"],
            ]

    def test_damage_is_1_with_its_reason(self, tmp_path, capsys):
        write_log(tmp_path, runs=("warm",), layers=("layer3",), steps=(0, 5))
        (path,) = (tmp_path / "warm").rglob("*tfevents*")
        content = bytearray(path.read_bytes())
        content[-1000] ^= 0xFF
        path.write_bytes(content)
        assert cli.main(["inspect", str(tmp_path)]) == 1
        out = capsys.readouterr().out
        assert "damaged: " in out
        assert "checksum" in out
        assert out.rstrip().endswith("1 damaged")
        assert "400" in out  # the sound step is still listed

    def test_an_empty_folder_is_reported(self, tmp_path, capsys):
        assert cli.main(["inspect", str(tmp_path)]) == 0
        out = capsys.readouterr().out
        assert f"no atlases in {tmp_path}" in out
        assert "or one above it" in out

    def test_a_terminal_is_never_commanded_by_a_log(self, tmp_path, capsys):
        untrusted = "layer\x1b[2J\x07\n\u202eevil\x9b31m"
        sink = EventSink(tmp_path / "run" / "atlas")
        blobs = encode_atlas(make_atlas(0, layer=untrusted, samples=40))
        sink.write(layer_tag(untrusted), blobs, 0)
        sink.close()
        assert cli.main(["inspect", str(tmp_path)]) == 0
        out = capsys.readouterr().out
        assert "layer\\x1b[2J\\x07\\n\\u202eevil\\x9b31m" in out
        assert all(c.isprintable() or c == "\n" for c in out)
        assert len(out.splitlines()) == 5

    def test_long_names_are_cut(self, tmp_path, capsys):
        name = "x" * 5000
        sink = EventSink(tmp_path / "atlas")
        sink.write(layer_tag(name), encode_atlas(make_atlas(0, layer=name, samples=40)), 0)
        sink.close()
        assert cli.main(["inspect", str(tmp_path)]) == 0
        assert "x" * 120 + "…" in capsys.readouterr().out

    def test_an_unknown_path_is_2_with_one_sentence(self, tmp_path, capsys):
        assert cli.main(["inspect", str(tmp_path / "nowhere")]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        (sentence,) = captured.err.splitlines()
        assert sentence.startswith("tensorboard-atlas: log_dir=")
        assert "does not exist; pass the directory of the runs" in sentence


def picture(hue, index, side=16):
    """A noisy square of one color."""
    noise = np.random.default_rng(index).integers(0, 60, (side, side, 3))
    pixels = (noise + np.array(hue)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A zip of class/image.png: two classes of twenty images."""
    return write_photos(tmp_path_factory.mktemp("photos") / "photos.zip", 20)


def write_photos(path, count):
    """Writes a zip of two classes of `count` images, one fifth of which the demo holds out."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, hue in (("red", (180, 20, 20)), ("blue", (20, 20, 180))):
            for index in range(count):
                archive.writestr(f"train/{name}/{index:02d}.png", picture(hue, index))
        archive.writestr("train/readme.txt", "not a picture")
    return path


@pytest.mark.sampled(2)
class TestDemo:
    def test_it_trains_and_logs_atlases_beside_scalars(self, tmp_path, photos, capsys):
        run = tmp_path / "run"
        command = ["demo", "--data", str(photos), "--log-dir", str(run), "--steps", "6"]
        assert cli.main([*command, "--no-serve"]) == 0
        out = capsys.readouterr().out
        assert f"atlases of 5 steps logged to {run}, accuracy" in out
        assert f"tensorboard --logdir {run}" in out
        atlases = list(read_atlases(tmp_path))
        assert [(a.layer, a.step) for a in atlases] == [
            (layer, step) for layer in ("stage2", "stage3") for step in (0, 1, 2, 4, 6)
        ]
        for atlas in atlases:
            assert atlas.classes == ("blue", "red")
            assert len(atlas.samples) == 8
            assert len(atlas.grids[0].icons) > 0
        assert read_probe(tmp_path, "run").classes == ("blue", "red")
        scalars = EventAccumulator(str(run)).Reload()
        assert [event.step for event in scalars.Scalars("loss")] == [1, 2, 3, 4, 5, 6]
        assert [event.step for event in scalars.Scalars("accuracy")] == [0, 1, 2, 4, 6]

    @pytest.mark.sampled(2)
    @pytest.mark.parametrize("icons", ["preview", "poster"])
    def test_icons_are_of_the_requested_kind(self, tmp_path, photos, icons):
        command = ["demo", "--data", str(photos), "--log-dir", str(tmp_path / "run"), "--no-serve"]
        assert cli.main([*command, "--steps", "1", "--icons", icons]) == 0
        atlases = list(read_atlases(tmp_path))
        kinds = {kind for atlas in atlases for grid in atlas.grids for kind in grid.icon_kind}
        assert kinds == {icons}

    def test_a_planted_marker_is_searched_and_reported(self, tmp_path, photos, capsys):
        run = tmp_path / "run"
        command = ["demo", "--data", str(photos), "--log-dir", str(run), "--no-serve", "--shortcut"]
        assert cli.main([*command, "--steps", "2", "--icons", "none"]) == 0
        assert "planted: a checkerboard marker at the lower edge of" in capsys.readouterr().out
        records = list(read_shortcuts(run))
        assert [(one.layer, one.step) for one in records] == [("stage2", n) for n in (0, 1, 2)]
        assert {one.classes for one in records} == {("blue", "red")}

    def test_what_was_found_is_reported_with_its_rates(self, tmp_path):
        sink = EventSink(tmp_path)
        sink.write(shortcuts_tag("layer3"), encode_shortcuts(make_shortcuts(100)), 100)
        sink.close()
        assert list(demo._describe_shortcuts(tmp_path))[1:] == [
            "found: 1.2% of the image at (0, 0, 4, 3) flips 90% to 'airplane' (noise patch 5%), "
            "significant beyond color, first at step 50"
        ]

    def test_icons_of_no_known_kind_are_refused(self, capsys):
        with pytest.raises(SystemExit):
            cli.main(["demo", "--icons", "sketch"])
        assert "--icons: invalid choice: 'sketch'" in capsys.readouterr().err

    def test_the_same_training_without_atlases_has_the_same_curve(self, tmp_path, photos, capsys):
        curves = []
        for name, option in (("with", ()), ("without", ("--no-atlas",))):
            run = tmp_path / name
            command = ["demo", "--data", str(photos), "--log-dir", str(run), "--steps", "3"]
            assert cli.main([*command, "--no-serve", *option]) == 0
            losses = EventAccumulator(str(run)).Reload().Scalars("loss")
            curves.append([event.value for event in losses])
        assert len(curves[0]) == 3
        assert curves[0] == curves[1]
        assert [atlas.run for atlas in read_atlases(tmp_path / "without")] == []
        out = capsys.readouterr().out
        assert out.count("training: ") == 2
        assert out.count("atlases: ≈ ") == 1
        assert "an atlas; 8 atlases, 4 calls, 0 skipped" in out
        assert f"atlases of 0 steps logged to {tmp_path / 'without'}" in out

    def test_another_seed_is_aligned_to_the_map_of_the_first(self, tmp_path):
        photos = write_photos(tmp_path / "photos.zip", 60)  # 24 are held out; 20 are needed
        runs = [tmp_path / "first", tmp_path / "second"]
        options = [(), ("--seed", "1", "--align-to", str(runs[0]))]
        for run, more in zip(runs, options, strict=True):
            command = ["demo", "--data", str(photos), "--log-dir", str(run), "--no-serve"]
            assert cli.main([*command, "--steps", "1", "--icons", "none", *more]) == 0
        last, *_ = (a for a in read_atlases(runs[0], layer="stage3") if a.step == 1)
        first, *_ = read_atlases(runs[1], layer="stage3")
        assert first.provenance.probe == last.provenance.probe
        (note,) = [note for note in first.provenance.notes if "aligned" in note]
        assert note.startswith("layout: aligned to layer 'stage3' at step 1 of ")
        assert f"of {str(runs[0])!r}" in note

    def test_it_leaves_a_core_to_the_worker_and_torch_its_threads(
        self, tmp_path, photos, monkeypatch
    ):
        seen = []

        def interrupt(*_):
            seen.append(torch.get_num_threads())
            raise KeyboardInterrupt

        monkeypatch.setattr("os.cpu_count", lambda: 3)
        monkeypatch.setattr("tensorboard_plugin_atlas.demo.run._loss", interrupt)
        before = torch.get_num_threads()
        try:
            for threads in (3, 1):
                torch.set_num_threads(threads)
                with pytest.raises(KeyboardInterrupt):
                    run_demo(str(photos), tmp_path / str(threads), with_atlas=False)
                assert torch.get_num_threads() == threads
        finally:
            torch.set_num_threads(before)
        assert seen == [2, 1]

    def test_serving_prints_the_address_and_starts_tensorboard(self, tmp_path, monkeypatch, capsys):
        calls = []
        monkeypatch.setattr(subprocess, "call", lambda command: calls.append(command) or 0)
        with socket.create_server(("localhost", 0)) as taken:
            port = taken.getsockname()[1]
            assert demo._serve(tmp_path, port) == 0
        ((*_, host, chosen, number),) = ([*command] for command in calls)
        assert (host, chosen) == ("localhost", "--port")
        assert int(number) > port  # the first port was taken
        assert f"http://localhost:{number}/#atlas" in capsys.readouterr().out
        assert calls[0][1:5] == ["-m", "tensorboard.main", "--logdir", str(tmp_path)]

    def test_the_demo_serves_what_it_logged(self, tmp_path, monkeypatch):
        class Result:
            log_dir, logged_steps, accuracy = tmp_path, (0, 1), 0.5
            speed, cost = 3.0, Cost()

        module = "tensorboard_plugin_atlas.demo.run.run_demo"
        monkeypatch.setattr(module, lambda *_, **__: Result)
        served = []
        monkeypatch.setattr(demo, "_serve", lambda *arguments: served.append(arguments) or 0)
        assert cli.main(["demo", "--port", "7000"]) == 0
        assert served == [(tmp_path, 7000)]

    def test_an_interrupt_is_130(self, monkeypatch):
        def interrupt(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("tensorboard_plugin_atlas.demo.run.run_demo", interrupt)
        assert cli.main(["demo"]) == 130

    def test_without_a_log_dir_the_run_is_named_after_data_and_time(self):
        name = demo._make_log_dir_name("some/photos.zip").as_posix()
        assert name.startswith("runs/demo-photos-2")

    @pytest.mark.parametrize("data", ["nowhere.zip", "nowhere", "digit"])
    def test_data_that_does_not_exist_is_2_with_one_sentence(self, tmp_path, capsys, data):
        command = ["demo", "--data", str(tmp_path / data), "--log-dir", str(tmp_path / "run")]
        assert cli.main(command) == 2
        (sentence,) = capsys.readouterr().err.splitlines()
        assert "no such folder or zip; pass 'digits', 'cifar10'" in sentence
        assert not (tmp_path / "run").exists()


class TestDemoData:
    def test_a_marker_is_put_in_that_share_of_one_class_and_nowhere_else(self):
        digits = load("digits", limit=0, seed=0)
        marked = digits.with_marker(5, 0.9, seed=0)
        own = digits.labels == 5
        is_other = (marked.images != digits.images).any(axis=(1, 2, 3))
        assert is_other.sum() == round(0.9 * own.sum())
        assert not is_other[~own].any()
        for image in marked.images[is_other]:
            piece = image[27:31, 14:18, 0]
            assert piece[0].tolist() == [0, 255, 0, 255]
            # Mirrored, it is at the same place.
            assert set(image[:, ::-1][27:31, 14:18].ravel()) == {0, 255}
        np.testing.assert_array_equal(marked.labels, digits.labels)

    def test_a_folder_is_like_its_zip(self, tmp_path, photos):
        with zipfile.ZipFile(photos) as archive:
            archive.extractall(tmp_path)
        zipped = load(str(photos), limit=100, seed=0)
        folder = load(str(tmp_path / "train"), limit=100, seed=0)
        assert zipped.classes == folder.classes == ("blue", "red")
        assert zipped.images.shape == (40, 16, 16, 3)
        assert (zipped.images == folder.images).all()
        assert (zipped.labels == folder.labels).all()

    def test_the_limit_takes_equally_of_each_class(self, photos):
        some = load(str(photos), limit=10, seed=0)
        assert np.bincount(some.labels).tolist() == [5, 5]
        other = load(str(photos), limit=10, seed=1)
        assert not (some.images == other.images).all()

    def test_splits_are_disjoint_and_complete(self, photos):
        whole = load(str(photos), limit=100, seed=0)
        training, held_out = whole.split(0.2, seed=0)
        assert (len(training.labels), len(held_out.labels)) == (32, 8)
        together = np.concatenate([training.images, held_out.images])
        assert sorted(map(bytes, together)) == sorted(map(bytes, whole.images))

    def test_large_pictures_become_squares_of_64(self, tmp_path):
        for name, size in (("wide", (200, 100)), ("high", (90, 300))):
            (tmp_path / name).mkdir()
            Image.new("RGB", size, "red").save(tmp_path / name / "0.jpg")
        assert load(str(tmp_path), limit=9, seed=0).images.shape == (2, 64, 64, 3)

    def test_one_class_is_too_few(self, tmp_path):
        (tmp_path / "only").mkdir()
        (tmp_path / "only" / "0.png").write_bytes(picture((9, 9, 9), 0))
        with pytest.raises(ArgumentError, match=r"images found: \['only'\]; at least two"):
            load(str(tmp_path), limit=9, seed=0)

    def test_a_picture_that_cannot_be_read_is_named(self, tmp_path):
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "broken.png").write_bytes(b"no picture")
        with pytest.raises(ArgumentError, match=r"a/broken.png cannot be read .*; remove it"):
            load(str(tmp_path), limit=9, seed=0)

    def test_the_digits_come_with_scikit_learn(self):
        digits = load("digits", limit=9999, seed=0)
        assert digits.images.shape == (1797, 32, 32, 1)
        assert digits.classes == tuple("0123456789")
        assert np.bincount(digits.labels).min() > 170


class TestEstimate:
    def test_one_atlas_of_each_layer_is_measured(self, photos, capsys):
        command = [
            "estimate",
            "--model",
            "tiny_training:Net",
            "--data",
            str(photos),
            "--samples",
            "20",
        ]
        layers = ["--layer", "stem", "--layer", "body", "--normalize", "0.5/0.25"]
        assert cli.main([*command, *layers, "--atlases", "40"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines[2:4]] == ["stem", "body"]
        assert all(float(line.split()[1]) > 0 for line in lines[2:4])
        assert re.fullmatch(r"≈ \S+ s and \S+ kB an atlas", lines[-2])
        assert re.fullmatch(r"40 atlases, .* of one background core, \S+ kB", lines[-1])

    def test_the_numbers_of_a_run_give_a_plan(self, photos, capsys):
        command = ["estimate", "--model", "tiny_training:Net", "--data", str(photos)]
        command += ["--layer", "stem", "--layer", "body", "--samples", "20", "--icons", "examples"]
        run = ["--steps", "1000", "--steps-per-second", "0.1", "--every", "100"]
        assert cli.main([*command, *run, "--budget-mb", "1000"]) == 0
        plan, time, worker, budget = capsys.readouterr().out.splitlines()[-4:]
        assert re.fullmatch(r"plan: atlases at 10 of 1,000 steps: 20 atlases, .* core, .*B", plan)
        assert re.fullmatch(r"time: \d\.\d% of the 2\.8 h of training, on another core", time)
        assert re.fullmatch(r"worker: keeps up; it takes \S+ s a step", worker)
        assert re.fullmatch(r"budget: \S+ kB of 1\.0 GB", budget)
        assert cli.main([*command, *run, "--budget-mb", "0.001"]) == 1
        assert capsys.readouterr().out.splitlines()[-3].endswith(" of 1.0 kB, exceeded")

    @pytest.mark.parametrize(
        ("schedule", "count"),
        [([], 9), (["--schedule", "log-spaced"], 9), (["--schedule", "0,7"], 2)],
    )
    def test_schedules_are_those_of_the_writer(self, photos, capsys, schedule, count):
        command = ["estimate", "--model", "tiny_training:Net", "--data", str(photos)]
        command += ["--layer", "body", "--samples", "20", "--icons", "none", *schedule]
        assert cli.main([*command, "--steps", "200", "--steps-per-second", "0.01"]) == 0
        assert f"plan: atlases at {count} of 200 steps: {count} atlases" in capsys.readouterr().out

    @pytest.mark.parametrize("text", ["", "linear", "0,-1", "1.5"])
    def test_a_schedule_that_is_not_known(self, capsys, text):
        with pytest.raises(SystemExit):
            cli.main(["estimate", "--model", "a:b", "--data", "c", "--schedule", text])
        assert f"{text!r}: pass log-spaced, or steps of at least 0" in capsys.readouterr().err

    def test_a_plan_needs_all_numbers_of_the_run(self, capsys):
        command = ["estimate", "--model", "a:b", "--data", "c", "--budget-minutes", "3"]
        assert cli.main([*command, "--steps", "100"]) == 2
        error = capsys.readouterr().err
        assert "--steps-per-second: missing; a plan needs the numbers of your training" in error
        with pytest.raises(SystemExit):
            cli.main([*command, "--steps-per-second", "0"])
        assert "'0': pass a number above 0" in capsys.readouterr().err

    def test_layers_are_chosen_where_none_are_named(self, photos):
        found = estimate("tiny_training:Net", str(photos), config=TINY)
        assert [atlas.layer for atlas in found.layers] == ["body"]
        assert found.total.atlases == 1
        assert torch.get_num_threads() == 1

    @pytest.mark.parametrize(
        ("model", "message"),
        [
            (
                "tiny_training",
                r"--model 'tiny_training': pass module:callable, such as torchvision",
            ),
            ("no_such:thing", r"ModuleNotFoundError: No module named 'no_such'; pass module"),
            (
                "tiny_training:nothing",
                r"AttributeError: .* has no attribute 'nothing'; pass module",
            ),
            ("tiny_training:FailsInWorker", r"TypeError: .*missing 1 required positional argument"),
            (
                "tiny_training:make_images",
                r"'tiny_training:make_images' returns a tuple; pass a callable without arguments",
            ),
        ],
    )
    def test_a_factory_that_does_not_work_is_named(self, model, message):
        with pytest.raises(ArgumentError, match=message):
            build_model(model)

    def test_a_bad_normalization_is_named(self, capsys):
        with pytest.raises(SystemExit):
            cli.main(["estimate", "--model", "a:b", "--data", "c", "--normalize", "0.5"])
        assert "'0.5': pass MEAN/STD, such as 0.5/0.25" in capsys.readouterr().err


def test_the_network_halves_the_map_twice():
    network = DemoNet(3, 5, width=0.5)
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 5)
    shapes = {}
    for name in ("stage2", "stage3"):
        network.get_submodule(name).register_forward_hook(
            lambda _, __, output, name=name: shapes.update({name: tuple(output.shape)})
        )
    network(torch.zeros(2, 3, 32, 32))
    assert shapes == {"stage2": (2, 32, 16, 16), "stage3": (2, 64, 8, 8)}
