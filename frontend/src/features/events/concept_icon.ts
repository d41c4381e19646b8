// SPDX-License-Identifier: Apache-2.0
/** The icon of the cell with most of the samples of a concept at a step. */

import { html, type TemplateResult } from 'lit';
import type { Frame } from '../../domain/concept_history';
import type { Session } from '../../state/session';
import { Failure } from '../../wire/api';

export type KnownFrame = Frame | Failure | undefined;

/** The picture is fetched only if the icon `isSeen`. */
export function conceptIcon(frame: KnownFrame, isSeen: boolean, session: Session): TemplateResult {
  const empty = (text: string) => html`<span class="frame-icon none">${text}</span>`;
  if (frame === undefined) return empty('…');
  if (frame instanceof Failure) return empty('damaged');
  if (frame.samples === 0) return empty('–');
  const { at, of } = frame.icon ?? {};
  if (!of || !at) return empty(frame.samples === null ? '?' : 'no icon');
  const picture = isSeen ? session.pages.icon(of.atlas, of.level, at.page) : null;
  const rect = { x: at.x, y: at.y, width: at.side, height: at.side };
  return html`<atlas-crop class="frame-icon" .crop=${picture ? { picture, rect } : null}></atlas-crop>`;
}
