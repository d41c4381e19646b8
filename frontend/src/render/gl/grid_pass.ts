// SPDX-License-Identifier: Apache-2.0
/**
 * Draws the tiles of one level: one quad per picture page; the fragment shader finds the cell of a pixel.
 *
 * Each scene is blended over the previous ones with opacity weight / (sum of weights so far), so that scenes
 * with weights that sum to 1 blend exactly.
 */

import { type ProgramInfo, setUniforms } from 'twgl.js';
import { worldSide } from '../../domain/camera';
import { type CellBox, iconPlace, NO_PAGE, pageBoxes } from '../../domain/icon_sprites';
import type { Level } from '../../wire/atlas';
import { type Frame, iconScales, type Scene, type WeightedScene } from '../scene';
import type { IconTextures } from './icon_textures';
import { createProgram, startPass, toUnit } from './program';
import { bindToFill, createCellTexture } from './textures';
import { setTexture, setTiles, TILE_GLSL } from './tile_shader';

const NO_ICON_PAGE = 0xffff;
/** Fixed-point one of the inverse side of a cell; no side is so small that its inverse would overflow. */
const UNIT = 0x8000;

const VERTEX = `#version 300 es
uniform vec2 uOrigin;
uniform float uSide;
uniform vec2 uViewport;
uniform vec4 uBox;
out vec2 vWorld;
void main() {
  vWorld = mix(uBox.xy, uBox.zw, vec2(gl_VertexID & 1, gl_VertexID >> 1));
  vec2 screen = (uOrigin + vWorld * uSide) / uViewport;
  gl_Position = vec4(screen.x * 2.0 - 1.0, 1.0 - screen.y * 2.0, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D uCells;
uniform sampler2D uColors;
uniform int uSize;
uniform uint uPage;
uniform float uCellPixels;
uniform float uShrink;
uniform float uLod;
uniform float uMostLod;
uniform bool uColored;
uniform vec3 uGround;
in vec2 vWorld;
out vec4 outColor;
${TILE_GLSL}
void main() {
  vec2 grid = vWorld * float(uSize);
  ivec2 cell = ivec2(clamp(floor(grid), 0.0, float(uSize - 1)));
  uvec4 data = texelFetch(uCells, cell, 0);
  if (data.g != uPage) discard;
  float widen = float(data.b) / ${UNIT}.0;
  vec2 local = (grid - vec2(cell) - 0.5) * widen;
  float lod = clamp(uLod + float(data.a) / ${UNIT}.0, 0.0, uMostLod);
  vec4 rim = uColored ? texelFetch(uColors, cell, 0) : vec4(0.0);
  vec4 drawn = min(float(uPage), 1.0)
    * tile(float(data.r), local, uCellPixels / widen, uShrink * widen, lod, rim);
  outColor = drawn + vec4(uGround, 1.0) * (uWeight - drawn.a);
}`;

interface LevelTextures {
  readonly cells: WebGLTexture;
  readonly colors: WebGLTexture;
  painted: Uint8Array | null | undefined;
}

export class GridPass {
  readonly #program: ProgramInfo | null;
  readonly #levels = new Map<Level, LevelTextures>();

  constructor(
    private readonly gl: WebGL2RenderingContext,
    private readonly textures: IconTextures,
  ) {
    this.#program = createProgram(gl, VERTEX, FRAGMENT);
  }

