import{Ft as e,It as t,J as n,Lt as r,Nt as i,On as a,P as o,Pt as s,Xt as c,f as l,ft as u,ht as d,l as f,ln as p,nr as m,o as h,rr as g,s as _,un as v}from"./chunk-shared-Clqkak8R.js";import{k as y,m as b}from"./chunk-shell-B8Mq4hw2.js";var x=`.stage:has(.cell-table){flex-direction:column;display:flex}.stage:has(.cell-table) .left-column{background:var(--surface);width:auto;position:relative;inset:0}.stage:has(.cell-table) .banners{max-width:460px;padding:12px}.cell-table{background:var(--surface);flex-direction:column;flex:1;min-height:0;display:flex;position:relative}.stage:has(.inspector) .cell-table{margin-right:332px}.table-head{flex-wrap:wrap;justify-content:space-between;align-items:center;gap:4px 16px;min-height:48px;padding:8px 16px;display:flex}.table-note{flex-basis:100%}.pager{align-items:center;gap:8px;display:flex}.table-body{border-top:1px solid var(--line);flex:1;overflow:auto}.table-body:focus-visible{outline-offset:-2px}.cell-table table{font-variant-numeric:tabular-nums}.cell-table thead th{background:var(--surface);box-shadow:inset 0 -1px var(--line);color:var(--muted);z-index:1;font-size:12px;position:sticky;top:0}.cell-table td,.cell-table th{white-space:nowrap;height:44px;padding:0 12px}.cell-table tr>:first-child{width:56px;padding-left:16px}.cell-table thead th{height:36px;font-weight:500}.cell-table thead button{min-height:28px;font-weight:500}.cell-table thead span:not(.hidden){text-align:center;width:14px;display:inline-block}.cell-table [aria-sort]{color:var(--text)}.cell-table tbody tr+tr>*{border-top:1px solid var(--line)}.cell-table tbody tr:hover{background:var(--control)}.cell-table .pinned,.cell-table .pinned:hover{background:var(--accent-soft);box-shadow:inset 3px 0 var(--accent)}.cell-table .patch{width:36px}.cell-table .link{padding:4px 0}`,S=50,C=40,w=[[`place`,`Cell`],[`count`,`Samples`],[`cosine`,`Cosine`],[`kind`,`Icon type`],[`top`,`Top class`],[`share`,`Its share`],[`attribution`,`Strongest attribution`]],T={true:`significant`,false:`not significant`,null:`significance unknown`},E=class{#e=`count`;#t=!0;#n=0;constructor(e){this.update=e}render(e){let{state:n,atlas:r,level:a,changed:o}=e,s=u(n),{rows:c,values:l}=_(r,a,s),d=f(c,this.#i(o),this.#t),p=Math.max(1,Math.ceil(d.length/S));this.#n=Math.min(this.#n,p-1);let h=this.#n*S,v=d.slice(h,h+S),y=t(a.rows.length,`cell`),b=l===null?y:`${i(c.length)} of ${y} pass the class filter`;return g`<section class="cell-table" aria-label="Cells of the grid" @keydown=${e.key}>
      <div class="table-head">
        <h2>${b} <span class="muted">of the ${a.size} × ${a.size} grid</span></h2>
        ${p>1?this.#r(h,v.length,d.length,p):m}
        ${o.sentences.map(e=>g`<p class="table-note">${e}</p>`)}
      </div>
      <div class="table-body" tabindex="0" role="region" aria-label="Rows">
        <table>
          <thead>
            <tr>
              <th scope="col">Icon</th>
              ${w.map(([e,t])=>this.#a(e,t))}
              ${o.columns.map(({key:e,name:t})=>this.#a(e,t))}
              <th scope="col"><span class="hidden">On the map</span></th>
            </tr>
          </thead>
          <tbody>
            ${v.map(t=>this.#o(e,t))}
          </tbody>
        </table>
      </div>
    </section>`}#r(e,t,n,r){let a=(e,t)=>g`<button
      type="button"
      class="button"
      ?disabled=${this.#n+e<0||this.#n+e>=r}
      @click=${()=>this.#c(this.#n+e)}
    >
      ${t}
    </button>`;return g`<span class="pager" role="group" aria-label="Pages">
      <span class="number">${i(e+1)}–${i(e+t)} of ${i(n)}</span>
      ${a(-1,`Previous`)} ${a(1,`Next`)}
    </span>`}#i({columns:e}){let t=e.find(({key:e})=>e===this.#e);return t?({cell:e})=>O(t.values[e]):(this.#e in h||(this.#e=`count`),h[this.#e])}#a(e,t){let n=e===this.#e,r=this.#t?`descending`:`ascending`;return g`<th scope="col" aria-sort=${n?r:m}>
      <button type="button" @click=${()=>this.#s(e)}>
        ${t}<span aria-hidden="true">${n?this.#t?`▾`:`▴`:``}</span>
      </button>
    </th>`}#o({state:t,session:n,atlas:a,level:o,changed:l,go:u},f){let{cosine:m,top:h,attribution:_}=f,v={size:o.size,row:f.row,col:f.col},y=`row ${f.row+1}, column ${f.col+1}`,x=c(v,t.pinned),S=()=>n.store.set({pinned:x?null:v,hover:null}),w=e=>r(p(a,e),C);return g`<tr class=${x?`pinned`:``}>
      <td>${k(n,a,o,f.cell)}</td>
      <th scope="row">
        <button type="button" class="link" aria-pressed=${x} title="Pin" @click=${S}>
          ${y}
        </button>
      </th>
      <td>${i(f.count)} <span class="muted">${e(f.share)}</span></td>
      <td>${m===null?`–`:s(m)}</td>
      <td>${b[f.kind]}</td>
      <td>${h?w(h.index):`–`}</td>
      <td>${h?e(h.share):`–`}</td>
      <td>
        ${_?g`${_.value>0?`for`:`against`} ${w(_.index)}
                <span class="muted">${d(_.value)}</span>`:`–`}
      </td>
      ${l.columns.map(e=>D(e,f.cell))}
      <td>
        <button
          type="button"
          class="link"
          aria-label="Show ${y} on the map"
          @click=${()=>u(v)}
        >
          On the map
        </button>
      </td>
    </tr>`}#s(e){this.#t=e===this.#e?!this.#t:![`place`,`kind`,`top`].includes(e),this.#e=e,this.#c(0)}#c(e){this.#n=e,this.update()}};function D({values:e,significant:t,say:n},r){let i=O(e[r]);return i===null?g`<td>–</td>`:g`<td>${n(i)} <span class="muted">${T[String(t(r))]}</span></td>`}function O(e){return e===void 0||Number.isNaN(e)?null:e}function k(e,t,n,r){let i=a(n,r),o=i&&e.pages.icons(t,n).pages[i.page];if(!i||!o)return m;let{x:s,y:c,side:l}=i;return g`<atlas-crop
    class="patch"
    .crop=${{picture:o,rect:{x:s,y:c,width:l,height:l}}}
  ></atlas-crop>`}var A=new Set([`cursor`,`rowEnd`,`pan`,`zoom`,`level`,`fit`,`pin`,`play`,`lasso`,`block`,`keep`]),j=class{#e;constructor(e,t,n,r){this.session=e,this.map=t,this.nearest=r,this.#e=new E(n),e.store.subscribe((e,t)=>this.#t(e,t.table)),this.#t(e.store.state,!1)}stage(e){let t=n(e),r=v(t,e.shownLevel);return!e.table||!t||!r?m:this.#e.render({state:e,session:this.session,atlas:t,level:r,changed:l(e,t,r,this.nearest),go:e=>this.#r(e),key:e=>this.#n(e)})}#t({table:e},t){let{map:n}=this;if(e===t)return;let r=n.getRootNode(),i=(e?n:r.querySelector(`.cell-table`))?.contains(r.activeElement)===!0;n.inert=e,i&&(e?requestAnimationFrame(()=>r.querySelector(`.table-body`)?.focus()):n.focus())}#n(e){let t=y(e);t===null||A.has(t.do)||(e.preventDefault(),this.map.dispatchEvent(new KeyboardEvent(`keydown`,e)))}#r(e){let{store:t}=this.session;t.set({table:!1,pinned:e,hover:null}),this.map.flyTo(o(t.state,this.map.viewport,e))}},M={styles:x,create:({session:e,map:t,update:n,nearest:r})=>new j(e,t,n,r)};export{M as table};