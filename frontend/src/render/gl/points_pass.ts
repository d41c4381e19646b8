// SPDX-License-Identifier: Apache-2.0
/** Draws samples as round points with a thin contrasting ring, over the tiles. */

import { type ProgramInfo, setUniforms } from 'twgl.js';
import { type ColoredPoints, type Frame, pointSize, type WeightedScene } from '../scene';
import { createProgram, startPass, toUnit } from './program';

/** Attribute places. */
const PLACE = { xy: 0, color: 1 } as const;
/** Points below this diameter in CSS pixels have no room for a ring. */
const RING_FROM = 5;

const VERTEX = `#version 300 es
layout(location = ${PLACE.xy}) in vec2 aWorld;
layout(location = ${PLACE.color}) in vec4 aColor;
uniform vec2 uOrigin;
uniform float uSide;
uniform vec2 uViewport;
uniform float uDiameter;
out vec4 vColor;
void main() {
  vec2 screen = (uOrigin + aWorld * uSide) / uViewport;
  vColor = aColor;
  gl_Position = aColor.a == 0.0
    ? vec4(2.0, 2.0, 2.0, 1.0)
    : vec4(screen.x * 2.0 - 1.0, 1.0 - screen.y * 2.0, 0.0, 1.0);
  gl_PointSize = uDiameter;
}`;

const FRAGMENT = `#version 300 es
precision highp float;
uniform float uDiameter;
uniform float uRing;
uniform vec3 uGround;
uniform float uWeight;
in vec4 vColor;
out vec4 outColor;
void main() {
  float distance = (length(gl_PointCoord - 0.5) - 0.5) * uDiameter;
  float cover = clamp(-distance, 0.0, 1.0);
  if (cover <= 0.0) discard;
  float ring = uRing > 0.0 ? clamp(distance + uRing + 0.5, 0.0, 1.0) : 0.0;
  float alpha = cover * vColor.a * uWeight;
  outColor = vec4(mix(vColor.rgb, uGround, ring) * alpha, alpha);
}`;

interface Buffers {
  readonly vertices: WebGLVertexArrayObject;
  readonly places: WebGLBuffer;
  readonly colors: WebGLBuffer;
  placed: Float32Array | null;
  painted: Uint8Array | null;
}

export class PointsPass {
  readonly #program: ProgramInfo | null;
  readonly #buffers = new Map<ColoredPoints['atlas'], Buffers>();

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.#program = createProgram(gl, VERTEX, FRAGMENT);
  }

  draw({ scene, weight, motion, more = [] }: WeightedScene, frame: Frame): void {
    for (const points of more) this.#draw(points, points.atlas.xy, weight, frame);
    this.#draw(scene, motion?.points ?? scene.atlas.xy, weight, frame);
  }

  #draw(
    { atlas, pointColors }: ColoredPoints,
    places: Float32Array,
    weight: number,
    frame: Frame,
  ): void {
    const program = this.#program;
    if (pointColors === null || program === null) return;
    const { gl } = this;
    const { camera, ratio, ground } = frame;
    const diameter = pointSize(camera);
    startPass(gl, program, frame);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    setUniforms(program, {
      uDiameter: diameter * ratio + 1,
      uRing: diameter >= RING_FROM ? ratio : 0,
      uGround: toUnit(ground),
      uWeight: weight,
    });
    const buffers = this.#buffersOf(atlas);
    gl.bindVertexArray(buffers.vertices);
    if (buffers.placed !== places) {
      buffers.placed = places;
      gl.bindBuffer(gl.ARRAY_BUFFER, buffers.places);
      gl.bufferData(gl.ARRAY_BUFFER, places, gl.DYNAMIC_DRAW);
    }
    if (buffers.painted !== pointColors) {
      buffers.painted = pointColors;
      gl.bindBuffer(gl.ARRAY_BUFFER, buffers.colors);
      gl.bufferData(gl.ARRAY_BUFFER, pointColors, gl.DYNAMIC_DRAW);
    }
    gl.drawArrays(gl.POINTS, 0, atlas.count);
    gl.bindVertexArray(null);
  }

  /** Frees the points of atlases that no scene shows. */
  prune(scenes: readonly WeightedScene[]): void {
    const live = new Set(
      scenes.flatMap(({ scene, more = [] }) => [scene, ...more].map(({ atlas }) => atlas)),
    );
    for (const [atlas, { vertices, places, colors }] of this.#buffers) {
      if (live.has(atlas)) continue;
      this.gl.deleteVertexArray(vertices);
      this.gl.deleteBuffer(places);
      this.gl.deleteBuffer(colors);
      this.#buffers.delete(atlas);
    }
  }

  #buffersOf(atlas: ColoredPoints['atlas']): Buffers {
    let buffers = this.#buffers.get(atlas);
    if (buffers === undefined) {
      const { gl } = this;
      const vertices = gl.createVertexArray();
      const places = gl.createBuffer();
      const colors = gl.createBuffer();
      gl.bindVertexArray(vertices);
      gl.bindBuffer(gl.ARRAY_BUFFER, places);
      gl.enableVertexAttribArray(PLACE.xy);
      gl.vertexAttribPointer(PLACE.xy, 2, gl.FLOAT, false, 0, 0);
      gl.bindBuffer(gl.ARRAY_BUFFER, colors);
      gl.enableVertexAttribArray(PLACE.color);
      gl.vertexAttribPointer(PLACE.color, 4, gl.UNSIGNED_BYTE, true, 0, 0);
      buffers = { vertices, places, colors, placed: null, painted: null };
      this.#buffers.set(atlas, buffers);
    }
    return buffers;
  }
}
