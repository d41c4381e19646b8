// SPDX-License-Identifier: Apache-2.0
/**
 * Draws moving tiles: one quad per cell, indexed by page and not instanced (software GL draws instances many
 * times slower).
 *
 * Moving tiles may overlap, so they are blended over each other and not added.
 */

import { type ProgramInfo, setUniforms } from 'twgl.js';
import { iconPlace, NO_PAGE } from '../../domain/icon_sprites';
import type { Level } from '../../wire/atlas';
import { type Frame, iconScales, type WeightedScene } from '../scene';
import type { IconTextures } from './icon_textures';
import { createProgram, startPass } from './program';
import { setTexture, setTiles, TILE_GLSL } from './tile_shader';

/** Attribute places. */
const PLACE = { cell: 0, tile: 1, rim: 2 } as const;
/** Floats of one corner: middle and way of the cell, side and place of its tile. */
const FLOATS = 6;
const CORNERS = [0, 1, 2, 2, 1, 3] as const;

const VERTEX = `#version 300 es
layout(location = ${PLACE.cell}) in vec4 aCell;
layout(location = ${PLACE.tile}) in vec2 aTile;
layout(location = ${PLACE.rim}) in vec4 aRim;
uniform vec2 uOrigin;
uniform float uSide;
uniform vec2 uViewport;
uniform float uShare;
uniform float uTile;
out vec2 vLocal;
flat out vec4 vTile;
flat out vec4 vRim;
void main() {
  float side = aTile.x * uSide;
  vec2 corner = vec2(gl_VertexID & 1, (gl_VertexID >> 1) & 1) - 0.5;
  vLocal = corner * (side + 2.0) / side;
  float shrink = uTile / side;
  float most = max(0.0, log2(uTile) - 2.0);
  vTile = vec4(aTile.y, side, shrink, clamp(log2(shrink), 0.0, most));
  vRim = aRim;
  vec2 world = aCell.xy + aCell.zw * uShare + vLocal * aTile.x;
  vec2 screen = (uOrigin + world * uSide) / uViewport;
  gl_Position = vec4(screen.x * 2.0 - 1.0, 1.0 - screen.y * 2.0, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec2 vLocal;
flat in vec4 vTile;
flat in vec4 vRim;
out vec4 outColor;
${TILE_GLSL}
void main() {
  outColor = tile(vTile.x, vLocal, vTile.y, vTile.z, vTile.w, vRim);
}`;

interface Quads {
  readonly vertices: WebGLVertexArrayObject;
  readonly buffers: readonly WebGLBuffer[];
  readonly displacements: Float32Array;
  readonly colors: Uint8Array | null;
  /** Where the indices of each page begin and how many there are; tiles of `NO_PAGE` have none. */
  readonly ranges: readonly {
    readonly page: number;
    readonly start: number;
    readonly count: number;
  }[];
}

export class MotionPass {
  readonly #program: ProgramInfo | null;
  readonly #quads = new Map<Level, Quads>();

  constructor(
    private readonly gl: WebGL2RenderingContext,
    private readonly textures: IconTextures,
  ) {
    this.#program = createProgram(gl, VERTEX, FRAGMENT);
  }

