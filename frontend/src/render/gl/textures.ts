// SPDX-License-Identifier: Apache-2.0
/** Textures of cell colors and of icon pages. */

/** Unit at which textures are filled: no shader samples it, so what is bound to sample stays bound. */
const FILL_UNIT = 7;

/** Binds a texture to fill it. */
export function bindToFill(gl: WebGL2RenderingContext, texture: WebGLTexture): void {
  gl.activeTexture(gl.TEXTURE0 + FILL_UNIT);
  gl.bindTexture(gl.TEXTURE_2D, texture);
}

/** A texture of one value per cell, read by `texelFetch` alone. */
export function createCellTexture(gl: WebGL2RenderingContext): WebGLTexture {
  const texture = gl.createTexture();
  bindToFill(gl, texture);
  setSampling(gl, gl.NEAREST, gl.NEAREST);
  return texture;
}

/**
 * A picture as a texture with mip levels, first row at the top. The nearest level is sampled: a blend of
 * two levels looks the same, and costs a second sample, which is slow without a GPU.
 */
export function createPictureTexture(
  gl: WebGL2RenderingContext,
  picture: ImageBitmap,
): WebGLTexture {
  const texture = gl.createTexture();
  bindToFill(gl, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, picture);
  gl.generateMipmap(gl.TEXTURE_2D);
  setSampling(gl, gl.LINEAR_MIPMAP_NEAREST, gl.LINEAR);
  return texture;
}

/** One pixel, bound where a shader declares a sampler and does not use it. */
export function createBlankTexture(gl: WebGL2RenderingContext): WebGLTexture {
  const texture = gl.createTexture();
  bindToFill(gl, texture);
  gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, 1, 1);
  return texture;
}

function setSampling(gl: WebGL2RenderingContext, minify: number, magnify: number): void {
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, minify);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, magnify);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}
