// SPDX-License-Identifier: Apache-2.0
/** Adds the style sheet of a module to the shadow root that its elements are in. */

const sheets = new Map<string, CSSStyleSheet>();
/** Sheets that stay behind all others, and so win over rules of the same specificity. */
const overrides = new WeakSet<CSSStyleSheet>();

/** Adopts `rules` once for each root, however often it is called. */
export function addStyles(root: ShadowRoot, rules: string): void {
  const sheet = sheetOf(rules);
  const adopted = root.adoptedStyleSheets;
  if (adopted.includes(sheet)) return;
  const isOverride = (one: CSSStyleSheet) => overrides.has(one);
  root.adoptedStyleSheets = [
    ...adopted.filter((one) => !isOverride(one)),
    ...[sheet, ...adopted.filter(isOverride)],
  ];
}

/** The same, for rules that win over those of every module, whichever comes first. */
export function addOverrides(root: ShadowRoot, rules: string): void {
  overrides.add(sheetOf(rules));
  addStyles(root, rules);
}

function sheetOf(rules: string): CSSStyleSheet {
  let sheet = sheets.get(rules);
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(rules);
    sheets.set(rules, sheet);
  }
  return sheet;
}
