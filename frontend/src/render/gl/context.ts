// SPDX-License-Identifier: Apache-2.0
/** The few WebGL2 chores that every pass shares. */

import { toScreen, worldSide } from '../../domain/camera';
import type { Frame } from '../scene';

export interface Program {
  readonly program: WebGLProgram;
  /** Place of a uniform; null where the compiler dropped it, which WebGL ignores. */
  uniform(name: string): WebGLUniformLocation | null;
}

export function createContext(canvas: HTMLCanvasElement): WebGL2RenderingContext | null {
  return canvas.getContext('webgl2', {
    // The page need not be drawn where nothing shines through.
    alpha: false,
    antialias: false,
    depth: false,
    powerPreference: 'low-power',
  });
}

export function createProgram(
  gl: WebGL2RenderingContext,
  vertex: string,
  fragment: string,
): Program {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ] as const) {
    const shader = gl.createShader(kind);
    if (shader === null) break;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`shader: ${gl.getProgramInfoLog(program)}`);
  }
  const places = new Map<string, WebGLUniformLocation | null>();
  return {
    program,
    uniform(name) {
      if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
      return places.get(name) ?? null;
    },
  };
}

/** Tells a program where the map lies on what is drawn to. */
export function setCamera(
  gl: WebGL2RenderingContext,
  { uniform }: Program,
  { camera, viewport, ratio, margin = 0 }: Frame,
): void {
  const { x, y } = toScreen(camera, viewport, { x: 0, y: 0 });
  const [width, height] = [gl.drawingBufferWidth, gl.drawingBufferHeight];
  gl.uniform2f(uniform('uOrigin'), x * ratio + margin, y * ratio + margin);
  gl.uniform1f(uniform('uSide'), worldSide(camera, viewport) * ratio);
  gl.uniform2f(uniform('uViewport'), width + 2 * margin, height + 2 * margin);
}

/** A texture of one value per cell, read by `texelFetch` alone. */
export function createCellTexture(gl: WebGL2RenderingContext): WebGLTexture {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  setSampling(gl, gl.NEAREST, gl.NEAREST);
  return texture;
}

/**
 * A picture as a texture with mip levels, first row at the top. The nearest level does: between two of
 * them nobody sees a difference, and without a GPU every second look costs.
 */
export function createPictureTexture(
  gl: WebGL2RenderingContext,
  picture: ImageBitmap,
): WebGLTexture {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, picture);
  gl.generateMipmap(gl.TEXTURE_2D);
  setSampling(gl, gl.LINEAR_MIPMAP_NEAREST, gl.LINEAR);
  return texture;
}

function setSampling(gl: WebGL2RenderingContext, minify: number, magnify: number): void {
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, minify);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, magnify);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}
