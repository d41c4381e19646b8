// SPDX-License-Identifier: Apache-2.0
/** What benchmarks/tab.py does inside pages: it runs in every frame before anything else. */
(() => {
  const frame = () => new Promise(requestAnimationFrame);
  const frames = async (count) => {
    for (let i = 0; i < count; i++) await frame();
  };
  const heard = new Map();
  const waiting = new Map();

  const bench = {
    /**
     * Drags what lies at (x, y) to the right, to the left and back, one move of whole pixels a frame.
     * The mouse must be pressed there. The last frames hand over to the GPU process what is under way.
     */
    async drag({ x, y, reach, lap, moves }) {
      const target = deepest(document, x, y);
      for (let i = 1; i <= moves; i++) {
        await frame();
        const way = (4 * i) / lap;
        const share = way % 4 < 1 ? way % 4 : way % 4 < 3 ? 2 - (way % 4) : (way % 4) - 4;
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

    /** Distill's way: every change draws each cell in view by one `drawImage`. Returns how many. */
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
      let asked = false;
      canvas.addEventListener('mousedown', (event) => {
        last = event;
      });
      canvas.addEventListener('mousemove', (event) => {
        if (last === null) return;
        left += event.clientX - last.clientX;
        top += event.clientY - last.clientY;
        last = event;
        if (asked) return;
        asked = true;
        requestAnimationFrame(() => {
          asked = false;
          draw();
        });
      });
      return draw();
    },

    /** The same points by regl-scatterplot, coloured by class, as large as ours. */
    async openScatter({ width, height, x, y, classes, colours, pointSize }) {
      const canvas = makeCanvas(width, height);
      const plot = createScatterplot.default({
        canvas,
        width,
        height,
        pointSize,
        colorBy: 'valueA',
        pointColor: colours,
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

    /** Opens one of TensorBoard's tabs and waits until the frame in it tells `news`. */
    open(plugin, news) {
      heard.clear();
      plug(plugin).click();
      return bench.hear(news);
    },

    hear(news) {
      return new Promise((done) => {
        if (heard.has(news)) done();
        else waiting.set(news, done);
      });
    },

    tell(news) {
      heard.set(news, true);
      waiting.get(news)?.();
      waiting.delete(news);
    },

    /** Goes from step to step and back by keys, each time until the map has come to rest. */
    async walk({ steps, changes }) {
      const app = document.querySelector('atlas-app');
      const map = app.shadowRoot.querySelector('atlas-map');
      let at = steps.indexOf(Number(app.dataset.step));
      for (let i = 0; i < changes; i++) {
        if (steps[at + bench.way] === undefined) bench.way = -bench.way;
        at += bench.way;
        const key = bench.way > 0 ? '.' : ',';
        map.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
        const there = ({ ready, shownStep }) =>
          ready === 'true' && shownStep === String(steps[at]);
        await marked(app, there);
      }
    },
    way: 1,

    /** Goes to and fro between two of TensorBoard's tabs, each time until the page shows it. */
    async switchTabs({ tabs, times }) {
      for (let i = 0; i < times; i++) {
        const tab = tabs[i % 2];
        plug(tab).click();
        const inFrame = () => (document.querySelector('iframe')?.clientHeight ?? 0) > 0;
        while (inFrame() !== (tab === 'atlas')) await frame();
        await frames(2);
      }
    },
  };
  window.bench = bench;

  function plug(id) {
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

  function deepest(root, x, y) {
    const found = root.elementFromPoint(x, y);
    return found.shadowRoot ? deepest(found.shadowRoot, x, y) : found;
  }

  /** Resolves as soon as the app's marks pass `test`; it costs nothing meanwhile. */
  function marked(app, test) {
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

  /** In the frame of the tab: tells TensorBoard's page of the first map, and of rest. */
  async function report(app) {
    await marked(app, ({ level }) => level !== undefined && level !== '');
    await frames(2);
    parent.bench.tell('map');
    await marked(app, ({ ready }) => ready === 'true');
    await frames(2);
    parent.bench.tell('rest');
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
