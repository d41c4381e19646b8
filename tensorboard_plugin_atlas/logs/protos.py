# SPDX-License-Identifier: Apache-2.0
"""Creates TensorBoard's protocol buffers for blob sequences, scalars, and restarts.

The protocol buffer classes are imported at first use, since this takes 0.2 s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import PLUGIN_NAME, WIRE_VERSION


def make_blob_summary(tag: str, blobs: Sequence[bytes]) -> Any:
    """Returns the `Summary` of one blob sequence of this plugin.

    Every summary holds data class and plugin name, since a loader keeps the metadata of the first
    event of a tag that it reads, which may be any of them.

    Raises:
        ArgumentError: if `tag` cannot be encoded in UTF-8.
    """
    from tensorboard.compat.proto.summary_pb2 import (
        DATA_CLASS_BLOB_SEQUENCE,
        Summary,
        SummaryMetadata,
    )
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    _check_tag(tag)
    content = str(WIRE_VERSION).encode("ascii")
    metadata = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME, content=content),
        data_class=DATA_CLASS_BLOB_SEQUENCE,
    )
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=len(blobs))])
    tensor = TensorProto(dtype=DT_STRING, tensor_shape=shape, string_val=list(blobs))
    return Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=tensor)])


def make_scalar_summary(values: Mapping[str, float]) -> Any:
    """Returns the `Summary` of scalars, as `SummaryWriter.add_scalar` writes them.

    Raises:
        ArgumentError: if a tag cannot be encoded in UTF-8.
    """
    from tensorboard.compat.proto.summary_pb2 import Summary

    for tag in values:
        _check_tag(tag)
    return Summary(
        value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
    )


def make_event_payload(summary: Any, step: int, wall_time: float) -> bytes:
    """Returns the record payload of `summary` at `step`."""
    from tensorboard.compat.proto.event_pb2 import Event

    return bytes(Event(step=step, wall_time=wall_time, summary=summary).SerializeToString())


def make_restart_payload(step: int, wall_time: float) -> bytes:
    """Returns the payload of a restart at `step`, which makes records of later steps void."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    log = SessionLog(status=SessionLog.START)
    return bytes(Event(step=step, wall_time=wall_time, session_log=log).SerializeToString())


def make_version_payload(wall_time: float) -> bytes:
    """Returns the payload of the first record of every event file."""
    from tensorboard.compat.proto.event_pb2 import Event

    return bytes(Event(wall_time=wall_time, file_version="brain.Event:2").SerializeToString())


def _check_tag(tag: str) -> None:
    try:
        tag.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ArgumentError(f"tag={tag!r}: pass text that can be encoded in UTF-8") from error
