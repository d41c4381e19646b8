// SPDX-License-Identifier: Apache-2.0
/** Writes colors as CSS. */

/** "rgb(245,246,247)" of red, green, and blue from 0 to 255. */
export function cssColor(channels: readonly number[] | Uint8Array): string {
  return `rgb(${channels.join()})`;
}
