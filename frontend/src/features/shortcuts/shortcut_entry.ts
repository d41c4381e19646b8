// SPDX-License-Identifier: Apache-2.0
/** One shortcut of the list: its effect next to controls, its first step, its images, and its cells. */

import { html, nothing, svg, type TemplateResult } from 'lit';
import type { CellPlace, Rect } from '../../domain/display_types';
import { countIn } from '../../domain/sample_rows';
import { resultOf } from '../../domain/shortcut_evidence';
import { cropOfBox } from '../../domain/thumbnail_crop';
import type { AtlasMap } from '../../map/atlas_map';
import { atlasOnScreen } from '../../state/reference_step';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { closeUp } from '../../state/zoom_to_cell';
import type { Crop } from '../../ui/crop_canvas';
import { patchesMissing } from '../../ui/sample_patches';
import { count, fraction, percent, plural, shorten } from '../../util/format';
import { type Atlas, type Level, levelOf } from '../../wire/atlas';
import type { Example, Rates, Search, Shortcut } from '../../wire/shortcut_record';
import type { LoadedSearch } from './step_shortcuts';

const NAME = 40;
/** Strength from which a patch counts as a shortcut by itself. */
const STRONG = 2.2;
/** Number of the last steps that are announced. */
const SPOKEN_STEPS = 12;

const RATES: readonly (readonly [keyof Rates, string])[] = [
  ['flip', 'Patch here'],
  ['anywhere', 'Patch anywhere'],
  ['noise', 'Noise here'],
  ['other', 'Other classes here'],
  ['same', 'Same class here'],
];

/** The name of a class as people read it. */
function nameOf({ classes }: Search, index: number): string {
  return classes
    ? shorten(classes[index] ?? `class ${index}`, NAME) || '(no name)'
    : `class ${index}`;
}

/** The result of the test in one sentence. */
export function describe(search: Search, { target, rates }: Shortcut): string {
  return `Pasted at its position, this patch changed the prediction of ${percent(rates.flip)} of images of other classes to “${nameOf(search, target)}”; noise of the same color: ${percent(rates.noise)}.`;
}

export class ShortcutEntry {
  constructor(
    private readonly state: State,
    private readonly search: Search,
    private readonly loaded: LoadedSearch,
    private readonly session: Session,
    private readonly map: AtlasMap,
  ) {}

  /** `index` is that of its patch on the page. */
  render(one: Shortcut, index: number): TemplateResult {
    const { search, state } = this;
    const open = state.shortcut === one.id;
    const toggle = () => this.session.store.set({ shortcut: open ? 'all' : one.id });
    const { box, target } = one;
    return html`<li class=${open ? 'chosen' : ''} data-shortcut=${one.id}>
      <button type="button" class="event" aria-expanded=${open} @click=${toggle}>
        <atlas-crop
          class="shortcut-patch"
          role="img"
          aria-label="Patch of ${box.height} × ${box.width} pixels"
          .crop=${this.#patch(one, index)}
        ></atlas-crop>
        <span class="event-head"><strong>${nameOf(search, target)}</strong></span>
        <span>${describe(search, one)}</span>
      </button>
      <div class="shortcut-facts">
        ${chart(one)} ${this.#foot(one)}
        ${open ? this.#details(one, index) : nothing}
      </div>
    </li>`;
  }

