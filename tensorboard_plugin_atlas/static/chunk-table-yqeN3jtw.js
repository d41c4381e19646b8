import{Ct as t,Gt as e,Ht as s,Kt as a,R as l,Wt as n,Z as i,bn as o,bt as r,f as c,l as h,mr as p,o as d,pr as u,qt as b,s as g,sn as f,xn as m,yn as x,zn as $}from"./chunk-shared-Cte8lVvY.js";import{A as v,h as y,p as w}from"./chunk-shell-4BsR2oD5.js";var k=[["place","Cell"],["count","Samples"],["cosine","Cosine"],["kind","Icon type"],["top","Top class"],["share","Its share"],["attribution","Strongest attribution"]],z={true:"significant",false:"not significant",null:"significance unknown"},S=class{#t="count";#e=!0;#s=0;constructor(t){this.update=t}render(t){let{state:e,atlas:l,level:n,changed:i}=t,{rows:o,values:c}=g(l,n,r(e)),d=h(o,this.#a(i),this.#e),b=Math.max(1,Math.ceil(d.length/50));this.#s=Math.min(this.#s,b-1);let f=50*this.#s,m=d.slice(f,f+50),x=a(n.rows.length,"cell"),$=null===c?x:`${s(o.length)} of ${x} pass the class filter`;return p`<section class="cell-table" aria-label="Cells of the grid" @keydown=${t.key}>
      <div class="table-head">
        <h2>${$} <span class="muted">of the ${n.size} × ${n.size} grid</span></h2>
        ${b>1?this.#l(f,m.length,d.length,b):u}
        ${i.sentences.map(t=>p`<p class="table-note">${t}</p>`)}
      </div>
      <div class="table-body" tabindex="0" role="region" aria-label="Rows">
        <table>
          <thead>
            <tr>
              <th scope="col">Icon</th>
              ${k.map(([t,e])=>this.#n(t,e))}
              ${i.columns.map(({key:t,name:e})=>this.#n(t,e))}
              <th scope="col"><span class="hidden">On the map</span></th>
            </tr>
          </thead>
          <tbody>
            ${m.map(e=>this.#i(t,e))}
          </tbody>
        </table>
      </div>
    </section>`}#l(t,e,a,l){let n=(t,e)=>p`<button
      type="button"
      class="button"
      ?disabled=${this.#s+t<0||this.#s+t>=l}
      @click=${()=>this.#o(this.#s+t)}
    >
      ${e}
    </button>`;return p`<span class="pager" role="group" aria-label="Pages">
      <span class="number">${s(t+1)}–${s(t+e)} of ${s(a)}</span>
      ${n(-1,"Previous")} ${n(1,"Next")}
    </span>`}#a({columns:t}){let e=t.find(({key:t})=>t===this.#t);return e?({cell:t})=>C(e.values[t]):(this.#t in d||(this.#t="count"),d[this.#t])}#n(t,e){let s=t===this.#t,a=this.#e?"descending":"ascending";return p`<th scope="col" aria-sort=${s?a:u}>
      <button type="button" @click=${()=>this.#r(t)}>
        ${e}<span aria-hidden="true">${s?this.#e?"▾":"▴":""}</span>
      </button>
    </th>`}#i({state:a,session:l,atlas:i,level:r,changed:c,go:h},d){let{cosine:g,top:m,attribution:x}=d,v={size:r.size,row:d.row,col:d.col},w=`row ${d.row+1}, column ${d.col+1}`,k=f(v,a.pinned),S=t=>b(o(i,t),40);return p`<tr class=${k?"pinned":""}>
      <td>${function(t,e,s,a){let l=$(s,a),n=l&&t.pages.icons(e,s).pages[l.page];if(!l||!n)return u;let{x:i,y:o,side:r}=l;return p`<atlas-crop
    class="patch"
    .crop=${{picture:n,rect:{x:i,y:o,width:r,height:r}}}
  ></atlas-crop>`}(l,i,r,d.cell)}</td>
      <th scope="row">
        <button type="button" class="link" aria-pressed=${k} title="Pin" @click=${()=>l.store.set({pinned:k?null:v,hover:null})}>
          ${w}
        </button>
      </th>
      <td>${s(d.count)} <span class="muted">${e(d.share)}</span></td>
      <td>${null===g?"–":n(g)}</td>
      <td>${y[d.kind]}</td>
      <td>${m?S(m.index):"–"}</td>
      <td>${m?e(m.share):"–"}</td>
      <td>
        ${x?p`${x.value>0?"for":"against"} ${S(x.index)}
                <span class="muted">${t(x.value)}</span>`:"–"}
      </td>
      ${c.columns.map(t=>(function({values:t,significant:e,say:s},a){let l=C(t[a]);if(null===l)return p`<td>–</td>`;let n=e&&z[String(e(a))];return p`<td>${s(l)} <span class="muted">${n}</span></td>`})(t,d.cell))}
      <td>
        <button
          type="button"
          class="link"
          aria-label="Show ${w} on the map"
          @click=${()=>h(v)}
        >
          On the map
        </button>
      </td>
    </tr>`}#r(t){this.#e=t===this.#t?!this.#e:!["place","kind","top"].includes(t),this.#t=t,this.#o(0)}#o(t){this.#s=t,this.update()}};function C(t){return void 0===t||Number.isNaN(t)?null:t}var N=new Set(["cursor","rowEnd","pan","zoom","level","fit","pin","play","lasso","block","keep"]),q=class{#t;constructor(t,e,s,a){this.session=t,this.map=e,this.nearest=a,this.#t=new S(s),t.store.subscribe((t,e)=>this.#s(t,e.table)),this.#s(t.store.state,!1)}stage(t){let e=i(t),s=m(e,t.shownLevel);if(!t.table||!e||!s)return u;let a=c(t,e,s,this.nearest),l=this.#e(t,e,s);return this.#t.render({state:t,session:this.session,atlas:e,level:s,changed:l?{...a,columns:[...a.columns,l]}:a,go:t=>this.#a(t),key:t=>this.#l(t)})}#e({pinned:t,playing:e},s,a){let l=t?.size===a.size?x(a,t.row,t.col):-1,i=l<0?"":this.nearest.activations(s,!e);if("string"==typeof i)return null;let o=new Float32Array(a.rows.length).fill(0/0);for(let{cell:t,cosine:e}of w(a,i,l,o.length))o[t]=e;return{key:"similar",name:"Cosine to pinned",values:o,say:n}}#s({table:t},e){let{map:s}=this;if(t===e)return;let a=s.getRootNode(),l=(t?s:a.querySelector(".cell-table"))?.contains(a.activeElement)===!0;s.inert=t,l&&(t?requestAnimationFrame(()=>a.querySelector(".table-body")?.focus()):s.focus())}#l(t){let e=v(t);null===e||N.has(e.do)||(t.preventDefault(),this.map.dispatchEvent(new KeyboardEvent("keydown",t)))}#a(t){let{store:e}=this.session;e.set({table:!1,pinned:t,hover:null}),this.map.flyTo(l(e.state,this.map.viewport,t))}},E={styles:".stage:has(.cell-table){flex-direction:column;display:flex}.stage:has(.cell-table) .left-column{background:var(--surface);width:auto;position:relative;inset:0}.stage:has(.cell-table) .banners{max-width:460px;padding:12px}.cell-table{background:var(--surface);flex-direction:column;flex:1;min-height:0;display:flex;position:relative}.stage:has(.inspector) .cell-table{margin-right:332px}.table-head{flex-wrap:wrap;justify-content:space-between;align-items:center;gap:4px 16px;min-height:48px;padding:8px 16px;display:flex}.table-note{flex-basis:100%}.pager{align-items:center;gap:8px;display:flex}.table-body{border-top:1px solid var(--line);flex:1;overflow:auto}.table-body:focus-visible{outline-offset:-2px}.cell-table table{font-variant-numeric:tabular-nums}.cell-table thead th{background:var(--surface);box-shadow:inset 0 -1px var(--line);color:var(--muted);z-index:1;font-size:12px;position:sticky;top:0}.cell-table td,.cell-table th{white-space:nowrap;height:44px;padding:0 12px}.cell-table tr>:first-child{width:56px;padding-left:16px}.cell-table thead th{height:36px;font-weight:500}.cell-table thead button{min-height:28px;font-weight:500}.cell-table thead span:not(.hidden){text-align:center;width:14px;display:inline-block}.cell-table [aria-sort]{color:var(--text)}.cell-table tbody tr+tr>*{border-top:1px solid var(--line)}.cell-table tbody tr:hover{background:var(--control)}.cell-table .pinned,.cell-table .pinned:hover{background:var(--accent-soft);box-shadow:inset 3px 0 var(--accent)}.cell-table .patch{width:36px}.cell-table .link{padding:4px 0}",create:({session:t,map:e,update:s,nearest:a})=>new q(t,e,s,a)};export{E as table};