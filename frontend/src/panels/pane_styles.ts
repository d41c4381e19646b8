// SPDX-License-Identifier: Apache-2.0
/** Look of the panes; what lies over the first map keeps to its part of the stage. */

import { css } from 'lit';

export const paneStyles = css`
  .pane {
    position: absolute;
    display: flex;
    flex-direction: column;
    border-right: 1px solid var(--line);
    border-bottom: 1px solid var(--line);
    overflow: hidden;
  }
  .pane.first {
    justify-content: space-between;
    pointer-events: none;
  }
  .pane.first > * {
    pointer-events: auto;
  }
  .pane-bar {
    display: flex;
    align-items: center;
    gap: 5px;
    flex: none;
    height: 38px;
    padding: 0 4px 0 8px;
    background: var(--surface);
    border-bottom: 1px solid var(--line);
  }
  .pane-bar .side-mark {
    flex: none;
  }
  .pane-bar .field {
    flex: 1 1 0;
    max-width: 220px;
  }
  .pane-bar .field:last-of-type {
    flex-grow: 1.4;
  }
  .pane-bar .field > label {
    position: absolute;
    width: 1px;
    overflow: hidden;
    clip-path: inset(50%);
  }
  .pane-bar select {
    height: 28px;
    width: 100%;
    min-width: 0;
    padding: 0 16px 0 7px;
    font-size: 12px;
    background-position:
      calc(100% - 10px) 11px,
      calc(100% - 5px) 11px;
  }
  .pane-bar .icon-button {
    flex: none;
    margin-left: auto;
    width: 28px;
    height: 28px;
  }
  .pane-map {
    position: relative;
    flex: 1;
    min-height: 0;
  }
  .pane-caption {
    flex: none;
    height: 26px;
    padding: 0 10px;
    line-height: 26px;
    font-size: 12px;
    color: var(--muted);
    background: var(--surface);
    border-top: 1px solid var(--line);
  }
  .pane-caption.lit {
    color: var(--text);
    font-weight: 500;
  }
  .pane-note {
    position: absolute;
    left: 0;
    bottom: 0;
    width: var(--panes-width);
    padding: 2px 10px 0;
    font-size: 12px;
    line-height: 20px;
  }
  .not-linked {
    position: absolute;
    inset: 8px 54px auto 8px;
    max-height: calc(100% - 16px);
    padding: 6px 12px;
    overflow: auto;
    overflow-wrap: anywhere;
  }
  .not-linked ul {
    margin: 0 0 8px;
    padding-left: 18px;
    list-style: disc;
  }
  .not-linked .button {
    height: auto;
    min-height: 32px;
    margin-bottom: 4px;
  }
  .pane .pane-map .map-buttons.map-buttons {
    right: 9px;
    bottom: 11px;
  }
  .stage:has(.pane) > :is(atlas-map, .veil, .divider) {
    inset: 38px auto auto 0;
    width: calc(var(--pane-width) - 1px);
    height: calc(var(--pane-height) - 65px);
  }
  .stage:has(.pane) > .left-column {
    inset: 46px auto auto 8px;
    height: calc(var(--pane-height) - 81px);
    width: min(460px, calc(var(--pane-width) - 66px));
  }
  .stage:has(.pane) > .map-buttons {
    inset: calc(var(--pane-height) - 146px) auto auto calc(var(--pane-width) - 46px);
    height: 108px;
  }
  .stage:has(.pane) > .top-column {
    left: calc(var(--pane-width) / 2);
    top: 46px;
    max-width: calc(var(--pane-width) - 24px);
  }
  /* The line under the map says where it comes from. */
  .stage:has(.pane) .legend:has(> .provenance:only-child),
  .stage:has(.pane) > atlas-minimap {
    display: none;
  }
`;
