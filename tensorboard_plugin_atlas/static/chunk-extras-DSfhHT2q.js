import{t as e}from"./chunk-rolldown-runtime-DK3Fl9T5.js";import{$ as t,F as n,I as r,K as i,L as a,M as o,R as s,dt as c,f as l,ft as u,k as d,p as f,pt as p,t as m,z as h}from"./chunk-base-BlpFpTjo.js";import{C as g,_,a as v,b as y,c as b,d as x,f as S,g as ee,i as te,n as C,o as w,s as T,t as E,u as D,v as O}from"./chunk-later-8WtKfJ4z.js";var k=40,A=5,j=8,M=/^(?:r|row)?\s*(\d{1,4})\s*(?:[,;/x×]|\s)\s*(?:c|col|column)?\s*(\d{1,4})$/,N=/^(image|sample)?\s*#?(\d{1,9})$/;function P(e,t,n){let r=n.trim().toLowerCase();if(r===``)return{list:[],more:0};let i=S(x(e),r),a=S(T(e)??[],r),o=Math.max(0,i.length-k)+Math.max(0,a.length-k),[c]=i;return{list:[...F(e,t,r),...z(e,r),...i.slice(0,k).map(({index:e,name:t,note:n})=>({target:{kind:`class`,index:e},name:t||`(no name)`,note:n})),...c?R(e,t,c.index):[],...a.slice(0,k).map(({id:e,name:t,size:n})=>({target:{kind:`concept`,id:e},name:t,note:s(n,`sample`)}))],more:o}}function F(e,t,n){let r=M.exec(n);if(r===null)return[];let[i,a]=[Number(r[1])-1,Number(r[2])-1];return i<0||a<0||i>=t.size||a>=t.size?[]:[I(e,t,i,a)]}function I(e,t,n,r){let{size:i}=t,a=l(t,n,r);return{target:{kind:`cell`,place:{size:i,row:n,col:r}},name:`row ${n+1}, column ${r+1}`,note:a<0?`too few samples to draw`:L(e,t,a)}}function L(e,t,n){let r=e.labels??e.predictions,i=s(t.counts[n],`sample`);if(r===null)return i;let{index:o,share:c}=O(t,r);return`${f(e,o[n])} ${a(c[n])}, ${i}`}function R(e,t,n){let r=e.labels??e.predictions;if(r===null)return[];let i=O(t,r),a=e=>Number(t.counts[e]<j);return[...i.index.keys()].filter(e=>i.index[e]===n).sort((e,t)=>a(e)-a(t)||i.share[t]-i.share[e]||e-t).slice(0,A).map(n=>I(e,t,t.rows[n],t.cols[n]))}function z(e,t){let n=N.exec(t);if(n===null)return[];let[,r,i=``]=n,a=Number(i),o=new Map;for(let t of r===`sample`?[]:e.imageIds)String(t).startsWith(i)&&o.set(t,(o.get(t)??0)+1);let c=[...o].sort(([e],[t])=>e-t).slice(0,A).map(([t,n])=>{let r=[B(e,e.imageIds.indexOf(t)),s(n,`sample`)].filter(Boolean).join(`, `);return{target:{kind:`image`,id:t},name:`image ${t}`,note:r}});if(r!==`sample`||a>=e.count)return c;let l=[B(e,a),`image ${e.imageIds[a]}`].filter(Boolean).join(`, `);return[{target:{kind:`sample`,id:a},name:`sample ${a}`,note:l}]}function B(e,t){return e.labels===null?``:f(e,e.labels[t])}var V=.05,H=.7,U=4;function W({xy:e},n){let r=t=>{let r=Float32Array.from(n,n=>e[2*n+t]).sort(),i=Math.floor(V*r.length);return[r[i]??0,r[r.length-1-i]??1]},[[i,a],[o,s]]=[r(0),r(1)],c=Math.max(a-i,s-o,H/U);return t({x:(i+a)/2,y:(o+s)/2,z:Math.max(1,H/c)})}var G=60,ne=48,K=10,q=class{update;#e=``;#t=0;constructor(e){this.update=e}render(e){let{list:t,more:n}=e.find(this.#e);this.#t=Math.max(0,Math.min(this.#t,t.length-1));let r=this.#e.trim()!==``;return p`<div
class="find panel"
role="search"
aria-label="Find on the map"
@focusout=${t=>Y(t,e)}
>
<div class="find-head">
<input
type="text"
role="combobox"
aria-label="Find"
aria-expanded=${t.length>0}
aria-controls="find-list"
aria-autocomplete="list"
aria-activedescendant=${t.length>0?`find-${this.#t}`:u}
aria-describedby="find-hint"
autocomplete="off"
spellcheck="false"
placeholder="Class, concept, 3, 12 or image 7"
.value=${this.#e}
${m(X)}
@input=${t=>this.#r(t.target.value,e)}
@keydown=${n=>this.#i(n,t,e)}
/>
${d({icon:`close`,name:`Close the search`,key:`Esc`,press:e.close})}
</div>
<ul id="find-list" role="listbox" aria-label="Found" ?hidden=${t.length===0}>
${t.map((t,n)=>this.#n(t,n,e))}
</ul>
<p id="find-hint" class="muted">${J(r,t.length,n)}</p>
</div>`}#n({target:e,name:t,note:n},r,i){let a=r===this.#t;return p`<li
id="find-${r}"
role="option"
data-kind=${e.kind}
aria-selected=${a}
@mousedown=${e=>e.preventDefault()}
@click=${()=>i.choose(e,t)}
>
<span class="kind muted">${e.kind}</span>
<span class="name">${h(t,G)}</span>
<span class="muted number">${h(n,ne)}</span>
</li>`}#r(e,t){this.#e=e,this.#t=0,t.say(t.find(e)),this.update()}#i(e,t,n){let{key:r}=e,i={ArrowDown:1,ArrowUp:-1,PageDown:K,PageUp:-10}[r],a=t[this.#t];if(r===`Escape`)n.close();else if(r===`Enter`&&a)n.choose(a.target,a.name);else if(i!==void 0&&t.length>0)this.#a(e,i,t.length);else return;e.preventDefault()}#a({currentTarget:e},t,n){let r=this.#t+t,i=(r+n)%n;this.#t=Math.abs(t)===1?i:Math.max(0,Math.min(n-1,r)),this.update(),e.closest(`.find`)?.querySelector(`#find-${this.#t}`)?.scrollIntoView({block:`nearest`})}};function J(e,t,r){return e?t===0?`Nothing here is called so.`:r>0?`and ${n(r)} more: type to find them`:`Enter goes there.`:`A name, “row, column” of the grid on screen, or the number of an image.`}function Y({currentTarget:e,relatedTarget:t},{close:n}){let r=t instanceof Node&&e.contains(t);t!==null&&!r&&n()}function X(e){queueMicrotask(()=>{e instanceof HTMLElement&&e.isConnected&&e.focus()})}var Z=c` .find{position:absolute;top:12px;left:50%;width:min(520px,calc(100% - 24px));max-height:calc(100% - 24px);transform:translateX(-50%);display:flex;flex-direction:column;gap:8px;padding:8px 8px 10px;z-index:5;}.find-head{display:flex;align-items:center;gap:4px;}.find input{flex:1;min-width:0;height:36px;padding:0 10px;font:inherit;font-size:15px;color:inherit;border:1px solid var(--line);border-radius:4px;background:var(--ground);}.find input::placeholder{color:var(--muted);opacity:1;}.find ul{list-style:none;margin:0;padding:0;max-height:336px;min-height:64px;overflow:auto;}.find li{display:grid;grid-template-columns:60px minmax(80px,auto) minmax(0,1fr);align-items:center;gap:10px;min-height:32px;padding:0 10px;border-radius:4px;cursor:pointer;}.find li:hover{background:var(--control);}.find [aria-selected='true']{background:var(--accent-soft);box-shadow:inset 0 0 0 2px var(--accent);}.find li span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;}.find .kind,.find .number{font-size:12px;}.find .number{text-align:end;}.find p{padding:0 10px;font-size:12px;}`,re=e({Part:()=>ie}),ie=class{session;map;update;static styles=[Z];#e=null;#t=null;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){let t=g(e),n=t?.levels.find(({size:t})=>t===e.shownLevel);return!e.finding||!t||!n?(this.#e=null,u):(this.#e??=new q(this.update),this.#e.render({find:e=>this.#n(t,n,e),say:e=>this.#r(e),choose:(e,n)=>this.#a(t,e,n),close:()=>this.#i()}))}#n(e,t,n){let r=this.#t;if(r?.level===t&&r.search===n)return r.found;let i=P(e,t,n);return this.#t={level:t,search:n,found:i},i}#r({list:e,more:t}){this.session.store.set({said:e.length===0?`Nothing found`:s(e.length+t,`result`)})}#i(){this.session.store.set({finding:!1}),this.map.focus()}#a(e,t,n){let{store:r}=this.session;if(this.#i(),t.kind===`cell`){let{place:e}=t;r.set({pinned:e,hover:null,said:`Pinned: ${n}`}),this.map.flyTo(D(r.state,this.map.viewport,e))}else if(t.kind===`class`){let n=_({kind:`top`,classes:[t.index],sign:`helps`});r.set({...n,highlight:null});let i=b(e.labels??e.predictions,[t.index]);i.length>0&&this.map.flyTo(W(e,i))}else{let{kind:i,id:a}=t,o={ids:[a],name:n,event:null},s=i===`concept`?o:{...o,of:i};r.set({highlight:s}),this.map.flyTo(W(e,w(e,s)))}}},Q=50,ae=40,oe=[[`place`,`Cell`],[`count`,`Samples`],[`cosine`,`Cosine`],[`kind`,`Icon is`],[`top`,`Top class`],[`share`,`Its share`],[`voice`,`Speaks most`]],$=class{update;#e=`count`;#t=!0;#n=0;constructor(e){this.update=e}render(e){let{state:t,atlas:r,level:i}=e,a=ee(t),{rows:o,values:c}=E(r,i,a),l=C(o,this.#e,this.#t),d=Math.max(1,Math.ceil(l.length/Q));this.#n=Math.min(this.#n,d-1);let f=this.#n*Q,m=l.slice(f,f+Q),h=s(i.rows.length,`cell`),g=c===null?h:`${n(o.length)} of ${h} pass the class filter`;return p`<section class="cell-table" aria-label="Cells of the grid" @keydown=${e.key}>
<div class="table-head">
<h2>${g} <span class="muted">of the ${i.size} × ${i.size} grid</span></h2>
${d>1?this.#r(f,m.length,l.length,d):u}
</div>
<div class="table-body" tabindex="0" role="region" aria-label="Rows">
<table>
<thead>
<tr>
<th scope="col">Icon</th>
${oe.map(([e,t])=>this.#i(e,t))}
<th scope="col"><span class="hidden">On the map</span></th>
</tr>
</thead>
<tbody>
${m.map(t=>this.#a(e,t))}
</tbody>
</table>
</div>
</section>`}#r(e,t,r,i){let a=(e,t)=>p`<button
type="button"
class="button"
?disabled=${this.#n+e<0||this.#n+e>=i}
@click=${()=>this.#s(this.#n+e)}
>
${t}
</button>`;return p`<span class="pager" role="group" aria-label="Pages">
<span class="number">${n(e+1)}–${n(e+t)} of ${n(r)}</span>
${a(-1,`Previous`)} ${a(1,`Next`)}
</span>`}#i(e,t){let n=e===this.#e,r=this.#t?`descending`:`ascending`;return p`<th scope="col" aria-sort=${n?r:u}>
<button type="button" @click=${()=>this.#o(e)}>
${t}<span aria-hidden="true">${n?this.#t?`▾`:`▴`:``}</span>
</button>
</th>`}#a({state:e,session:t,atlas:i,level:s,go:c},l){let{cosine:u,top:d,voice:m}=l,g={size:s.size,row:l.row,col:l.col},_=`row ${l.row+1}, column ${l.col+1}`,v=o(g,e.pinned),b=()=>t.store.set({pinned:v?null:g,hover:null}),x=e=>h(f(i,e),ae);return p`<tr class=${v?`pinned`:``}>
<td>${se(t,i,s,l.cell)}</td>
<th scope="row">
<button type="button" class="link" aria-pressed=${v} title="Pin" @click=${b}>
${_}
</button>
</th>
<td>${n(l.count)} <span class="muted">${a(l.share)}</span></td>
<td>${u===null?`–`:r(u)}</td>
<td>${te[l.kind]}</td>
<td>${d?x(d.index):`–`}</td>
<td>${d?a(d.share):`–`}</td>
<td>
${m?p`${m.value>0?`for`:`against`} ${x(m.index)}
<span class="muted">${y(m.value)}</span>`:`–`}
</td>
<td>
<button
type="button"
class="link"
aria-label="Show ${_} on the map"
@click=${()=>c(g)}
>
On the map
</button>
</td>
</tr>`}#o(e){this.#t=e===this.#e?!this.#t:![`place`,`kind`,`top`].includes(e),this.#e=e,this.#s(0)}#s(e){this.#n=e,this.update()}};function se(e,t,n,r){let a=i(n,r),o=a&&e.pages.icons(t,n).pages[a.page];if(!a||!o)return u;let{x:s,y:c,side:l}=a;return p`<atlas-crop
class="patch"
.crop=${{picture:o,rect:{x:s,y:c,width:l,height:l}}}
></atlas-crop>`}var ce=c` .cell-table{position:absolute;inset:0;display:flex;flex-direction:column;background:var(--surface);}.stage:has(.inspector) .cell-table{right:332px;}.table-head{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:4px 16px;min-height:48px;padding:8px 16px;}.cell-table h2{margin:0;font-size:15px;font-weight:500;}.cell-table h2 .muted{font-weight:400;}.pager{display:flex;align-items:center;gap:8px;}.table-body{flex:1;overflow:auto;border-top:1px solid var(--line);}.table-body:focus-visible{outline-offset:-2px;}.cell-table table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums;}.cell-table thead th{position:sticky;top:0;background:var(--surface);box-shadow:inset 0 -1px var(--line);color:var(--muted);font-size:12px;z-index:1;}.cell-table td,.cell-table th{height:44px;padding:0 12px;font-weight:400;text-align:start;white-space:nowrap;}.cell-table tr > :first-child{padding-left:16px;width:56px;}.cell-table thead th{height:36px;font-weight:500;}.cell-table thead button{min-height:28px;font-weight:500;}.cell-table thead span:not(.hidden){display:inline-block;width:14px;text-align:center;}.cell-table [aria-sort]{color:var(--text);}.cell-table tbody tr + tr > *{border-top:1px solid var(--line);}.cell-table tbody tr:hover{background:var(--control);}.cell-table .pinned,.cell-table .pinned:hover{background:var(--accent-soft);box-shadow:inset 3px 0 var(--accent);}.cell-table .patch{width:36px;}.cell-table .link{padding:4px 0;}`,le=e({Part:()=>de}),ue=new Set([`cursor`,`pan`,`zoom`,`level`,`fit`,`pin`,`play`]),de=class{session;map;static styles=[ce];#e;constructor(e,t,n){this.session=e,this.map=t,this.#e=new $(n),e.store.subscribe((e,t)=>this.#t(e,t.table)),this.#t(e.store.state,!1)}render(e){let t=g(e),n=t?.levels.find(({size:t})=>t===e.shownLevel);return!e.table||!t||!n?u:this.#e.render({state:e,session:this.session,atlas:t,level:n,go:e=>this.#r(e),key:e=>this.#n(e)})}#t({table:e},t){let{map:n}=this;if(e===t)return;let r=n.getRootNode(),i=(e?n:r.querySelector(`.cell-table`))?.contains(r.activeElement)===!0;n.inert=e,i&&(e?requestAnimationFrame(()=>r.querySelector(`.table-body`)?.focus()):n.focus())}#n(e){let t=v(e);t===null||ue.has(t.do)||(e.preventDefault(),this.map.dispatchEvent(new KeyboardEvent(`keydown`,e)))}#r(e){let{store:t}=this.session;t.set({table:!1,pinned:e,hover:null}),this.map.flyTo(D(t.state,this.map.viewport,e))}};export{re as n,le as t};