// SPDX-License-Identifier: Apache-2.0
/** Functions of benchmarks/tab.py inside pages; this runs in every frame before other scripts. */
(() => {
  const frame = () => new Promise(requestAnimationFrame);
  const frames = async (count) => {
    for (let i = 0; i < count; i++) await frame();
  };
  const received = new Map();
  const waiting = new Map();

  const bench = {
    /**
     * Drags the element at (x, y) to the right, to the left and back, by whole pixels in each frame.
     * The mouse button must be down there. The last frames let the GPU process finish its work.
     */
    async drag({ x, y, reach, lap, moves }) {
      const target = findDeepest(document, x, y);
      for (let i = 1; i <= moves; i++) {
        await frame();
        const phase = (4 * i) / lap;
        const share = phase % 4 < 1 ? phase % 4 : phase % 4 < 3 ? 2 - (phase % 4) : (phase % 4) - 4;
        const at = {
          clientX: Math.round(x + reach * share),
          clientY: Math.round(y + 10 * share),
          buttons: 1,
          bubbles: true,
          composed: true,
        };
        const mouse = { pointerId: 1, pointerType: 'mouse', isPrimary: true };
        target.dispatchEvent(new PointerEvent('pointermove', { ...at, ...mouse }));
        target.dispatchEvent(new MouseEvent('mousemove', at));
      }
      await frames(3);
    },

    /** Draws each visible cell by one `drawImage`, as Distill does. Returns the number of cells. */
    async openCanvas({ width, height, zoom, size, rows, cols, scales, tile, columns, pages }) {
      const canvas = makeCanvas(width, height);
      const context = canvas.getContext('2d');
      const pictures = await Promise.all(
        pages.map(async (page) => createImageBitmap(await (await fetch(page)).blob())),
      );
      const side = ((Math.min(width, height) - 40) * zoom) / size;
      let left = (width - side * size) / 2;
      let top = (height - side * size) / 2;
      const draw = () => {
        let drawn = 0;
        context.clearRect(0, 0, width, height);
        context.imageSmoothingEnabled = false;
        for (let cell = 0; cell < rows.length; cell++) {
          const own = side * scales[cell];
          const x = left + (cols[cell] + 0.5) * side - own / 2;
          const y = top + (rows[cell] + 0.5) * side - own / 2;
          if (x > width || y > height || x + own < 0 || y + own < 0) continue;
          const place = cell % (columns * columns);
          const picture = pictures[Math.floor(cell / (columns * columns))];
          const [u, v] = [(place % columns) * tile, Math.floor(place / columns) * tile];
          context.drawImage(picture, u, v, tile, tile, x, y, own, own);
          drawn++;
        }
        return drawn;
      };
      let last = null;
      let isRequested = false;
      canvas.addEventListener('mousedown', (event) => {
        last = event;
      });
      canvas.addEventListener('mousemove', (event) => {
        if (last === null) return;
        left += event.clientX - last.clientX;
        top += event.clientY - last.clientY;
        last = event;
        if (isRequested) return;
        isRequested = true;
        requestAnimationFrame(() => {
          isRequested = false;
          draw();
        });
      });
      return draw();
    },

    /** Draws the same points with regl-scatterplot, colored by class, at the same size. */
    async openScatter({ width, height, x, y, classes, colors, pointSize }) {
      const canvas = makeCanvas(width, height);
      const plot = createScatterplot.default({
        canvas,
        width,
        height,
        pointSize,
        colorBy: 'valueA',
        pointColor: colors,
        backgroundColor: '#f5f6f7',
      });
      const read = async (data, type) => new type(await (await fetch(data)).arrayBuffer());
      await plot.draw(
        {
          x: await read(x, Float32Array),
          y: await read(y, Float32Array),
          valueA: await read(classes, Int32Array),
        },
        { zDataType: 'categorical' },
      );
    },

    /** Opens one of TensorBoard's tabs and waits until its frame reports `event`. */
    open(plugin, event) {
      received.clear();
      findPluginTab(plugin).click();
      return bench.waitFor(event);
    },

    waitFor(event) {
      return new Promise((done) => {
        if (received.has(event)) done();
        else waiting.set(event, done);
      });
    },

    report(event) {
      received.set(event, true);
      waiting.get(event)?.();
      waiting.delete(event);
    },

    /** Changes the step by keys, to the last one and back, each time until the map is ready. */
    async changeSteps({ steps, changes }) {
      const app = document.querySelector('atlas-app');
      const map = app.shadowRoot.querySelector('atlas-map');
      let at = steps.indexOf(Number(app.dataset.step));
      for (let i = 0; i < changes; i++) {
        if (steps[at + bench.direction] === undefined) bench.direction = -bench.direction;
        at += bench.direction;
        const key = bench.direction > 0 ? '.' : ',';
        map.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
        const there = ({ ready, shownStep }) =>
          ready === 'true' && shownStep === String(steps[at]);
        await waitForDataset(app, there);
      }
    },
    direction: 1,

    /** Switches between two of TensorBoard's tabs, each time until the page shows it. */
    async switchTabs({ tabs, times }) {
      for (let i = 0; i < times; i++) {
        const tab = tabs[i % 2];
        findPluginTab(tab).click();
        const inFrame = () => (document.querySelector('iframe')?.clientHeight ?? 0) > 0;
        while (inFrame() !== (tab === 'atlas')) await frame();
        await frames(2);
      }
    },
  };
  window.bench = bench;

  function findPluginTab(id) {
    return document.querySelector(`[data-plugin-id=${id}]`);
  }

  function makeCanvas(width, height) {
    document.body.style.margin = '0';
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    Object.assign(canvas.style, { display: 'block', width: `${width}px`, height: `${height}px` });
    document.body.append(canvas);
    return canvas;
  }

  function findDeepest(root, x, y) {
    const found = root.elementFromPoint(x, y);
    return found.shadowRoot ? findDeepest(found.shadowRoot, x, y) : found;
  }

  /** Resolves as soon as the data attributes of the app pass `test`, without polling. */
  function waitForDataset(app, test) {
    return new Promise((done) => {
      const observer = new MutationObserver(look);
      function look() {
        if (!test(app.dataset)) return;
        observer.disconnect();
        done();
      }
      observer.observe(app, { attributes: true });
      look();
    });
  }

  /** In the frame of the tab: reports the first map, and when the app is idle, to the page. */
  async function report(app) {
    await waitForDataset(app, ({ level }) => level !== undefined && level !== '');
    await frames(2);
    parent.bench.report('map');
    await waitForDataset(app, ({ ready }) => ready === 'true');
    await frames(2);
    parent.bench.report('idle');
  }

  if (parent === window || !location.pathname.endsWith('/plugin_entry.html')) return;
  const observer = new MutationObserver(() => {
    const app = document.querySelector('atlas-app');
    if (app === null) return;
    observer.disconnect();
    void report(app);
  });
  observer.observe(document, { childList: true, subtree: true });
})();
