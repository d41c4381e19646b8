// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { cssColor } from '../../src/util/css_color';

it('writes arrays of either kind', () => {
  expect(cssColor([245, 246, 247])).toBe('rgb(245,246,247)');
  expect(cssColor(Uint8Array.of(0, 128, 255))).toBe('rgb(0,128,255)');
});
