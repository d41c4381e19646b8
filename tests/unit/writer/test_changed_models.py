# SPDX-License-Identifier: Apache-2.0
"""An atlas shows the model at its step, including changes outside of the parameters."""

from __future__ import annotations

import enum
import types
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
import torch
from tiny_training import TINY, Net, make_images, start_script
from torch import nn

from tensorboard_plugin_atlas import AtlasWriter, compute_atlas, read_atlases
from tensorboard_plugin_atlas.writer.background_recorder import BackgroundRecorder


class Mode(enum.Enum):
    ON = 1.0
    OFF = 1.25


class Slotted:
    __slots__ = ("scale",)

    def __init__(self):
        self.scale = 1.0


class OwnState:
    """Defines its own pickling."""

    def __init__(self):
        self.scale = 1.0

    def __getstate__(self):
        return {"kept": {"scale": self.scale}}

    def __setstate__(self, state):
        self.scale = state["kept"]["scale"]


@dataclass
class Inner:
    scale: float = 1.0


@dataclass
class Outer:
    inner: Inner = field(default_factory=Inner)
    table: torch.Tensor = field(default_factory=lambda: torch.ones(2))


class Meter:
    def __init__(self):
        self.scale = 1.0

    def read(self, x):
        return x * self.scale


def times(x, scale):
    return x * scale


def closure_over(scale):
    def apply(x):
        return x * scale

    def change(value):
        nonlocal scale
        scale = value

    return apply, change


class Wide(nn.Module):
    def forward(self, x):
        return x * 1.5


class Ingredients(Net):
    """Scales its input by values from every kind of state."""

    def __init__(self):
        super().__init__()
        self.plain = 1.0
        self.mode = Mode.ON
        self.cfg = types.SimpleNamespace(scale=1.0)
        self.outer = Outer()
        self.slotted, self.own_state = Slotted(), OwnState()
        self.listed, self.nested = [1.0, [1.0]], {"a": {"scale": 1.0}}
        self.options, self.ordered = set(), OrderedDict(scale=1.0)
        self.default, self.queue = defaultdict(lambda: 1.0), deque([1.0])
        self.array, self.frozen = np.ones(3), (1.0, [1.0])
        self.closure, self.set_closure = closure_over(1.0)
        self.partial = partial(times, scale=1.0)
        self.deep_partial = partial(times, scale=Inner())
        self.meter = Meter()
        self.bound = self.meter.read
        self.tensors, self.large = [torch.ones(1)], {"t": torch.ones(1, 3, 200, 200)}
        self.shared = [torch.from_numpy(np.ones(1))]
        self.parts = [nn.Identity(), nn.Conv2d(3, 3, 1)]
        self.random = np.random.RandomState(0)
        with torch.no_grad():
            self.parts[1].weight.copy_(torch.eye(3)[:, :, None, None])
            self.parts[1].bias.zero_()
        self.hooked = [1.0]
        scales = self.hooked
        self.stem.register_forward_hook(lambda _module, _inputs, output: output * scales[0])

    def scale(self, x):
        x = x * self.plain * self.mode.value * self.cfg.scale * self.outer.inner.scale
        x = x * self.slotted.scale * self.own_state.scale * self.outer.table[0]
        x = x * self.listed[0] * self.listed[1][0] * self.nested["a"]["scale"] * self.frozen[1][0]
        x = x * (1.25 if "on" in self.options else 1) * self.ordered["scale"]
        x = x * self.default["a"] * self.queue[0] * float(self.array[0])
        x = self.bound(self.partial(self.closure(x)))
        x = x * self.deep_partial.keywords["scale"].scale
        x = x * self.tensors[0] * self.large["t"][:, :, :12, :12] * self.shared[0].float()
        x = x + self.random.get_state()[1][1] / 2**32
        return self.parts[1](self.parts[0](x))

    def forward(self, x):
        return super().forward(self.scale(x))


def setting(path, value):
    *parents, name = path.split(".")

    def change(model):
        for parent in parents:
            model = getattr(model, parent)
        setattr(model, name, value)

    return change


def in_place(look):
    def change(model):
        with torch.no_grad():
            look(model).mul_(1.25)

    return change


def behind_data(model):
    model.tensors[0].data.mul_(1.125)  # does not increment the version counter


def half(model, x):
    return Ingredients.forward(model, x * 0.5)


