// SPDX-License-Identifier: Apache-2.0
/** Shows the help dialog. */

import { nothing, type TemplateResult } from 'lit';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import type { Feature } from '../feature';
import { helpDialog } from './help';

export class HelpController implements Feature {
  constructor(private readonly session: Session) {}

  panes({ help }: State): TemplateResult | typeof nothing {
    return help ? helpDialog(() => this.session.store.set({ help: false })) : nothing;
  }
}
