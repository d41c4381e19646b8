// SPDX-License-Identifier: Apache-2.0
/** Look of what is about asking for classes. */

import { css } from 'lit';

export const filterStyles = css`
  .filter > .link {
    align-self: start;
    padding: 4px 0;
    text-align: start;
    overflow-wrap: anywhere;
  }
  .filter {
    gap: 12px;
  }
  .filter > *,
  .shortcuts > * {
    flex: none;
  }
  .filter .segments label {
    flex: 1;
  }
  .picker {
    display: grid;
    gap: 6px;
  }
  .picker ul {
    padding: 2px;
    max-height: 174px;
    overflow: auto;
    border: 1px solid var(--line);
    border-radius: 4px;
  }
  .picker li {
    display: flex;
    align-items: center;
    gap: 8px;
    min-height: 28px;
    padding: 0 8px;
    border-radius: 4px;
    cursor: pointer;
  }
  .picker li::before {
    content: '';
    flex: none;
    width: 12px;
    height: 12px;
    border: 1.5px solid var(--muted);
    border-radius: 3px;
  }
  .picker [aria-selected='true']::before {
    border-color: var(--accent);
    background: var(--accent);
    box-shadow: inset 0 0 0 2px var(--surface);
  }
  .picker [aria-disabled='true'] .name {
    text-decoration: line-through;
  }
  .picker li:hover {
    background: var(--control);
  }
  .picker .active {
    box-shadow: inset 0 0 0 1.5px var(--muted);
  }
  .picker input:focus ~ ul .active {
    box-shadow: inset 0 0 0 2px var(--accent);
  }
  .picker li .number {
    margin-left: auto;
    white-space: nowrap;
    font-size: 12px;
  }
  .picker p {
    font-size: 12px;
  }
  .chips {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
  }
  .chips li {
    max-width: 100%;
  }
  .chip {
    display: flex;
    align-items: center;
    gap: 6px;
    height: 28px;
    max-width: 100%;
    padding: 0 10px;
    border: 1px solid var(--accent);
    border-radius: 14px;
    background: var(--accent-soft);
  }
  .strongest .event {
    padding: 6px 8px;
    gap: 4px;
  }
  .strongest .event .number {
    color: inherit;
  }
  .strongest .event > .muted {
    font-size: 12px;
  }
  .meter.helps i,
  .strongest .meter i {
    background: var(--gain);
  }
  .meter.hurts i {
    background: repeating-linear-gradient(135deg, var(--loss) 0 3px, #0000 3px 5px) !important;
  }

  .voices .bars li {
    grid-template-columns: minmax(0, 92px) 1fr auto;
  }
  .voices .meter {
    position: relative;
  }
  .meter b {
    position: absolute;
    top: 3px;
    height: 2px;
    background: var(--text);
  }

  .filter-legend {
    gap: 6px;
    max-width: 376px;
  }
  .filter-head {
    display: flex;
    align-items: baseline;
    gap: 4px;
  }
  .filter-legend strong {
    flex: 1;
    overflow-wrap: anywhere;
  }
  .filter-legend .side-mark {
    vertical-align: text-bottom;
  }
  .filter-legend .muted {
    font-size: 12px;
  }
  .filter-key {
    display: grid;
    gap: 4px;
  }
  .filter-key li {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .filter-key i {
    flex: none;
    width: 16px;
    height: 16px;
    border-radius: 3px;
    border: 2px solid var(--text);
  }
  .filter-key .passes {
    border-color: var(--accent);
  }
  .filter-key .helps {
    border-color: var(--gain);
  }
  .filter-key .hurts {
    border-color: var(--loss);
    background: repeating-linear-gradient(135deg, var(--loss) 0 1.5px, #0000 1.5px 4px);
  }
  .filter-key .few {
    border-style: dotted;
  }
  .filter-key .dim {
    border: 0;
    background: color-mix(in srgb, var(--muted) 28%, transparent);
  }

  .voices h4 {
    margin: 4px 0 2px;
    font-size: 12px;
    font-weight: 400;
    color: var(--muted);
  }
  .voices .bars li {
    grid-template-columns: minmax(0, 92px) 1fr 56px;
    min-height: 24px;
  }
  .voices .bars .name {
    min-height: 24px;
    text-align: start;
  }
  .voices .bars .name:hover {
    text-decoration: underline;
  }
`;
