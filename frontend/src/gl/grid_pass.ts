// SPDX-License-Identifier: Apache-2.0
/**
 * Draws the tiles of one level: one quad per picture page, whose fragments find their own cell.
 *
 * Output is premultiplied and added up, so that scenes whose weights sum to 1 blend exactly.
 */

import type { Level } from '../atlas';
import { toScreen, worldSide } from '../camera';
import { type Frame, iconPlace, iconScales, rimWidth, type WeightedScene } from '../map/scene';
import { createCellTexture, createPictureTexture, createProgram, type Program } from './context';

/** Textures of pages drawn lately; older ones go when their bytes exceed this. */
const TEXTURE_BUDGET_BYTES = 192 << 20;
const MIPMAP_BYTES_PER_PIXEL = 5.4;
const NO_ICON_PAGE = 0xffff;
const UNITS = { cells: 0, colours: 1, sheet: 2 } as const;

const VERTEX = `#version 300 es
uniform vec2 uOrigin;
uniform float uSide;
uniform vec2 uViewport;
out vec2 vWorld;
void main() {
  vWorld = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  vec2 screen = (uOrigin + vWorld * uSide) / uViewport;
  gl_Position = vec4(screen.x * 2.0 - 1.0, 1.0 - screen.y * 2.0, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D uCells;
uniform sampler2D uColours;
uniform sampler2D uSheet;
uniform int uSize;
uniform uint uPage;
uniform bool uHasSheet;
uniform float uCellPixels;
uniform float uTile;
uniform float uColumns;
uniform vec2 uSheetPixels;
uniform vec3 uNeutral;
uniform float uRim;
uniform float uWeight;
in vec2 vWorld;
out vec4 outColour;

vec3 icon(uint place, vec2 within, float side) {
  float lod = clamp(log2(uTile / max(side, 1.0)), 0.0, max(0.0, log2(uTile) - 2.0));
  float inset = 0.5 * exp2(lod) / uTile;
  vec2 corner = vec2(mod(float(place), uColumns), floor(float(place) / uColumns));
  vec2 texel = (corner + clamp(within, inset, 1.0 - inset)) * uTile;
  return textureLod(uSheet, texel / uSheetPixels, lod).rgb;
}

void main() {
  vec2 grid = vWorld * float(uSize);
  ivec2 cell = ivec2(clamp(floor(grid), 0.0, float(uSize - 1)));
  uvec4 data = texelFetch(uCells, cell, 0);
  if (data.g != uPage) discard;
  float scale = float(data.b) / 65535.0;
  float side = scale * uCellPixels;
  vec2 local = grid - vec2(cell) - 0.5;
  float radius = min(4.0, 0.1 * side);
  vec2 edge = abs(local * uCellPixels) - (0.5 * side - radius);
  float distance = length(max(edge, 0.0)) + min(max(edge.x, edge.y), 0.0) - radius;
  float cover = clamp(0.5 - distance, 0.0, 1.0);
  if (cover <= 0.0) discard;
  vec4 rim = texelFetch(uColours, cell, 0);
  vec3 colour;
  if (uHasSheet) {
    colour = icon(data.r, local / scale + 0.5, side);
    colour = mix(colour, rim.rgb, rim.a * clamp(0.5 + distance + uRim, 0.0, 1.0));
  } else {
    colour = mix(uNeutral, rim.rgb, rim.a * 0.8);
  }
  float alpha = cover * uWeight;
  outColour = vec4(colour * alpha, alpha);
}`;

interface LevelTextures {
  readonly cells: WebGLTexture;
  readonly colours: WebGLTexture;
  painted: Uint8Array | null | undefined;
}

interface SheetTexture {
  readonly texture: WebGLTexture;
  readonly bytes: number;
}