CHANGES = {
    "plain attribute": setting("plain", 1.25),
    "enum": setting("mode", Mode.OFF),
    "attribute of an object": setting("cfg.scale", 1.25),
    "new attribute object": setting("cfg", types.SimpleNamespace(scale=1.5)),
    "nested dataclass": setting("outer.inner.scale", 1.25),
    "slot": setting("slotted.scale", 1.25),
    "object that pickles itself": setting("own_state.scale", 1.25),
    "list entry": lambda m: m.listed.__setitem__(0, 1.25),
    "entry of a list in a list": lambda m: m.listed[1].__setitem__(0, 1.25),
    "entry of a list in a tuple": lambda m: m.frozen[1].__setitem__(0, 1.25),
    "dictionary entry": lambda m: m.nested["a"].__setitem__("scale", 1.25),
    "ordered dictionary": lambda m: m.ordered.__setitem__("scale", 1.25),
    "default dictionary": lambda m: m.default.__setitem__("a", 1.25),
    "deque": lambda m: m.queue.__setitem__(0, 1.25),
    "set": lambda m: m.options.add("on"),
    "array in place": lambda m: m.array.__imul__(1.25),
    "random state": lambda m: m.random.seed(9),
    "closure cell": lambda m: m.set_closure(1.25),
    "new partial": lambda m: setattr(m, "partial", partial(times, scale=1.25)),
    "keyword of a partial": lambda m: m.partial.keywords.__setitem__("scale", 1.5),
    "object in a partial": lambda m: setattr(m.deep_partial.keywords["scale"], "scale", 1.25),
    "object of a bound method": setting("meter.scale", 1.25),
    "list that a hook captured": lambda m: m.hooked.__setitem__(0, 1.25),
    "hook added": lambda m: m.body.register_forward_pre_hook(lambda _m, i: (i[0] * 1.25,)),
    "tensor in a list, in place": in_place(lambda m: m.tensors[0]),
    "tensor in a list, replaced": lambda m: m.tensors.__setitem__(0, torch.full((1,), 0.75)),
    "tensor through data": behind_data,
    "tensor in a dataclass": in_place(lambda m: m.outer.table),
    "large tensor in a dictionary": in_place(lambda m: m.large["t"]),
    "tensor through numpy": lambda m: m.shared[0].numpy().__imul__(1.25),
    "module in a list, replaced": lambda m: m.parts.__setitem__(0, Wide()),
    "parameter of a module in a list": in_place(lambda m: m.parts[1].weight),
    "method replaced on the instance": lambda m: setattr(
        m, "scale", types.MethodType(lambda self, x: Ingredients.scale(self, x) * 1.25, m)
    ),
    "class of the module": lambda m: setattr(
        m, "__class__", type("Local", (Ingredients,), {"forward": half})
    ),
}


class Run:
    """A writer with one worker, shared by all tests here: their changes are independent."""

    def __init__(self, folder):
        torch.manual_seed(0)
        self.folder, self.step, self.model = folder, 0, Ingredients()
        self.writer = AtlasWriter(folder, self.model, ["body"], probe=make_images(), config=TINY)

    def read_logged(self):
        """Logs another atlas; returns its activations."""
        self.step += 1
        self.writer.add_atlas(self.step)
        self.writer.flush()
        (last,) = [a for a in read_atlases(self.folder) if a.step == self.step]
        return last.activations.astype(np.float32)

    def present(self):
        """Returns the activations of the current model."""
        atlas = compute_atlas(self.model, "body", make_images(), config=TINY)
        return atlas.activations.astype(np.float32)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("changes"))
    yield run
    run.writer.close()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", CHANGES)
def test_the_next_atlas_is_of_the_changed_model(run, name):
    before = run.read_logged()
    CHANGES[name](run.model)
    after = run.read_logged()
    np.testing.assert_allclose(after, run.present(), rtol=2e-3, atol=1e-4)
    assert not np.allclose(after, before, rtol=1e-2)
    assert isinstance(run.writer._recorder, BackgroundRecorder)


SCRIPT = """
    import sys
    import numpy as np
    import torch
    from tiny_training import TINY, Net, make_images
    from tensorboard_plugin_atlas import AtlasWriter, compute_atlas, read_atlases

    SCALE, TABLE = 1.0, {"scale": 1.0}

    class Script(Net):
        factor = 1.0

        def scaled(self, x):
            return x * self.factor * SCALE * TABLE["scale"]

        def forward(self, x):
            return super().forward(self.scaled(x))

    torch.manual_seed(0)
    model = Script()
    with AtlasWriter(sys.argv[1], model, ["body"], probe=make_images(), config=TINY) as writer:
        for step in range(5):
            if step == 1:
                Script.factor = 1.25
            if step == 2:
                SCALE = 1.25
            if step == 3:
                TABLE["scale"] = 1.25
            if step == 4:
                Script.scaled = lambda self, x: x * 0.5
            writer.add_atlas(step)
            writer.flush()
            logged = [a for a in read_atlases(sys.argv[1])][-1].activations.astype("f4")
            now = compute_atlas(model, "body", make_images(), config=TINY).activations.astype("f4")
            print(step, np.allclose(logged, now, rtol=2e-3, atol=1e-4), abs(logged).sum())
    print(type(writer._recorder).__name__)
"""


def test_classes_and_globals_of_the_script_are_sent_as_they_are(tmp_path):
    script = start_script(tmp_path / "train.py", SCRIPT, tmp_path / "run")
    output, errors = script.communicate(timeout=120)
    *lines, recorder = output.split("\n")[:-1]
    assert [line.split()[:2] for line in lines] == [[str(i), "True"] for i in range(5)], errors
    assert len({line.split()[2] for line in lines}) == 5
    assert recorder == "BackgroundRecorder"


def test_a_class_from_a_file_that_changes_is_recorded_in_the_loop(tmp_path, monkeypatch):
    model = Meterless()
    with AtlasWriter(tmp_path, model, ["body"], probe=make_images(), config=TINY) as writer:
        writer.add_atlas(0)
        writer.flush()
        monkeypatch.setattr(Meterless, "factor", 2.0)
        with pytest.warns(RuntimeWarning, match=r"Meterless\.factor was changed .*on the model"):
            writer.add_atlas(1)
    last = list(read_atlases(tmp_path))[-1]
    now = compute_atlas(model, "body", make_images(), config=TINY)
    np.testing.assert_array_equal(last.activations, now.activations)


class Meterless(Net):
    factor = 1.0

    def forward(self, x):
        return super().forward(x * self.factor)
