import{$ as e,F as t,L as n,R as r,dt as i,f as a,k as o,p as s,pt as c,t as l,ut as u,z as d}from"./chunk-base-MjkGkRbU.js";import{C as f,S as p,V as m,b as h,j as g,k as _,p as v,w as y,y as b}from"./chunk-later-1Dlu_yH2.js";var x=40,S=5,C=8,w=/^(?:r|row)?\s*(\d{1,4})\s*(?:[,;/x×]|\s)\s*(?:c|col|column)?\s*(\d{1,4})$/,T=/^(image|sample)?\s*#?(\d{1,9})$/;function E(e,t,n){let i=n.trim().toLowerCase();if(i===``)return{list:[],more:0};let a=y(f(e),i),o=y(b(e)??[],i),s=Math.max(0,a.length-x)+Math.max(0,o.length-x),[c]=a;return{list:[...D(e,t,i),...j(e,i),...a.slice(0,x).map(({index:e,name:t,note:n})=>({target:{kind:`class`,index:e},name:t||`(no name)`,note:n})),...c?A(e,t,c.index):[],...o.slice(0,x).map(({id:e,name:t,size:n})=>({target:{kind:`concept`,id:e},name:t,note:r(n,`sample`)}))],more:s}}function D(e,t,n){let r=w.exec(n);if(r===null)return[];let[i,a]=[Number(r[1])-1,Number(r[2])-1];return i<0||a<0||i>=t.size||a>=t.size?[]:[O(e,t,i,a)]}function O(e,t,n,r){let{size:i}=t,o=a(t,n,r);return{target:{kind:`cell`,place:{size:i,row:n,col:r}},name:`row ${n+1}, column ${r+1}`,note:o<0?`too few samples to draw`:k(e,t,o)}}function k(e,t,i){let a=e.labels??e.predictions,o=r(t.counts[i],`sample`);if(a===null)return o;let{index:c,share:l}=g(t,a);return`${s(e,c[i])} ${n(l[i])}, ${o}`}function A(e,t,n){let r=e.labels??e.predictions;if(r===null)return[];let i=g(t,r),a=e=>Number(t.counts[e]<C);return[...i.index.keys()].filter(e=>i.index[e]===n).sort((e,t)=>a(e)-a(t)||i.share[t]-i.share[e]||e-t).slice(0,S).map(n=>O(e,t,t.rows[n],t.cols[n]))}function j(e,t){let n=T.exec(t);if(n===null)return[];let[,i,a=``]=n,o=Number(a),s=new Map;for(let t of i===`sample`?[]:e.imageIds)String(t).startsWith(a)&&s.set(t,(s.get(t)??0)+1);let c=[...s].sort(([e],[t])=>e-t).slice(0,S).map(([t,n])=>{let i=[M(e,e.imageIds.indexOf(t)),r(n,`sample`)].filter(Boolean).join(`, `);return{target:{kind:`image`,id:t},name:`image ${t}`,note:i}});if(i!==`sample`||o>=e.count)return c;let l=[M(e,o),`image ${e.imageIds[o]}`].filter(Boolean).join(`, `);return[{target:{kind:`sample`,id:o},name:`sample ${o}`,note:l}]}function M(e,t){return e.labels===null?``:s(e,e.labels[t])}var N=.05,P=.7,F=4;function I({xy:t},n){let r=e=>{let r=Float32Array.from(n,n=>t[2*n+e]).sort(),i=Math.floor(N*r.length);return[r[i]??0,r[r.length-1-i]??1]},[[i,a],[o,s]]=[r(0),r(1)],c=Math.max(a-i,s-o,P/F);return e({x:(i+a)/2,y:(o+s)/2,z:Math.max(1,P/c)})}var L=60,R=48,z=10,B=class{update;#e=``;#t=0;constructor(e){this.update=e}render(e){let{list:t,more:n}=e.find(this.#e);this.#t=Math.max(0,Math.min(this.#t,t.length-1));let r=this.#e.trim()!==``;return i`<div
class="find panel"
role="search"
aria-label="Find on the map"
@focusout=${t=>H(t,e)}
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
${l(U)}
@input=${t=>this.#r(t.target.value,e)}
@keydown=${n=>this.#i(n,t,e)}
/>
${o({icon:`close`,name:`Close the search`,key:`Esc`,press:e.close})}
</div>
<ul id="find-list" role="listbox" aria-label="Found" ?hidden=${t.length===0}>
${t.map((t,n)=>this.#n(t,n,e))}
</ul>
<p id="find-hint" class="muted">${V(r,t.length,n)}</p>
</div>`}#n({target:e,name:t,note:n},r,a){let o=r===this.#t;return i`<li
id="find-${r}"
role="option"
data-kind=${e.kind}
aria-selected=${o}
@mousedown=${e=>e.preventDefault()}
@click=${()=>a.choose(e,t)}
>
<span class="kind muted">${e.kind}</span>
<span class="name">${d(t,L)}</span>
<span class="muted number">${d(n,R)}</span>
</li>`}#r(e,t){this.#e=e,this.#t=0,t.say(t.find(e)),this.update()}#i(e,t,n){let{key:r}=e,i={ArrowDown:1,ArrowUp:-1,PageDown:z,PageUp:-10}[r],a=t[this.#t];if(r===`Escape`)n.close();else if(r===`Enter`&&a)n.choose(a.target,a.name);else if(i!==void 0&&t.length>0)this.#a(e,i,t.length);else return;e.preventDefault()}#a({currentTarget:e},t,n){let r=this.#t+t,i=(r+n)%n;this.#t=Math.abs(t)===1?i:Math.max(0,Math.min(n-1,r)),this.update(),e.closest(`.find`)?.querySelector(`#find-${this.#t}`)?.scrollIntoView({block:`nearest`})}};function V(e,n,r){return e?n===0?`Nothing here is called so.`:r>0?`and ${t(r)} more: type to find them`:`Enter goes there.`:`A name, “row, column” of the grid on screen, or the number of an image.`}function H({currentTarget:e,relatedTarget:t},{close:n}){let r=t instanceof Node&&e.contains(t);t!==null&&!r&&n()}function U(e){queueMicrotask(()=>{e instanceof HTMLElement&&e.isConnected&&e.focus()})}var W=c` .find{position:absolute;top:12px;left:50%;width:min(520px,calc(100% - 24px));max-height:calc(100% - 24px);transform:translateX(-50%);display:flex;flex-direction:column;gap:8px;padding:8px 8px 10px;z-index:5;}.find-head{display:flex;align-items:center;gap:4px;}.find input{flex:1;min-width:0;height:36px;padding:0 10px;font:inherit;font-size:15px;color:inherit;border:1px solid var(--line);border-radius:4px;background:var(--ground);}.find input::placeholder{color:var(--muted);opacity:1;}.find ul{list-style:none;margin:0;padding:0;max-height:336px;min-height:64px;overflow:auto;}.find li{display:grid;grid-template-columns:60px minmax(80px,auto) minmax(0,1fr);align-items:center;gap:10px;min-height:32px;padding:0 10px;border-radius:4px;cursor:pointer;}.find li:hover{background:var(--control);}.find [aria-selected='true']{background:var(--accent-soft);box-shadow:inset 0 0 0 2px var(--accent);}.find li span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;}.find .kind,.find .number{font-size:12px;}.find .number{text-align:end;}.find p{padding:0 10px;font-size:12px;}`,G=class{session;map;update;static styles=[W];#e=null;#t=null;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){let t=m(e),n=t?.levels.find(({size:t})=>t===e.shownLevel);return!e.finding||!t||!n?(this.#e=null,u):(this.#e??=new B(this.update),this.#e.render({find:e=>this.#n(t,n,e),say:e=>this.#r(e),choose:(e,n)=>this.#a(t,e,n),close:()=>this.#i()}))}#n(e,t,n){let r=this.#t;if(r?.level===t&&r.search===n)return r.found;let i=E(e,t,n);return this.#t={level:t,search:n,found:i},i}#r({list:e,more:t}){this.session.store.set({said:e.length===0?`Nothing found`:r(e.length+t,`result`)})}#i(){this.session.store.set({finding:!1}),this.map.focus()}#a(e,t,n){let{store:r}=this.session;if(this.#i(),t.kind===`cell`){let{place:e}=t;r.set({pinned:e,hover:null,said:`Pinned: ${n}`}),this.map.flyTo(p(r.state,this.map.viewport,e))}else if(t.kind===`class`){let n=_({kind:`top`,classes:[t.index],sign:`helps`});r.set({...n,highlight:null});let i=h(e.labels??e.predictions,[t.index]);i.length>0&&this.map.flyTo(I(e,i))}else{let{kind:i,id:a}=t,o={ids:[a],name:n,event:null},s=i===`concept`?o:{...o,of:i};r.set({highlight:s}),this.map.flyTo(I(e,v(e,s)))}}};export{G as Part};