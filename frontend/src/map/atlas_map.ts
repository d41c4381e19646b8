// SPDX-License-Identifier: Apache-2.0
/** The element of the map: canvases, camera, and choice of the scene. Draws a frame only after a change. */

import {
  between,
  type Camera,
  clampCamera,
  fitCamera,
  fitSide,
  reveal,
  toScreen,
  type Viewport,
  worldSide,
  zoomAt,
} from '../domain/camera';
import type { CellPlace } from '../domain/display_types';
import { pagesInView } from '../domain/icon_sprites';
import { resolveLevel } from '../domain/level_of_detail';
import { shareLayout } from '../domain/series/relayout_runs';
import type { PanBuffer } from '../render/gl/pan_buffer';
import type { PointsPass } from '../render/gl/points_pass';
import { createContext } from '../render/gl/program';
import type {
  ColoredPoints,
  Frame,
  Renderer,
  Scene,
  SceneColors,
  WeightedScene,
} from '../render/scene';
import { WebglRenderer } from '../render/webgl_renderer';
import type { Session } from '../state/session';
import type { PageSet } from '../state/sprite_pages';
import type { State } from '../state/store';
import type { Atlas, Level } from '../wire/atlas';
import { Fade } from './cross_fade';
import { largerExtent, mapExtent } from './map_extent';
import { themeOf } from './theme';
import type { TwoStepScenes } from './two_step_scenes';

const MAX_RATIO = 2;
const STEP_FADE_MS = 300;
const LEVEL_FADE_MS = 220;
const FLIGHT_MS = 220;
/** Graphics that have been lost for so long will not come back of themselves. */
const RESTORED_MS = 3000;
/** A frame after a long rest counts as one, so that fades always begin at their beginning. */
const LONGEST_FRAME_MS = 64;

const HIDDEN: Viewport = { width: 0, height: 0 };

interface Flight {
  readonly from: Camera;
  readonly to: Camera;
  readonly start: number;
}

/** Without a decorator the map is tiles alone. */
const PLAIN: SceneColors = { cellColors: null, pointColors: null };

/** Parts of the map that load after its first frame: points, colors, and overlays. */
export interface Decorator {
  readonly tiles: {
    /** Whether points that belong on screen are on their way. */
    readonly waiting: boolean;
    /** Points of samples that the atlas of a scene does not contain. */
    pointsOf(scene: Scene): readonly ColoredPoints[] | undefined;
  };
  color(atlas: Atlas, level: Level, state: State): SceneColors;
  createPoints(gl: WebGL2RenderingContext): PointsPass;
  createPan(gl: WebGL2RenderingContext, paint: (frame: Frame) => void): PanBuffer;
  /** Draws over the tiles; returns whether anything was drawn. */
  decorate(context: CanvasRenderingContext2D, ratio: number): boolean;
}

interface CachedScene {
  readonly signature: string;
  readonly colors: SceneColors;
  /** Weakly: what has left the screen must not keep its icons beyond the budget of their cache. */
  readonly scene: WeakRef<Scene>;
}

export class AtlasMap extends HTMLElement {
  #session: Session | null = null;
  #decorator: Decorator | null = null;
  #transition: TwoStepScenes | null = null;
  #front: Scene | null = null;
  #canvas = this.#createCanvas();
  readonly #overlay = document.createElement('canvas');
  #renderer: Renderer | null = null;
  readonly #fade = new Fade<Scene>();
  readonly #scenes = new WeakMap<Level, CachedScene>();
  #viewport: Viewport = HIDDEN;
  #ratio = 1;
  #requested = 0;
  #restoring: ReturnType<typeof setTimeout> | undefined;
  #cleared = false;
  #drawnAt = 0;
  #flight: Flight | null = null;
  readonly #resize = new ResizeObserver(() => this.measure());
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');

