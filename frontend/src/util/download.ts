// SPDX-License-Identifier: Apache-2.0
/** Downloads a file that the page created. */

/** Browsers read the file while this lasts. */
const KEPT_MS = 30_000;
const NAME = 60;

export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}

/** A name of the log in letters that every file system takes. */
export function plainName(text: string): string {
  return text.slice(0, NAME).replace(/[^\w.-]+/g, '_');
}
