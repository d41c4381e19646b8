// SPDX-License-Identifier: Apache-2.0
/** Converts between the highlight and its text in the URL. */

import type { Highlight } from '../domain/display_types';
import type { Store } from './store';

const TEXT = /^(image|concept):(\d{1,9})$/;

/** Returns text such as `image:17`, or '' for a highlight that a URL cannot describe. */
export function writeHighlight(highlight: Highlight | null): string {
  const { ids = [], of, probe, atlas, event } = highlight ?? {};
  if (ids.length !== 1 || event || probe !== undefined || atlas !== undefined) return '';
  return of === 'sample' ? '' : `${of ?? 'concept'}:${ids[0]}`;
}

/** Returns the highlight that the text of a URL describes, or null; the log names the concepts. */
export function readHighlight(text: string): Highlight | null {
  const [, kind, digits] = TEXT.exec(text) ?? [];
  if (kind === undefined) return null;
  const highlight: Highlight = { ids: [Number(digits)], name: `${kind} ${digits}`, event: null };
  return kind === 'image' ? { ...highlight, of: 'image' } : highlight;
}

/** Keeps the highlight and its text equal, whichever of them changes. */
export function syncHighlight(store: Store): void {
  const take = (text: string) => {
    const highlight = readHighlight(text);
    store.set({ highlight, highlightText: highlight ? text : '' });
  };
  store.subscribe(({ highlightText, highlight }, before) => {
    if (highlight !== before.highlight) store.set({ highlightText: writeHighlight(highlight) });
    else if (
      highlightText !== before.highlightText &&
      highlightText !== writeHighlight(highlight)
    ) {
      take(highlightText);
    }
  });
  if (store.state.highlightText !== '') take(store.state.highlightText);
}