  /** Set once, by the shell. */
  set session(session: Session) {
    if (this.#session !== null) return;
    this.#session = session;
    session.pages.watch(() => this.invalidate());
    session.store.subscribe(({ extent }, before) => {
      if (extent !== before.extent) this.#viewport = { ...this.#viewport, ...extent };
      this.invalidate();
    });
    this.invalidate();
  }

  get viewport(): Viewport {
    return this.#viewport;
  }

  /** CSS pixels at the right of the element that are under a panel. */
  cover: () => number = () => 0;

  /** The scene on screen or fading in. */
  get scene(): Scene | null {
    return this.#front;
  }

  /** Where the camera is or is flying to. */
  get goal(): Camera {
    return this.#flight?.to ?? this.#state.camera;
  }

  connectedCallback(): void {
    if (this.childElementCount === 0) {
      this.append(this.#canvas, this.#overlay);
      void this.#createRenderer();
    }
    this.#resize.observe(this);
  }

  disconnectedCallback(): void {
    this.#resize.disconnect();
    // Nothing is drawn while hidden.
    this.#viewport = HIDDEN;
  }

  /** Requests a frame; several calls make one, and none while the tab is hidden. */
  invalidate(): void {
    if (this.#requested !== 0 || this.#viewport.height === 0) return;
    this.#requested = requestAnimationFrame((now) => {
      this.#requested = 0;
      this.#draw(now);
    });
  }

  setDecorator(decorator: Decorator): void {
    this.#decorator = decorator;
    this.#addPasses();
    // What it adds is not on screen yet.
    this.#session?.store.set({ settled: false });
    this.invalidate();
  }

  /** Decides from now on how scenes of two steps are shown. */
  set transition(transition: TwoStepScenes) {
    this.#transition = transition;
    this.#addPasses();
  }

  moveTo(camera: Camera): void {
    this.#flight = null;
    this.#session?.store.set({ camera: clampCamera(camera) });
  }

  flyTo(camera: Camera): void {
    if (this.#calm.matches) {
      this.moveTo(camera);
      return;
    }
    const to = clampCamera(camera);
    this.#flight = { from: this.#state.camera, to, start: performance.now() };
    this.invalidate();
  }

  zoomBy(factor: number): void {
    const { width, height } = this.#viewport;
    this.flyTo(zoomAt(this.goal, this.#viewport, { x: width / 2, y: height / 2 }, factor));
  }

  /** Shows the whole map as it is now, and what it is compared with: it may have grown since its first step. */
  fit(): void {
    const atlas = this.#front?.atlas;
    const room = this.#room;
    if (atlas) {
      const { camera, level, compare, other } = this.#state;
      const shown =
        compare !== null && other && shareLayout(atlas, other) ? [atlas, other] : [atlas];
      const extent = shown.map((one) => mapExtent(one, room, level)).reduce(largerExtent);
      const z = worldSide(camera, this.#viewport) / fitSide({ ...this.#viewport, ...extent });
      this.#session?.store.set({ extent, camera: { ...camera, z } });
    }
    this.flyTo(fitCamera(this.#room));
  }

  /** The least movement that brings a cell into view, also from under a panel. */
  reveal({ size, row, col }: CellPlace): void {
    const from = this.goal;
    const to = reveal(from, this.#room, size, row, col);
    if (to !== from) this.flyTo(to);
  }

  /** The square of a cell on the element, in CSS pixels. */
  boxOf({ size, row, col }: CellPlace): { x: number; y: number; side: number } {
    const { camera } = this.#state;
    const corner = toScreen(camera, this.#viewport, { x: col / size, y: row / size });
    return { ...corner, side: worldSide(camera, this.#viewport) / size };
  }

  /** As `viewport`, with the part that is under a panel. */
  get #room(): Viewport {
    return { ...this.#viewport, covered: this.cover() };
  }

  get #state(): State {
    return (this.#session as Session).store.state;
  }

  /** Fits the canvases to the element, at so many device pixels for each of its own. */
  measure(ratio = Math.min(MAX_RATIO, devicePixelRatio || 1)): void {
    const { clientWidth: width, clientHeight: height } = this;
    const shown = width > 0 && height > 0;
    const wasHidden = this.#viewport.height === 0;
    this.#viewport = shown ? { width, height, ...this.#session?.store.state.extent } : HIDDEN;
    if (this.#viewport.height === 0) return;
    this.#ratio = ratio;
    const [w, h] = [Math.round(width * this.#ratio), Math.round(height * this.#ratio)];
    for (const canvas of [this.#canvas, this.#overlay]) {
      // Each assignment makes a new buffer, and every visit to another of TensorBoard's tabs leads here.
      if (canvas.width !== w) canvas.width = w;
      if (canvas.height !== h) canvas.height = h;
    }
    this.#cleared = true;
    this.#draw(performance.now());
    if (wasHidden) this.dispatchEvent(new Event('shown'));
  }

  #createCanvas(): HTMLCanvasElement {
    const canvas = document.createElement('canvas');
    canvas.addEventListener('webglcontextlost', (event) => {
      // Only the browser can restore it.
      event.preventDefault();
      const lost = () => this.#session?.store.set({ renderer: 'lost' });
      this.#restoring = setTimeout(lost, RESTORED_MS);
    });
    canvas.addEventListener('webglcontextrestored', () => void this.#createRenderer());
    return canvas;
  }

  /** Draws on a canvas of its own in the place of one that has lost its graphics. */
  revive(): void {
    const old = this.#canvas;
    this.#canvas = this.#createCanvas();
    old.replaceWith(this.#canvas);
    void this.#createRenderer();
    this.measure();
  }

  async #createRenderer(): Promise<void> {
    clearTimeout(this.#restoring);
    const gl = createContext(this.#canvas);
    if (gl !== null) {
      this.#renderer = new WebglRenderer(gl);
      this.#addPasses();
      this.#session?.store.set({ renderer: 'webgl' });
    } else {
      const chunk = await import('../render/canvas_renderer').catch(() => null);
      const context = this.#canvas.getContext('2d');
      const drawn = chunk !== null && context !== null;
      this.#renderer = drawn ? new chunk.CanvasRenderer(this.#canvas, context) : null;
      this.#session?.store.set({ renderer: drawn ? 'canvas' : 'none' });
    }
    this.invalidate();
  }

  #addPasses(): void {
    const [renderer, decorator, transition] = [this.#renderer, this.#decorator, this.#transition];
    if (!(renderer instanceof WebglRenderer)) return;
    if (decorator) {
      renderer.addPoints((gl) => decorator.createPoints(gl));
      renderer.addPan((gl, paint) => decorator.createPan(gl, paint));
    }
    if (transition) renderer.addMotion((gl, sheets) => transition.createPass(gl, sheets));
  }

  #draw(now: number): void {
    if (this.#session === null || this.#viewport.height === 0) return;
    // Where nothing can be drawn the rest of the tab goes on, and cells can be read.
    if (this.#renderer === null && this.#state.renderer !== 'none') return;
    this.#advanceFlight(now);
    const arrived = this.#chooseScene(this.#session);
    this.#advanceFade(now);
    const { camera } = this.#state;
    const theme = themeOf(this.#state);
    const moving = this.#fade.moving || this.#flight !== null;
    const scenes = this.#weigh(this.#session);
    this.#renderer?.draw({
      camera,
      viewport: this.#viewport,
      ratio: this.#ratio,
      cleared: this.#cleared,
      scenes,
      neutral: theme.neutralTile,
      ground: theme.ground,
    });
    this.#cleared = false;
    const context = this.#overlay.getContext('2d');
    const drawn = context !== null && this.#decorator?.decorate(context, this.#ratio);
    // An empty canvas costs the browser as much as a full one.
    this.#overlay.style.visibility = drawn ? '' : 'hidden';
    if (moving) this.invalidate();
    const shownLevel = this.#fade.current?.level.size ?? null;
    this.#session.store.set({
      settled:
        arrived &&
        !moving &&
        ![this.#transition, this.#decorator?.tiles].some((one) => one?.waiting),
      shownLevel,
    });
  }

  #weigh({ pages }: Session): readonly WeightedScene[] {
    const { items } = this.#fade;
    const sceneOf = (atlas: Atlas, level: Level) => {
      const set = pages.icons(atlas, level, this.#pagesInView(level));
      return set.complete ? this.#sceneOf(atlas, level, set) : null;
    };
    const scenes: readonly WeightedScene[] =
      this.#transition?.arrange(items, this.#state, this.#viewport, sceneOf) ??
      items.map(({ item, weight }) => ({ scene: item, weight }));
    this.#front = scenes.at(-1)?.scene ?? null;
    return scenes.map((one) =>
      one.motion ? one : { ...one, more: this.#decorator?.tiles.pointsOf(one.scene) },
    );
  }

  #advanceFlight(now: number): void {
    if (this.#flight === null) return;
    const { from, to, start } = this.#flight;
    const t = Math.min(1, Math.max(0, (now - start) / FLIGHT_MS));
    if (t === 1) this.#flight = null;
    this.#session?.store.set({ camera: t === 1 ? to : between(from, to, 1 - (1 - t) ** 3) });
  }

  #advanceFade(now: number): void {
    const passed = Math.min(LONGEST_FRAME_MS, Math.max(0, now - this.#drawnAt));
    this.#drawnAt = now;
    const [older, newest] = this.#fade.items.slice(-2);
    const stepped = older?.item.atlas !== newest?.item.atlas;
    this.#fade.advance(this.#calm.matches ? 1 : passed / (stepped ? STEP_FADE_MS : LEVEL_FADE_MS));
  }

  /**
   * Decides what to show and fades to it once its pages are here; until then the old scene stays, so
   * that nothing pops. Returns whether the wanted scene is the current one.
   */
  #chooseScene(session: Session): boolean {
    const { atlas, step, level: choice, shownLevel, series, camera } = this.#state;
    if (atlas === null || atlas.series !== series?.id) return false;
    const first = this.#fade.current === null;
    const side = worldSide(camera, this.#viewport);
    const index = resolveLevel(atlas.levels, choice, side, first ? null : shownLevel);
    const wanted = atlas.levels[index] as Level;
    const level = first ? (atlas.levels[0] as Level) : wanted;
    const needed = this.#pagesInView(level);
    const pages = session.pages.icons(atlas, level, needed);
    session.store.set({ arriving: needed.length > 1 && !pages.complete });
    if (!pages.complete) return false;
    session.store.set({ sheetFailure: pages.failure });
    this.#show(this.#sceneOf(atlas, level, pages));
    return level === wanted && atlas.step === step;
  }

  #pagesInView(level: Level): readonly number[] {
    return pagesInView(level, this.#state.camera, this.#viewport);
  }

  #show(scene: Scene): void {
    const before = this.#fade.current?.atlas;
    // Steps with the same viewport are not fitted again, so that motion on screen is motion on the map.
    if (!before || !shareLayout(before, scene.atlas)) {
      const extent = mapExtent(scene.atlas, this.#viewport, this.#state.level);
      this.#session?.store.set({ extent });
    }
    if (this.#fade.current?.level === scene.level) this.#fade.swap(scene);
    else this.#fade.show(scene);
  }

  /** The same object as long as it would look the same, since fades go by identity. */
  #sceneOf(atlas: Atlas, level: Level, { pages, failure }: PageSet): Scene {
    const state = this.#state;
    const { color, show, dark } = state;
    const decorator = this.#decorator;
    const loaded = pages.map((page) => (page ? 1 : 0)).join('');
    const signature = [color, show, dark, loaded, failure === null, decorator !== null].join();
    const cached = this.#scenes.get(level);
    const known = cached?.signature === signature ? cached : null;
    const drawn = known?.scene.deref();
    if (drawn) return drawn;
    const colors = known?.colors ?? decorator?.color(atlas, level, state) ?? PLAIN;
    const scene: Scene = { atlas, level, pages, tiles: show !== 'points', ...colors };
    this.#scenes.set(level, { signature, colors, scene: new WeakRef(scene) });
    return scene;
  }
}

customElements.define('atlas-map', AtlasMap);