  draw({ scene, weight }: WeightedScene, frame: Frame): void {
    const { gl } = this;
    const { level } = scene;
    const program = this.#program;
    if (program === null) return;
    const textures = this.#texturesOf(level);
    this.#paint(level, textures, scene.cellColors);
    startPass(gl, program, frame);
    // Without a GPU, blending is slow.
    gl.blendFunc(gl.ONE, weight < 1 ? gl.ONE_MINUS_SRC_ALPHA : gl.ZERO);
    const pixels = (worldSide(frame.camera, frame.viewport) / level.size) * frame.ratio;
    const side = level.entry.tile ?? 1;
    setUniforms(program, {
      uSize: level.size,
      uCellPixels: pixels,
      uShrink: side / pixels,
      uLod: Math.log2(side / pixels),
      uMostLod: Math.max(0, Math.log2(side) - 2),
      uColored: scene.cellColors === null ? 0 : 1,
      uCells: textures.cells,
      uColors: textures.colors,
      uGround: toUnit(frame.ground),
    });
    setTiles(program, level, frame, weight);
    // Where it has no tile, its ground must hide those before it.
    if (weight < 1) this.#drawBox(program, scene, 0, [0, 0, level.size, level.size]);
    for (const [page, box] of pageBoxes(level)) {
      const code = page === NO_PAGE ? NO_ICON_PAGE : page + 1;
      this.#drawBox(program, scene, code, widen(box, level.size));
    }
  }

  /** Draws the tiles of the page of this code; a quad is no larger than what it may have to draw. */
  #drawBox(program: ProgramInfo, { level, pages }: Scene, code: number, box: CellBox): void {
    const picture = code === NO_ICON_PAGE ? null : pages[code - 1];
    setTexture(program, this.textures, level, picture);
    setUniforms(program, { uPage: code, uBox: box.map((edge) => edge / level.size) });
    this.gl.drawArrays(this.gl.TRIANGLE_STRIP, 0, 4);
  }

  /** Frees what no scene of the frame needs. */
  prune(scenes: readonly WeightedScene[]): void {
    const live = new Set(scenes.map(({ scene }) => scene.level));
    for (const [level, { cells, colors }] of this.#levels) {
      if (live.has(level)) continue;
      this.gl.deleteTexture(cells);
      this.gl.deleteTexture(colors);
      this.#levels.delete(level);
    }
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
      textures = { cells, colors: createCellTexture(gl), painted: undefined };
      this.#levels.set(level, textures);
    }
    return textures;
  }

  /** Uploads four bytes a cell, and only when the coloring has changed. */
  #paint(level: Level, textures: LevelTextures, colors: Uint8Array | null): void {
    if (textures.painted === colors) return;
    textures.painted = colors;
    const { gl } = this;
    const { size } = level;
    const rgba = new Uint8Array(4 * size * size);
    if (colors !== null) {
      level.lookup.forEach((cell, place) => {
        if (cell >= 0) rgba.set(colors.subarray(4 * cell, 4 * cell + 4), 4 * place);
      });
    }
    bindToFill(gl, textures.colors);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, size, size, 0, gl.RGBA, gl.UNSIGNED_BYTE, rgba);
  }
}

/**
 * For every cell of the grid: position on its page, page + 1 (0: no icon), the inverse of its side as a
 * share of the cell, and its logarithm.
 */
function cellData(level: Level): Uint16Array {
  const { size } = level;
  const scales = iconScales(level);
  const data = new Uint16Array(4 * size * size).fill(UNIT);
  const perPage = (level.entry.columns ?? 1) ** 2;
  level.lookup.forEach((cell, square) => {
    data[4 * square + 1] = 0;
    if (cell < 0) return;
    const place = iconPlace(level, cell);
    data[4 * square] = cell % perPage;
    data[4 * square + 1] = place === null ? NO_ICON_PAGE : place.page + 1;
    const scale = scales[cell] as number;
    data[4 * square + 2] = Math.round(UNIT / scale);
    data[4 * square + 3] = Math.round(-UNIT * Math.log2(scale));
  });
  return data;
}

/** One cell more on each side: a pixel right between two pages must be in the quad of its own. */
function widen([left, top, right, bottom]: CellBox, size: number): CellBox {
  return [
    Math.max(0, left - 1),
    Math.max(0, top - 1),
    Math.min(size, right + 1),
    Math.min(size, bottom + 1),
  ];
}
