import{N as e,mr as t,nt as s,pr as o,rt as a}from"./chunk-shared-Cte8lVvY.js";import{m as i}from"./chunk-shell-4BsR2oD5.js";var l=[["Arrows","move to the next cell; with Ctrl, ten cells on"],["Home  End","first, last cell of the row"],["Enter / Esc","pin the cell / unpin"],["Shift + Enter","add the cell to the pins or remove it (or Shift + click)"],["r","select a rectangle: extend it with arrow keys, Enter selects (or Shift + drag)"],["l","select with a lasso: drag around samples"],["k","selections and pins"],["Shift + arrows","pan (or drag)"],["+  −","zoom (or wheel, pinch, double click)"],["0","the whole map"],["1 … 5","show one grid; again to follow the zoom"],[",  .","previous, next step"],["Space","play or pause"],["j","events of the run"],["g","stream graph: concepts over the steps"],["m","moving map or fixed map"],["c","compare with the previous step, or end it"],["[  x","use this step as A (or Shift + click a tick); swap A and B"],["b (held)","show A instead of B"],["a  w","add a pane; close the focused or last one"],["PgUp  PgDn","layer above, below, in order of names"],["/","find a class, cell, image, concept, or saved selection"],["t","table of the cells, or the map"],["p","icons, points, or both"],["o","borders and names of concepts"],["i","cells similar to the pinned one, or end it"],["e  y","export: picture, cells, link; copy the link"],["f","filter by class: top class or attribution"],["n","attribution for a class, against it, or both"],["s","shortcuts, if a search was logged"],["d","drift: what changed since the previous step"]];function r(e,o){return t`<label class="setting">
    <input
      type="checkbox"
      .checked=${a(e)}
      @change=${t=>s(e,t.target.checked)}
    />${o}
  </label>`}function n(e){queueMicrotask(()=>{e instanceof HTMLDialogElement&&e.isConnected&&!e.open&&e.showModal()})}var h=class{constructor(e){this.session=e}panes({help:s}){var a;return s?(a=()=>this.session.store.set({help:!1}),t`<dialog
    class="help panel"
    aria-label="How to read the map"
    ${e(n)}
    @close=${a}
    @click=${e=>{e.target===e.currentTarget&&a()}}
  >
    <div class="help-body">
      ${i("How to read the map","Close","Esc",a)}
      <ul class="reading">
        <li>
          <strong>A cell</strong> holds samples with similar activations. A sample is one position
          of one image. Larger tiles hold more samples.
        </li>
        <li>
          <strong>Its icon</strong> is a synthetic picture. Its activation is optimized to match the
          mean of the cell; the cosine measures how well. The real patches are the nearest samples.
        </li>
        <li>
          <strong>Near</strong> samples are similar, but distant ones can be similar, too.
          Directions have no meaning, except left and right if two classes are compared.
          Trustworthiness is the share of true neighbors.
        </li>
        <li>
          <strong>Zooming in</strong> splits cells, down to the finest grid that was logged. Faint
          points are samples in cells with too few samples for an icon.
        </li>
        <li>
          <strong>Two steps, A and B:</strong> a filled square is more samples in B, a hollow one
          fewer; pale is not significant. A dashed outline is a cell of A only, a double one of B.
        </li>
        <li>
          <strong>Panes side by side:</strong> point at a cell or pin it to highlight the cells of
          the other panes that hold its samples. Brighter cells with wider outlines hold more.
        </li>
        <li>
          <strong>Class filter:</strong> brighter cells are stronger. Hatched cells have attribution
          against the class, dotted ones too few samples to rank.
        </li>
      </ul>
      <h3>In this browser</h3>
      ${r("page-scroll-first","Scroll the page with the wheel; zoom with Ctrl or Alt")}
      ${r("no-letter-keys","No single-key shortcuts")}
      <h3>Keys, while the map has focus</h3>
      <dl>
        ${l.map(([e,s])=>t`<dt>${e}</dt><dd>${s}</dd>`)}
      </dl>
    </div>
  </dialog>`):o}},c={styles:".help{color:inherit;border:0;width:min(600px,100% - 48px);max-height:calc(100% - 48px);padding:0}.help::backdrop{background:#0006}.help-body{gap:14px;padding:12px 24px 24px;display:grid}.reading{gap:10px;line-height:1.5;display:grid}.help h3{margin:4px 0 0}.setting{align-items:center;gap:10px;min-height:24px;display:flex}.setting input{width:16px;height:16px;accent-color:var(--accent);margin:0}dl{grid-template-columns:max-content 1fr;gap:6px 20px;margin:0;display:grid}dt{color:var(--muted);font:12px/1.5 Roboto Mono,ui-monospace,monospace}dd{margin:0}",create:({session:e})=>new h(e)};export{c as help};