// SPDX-License-Identifier: Apache-2.0
/** Up and down go from button to button, so that a long list is not a long way by Tab alone. */

export function walk(event: KeyboardEvent): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const list = event.currentTarget as HTMLElement;
  const from = (event.target as HTMLElement).closest('.event');
  if (by === undefined || from === null) return;
  const buttons = [...list.querySelectorAll<HTMLElement>('.event')];
  buttons[buttons.indexOf(from as HTMLElement) + by]?.focus();
  event.preventDefault();
}
