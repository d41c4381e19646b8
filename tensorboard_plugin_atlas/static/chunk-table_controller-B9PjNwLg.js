import{I as e,Nt as t,P as n,Pt as r,a as i,i as a,n as o,o as s,ot as c,r as l,x as u}from"./chunk-first_map-s9gukpc7.js";import{g as d,s as f}from"./chunk-shell-kVP2YSyY.js";import{en as p,g as m,m as h,p as g,ut as _,wt as v,y,zt as b}from"./chunk-shared-m3nDbXgf.js";var x=50,S=40,C=[[`place`,`Cell`],[`count`,`Samples`],[`cosine`,`Cosine`],[`kind`,`Icon is`],[`top`,`Top class`],[`share`,`Its share`],[`voice`,`Speaks most`]],w={true:`beyond chance`,false:`within chance`,null:`chance not known`},T=class{#e=`count`;#t=!0;#n=0;constructor(e){this.update=e}render(e){let{state:n,atlas:a,level:s,changed:c}=e,l=b(n),{rows:u,values:d}=h(a,s,l),f=m(u,this.#i(c),this.#t),p=Math.max(1,Math.ceil(f.length/x));this.#n=Math.min(this.#n,p-1);let g=this.#n*x,_=f.slice(g,g+x),v=i(s.rows.length,`cell`),y=d===null?v:`${o(u.length)} of ${v} pass the class filter`;return r`<section class="cell-table" aria-label="Cells of the grid" @keydown=${e.key}>
      <div class="table-head">
        <h2>${y} <span class="muted">of the ${s.size} × ${s.size} grid</span></h2>
        ${p>1?this.#r(g,_.length,f.length,p):t}
        ${c.sentences.map(e=>r`<p class="table-note">${e}</p>`)}
      </div>
      <div class="table-body" tabindex="0" role="region" aria-label="Rows">
        <table>
          <thead>
            <tr>
              <th scope="col">Icon</th>
              ${C.map(([e,t])=>this.#a(e,t))}
              ${c.columns.map(({key:e,name:t})=>this.#a(e,t))}
              <th scope="col"><span class="hidden">On the map</span></th>
            </tr>
          </thead>
          <tbody>
            ${_.map(t=>this.#o(e,t))}
          </tbody>
        </table>
      </div>
    </section>`}#r(e,t,n,i){let a=(e,t)=>r`<button
      type="button"
      class="button"
      ?disabled=${this.#n+e<0||this.#n+e>=i}
      @click=${()=>this.#c(this.#n+e)}
    >
      ${t}
    </button>`;return r`<span class="pager" role="group" aria-label="Pages">
      <span class="number">${o(e+1)}–${o(e+t)} of ${o(n)}</span>
      ${a(-1,`Previous`)} ${a(1,`Next`)}
    </span>`}#i({columns:e}){let t=e.find(({key:e})=>e===this.#e);return t?({cell:e})=>D(t.values[e]):(this.#e in g||(this.#e=`count`),g[this.#e])}#a(e,n){let i=e===this.#e,a=this.#t?`descending`:`ascending`;return r`<th scope="col" aria-sort=${i?a:t}>
      <button type="button" @click=${()=>this.#s(e)}>
        ${n}<span aria-hidden="true">${i?this.#t?`▾`:`▴`:``}</span>
      </button>
    </th>`}#o({state:e,session:t,atlas:i,level:c,changed:f,go:m},h){let{cosine:g,top:_,voice:v}=h,y={size:c.size,row:h.row,col:h.col},b=`row ${h.row+1}, column ${h.col+1}`,x=u(y,e.pinned),C=()=>t.store.set({pinned:x?null:y,hover:null}),w=e=>s(n(i,e),S);return r`<tr class=${x?`pinned`:``}>
      <td>${O(t,i,c,h.cell)}</td>
      <th scope="row">
        <button type="button" class="link" aria-pressed=${x} title="Pin" @click=${C}>
          ${b}
        </button>
      </th>
      <td>${o(h.count)} <span class="muted">${a(h.share)}</span></td>
      <td>${g===null?`–`:l(g)}</td>
      <td>${d[h.kind]}</td>
      <td>${_?w(_.index):`–`}</td>
      <td>${_?a(_.share):`–`}</td>
      <td>
        ${v?r`${v.value>0?`for`:`against`} ${w(v.index)}
                <span class="muted">${p(v.value)}</span>`:`–`}
      </td>
      ${f.columns.map(e=>E(e,h.cell))}
      <td>
        <button
          type="button"
          class="link"
          aria-label="Show ${b} on the map"
          @click=${()=>m(y)}
        >
          On the map
        </button>
      </td>
    </tr>`}#s(e){this.#t=e===this.#e?!this.#t:![`place`,`kind`,`top`].includes(e),this.#e=e,this.#c(0)}#c(e){this.#n=e,this.update()}};function E({values:e,news:t,say:n},i){let a=D(e[i]);return a===null?r`<td>–</td>`:r`<td>${n(a)} <span class="muted">${w[String(t(i))]}</span></td>`}function D(e){return e===void 0||Number.isNaN(e)?null:e}function O(e,n,i,a){let o=c(i,a),s=o&&e.pages.icons(n,i).pages[o.page];if(!o||!s)return t;let{x:l,y:u,side:d}=o;return r`<atlas-crop
    class="patch"
    .crop=${{picture:s,rect:{x:l,y:u,width:d,height:d}}}
  ></atlas-crop>`}var k=new Set([`cursor`,`rowEnd`,`pan`,`zoom`,`level`,`fit`,`pin`,`play`,`lasso`,`block`,`keep`]),A=class{#e;constructor(e,t,n,r){this.session=e,this.map=t,this.evidence=r,this.#e=new T(n),e.store.subscribe((e,t)=>this.#t(e,t.table)),this.#t(e.store.state,!1)}render(n){let r=v(n),i=e(r,n.shownLevel);return!n.table||!r||!i?t:this.#e.render({state:n,session:this.session,atlas:r,level:i,changed:y(n,r,i,this.evidence),go:e=>this.#r(e),key:e=>this.#n(e)})}#t({table:e},t){let{map:n}=this;if(e===t)return;let r=n.getRootNode(),i=(e?n:r.querySelector(`.cell-table`))?.contains(r.activeElement)===!0;n.inert=e,i&&(e?requestAnimationFrame(()=>r.querySelector(`.table-body`)?.focus()):n.focus())}#n(e){let t=f(e);t===null||k.has(t.do)||(e.preventDefault(),this.map.dispatchEvent(new KeyboardEvent(`keydown`,e)))}#r(e){let{store:t}=this.session;t.set({table:!1,pinned:e,hover:null}),this.map.flyTo(_(t.state,this.map.viewport,e))}};export{A as Part};