// SPDX-License-Identifier: Apache-2.0
/** The features of the tab in page order, and when the code of each one is loaded. */

import type { Content, Feature, FeatureContext, FeatureModule } from '../features/feature';
import { concepts } from '../features/inspector/concepts_feature';
import { inspector } from '../features/inspector/inspector_feature';
import { legend } from '../features/legend/legend_feature';
import { layerLinksToggle } from '../features/panes/layer_links_toggle_feature';
import { selection } from '../features/selection/selection_feature';
import { timeline } from '../features/timeline/timeline_feature';
import { shortcutSeriesOf } from '../state/shortcut_series';
import { showsOutlines } from '../state/slices/view';
import type { State } from '../state/store';
import { addStyles } from '../ui/adopted_styles';
import { missingLine } from '../ui/empty_states';

/** A feature whose code is loaded with the map. */
interface EagerFeature {
  readonly name: string;
  readonly module: FeatureModule;
}

/** A feature whose code is loaded when the state first wants it. */
interface LazyFeature {
  readonly name: string;
  wants(state: State): boolean;
  load(): Promise<FeatureModule>;
  /** State that is reset if the code fails to load, so that its button opens it again. */
  readonly closed?: Partial<State>;
}

/** In this order, overlays are drawn from bottom to top, and legends, sections and announcements follow each other. */
const FEATURES: readonly (EagerFeature | LazyFeature)[] = [
  {
    name: 'class_filter',
    wants: ({ filter, filterOpen, pinned }) => filter !== '' || filterOpen || pinned !== null,
    load: async () => (await import('../features/class_filter/class_filter_feature')).classFilter,
  },
  {
    name: 'shortcuts',
    wants: (state) => state.shortcut !== '' || shortcutSeriesOf(state) !== null,
    load: async () => (await import('../features/shortcuts/shortcuts_feature')).shortcuts,
  },
  { name: 'layer_links_toggle', module: layerLinksToggle },
  {
    name: 'layer_links',
    wants: ({ across }) => across,
    load: async () => (await import('../features/panes/panes_feature')).layerLinks,
    closed: { across: false },
  },
  {
    name: 'compare',
    wants: ({ compare }) => compare !== null,
    load: async () => (await import('../features/compare/compare_feature')).compare,
  },
  { name: 'selection', module: selection },
  {
    name: 'concept_outlines',
    wants: showsOutlines,
    load: async () =>
      (await import('../features/concept_outlines/concept_outlines_feature')).conceptOutlines,
  },
  {
    name: 'drift',
    wants: ({ compare, drift }) => compare !== null || drift !== '',
    load: async () => (await import('../features/compare/compare_feature')).drift,
  },
  { name: 'concepts', module: concepts },
  {
    name: 'events',
    wants: ({ eventList, pinned }) => eventList || pinned !== null,
    load: async () => (await import('../features/events/events_feature')).events,
  },
  { name: 'legend', module: legend },
  {
    name: 'stream_graph',
    wants: ({ stream }) => stream !== '',
    load: async () => (await import('../features/stream_graph/stream_graph_feature')).streamGraph,
    closed: { stream: '' },
  },
  { name: 'timeline', module: timeline },
  { name: 'inspector', module: inspector },
  {
    name: 'table',
    wants: ({ table }) => table,
    load: async () => (await import('../features/table/table_feature')).table,
    closed: { table: false },
  },
  {
    name: 'search',
    wants: ({ finding }) => finding,
    load: async () => (await import('../features/search/search_feature')).search,
    closed: { finding: false },
  },
  {
    name: 'export',
    wants: ({ exporting }) => exporting,
    load: async () => (await import('../features/export/export_feature')).exporting,
    closed: { exporting: false },
  },
  {
    name: 'panes',
    wants: ({ panes }) => panes !== '',
    load: async () => (await import('../features/panes/panes_feature')).panes,
    closed: { panes: '' },
  },
  {
    name: 'selection_lists',
    wants: ({ selectionList }) => selectionList !== false,
    load: async () =>
      (await import('../features/selection/selection_lists_feature')).selectionLists,
    closed: { selectionList: false },
  },
  {
    name: 'help',
    wants: ({ help }) => help,
    load: async () => (await import('../features/help/help_feature')).help,
    closed: { help: false },
  },
];

