import{F as e,I as t,K as n,L as r,M as i,R as a,dt as o,p as s,pt as c,ut as l,z as u}from"./chunk-base-MjkGkRbU.js";import{A as d,E as f,N as p,O as m,P as h,S as g,V as _,n as v,r as y}from"./chunk-later-1Dlu_yH2.js";var b=new WeakMap;function x(e,t){let n=b.get(t);if(n===void 0){let r=p(e,t);n=[...t.rows].flatMap((n,r)=>d(e,t,n,t.cols[r])??[]).map(e=>({...e,top:e.mix[0]??null,voice:typeof r==`string`?null:S(r,e.cell)})).sort((e,t)=>e.row-t.row||e.col-t.col),b.set(t,n)}return n}function S({classes:e,at:t},n){let r=null;for(let i=0;i<e;i++){let e=t(n,i);Math.abs(e)>Math.abs(r?.value??0)&&(r={index:i,value:e})}return r}function C(e,t,n){let r=x(e,t),i=n.classes.length>0?f(e,t,n):``;return typeof i==`string`?{rows:r,values:null}:{rows:r.filter(({cell:e})=>i.passes[e]===1),values:i.values}}var w={place:({row:e,col:t})=>e+t/1e6,count:e=>e.count,cosine:e=>e.cosine,kind:e=>e.kind,top:e=>e.top?.index,share:e=>e.top?.share,voice:({voice:e})=>e&&Math.abs(e.value)};function T(e,t,n){let r=w[t];return e.toSorted((e,t)=>{let[i,a]=[r(e)??null,r(t)??null];return i===a?0:i===null||a===null?i===null?1:-1:i<a===n?1:-1})}var E=50,D=40,O=[[`place`,`Cell`],[`count`,`Samples`],[`cosine`,`Cosine`],[`kind`,`Icon is`],[`top`,`Top class`],[`share`,`Its share`],[`voice`,`Speaks most`]],k=class{update;#e=`count`;#t=!0;#n=0;constructor(e){this.update=e}render(t){let{state:n,atlas:r,level:i}=t,{rows:s,values:c}=C(r,i,m(n)),u=T(s,this.#e,this.#t),d=Math.max(1,Math.ceil(u.length/E));this.#n=Math.min(this.#n,d-1);let f=this.#n*E,p=u.slice(f,f+E),h=a(i.rows.length,`cell`),g=c===null?h:`${e(s.length)} of ${h} pass the class filter`;return o`<section class="cell-table" aria-label="Cells of the grid" @keydown=${t.key}>
<div class="table-head">
<h2>${g} <span class="muted">of the ${i.size} × ${i.size} grid</span></h2>
${d>1?this.#r(f,p.length,u.length,d):l}
</div>
<div class="table-body" tabindex="0" role="region" aria-label="Rows">
<table>
<thead>
<tr>
<th scope="col">Icon</th>
${O.map(([e,t])=>this.#i(e,t))}
<th scope="col"><span class="hidden">On the map</span></th>
</tr>
</thead>
<tbody>
${p.map(e=>this.#a(t,e))}
</tbody>
</table>
</div>
</section>`}#r(t,n,r,i){let a=(e,t)=>o`<button
type="button"
class="button"
?disabled=${this.#n+e<0||this.#n+e>=i}
@click=${()=>this.#s(this.#n+e)}
>
${t}
</button>`;return o`<span class="pager" role="group" aria-label="Pages">
<span class="number">${e(t+1)}–${e(t+n)} of ${e(r)}</span>
${a(-1,`Previous`)} ${a(1,`Next`)}
</span>`}#i(e,t){let n=e===this.#e,r=this.#t?`descending`:`ascending`;return o`<th scope="col" aria-sort=${n?r:l}>
<button type="button" @click=${()=>this.#o(e)}>
${t}<span aria-hidden="true">${n?this.#t?`▾`:`▴`:``}</span>
</button>
</th>`}#a({state:n,session:a,atlas:c,level:l,go:d},f){let{cosine:p,top:m,voice:g}=f,_={size:l.size,row:f.row,col:f.col},y=`row ${f.row+1}, column ${f.col+1}`,b=i(_,n.pinned),x=()=>a.store.set({pinned:b?null:_,hover:null}),S=e=>u(s(c,e),D);return o`<tr class=${b?`pinned`:``}>
<td>${A(a,c,l,f.cell)}</td>
<th scope="row">
<button type="button" class="link" aria-pressed=${b} title="Pin" @click=${x}>
${y}
</button>
</th>
<td>${e(f.count)} <span class="muted">${r(f.share)}</span></td>
<td>${p===null?`–`:t(p)}</td>
<td>${v[f.kind]}</td>
<td>${m?S(m.index):`–`}</td>
<td>${m?r(m.share):`–`}</td>
<td>
${g?o`${g.value>0?`for`:`against`} ${S(g.index)}
<span class="muted">${h(g.value)}</span>`:`–`}
</td>
<td>
<button
type="button"
class="link"
aria-label="Show ${y} on the map"
@click=${()=>d(_)}
>
On the map
</button>
</td>
</tr>`}#o(e){this.#t=e===this.#e?!this.#t:![`place`,`kind`,`top`].includes(e),this.#e=e,this.#s(0)}#s(e){this.#n=e,this.update()}};function A(e,t,r,i){let a=n(r,i),s=a&&e.pages.icons(t,r).pages[a.page];if(!a||!s)return l;let{x:c,y:u,side:d}=a;return o`<atlas-crop
class="patch"
.crop=${{picture:s,rect:{x:c,y:u,width:d,height:d}}}
></atlas-crop>`}var j=c` .cell-table{position:absolute;inset:0;display:flex;flex-direction:column;background:var(--surface);}.stage:has(.inspector) .cell-table{right:332px;}.table-head{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:4px 16px;min-height:48px;padding:8px 16px;}.cell-table h2{margin:0;font-size:15px;font-weight:500;}.cell-table h2 .muted{font-weight:400;}.pager{display:flex;align-items:center;gap:8px;}.table-body{flex:1;overflow:auto;border-top:1px solid var(--line);}.table-body:focus-visible{outline-offset:-2px;}.cell-table table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums;}.cell-table thead th{position:sticky;top:0;background:var(--surface);box-shadow:inset 0 -1px var(--line);color:var(--muted);font-size:12px;z-index:1;}.cell-table td,.cell-table th{height:44px;padding:0 12px;font-weight:400;text-align:start;white-space:nowrap;}.cell-table tr > :first-child{padding-left:16px;width:56px;}.cell-table thead th{height:36px;font-weight:500;}.cell-table thead button{min-height:28px;font-weight:500;}.cell-table thead span:not(.hidden){display:inline-block;width:14px;text-align:center;}.cell-table [aria-sort]{color:var(--text);}.cell-table tbody tr + tr > *{border-top:1px solid var(--line);}.cell-table tbody tr:hover{background:var(--control);}.cell-table .pinned,.cell-table .pinned:hover{background:var(--accent-soft);box-shadow:inset 3px 0 var(--accent);}.cell-table .patch{width:36px;}.cell-table .link{padding:4px 0;}`,M=new Set([`cursor`,`pan`,`zoom`,`level`,`fit`,`pin`,`play`]),N=class{session;map;static styles=[j];#e;constructor(e,t,n){this.session=e,this.map=t,this.#e=new k(n),e.store.subscribe((e,t)=>this.#t(e,t.table)),this.#t(e.store.state,!1)}render(e){let t=_(e),n=t?.levels.find(({size:t})=>t===e.shownLevel);return!e.table||!t||!n?l:this.#e.render({state:e,session:this.session,atlas:t,level:n,go:e=>this.#r(e),key:e=>this.#n(e)})}#t({table:e},t){let{map:n}=this;if(e===t)return;let r=n.getRootNode(),i=(e?n:r.querySelector(`.cell-table`))?.contains(r.activeElement)===!0;n.inert=e,i&&(e?requestAnimationFrame(()=>r.querySelector(`.table-body`)?.focus()):n.focus())}#n(e){let t=y(e);t===null||M.has(t.do)||(e.preventDefault(),this.map.dispatchEvent(new KeyboardEvent(`keydown`,e)))}#r(e){let{store:t}=this.session;t.set({table:!1,pinned:e,hover:null}),this.map.flyTo(g(t.state,this.map.viewport,e))}};export{N as Part};