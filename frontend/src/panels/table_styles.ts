// SPDX-License-Identifier: Apache-2.0
/** Look of the table of cells. */

import { css } from 'lit';

export const tableStyles = css`
  .stage:has(.cell-table) {
    display: flex;
    flex-direction: column;
  }
  .stage:has(.cell-table) .left-column {
    position: relative;
    inset: 0;
    width: auto;
    background: var(--surface);
  }
  .stage:has(.cell-table) .banners {
    padding: 12px;
    max-width: 460px;
  }
  .cell-table {
    position: relative;
    flex: 1;
    min-height: 0;
    display: flex;
    flex-direction: column;
    background: var(--surface);
  }
  .stage:has(.inspector) .cell-table {
    margin-right: 332px;
  }
  .table-head {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: 4px 16px;
    min-height: 48px;
    padding: 8px 16px;
  }
  .pager {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .table-body {
    flex: 1;
    overflow: auto;
    border-top: 1px solid var(--line);
  }
  .table-body:focus-visible {
    outline-offset: -2px;
  }
  .cell-table table {
    font-variant-numeric: tabular-nums;
  }
  .cell-table thead th {
    position: sticky;
    top: 0;
    background: var(--surface);
    box-shadow: inset 0 -1px var(--line);
    color: var(--muted);
    font-size: 12px;
    z-index: 1;
  }
  .cell-table td,
  .cell-table th {
    height: 44px;
    padding: 0 12px;
    white-space: nowrap;
  }
  .cell-table tr > :first-child {
    padding-left: 16px;
    width: 56px;
  }
  .cell-table thead th {
    height: 36px;
    font-weight: 500;
  }
  .cell-table thead button {
    min-height: 28px;
    font-weight: 500;
  }
  .cell-table thead span:not(.hidden) {
    display: inline-block;
    width: 14px;
    text-align: center;
  }
  .cell-table [aria-sort] {
    color: var(--text);
  }
  .cell-table tbody tr + tr > * {
    border-top: 1px solid var(--line);
  }
  .cell-table tbody tr:hover {
    background: var(--control);
  }
  .cell-table .pinned,
  .cell-table .pinned:hover {
    background: var(--accent-soft);
    box-shadow: inset 3px 0 var(--accent);
  }
  .cell-table .patch {
    width: 36px;
  }
  .cell-table .link {
    padding: 4px 0;
  }
`;
