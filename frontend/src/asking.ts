// SPDX-License-Identifier: Apache-2.0
/** What can be asked about classes and concepts, as one chunk. */

export { ClassFilter } from './class_filter';
export { FilmStrip } from './panels/film_strip';
export { ShortcutSearch } from './shortcut_search';
