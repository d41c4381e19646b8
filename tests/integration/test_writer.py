# SPDX-License-Identifier: Apache-2.0
"""`AtlasWriter` in training loops: logs, arguments, faults, and no effect on training."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest
import tensorboardX
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter

from tensorboard_plugin_atlas import (
    AtlasConfig,
    AtlasWriter,
    cell_labels,
    compute_atlas,
    read_atlases,
)
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError
from tensorboard_plugin_atlas.log_names import PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink, read_events
from tensorboard_plugin_atlas.logs.probe_reader import read_probe
from tensorboard_plugin_atlas.logs.reader import list_atlases
from tensorboard_plugin_atlas.writer import atlas_writer

CLASSES = ("north", "east", "south", "west")
CONFIG = AtlasConfig(samples=24, grids=(2, 4), min_count=2, neighbors=5, epochs=10, icons="none")


class Net(nn.Module):
    """Convolutions with dropout and batch norm, whose state a forward pass could change."""

    def __init__(self, channels=3):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, 6, 3, padding=1), nn.BatchNorm2d(6))
        self.body = nn.Sequential(nn.ReLU(), nn.Conv2d(6, 8, 3, 2, padding=1), nn.ReLU())
        self.drop = nn.Dropout(0.5)
        self.unused = nn.Linear(2, 2)
        self.head = nn.Linear(8, len(CLASSES))

    def forward(self, x):
        return self.head(self.drop(self.body(self.stem(x))).mean((2, 3)))


def data(count=24, channels=3):
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(count, channels, 12, 12, generator=generator)
    return images, torch.arange(count) % len(CLASSES)


OPEN_WRITERS = []


@pytest.fixture(autouse=True)
def close_all():
    """Closes the writers that a test left open, after its patches are undone."""
    yield
    while OPEN_WRITERS:
        OPEN_WRITERS.pop().close()


def make_writer(target, model=None, layers=("body",), **more):
    settings = {"probe": data(), "config": CONFIG, "worker": "inline", **more}
    atlas = AtlasWriter(target, Net() if model is None else model, layers, **settings)
    OPEN_WRITERS.append(atlas)
    return atlas


def files_in(directory):
    return sorted(p.relative_to(directory).as_posix() for p in directory.rglob("*") if p.is_file())


class TestLogDirectory:
    @pytest.mark.parametrize("kind", [str, lambda path: path])
    def test_a_path_gets_one_file_in_its_child_run(self, tmp_path, kind):
        with make_writer(kind(tmp_path / "run")) as atlas:
            assert not (tmp_path / "run").exists()
            atlas.add_atlas(1)
            atlas.add_atlas(2)
        (name,) = files_in(tmp_path)
        assert name.startswith("run/atlas/events.out.tfevents.")

    @pytest.mark.parametrize("summary_writer", [SummaryWriter, tensorboardX.SummaryWriter])
    def test_the_directory_of_a_summary_writer_is_used(self, tmp_path, summary_writer):
        with summary_writer(str(tmp_path / "run")) as logs:
            with make_writer(logs) as atlas:
                atlas.add_atlas(3)
            logs.add_scalar("loss", 0.5, 3)  # still open
        own = [name for name in files_in(tmp_path) if not name.startswith("run/atlas/")]
        assert len(own) == 1
        assert len(files_in(tmp_path)) == 2
        (found,) = read_atlases(tmp_path)
        assert (found.run, found.layer, found.step) == ("run/atlas", "body", 3)

    @pytest.mark.parametrize(
        ("summary_writer", "names"),
        [
            (SummaryWriter, ("_get_file_writer",)),
            (tensorboardX.SummaryWriter, ("_get_file_writer", "file_writer")),
        ],
    )
    def test_a_summary_writer_without_a_directory_is_used_itself(
        self, tmp_path, summary_writer, names
    ):
        class Hidden:
            """A writer without `log_dir`."""

        with summary_writer(str(tmp_path / "run")) as logs:
            hidden = Hidden()
            for name in (*names, "flush"):
                setattr(hidden, name, getattr(logs, name))
            with make_writer(hidden) as atlas:
                atlas.add_atlas(3)
                atlas.flush()
            logs.add_scalar("loss", 0.5, 3)
        assert [a.step for a in read_atlases(tmp_path)] == [3]
        assert not (tmp_path / "run" / "atlas").exists()

    def test_a_writer_to_a_remote_directory_is_used_itself(self, tmp_path):
        class Remote:
            log_dir = "nowhere://bucket/run"

            def __init__(self, logs):
                self._get_file_writer, self.flush = logs._get_file_writer, logs.flush

        with SummaryWriter(str(tmp_path)) as logs, make_writer(Remote(logs)) as atlas:
            atlas.add_atlas(1)
        assert [a.step for a in read_atlases(tmp_path)] == [1]


def test_a_logged_atlas_equals_compute_atlas(tmp_path):
    model = Net()
    config = AtlasConfig(**{**CONFIG.as_dict(), "icons": "examples"})
    with make_writer(tmp_path, model, ["body"], classes=CLASSES, config=config) as atlas:
        atlas.add_atlas(40, walltime=1234.5)
    (found,) = read_atlases(tmp_path)
    wanted = compute_atlas(model, "body", data(), step=40, classes=CLASSES, config=config)
    assert (found.step, found.wall_time, found.classes) == (40, 1234.5, CLASSES)
    for name in ("xy", "activations", "labels", "predictions", "image_ids", "positions", "boxes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), name)
    for read, computed in zip(found.grids, wanted.grids, strict=True):
        for name in ("rows", "cols", "counts", "cell_of", "icon_kind", "icon_cosine", "icons"):
            np.testing.assert_array_equal(getattr(read, name), getattr(computed, name), name)
    assert found.quality.trustworthiness == pytest.approx(wanted.quality.trustworthiness)
    assert found.provenance.probe == wanted.provenance.probe == atlas.probe.digest
    assert found.provenance.settings["samples"] == 24


def test_every_layer_is_logged_at_every_step_and_the_probe_once(tmp_path):
    with make_writer(tmp_path, layers=["stem", "body"]) as atlas:
        for step in (0, 5, 50):
            atlas.add_atlas(step)
    events = list(read_events(tmp_path / "atlas"))
    assert [event.tag for event in events].count(PROBE_TAG) == 1
    assert events[0].tag == PROBE_TAG
    assert [(e.tag, e.step) for e in events[1:]] == [
        (layer_tag(layer, sequence=number), step)
        for number, step in enumerate((0, 5, 50), start=1)
        for layer in ("stem", "body")
    ]
    entries = list_atlases(tmp_path)
    assert [(e.layer, e.step, e.sequence) for e in entries] == [
        ("body", 0, 1),
        ("body", 5, 2),
        ("body", 50, 3),
        ("stem", 0, 1),
        ("stem", 5, 2),
        ("stem", 50, 3),
    ]
    pictures = read_probe(tmp_path, "atlas")
    assert pictures.digest == atlas.probe.digest
    assert len(pictures.image_ids) == 24


@pytest.mark.sampled(2)
@pytest.mark.parametrize("worker", ["inline", "process"])
@pytest.mark.parametrize(("limit", "level"), [(1e9, logging.INFO), (0.0, logging.WARNING)])
def test_the_cost_of_the_first_atlas_is_logged_once(
    tmp_path, caplog, monkeypatch, worker, limit, level
):
    monkeypatch.setattr(atlas_writer, "EXPENSIVE_SECONDS", limit)
    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        writer = make_writer(tmp_path, worker=worker)
        for step in (0, 1):
            writer.add_atlas(step)
            writer.flush()
    (line,) = [one for one in caplog.records if "of CPU time" in one.getMessage()]
    assert line.levelno == level
    where = "in the training loop" if worker == "inline" else "in a background process"
    assert line.getMessage().startswith("AtlasWriter: the first atlas took ")
    assert "(icons " not in line.getMessage()
    assert where in line.getMessage()


class TestSteps:
    def test_steps_that_do_not_increase_are_skipped_with_one_warning(self, tmp_path):
        with make_writer(tmp_path) as atlas, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for step in (5, 5, 3, -1, 6):
                atlas.add_atlas(step)
        assert [a.step for a in read_atlases(tmp_path)] == [5, 6]
        (warning,) = caught
        assert "global_step=5 is not larger than 5" in str(warning.message)
        assert warning.category is RuntimeWarning
        assert warning.filename == __file__  # it points at the loop, not at the package

    @pytest.mark.parametrize("step", [1.5, "7", None, True, torch.tensor(1.5)])
    def test_a_step_that_is_not_an_integer_is_reported(self, tmp_path, step):
        atlas = make_writer(tmp_path)
        with pytest.warns(RuntimeWarning, match=r"AtlasWriter: add_atlas failed"):
            atlas.add_atlas(step)
        assert files_in(tmp_path) == []

    @pytest.mark.parametrize("step", [np.int64(4), torch.tensor(4), np.int32(4)])
    def test_integers_of_other_libraries_are_steps(self, tmp_path, step):
        with make_writer(tmp_path) as atlas:
            atlas.add_atlas(step)
        assert [a.step for a in read_atlases(tmp_path)] == [4]

    def test_add_after_close_warns(self, tmp_path):
        atlas = make_writer(tmp_path)
        atlas.add_atlas(1)
        atlas.close()
        atlas.close()
        atlas.flush()
        before = files_in(tmp_path)
        with pytest.warns(RuntimeWarning, match=r"after close\(\)"):
            atlas.add_atlas(2)
        assert files_in(tmp_path) == before

    def test_leaving_the_block_closes_and_propagates_errors(self, tmp_path):
        def loop():
            with make_writer(tmp_path) as atlas:
                atlas.add_atlas(1)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            loop()
        with pytest.warns(RuntimeWarning, match=r"after close\(\)"):
            OPEN_WRITERS[-1].add_atlas(2)
        assert [a.step for a in read_atlases(tmp_path)] == [1]


class TestLayers:
    def test_none_selects_layers_and_reports_them(self, tmp_path, caplog):
        with caplog.at_level(logging.WARNING):
            atlas = make_writer(tmp_path, layers=None)
        assert atlas.layers == ("body",)
        assert "chose layers body (" in caplog.text

    def test_wrapped_and_repeated_names_are_one_layer(self, tmp_path):
        atlas = make_writer(tmp_path, nn.DataParallel(Net()), ["body", "module.body", "stem"])
        assert atlas.layers == ("body", "stem")
        assert repr(atlas) == "AtlasWriter(layers=['body', 'stem'], last step None)"


class FailingNet(Net):
    def forward(self, x):
        raise KeyError("pixel_values")


class TestConstructor:
    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"layers": ["bodi"]}, LayerError, r"layer 'bodi' .*closest: 'body', '\S+', '\S+'$"),
            ({"layers": "body"}, ArgumentError, r"layers='body': pass a list, such as \['body'\]"),
            ({"layers": []}, ArgumentError, r"layers=\[\]: pass at least one layer"),
            ({"layers": 3}, ArgumentError, r"layers=3: pass a list"),
            ({"layers": [nn.ReLU()]}, ArgumentError, r"layer=ReLU\(\): pass .*dotted name"),
            ({"layers": ["unused"]}, LayerError, r"'unused' did not run .*pick one that does"),
            ({"probe": []}, ArgumentError, r"probe is empty: pass a dataset"),
            ({"probe": None}, ArgumentError, r"probe=None: pass a Dataset, a DataLoader"),
            (
                {"probe": (data()[0], data(9)[1])},
                ArgumentError,
                r"probe: labels are .*\(9,\) for 24 images; pass one",
            ),
            ({"probe": data(channels=1)}, ArgumentError, r"probe: images have 1 channels.*takes 3"),
            ({"probe": data()[0] * 255}, ArgumentError, r"span .* pass normalize=\(mean, std\)"),
            ({"classes": CLASSES[:3]}, ArgumentError, r"classes has 3 names.* label 3; pass"),
            (
                {"classes": CLASSES[:3], "probe": data()[0]},
                ArgumentError,
                r"classes has 3 names, the model returns 4 logits; pass one name for each",
            ),
            ({"classes": "abcd"}, ArgumentError, r"classes='abcd': pass a list of class names"),
            ({"normalize": 0.5}, ArgumentError, r"normalize=0.5: pass \(mean, std\)"),
            ({"normalize": ((0.5,) * 2, (1,) * 2)}, ArgumentError, r"normalize has 2 channels"),
            ({"config": {"samples": 5}}, ArgumentError, r"config=\{'samples': 5\}: pass an Atlas"),
            ({"model": "resnet18"}, ArgumentError, r"model='resnet18': pass a torch.nn.Module"),
            (
                {"model": FailingNet()},
                ArgumentError,
                r"model=FailingNet fails on .* images \(KeyError: 'pixel_values'\); pass probe",
            ),
            (
                {"model": FailingNet(), "layers": None},
                ArgumentError,
                r"model=FailingNet fails on the probe",
            ),
            ({"target": 7}, ArgumentError, r"log_dir_or_writer=7: pass a directory or a Summary"),
            ({"target": "nowhere://x"}, ArgumentError, r"'nowhere://x/atlas': Protocol not known"),
        ],
    )
    def test_a_wrong_argument_is_reported(self, tmp_path, monkeypatch, change, error, message):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(error, match=message):
            make_writer(**{"target": tmp_path / "run", **change})
        assert files_in(tmp_path) == []

    def test_a_directory_that_is_a_file_is_reported(self, tmp_path):
        path = tmp_path / "notes.txt"
        path.write_text("")
        with pytest.raises(ArgumentError, match=r"log_dir_or_writer='.*notes.txt' is a file; pass"):
            make_writer(path)
        with pytest.raises(ArgumentError, match=r"'notes.txt' is a file; pass a directory"):
            make_writer(path / "run")

    def test_the_trial_uses_two_images_only(self, tmp_path):
        seen = []
        model = Net()
        model.stem.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
        make_writer(tmp_path, model)
        assert seen == [2]

    def test_a_probe_can_be_built_before(self, tmp_path):
        probe = build_probe(TensorDataset(*data()), config=CONFIG, classes=CLASSES)
        assert make_writer(tmp_path, probe=probe).probe is probe


def make_raiser(error):
    def fail(*_args, **_kwargs):
        raise error

    return fail


def break_forward(atlas, patch, tmp_path):
    patch.setattr(atlas.model, "forward", make_raiser(RuntimeError("CUDA out of memory")))


def break_disk(atlas, patch, tmp_path):
    patch.setattr(EventSink, "write", make_raiser(OSError(28, "No space left on device")))


class TestFaults:
    def test_strict_rejects_a_step_that_does_not_increase(self, tmp_path):
        atlas = make_writer(tmp_path, strict=True)
        atlas.add_atlas(2)
        with pytest.raises(ArgumentError, match="global_step=2 is not larger than 2"):
            atlas.add_atlas(2)

    def test_logging_continues_after_a_fault(self, tmp_path):
        atlas = make_writer(tmp_path)
        with pytest.MonkeyPatch.context() as patch:
            break_disk(atlas, patch, tmp_path)
            with pytest.warns(RuntimeWarning, match="No space"):
                atlas.add_atlas(1)
        atlas.add_atlas(2)
        atlas.close()
        assert [a.step for a in read_atlases(tmp_path)] == [2]
        assert len(read_probe(tmp_path, "atlas").image_ids) == 24

    def test_failures_after_the_first_go_to_the_log(self, tmp_path, monkeypatch, caplog):
        atlas = make_writer(tmp_path)
        break_forward(atlas, monkeypatch, tmp_path)
        with caplog.at_level(logging.INFO):
            with pytest.warns(RuntimeWarning, match="out of memory"):
                atlas.add_atlas(1)
            assert not caplog.records
            atlas.add_atlas(2)
            atlas.add_atlas("3")
        again, other = caplog.records
        assert "CUDA out of memory" in again.message
        assert again.levelname == "INFO"
        assert "global_step='3'" in other.message  # an error of another kind
        assert other.levelname == "WARNING"


def train(log_dir, *, has_writer, icons="none"):
    """Trains ten steps; returns losses, final weights as bytes, and random numbers."""
    torch.manual_seed(11)
    model = Net()
    images, labels = data()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    logs = SummaryWriter(log_dir)
    config = AtlasConfig(**{**CONFIG.as_dict(), "icons": icons, "icon_steps": 2})
    atlas = make_writer(logs, model, ["stem", "body"], config=config) if has_writer else None
    losses = []
    for step in range(10):
        batch = torch.randint(len(images), (8,))
        loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        if atlas is not None and step % 3 == 0:
            atlas.add_atlas(step)  # between backward and step, where a gradient could change
        optimizer.step()
        losses.append(loss.item())
        logs.add_scalar("loss", loss.item(), step)
    logs.close()
    if atlas is not None:
        atlas.close()
    weights = b"".join(value.numpy().tobytes() for value in model.state_dict().values())
    return losses, weights, torch.rand(3).tolist(), np.random.rand(3).tolist()


@pytest.mark.parametrize("icons", ["none", "inversion"])
def test_training_is_bitwise_identical(tmp_path, icons):
    np.random.seed(0)
    alone = train(tmp_path / "alone", has_writer=False)
    np.random.seed(0)
    has_writer = train(tmp_path / "with_writer", has_writer=True, icons=icons)
    assert has_writer == alone
    assert [a.step for a in read_atlases(tmp_path, layer="stem")] == [0, 3, 6, 9]


def test_scalars_of_the_same_run_stay_complete(tmp_path):
    losses, *_ = train(tmp_path / "run", has_writer=True)
    scalars = EventAccumulator(str(tmp_path / "run")).Reload().Scalars("loss")
    assert [event.step for event in scalars] == list(range(10))
    assert [event.value for event in scalars] == pytest.approx(losses)


def test_other_ranks_write_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(AtlasPipeline, "atlases", make_raiser(AssertionError("computed")))
    with make_writer(tmp_path / "run", strict=True, probe=None) as atlas:
        atlas.add_atlas(1)
        atlas.flush()
    assert atlas.layers == ()
    assert files_in(tmp_path) == []

    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    assert make_writer(tmp_path / "run").layers == ("body",)


class Encoder(nn.Module):
    """An encoder with a projection head, as SimCLR trains: no logits."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.projection = nn.Linear(8, 128)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.projection(self.body(images).mean((2, 3)))


