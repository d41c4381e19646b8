// SPDX-License-Identifier: Apache-2.0
/** Open panels and the last announcement. */

export interface UiState {
  /** Code of a part of the tab failed to load. */
  readonly loadFailed: boolean;
  readonly eventList: boolean;
  /** What the ribbons of the stream graph are; empty while it is closed. */
  readonly stream: '' | 'concepts' | 'groups';
  /** The list of what is selected, pinned and saved: open, and whether the focus goes there. */
  readonly selectionList: false | 'shown' | 'entered';
  readonly filterOpen: boolean;
  readonly finding: boolean;
  /** The cells as a table in the place of the map. */
  readonly table: boolean;
  readonly exporting: boolean;
  /** The last announcement for screen readers. */
  readonly said: string;
  /** A notice that is shown over the map for a moment. */
  readonly notice: string;
  /** The shortcut that is opened in its list, `all` for none of them, or nothing: no list. */
  readonly shortcut: string;
  readonly help: boolean;
}

export const INITIAL_UI: UiState = {
  loadFailed: false,
  eventList: false,
  stream: '',
  selectionList: false,
  filterOpen: false,
  finding: false,
  table: false,
  exporting: false,
  said: '',
  notice: '',
  shortcut: '',
  help: false,
};
