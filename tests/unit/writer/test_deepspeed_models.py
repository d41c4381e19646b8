# SPDX-License-Identifier: Apache-2.0
"""Real ranks with DeepSpeed, ZeRO stages 1 to 3: the same atlases as of the whole model."""

from __future__ import annotations

import pytest
from test_sharded_models import SETUP, check_kind, run_ranks

pytest.importorskip("deepspeed", reason="not installed: pip install '.[sharding]'")
pytestmark = pytest.mark.long

TRAINING = (
    SETUP
    + """
os.environ.update(DS_ACCELERATOR="cpu", LOCAL_RANK=str(rank))
import deepspeed

deepspeed.init_distributed(dist_backend="gloo")

def start(stage, model=None):
    torch.manual_seed(0)
    model = Deep() if model is None else model
    settings = {
        "train_batch_size": 8 * size,
        "optimizer": {"type": "SGD", "params": {"lr": 0.1}},
        "zero_allow_untested_optimizer": True,
        "zero_optimization": {"stage": stage, "stage3_param_persistence_threshold": 20},
    }
    return deepspeed.initialize(
        model=model, model_parameters=list(model.parameters()), config=settings
    )[0]

def train(engine, after_step):
    torch.manual_seed(1)
    losses = []
    for step in range(3):
        images = torch.rand(8, 3, 12, 12)
        engine.module.mlp.gain += 1.0
        loss = functional.cross_entropy(engine(images), torch.arange(8) % len(CLASSES))
        engine.backward(loss)
        engine.step()
        after_step(step)
        losses.append(loss.item())
    return losses

def read_state(module):
    with deepspeed.zero.GatheredParameters(list(module.parameters())):
        return {name: tensor.clone() for name, tensor in module.state_dict().items()}

def run(stage, **more):
    more["config"] = AtlasConfig(
        **{**vars(TINY), "icons": "inversion", "icon_steps": 4, "attribution": True}
    )
    name = f"stage {stage} {more.get('worker', 'inline')}"
    alone, engine, again = start(stage), start(stage), start(stage)
    losses = train(alone, lambda step: None)
    with writer(name, engine, **more) as atlas:
        watched = train(engine, atlas.add_atlas)
        kept, fault = 0, None
        if rank == 0:
            fault = getattr(atlas._recorder, "fault", None)
        if rank == 0 and stage == 3:
            kept = sum(tensor.numel() for tensor in atlas.model.state_dict().values())
    whole = Deep()
    with writer(f"{name}-whole", whole, **more) as atlas:
        def add(step):
            whole.load_state_dict(read_state(again.module))
            whole.mlp.gain = again.module.mlp.gain
            atlas.add_atlas(step)
        train(again, add)
    is_unchanged = describe(engine.module) == describe(alone.module)
    assert fault is None, fault
    return [losses, watched, is_unchanged, kept]

finish({
    "stage 1 process": run(1, worker="process"),
    "stage 2 inline": run(2),
    "stage 3 process": run(3, worker="process"),
    "stage 3 inline": run(3),
})
"""
)


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deepspeed")
    return folder / "runs", run_ranks(folder, TRAINING, 2)


@pytest.mark.parametrize(
    "kind", ["stage 1 process", "stage 2 inline", "stage 3 process", "stage 3 inline"]
)
def test_the_atlases_of_an_engine_are_those_of_the_whole_model(two_ranks, kind):
    check_kind(*two_ranks, kind)
