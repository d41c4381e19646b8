// SPDX-License-Identifier: Apache-2.0
/** The log: runs, layers, steps, and the atlas of the shown step. */

import type { Failure } from '../../wire/api';
import type { Atlas } from '../../wire/atlas';
import type { PageInfo } from '../../wire/exported_page';
import type { RunEntry, SeriesEntry } from '../../wire/manifest';
import type { Probe } from '../../wire/probe';
import type { History } from '../../wire/series_history';

export type Missing = Readonly<Partial<Record<'run' | 'layer' | 'step' | 'compare', string>>>;

/** Where the atlases come from: TensorBoard, the sample of the plugin, or an exported page. */
type Source = { readonly kind: 'tensorboard' | 'sample' } | ({ readonly kind: 'page' } & PageInfo);

export interface LogState {
  readonly phase: 'loading' | 'empty' | 'failed' | 'ready';
  readonly source: Source;
  /** Why there is nothing at all to show (phase `failed`). */
  readonly failure: Failure | null;
  readonly runs: readonly RunEntry[];
  readonly run: RunEntry | null;
  readonly series: SeriesEntry | null;
  /** What the URL names that is not in this log. */
  readonly missing: Missing;
  /** The requested step; `atlas` follows when it is loaded. */
  readonly step: number | null;
  readonly atlas: Atlas | null;
  readonly busy: boolean;
  /** Several pages of icons are on their way. */
  readonly arriving: boolean;
  /** Why the requested step cannot be shown. */
  readonly stepFailure: Failure | null;
  /** Why icons of the requested level are missing. */
  readonly sheetFailure: Failure | null;
  readonly history: History | null;
  /** Why it is not there. */
  readonly historyFailure: Failure | null;
  readonly probe: Probe | null;
  readonly probeFailure: Failure | null;
  /** Steps that TensorBoard has found since the slider was drawn. */
  readonly freshSteps: number;
}

export const INITIAL_LOG: LogState = {
  phase: 'loading',
  source: { kind: 'tensorboard' },
  failure: null,
  runs: [],
  run: null,
  series: null,
  missing: {},
  step: null,
  atlas: null,
  busy: true,
  arriving: false,
  stepFailure: null,
  sheetFailure: null,
  history: null,
  historyFailure: null,
  probe: null,
  probeFailure: null,
  freshSteps: 0,
};