  draw({ scene, weight, motion }: WeightedScene, frame: Frame): void {
    const program = this.#program;
    if (motion === undefined || program === null) return;
    const { gl } = this;
    const { level, pages } = scene;
    const quads = this.#quadsOf(level, motion.displacements, scene.cellColors);
    startPass(gl, program, frame);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    setUniforms(program, { uShare: motion.share });
    setTiles(program, level, frame, weight);
    gl.bindVertexArray(quads.vertices);
    for (const { page, start, count } of quads.ranges) {
      setTexture(program, this.textures, level, page === NO_PAGE ? null : pages[page]);
      gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_INT, 4 * start);
    }
    gl.bindVertexArray(null);
  }

  /** Frees the quads of levels that have arrived. */
  prune(scenes: readonly WeightedScene[]): void {
    const live = new Set(scenes.flatMap(({ scene, motion }) => (motion ? [scene.level] : [])));
    for (const [level, quads] of this.#quads) if (!live.has(level)) this.#free(level, quads);
  }

  #quadsOf(level: Level, displacements: Float32Array, colors: Uint8Array | null): Quads {
    const known = this.#quads.get(level);
    if (known?.displacements === displacements && known.colors === colors) return known;
    if (known !== undefined) this.#free(level, known);
    const quads = this.#upload(level, displacements, colors);
    this.#quads.set(level, quads);
    return quads;
  }

  #upload(level: Level, displacements: Float32Array, colors: Uint8Array | null): Quads {
    const { gl } = this;
    const { order, ranges } = orderByPage(level);
    const vertices = gl.createVertexArray();
    const buffers = [gl.createBuffer(), gl.createBuffer(), gl.createBuffer()] as const;
    gl.bindVertexArray(vertices);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[0]);
    gl.bufferData(gl.ARRAY_BUFFER, cornersOf(level, displacements), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(PLACE.cell);
    gl.vertexAttribPointer(PLACE.cell, 4, gl.FLOAT, false, 4 * FLOATS, 0);
    gl.enableVertexAttribArray(PLACE.tile);
    gl.vertexAttribPointer(PLACE.tile, 2, gl.FLOAT, false, 4 * FLOATS, 16);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[1]);
    gl.bufferData(gl.ARRAY_BUFFER, rimsOf(level, colors), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(PLACE.rim);
    gl.vertexAttribPointer(PLACE.rim, 4, gl.UNSIGNED_BYTE, true, 0, 0);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffers[2]);
    const indices = order.flatMap((cell) => CORNERS.map((corner) => 4 * cell + corner));
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, Uint32Array.from(indices), gl.STATIC_DRAW);
    gl.bindVertexArray(null);
    return { vertices, buffers, displacements, colors, ranges };
  }

  #free(level: Level, { vertices, buffers }: Quads): void {
    this.gl.deleteVertexArray(vertices);
    for (const buffer of buffers) this.gl.deleteBuffer(buffer);
    this.#quads.delete(level);
  }
}

function orderByPage(level: Level): { order: number[]; ranges: Quads['ranges'] } {
  const pageOf = Array.from(level.rows, (_, cell) => iconPlace(level, cell)?.page ?? NO_PAGE);
  const order = [...pageOf.keys()].sort((a, b) => (pageOf[a] as number) - (pageOf[b] as number));
  const ranges: { page: number; start: number; count: number }[] = [];
  order.forEach((cell, at) => {
    const page = pageOf[cell] as number;
    const last = ranges.at(-1);
    if (last?.page === page) last.count += CORNERS.length;
    else ranges.push({ page, start: CORNERS.length * at, count: CORNERS.length });
  });
  return { order, ranges };
}

function cornersOf(level: Level, displacements: Float32Array): Float32Array {
  const { size, rows, cols } = level;
  const scales = iconScales(level);
  const perPage = (level.entry.columns ?? 1) ** 2;
  const corners = new Float32Array(4 * FLOATS * rows.length);
  for (let cell = 0; cell < rows.length; cell++) {
    const corner = [
      ((cols[cell] as number) + 0.5) / size,
      ((rows[cell] as number) + 0.5) / size,
      displacements[2 * cell] as number,
      displacements[2 * cell + 1] as number,
      (scales[cell] as number) / size,
      cell % perPage,
    ];
    for (let i = 0; i < 4; i++) corners.set(corner, FLOATS * (4 * cell + i));
  }
  return corners;
}

function rimsOf(level: Level, colors: Uint8Array | null): Uint8Array {
  const rims = new Uint8Array(16 * level.rows.length);
  if (colors === null) return rims;
  for (let corner = 0; corner < 4 * level.rows.length; corner++) {
    const cell = corner >> 2;
    rims.set(colors.subarray(4 * cell, 4 * cell + 4), 4 * corner);
  }
  return rims;
}
