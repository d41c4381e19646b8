import{Gt as t,Kt as e,R as s,Rn as a,St as l,Ut as n,Vt as i,Wt as o,X as r,bn as c,f as h,fr as p,l as d,o as u,on as b,pr as g,s as f,vn as m,yn as x,yt as v}from"./chunk-shared-BSwaJvbm.js";import{A as $,h as y,p as w}from"./chunk-shell-D_FVFRh_.js";var k=[["place","Cell"],["count","Samples"],["cosine","Cosine"],["kind","Icon type"],["top","Top class"],["share","Its share"],["attribution","Strongest attribution"]],z={true:"significant",false:"not significant",null:"significance unknown"},S=class{#t="count";#e=!0;#s=0;constructor(t){this.update=t}render(e){let{state:s,atlas:a,level:l,changed:n}=e,{rows:o,values:r}=f(a,l,v(s)),c=d(o,this.#a(n),this.#e),h=Math.max(1,Math.ceil(c.length/50));this.#s=Math.min(this.#s,h-1);let u=50*this.#s,b=c.slice(u,u+50),m=t(l.rows.length,"cell"),x=null===r?m:`${i(o.length)} of ${m} pass the class filter`;return g`<section class="cell-table" aria-label="Cells of the grid" @keydown=${e.key}>
      <div class="table-head">
        <h2>${x} <span class="muted">of the ${l.size} × ${l.size} grid</span></h2>
        ${h>1?this.#l(u,b.length,c.length,h):p}
        ${n.sentences.map(t=>g`<p class="table-note">${t}</p>`)}
      </div>
      <div class="table-body" tabindex="0" role="region" aria-label="Rows">
        <table>
          <thead>
            <tr>
              <th scope="col">Icon</th>
              ${k.map(([t,e])=>this.#n(t,e))}
              ${n.columns.map(({key:t,name:e})=>this.#n(t,e))}
              <th scope="col"><span class="hidden">On the map</span></th>
            </tr>
          </thead>
          <tbody>
            ${b.map(t=>this.#i(e,t))}
          </tbody>
        </table>
      </div>
    </section>`}#l(t,e,s,a){let l=(t,e)=>g`<button
      type="button"
      class="button"
      ?disabled=${this.#s+t<0||this.#s+t>=a}
      @click=${()=>this.#o(this.#s+t)}
    >
      ${e}
    </button>`;return g`<span class="pager" role="group" aria-label="Pages">
      <span class="number">${i(t+1)}–${i(t+e)} of ${i(s)}</span>
      ${l(-1,"Previous")} ${l(1,"Next")}
    </span>`}#a({columns:t}){let e=t.find(({key:t})=>t===this.#t);return e?({cell:t})=>N(e.values[t]):(this.#t in u||(this.#t="count"),u[this.#t])}#n(t,e){let s=t===this.#t,a=this.#e?"descending":"ascending";return g`<th scope="col" aria-sort=${s?a:p}>
      <button type="button" @click=${()=>this.#r(t)}>
        ${e}<span aria-hidden="true">${s?this.#e?"▾":"▴":""}</span>
      </button>
    </th>`}#i({state:t,session:s,atlas:r,level:c,changed:h,go:d},u){let{cosine:f,top:m,attribution:v}=u,$={size:c.size,row:u.row,col:u.col},w=`row ${u.row+1}, column ${u.col+1}`,k=b($,t.pinned),S=t=>e(x(r,t),40);return g`<tr class=${k?"pinned":""}>
      <td>${function(t,e,s,l){let n=a(s,l),i=n&&t.pages.icons(e,s).pages[n.page];if(!n||!i)return p;let{x:o,y:r,side:c}=n;return g`<atlas-crop
    class="patch"
    .crop=${{picture:i,rect:{x:o,y:r,width:c,height:c}}}
  ></atlas-crop>`}(s,r,c,u.cell)}</td>
      <th scope="row">
        <button type="button" class="link" aria-pressed=${k} title="Pin" @click=${()=>s.store.set({pinned:k?null:$,hover:null})}>
          ${w}
        </button>
      </th>
      <td>${i(u.count)} <span class="muted">${o(u.share)}</span></td>
      <td>${null===f?"–":n(f)}</td>
      <td>${y[u.kind]}</td>
      <td>${m?S(m.index):"–"}</td>
      <td>${m?o(m.share):"–"}</td>
      <td>
        ${v?g`${v.value>0?"for":"against"} ${S(v.index)}
                <span class="muted">${l(v.value)}</span>`:"–"}
      </td>
      ${h.columns.map(t=>(function({values:t,significant:e,say:s},a){let l=N(t[a]);if(null===l)return g`<td>–</td>`;let n=e&&z[String(e(a))];return g`<td>${s(l)} <span class="muted">${n}</span></td>`})(t,u.cell))}
      <td>
        <button
          type="button"
          class="link"
          aria-label="Show ${w} on the map"
          @click=${()=>d($)}
        >
          On the map
        </button>
      </td>
    </tr>`}#r(t){this.#e=t===this.#t?!this.#e:!["place","kind","top"].includes(t),this.#t=t,this.#o(0)}#o(t){this.#s=t,this.update()}};function N(t){return void 0===t||Number.isNaN(t)?null:t}var R=new Set(["cursor","rowEnd","pan","zoom","level","fit","pin","play","lasso","block","keep"]),C=class{#t;constructor(t,e,s,a){this.session=t,this.map=e,this.nearest=a,this.#t=new S(s),t.store.subscribe((t,e)=>this.#s(t,e.table)),this.#s(t.store.state,!1)}stage(t){let e=r(t),s=c(e,t.shownLevel);if(!t.table||!e||!s)return p;let a=h(t,e,s,this.nearest),l=this.#e(t,e,s);return this.#t.render({state:t,session:this.session,atlas:e,level:s,changed:l?{...a,columns:[...a.columns,l]}:a,go:t=>this.#a(t),key:t=>this.#l(t)})}#e({pinned:t,playing:e},s,a){let l=t?.size===a.size?m(a,t.row,t.col):-1,i=l<0?"":this.nearest.activations(s,!e);if("string"==typeof i)return null;let o=new Float32Array(a.rows.length).fill(0/0);for(let{cell:t,cosine:e}of w(a,i,l,o.length))o[t]=e;return{key:"similar",name:"Cosine to pinned",values:o,say:n}}#s({table:t},e){let{map:s}=this;if(t===e)return;let a=s.getRootNode(),l=(t?s:a.querySelector(".cell-table"))?.contains(a.activeElement)===!0;s.inert=t,l&&(t?requestAnimationFrame(()=>a.querySelector(".table-body")?.focus()):s.focus())}#l(t){let e=$(t);null===e||R.has(e.do)||(t.preventDefault(),this.map.dispatchEvent(new KeyboardEvent("keydown",t)))}#a(t){let{store:e}=this.session;e.set({table:!1,pinned:t,hover:null}),this.map.flyTo(s(e.state,this.map.viewport,t))}},E={styles:".stage:has(.cell-table){flex-direction:column;display:flex}.stage:has(.cell-table) .left-column{background:var(--surface);width:auto;position:relative;inset:0}.stage:has(.cell-table) .banners{max-width:460px;padding:12px}.cell-table{background:var(--surface);flex-direction:column;flex:1;min-height:0;display:flex;position:relative}.stage:has(.inspector) .cell-table{margin-right:332px}.table-head{flex-wrap:wrap;justify-content:space-between;align-items:center;gap:4px 16px;min-height:48px;padding:8px 16px;display:flex}.table-note{flex-basis:100%}.pager{align-items:center;gap:8px;display:flex}.table-body{border-top:1px solid var(--line);flex:1;overflow:auto}.table-body:focus-visible{outline-offset:-2px}.cell-table table{font-variant-numeric:tabular-nums}.cell-table thead th{background:var(--surface);box-shadow:inset 0 -1px var(--line);color:var(--muted);z-index:1;font-size:12px;position:sticky;top:0}.cell-table td,.cell-table th{white-space:nowrap;height:44px;padding:0 12px}.cell-table tr>:first-child{width:56px;padding-left:16px}.cell-table thead th{height:36px;font-weight:500}.cell-table thead button{min-height:28px;font-weight:500}.cell-table thead span:not(.hidden){text-align:center;width:14px;display:inline-block}.cell-table [aria-sort]{color:var(--text)}.cell-table tbody tr+tr>*{border-top:1px solid var(--line)}.cell-table tbody tr:hover{background:var(--control)}.cell-table .pinned,.cell-table .pinned:hover{background:var(--accent-soft);box-shadow:inset 3px 0 var(--accent)}.cell-table .patch{width:36px}.cell-table .link{padding:4px 0}",create:({session:t,map:e,update:s,nearest:a})=>new C(t,e,s,a)};export{E as table};