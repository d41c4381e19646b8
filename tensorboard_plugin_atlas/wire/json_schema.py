# SPDX-License-Identifier: Apache-2.0
"""Writes the wire format as JSON Schema, with all limits and arrays.

    python -m tensorboard_plugin_atlas.wire.json_schema

writes `schema.json` beside this module. The front end generates TypeScript types, validators and
limits from that file (`npm run --prefix frontend generate`).
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from tensorboard_plugin_atlas.atlas import ICON_KIND_CODES
from tensorboard_plugin_atlas.log_names import WIRE_VERSION
from tensorboard_plugin_atlas.wire import manifest_types, response_types
from tensorboard_plugin_atlas.wire.array_types import (
    ACTIVATION_ARRAYS,
    ATTRIBUTION_ARRAYS,
    COMPACT_ARRAYS,
    COMPACT_GRID_ARRAYS,
    GRID_ARRAYS,
    MAP_ARRAYS,
    POINT_ARRAYS,
    PROBE_ARRAYS,
    SELECTED_ACTIVATION_ARRAYS,
    ArrayType,
)
from tensorboard_plugin_atlas.wire.limits import all_limits
from tensorboard_plugin_atlas.wire.tensors import TensorEntry

SCHEMA_FILE: Final = Path(__file__).with_name("schema.json")

_ATTRIBUTE: Final = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema (2020-12) of the wire format.

    Keys with `x-` are for constraints that JSON Schema cannot express. `$defs` holds every type.
    `x-limits` maps the name of a limit to its value. `x-arrays` lists the
    arrays of each safetensors blob. `x-icon-kinds` lists the kinds of icons by code.
    """
    types: list[type] = [*manifest_types.MANIFESTS.values(), *response_types.RESPONSES]
    types += [manifest_types.ClassAtlasEntry, TensorEntry]
    _, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",  # word-check: ok
        "$comment": "Written by python -m tensorboard_plugin_atlas.wire.json_schema. Do not edit.",
        "title": "Wire format of tensorboard_plugin_atlas",
        "$defs": {name: _describe(name, components[name]) for name in sorted(components)},
        "x-wire-version": WIRE_VERSION,
        "x-limits": all_limits(),
        "x-arrays": {
            "map": _arrays(MAP_ARRAYS),
            "grid": _arrays(GRID_ARRAYS),
            "attribution": _arrays(ATTRIBUTION_ARRAYS),
            "activations": {kind: _arrays(types) for kind, types in ACTIVATION_ARRAYS.items()},
            "probe": _arrays(PROBE_ARRAYS),
            "points": _arrays(POINT_ARRAYS),
            "compact_map": _arrays(COMPACT_ARRAYS),
            "compact_grid": _arrays(COMPACT_GRID_ARRAYS),
            "selected_activations": _arrays(SELECTED_ACTIVATION_ARRAYS),
        },
        "x-icon-kinds": list(ICON_KIND_CODES),
    }


def schema_text() -> str:
    """Returns the contents of `schema.json`."""
    return json.dumps(json_schema(), indent=1) + "\n"


def _arrays(types: Mapping[str, ArrayType]) -> dict[str, Any]:
    return {name: dataclasses.asdict(one) for name, one in types.items()}


def _describe(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Returns a schema with descriptions from the docstring of the type."""
    text = inspect.cleandoc(schema["description"])
    first, _, attributes = text.partition("\n\nAttributes:\n")
    described = {found[1]: " ".join(found[2].split()) for found in _ATTRIBUTE.finditer(attributes)}
    properties = {
        key: {"description": described[key], **value} for key, value in schema["properties"].items()
    }
    return schema | {"title": name, "description": first, "properties": properties}


def main() -> None:
    """Writes `schema.json`."""
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    print(f"{SCHEMA_FILE.name}: {len(json_schema()['$defs'])} types, {len(all_limits())} limits")


if __name__ == "__main__":
    main()
