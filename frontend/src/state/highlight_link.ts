// SPDX-License-Identifier: Apache-2.0
/** The image or the concept that is lit, as it stands in the address, and the highlight that it is. */

import type { Highlight } from '../domain/view';
import type { Store } from './store';

const LIT = /^(image|concept):(\d{1,9})$/;

/** `image:17`; nothing for what a link cannot say, such as an event or samples of one atlas alone. */
export function litText(highlight: Highlight | null): string {
  const { ids = [], of, probe, atlas, event } = highlight ?? {};
  if (ids.length !== 1 || event || probe !== undefined || atlas !== undefined) return '';
  return of === 'sample' ? '' : `${of ?? 'concept'}:${ids[0]}`;
}

/** The highlight that a text of the address means, or null; concepts get their names from the log. */
export function readLit(text: string): Highlight | null {
  const [, kind, digits] = LIT.exec(text) ?? [];
  if (kind === undefined) return null;
  const lit: Highlight = { ids: [Number(digits)], name: `${kind} ${digits}`, event: null };
  return kind === 'image' ? { ...lit, of: 'image' } : lit;
}

/** Keeps the two the same, whichever changes. */
export function followHighlight(store: Store): void {
  const take = (lit: string) =>
    store.set({ highlight: readLit(lit), lit: readLit(lit) ? lit : '' });
  store.subscribe(({ lit, highlight }, before) => {
    if (highlight !== before.highlight) store.set({ lit: litText(highlight) });
    else if (lit !== before.lit && lit !== litText(highlight)) take(lit);
  });
  if (store.state.lit !== '') take(store.state.lit);
}
