// SPDX-License-Identifier: Apache-2.0
/** Look of the list of shortcuts. */

import { css } from 'lit';

export const shortcutStyles = css`
  .shortcut-tool {
    grid-auto-flow: column;
    gap: 2px;
    width: auto;
    padding: 0 6px;
    border-radius: 16px;
  }
  .shortcut-tool path {
    fill-rule: evenodd;
  }
  .shortcut-tool b {
    font-size: 12px;
    color: var(--accent);
  }
  .shortcuts .event-items {
    grid-template-columns: minmax(0, 1fr);
  }
  .shortcuts .event {
    grid-template-columns: 64px 1fr;
    gap: 2px 12px;
    overflow-wrap: anywhere;
  }
  .shortcut-patch {
    grid-row: 1 / 3;
    width: 64px;
    height: 64px;
  }
  .shortcuts .event > span:last-child {
    font-size: 12px;
  }
  .shortcut-facts {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 8px;
    padding: 2px 8px 12px;
  }
  .shortcut-facts p {
    font-size: 12px;
  }
  .rates {
    font-size: 12px;
    gap: 1px;
  }
  .bars.rates li {
    grid-template-columns: 118px 1fr 62px;
  }
  .rates i {
    background: repeating-linear-gradient(135deg, var(--muted) 0 2px, #0000 2px 4px);
  }
  .rates .flip i {
    background: var(--accent);
  }
  .span {
    position: relative;
    height: 8px;
  }
  .span i {
    position: absolute;
    height: 8px;
    border: solid var(--text);
    border-width: 0 1.5px;
    background: linear-gradient(var(--text), var(--text)) center / 100% 1.5px no-repeat;
  }
  .shortcut-foot {
    display: flex;
    align-items: center;
    justify-content: space-between;
    flex-wrap: wrap;
    gap: 4px 8px;
  }
  .shortcut-foot * {
    white-space: nowrap;
  }
  .shortcut-foot .button {
    height: 24px;
    padding: 0 8px;
  }
  .spark {
    width: 64px;
    height: 24px;
    fill: none;
    stroke: var(--muted);
    stroke-width: 1.5;
    border-bottom: 1px solid var(--line);
  }
  .spark path:last-of-type {
    stroke: var(--accent);
  }
  .spark circle {
    fill: var(--accent);
    stroke: none;
  }
  .pairs {
    display: grid;
    grid-template-columns: 1fr 1fr;
    gap: 10px 12px;
    font-size: 12px;
  }
  .pairs li {
    display: grid;
    grid-template-columns: 1fr 1fr;
    gap: 2px 4px;
    align-content: start;
    overflow-wrap: anywhere;
  }
  .pairs span {
    grid-column: 1 / -1;
  }
  .shortcut-facts .whole {
    width: 128px;
  }
`;
