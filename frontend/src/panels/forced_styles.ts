// SPDX-License-Identifier: Apache-2.0
/**
 * What is told by grounds, shadows and gradients, where the reader's system takes those away: by borders, and
 * by its own two inks for what is chosen. Only pictures and keys to their colours keep colours of their own.
 */

import { css } from 'lit';

export const forcedStyles = css`
  @media (forced-colors: active) {
    .panel,
    .banner,
    .map-buttons,
    .skeleton span,
    .progress span {
      border: 1px solid var(--line);
    }
    select {
      appearance: auto;
      padding-right: 4px;
    }
    button:disabled,
    label:has(:disabled) {
      opacity: 1;
      color: GrayText;
    }
    .skeleton::before,
    .swatches i,
    .scale i,
    .filter-key i,
    .difference-key i,
    .span i,
    .meter i,
    .side-mark,
    .pill,
    .patch-button {
      forced-color-adjust: none;
    }
    .swatches i,
    .scale i,
    .meter,
    .confidence {
      border: 1px solid var(--text);
    }
    .confidence {
      height: 6px;
    }
    .meter i[style*='background'] {
      background: var(--accent) !important;
    }
    .tick {
      opacity: 1;
    }
    /* Told from the rest of the line by its breadth. */
    .track .done {
      height: 6px;
      translate: 0 -2px;
    }
    .play:hover {
      background: var(--accent) !important;
    }
    .picker .active {
      outline: 2px solid var(--accent);
      outline-offset: -2px;
    }
    .patch-button:focus-visible {
      outline-offset: 3px;
    }

    /* Chosen: everything inside takes the ink that goes with the ground. */
    :is(
      .segments label:has(:checked),
      .icon-button[aria-pressed='true'],
      .button[aria-pressed='true'],
      .lifeline[aria-pressed='true'],
      .find [aria-selected='true'],
      .frame[aria-current],
      tr[aria-current],
      .chosen,
      .pinned
    ) {
      forced-color-adjust: none;
      --ground: Highlight;
      --surface: Highlight;
      --raised: Highlight;
      --control: Highlight;
      --accent-soft: Highlight;
      --text: HighlightText;
      --muted: HighlightText;
      --line: HighlightText;
      --accent: HighlightText;
      --bad: HighlightText;
      background: Highlight !important;
      color: HighlightText !important;
    }
    .chosen .button[aria-pressed='true'] {
      background: HighlightText !important;
      color: Highlight !important;
    }
    :is([aria-pressed='true'], [aria-current], .chosen):focus-visible {
      outline-offset: -4px;
    }
  }
`;
