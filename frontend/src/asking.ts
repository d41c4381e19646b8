// SPDX-License-Identifier: Apache-2.0
/** What can be asked about classes, as one chunk: where they are on the map, and shortcuts to them. */

export { ClassFilter } from './class_filter';
export { ShortcutSearch } from './shortcut_search';