class TestEmbeddings:
    @pytest.mark.parametrize("classes", [None, [f"class {index}" for index in range(10)]])
    def test_an_encoder_has_an_atlas_without_predictions(self, tmp_path, classes, caplog):
        images = torch.rand(30, 3, 16, 16)
        probe = (images, torch.arange(30) % 10)
        with caplog.at_level(logging.WARNING):
            writer = AtlasWriter(
                tmp_path,
                Encoder(),
                ["body"],
                probe=probe,
                classes=classes,
                normalize=(0, 1),
                config=AtlasConfig(**{**CONFIG.as_dict(), "attribution": True}),
                worker="inline",
                strict=True,
            )
        assert "taken for an embedding" in caplog.text
        with writer:
            writer.add_atlas(0)
        (atlas,) = read_atlases(tmp_path)
        assert atlas.predictions is None
        assert atlas.labels is not None
        assert all(grid.attribution is None for grid in atlas.grids)
        assert any("taken for an embedding" in note for note in atlas.provenance.notes)

    def test_output_false_gives_no_warning(self, tmp_path, caplog):
        caplog.set_level(logging.WARNING)
        probe = (torch.rand(30, 3, 16, 16), torch.arange(30) % 10)
        with AtlasWriter(
            tmp_path,
            Encoder(),
            ["body"],
            probe=probe,
            normalize=(0, 1),
            config=AtlasConfig(**{**CONFIG.as_dict(), "attribution": True}),
            worker="inline",
            output=False,
            strict=True,
        ) as writer:
            writer.add_atlas(0)
        (atlas,) = read_atlases(tmp_path)
        assert atlas.predictions is None
        assert "predictions" not in caplog.text


