import{$ as e,et as t,k as n,nr as r,rr as i}from"./chunk-shared-DNHdp9Ly.js";import{p as a}from"./chunk-shell-Br2xqrK0.js";var o=`.help{color:inherit;border:0;width:min(600px,100% - 48px);max-height:calc(100% - 48px);padding:0}.help::backdrop{background:#0006}.help-body{gap:14px;padding:12px 24px 24px;display:grid}.reading{gap:10px;line-height:1.5;display:grid}.help h3{margin:4px 0 0}.setting{align-items:center;gap:10px;min-height:24px;display:flex}.setting input{width:16px;height:16px;accent-color:var(--accent);margin:0}dl{grid-template-columns:max-content 1fr;gap:6px 20px;margin:0;display:grid}dt{color:var(--muted);font:12px/1.5 Roboto Mono,ui-monospace,monospace}dd{margin:0}`,s=[[`Arrows`,`move to the next cell; with Ctrl, ten cells on`],[`Home  End`,`the first, the last cell of the row`],[`Enter / Esc`,`pin the cell / unpin`],[`Shift + Enter`,`add the cell to the pins, or take it away (or Shift + click)`],[`r`,`select a rectangle: arrows grow it, Enter selects, Esc leaves (or Shift + drag)`],[`l`,`select with a lasso: drag around samples`],[`k`,`selections and pins`],[`Shift + arrows`,`pan (or drag)`],[`+  −`,`zoom (or wheel, pinch, double click)`],[`0`,`the whole map`],[`1 … 5`,`hold one grid; again to follow the zoom`],[`,  .`,`previous, next step`],[`Space`,`play or pause`],[`j`,`what happened in the run`],[`m`,`moving map or fixed map`],[`c`,`compare with the step before, or end it`],[`[  x`,`take this step as A; swap A and B (Shift + click on the line takes A)`],[`b (held)`,`show A instead of B`],[`a  w`,`add a pane; close the one that has the focus, or the last`],[`PgUp  PgDn`,`the layer above, below, by the order of their names`],[`/`,`find a class, a cell, an image, a concept or a saved selection`],[`t`,`the cells as a table, or the map again`],[`p`,`icons, points or both`],[`e  y`,`export: picture, cells, link; copy the link at once`],[`f`,`ask about a class: where it is on top, what speaks for it`],[`n`,`attribution that helps, hurts or both`],[`s`,`shortcuts that were found, where a search was logged`],[`d`,`drift: what changed since the step before`]];function c(n,r){return i`<label class="setting">
    <input
      type="checkbox"
      .checked=${t(n)}
      @change=${t=>e(n,t.target.checked)}
    />${r}
  </label>`}function l(e){queueMicrotask(()=>{e instanceof HTMLDialogElement&&e.isConnected&&!e.open&&e.showModal()})}function u(e){return i`<dialog
    class="help panel"
    aria-label="How to read the map"
    ${n(l)}
    @close=${e}
    @click=${t=>{t.target===t.currentTarget&&e()}}
  >
    <div class="help-body">
      ${a(`How to read the map`,`Close`,`Esc`,e)}
      <ul class="reading">
        <li>
          <strong>A cell</strong> holds samples that the layer answers alike: each is one spot of one
          real image. Bigger tiles hold more of them.
        </li>
        <li>
          <strong>Its icon</strong> is a picture made for the cell, not a photograph: the layer's answer
          to it points the way of the cell's mean. The cosine says how well; the real patches beside it
          are the nearest.
        </li>
        <li>
          <strong>Near</strong> means alike, but far need not mean different, and the directions of the
          map mean nothing, but left and right where two classes are told apart. Trust says how many neighbours are true ones.
        </li>
        <li>
          <strong>Zooming in</strong> does not enlarge icons but splits cells, down to the finest grid
          that was logged. Faint points are samples in cells too sparse to draw.
        </li>
        <li>
          <strong>Two steps, A and B:</strong> a filled square is more samples in B, a hollow one
          fewer; pale is no more than chance. A broken frame is a cell of A only, a double one of B.
        </li>
        <li>
          <strong>Panes side by side:</strong> a cell that is pointed at or pinned lights the cells of the
          other panes that hold its samples, the brighter and the broader framed the more they hold.
        </li>
        <li>
          <strong>Asked about a class,</strong> cells that pass keep their light by strength; hatched
          ones speak against it, dotted ones hold too few samples to rank.
        </li>
      </ul>
      <h3>In this browser</h3>
      ${c(`page-scroll-first`,`The wheel scrolls the page; with Ctrl or Alt it zooms`)}
      ${c(`no-letter-keys`,`No keys of one letter, digit or sign`)}
      <h3>Keys, while the map has the focus</h3>
      <dl>
        ${s.map(([e,t])=>i`<dt>${e}</dt><dd>${t}</dd>`)}
      </dl>
    </div>
  </dialog>`}var d=class{constructor(e){this.session=e}panes({help:e}){return e?u(()=>this.session.store.set({help:!1})):r}},f={styles:o,create:({session:e})=>new d(e)};export{f as help};