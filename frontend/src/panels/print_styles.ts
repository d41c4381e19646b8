// SPDX-License-Identifier: Apache-2.0
/** On paper nothing can be pressed: what is shown stays, with its colours; what it is changed by goes. */

import { css } from 'lit';

export const printStyles = css`
  @media print {
    :host {
      print-color-adjust: exact;
    }
    .buttons,
    .map-buttons,
    .motion,
    .transport {
      display: none;
    }
  }
`;
