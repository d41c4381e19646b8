// SPDX-License-Identifier: Apache-2.0
/** Look of the lists of cells in other layers. */

import { css } from 'lit';

export const acrossStyles = css`
  .across-list ul {
    display: grid;
    gap: 4px;
  }
  .across-list h3 {
    overflow-wrap: anywhere;
  }
  .cell-button {
    display: grid;
    grid-template-columns: 28px 104px 1fr 36px;
    gap: 8px;
    align-items: center;
    width: 100%;
    padding: 2px;
    border-radius: 4px;
    text-align: left;
    font-size: 12px;
  }
  .cell-button:hover {
    background: var(--control);
  }
  .cell-button .number {
    text-align: right;
  }
  .cell-button .meter i {
    background: var(--muted);
  }
  .small-icon {
    width: 28px;
    height: 28px;
  }
  .small-icon.none {
    font-size: 0;
  }
  .merge {
    display: grid;
    padding: 4px 0;
    border-top: 1px solid var(--line);
  }
  .becomes {
    padding-left: 8px;
  }
  .merge .muted {
    padding-left: 38px;
    font-size: 12px;
  }
`;
