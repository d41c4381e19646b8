// SPDX-License-Identifier: Apache-2.0
/** Look of what is about more than one step. */

import { css } from 'lit';

export const evolutionStyles = css`
  .glyph {
    width: 18px;
    height: 18px;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 2.2;
    stroke-linecap: round;
  }
  .glyph circle {
    fill: currentColor;
    stroke: none;
  }
  .event-marks {
    position: absolute;
    left: 8px;
    right: 8px;
    top: -10px;
    height: 0;
  }
  .event-mark {
    position: absolute;
    display: grid;
    place-items: center;
    width: 24px;
    height: 20px;
    margin-left: -12px;
    border-radius: 4px;
    color: var(--muted);
    z-index: 1;
  }
  .event-mark:hover {
    background: var(--control);
    color: var(--text);
  }
  .event-mark.here {
    color: var(--accent);
  }
  .event-mark.chosen {
    color: var(--accent);
    background: var(--accent-soft);
    box-shadow: inset 0 0 0 1px var(--accent);
  }

  .events {
    flex: none;
    width: 312px;
    padding: 8px 16px 16px;
    display: flex;
    flex-direction: column;
    gap: 8px;
    overflow: auto;
    background: var(--surface);
    border-right: 1px solid var(--line);
    line-height: 1.4;
  }
  @media (max-width: 900px) {
    .events {
      position: absolute;
      inset: 0 auto 0 0;
      max-width: 100%;
      z-index: 5;
      box-shadow: var(--shadow);
    }
  }
  .events-head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 8px;
    font-size: 12px;
  }
  .event-items,
  .lifelines,
  .strongest ol {
    margin: 0 -8px;
  }
  .event-items {
    display: grid;
    gap: 2px;
  }
  .event-items li {
    border-radius: 6px;
  }
  .event-items li.chosen {
    background: var(--accent-soft);
    box-shadow: inset 3px 0 0 var(--accent);
  }
  .event {
    display: grid;
    gap: 2px;
    width: 100%;
    padding: 8px;
    border-radius: 6px;
    text-align: left;
  }
  .event:hover {
    background: var(--control);
  }
  .event:focus-visible {
    outline-offset: -2px;
  }
  .event-head {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .event-head .number {
    margin-left: auto;
    color: var(--muted);
    font-size: 12px;
  }
  .event-text {
    padding-left: 26px;
    overflow-wrap: anywhere;
  }
  .event-foot {
    display: flex;
    align-items: center;
    gap: 8px;
    padding-left: 26px;
    font-size: 11.5px;
    font-variant-numeric: tabular-nums;
  }
  .confidence {
    width: 44px;
    height: 4px;
    border-radius: 2px;
    background: color-mix(in srgb, var(--muted) 28%, transparent);
    overflow: hidden;
  }
  .confidence i {
    display: block;
    height: 100%;
    background: var(--muted);
  }
  .sides {
    display: flex;
    gap: 6px;
    padding: 2px 8px 10px 34px;
  }
  .sides .button {
    flex: 1;
    height: 28px;
    padding: 0 8px;
    white-space: nowrap;
  }
  .button[aria-pressed='true'] {
    background: var(--surface);
    border-color: var(--accent);
    color: var(--accent);
  }
  .no-events {
    display: grid;
    gap: 8px;
    line-height: 1.5;
  }

  .lifeline {
    display: grid;
    grid-template-columns: 1fr auto;
    gap: 0 8px;
    width: 100%;
    padding: 5px 8px;
    border-radius: 6px;
    text-align: left;
  }
  .lifeline:hover {
    background: var(--control);
  }
  .lifeline .name {
    overflow-wrap: anywhere;
  }
  .lifeline .muted {
    grid-column: 1 / -1;
    font-size: 12px;
  }
  .lifeline[aria-pressed='true'] {
    background: var(--accent-soft);
    box-shadow: inset 3px 0 0 var(--accent);
  }

  .drift-legend {
    gap: 4px;
    max-width: 376px;
  }
  .drift-legend .segments {
    justify-self: start;
  }
  .drift-legend .muted {
    font-size: 12px;
  }
  .drift-key {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .drift-key svg {
    width: 36px;
    height: 18px;
    flex: none;
    fill: currentColor;
  }
  .drift-key .broken {
    stroke: currentColor;
    stroke-width: 1.4;
    stroke-dasharray: 2 3;
    fill: none;
    opacity: 0.75;
  }

  .top-column {
    position: absolute;
    top: 12px;
    left: 50%;
    translate: -50%;
    display: flex;
    flex-direction: column;
    align-items: center;
    gap: 8px;
    max-width: calc(100% - 24px);
    z-index: 2;
    pointer-events: none;
  }
  .below-axis {
    top: 26px;
  }
  .top-column > * {
    pointer-events: auto;
  }
  .stage:has(.inspector) .left-column {
    width: min(460px, calc(100% - 408px));
  }
  @media (min-width: 900px) {
    .stage:has(.inspector) .top-column {
      left: calc(50% - 166px);
      max-width: calc(100% - 356px);
    }
  }
  .compare-bar {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: center;
    gap: 6px 12px;
    padding: 6px 8px 6px 12px;
  }
  .compare-bar select {
    min-width: 0;
    height: 28px;
    background-position:
      calc(100% - 16px) 11px,
      calc(100% - 11px) 11px;
  }
  .compare-failure {
    flex-basis: 100%;
    color: var(--bad);
  }
  .side-mark {
    display: inline-grid;
    place-items: center;
    width: 18px;
    height: 18px;
    border-radius: 4px;
    background: var(--text);
    color: var(--surface);
    font-size: 11px;
    font-weight: 600;
  }
  .side-mark.on-line {
    position: absolute;
    top: 34px;
    margin-left: -8px;
    width: 16px;
    height: 16px;
  }
  .divider {
    appearance: none;
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    margin: 0;
    background: none;
    pointer-events: none;
    z-index: 1;
  }
  .divider:focus-visible {
    outline-offset: -2px;
  }
  .divider::-webkit-slider-thumb {
    appearance: none;
    pointer-events: auto;
    width: 24px;
    height: 56px;
    border-radius: 12px;
    border: 2px solid var(--surface);
    background: var(--accent);
    box-shadow: var(--shadow);
    cursor: ew-resize;
  }
  .divider::-moz-range-thumb {
    pointer-events: auto;
    width: 20px;
    height: 52px;
    border-radius: 12px;
    border: 2px solid var(--surface);
    background: var(--accent);
    cursor: ew-resize;
  }
  .difference-key {
    display: grid;
    grid-template-columns: auto auto;
    gap: 4px 16px;
  }
  .difference-key li {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .difference-key i {
    flex: none;
    width: 14px;
    height: 14px;
    border: 0 solid var(--text);
  }
  .difference-key .gain {
    background: var(--gain);
  }
  .difference-key .loss {
    border: 3px solid var(--loss);
  }
  .difference-key .only-a {
    border: 1.5px dashed var(--text);
  }
  .difference-key .only-b {
    border: 4px double var(--text);
  }
  .changes th {
    font-weight: 500;
    color: var(--muted);
  }
  .changes td,
  .changes th {
    padding: 0 12px 0 0;
    height: 24px;
  }
  atlas-map.selecting {
    cursor: crosshair;
  }
  .tool-hint {
    padding: 6px 14px;
    pointer-events: none !important;
  }
  .highlight-pill {
    display: flex;
    align-items: center;
    gap: 8px;
    padding: 2px 4px 2px 14px;
    border-radius: 20px;
    border: 1px solid var(--accent);
    overflow-wrap: anywhere;
  }
  .highlight-pill strong {
    margin-right: 4px;
  }
`;
