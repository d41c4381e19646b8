// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { expect, it } from 'vitest';
import { addOverrides, addStyles } from '../../src/ui/adopted_styles';

function shadow(): ShadowRoot {
  return document.createElement('div').attachShadow({ mode: 'open' });
}

function rules({ adoptedStyleSheets }: ShadowRoot): string[] {
  return adoptedStyleSheets.flatMap(({ cssRules }) => [...cssRules].map((rule) => rule.cssText));
}

it('adds styles and keeps those it has', () => {
  const root = shadow();
  addStyles(root, 'p { color: red; }');
  addStyles(root, 'p { top: 0; }');
  expect(rules(root)).toEqual(['p { color: red; }', 'p { top: 0px; }']);
});

it('adds the styles of a module once to each root', () => {
  const roots = [shadow(), shadow()];
  for (const root of roots) {
    addStyles(root, 'p { color: red; }');
    addStyles(root, 'p { color: red; }');
    expect(rules(root)).toEqual(['p { color: red; }']);
  }
});

it('keeps overrides behind the styles of modules that come later', () => {
  const root = shadow();
  addOverrides(root, 'p { top: 1px; }');
  addStyles(root, 'p { top: 2px; }');
  addStyles(root, 'p { top: 3px; }');
  expect(rules(root)).toEqual(['p { top: 2px; }', 'p { top: 3px; }', 'p { top: 1px; }']);
});
