// SPDX-License-Identifier: Apache-2.0
/** Downloads a file that the page created. */

/** Browsers read the file while this lasts. */
const KEPT_MS = 30_000;
const NAME = 60;

/** Returns the outcome as a sentence; `how` follows the name. */
export function saveFile(blob: Blob, name: string, how = ''): string {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
  const outcome = `Saved ${name}${how}`;
  return isSandboxed()
    ? `${outcome}. If the file is missing, this frame blocks downloads: open the page outside of it.`
    : outcome;
}

/** Whether downloads may be blocked, which browsers do not report: a sandboxed frame has no origin. */
function isSandboxed(): boolean {
  return window.origin === 'null' && window.parent !== window;
}

/** A name of the log in letters that every file system takes. */
export function plainName(text: string): string {
  return text.slice(0, NAME).replace(/[^\w.-]+/g, '_');
}
