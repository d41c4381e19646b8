// SPDX-License-Identifier: Apache-2.0
/** The shader code of one tile: icon, rounded corners, and colored border. Shared by both icon passes. */

import { type ProgramInfo, setUniforms } from 'twgl.js';
import { worldSide } from '../../domain/camera';
import type { IconPage } from '../../domain/icon_sprites';
import type { Level } from '../../wire/atlas';
import { type Frame, rimWidth } from '../scene';
import type { IconTextures } from './icon_textures';
import { toUnit } from './program';

/** The sampled mip level, which may be half a level coarser than requested. */
const HALF_TEXEL = Math.SQRT1_2.toFixed(4);

/**
 * Gives `tile`: premultiplied color at `local`, from -0.5 to 0.5 over a tile of `side` device pixels
 * whose icon is number `place` of the page. `shrink` is by how much its icon is larger than that, and
 * `lod` its logarithm: for a whole tile they are the same, and too dear to find out for each pixel.
 */
export const TILE_GLSL = `
uniform sampler2D uSheet;
uniform bool uHasSheet;
uniform float uTile;
uniform float uColumns;
uniform vec2 uSheetPixels;
uniform vec3 uNeutral;
uniform float uHatch;
uniform float uRim;
uniform float uWeight;

vec3 icon(float place, vec2 within, float shrink, float lod) {
  float inset = ${HALF_TEXEL} * clamp(shrink, 1.0, max(1.0, 0.25 * uTile)) / uTile;
  vec2 corner = vec2(mod(place, uColumns), floor(place / uColumns));
  vec2 texel = (corner + clamp(within, inset, 1.0 - inset)) * uTile;
  return textureLod(uSheet, texel / uSheetPixels, lod).rgb;
}

vec4 tile(float place, vec2 local, float side, float shrink, float lod, vec4 rim) {
  float radius = min(4.0, 0.1 * side);
  vec2 edge = abs(local * side) - (0.5 * side - radius);
  float distance = length(max(edge, 0.0)) + min(max(edge.x, edge.y), 0.0) - radius;
  float cover = clamp(0.5 - distance, 0.0, 1.0);
  vec3 color;
  if (uHasSheet) {
    color = icon(place, local + 0.5, shrink, lod);
    color = mix(color, rim.rgb, rim.a * clamp(0.5 + distance + uRim, 0.0, 1.0));
  } else {
    float away = abs(fract(dot(local, vec2(side / 8.0))) - 0.5);
    float stripe = uHatch * clamp(8.0 * away - 2.5, 0.0, 1.0);
    color = mix(uNeutral * (1.0 - stripe), rim.rgb, rim.a * 0.8);
  }
  float alpha = cover * uWeight;
  return vec4(color * alpha, alpha);
}
`;

/** Sets what all tiles of a level share. */
export function setTiles(
  program: ProgramInfo,
  level: Level,
  { camera, viewport, ratio, neutral }: Frame,
  weight: number,
): void {
  const { size, entry } = level;
  setUniforms(program, {
    uWeight: weight,
    uTile: entry.tile ?? 1,
    uColumns: entry.columns ?? 1,
    uNeutral: toUnit(neutral),
    uRim: rimWidth(worldSide(camera, viewport) / size) * ratio,
  });
}

/** Sets the page whose tiles are drawn next; null for tiles without an icon, undefined if it is not here. */
export function setTexture(
  program: ProgramInfo,
  textures: IconTextures,
  { entry }: Level,
  picture: IconPage,
): void {
  const { width = 1, height = 1 } = picture ?? {};
  setUniforms(program, {
    uSheet: textures.textureOf(picture ?? null),
    uSheetPixels: [width, height],
    uHasSheet: picture ? 1 : 0,
    // Where no cell has an icon, none is missing.
    uHatch: picture === null && entry.tile !== null ? 0.3 : 0,
  });
}
