// SPDX-License-Identifier: Apache-2.0
/** The style sheet of all features that are opened by hand. */

export { default } from './extras.css?inline';
