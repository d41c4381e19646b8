// SPDX-License-Identifier: Apache-2.0
/** Settings of the tab in this browser. */

export type Setting = 'page-scroll-first' | 'no-letter-keys';

const PREFIX = 'atlas.';
/** Where the browser stores nothing, a choice is good until the page is left. */
const chosen = new Set<Setting>();

export function wants(setting: Setting): boolean {
  try {
    return localStorage.getItem(PREFIX + setting) === 'on' || chosen.has(setting);
  } catch {
    return chosen.has(setting);
  }
}

export function want(setting: Setting, on: boolean): void {
  chosen[on ? 'add' : 'delete'](setting);
  try {
    if (on) localStorage.setItem(PREFIX + setting, 'on');
    else localStorage.removeItem(PREFIX + setting);
  } catch {
    // It is in force here and now all the same.
  }
}