  #patch({ box }: Shortcut, index: number): Crop | null {
    const { patches: picture } = this.loaded;
    const { tile = 1, columns = 1 } = this.search.patches ?? {};
    const x = (index % columns) * tile;
    const y = Math.floor(index / columns) * tile;
    const rect = { x, y, width: box.width, height: box.height };
    return picture && { picture, rect, crisp: true };
  }

  #foot(one: Shortcut): TemplateResult {
    const { area, since } = one;
    const kept = since !== null && this.state.series?.steps.includes(since);
    const evidence = resultOf(one);
    return html`<p class="shortcut-foot muted">
      ${evidence && html`<strong title=${evidence.reason}>${evidence.result}</strong>`}
      <span>${percent(area)} of image</span>
      ${
        since === null
          ? html`<span>never significant</span>`
          : html`<button
              type="button"
              class="button"
              ?disabled=${!kept}
              title=${kept ? 'Go to this step' : 'This step was not kept.'}
              @click=${() => this.session.chooseStep(since)}
            >
              since step ${count(since)}
            </button>`
      }
      ${sparkline(one)}
    </p>`;
  }

  #details(one: Shortcut, index: number): TemplateResult {
    const missing = patchesMissing(this.state, this.search.probe);
    const { strength, support, image, examples, box } = one;
    return html`${this.#position(one)}
      <h3>Before and after <span class="muted">probability of “${nameOf(this.search, one.target)}”</span></h3>
      ${missing ? html`<p class="muted">${missing}</p>` : nothing}
      ${
        examples.length > 0
          ? html`<ul class="pairs">${examples.map((each) => this.#pair(one, index, each))}</ul>`
          : html`<p class="muted">No examples were logged.</p>`
      }
      <h3>Where it was found <span class="muted">image ${image}</span></h3>
      ${this.#picture('whole', `Image ${image} with the position of the patch`, image, box, (at) => ({ box: at }))}
      <p class="muted">
        ${plural(support, 'image')} have attribution for the class at such a patch. Strength
        ${fraction(strength)}: effect relative to area. A shortcut needs ${STRONG}, or less if the
        same class shows it, too.
      </p>`;
  }

  #pair(one: Shortcut, index: number, example: Example): TemplateResult {
    const { image, before, after, probabilityBefore, probabilityAfter } = example;
    const [was, is] = [before, after].map((each) => nameOf(this.search, each));
    const patch = this.#patch(one, index);
    return html`<li>
      ${this.#picture('patch', `Image ${image} before`, image, one.box)}
      ${this.#picture(
        'patch',
        `Image ${image} with the patch`,
        image,
        one.box,
        (at) => patch && { over: { ...patch, at } },
      )}
      <span>${was} → <strong>${is}</strong></span>
      <span class="muted number">${fraction(probabilityBefore)} → ${fraction(probabilityAfter)}</span>
    </li>`;
  }

  /** An image of the probe with what `add` puts at the place of the box; empty until all is here. */
  #picture(
    kind: string,
    label: string,
    image: number,
    { x, y, width, height }: Rect,
    add: (at: Rect) => Partial<Crop> | null = () => ({}),
  ): TemplateResult | typeof nothing {
    const { probe } = this.state;
    if (probe?.manifest.digest !== this.search.probe) return nothing;
    const cut = cropOfBox(probe, image, [y, x, y + height, x + width]);
    const picture = cut && this.session.pages.thumbs(probe.run, probe, cut.page);
    const added = cut && add(cut.patch);
    const crop = picture && added && { picture, rect: cut.image, ...added };
    return html`<atlas-crop class=${kind} role="img" aria-label=${label} .crop=${crop}></atlas-crop>`;
  }

  #position(one: Shortcut): TemplateResult {
    const { samples, similarity } = one;
    const atlas = atlasOnScreen(this.state);
    const level = levelOf(atlas, this.state.shownLevel);
    if (!atlas || !level || atlas.manifest.probeDigest !== this.search.probe) {
      return html`<p class="muted">The map and this search use different probes.</p>`;
    }
    const found = findPlace(atlas, level, samples);
    if (found === null) {
      return html`<p class="muted">
        ${samples.length > 0 ? 'Its nearest samples are in no visible cell of this grid.' : 'Its position on the map is unknown.'}
      </p>`;
    }
    const { place, members } = found;
    const { highlight } = this.state;
    const shown = highlight?.ids === samples;
    return html`<button
        type="button"
        class="button"
        aria-pressed=${shown}
        @click=${() => this.#show(shown ? null : place, one)}
      >
        Show on map
      </button>
      <p class="muted">
        Nearest cell on the map${
          similarity === null
            ? nothing
            : html`, cosine <span class="number">${fraction(similarity)}</span>`
        }:
        row ${place.row + 1}, column ${place.col + 1} of ${place.size} × ${place.size} holds ${members}
        of its ${plural(samples.length, 'nearest sample')}.
      </p>`;
  }

  #show(place: CellPlace | null, { target, samples }: Shortcut): void {
    const { store } = this.session;
    if (place === null) {
      store.set({ highlight: null, pinned: null });
      return;
    }
    const { probe } = this.search;
    const name = `Similar to the patch for “${nameOf(this.search, target)}”`;
    const highlight = { ids: samples, of: 'sample', name, event: null, probe } as const;
    store.set({ pinned: place, hover: null, highlight });
    this.map.flyTo(closeUp(store.state, this.map.viewport, place));
  }
}

/** The drawn cell that holds most of `samples`. */
function findPlace(
  { count: all }: Atlas,
  level: Level,
  samples: readonly number[],
): { place: CellPlace; members: number } | null {
  const counts = countIn(level, Int32Array.from(samples.filter((row) => row < all)));
  const members = counts.reduce((most, each) => Math.max(most, each), 0);
  if (members === 0) return null;
  const cell = counts.indexOf(members);
  const [row, col] = [level.rows[cell] as number, level.cols[cell] as number];
  return { place: { size: level.size, row, col }, members };
}

/** Bars with names and patterns, and the confidence interval of patch minus noise. */
function chart({ rates, interval }: Shortcut): TemplateResult {
  const [low, high] = interval.map((end) => Math.round(100 * end)) as [number, number];
  const from = Math.max(0, low);
  return html`<ul class="bars rates">
    ${RATES.map(
      ([key, name]) => html`<li>
        <span>${name}</span>
        <span class="meter ${key}"><i style="width:${100 * rates[key]}%"></i></span>
        <span class="number">${percent(rates[key])}</span>
      </li>`,
    )}
    <li>
      <span>Above noise, 95%</span>
      <span class="span"><i style="left:${from}%;width:${Math.max(0, high - from)}%"></i></span>
      <span class="number">${`${low} … ${high}%`.replaceAll('-', '−')}</span>
    </li>
  </ul>`;
}

/** Flip rates of patch and noise (dashed) at each step, with a dot at the first hit. */
function sparkline({ history, since }: Shortcut): TemplateResult | typeof nothing {
  const known = history.filter(({ flipRate }) => flipRate !== null);
  if (known.length < 2) return nothing;
  const x = (at: number) => 3 + (90 * at) / (history.length - 1);
  const y = (rate: number) => 21 - 18 * rate;
  const path = (key: 'flipRate' | 'noiseFlipRate') =>
    history
      .map(({ [key]: rate }, at) => {
        if (rate === null) return '';
        return `${history[at - 1]?.[key] == null ? 'M' : 'L'}${x(at)} ${y(rate)}`;
      })
      .join('');
  const first = history.findIndex(({ step }) => step === since);
  const words = known.map(({ step, flipRate }) => `step ${count(step)}: ${percent(flipRate ?? 0)}`);
  const label = `Flip rate at ${words.slice(-SPOKEN_STEPS).join(', ')}`;
  return html`<svg class="spark" viewBox="0 0 96 24" role="img" aria-label=${label}>
    ${svg`<path d=${path('noiseFlipRate')} stroke-dasharray="2 2" />
      <path d=${path('flipRate')} />
      ${
        first < 0
          ? nothing
          : svg`<circle cx=${x(first)} cy=${y(history[first]?.flipRate ?? 0)} r="3" />`
      }`}
  </svg>`;
}
