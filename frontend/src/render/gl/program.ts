// SPDX-License-Identifier: Apache-2.0
/** Shader programs, and the state that every pass sets. */

import { createProgramInfo, type ProgramInfo, setUniforms } from 'twgl.js';
import { toScreen, worldSide } from '../../domain/camera';
import type { Frame } from '../scene';

export function createContext(canvas: HTMLCanvasElement): WebGL2RenderingContext | null {
  return canvas.getContext('webgl2', {
    // The page need not be drawn where nothing shines through.
    alpha: false,
    antialias: false,
    depth: false,
    powerPreference: 'low-power',
  });
}

/**
 * Compiles and links a program; null where the context is lost.
 *
 * @throws Error with the compiler's log.
 */
export function createProgram(
  gl: WebGL2RenderingContext,
  vertex: string,
  fragment: string,
): ProgramInfo | null {
  if (gl.isContextLost()) return null;
  let log = '';
  const program = createProgramInfo(gl, [vertex, fragment], {
    errorCallback: (message) => {
      log += message;
    },
  }) as ProgramInfo | null;
  if (program === null) throw new Error(`shader: ${log}`);
  return program;
}

/** Makes a program the current one and sets the transform of the map. */
export function startPass(
  gl: WebGL2RenderingContext,
  program: ProgramInfo,
  { camera, viewport, ratio, margin = 0 }: Frame,
): void {
  const { x, y } = toScreen(camera, viewport, { x: 0, y: 0 });
  gl.useProgram(program.program);
  setUniforms(program, {
    uOrigin: [x * ratio + margin, y * ratio + margin],
    uSide: worldSide(camera, viewport) * ratio,
    uViewport: [gl.drawingBufferWidth + 2 * margin, gl.drawingBufferHeight + 2 * margin],
  });
}

/** A color of 0 to 255 as shaders take it. */
export function toUnit(color: readonly number[]): number[] {
  return color.map((channel) => channel / 255);
}