export class GridPass {
  readonly #program: Program;
  readonly #levels = new Map<Level, LevelTextures>();
  /** Least recently drawn first. */
  readonly #sheets = new Map<ImageBitmap, SheetTexture>();

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.#program = createProgram(gl, VERTEX, FRAGMENT);
  }

  draw({ scene, weight }: WeightedScene, frame: Frame): void {
    const { gl } = this;
    const { level } = scene;
    const { uniform } = this.#program;
    const textures = this.#texturesOf(level);
    gl.useProgram(this.#program.program);
    gl.blendFunc(gl.ONE, gl.ONE);
    this.#setCamera(level, frame);
    this.#bind(UNITS.cells, textures.cells);
    this.#bind(UNITS.colours, textures.colours);
    this.#paint(level, textures, scene.cellColours);
    gl.uniform1i(uniform('uCells'), UNITS.cells);
    gl.uniform1i(uniform('uColours'), UNITS.colours);
    gl.uniform1i(uniform('uSheet'), UNITS.sheet);
    gl.uniform1f(uniform('uWeight'), weight);
    gl.uniform1f(uniform('uTile'), level.entry.tile ?? 1);
    gl.uniform1f(uniform('uColumns'), level.entry.columns ?? 1);
    gl.uniform3f(uniform('uNeutral'), ...unit(frame.neutral));
    scene.pages.forEach((picture, page) => {
      this.#drawPage(page, picture);
    });
    this.#drawPage(NO_ICON_PAGE, null);
  }

  /** Frees what no scene of the frame needs and the pages beyond the budget. */
  prune(scenes: readonly WeightedScene[]): void {
    const live = new Set(scenes.map(({ scene }) => scene.level));
    for (const [level, { cells, colours }] of this.#levels) {
      if (live.has(level)) continue;
      this.gl.deleteTexture(cells);
      this.gl.deleteTexture(colours);
      this.#levels.delete(level);
    }
    let total = [...this.#sheets.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    const drawn = new Set(scenes.flatMap(({ scene }) => scene.pages));
    for (const [picture, { texture, bytes }] of this.#sheets) {
      if (total <= TEXTURE_BUDGET_BYTES) return;
      if (drawn.has(picture)) continue;
      this.gl.deleteTexture(texture);
      this.#sheets.delete(picture);
      total -= bytes;
    }
  }

  #setCamera(level: Level, { camera, viewport, ratio }: Frame): void {
    const { gl } = this;
    const { uniform } = this.#program;
    const origin = toScreen(camera, viewport, { x: 0, y: 0 });
    const side = worldSide(camera, viewport);
    gl.uniform2f(uniform('uOrigin'), origin.x * ratio, origin.y * ratio);
    gl.uniform1f(uniform('uSide'), side * ratio);
    gl.uniform2f(uniform('uViewport'), gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.uniform1i(uniform('uSize'), level.size);
    gl.uniform1f(uniform('uCellPixels'), (side / level.size) * ratio);
    gl.uniform1f(uniform('uRim'), rimWidth(side / level.size) * ratio);
  }

  #drawPage(page: number, picture: ImageBitmap | null): void {
    const { gl } = this;
    const { uniform } = this.#program;
    if (picture !== null) {
      this.#bind(UNITS.sheet, this.#sheetOf(picture));
      gl.uniform2f(uniform('uSheetPixels'), picture.width, picture.height);
    }
    gl.uniform1ui(uniform('uPage'), page === NO_ICON_PAGE ? NO_ICON_PAGE : page + 1);
    gl.uniform1i(uniform('uHasSheet'), picture === null ? 0 : 1);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  #bind(unit: number, texture: WebGLTexture): void {
    this.gl.activeTexture(this.gl.TEXTURE0 + unit);
    this.gl.bindTexture(this.gl.TEXTURE_2D, texture);
  }

  #sheetOf(picture: ImageBitmap): WebGLTexture {
    let sheet = this.#sheets.get(picture);
    if (sheet === undefined) {
      this.gl.activeTexture(this.gl.TEXTURE0 + UNITS.sheet);
      const bytes = picture.width * picture.height * MIPMAP_BYTES_PER_PIXEL;
      sheet = { texture: createPictureTexture(this.gl, picture), bytes };
    }
    this.#sheets.delete(picture);
    this.#sheets.set(picture, sheet);
    return sheet.texture;
  }

  #texturesOf(level: Level): LevelTextures {
    let textures = this.#levels.get(level);
    if (textures === undefined) {
      const { gl } = this;
      const cells = createCellTexture(gl);
      const { size } = level;
      gl.texImage2D(
        gl.TEXTURE_2D,
        0,
        gl.RGBA16UI,
        size,
        size,
        0,
        gl.RGBA_INTEGER,
        gl.UNSIGNED_SHORT,
        cellData(level),
      );
      textures = { cells, colours: createCellTexture(gl), painted: undefined };
      this.#levels.set(level, textures);
    }
    return textures;
  }

  /** Uploads four bytes a cell, and only when the colouring has changed. Its texture must be bound. */
  #paint(level: Level, textures: LevelTextures, colours: Uint8Array | null): void {
    if (textures.painted === colours) return;
    textures.painted = colours;
    const { gl } = this;
    const { size } = level;
    const rgba = new Uint8Array(4 * size * size);
    if (colours !== null) {
      level.lookup.forEach((cell, place) => {
        if (cell >= 0) rgba.set(colours.subarray(4 * cell, 4 * cell + 4), 4 * place);
      });
    }
    gl.activeTexture(gl.TEXTURE0 + UNITS.colours);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, size, size, 0, gl.RGBA, gl.UNSIGNED_BYTE, rgba);
  }
}

/** For every square of the grid: place on its page, page + 1 (0: nothing drawn), side, unused. */
function cellData(level: Level): Uint16Array {
  const scales = iconScales(level);
  const data = new Uint16Array(4 * level.size * level.size);
  const perPage = (level.entry.columns ?? 1) ** 2;
  level.lookup.forEach((cell, square) => {
    if (cell < 0) return;
    const place = iconPlace(level, cell);
    data[4 * square] = cell % perPage;
    data[4 * square + 1] = place === null ? NO_ICON_PAGE : place.page + 1;
    data[4 * square + 2] = Math.round((scales[cell] as number) * 0xffff);
  });
  return data;
}

function unit(rgb: readonly [number, number, number]): [number, number, number] {
  return [rgb[0] / 255, rgb[1] / 255, rgb[2] / 255];
}
