// SPDX-License-Identifier: Apache-2.0
/** Look of the search. */

import { css } from 'lit';

export const findStyles = css`
  .find {
    position: absolute;
    top: 12px;
    left: 50%;
    width: min(520px, calc(100% - 24px));
    max-height: calc(100% - 24px);
    transform: translateX(-50%);
    display: flex;
    flex-direction: column;
    gap: 8px;
    padding: 8px 8px 10px;
    z-index: 5;
  }
  .find-head {
    display: flex;
    align-items: center;
    gap: 4px;
  }
  .find input[type='text'] {
    flex: 1;
    height: 36px;
    font-size: 15px;
  }
  .find input::placeholder {
    color: var(--muted);
    opacity: 1;
  }
  .find ul {
    max-height: 336px;
    min-height: 64px;
    overflow: auto;
  }
  .find li {
    display: grid;
    grid-template-columns: 60px minmax(80px, auto) minmax(0, 1fr);
    align-items: center;
    gap: 10px;
    min-height: 32px;
    padding: 0 10px;
    border-radius: 4px;
    cursor: pointer;
  }
  .find li:hover {
    background: var(--control);
  }
  .find [aria-selected='true'] {
    background: var(--accent-soft);
    box-shadow: inset 0 0 0 2px var(--accent);
  }
  .find .kind,
  .find .number {
    font-size: 12px;
  }
  .find .number {
    text-align: end;
  }
  .find p {
    padding: 0 10px;
    font-size: 12px;
  }
`;