class TestUsedDirectory:
    def log(self, tmp_path, steps, **options):
        with make_writer(tmp_path, strict=True, worker="inline", **options) as writer:
            for step in steps:
                writer.add_atlas(step)

    def steps(self, tmp_path):
        return [atlas.step for atlas in read_atlases(tmp_path)]

    def test_a_new_log_needs_no_message(self, tmp_path, caplog):
        caplog.set_level(logging.WARNING)
        self.log(tmp_path, [0])
        assert "already has atlases" not in caplog.text

    def test_what_to_do_is_said_at_construction(self, tmp_path, caplog):
        self.log(tmp_path, [0, 1200])
        caplog.set_level(logging.WARNING)
        writer = make_writer(tmp_path, worker="inline")
        assert (
            "the log already has atlases up to step 1,200. Later steps continue it, and others are "
            "not logged. To start over, pass restart=True or another directory"
        ) in caplog.text
        writer.close()

    def test_restart_starts_over(self, tmp_path, caplog):
        self.log(tmp_path, [0, 5])
        caplog.set_level(logging.WARNING)
        self.log(tmp_path, [0, 2], restart=True)
        assert self.steps(tmp_path) == [0, 2]
        assert "already has atlases" not in caplog.text
        first, _ = read_atlases(tmp_path)
        assert first.sequence == 1

    def test_restart_of_a_new_log_changes_nothing(self, tmp_path):
        self.log(tmp_path, [3], restart=True)
        assert self.steps(tmp_path) == [3]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"restart": 1}, "restart=1: pass True or False"),
            ({"restart": True, "purge_step": 3}, "purge_step=3, or omit purge_step"),
        ],
    )
    def test_wrong_arguments(self, tmp_path, options, message):
        with pytest.raises(ArgumentError, match=message):
            make_writer(tmp_path, **options)


def test_a_loader_of_images_with_several_labels_is_logged_with_all_of_them(tmp_path):
    images, classes = data()
    targets = torch.eye(len(CLASSES))[classes]
    targets[::2, 3] = 1
    loader = DataLoader(TensorDataset(images, targets), batch_size=8)
    with make_writer(tmp_path, probe=loader, classes=CLASSES) as writer:
        writer.add_atlas(0)
        writer.add_atlas(1)
    first, second = read_atlases(tmp_path)
    assert first.labels is None
    np.testing.assert_array_equal(first.all_labels, second.all_labels)
    for image, found in zip(first.image_ids, first.all_labels, strict=True):
        assert set(found[found >= 0]) == set(targets[image].nonzero().ravel().tolist())
    # Half of the images are "west" and another direction.
    assert max(one.top_share for one in second.concepts) <= 1
    cells = cell_labels(second, second.grids[0])
    assert sum(cell.support for cell in cells) == sum(second.grids[0].counts)
    assert any("may have several" in note for note in first.provenance.notes)
