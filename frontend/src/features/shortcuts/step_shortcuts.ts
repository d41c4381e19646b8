// SPDX-License-Identifier: Apache-2.0
/** The loaded shortcut search of one step. */

import type { Failure } from '../../wire/api';
import type { Search } from '../../wire/shortcut_record';

/** Result of the search at one step, once loaded. */
export interface LoadedSearch {
  readonly step: number;
  search: Search | null;
  /** Why there is no search, or no patches of it. */
  failure: Failure | null;
  patches: ImageBitmap | null;
}
