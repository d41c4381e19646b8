// SPDX-License-Identifier: Apache-2.0
/** The interface of a feature: a folder of `features/` that fills slots of the page. */

import type { nothing, TemplateResult } from 'lit';
import type { NearestSamples } from '../domain/nearest_samples';
import type { AtlasMap } from '../map/atlas_map';
import type { OverlayPainter } from '../map/overlay';
import type { Player } from '../state/player';
import type { Session } from '../state/session';
import type { State } from '../state/store';
import type { CellContext } from '../ui/cell_view';
import type { Atlas, Level } from '../wire/atlas';

export type Content = TemplateResult | typeof nothing | readonly Content[];

/** Dependencies of every feature. */
export interface FeatureContext {
  readonly session: Session;
  readonly map: AtlasMap;
  readonly player: Player;
  readonly nearest: NearestSamples;
  /** Renders the tab once more. */
  readonly update: () => void;
  /** The inspector sections of all features, in order. */
  inspectorSections(cell: CellContext): Content;
  /** The lines of all features for the card of a cell, in order. */
  cardLines(cell: CellContext): Content;
  /** The marks of all features over the timeline, in order. */
  timelineMarks(state: State): Content;
  /** The marks of all features over the maps of the other panes. */
  paneMarks(state: State): readonly OverlayPainter[];
}

/** The slots of the page that a feature may fill, in the order of registration. */
export interface Feature {
  /** A button in the top bar that does more than open the feature. */
  toolbar?(state: State): Content;
  /** A bar below the top bar. */
  strip?(state: State): Content;
  /** A list on the left of the stage; only the first open list is shown. */
  rail?(state: State): Content;
  /** Content over the map, below all panels; only while the map is shown. */
  mapControls?(state: State): Content;
  /** Panels over the stage, while there is an atlas to show. */
  stage?(state: State): Content;
  /** Panels over the stage that need no map of the shown step. */
  panes?(state: State): Content;
  /** A panel of the column of legends. */
  legend?(state: State, atlas: Atlas, level: Level): Content;
  /** A section of the inspector. */
  inspectorSection?(cell: CellContext): Content;
  /** A line of the card of a cell. */
  cardLine?(cell: CellContext): Content;
  /** Marks over the timeline. */
  timelineMarks?(state: State): Content;
  /** The footer of the tab. */
  footer?(state: State): Content;
  /** Overlays over the tiles, from bottom to top. */
  overlays?(state: State): readonly OverlayPainter[];
  /** Marks over all overlays; labels of cells stay visible. */
  marks?(state: State): readonly OverlayPainter[];
  /** Marks over the map of another pane, whose state it is. */
  paneMarks?(state: State): readonly OverlayPainter[];
  /** The announcement of a change for screen readers, or null. */
  announce?(state: State, before: State): string | null;
  /** Whether everything that the state requests of the feature is on screen; true if absent. */
  ready?(state: State): boolean;
}

/** Exports of the module of a feature. */
export interface FeatureModule {
  /** The rules of its style sheet. */
  readonly styles: string;
  create(context: FeatureContext): Feature;
}
