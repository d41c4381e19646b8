import{Ct as e,I as t,N as n,Nt as r,P as i,Pt as a,Q as o,a as s,i as c,n as l,o as u,u as d}from"./chunk-first_map-s9gukpc7.js";import{Bt as f,Gt as p,O as m,at as h,ct as g,k as _,mt as v,n as y,pt as b,r as x,st as S,ut as C,wt as w,x as T}from"./chunk-shared-m3nDbXgf.js";var E=60,D=48,O=10,k=class{#e=``;#t=0;constructor(e){this.update=e}render(e){let{list:t,more:n}=e.find(this.#e);this.#t=Math.max(0,Math.min(this.#t,t.length-1));let i=this.#e.trim()!==``;return a`<div
      class="find panel"
      role="search"
      aria-label="Find on the map"
      @focusout=${S(e.close)}
    >
      <div class="find-head">
        <input
          type="text"
          role="combobox"
          aria-label="Find"
          aria-expanded=${t.length>0}
          aria-controls="find-list"
          aria-autocomplete="list"
          aria-activedescendant=${t.length>0?`find-${this.#t}`:r}
          aria-describedby="find-hint"
          autocomplete="off"
          spellcheck="false"
          placeholder="Class, concept, 3, 12 or image 7"
          .value=${this.#e}
          ${h(g)}
          @input=${t=>this.#r(t.target.value,e)}
          @keydown=${n=>this.#i(n,t,e)}
        />
        ${d({icon:`close`,name:`Close the search`,key:`Esc`,press:e.close})}
      </div>
      <ul id="find-list" role="listbox" aria-label="Found" ?hidden=${t.length===0}>
        ${t.map((t,n)=>this.#n(t,n,e))}
      </ul>
      <p id="find-hint" class="muted">${A(i,t.length,n)}</p>
    </div>`}#n({target:e,name:t,note:n},r,i){let o=r===this.#t;return a`<li
      id="find-${r}"
      role="option"
      data-kind=${e.kind}
      aria-selected=${o}
      @mousedown=${e=>e.preventDefault()}
      @click=${()=>i.choose(e,t)}
    >
      <span class="kind muted">${e.kind}</span>
      <span class="name">${u(t,E)}</span>
      <span class="muted number">${u(n,D)}</span>
    </li>`}#r(e,t){this.#e=e,this.#t=0,t.say(t.find(e)),this.update()}#i(e,t,n){let{key:r}=e,i={ArrowDown:1,ArrowUp:-1,PageDown:O,PageUp:-10}[r],a=t[this.#t];if(r===`Escape`)n.close();else if(r===`Enter`&&a)n.choose(a.target,a.name);else if(i!==void 0&&t.length>0)this.#a(e,i,t.length);else return;e.preventDefault()}#a({currentTarget:e},t,n){let r=this.#t+t,i=(r+n)%n;this.#t=Math.abs(t)===1?i:Math.max(0,Math.min(n-1,r)),this.update(),e.closest(`.find`)?.querySelector(`#find-${this.#t}`)?.scrollIntoView({block:`nearest`})}};function A(e,t,n){return e?t===0?`Nothing here is called so.`:n>0?`and ${l(n)} more: type to find them`:`Enter goes there.`:`A name, “row, column” of the grid on screen, or the number of an image. Saved selections, too.`}var j=40,M=5,N=/^(?:r|row)?\s*(\d{1,4})\s*(?:[,;/x×]|\s)\s*(?:c|col|column)?\s*(\d{1,4})$/,P=/^(image|sample)?\s*#?(\d{1,9})$/;function F(e,t,n,r=[]){let i=n.trim().toLowerCase();if(i===``)return{list:[],more:0};let a=v(b(e),i),o=v(m(e)??[],i),c=Math.max(0,a.length-j)+Math.max(0,o.length-j),[l]=a;return{list:[...I(e,t,i),...B(e,i),...a.slice(0,j).map(({index:e,name:t,note:n})=>({target:{kind:`class`,index:e},name:t||`(no name)`,note:n})),...l?z(e,t,l.index):[],...o.slice(0,j).map(({id:e,name:t,size:n})=>({target:{kind:`concept`,id:e},name:t,note:s(n,`sample`)})),...v(r,i).map(e=>({target:{kind:`selection`,selection:e},name:e.name,note:`${s(e.rows.length,`sample`)}, ${e.layer}`}))],more:c}}function I(e,t,n){let r=N.exec(n);if(r===null)return[];let[i,a]=[Number(r[1])-1,Number(r[2])-1];return i<0||a<0||i>=t.size||a>=t.size?[]:[L(e,t,i,a)]}function L(e,t,r,i){let{size:a}=t,o=n(t,r,i);return{target:{kind:`cell`,place:{size:a,row:r,col:i}},name:`row ${r+1}, column ${i+1}`,note:o<0?`too few samples to draw`:R(e,t,o)}}function R(e,t,n){let r=e.labels??e.predictions,a=s(t.counts[n],`sample`);if(r===null)return a;let{index:o,share:l}=p(t,r);return`${i(e,o[n])} ${c(l[n])}, ${a}`}function z(e,t,n){let r=e.labels??e.predictions;if(r===null)return[];let i=p(t,r),a=e=>Number(t.counts[e]<8);return[...i.index.keys()].filter(e=>i.index[e]===n).sort((e,t)=>a(e)-a(t)||i.share[t]-i.share[e]||e-t).slice(0,M).map(n=>L(e,t,t.rows[n],t.cols[n]))}function B(e,t){let n=P.exec(t);if(n===null)return[];let[,r,i=``]=n,a=Number(i),c=new Map;for(let t of r===`sample`?[]:e.imageIds)String(t).startsWith(i)&&c.set(t,(c.get(t)??0)+1);let l=[...c].sort(([e],[t])=>e-t).slice(0,M).map(([t,n])=>{let r=[V(e,e.imageIds.indexOf(t)),s(n,`sample`)].filter(Boolean).join(`, `);return{target:{kind:`image`,id:t},name:`image ${t}`,note:r}});if(r!==`sample`||a>=e.count)return l;let u=o(e)?`of this step alone`:``,d=[V(e,a),`image ${e.imageIds[a]}`,u].filter(Boolean).join(`, `);return[{target:{kind:`sample`,id:a},name:`sample ${a}`,note:d}]}function V(e,t){return e.labels===null?``:i(e,e.labels[t])}var H=.05,U=.7,W=4;function G({xy:t},n){let r=e=>{let r=Float32Array.from(n,n=>t[2*n+e]).sort(),i=Math.floor(H*r.length);return[r[i]??0,r[r.length-1-i]??1]},[[i,a],[o,s]]=[r(0),r(1)],c=Math.max(a-i,s-o,U/W);return e({x:(i+a)/2,y:(o+s)/2,z:Math.max(1,U/c)})}var K=class{#e=null;#t=[];#n=null;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){let n=w(e),i=t(n,e.shownLevel);return!e.finding||!n||!i?(this.#e=null,this.#n=null,r):(this.#e===null&&(this.#e=new k(this.update),this.#t=y()),this.#e.render({find:e=>this.#r(n,i,e),say:e=>this.#i(e),choose:(e,t)=>this.#o(n,e,t),close:()=>this.#a()}))}#r(e,t,n){let r=this.#n;if(r?.level===t&&r.search===n)return r.found;let i=F(e,t,n,this.#t);return this.#n={level:t,search:n,found:i},i}#i({list:e,more:t}){this.session.store.set({said:e.length===0?`Nothing found`:s(e.length+t,`result`)})}#a(){let{store:e}=this.session;e.set({finding:!1});let t=this.map.getRootNode();((e.state.table?t.querySelector(`.table-body`):null)??this.map).focus()}#o(e,t,n){let{store:r}=this.session;if(t.kind!==`class`&&t.kind!==`cell`&&r.set({table:!1}),this.#a(),t.kind===`cell`){let{place:e}=t;r.set({pinned:e,hover:null,said:`Pinned: ${n}`}),this.map.flyTo(C(r.state,this.map.viewport,e))}else if(t.kind===`class`){let n=f({kind:`top`,classes:[t.index],sign:`helps`});r.set({...n,highlight:null});let i=_(e.labels??e.predictions,[t.index]);i.length>0&&this.map.flyTo(G(e,i))}else if(t.kind===`selection`)x(this.session,t.selection);else{let{kind:i,id:a}=t,s={ids:[a],name:n,event:null},c=i===`sample`&&o(e)?{atlas:e.key}:{},l=i===`concept`?s:{...s,of:i,...c};r.set({highlight:l}),this.map.flyTo(G(e,T(e,l)))}}};export{K as Part};