// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { saveFile } from '../../src/util/download';

describe('saveFile', () => {
  const save = () => saveFile(new Blob(['text']), 'cells.csv', ' at 2×');
  const clicked: string[] = [];

  beforeEach(() => {
    clicked.length = 0;
    vi.stubGlobal('URL', { createObjectURL: () => 'blob:x', revokeObjectURL: () => {} });
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (
      this: HTMLAnchorElement,
    ) {
      clicked.push(this.download);
    });
  });

  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  it.each([
    ['a page', 'http://127.0.0.1', false],
    ['a file that is opened from disk', 'null', false],
    ['a frame of the same origin, as in TensorBoard', 'http://127.0.0.1', true],
  ])('reports the name in %s', (_, origin, framed) => {
    vi.stubGlobal('origin', origin);
    if (framed) vi.stubGlobal('parent', {});
    expect(save()).toBe('Saved cells.csv at 2×');
    expect(clicked).toEqual(['cells.csv']);
  });

  it('reports in a sandboxed frame that it may block downloads', () => {
    vi.stubGlobal('origin', 'null');
    vi.stubGlobal('parent', {});
    expect(save()).toMatch(/^Saved cells\.csv at 2×\. If the file is missing, this frame blocks/);
    expect(clicked).toEqual(['cells.csv']);
  });
});
