// SPDX-License-Identifier: Apache-2.0
// Written by scripts/generate.mjs from tensorboard_plugin_atlas/wire/schema.json. Do not edit.
/** Limits of the wire format. */

export const WIRE_VERSION = 4;
/** Kinds of icons by code. */
export const ICON_KINDS = ['none', 'examples', 'preview', 'inversion', 'poster'] as const;
export const MAX_MANIFEST_BYTES = 4194304;
export const MAX_MANIFEST_VALUES = 200000;
export const MAX_SEQUENCE_BYTES = 67108864;
export const MAX_BLOBS = 256;
export const MAX_ARRAY_HEADER_BYTES = 65536;
export const MAX_ARRAYS = 1024;
export const MAX_DIMENSIONS = 2;
export const MAX_SHEET_SIDE = 2048;
export const MAX_SHEET_PAGES = 128;
export const MAX_IMAGE_SIDE = 65536;
export const MAX_TEXT = 1048576;
export const MAX_SENTENCE = 2000;
export const MAX_NAMES = 1000000;
export const MAX_CLASSES = 1000000;
export const MAX_ID = 2147483647;
export const MAX_SEQUENCE_NUMBER = 2 ** 53;
export const MIN_STEP = -(2 ** 63);
export const MAX_STEP = 2 ** 63;
export const MAX_SAMPLES = 1000000;
export const MAX_CHANNELS = 1000000;
export const MAX_ACTIVATIONS = 134217728;
export const MAX_LABELS = 16777216;
export const MAX_GRIDS = 16;
export const MAX_GRID_SIZE = 320;
export const MAX_SKIPPED = 1000;
export const MAX_CONCEPTS = 1000;
export const MAX_EVENTS = 200;
export const MAX_TILE_LEVEL = 7;
export const MAX_TILE_POINTS = 2650;
export const MAX_SHORTCUTS = 40;
export const MAX_SHORTCUT_TESTS = 1000;
export const MAX_SHORTCUT_SAMPLES = 64;
export const MAX_SHORTCUT_EXAMPLES = 12;
export const MAX_STRENGTH = 100;
export const MAX_STEPS = 1000000;
export const MAX_HISTORY_EVENTS = 500;
export const MAX_HISTORY_TEXT = 400;
export const MAX_HISTORY_IDS = 200;
export const MAX_HISTORY_CONCEPTS = 100;
export const MAX_HISTORY_NAMES = 5000;
export const MAX_HISTORY_NAME = 80;
