// SPDX-License-Identifier: Apache-2.0
/** Look of the export. */

import { css } from 'lit';

export const exportStyles = css`
  .export {
    position: absolute;
    top: 12px;
    right: 12px;
    width: 300px;
    max-width: calc(100% - 24px);
    max-height: calc(100% - 24px);
    overflow: auto;
    display: grid;
    gap: 10px;
    padding: 8px 16px 16px;
    z-index: 5;
  }
  .export .segments label {
    flex: 1;
  }
  .export p {
    font-size: 12px;
  }
  .export p:last-child:empty {
    display: none;
  }
  .export input[type='text'] {
    font-size: 12px;
    color: var(--muted);
  }
`;
