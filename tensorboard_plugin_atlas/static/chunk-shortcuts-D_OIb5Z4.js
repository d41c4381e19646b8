import{Cn as t,Gt as e,Kt as s,L as a,N as i,Nn as r,Pn as n,R as o,Ut as l,Vt as h,Wt as p,X as c,_n as u,bn as d,dn as f,fr as m,hn as g,mr as $,pr as b,pt as x,wn as w}from"./chunk-shared-BSwaJvbm.js";import{M as y,N as v,S as k,m as S,x as _}from"./chunk-shell-D_FVFRh_.js";function z(t){let{step:e,flip_rate:s,noise_flip_rate:a,significant:i}=t;return{step:e,flipRate:s,noiseFlipRate:a,significant:i}}function N({image:t,before:e,after:s,...a}){let{probability_before:i,probability_after:r}=a;return{image:t,before:e,after:s,probabilityBefore:i,probabilityAfter:r}}var M=[["flip","Patch here"],["anywhere","Patch anywhere"],["noise","Noise here"],["other","Other classes here"],["same","Same class here"]];function T({classes:t},e){return t?s(t[e]??`class ${e}`,40)||"(no name)":`class ${e}`}function R(t,{target:e,rates:s}){return`Pasted at its position, this patch changed the prediction of ${p(s.flip)} of images of other classes to “${T(t,e)}”; noise of the same color: ${p(s.noise)}.`}var A=class{constructor(t,e,s,a,i){this.state=t,this.search=e,this.finding=s,this.session=a,this.map=i}render(t,e){let{search:s,state:a}=this,i=a.shortcut===t.id,r=()=>this.session.store.set({shortcut:i?"all":t.id}),{box:n,target:o}=t;return b`<li class=${i?"chosen":""} data-shortcut=${t.id}>
      <button type="button" class="event" aria-expanded=${i} @click=${r}>
        <atlas-crop
          class="shortcut-patch"
          role="img"
          aria-label="Patch of ${n.height} × ${n.width} pixels"
          .crop=${this.#t(t,e)}
        ></atlas-crop>
        <span class="event-head"><strong>${T(s,o)}</strong></span>
        <span>${R(s,t)}</span>
      </button>
      <div class="shortcut-facts">
        ${function({rates:t,interval:e}){let[s,a]=e.map(t=>Math.round(100*t)),i=Math.max(0,s);return b`<ul class="bars rates">
    ${M.map(([e,s])=>b`<li>
        <span>${s}</span>
        <span class="meter ${e}"><i style="width:${100*t[e]}%"></i></span>
        <span class="number">${p(t[e])}</span>
      </li>`)}
    <li>
      <span>Above noise, 95%</span>
      <span class="span"><i style="left:${i}%;width:${Math.max(0,a-i)}%"></i></span>
      <span class="number">${`${s} … ${a}%`.replaceAll("-","−")}</span>
    </li>
  </ul>`}(t)} ${this.#e(t)}
        ${i?this.#s(t,e):m}
      </div>
    </li>`}#t({box:t},e){let{patches:s}=this.finding,{tile:a=1,columns:i=1}=this.search.patches??{},r={x:e%i*a,y:Math.floor(e/i)*a,width:t.width,height:t.height};return s&&{picture:s,rect:r,crisp:!0}}#e(t){let{area:e,since:s}=t,a=null!==s&&this.state.series?.steps.includes(s);return b`<p class="shortcut-foot muted">
      <span>${p(e)} of image</span>
      ${null===s?b`<span>never significant</span>`:b`<button
              type="button"
              class="button"
              ?disabled=${!a}
              title=${a?"Go to this step":"TensorBoard has not kept this step."}
              @click=${()=>this.session.chooseStep(s)}
            >
              since step ${h(s)}
            </button>`}
      ${function({history:t,since:e}){let s=t.filter(({flipRate:t})=>null!==t);if(s.length<2)return m;let a=e=>3+90*e/(t.length-1),i=e=>t.map(({[e]:s},i)=>null===s?"":`${t[i-1]?.[e]==null?"M":"L"}${a(i)} ${21-18*s}`).join(""),r=t.findIndex(({step:t})=>t===e),n=`Flip rate at ${s.map(({step:t,flipRate:e})=>`step ${h(t)}: ${p(e??0)}`).slice(-12).join(", ")}`;return b`<svg class="spark" viewBox="0 0 96 24" role="img" aria-label=${n}>
    ${$`<path d=${i("noiseFlipRate")} stroke-dasharray="2 2" />
      <path d=${i("flipRate")} />
      ${r<0?m:$`<circle cx=${a(r)} cy=${21-18*(t[r]?.flipRate??0)} r="3" />`}`}
  </svg>`}(t)}
    </p>`}#s(t,s){let a=_(this.state,this.search.probe),{strength:i,support:r,image:n,examples:o,box:h}=t;return b`${this.#a(t)}
      <h3>Before and after <span class="muted">probability of “${T(this.search,t.target)}”</span></h3>
      ${a?b`<p class="muted">${a}</p>`:m}
      ${o.length>0?b`<ul class="pairs">${o.map(e=>this.#i(t,s,e))}</ul>`:b`<p class="muted">No examples were logged.</p>`}
      <h3>Where it was found <span class="muted">image ${n}</span></h3>
      ${this.#r("whole",`Image ${n} with the position of the patch`,n,h,t=>({box:t}))}
      <p class="muted">
        ${e(r,"image")} have attribution for the class at such a patch. Strength
        ${l(i)}: effect relative to area. A shortcut needs ${2.2}, or less if the
        same class shows it, too.
      </p>`}#i(t,e,s){let{image:a,before:i,after:r,probabilityBefore:n,probabilityAfter:o}=s,[h,p]=[i,r].map(t=>T(this.search,t)),c=this.#t(t,e);return b`<li>
      ${this.#r("patch",`Image ${a} before`,a,t.box)}
      ${this.#r("patch",`Image ${a} with the patch`,a,t.box,t=>c&&{over:{...c,at:t}})}
      <span>${h} → <strong>${p}</strong></span>
      <span class="muted number">${l(n)} → ${l(o)}</span>
    </li>`}#r(t,e,s,{x:a,y:i,width:r,height:n},o=()=>({})){let{probe:l}=this.state;if(l?.manifest.digest!==this.search.probe)return m;let h=k(l,s,[i,a,i+n,a+r]),p=h&&this.session.pages.thumbs(l.run,l,h.page),c=h&&o(h.patch),u=p&&c&&{picture:p,rect:h.image,...c};return b`<atlas-crop class=${t} role="img" aria-label=${e} .crop=${u}></atlas-crop>`}#a(t){let{samples:s,similarity:a}=t,i=c(this.state),r=d(i,this.state.shownLevel);if(!i||!r||i.manifest.probeDigest!==this.search.probe)return b`<p class="muted">The map and this search use different probes.</p>`;let n=function({count:t},e,s){let a=x(e,Int32Array.from(s.filter(e=>e<t))),i=a.reduce((t,e)=>Math.max(t,e),0);if(0===i)return null;let r=a.indexOf(i),[n,o]=[e.rows[r],e.cols[r]];return{place:{size:e.size,row:n,col:o},members:i}}(i,r,s);if(null===n)return b`<p class="muted">
        ${s.length>0?"Its nearest samples are in no visible cell of this grid.":"Its position on the map is unknown."}
      </p>`;let{place:o,members:h}=n,{highlight:p}=this.state,u=p?.ids===s;return b`<button
        type="button"
        class="button"
        aria-pressed=${u}
        @click=${()=>this.#n(u?null:o,t)}
      >
        Show on map
      </button>
      <p class="muted">
        Nearest cell on the map${null===a?m:b`, cosine <span class="number">${l(a)}</span>`}:
        row ${o.row+1}, column ${o.col+1} of ${o.size} × ${o.size} holds ${h}
        of its ${e(s.length,"nearest sample")}.
      </p>`}#n(t,{target:e,samples:s}){let{store:a}=this.session;if(null===t)return void a.set({highlight:null,pinned:null});let{probe:i}=this.search,r={ids:s,of:"sample",name:`Similar to the patch for “${T(this.search,e)}”`,event:null,probe:i};a.set({pinned:t,hover:null,highlight:r}),this.map.flyTo(o(a.state,this.map.viewport,t))}},B=class{#t=!1;constructor(t,e,s){this.session=t,this.map=e,this.retry=s,t.store.subscribe((t,e)=>{""===e.shortcut&&""!==t.shortcut&&(this.#t=!0)})}render(t,e){return b`<aside
      class="events shortcuts"
      aria-label="Shortcuts"
      ${i(this.#r)}
      @keydown=${t=>{"Escape"===t.key?this.#i():a(t)}}
    >
      ${S("Shortcuts","Close the shortcuts","Esc",()=>this.#i())}
      ${this.#e(t,e)}
    </aside>`}#e(t,s){let a=y(t);if(null===a)return b`<p><strong>Shortcuts were not searched for in this run.</strong></p>
    <p class="muted"><code>AtlasWriter(..., shortcuts=True)</code> searches during training.</p>`;if(null===s){let t=a.shortcuts[0]??0;return b`<p><strong>Not searched yet at this step.</strong></p>
        <button type="button" class="button" @click=${()=>this.session.chooseStep(t)}>
          First search: step ${h(t)}
        </button>`}let{search:i,failure:r,step:n}=s;return null!==r&&null===i?b`<p><strong>The search at step ${h(n)} cannot be shown.</strong></p>
        <p class="muted">${r.message}</p>
        <button type="button" class="button" @click=${this.retry}>Try again</button>`:null===i?b`<p class="muted">Loading the search …</p>`:b`${function({step:t},{step:s,images:a,found:i}){let r=0===i.length;return b`${i.some(({significant:t})=>t)?m:b`<p>
          <strong>${r?"No shortcut was found.":"No significant shortcut."}</strong>
        </p>`}
  <p class="muted">
    Searched at step ${h(s)}${t===s?m:", the last search so far"}, in
    ${e(a,"image")}.
    ${r?"No small patch changed many predictions. A mark that is in none of these images cannot be found.":m}
  </p>`}(t,i)} ${this.#s(t,i,s)}`}#s(t,e,s){let{found:a}=e,[i,r]=[!0,!1].map(t=>a.filter(({significant:e})=>e===t)),n=new A(t,e,s,this.session,this.map),o=(t,e)=>b`<ol class="event-items" aria-label=${e}>
        ${t.map(t=>n.render(t,a.indexOf(t)))}
      </ol>`,{shortcut:l}=t,h="all"!==l&&!a.some(({id:t})=>t===l);return b`${h?b`<p class="muted">The shortcut of the link is not in this search.</p>`:m}
    ${s.failure?b`<p class="muted">The patches: ${s.failure.message}</p>`:m}
    ${i.length>0?b`<h3>Significant</h3>
            <p class="muted">Not always an error: look at the patch and its area.</p>
            ${o(i,"Significant shortcuts")}`:m}
    ${r.length>0?b`<details ?open=${r.some(({id:t})=>t===l)}>
            <summary>Tested and not significant (${r.length})</summary>
            <p class="muted">
              Each changes some predictions. But chance, noise, or other content at that position
              may do the same, or the patch is so large that it may be part of the object.
            </p>
            ${o(r,"Tested and not significant")}
          </details>`:m}`}#i(){this.session.store.set({shortcut:""}),this.map.focus()}#r=t=>{t&&this.#t&&(this.#t=!1,queueMicrotask(()=>{(t.querySelector(".event")??t.querySelector("button"))?.focus()}))}},I=class{#t;#e=new Map;constructor(t,e,s){this.session=t,this.update=s,this.#t=new B(t,e,()=>this.#r())}ready(t){let e=this.#s(t);return null===e||(e.search??e.failure)!==null}toolbar(t){if(null===y(t))return m;let{search:e=null}=this.#s(t)??{},s=e?j(e):0,a=e?`Shortcuts: ${s||"none"} significant`:"Shortcuts";return b`<button
      type="button"
      class="icon-button shortcut-tool"
      aria-label=${a}
      aria-pressed=${""!==t.shortcut}
      title="${a} (s)"
      @click=${()=>v(this.session)}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M3 3h18v18H3zm2 2v14h14V5zm7 2h5v5h-5z" />
      </svg>
      ${s>0?b`<b aria-hidden="true">${s}</b>`:m}
    </button>`}rail(t){return""===t.shortcut?m:this.#t.render(t,this.#s(t))}announce(t,e){let{shortcut:s}=t,a=this.#s(t)?.search;if(""===s||!a)return null;let i=a.found.find(({id:t})=>t===s);return i&&s!==e.shortcut?R(a,i):""!==e.shortcut&&this.#s(e)?.search===a||t.playing?null:`${j(a)} of ${a.found.length} tested patches are significant, at step ${h(a.step)}`}#s(t){let e=y(t),s=e?.shortcuts.findLast(e=>e<=(t.step??0/0));if(!e||void 0===s)return null;let a=`${e.id}/${s}`,i=this.#e.get(a);if(void 0===i){for(let t of(i={step:s,search:null,failure:null,patches:null},this.#e.set(a,i),[...this.#e.keys()].slice(0,-8)))this.#e.delete(t);this.#i(e.id,i)}return i}async #i(e,s){let a=null;try{var i,o;a=await (i=s.step,u("shortcuts",{id:e,step:i},e=>(function(e,s){if(r(e,"shortcuts"),e.step!==s)throw new n(`shortcuts.step is not ${s}`);let{classes:a,probe:i,input_size:o,images:l}=e,h=e.found.map(t=>(function(t,[e,s]){let[a,i,r,o]=t.box;if(r<=a||o<=i||r>e||o>s)throw new n("shortcuts: a box is not within the image");let[l,h]=t.interval;if(l>h)throw new n("shortcuts: no such interval");return{...t,id:String(t.id),box:{x:i,y:a,width:o-i,height:r-a},rates:{flip:t.flip_rate,anywhere:t.anywhere_flip_rate,noise:t.noise_flip_rate,other:t.other_flip_rate,same:t.same_flip_rate},history:t.history.map(z),examples:t.examples.map(N)}})(t,o));return{step:s,classes:a,probe:i,inputSize:o,images:l,patches:function(e,s){if(null===e.patches){if(s.length>0)throw new n("shortcuts.patches are missing");return null}let{tile:a,columns:i}=e.patches,r=w(e.blobs,"patches",null);if(t("shortcuts.patches",s.length,a,i,r),s.some(({box:t})=>t.width>a||t.height>a))throw new n("shortcuts.patches exceed their tile");let o=r[0];return o?{tile:a,columns:i,page:o}:null}(e,h),found:h}})(e,i)));let l=a.patches?.page;l&&(s.patches=await (o=s.step,g("patches",{id:e,step:o,blob:l.blob,v:l.crc32c})))}catch(t){s.failure=f(t)}s.search=a,this.update()}#r(){this.#e.clear(),this.update()}};function j({found:t}){return t.filter(({significant:t})=>t).length}var F={styles:".shortcut-tool{border-radius:16px;grid-auto-flow:column;gap:2px;width:auto;padding:0 6px}.shortcut-tool path{fill-rule:evenodd}.shortcut-tool b{color:var(--accent);font-size:12px}.shortcuts .event-items{grid-template-columns:minmax(0,1fr)}.shortcuts .event{overflow-wrap:anywhere;grid-template-columns:64px 1fr;gap:2px 12px}.shortcut-patch{grid-row:1/3;width:64px;height:64px}.shortcuts .event>span:last-child{font-size:12px}.shortcut-facts{grid-template-columns:minmax(0,1fr);gap:8px;padding:2px 8px 12px;display:grid}.shortcut-facts p{font-size:12px}.rates{gap:1px;font-size:12px}.bars.rates li{grid-template-columns:118px 1fr 62px}.rates i{background:repeating-linear-gradient(135deg, var(--muted) 0 2px, #0000 2px 4px)}.rates .flip i{background:var(--accent)}.span{height:8px;position:relative}.span i{border:solid var(--text);background:linear-gradient(var(--text), var(--text)) center / 100% 1.5px no-repeat;border-width:0 1.5px;height:8px;position:absolute}.shortcut-foot{flex-wrap:wrap;justify-content:space-between;align-items:center;gap:4px 8px;display:flex}.shortcut-foot *{white-space:nowrap}.shortcut-foot .button{height:24px;padding:0 8px}.spark{fill:none;width:64px;height:24px;stroke:var(--muted);stroke-width:1.5px;border-bottom:1px solid var(--line)}.spark path:last-of-type{stroke:var(--accent)}.spark circle{fill:var(--accent);stroke:none}.pairs{grid-template-columns:1fr 1fr;gap:10px 12px;font-size:12px;display:grid}.pairs li{overflow-wrap:anywhere;grid-template-columns:1fr 1fr;align-content:start;gap:2px 4px;display:grid}.pairs span{grid-column:1/-1}.shortcut-facts .whole{width:128px}",create:({session:t,map:e,update:s})=>new I(t,e,s)};export{F as shortcuts};