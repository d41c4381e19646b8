import{B as e,Bt as t,F as n,Ft as r,H as i,I as a,It as o,J as s,Lt as c,M as l,Nt as u,P as d,R as f,Tt as p,Wn as m,bn as h,cn as g,j as _,k as v,ln as y,n as b,nr as x,pt as S,r as C,rr as w,un as T}from"./chunk-shared-Clqkak8R.js";var E=`.find{z-index:5;flex-direction:column;gap:8px;width:min(520px,100% - 24px);max-height:calc(100% - 24px);padding:8px 8px 10px;display:flex;position:absolute;top:12px;left:50%;transform:translate(-50%)}.find-head{align-items:center;gap:4px;display:flex}.find input[type=text]{flex:1;height:36px;font-size:15px}.find input::placeholder{color:var(--muted);opacity:1}.find ul{min-height:64px;max-height:336px;overflow:auto}.find li{cursor:pointer;border-radius:4px;grid-template-columns:60px minmax(80px,auto) minmax(0,1fr);align-items:center;gap:10px;min-height:32px;padding:0 10px;display:grid}.find li:hover{background:var(--control)}.find [aria-selected=true]{background:var(--accent-soft);box-shadow:inset 0 0 0 2px var(--accent)}.find .kind,.find .number{font-size:12px}.find .number{text-align:end}.find p{padding:0 10px;font-size:12px}`,D=60,O=48,k=10,A=class{#e=``;#t=0;constructor(e){this.update=e}render(e){let{list:n,more:r}=e.find(this.#e);this.#t=Math.max(0,Math.min(this.#t,n.length-1));let i=this.#e.trim()!==``;return w`<div
      class="find panel"
      role="search"
      aria-label="Find on the map"
      @focusout=${_(e.close)}
    >
      <div class="find-head">
        <input
          type="text"
          role="combobox"
          aria-label="Find"
          aria-expanded=${n.length>0}
          aria-controls="find-list"
          aria-autocomplete="list"
          aria-activedescendant=${n.length>0?`find-${this.#t}`:x}
          aria-describedby="find-hint"
          autocomplete="off"
          spellcheck="false"
          placeholder="Class, concept, 3, 12 or image 7"
          .value=${this.#e}
          ${v(l)}
          @input=${t=>this.#r(t.target.value,e)}
          @keydown=${t=>this.#i(t,n,e)}
        />
        ${t({icon:`close`,name:`Close the search`,key:`Esc`,press:e.close})}
      </div>
      <ul id="find-list" role="listbox" aria-label="Results" ?hidden=${n.length===0}>
        ${n.map((t,n)=>this.#n(t,n,e))}
      </ul>
      <p id="find-hint" class="muted">${j(i,n.length,r)}</p>
    </div>`}#n({target:e,name:t,note:n},r,i){let a=r===this.#t;return w`<li
      id="find-${r}"
      role="option"
      data-kind=${e.kind}
      aria-selected=${a}
      @mousedown=${e=>e.preventDefault()}
      @click=${()=>i.choose(e,t)}
    >
      <span class="kind muted">${e.kind}</span>
      <span class="name">${c(t,D)}</span>
      <span class="muted number">${c(n,O)}</span>
    </li>`}#r(e,t){this.#e=e,this.#t=0,t.say(t.find(e)),this.update()}#i(e,t,n){let{key:r}=e,i={ArrowDown:1,ArrowUp:-1,PageDown:k,PageUp:-10}[r],a=t[this.#t];if(r===`Escape`)n.close();else if(r===`Enter`&&a)n.choose(a.target,a.name);else if(i!==void 0&&t.length>0)this.#a(e,i,t.length);else return;e.preventDefault()}#a({currentTarget:e},t,n){let r=this.#t+t,i=(r+n)%n;this.#t=Math.abs(t)===1?i:Math.max(0,Math.min(n-1,r)),this.update(),e.closest(`.find`)?.querySelector(`#find-${this.#t}`)?.scrollIntoView({block:`nearest`})}};function j(e,t,n){return e?t===0?`No results.`:n>0?`and ${u(n)} more: type to find them`:`Enter goes there.`:`A name, “row, column” of this grid, an image number, or a saved selection.`}var M=40,N=5,P=/^(?:r|row)?\s*(\d{1,4})\s*(?:[,;/x×]|\s)\s*(?:c|col|column)?\s*(\d{1,4})$/,F=/^(image|sample)?\s*#?(\d{1,9})$/;function I(t,r,i,s=[]){let c=i.trim().toLowerCase();if(c===``)return{list:[],more:0};let l=a(n(t),c),u=a(e(t)??[],c),d=Math.max(0,l.length-M)+Math.max(0,u.length-M),[f]=l;return{list:[...L(t,r,c),...V(t,c),...l.slice(0,M).map(({index:e,name:t,note:n})=>({target:{kind:`class`,index:e},name:t||`(no name)`,note:n})),...f?B(t,r,f.index):[],...u.slice(0,M).map(({id:e,name:t,size:n})=>({target:{kind:`concept`,id:e},name:t,note:o(n,`sample`)})),...a(s,c).map(e=>({target:{kind:`selection`,selection:e},name:e.name,note:`${o(e.rows.length,`sample`)}, ${e.layer}`}))],more:d}}function L(e,t,n){let r=P.exec(n);if(r===null)return[];let[i,a]=[Number(r[1])-1,Number(r[2])-1];return i<0||a<0||i>=t.size||a>=t.size?[]:[R(e,t,i,a)]}function R(e,t,n,r){let{size:i}=t,a=g(t,n,r);return{target:{kind:`cell`,place:{size:i,row:n,col:r}},name:`row ${n+1}, column ${r+1}`,note:a<0?`too few samples to draw`:z(e,t,a)}}function z(e,t,n){let i=e.labels??e.predictions,a=o(t.counts[n],`sample`);if(i===null)return a;let{index:s,share:c}=p(t,i);return`${y(e,s[n])} ${r(c[n])}, ${a}`}function B(e,t,n){let r=e.labels??e.predictions;if(r===null)return[];let i=p(t,r),a=e=>Number(t.counts[e]<8);return[...i.index.keys()].filter(e=>i.index[e]===n).sort((e,t)=>a(e)-a(t)||i.share[t]-i.share[e]||e-t).slice(0,N).map(n=>R(e,t,t.rows[n],t.cols[n]))}function V(e,t){let n=F.exec(t);if(n===null)return[];let[,r,i=``]=n,a=Number(i),s=new Map;for(let t of r===`sample`?[]:e.imageIds)String(t).startsWith(i)&&s.set(t,(s.get(t)??0)+1);let c=[...s].sort(([e],[t])=>e-t).slice(0,N).map(([t,n])=>{let r=[H(e,e.imageIds.indexOf(t)),o(n,`sample`)].filter(Boolean).join(`, `);return{target:{kind:`image`,id:t},name:`image ${t}`,note:r}});if(r!==`sample`||a>=e.count)return c;let l=h(e)?`this step only`:``,u=[H(e,a),`image ${e.imageIds[a]}`,l].filter(Boolean).join(`, `);return[{target:{kind:`sample`,id:a},name:`sample ${a}`,note:u}]}function H(e,t){return e.labels===null?``:y(e,e.labels[t])}var U=.05,W=.7,G=4;function K({xy:e},t){let n=n=>{let r=Float32Array.from(t,t=>e[2*t+n]).sort(),i=Math.floor(U*r.length);return[r[i]??0,r[r.length-1-i]??1]},[[r,i],[a,o]]=[n(0),n(1)],s=Math.max(i-r,o-a,W/G);return m({x:(r+i)/2,y:(a+o)/2,z:Math.max(1,W/s)})}var q=class{#e=null;#t=[];#n=null;constructor(e,t,n){this.session=e,this.map=t,this.update=n}stage(e){let t=s(e),n=T(t,e.shownLevel);return!e.finding||!t||!n?(this.#e=null,this.#n=null,x):(this.#e===null&&(this.#e=new A(this.update),this.#t=b()),this.#e.render({find:e=>this.#r(t,n,e),say:e=>this.#i(e),choose:(e,n)=>this.#o(t,e,n),close:()=>this.#a()}))}#r(e,t,n){let r=this.#n;if(r?.level===t&&r.search===n)return r.found;let i=I(e,t,n,this.#t);return this.#n={level:t,search:n,found:i},i}#i({list:e,more:t}){this.session.store.set({said:e.length===0?`Nothing found`:o(e.length+t,`result`)})}#a(){let{store:e}=this.session;e.set({finding:!1});let t=this.map.getRootNode();((e.state.table?t.querySelector(`.table-body`):null)??this.map).focus()}#o(e,t,n){let{store:r}=this.session;if(t.kind!==`class`&&t.kind!==`cell`&&r.set({table:!1}),this.#a(),t.kind===`cell`){let{place:e}=t;r.set({pinned:e,hover:null,said:`Pinned: ${n}`}),this.map.flyTo(d(r.state,this.map.viewport,e))}else if(t.kind===`class`){let n=S({kind:`top`,classes:[t.index],sign:`helps`});r.set({...n,highlight:null});let a=i(e.labels??e.predictions,[t.index]);a.length>0&&this.map.flyTo(K(e,a))}else if(t.kind===`selection`)C(this.session,t.selection);else{let{kind:i,id:a}=t,o={ids:[a],name:n,event:null},s=i===`sample`&&h(e)?{atlas:e.key}:{},c=i===`concept`?o:{...o,of:i,...s};r.set({highlight:c}),this.map.flyTo(K(e,f(e,c)))}}},J={styles:E,create:({session:e,map:t,update:n})=>new q(e,t,n)};export{J as search};