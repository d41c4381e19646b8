// SPDX-License-Identifier: Apache-2.0
/** Copies text to the clipboard. */

/** Returns the outcome as a sentence. */
export async function copy(text: string, done: string): Promise<string> {
  let copied = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copied = copyByEvent(text);
  }
  return copied ? done : 'The browser blocked the copy.';
}

/** Pages without a secure origin have no clipboard, but receive the copy event. */
function copyByEvent(text: string): boolean {
  const onCopy = (event: ClipboardEvent) => {
    event.clipboardData?.setData('text/plain', text);
    event.preventDefault();
  };
  document.addEventListener('copy', onCopy);
  const copied = document.execCommand('copy');
  document.removeEventListener('copy', onCopy);
  return copied;
}
