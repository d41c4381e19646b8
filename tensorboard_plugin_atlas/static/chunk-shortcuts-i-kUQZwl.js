import{Cn as e,Ft as t,It as n,J as r,Lt as i,N as a,Nt as o,P as s,Pt as c,V as l,an as u,ir as d,k as f,mn as p,nr as m,pn as h,rr as g,sn as _,tn as v,un as y,wn as b}from"./chunk-shared-Clqkak8R.js";import{M as x,b as S,j as C,p as w,x as T}from"./chunk-shell-B8Mq4hw2.js";var E=`.shortcut-tool{border-radius:16px;grid-auto-flow:column;gap:2px;width:auto;padding:0 6px}.shortcut-tool path{fill-rule:evenodd}.shortcut-tool b{color:var(--accent);font-size:12px}.shortcuts .event-items{grid-template-columns:minmax(0,1fr)}.shortcuts .event{overflow-wrap:anywhere;grid-template-columns:64px 1fr;gap:2px 12px}.shortcut-patch{grid-row:1/3;width:64px;height:64px}.shortcuts .event>span:last-child{font-size:12px}.shortcut-facts{grid-template-columns:minmax(0,1fr);gap:8px;padding:2px 8px 12px;display:grid}.shortcut-facts p{font-size:12px}.rates{gap:1px;font-size:12px}.bars.rates li{grid-template-columns:118px 1fr 62px}.rates i{background:repeating-linear-gradient(135deg, var(--muted) 0 2px, #0000 2px 4px)}.rates .flip i{background:var(--accent)}.span{height:8px;position:relative}.span i{border:solid var(--text);background:linear-gradient(var(--text), var(--text)) center / 100% 1.5px no-repeat;border-width:0 1.5px;height:8px;position:absolute}.shortcut-foot{flex-wrap:wrap;justify-content:space-between;align-items:center;gap:4px 8px;display:flex}.shortcut-foot *{white-space:nowrap}.shortcut-foot .button{height:24px;padding:0 8px}.spark{fill:none;width:64px;height:24px;stroke:var(--muted);stroke-width:1.5px;border-bottom:1px solid var(--line)}.spark path:last-of-type{stroke:var(--accent)}.spark circle{fill:var(--accent);stroke:none}.pairs{grid-template-columns:1fr 1fr;gap:10px 12px;font-size:12px;display:grid}.pairs li{overflow-wrap:anywhere;grid-template-columns:1fr 1fr;align-content:start;gap:2px 4px;display:grid}.pairs span{grid-column:1/-1}.shortcut-facts .whole{width:128px}`;function D(e,t){return _(`shortcuts`,{id:e,step:t},e=>k(e,t))}function O(e,t,n){return u(`patches`,{id:e,step:t,blob:n.blob,v:n.crc32c})}function k(t,n){if(e(t,`shortcuts`),t.step!==n)throw new b(`shortcuts.step is not ${n}`);let{classes:r,probe:i,input_size:a,images:o}=t,s=t.found.map(e=>j(e,a));return{step:n,classes:r,probe:i,inputSize:a,images:o,patches:A(t,s),found:s}}function A(e,t){if(e.patches===null){if(t.length>0)throw new b(`shortcuts.patches are missing`);return null}let{tile:n,columns:r}=e.patches,i=p(e.blobs,`patches`,null);if(h(`shortcuts.patches`,t.length,n,r,i),t.some(({box:e})=>e.width>n||e.height>n))throw new b(`shortcuts.patches exceed their tile`);let a=i[0];return a?{tile:n,columns:r,page:a}:null}function j(e,[t,n]){let[r,i,a,o]=e.box;if(a<=r||o<=i||a>t||o>n)throw new b(`shortcuts: a box is not within the image`);let[s,c]=e.interval;if(s>c)throw new b(`shortcuts: no such interval`);return{...e,id:String(e.id),box:{x:i,y:r,width:o-i,height:a-r},rates:{flip:e.flip_rate,anywhere:e.anywhere_flip_rate,noise:e.noise_flip_rate,other:e.other_flip_rate,same:e.same_flip_rate},history:e.history.map(M),examples:e.examples.map(N)}}function M(e){let{step:t,flip_rate:n,noise_flip_rate:r,significant:i}=e;return{step:t,flipRate:n,noiseFlipRate:r,significant:i}}function N({image:e,before:t,after:n,...r}){let{probability_before:i,probability_after:a}=r;return{image:e,before:t,after:n,probabilityBefore:i,probabilityAfter:a}}var P=40,F=2.2,I=[[`flip`,`Patch here`],[`anywhere`,`Patch anywhere`],[`noise`,`Noise here`],[`other`,`Other classes here`],[`same`,`Same class here`]];function L({classes:e},t){return e?i(e[t]??`class ${t}`,P)||`(no name)`:`class ${t}`}function R(e,{target:n,rates:r}){return`Pasted at its position, this patch changed the prediction of ${t(r.flip)} of images of other classes to “${L(e,n)}”; noise of the same color: ${t(r.noise)}.`}var z=class{constructor(e,t,n,r,i){this.state=e,this.search=t,this.finding=n,this.session=r,this.map=i}render(e,t){let{search:n,state:r}=this,i=r.shortcut===e.id,a=()=>this.session.store.set({shortcut:i?`all`:e.id}),{box:o,target:s}=e;return g`<li class=${i?`chosen`:``} data-shortcut=${e.id}>
      <button type="button" class="event" aria-expanded=${i} @click=${a}>
        <atlas-crop
          class="shortcut-patch"
          role="img"
          aria-label="Patch of ${o.height} × ${o.width} pixels"
          .crop=${this.#e(e,t)}
        ></atlas-crop>
        <span class="event-head"><strong>${L(n,s)}</strong></span>
        <span>${R(n,e)}</span>
      </button>
      <div class="shortcut-facts">
        ${V(e)} ${this.#t(e)}
        ${i?this.#n(e,t):m}
      </div>
    </li>`}#e({box:e},t){let{patches:n}=this.finding,{tile:r=1,columns:i=1}=this.search.patches??{},a={x:t%i*r,y:Math.floor(t/i)*r,width:e.width,height:e.height};return n&&{picture:n,rect:a,crisp:!0}}#t(e){let{area:n,since:r}=e,i=r!==null&&this.state.series?.steps.includes(r);return g`<p class="shortcut-foot muted">
      <span>${t(n)} of image</span>
      ${r===null?g`<span>never significant</span>`:g`<button
              type="button"
              class="button"
              ?disabled=${!i}
              title=${i?`Go to this step`:`TensorBoard has not kept this step.`}
              @click=${()=>this.session.chooseStep(r)}
            >
              since step ${o(r)}
            </button>`}
      ${H(e)}
    </p>`}#n(e,t){let r=S(this.state,this.search.probe),{strength:i,support:a,image:o,examples:s,box:l}=e;return g`${this.#a(e)}
      <h3>Before and after <span class="muted">probability of “${L(this.search,e.target)}”</span></h3>
      ${r?g`<p class="muted">${r}</p>`:m}
      ${s.length>0?g`<ul class="pairs">${s.map(n=>this.#r(e,t,n))}</ul>`:g`<p class="muted">No examples were logged.</p>`}
      <h3>Where it was found <span class="muted">image ${o}</span></h3>
      ${this.#i(`whole`,`Image ${o} with the position of the patch`,o,l,e=>({box:e}))}
      <p class="muted">
        ${n(a,`image`)} have attribution for the class at such a patch. Strength
        ${c(i)}: effect relative to area. A shortcut needs ${F}, or less if the
        same class shows it, too.
      </p>`}#r(e,t,n){let{image:r,before:i,after:a,probabilityBefore:o,probabilityAfter:s}=n,[l,u]=[i,a].map(e=>L(this.search,e)),d=this.#e(e,t);return g`<li>
      ${this.#i(`patch`,`Image ${r} before`,r,e.box)}
      ${this.#i(`patch`,`Image ${r} with the patch`,r,e.box,e=>d&&{over:{...d,at:e}})}
      <span>${l} → <strong>${u}</strong></span>
      <span class="muted number">${c(o)} → ${c(s)}</span>
    </li>`}#i(e,t,n,{x:r,y:i,width:a,height:o},s=()=>({})){let{probe:c}=this.state;if(c?.manifest.digest!==this.search.probe)return m;let l=T(c,n,[i,r,i+o,r+a]),u=l&&this.session.pages.thumbs(c.run,c,l.page),d=l&&s(l.patch),f=u&&d&&{picture:u,rect:l.image,...d};return g`<atlas-crop class=${e} role="img" aria-label=${t} .crop=${f}></atlas-crop>`}#a(e){let{samples:t,similarity:i}=e,a=r(this.state),o=y(a,this.state.shownLevel);if(!a||!o||a.manifest.probeDigest!==this.search.probe)return g`<p class="muted">The map and this search use different probes.</p>`;let s=B(a,o,t);if(s===null)return g`<p class="muted">
        ${t.length>0?`Its nearest samples are in no visible cell of this grid.`:`Its position on the map is unknown.`}
      </p>`;let{place:l,members:u}=s,{highlight:d}=this.state,f=d?.ids===t;return g`<button
        type="button"
        class="button"
        aria-pressed=${f}
        @click=${()=>this.#o(f?null:l,e)}
      >
        Show on map
      </button>
      <p class="muted">
        Nearest cell on the map${i===null?m:g`, cosine <span class="number">${c(i)}</span>`}:
        row ${l.row+1}, column ${l.col+1} of ${l.size} × ${l.size} holds ${u}
        of its ${n(t.length,`nearest sample`)}.
      </p>`}#o(e,{target:t,samples:n}){let{store:r}=this.session;if(e===null){r.set({highlight:null,pinned:null});return}let{probe:i}=this.search,a={ids:n,of:`sample`,name:`Similar to the patch for “${L(this.search,t)}”`,event:null,probe:i};r.set({pinned:e,hover:null,highlight:a}),this.map.flyTo(s(r.state,this.map.viewport,e))}};function B({count:e},t,n){let r=l(t,Int32Array.from(n.filter(t=>t<e))),i=r.reduce((e,t)=>Math.max(e,t),0);if(i===0)return null;let a=r.indexOf(i),[o,s]=[t.rows[a],t.cols[a]];return{place:{size:t.size,row:o,col:s},members:i}}function V({rates:e,interval:n}){let[r,i]=n.map(e=>Math.round(100*e)),a=Math.max(0,r);return g`<ul class="bars rates">
    ${I.map(([n,r])=>g`<li>
        <span>${r}</span>
        <span class="meter ${n}"><i style="width:${100*e[n]}%"></i></span>
        <span class="number">${t(e[n])}</span>
      </li>`)}
    <li>
      <span>Above noise, 95%</span>
      <span class="span"><i style="left:${a}%;width:${Math.max(0,i-a)}%"></i></span>
      <span class="number">${`${r} … ${i}%`.replaceAll(`-`,`−`)}</span>
    </li>
  </ul>`}function H({history:e,since:n}){let r=e.filter(({flipRate:e})=>e!==null);if(r.length<2)return m;let i=t=>3+90*t/(e.length-1),a=e=>21-18*e,s=t=>e.map(({[t]:n},r)=>n===null?``:`${e[r-1]?.[t]==null?`M`:`L`}${i(r)} ${a(n)}`).join(``),c=e.findIndex(({step:e})=>e===n),l=`Flip rate at ${r.map(({step:e,flipRate:n})=>`step ${o(e)}: ${t(n??0)}`).slice(-12).join(`, `)}`;return g`<svg class="spark" viewBox="0 0 96 24" role="img" aria-label=${l}>
    ${d`<path d=${s(`noiseFlipRate`)} stroke-dasharray="2 2" />
      <path d=${s(`flipRate`)} />
      ${c<0?m:d`<circle cx=${i(c)} cy=${a(e[c]?.flipRate??0)} r="3" />`}`}
  </svg>`}var U=class{#e=!1;constructor(e,t,n){this.session=e,this.map=t,this.retry=n,e.store.subscribe((e,t)=>{t.shortcut===``&&e.shortcut!==``&&(this.#e=!0)})}render(e,t){return g`<aside
      class="events shortcuts"
      aria-label="Shortcuts"
      ${f(this.#i)}
      @keydown=${e=>{e.key===`Escape`?this.#r():a(e)}}
    >
      ${w(`Shortcuts`,`Close the shortcuts`,`Esc`,()=>this.#r())}
      ${this.#t(e,t)}
    </aside>`}#t(e,t){let n=C(e);if(n===null)return G();if(t===null){let e=n.shortcuts[0]??0;return g`<p><strong>Not searched yet at this step.</strong></p>
        <button type="button" class="button" @click=${()=>this.session.chooseStep(e)}>
          First search: step ${o(e)}
        </button>`}let{search:r,failure:i,step:a}=t;return i!==null&&r===null?g`<p><strong>The search at step ${o(a)} cannot be shown.</strong></p>
        <p class="muted">${i.message}</p>
        <button type="button" class="button" @click=${this.retry}>Try again</button>`:r===null?g`<p class="muted">Loading the search …</p>`:g`${W(e,r)} ${this.#n(e,r,t)}`}#n(e,t,n){let{found:r}=t,[i,a]=[!0,!1].map(e=>r.filter(({significant:t})=>t===e)),o=new z(e,t,n,this.session,this.map),s=(e,t)=>g`<ol class="event-items" aria-label=${t}>
        ${e.map(e=>o.render(e,r.indexOf(e)))}
      </ol>`,{shortcut:c}=e,l=c!==`all`&&!r.some(({id:e})=>e===c);return g`${l?g`<p class="muted">The shortcut of the link is not in this search.</p>`:m}
    ${n.failure?g`<p class="muted">The patches: ${n.failure.message}</p>`:m}
    ${i.length>0?g`<h3>Significant</h3>
            <p class="muted">Not always an error: look at the patch and its area.</p>
            ${s(i,`Significant shortcuts`)}`:m}
    ${a.length>0?g`<details ?open=${a.some(({id:e})=>e===c)}>
            <summary>Tested and not significant (${a.length})</summary>
            <p class="muted">
              Each changes some predictions. But chance, noise, or other content at that position
              may do the same, or the patch is so large that it may be part of the object.
            </p>
            ${s(a,`Tested and not significant`)}
          </details>`:m}`}#r(){this.session.store.set({shortcut:``}),this.map.focus()}#i=e=>{e&&this.#e&&(this.#e=!1,queueMicrotask(()=>{(e.querySelector(`.event`)??e.querySelector(`button`))?.focus()}))}};function W({step:e},{step:t,images:r,found:i}){let a=i.length===0;return g`${i.some(({significant:e})=>e)?m:g`<p>
          <strong>${a?`No shortcut was found.`:`No significant shortcut.`}</strong>
        </p>`}
  <p class="muted">
    Searched at step ${o(t)}${e===t?m:`, the last search so far`}, in
    ${n(r,`image`)}.
    ${a?`No small patch changed many predictions. A mark that is in none of these images cannot be found.`:m}
  </p>`}function G(){return g`<p><strong>Shortcuts were not searched for in this run.</strong></p>
    <p class="muted"><code>AtlasWriter(..., shortcuts=True)</code> searches during training.</p>`}var K=class{#e;#t=new Map;constructor(e,t,n){this.session=e,this.update=n,this.#e=new U(e,t,()=>this.#i())}ready(e){let t=this.#n(e);return t===null||(t.search??t.failure)!==null}toolbar(e){if(C(e)===null)return m;let{search:t=null}=this.#n(e)??{},n=t?q(t):0,r=t?`Shortcuts: ${n||`none`} significant`:`Shortcuts`;return g`<button
      type="button"
      class="icon-button shortcut-tool"
      aria-label=${r}
      aria-pressed=${e.shortcut!==``}
      title="${r} (s)"
      @click=${()=>x(this.session)}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M3 3h18v18H3zm2 2v14h14V5zm7 2h5v5h-5z" />
      </svg>
      ${n>0?g`<b aria-hidden="true">${n}</b>`:m}
    </button>`}rail(e){return e.shortcut===``?m:this.#e.render(e,this.#n(e))}announce(e,t){let{shortcut:n}=e,r=this.#n(e)?.search;if(n===``||!r)return null;let i=r.found.find(({id:e})=>e===n);return i&&n!==t.shortcut?R(r,i):t.shortcut!==``&&this.#n(t)?.search===r||e.playing?null:`${q(r)} of ${r.found.length} tested patches are significant, at step ${o(r.step)}`}#n(e){let t=C(e),n=t?.shortcuts.findLast(t=>t<=(e.step??NaN));if(!t||n===void 0)return null;let r=`${t.id}/${n}`,i=this.#t.get(r);if(i===void 0){i={step:n,search:null,failure:null,patches:null},this.#t.set(r,i);for(let e of[...this.#t.keys()].slice(0,-8))this.#t.delete(e);this.#r(t.id,i)}return i}async#r(e,t){let n=null;try{n=await D(e,t.step);let r=n.patches?.page;r&&(t.patches=await O(e,t.step,r))}catch(e){t.failure=v(e)}t.search=n,this.update()}#i(){this.#t.clear(),this.update()}};function q({found:e}){return e.filter(({significant:e})=>e).length}var J={styles:E,create:({session:e,map:t,update:n})=>new K(e,t,n)};export{J as shortcuts};