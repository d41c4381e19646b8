// SPDX-License-Identifier: Apache-2.0
/** Look of the film strip. */

import { css } from 'lit';

export const filmStyles = css`
  .film-scroll {
    overflow-x: auto;
    margin: 0 -8px;
  }
  .film ol {
    display: flex;
  }
  .film li {
    flex: none;
    width: 60px;
  }
  .frame {
    display: grid;
    justify-items: center;
    width: 100%;
    padding: 2px 0;
    border-radius: 6px;
    font-size: 11px;
  }
  .frame:hover {
    background: var(--control);
  }
  .frame:focus-visible {
    outline-offset: -2px;
  }
  .frame[aria-current] {
    background: var(--accent-soft);
    box-shadow: inset 0 0 0 2px var(--accent);
    font-weight: 600;
  }
  .frame .marks {
    display: flex;
    height: 18px;
  }
  .frame-icon {
    width: 52px;
    height: 52px;
  }
  .film-lines {
    display: block;
    fill: none;
    stroke: var(--text);
    stroke-width: 2;
    stroke-linejoin: round;
    stroke-linecap: round;
  }
  .film .share {
    stroke: var(--accent);
    stroke-dasharray: 4 3;
  }
  .film-key {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 14px;
    font-size: 12px;
  }
  .film-key span {
    display: flex;
    align-items: center;
    gap: 6px;
  }
  .film-key i {
    width: 18px;
    border-top: 2px solid var(--text);
  }
  .film-key .share {
    border-top: 2px dashed var(--accent);
  }
`;