/** As a state in which nothing is announced by a feature that has just arrived. */
const NOTHING_SHOWN = { filter: '', drift: '', compare: null } satisfies Partial<State>;

export class FeatureRegistry {
  /** One place for each registered feature, null until it is there. */
  readonly #features: (Feature | null)[] = FEATURES.map(() => null);
  readonly #loading = new Set<LazyFeature>();
  readonly #failed = new Set<LazyFeature>();
  readonly #context: FeatureContext;
  /** Announces what the link names but the log lacks, before anything else. */
  readonly #linked: boolean;

  constructor(
    context: Omit<
      FeatureContext,
      'inspectorSections' | 'cardLines' | 'timelineMarks' | 'paneMarks'
    >,
    /** A feature is there that was not. */
    private readonly arrived: () => void,
  ) {
    this.#context = {
      ...context,
      inspectorSections: (cell) => this.show((feature) => feature.inspectorSection?.(cell)),
      cardLines: (cell) => this.show((feature) => feature.cardLine?.(cell)),
      timelineMarks: (state) => this.show((feature) => feature.timelineMarks?.(state)),
      paneMarks: (state) => this.collect((feature) => feature.paneMarks?.(state)),
    };
    const { store } = context.session;
    FEATURES.forEach((one, place) => {
      if ('module' in one) this.#add(place, one.module);
    });
    const wanted = wantedIn(store.state);
    this.#linked = wanted.length > 0;
    store.subscribe((state, before) => this.#follow(state, before));
    this.#follow(store.state, store.state);
  }

  /** Templates of all features for one slot of the page, in fixed order. */
  show(part: (feature: Feature) => Content | undefined): Content {
    return this.#features.map((feature) => (feature && part(feature)) ?? []);
  }

  /** The first result of a feature, or null. */
  find<Result>(read: (feature: Feature) => Result | null | undefined): Result | null {
    for (const feature of this.#features) {
      const result = feature && read(feature);
      if (result != null) return result;
    }
    return null;
  }

  /** All results of all features, in order. */
  collect<Result>(read: (feature: Feature) => readonly Result[] | undefined): readonly Result[] {
    return this.#features.flatMap((feature) => (feature && read(feature)) ?? []);
  }

  /** Whether everything that `state` requests is loaded and on screen. */
  ready(state: State): boolean {
    return FEATURES.every((one, place) => {
      const feature = this.#features[place];
      if (!feature) return !('wants' in one && one.wants(state));
      return feature.ready?.(state) !== false;
    });
  }

  #add(place: number, { styles, create }: FeatureModule): Feature {
    const root = this.#context.map.getRootNode();
    if (root instanceof ShadowRoot) addStyles(root, styles);
    const feature = create(this.#context);
    this.#features[place] = feature;
    return feature;
  }

  #follow(state: State, before: State): void {
    FEATURES.forEach((one, place) => {
      if ('module' in one || !one.wants(state)) return;
      if (this.#features[place] || this.#loading.has(one)) return;
      // What failed to load is loaded again with another step, by a button, or when it is opened again.
      if (this.#failed.has(one) && state.loadFailed && one.wants(before)) return;
      void this.#load(one, place);
    });
  }

  async #load(one: LazyFeature, place: number): Promise<void> {
    const { store } = this.#context.session;
    this.#loading.add(one);
    const module = await one.load().catch(() => null);
    this.#loading.delete(one);
    if (module === null) {
      this.#failed.add(one);
      store.set({ ...one.closed, loadFailed: true, said: 'TensorBoard does not respond.' });
      return;
    }
    this.#failed.delete(one);
    const feature = this.#add(place, module);
    if (this.#failed.size === 0) store.set({ loadFailed: false });
    this.arrived();
    // The state changed before the code was loaded.
    const { state } = store;
    const result = feature.announce?.(state, { ...state, ...NOTHING_SHOWN }) ?? null;
    if (result === null) return;
    const missing = this.#linked ? missingLine(state) : '';
    store.set({ said: `${missing} ${result}`.trim() });
  }
}

function wantedIn(state: State): readonly LazyFeature[] {
  return FEATURES.filter((one): one is LazyFeature => 'wants' in one && one.wants(state));
}
