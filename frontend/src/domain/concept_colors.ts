// SPDX-License-Identifier: Apache-2.0
/** Colors of concepts by id: the same at every step and in every view. */

/**
 * Twenty colors in each theme, hue by hue, of largest distance in OKLab with normal and with deuteranopic
 * vision. In an order in which any five neighbors differ well, since ids are given in sequence.
 */
const LIGHT =
  '#07c7a4 #3cb5fe #fe7b90 #922703 #0d7b65 #086abc #ed9316 #5a9313 #523ba4 #c95b0a #256300 #db85e3 #7c5792 #92bc3d #055b77 #108eae #8c1d62 #7e6cd9 #846313 #c25191'.split(
    ' ',
  );
const DARK =
  '#5be8ac #11a7d7 #feb6a9 #ca8377 #12b37c #96d3fd #c26201 #a3bc7d #7e6ed3 #fd9156 #798848 #fea8f6 #cb73c4 #f8c143 #079390 #05cbc6 #c5547c #a5a7ff #b99305 #fc85ad'.split(
    ' ',
  );

/** Color of samples in no concept. */
export const NO_CONCEPT_COLOR = '#9a9a9a';

/** Ids of the concepts that are born at one step start at a multiple of this. */
const IDS_PER_STEP = 1000;
/** The colors of one step start so many after those of the step before it. */
const SHIFT = 7;

/** The color of a concept as #rrggbb; gray for a negative id, which means none. Colors repeat after 20 ids. */
export function conceptColor(id: number, dark: boolean): string {
  const place = id + SHIFT * Math.floor(id / IDS_PER_STEP);
  return (dark ? DARK : LIGHT)[place % LIGHT.length] ?? NO_CONCEPT_COLOR;
}
