// SPDX-License-Identifier: Apache-2.0
/** Look of the shell: tokens for both themes, bars, controls, map. Panels that load later bring their own. */

import { css } from 'lit';

export const tokens = css`
  :host {
    --ground: #f5f6f7;
    --surface: #fff;
    --raised: #fff;
    --text: #212121;
    --muted: #5f6368;
    --line: #dadce0;
    --control: #f1f3f4;
    --accent: #c74600;
    --on-accent: #fff;
    --accent-soft: #c746000a;
    --bad: #b3261e;
    --skeleton: #e3e5e8;
    --gain: #d55e00;
    --loss: #0072b2;
    --shadow: 0 1px 2px #0000001f, 0 4px 16px #0000001f;
    color-scheme: light;
    font: 13px/1.45 Roboto, system-ui, -apple-system, 'Segoe UI', sans-serif;
    color: var(--text);
    background: var(--ground);
  }
  :host([data-theme='dark']) {
    --ground: #282828;
    --surface: #303030;
    --raised: #383838;
    --text: #f1f1f1;
    --muted: #b8b8b8;
    --line: #4d4d4d;
    --control: #3d3d3d;
    --accent: #ffa726;
    --on-accent: #212121;
    --accent-soft: #ffa7261f;
    --bad: #ff8a80;
    --skeleton: #3a3a3a;
    --gain: #ffa04d;
    --loss: #6ab7ff;
    --shadow: 0 1px 2px #00000066, 0 4px 16px #00000066;
    color-scheme: dark;
  }
  /* Colours of the reader's system are kept where they are named; all others it would replace. */
  @media (forced-colors: active) {
    :host,
    :host([data-theme]) {
      --ground: Canvas;
      --surface: Canvas;
      --raised: Canvas;
      --text: CanvasText;
      --muted: CanvasText;
      --line: CanvasText;
      --control: Canvas;
      --accent: Highlight;
      --on-accent: HighlightText;
      --accent-soft: Canvas;
      --bad: CanvasText;
      --skeleton: GrayText;
      --gain: Highlight;
      --loss: CanvasText;
    }
  }
`;

export const shell = css`
  :host {
    display: flex;
    flex-direction: column;
    height: 100%;
    overflow: hidden;
  }
  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }
  .hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 1px;
  }
  .bar {
    display: flex;
    align-items: center;
    flex: none;
    background: var(--surface);
    padding: 8px 16px;
    gap: 8px 20px;
  }
  header.bar {
    flex-wrap: wrap;
    gap: 8px 14px;
    border-bottom: 1px solid var(--line);
    min-height: 49px;
  }
  footer.bar {
    border-top: 1px solid var(--line);
    min-height: 68px;
  }
  .field {
    display: flex;
    align-items: center;
    gap: 8px;
    min-width: 0;
  }
  .field > label,
  .field > .label {
    color: var(--muted);
    font-size: 12px;
    white-space: nowrap;
  }
  /* Where the bar would break, what stands in the fields says what they are for. */
  @media (max-width: 1320px) {
    .field > label,
    .field > .label {
      position: absolute;
      width: 1px;
      overflow: hidden;
      clip-path: inset(50%);
    }
  }
  .buttons {
    display: flex;
    gap: 2px;
    margin-left: auto;
  }

  select {
    appearance: none;
    font: inherit;
    color: inherit;
    height: 32px;
    max-width: 220px;
    min-width: 96px;
    padding: 0 28px 0 10px;
    border: 1px solid var(--line);
    border-radius: 4px;
    background-color: var(--surface);
    background-image:
      linear-gradient(45deg, #0000 50%, var(--muted) 50%),
      linear-gradient(-45deg, #0000 50%, var(--muted) 50%);
    background-position:
      calc(100% - 16px) 13px,
      calc(100% - 11px) 13px;
    background-size: 5px 5px;
    background-repeat: no-repeat;
    text-overflow: ellipsis;
    cursor: pointer;
  }
  select:hover {
    border-color: var(--muted);
  }
  option {
    background: var(--raised);
    color: var(--text);
  }
  button {
    font: inherit;
    color: inherit;
    cursor: pointer;
    background: none;
    border: 0;
    padding: 0;
  }
  button:disabled,
  label:has(:disabled) {
    opacity: 0.38;
    cursor: default;
  }
  .icon-button {
    display: inline-grid;
    place-items: center;
    width: 32px;
    height: 32px;
    border-radius: 50%;
    color: var(--muted);
  }
  .icon-button:hover:not(:disabled) {
    background: var(--control);
    color: var(--text);
  }
  .icon-button svg {
    width: 20px;
    height: 20px;
    fill: currentColor;
  }
  .segments {
    display: inline-flex;
    border: 1px solid var(--line);
    border-radius: 4px;
    overflow: hidden;
  }
  .segments label {
    position: relative;
    display: grid;
    place-items: center;
    height: 30px;
    padding: 0 12px;
    cursor: pointer;
    color: var(--muted);
  }
  .segments label + label {
    border-left: 1px solid var(--line);
  }
  .segments label:hover {
    background: var(--control);
  }
  .segments label:has(:checked) {
    background: var(--accent-soft);
    color: var(--accent);
    font-weight: 500;
  }
  .segments label:has(:focus-visible) {
    outline: 2px solid var(--accent);
    outline-offset: -2px;
  }
  .segments input {
    position: absolute;
    opacity: 0;
    inset: 0;
    margin: 0;
    cursor: pointer;
  }

  .middle {
    position: relative;
    display: flex;
    flex: 1;
    min-height: 0;
  }
  .stage {
    position: relative;
    flex: 1;
    min-width: 0;
    overflow: hidden;
  }
  atlas-map {
    position: absolute;
    inset: 0;
    cursor: grab;
    touch-action: none;
    overflow: hidden;
  }
  atlas-map.dragging {
    cursor: grabbing;
  }
  atlas-map:focus-visible {
    outline-offset: -2px;
  }
  atlas-map canvas {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    pointer-events: none;
  }
  .progress {
    position: absolute;
    inset: 0 0 auto;
    overflow: hidden;
    pointer-events: none;
    display: grid;
    justify-items: center;
    padding: 12px;
  }
  .progress::after {
    content: '';
    position: absolute;
    inset: 0 0 auto;
    height: 3px;
    width: 30%;
    background: var(--accent);
    animation: slide 1.2s infinite ease-in-out;
  }
  .skeleton {
    position: absolute;
    inset: 0;
    display: grid;
    place-items: center;
    pointer-events: none;
  }
  .skeleton::before {
    content: '';
    height: min(calc(100% - 40px), 100vw);
    aspect-ratio: 1;
    background: var(--skeleton);
    border-radius: 50%;
    mask: conic-gradient(from 90deg at 5px 5px, #0000 25%, #000 0) 0 0 / 10% 10%;
    animation: breathe 1.6s infinite ease-in-out;
  }
  .skeleton span {
    position: absolute;
  }
  .skeleton span,
  .progress span {
    padding: 6px 14px;
    border-radius: 16px;
    background: var(--raised);
    box-shadow: var(--shadow);
    color: var(--muted);
  }
  .progress span {
    animation: appear 1ms 400ms backwards;
  }
  @keyframes appear {
    from {
      opacity: 0;
    }
  }
  @keyframes slide {
    from {
      transform: translateX(-100%);
    }
    to {
      transform: translateX(340%);
    }
  }
  @keyframes breathe {
    50% {
      opacity: 0.55;
    }
  }

  @media (prefers-reduced-motion: reduce) {
    *,
    ::before,
    ::after {
      animation: none !important;
      transition: none !important;
    }
  }
`;
