# SPDX-License-Identifier: Apache-2.0
"""Models that return more than logits: which tensor is used, and how to choose another."""

from __future__ import annotations

import pickle
import threading
import warnings
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny_training import CLASSES, TINY, Net, make_images

from tensorboard_plugin_atlas import (
    AtlasConfig,
    AtlasWriter,
    compute_atlas,
    find_shortcuts,
    patch_test,
    read_atlases,
    read_shortcuts,
)
from tensorboard_plugin_atlas.compute.model.logits import LogitsChoice, check_output
from tensorboard_plugin_atlas.compute.model.model_interface import (
    ModelInterface,
    explain_missing_logits,
    find_logits,
    get_logits,
    use_interface,
)
from tensorboard_plugin_atlas.errors import ArgumentError

ATTRIBUTED = AtlasConfig(**{**TINY.as_dict(), "attribution": True})
Named = namedtuple("Named", ["features", "scores"])


@dataclass
class Result:
    maps: torch.Tensor
    scores: torch.Tensor


class ModelOutput(OrderedDict):
    """As in transformers: a mapping whose entries are attributes too."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def make_interface(output, classes=None, labels=None):
    return ModelInterface(check_output(output, classes, labels))


class Several(Net):
    """Returns its logits in a container, with other values."""

    def __init__(self, pack):
        super().__init__()
        self.pack = pack

    def forward(self, x):
        maps = self.body(self.stem(x))
        return self.pack(self.head(self.drop(maps).mean((2, 3))), maps)


PACKS = {
    "tuple": (lambda y, maps: (y, 2 * y), "[0] of a tuple"),
    "list": (lambda y, maps: [maps, y], "[1] of a list"),
    "dictionary": (lambda y, maps: {"out": y, "aux": 2 * y}, "['out'] of a dict"),
    "nested": (lambda y, maps: {"heads": {"a": (maps, y)}}, "['heads']['a'][1] of a dict"),
    "named tuple": (lambda y, maps: Named(maps, y), "[1] of a Named"),
    "dataclass": (lambda y, maps: Result(maps, y), ".scores of a Result"),
    "model output": (lambda y, maps: ModelOutput(pred=y), "['pred'] of a ModelOutput"),
    "counts first": (lambda y, maps: (y.argmax(1), y.long(), y), "[2] of a tuple"),
}


@pytest.mark.parametrize("name", PACKS)
def test_the_first_tensor_that_can_be_logits_is_used_with_a_note(name):
    pack, place = PACKS[name]
    torch.manual_seed(0)
    model = Several(pack)
    atlas = compute_atlas(model, "body", make_images(), config=ATTRIBUTED, classes=CLASSES)
    model.pack = lambda y, maps: y
    plain = compute_atlas(model, "body", make_images(), config=ATTRIBUTED, classes=CLASSES)
    np.testing.assert_array_equal(atlas.predictions, plain.predictions)
    found, expected = atlas.grids[0].attribution, plain.grids[0].attribution
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    (note,) = [n for n in atlas.provenance.notes if n.startswith("predictions")]
    assert f"predictions: the logits are output{place}; pass output=" in note
    assert not [n for n in plain.provenance.notes if n.startswith("predictions")]


def test_with_class_names_the_logits_need_as_many_columns():
    model = Several(lambda y, maps: (maps.mean((2, 3)), y))
    named = compute_atlas(model, "body", make_images(), config=ATTRIBUTED, classes=CLASSES)
    assert named.grids[0].attribution.shape[1] == 4
    unnamed = compute_atlas(model, "body", make_images(), config=ATTRIBUTED)
    assert unnamed.grids[0].attribution.shape[1] == 8
    three = compute_atlas(model, "body", make_images(), config=ATTRIBUTED, classes=CLASSES[:3] * 2)
    assert three.predictions is None
    assert any(
        "not (images, 6 classes) logits; pass output=" in note for note in three.provenance.notes
    )


def select_second(output):
    return output[1]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("worker", ["process", "inline"])
@pytest.mark.parametrize("output", [select_second, lambda out: out[1]], ids=["function", "lambda"])
def test_a_writer_uses_the_logits_that_output_returns(tmp_path, worker, output):
    model = Several(lambda y, maps: (y, -y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        writer = AtlasWriter(
            tmp_path,
            model,
            ["body"],
            probe=make_images(),
            config=ATTRIBUTED,
            output=output,
            class_atlases=[1],
            worker=worker,
            strict=True,
        )
        with writer:
            writer.add_atlas(1)
            writer.flush()
            kind = type(writer._recorder).__name__
    assert kind == {"process": "BackgroundRecorder", "inline": "InlineRecorder"}[worker]
    logged = next(a for a in read_atlases(tmp_path) if a.layer == "body")
    expected = compute_atlas(model, "body", make_images(), config=ATTRIBUTED, output=output)
    first = compute_atlas(model, "body", make_images(), config=ATTRIBUTED)
    np.testing.assert_array_equal(logged.predictions, expected.predictions)
    assert (expected.predictions != first.predictions).all()
    np.testing.assert_allclose(
        logged.grids[0].attribution, -first.grids[0].attribution, rtol=2e-2, atol=1e-3
    )
    assert not [n for n in logged.provenance.notes if n.startswith("predictions")]


def test_an_output_that_cannot_be_pickled_is_used_in_the_training_process(tmp_path):
    lock = threading.Lock()

    def choose_under_lock(out):
        with lock:
            return out[1]

    model = Several(lambda y, maps: (y, -y))
    with pytest.warns(RuntimeWarning, match="output cannot be pickled .*computed in the training"):
        writer = AtlasWriter(
            tmp_path,
            model,
            ["body"],
            probe=make_images(),
            config=ATTRIBUTED,
            output=choose_under_lock,
        )
    with writer:
        writer.add_atlas(1)
    (atlas,) = read_atlases(tmp_path)
    assert atlas.predictions is not None


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (3, r"output=3: pass a function .* such as output=lambda out: out\[0\]"),
        (lambda out: out["x"], r"output raises for a tuple, which the model returns \(TypeError"),
        (lambda out: out[0].argmax(1), r"output returns a tensor of shape \(2,\) for 2 images"),
        (lambda out: out[0][:1], r"output returns a tensor of shape \(1, 4\) for 2 images"),
        (lambda out: None, "output returns a NoneType for 2 images; pass a function that returns"),
    ],
    ids=["number", "raises", "classes", "one image", "none"],
)
def test_an_invalid_output_raises_at_construction(tmp_path, output, message):
    model = Several(lambda y, maps: (y, -y))
    with pytest.raises(ArgumentError, match=message):
        AtlasWriter(tmp_path, model, ["body"], probe=make_images(), config=TINY, output=output)


def test_shortcuts_and_patch_tests_use_output_too():
    model = Several(lambda y, maps: {"features": maps.mean((2, 3)), "scores": y})
    wrong = {"output": lambda out: out["features"].sum()}
    right = {"output": lambda out: out["scores"]}
    options = {"config": AtlasConfig(samples=40, epochs=5)}
    with pytest.raises(ArgumentError, match="output returns a tensor of shape"):
        find_shortcuts(model, "body", make_images(40), **options, **wrong)
    assert isinstance(find_shortcuts(model, "body", make_images(40), **options, **right), tuple)
    patch = torch.full((3, 4, 4), 2.0)
    with pytest.raises(ArgumentError, match="output returns a tensor of shape"):
        patch_test(model, patch, make_images(40), 1, **wrong)
    with pytest.raises(ArgumentError, match="target"):
        patch_test(model, patch, make_images(40), 7, **right)


def test_a_choice_ends_with_its_block_and_can_be_pickled():
    logits, aux = torch.zeros(2, 5), torch.ones(2, 5)
    choice = pickle.loads(pickle.dumps(make_interface(lambda out: out[1])))
    with use_interface(choice):
        assert get_logits((logits, aux), 2) is aux
        with use_interface(pickle.loads(pickle.dumps(choice))):
            assert get_logits((logits, aux), 2) is aux
    assert get_logits((logits, aux), 2) is logits
    assert find_logits((logits, aux), 2).note.startswith("the logits are output[0] of a tuple")
    with use_interface(ModelInterface(LogitsChoice(count=3))):
        assert get_logits((logits, aux), 2) is None
        assert get_logits(logits, 2) is logits


@pytest.mark.parametrize(
    ("columns", "count", "labels", "is_found"),
    [
        (10, None, range(10), True),
        (10, None, [0, 1, 2], True),
        (10, None, [3, 255], True),  # 255 is "ignore"
        (1000, None, range(0, 1000, 2), True),
        (128, None, range(10), False),
        (384, None, range(10), False),
        (128, 10, None, False),
        (1000, 1000, None, True),
        (12, 10, None, True),  # an error in the names, which has its own message
        (8, 10, None, False),
        (8, None, range(10), False),
        (3, None, range(50, 53), True),  # labels of other classes
        (384, None, None, True),
        (3, None, [], True),
    ],
)
def test_an_embedding_is_not_taken_for_logits(columns, count, labels, is_found):
    known = None if labels is None else np.array(labels, np.int32)
    names = None if count is None else tuple(map(str, range(count)))
    with use_interface(make_interface(None, names, known)):
        assert (get_logits(torch.zeros(4, columns), 4) is not None) == is_found
        assert (get_logits((torch.zeros(4, columns),), 4) is not None) == (
            is_found and count in (None, columns)
        )


@pytest.mark.parametrize("name", ["pooler_output", "image_embeds", "embedding", "features"])
@pytest.mark.parametrize("pack", [dict, ModelOutput, SimpleNamespace])
def test_an_entry_that_is_named_as_an_embedding_is_not_taken_for_logits(name, pack):
    """Even without names and labels, which would show it."""
    tokens, embedding = torch.zeros(4, 9, 32), torch.zeros(4, 32)
    with use_interface(make_interface(None)):
        assert get_logits(pack(**{"tokens": tokens, name: embedding}), 4) is None
        assert get_logits(pack(**{"maps": embedding[:, :3], name: embedding}), 4).shape == (4, 3)


def test_the_reason_names_what_does_not_fit():
    embedding = torch.zeros(4, 128)
    with use_interface(make_interface(None, None, np.arange(10))):
        text = explain_missing_logits(embedding)
    assert text == (
        "the model returns a tensor of shape (4, 128), which does not fit the labels 0 to 9, so it "
        "is taken for an embedding; pass output=lambda out: out if it holds logits, or "
        "prototypes=... for predictions"
    )
    with use_interface(make_interface(None)):
        assert explain_missing_logits(ModelOutput(pooler_output=embedding)) == (
            "the model returns a ModelOutput with an embedding (pooler_output) and without logits; "
            "pass prototypes=... for predictions"
        )
    with use_interface(make_interface(None, tuple("abc"), None)):
        assert "does not fit the 3 class names" in explain_missing_logits(embedding)


def test_a_function_overrides_what_fits():
    embedding = torch.zeros(4, 128)
    with use_interface(make_interface(lambda out: out, tuple("abc"), None)):
        assert get_logits(embedding, 4) is embedding


def test_false_states_that_there_are_no_logits():
    choice = pickle.loads(pickle.dumps(make_interface(False, None, np.arange(3))))
    with use_interface(choice):
        assert get_logits(torch.zeros(4, 3), 4) is None
        assert explain_missing_logits(torch.zeros(4, 3)).startswith("output=False states")


def test_the_shortcuts_of_a_writer_use_output_too(tmp_path):
    """Without `output`, this model has no logits, and the search would raise."""
    with AtlasWriter(
        tmp_path,
        Several(lambda y, maps: y[:, None]),
        ["body"],
        probe=make_images(40),
        config=AtlasConfig(samples=40, epochs=5, icons="none"),
        output=lambda out: out[:, 0],
        shortcuts=True,
        worker="inline",
        strict=True,
    ) as writer:
        writer.add_atlas(1)
    assert len(list(read_shortcuts(tmp_path))) == 1
