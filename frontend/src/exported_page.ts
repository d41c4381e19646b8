// SPDX-License-Identifier: Apache-2.0
/** Entry of the page that `tensorboard-atlas export` writes. */

import { useOwnWindow } from './host/tensorboard';
import { render } from './index';
import { serveFrom } from './wire/api';
import { readExportedPage } from './wire/exported_page';

const { info, link, log } = readExportedPage(document);
useOwnWindow();
if (location.hash === '' && link !== '') location.hash = link;
serveFrom(log);
render(info);
