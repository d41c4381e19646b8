// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { timeline } from '../../../src/features/timeline/timeline';
import type { Player } from '../../../src/state/player';
import type { State } from '../../../src/state/store';
import type { History, HistoryStep } from '../../../src/wire/series_history';
import { find, root, sessionSpy, show, stateWith, text } from '../../helpers/panel_page';

describe('timeline', () => {
  const panel = (change: Partial<State> = {}) => {
    const session = sessionSpy();
    show(timeline(stateWith(change), session, session as unknown as Player));
    return session;
  };
  const past = (
    steps: readonly Partial<HistoryStep>[],
    more: Partial<Omit<History, 'steps'>> = {},
  ): History => ({
    logged: 3,
    kept: 3,
    skipped: [],
    events: null,
    eventsFound: 0,
    concepts: null,
    groups: null,
    ...more,
    steps: new Map(
      steps.map((one) => {
        const step = {
          step: 0,
          status: 'ok',
          reason: null,
          samples: null,
          concepts: null,
          sequence: null,
          trustworthiness: null,
          preliminary: false,
          ...one,
        } as const;
        return [step.step, step];
      }),
    ),
  });

  it('has a tick for every step and announces its position', () => {
    panel();
    const ticks = [...root.querySelectorAll<HTMLElement>('.tick')];
    expect(ticks.map((tick) => tick.dataset.step)).toEqual(['0', '1000', '4000']);
    expect(ticks.map((tick) => tick.classList.contains('passed'))).toEqual([true, true, false]);
    expect(find('input[type=range]').getAttribute('aria-valuetext')).toBe('step 1000, 2 of 3');
    expect(text('.moment')).toMatch(/^Step 1,000 2 of 3 · /);
  });

  it('knows no time where the log has none', () => {
    const times = (wallTimes: number[]) => {
      panel({ series: { ...stateWith({}).series, wallTimes } as never });
      return text('.moment');
    };
    for (const none of [0, -1, 1e300])
      expect(times([0, none, 0])).toBe('Step 1,000 2 of 3 · time unknown');
    expect(times([0, 1_700_000_000, 0])).toMatch(/ · 1[45] Nov, /);
  });

  it('moves by slider and buttons', () => {
    const session = panel();
    const slider = find<HTMLInputElement>('input[type=range]');
    slider.value = '2';
    slider.dispatchEvent(new Event('input'));
    find('[aria-label="Previous step"]').click();
    find('[aria-label="Next step"]').click();
    find('[aria-label="Play the steps"]').click();
    expect(session.calls).toEqual([['step', 4000], ['by', -1], ['by', 1], ['play']]);
  });

  it('closes the ways that lead nowhere', () => {
    panel({ step: 0 });
    expect(find<HTMLButtonElement>('[aria-label="Previous step"]').disabled).toBe(true);
    panel({ step: 4000 });
    expect(find<HTMLButtonElement>('[aria-label="Next step"]').disabled).toBe(true);
    panel({ playing: true });
    expect(root.querySelector('[aria-label=Pause]')).not.toBeNull();
  });

  it('says how many steps are kept and how to keep all', () => {
    const note = (steps: Parameters<typeof past>[0]) => {
      panel({ history: past(steps, { logged: 300, kept: 200 }) });
      return text('.note').split('; ');
    };
    const [first, damaged] = [
      { step: 120, sequence: 15 },
      { step: 90, sequence: null, status: 'damaged' },
    ] as const;
    expect(note([{ step: 0, sequence: 1 }, first])).toEqual([
      '200 of 300 logged steps kept, including the first and the last',
      'restart TensorBoard with --atlas_samples=300 to keep all.',
    ]);
    expect(note([first])[0]).toBe(
      '200 of 300 logged steps kept, without the first 14, before step 120',
    );
    expect(note([damaged])[0]).toBe('200 of 300 logged steps kept');
    expect(note([damaged, first])[0]).toMatch(/without the first 13, before step 90$/);
  });

  it('is silent when there is nothing to say', () => {
    panel({ history: past([{ step: 0 }]) });
    expect(root.querySelector('.note')).toBeNull();
  });

  it('marks damaged steps and reports the reason', () => {
    const damaged = { step: 1000, status: 'damaged', reason: 'blob 2 is short' } as const;
    panel({ history: past([damaged, { step: 4000, status: 'too_new', reason: 'version 9' }]) });
    const bad = [...root.querySelectorAll<HTMLElement>('.tick.bad')];
    expect(bad.map((tick) => tick.dataset.step)).toEqual(['1000', '4000']);
    expect(text('.note')).toBe('1 damaged step. 1 step from a newer version.');
    expect(find('.note .bad').title).toBe('step 1,000: blob 2 is short');
    expect(find('input[type=range]').title).toBe('blob 2 is short');
  });

  it('reports skipped steps', () => {
    const skipped = [
      { step: 2000, reason: 'busy' },
      { step: 3000, reason: 'budget' },
      { step: 9000, reason: 'unheard of' },
    ];
    panel({ history: past([], { skipped }) });
    expect(text('.note')).toBe('Step 2,000 was skipped: the queue was full.');
    expect(find('.note span').title).toBe(
      'Step 2,000 was skipped: the queue was full\n' +
        'Step 3,000 was skipped: the time budget was used up\n' +
        'Step 9,000 was skipped: unheard of',
    );
    const ticks = [...root.querySelectorAll<HTMLElement>('.tick.skipped')];
    expect(ticks.map((tick) => [tick.dataset.step, tick.style.left])).toEqual([
      ['2000', '75%'],
      ['3000', '75%'],
      ['9000', '100%'],
    ]);
    expect(ticks[0]?.title).toBe('Step 2,000 was skipped: the queue was full');
    panel({ history: past([], { skipped: skipped.slice(2) }) });
    expect(text('.note')).toBe('1 step skipped.');
  });

  it('offers new steps and never jumps', () => {
    const session = panel({ freshSteps: 3 });
    expect(text('.pill')).toBe('3 new steps');
    expect(session.calls).toEqual([]);
    find('.pill').click();
    expect(session.calls).toEqual([['fresh']]);
  });

  describe('of an exported page', () => {
    const page = (exported: string, ...omitted: string[]) => {
      panel({ source: { kind: 'page', title: 'A title', exported, omitted }, history: past([]) });
      return text('.note');
    };

    it('has the date and the first thing that is left out', () => {
      expect(page('2026-03-04T12:30+00:00')).toBe('Exported Mar 4, 2026.');
      expect(page('2026-03-04T12:30+00:00', 'No icons.')).toBe('Exported Mar 4, 2026. No icons.');
      expect(page('2026-03-04T12:30+00:00', 'No icons.', 'No steps.', 'No runs.')).toBe(
        'Exported Mar 4, 2026. No icons. + 2 more',
      );
      expect(find('.note').title).toBe('No icons.\nNo steps.\nNo runs.');
    });

    it('has no date if it cannot be read', () => {
      expect(page('yesterday', 'No icons.')).toBe('Exported. No icons.');
    });
  });
});
