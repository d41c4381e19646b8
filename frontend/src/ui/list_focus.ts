// SPDX-License-Identifier: Apache-2.0
/** Moves the keyboard focus in lists and boxes. */

/** `ref` calls before the element is in the document, where nothing can have the focus yet. */
export function focusOnce(element: Element | undefined): void {
  queueMicrotask(() => {
    if (element instanceof HTMLElement && element.isConnected) element.focus();
  });
}

/** Closes when the focus goes elsewhere in the page, not when the whole window loses it. */
export function closeWhenLeft(close: () => void): (event: FocusEvent) => void {
  return ({ currentTarget, relatedTarget }) => {
    const inside = relatedTarget instanceof Node && (currentTarget as Node).contains(relatedTarget);
    if (relatedTarget !== null && !inside) close();
  };
}

/** Up and down go from button to button, so that a long list is not a long way by Tab alone. */
export function moveFocus(event: KeyboardEvent): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const list = event.currentTarget as HTMLElement;
  const from = (event.target as HTMLElement).closest('.event');
  if (by === undefined || from === null) return;
  const buttons = [...list.querySelectorAll<HTMLElement>('.event')];
  buttons[buttons.indexOf(from as HTMLElement) + by]?.focus();
  event.preventDefault();
}
