// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { topBar } from '../../src/app/top_bar';
import { find, root, sessionSpy, show, stateWith, text } from '../helpers/panel_page';

describe('top bar', () => {
  const bar = (title: string | null) => {
    const page = { kind: 'page', title: title ?? '', exported: '', omitted: [] } as const;
    show(topBar(stateWith(title === null ? {} : { source: page }), sessionSpy()));
  };

  it('has a title in an exported page only', () => {
    bar(null);
    expect(root.querySelector('.title')).toBeNull();
    bar('Four runs <b>');
    expect(text('.title')).toBe('Four runs <b>');
    expect(find('.title').title).toBe('Four runs <b>');
    expect(find('header').firstElementChild).toBe(find('.title'));
  });

  it('shows an untrusted title as one line of text', () => {
    bar('\u202egnp.exe\u2028\0two');
    expect(text('.title')).toBe('gnp.exe two');
    bar('x'.repeat(300));
    expect(text('.title')).toHaveLength(200);
  });
});
