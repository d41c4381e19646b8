// SPDX-License-Identifier: Apache-2.0
/** Adds the style sheet of a module to the shadow root that its elements are in. */

const sheets = new Map<string, CSSStyleSheet>();

/** Adopts `rules` once for each root, however often it is called. */
export function addStyles(root: ShadowRoot, rules: string): void {
  let sheet = sheets.get(rules);
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(rules);
    sheets.set(rules, sheet);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) {
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  }
}
