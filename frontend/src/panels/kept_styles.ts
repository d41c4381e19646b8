// SPDX-License-Identifier: Apache-2.0
/** Look of selections and pins. */

import { css } from 'lit';

export const keptStyles = css`
  .kept {
    gap: 14px;
  }
  .kept > * {
    flex: none;
  }
  .kept .sides {
    padding: 0;
  }
  .kept p.muted {
    font-size: 12px;
  }
  .kept .fault {
    color: var(--bad);
  }
  .selection {
    display: grid;
    gap: 12px;
    min-width: 0;
  }
  .naming {
    display: flex;
    gap: 6px;
  }
  .naming input[type='text'] {
    flex: 1;
    border-color: var(--muted);
  }
  .labelled-patches {
    display: grid;
    grid-template-columns: repeat(4, minmax(0, 1fr));
    gap: 6px;
  }
  .labelled-patches span {
    display: block;
    font-size: 11px;
    line-height: 16px;
  }
  .course {
    font-variant-numeric: tabular-nums;
  }
  .course thead th {
    color: var(--muted);
    font-size: 12px;
    white-space: nowrap;
  }
  .course td,
  .course th {
    height: 24px;
    padding: 0 6px 0 0;
  }
  .course :is(td, th):not(:nth-child(-n + 2)),
  .course td:not([colspan]):last-child {
    text-align: end;
  }
  .course:not(.places) th:nth-child(2) {
    width: 37%;
  }
  .places th:first-child {
    width: 64px;
  }
  .course td:has(.meter) {
    display: grid;
    grid-template-columns: 1fr 38px;
    align-items: center;
    gap: 6px;
  }
  .course .meter i {
    background: var(--muted);
  }
  .course tr[aria-current] {
    background: var(--accent-soft);
    box-shadow: inset 3px 0 0 var(--accent);
    font-weight: 600;
  }
  .step-link {
    min-width: 56px;
    min-height: 24px;
    padding: 0 8px;
    text-align: start;
    text-decoration: underline;
    text-underline-offset: 3px;
  }
  .places td {
    text-align: start !important;
  }
  .places td .step-link {
    display: block;
    padding: 0;
    text-decoration-color: var(--line);
  }
  .places tr > * {
    vertical-align: top;
  }
  .kept-item {
    display: flex;
    align-items: center;
  }
  .kept-item .event {
    flex: 1;
    min-width: 0;
    gap: 0;
    padding: 6px 8px;
  }
  .kept-item .name {
    overflow-wrap: anywhere;
  }
  .kept-item .muted,
  .kept-item .number {
    font-size: 12px;
  }
  .kept-item .pin {
    grid-template-columns: 48px 1fr;
    column-gap: 10px;
  }
  .pin-icon {
    grid-row: span 3;
    width: 48px;
    height: 48px;
  }
`;
