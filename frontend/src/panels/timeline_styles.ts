// SPDX-License-Identifier: Apache-2.0
/** Look of the timeline. */

import { css } from 'lit';

export const timelineStyles = css`
  .transport {
    display: flex;
    align-items: center;
    gap: 2px;
  }
  .play {
    width: 40px;
    height: 40px;
    background: var(--accent);
    color: var(--on-accent);
  }
  .play:hover:not(:disabled) {
    background: color-mix(in srgb, var(--accent), var(--text) 15%);
    color: var(--on-accent);
  }
  .play svg {
    width: 24px;
    height: 24px;
  }
  .tools {
    display: flex;
    gap: 2px;
  }
  .icon-button[aria-pressed='true'] {
    color: var(--accent);
    background: var(--accent-soft);
    box-shadow: inset 0 0 0 1px var(--accent);
  }
  .segments.small label {
    height: 24px;
    padding: 0 8px;
    font-size: 12px;
  }
  .motion[hidden] {
    display: none;
  }
  .slider {
    position: relative;
    flex: 1;
    min-width: 120px;
    height: 32px;
  }
  .slider input {
    appearance: none;
    position: absolute;
    inset: 0;
    width: 100%;
    height: 32px;
    margin: 0;
    background: none;
    cursor: pointer;
    border-radius: 4px;
  }
  .slider input::-webkit-slider-thumb {
    appearance: none;
    width: 16px;
    height: 16px;
    border-radius: 50%;
    background: var(--accent);
    border: 2px solid var(--surface);
    box-shadow: 0 0 0 1px var(--accent);
  }
  .slider input::-moz-range-thumb {
    width: 12px;
    height: 12px;
    border-radius: 50%;
    background: var(--accent);
    border: 2px solid var(--surface);
    box-shadow: 0 0 0 1px var(--accent);
  }
  .track {
    position: absolute;
    left: 8px;
    right: 8px;
    top: 15px;
    height: 2px;
    border-radius: 1px;
    background: var(--line);
  }
  .track .done {
    height: 100%;
    background: var(--accent);
  }
  .tick {
    position: absolute;
    top: -4px;
    width: 2px;
    height: 10px;
    margin-left: -1px;
    border-radius: 1px;
    background: var(--muted);
    opacity: 0.55;
  }
  .tick.passed {
    background: var(--accent);
    opacity: 1;
  }
  .tick.bad {
    background: var(--bad);
    opacity: 1;
    height: 14px;
    top: -6px;
    width: 3px;
  }
  .tick.skipped {
    top: -2px;
    height: 6px;
  }
  .moment {
    min-width: 148px;
    font-variant-numeric: tabular-nums;
    line-height: 1.35;
  }
  .moment strong {
    font-size: 14px;
  }
  .moment .muted,
  .note {
    color: var(--muted);
    font-size: 12px;
  }
  .note {
    max-width: 330px;
    line-height: 1.35;
  }
  .note code {
    font: 11.5px/1.4 'Roboto Mono', ui-monospace, monospace;
    white-space: nowrap;
  }
  .note .bad {
    color: var(--bad);
  }
  .pill {
    height: 28px;
    padding: 0 12px;
    border-radius: 14px;
    background: var(--accent);
    color: var(--on-accent);
    font-weight: 500;
    white-space: nowrap;
  }
  @media (max-width: 720px) {
    .note,
    .motion,
    .transport .icon-button:not(.play) {
      display: none;
    }
    .moment {
      min-width: 0;
    }
  }
`;
