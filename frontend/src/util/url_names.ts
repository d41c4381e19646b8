// SPDX-License-Identifier: Apache-2.0
/** Names in lists of the URL, whose separators they may contain. */

/** Longest name in a URL; longer ones are replaced by ids, so that lists always fit. */
const LONGEST_NAME = 130;

/** The name, percent encoded, or the id if the name is too long or not well formed. */
export function encodeName(name: string, id: string): string {
  try {
    const encoded = encodeURIComponent(name);
    return encoded.length <= LONGEST_NAME ? encoded : id;
  } catch {
    // Half of a character, which no address can hold.
    return id;
  }
}

export function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
