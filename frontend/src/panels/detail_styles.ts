// SPDX-License-Identifier: Apache-2.0
/** Look of the panels that arrive after the first map. */

import { css } from 'lit';

export const detailStyles = css`
  .panel {
    background: var(--raised);
    border-radius: 8px;
    box-shadow: var(--shadow);
    line-height: 1.4;
  }
  .muted {
    color: var(--muted);
  }
  h2 {
    font-size: 15px;
    font-weight: 500;
    margin: 0;
  }
  h3 {
    display: flex;
    flex-wrap: wrap;
    justify-content: space-between;
    gap: 0 8px;
    font-size: 12px;
    font-weight: 500;
    margin: 0 0 6px;
  }
  :is(h2, h3) .muted {
    font-weight: 400;
  }
  strong {
    font-weight: 500;
  }
  :is(.reading, .shortcuts p) strong {
    font-weight: 600;
  }
  p,
  figure {
    margin: 0;
  }
  ul,
  ol {
    list-style: none;
    margin: 0;
    padding: 0;
  }
  table {
    border-collapse: collapse;
    width: 100%;
  }
  th {
    font-weight: 400;
    text-align: start;
  }
  input:is([type='text'], [type='search']) {
    font: inherit;
    color: inherit;
    width: 100%;
    height: 32px;
    min-width: 0;
    padding: 0 10px;
    border: 1px solid var(--line);
    border-radius: 4px;
    background: var(--ground);
    text-overflow: ellipsis;
  }
  .bars .name,
  .picker .name,
  .chip .name,
  .find li span,
  .labelled-patches span,
  .pane-caption {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .big-icon,
  .small-icon,
  .frame-icon,
  .pin-icon,
  .shortcut-patch,
  .patch,
  .whole {
    display: block;
    flex: none;
    border-radius: 5px;
    overflow: hidden;
    background: var(--control);
  }
  .number {
    font-variant-numeric: tabular-nums;
  }

  .map-buttons {
    position: absolute;
    right: 16px;
    bottom: 16px;
    display: flex;
    flex-direction: column;
    background: var(--raised);
    border-radius: 6px;
    box-shadow: var(--shadow);
  }
  .map-buttons .icon-button {
    width: 36px;
    height: 36px;
    border-radius: 6px;
  }
  .map-buttons .icon-button + .icon-button {
    border-top: 1px solid var(--line);
    border-radius: 0 0 6px 6px;
  }
  .button {
    height: 32px;
    padding: 0 16px;
    border-radius: 4px;
    border: 1px solid var(--line);
    background: var(--surface);
    font-weight: 500;
  }
  .button:hover {
    background: var(--control);
  }
  .card {
    position: absolute;
    width: 320px;
    padding: 12px;
    display: flex;
    flex-direction: column;
    gap: 12px;
    pointer-events: none;
    z-index: 3;
  }
  .card-top {
    display: flex;
    gap: 12px;
  }
  .none {
    display: grid;
    place-items: center;
    color: var(--muted);
    font-size: 12px;
  }
  .card .big-icon {
    width: 128px;
    height: 128px;
  }
  .card-facts {
    display: flex;
    flex-direction: column;
    gap: 8px;
    min-width: 0;
    padding-top: 4px;
  }
  .headline strong {
    display: block;
    font-size: 16px;
    font-variant-numeric: tabular-nums;
  }
  .icon-line {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 10px;
    color: var(--muted);
  }
  .weak {
    padding: 0 6px;
    border-radius: 8px;
    border: 1px solid currentColor;
    color: var(--bad);
    font-size: 11px;
    line-height: 16px;
  }
  .patches {
    display: grid;
    grid-template-columns: repeat(6, 1fr);
    gap: 4px;
  }
  .patch,
  .whole {
    aspect-ratio: 1;
  }
  :is(atlas-crop, atlas-minimap) canvas {
    display: block;
    width: 100%;
    height: 100%;
  }
  .bars {
    display: grid;
    gap: 3px;
  }
  .bars li {
    display: grid;
    grid-template-columns: minmax(0, 92px) 1fr 40px;
    gap: 8px;
    align-items: center;
  }
  .bars .number {
    text-align: right;
  }
  .meter {
    height: 8px;
    border-radius: 2px;
    background: var(--control);
    overflow: hidden;
  }
  .meter i {
    display: block;
    height: 100%;
    border-radius: 2px;
  }
  .bars + .muted {
    margin-top: 4px;
    font-size: 12px;
  }
  .whereabouts {
    font-size: 12px;
    border-top: 1px solid var(--line);
    padding-top: 8px;
    overflow-wrap: anywhere;
  }

  .inspector {
    position: absolute;
    top: 12px;
    right: 12px;
    bottom: 12px;
    width: 320px;
    max-width: calc(100% - 24px);
    padding: 12px 16px 16px;
    display: flex;
    flex-direction: column;
    gap: 14px;
    overflow: auto;
    z-index: 2;
  }
  .inspector > * {
    flex: none;
  }
  .stage:has(.inspector) .map-buttons {
    right: 348px;
  }
  atlas-minimap {
    position: absolute;
    right: 64px;
    bottom: 16px;
    width: 108px;
    height: 108px;
    overflow: hidden;
    cursor: crosshair;
    touch-action: none;
  }
  .stage:has(.inspector) atlas-minimap {
    right: 396px;
  }
  .inspector-head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    margin-right: -8px;
  }
  .inspector-head h2 {
    margin-right: auto;
  }
  .inspector .big-icon {
    width: 164px;
    height: 164px;
  }
  .patches.wide {
    grid-template-columns: repeat(4, 1fr);
    gap: 6px;
    margin-bottom: 8px;
  }
  .patch-button {
    border-radius: 4px;
  }
  .patch-button:hover {
    box-shadow: 0 0 0 2px var(--line);
  }
  .patch-button[aria-pressed='true'] {
    box-shadow: 0 0 0 2px var(--accent);
  }
  .whole {
    background: none;
  }
  figcaption {
    margin-top: 4px;
    font-size: 12px;
  }

  .left-column {
    position: absolute;
    inset: 12px auto 12px 12px;
    width: min(460px, calc(100% - 90px));
    display: flex;
    flex-direction: column;
    align-items: flex-start;
    gap: 8px;
    z-index: 1;
    pointer-events: none;
  }
  .left-column * {
    pointer-events: auto;
  }
  .left-column .legends {
    display: grid;
    justify-items: start;
    gap: 8px;
    margin-top: auto;
    pointer-events: none;
  }
  .legend {
    padding: 8px 12px;
    max-width: 100%;
    display: grid;
    gap: 8px;
  }
  summary {
    font-size: 12px;
    font-weight: 500;
    min-height: 24px;
    line-height: 24px;
    cursor: pointer;
  }
  summary + * {
    margin-top: 4px;
  }
  .swatches {
    margin-top: 4px;
    display: grid;
    grid-template-columns: repeat(3, auto);
    justify-content: start;
    gap: 2px 20px;
    max-height: 180px;
    overflow: auto;
  }
  .swatches li {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .swatches i {
    width: 12px;
    height: 12px;
    flex: none;
    border-radius: 3px;
    box-shadow: inset 0 0 0 1px #0000002e;
  }
  .scale {
    display: flex;
    align-items: center;
    gap: 8px;
    font-variant-numeric: tabular-nums;
  }
  .scale i {
    flex: 1;
    min-width: 140px;
    height: 10px;
    border-radius: 2px;
  }
  .legend-note {
    display: flex;
    align-items: center;
    gap: 8px;
    font-size: 12px;
  }
  .legend-note i {
    width: 14px;
    height: 14px;
    border: 2px dotted var(--text);
    border-radius: 3px;
  }
  .class-note {
    max-width: 340px;
    font-size: 12px;
    overflow-wrap: anywhere;
  }
  .provenance {
    font-size: 12px;
    font-variant-numeric: tabular-nums;
  }

  .veil {
    position: absolute;
    inset: 0;
    display: grid;
    place-items: center;
    padding: 24px;
    overflow: auto;
    background: color-mix(in srgb, var(--ground) 94%, transparent);
    z-index: 4;
  }
  .message {
    max-width: 480px;
    display: grid;
    gap: 12px;
    justify-items: start;
    overflow-wrap: anywhere;
  }
  .message.fault {
    border-left: 3px solid var(--bad);
    padding: 4px 0 4px 20px;
  }
  .message.wide {
    max-width: 680px;
  }
  .message h2 {
    font-size: 20px;
    font-weight: 400;
  }
  .message p {
    line-height: 1.55;
  }
  pre {
    margin: 0;
    width: 100%;
    padding: 12px 16px;
    border-radius: 6px;
    background: var(--surface);
    border: 1px solid var(--line);
    overflow: auto;
  }
  code {
    font: 12.5px/1.6 'Roboto Mono', ui-monospace, monospace;
  }
  .request {
    font-size: 12px;
  }
  .message .sides {
    padding: 0;
  }
  .banners {
    display: grid;
    gap: 8px;
  }
  .banner {
    padding: 8px 12px;
    border-radius: 6px;
    background: var(--raised);
    border-left: 3px solid var(--accent);
    box-shadow: var(--shadow);
  }
  .link {
    color: var(--accent);
    text-decoration: underline;
    padding: 4px;
  }

  .help {
    border: 0;
    padding: 0;
    color: inherit;
    width: min(600px, calc(100% - 48px));
    max-height: calc(100% - 48px);
  }
  .help::backdrop {
    background: #00000066;
  }
  .help-body {
    padding: 12px 24px 24px;
    display: grid;
    gap: 14px;
  }
  .reading {
    display: grid;
    gap: 10px;
    line-height: 1.5;
  }
  .help h3 {
    margin: 4px 0 0;
  }
  .setting {
    display: flex;
    align-items: center;
    gap: 10px;
    min-height: 24px;
  }
  .setting input {
    width: 16px;
    height: 16px;
    margin: 0;
    accent-color: var(--accent);
  }
  dl {
    margin: 0;
    display: grid;
    grid-template-columns: max-content 1fr;
    gap: 6px 20px;
  }
  dt {
    font: 12px/1.5 'Roboto Mono', ui-monospace, monospace;
    color: var(--muted);
  }
  dd {
    margin: 0;
  }
`;
