import{Fn as t,Gt as e,Ht as s,Kt as a,L as i,N as r,Pn as n,R as o,Tn as l,Wt as h,Z as p,fn as c,gn as u,hr as d,mr as f,mt as m,pr as g,qt as $,vn as b,wn as x,xn as w}from"./chunk-shared-Cte8lVvY.js";import{M as y,N as v,S as k,m as S,x as _}from"./chunk-shell-4BsR2oD5.js";function z(t){let{step:e,flip_rate:s,noise_flip_rate:a,significant:i}=t;return{step:e,flipRate:s,noiseFlipRate:a,significant:i}}function T({image:t,before:e,after:s,...a}){let{probability_before:i,probability_after:r}=a;return{image:t,before:e,after:s,probabilityBefore:i,probabilityAfter:r}}var M=[["flip","Patch here"],["anywhere","Patch anywhere"],["noise","Noise here"],["other","Other classes here"],["same","Same class here"]];function N({classes:t},e){return t?$(t[e]??`class ${e}`,40)||"(no name)":`class ${e}`}function R(t,{target:s,rates:a}){return`Pasted at its position, this patch changed the prediction of ${e(a.flip)} of images of other classes to “${N(t,s)}”; noise of the same color: ${e(a.noise)}.`}var A=class{constructor(t,e,s,a,i){this.state=t,this.search=e,this.finding=s,this.session=a,this.map=i}render(t,s){let{search:a,state:i}=this,r=i.shortcut===t.id,n=()=>this.session.store.set({shortcut:r?"all":t.id}),{box:o,target:l}=t;return f`<li class=${r?"chosen":""} data-shortcut=${t.id}>
      <button type="button" class="event" aria-expanded=${r} @click=${n}>
        <atlas-crop
          class="shortcut-patch"
          role="img"
          aria-label="Patch of ${o.height} × ${o.width} pixels"
          .crop=${this.#t(t,s)}
        ></atlas-crop>
        <span class="event-head"><strong>${N(a,l)}</strong></span>
        <span>${R(a,t)}</span>
      </button>
      <div class="shortcut-facts">
        ${function({rates:t,interval:s}){let[a,i]=s.map(t=>Math.round(100*t)),r=Math.max(0,a);return f`<ul class="bars rates">
    ${M.map(([s,a])=>f`<li>
        <span>${a}</span>
        <span class="meter ${s}"><i style="width:${100*t[s]}%"></i></span>
        <span class="number">${e(t[s])}</span>
      </li>`)}
    <li>
      <span>Above noise, 95%</span>
      <span class="span"><i style="left:${r}%;width:${Math.max(0,i-r)}%"></i></span>
      <span class="number">${`${a} … ${i}%`.replaceAll("-","−")}</span>
    </li>
  </ul>`}(t)} ${this.#e(t)}
        ${r?this.#s(t,s):g}
      </div>
    </li>`}#t({box:t},e){let{patches:s}=this.finding,{tile:a=1,columns:i=1}=this.search.patches??{},r={x:e%i*a,y:Math.floor(e/i)*a,width:t.width,height:t.height};return s&&{picture:s,rect:r,crisp:!0}}#e(t){let{area:a,since:i}=t,r=null!==i&&this.state.series?.steps.includes(i);return f`<p class="shortcut-foot muted">
      <span>${e(a)} of image</span>
      ${null===i?f`<span>never significant</span>`:f`<button
              type="button"
              class="button"
              ?disabled=${!r}
              title=${r?"Go to this step":"TensorBoard has not kept this step."}
              @click=${()=>this.session.chooseStep(i)}
            >
              since step ${s(i)}
            </button>`}
      ${function({history:t,since:a}){let i=t.filter(({flipRate:t})=>null!==t);if(i.length<2)return g;let r=e=>3+90*e/(t.length-1),n=e=>t.map(({[e]:s},a)=>null===s?"":`${t[a-1]?.[e]==null?"M":"L"}${r(a)} ${21-18*s}`).join(""),o=t.findIndex(({step:t})=>t===a),l=`Flip rate at ${i.map(({step:t,flipRate:a})=>`step ${s(t)}: ${e(a??0)}`).slice(-12).join(", ")}`;return f`<svg class="spark" viewBox="0 0 96 24" role="img" aria-label=${l}>
    ${d`<path d=${n("noiseFlipRate")} stroke-dasharray="2 2" />
      <path d=${n("flipRate")} />
      ${o<0?g:d`<circle cx=${r(o)} cy=${21-18*(t[o]?.flipRate??0)} r="3" />`}`}
  </svg>`}(t)}
    </p>`}#s(t,e){let s=_(this.state,this.search.probe),{strength:i,support:r,image:n,examples:o,box:l}=t;return f`${this.#a(t)}
      <h3>Before and after <span class="muted">probability of “${N(this.search,t.target)}”</span></h3>
      ${s?f`<p class="muted">${s}</p>`:g}
      ${o.length>0?f`<ul class="pairs">${o.map(s=>this.#i(t,e,s))}</ul>`:f`<p class="muted">No examples were logged.</p>`}
      <h3>Where it was found <span class="muted">image ${n}</span></h3>
      ${this.#r("whole",`Image ${n} with the position of the patch`,n,l,t=>({box:t}))}
      <p class="muted">
        ${a(r,"image")} have attribution for the class at such a patch. Strength
        ${h(i)}: effect relative to area. A shortcut needs ${2.2}, or less if the
        same class shows it, too.
      </p>`}#i(t,e,s){let{image:a,before:i,after:r,probabilityBefore:n,probabilityAfter:o}=s,[l,p]=[i,r].map(t=>N(this.search,t)),c=this.#t(t,e);return f`<li>
      ${this.#r("patch",`Image ${a} before`,a,t.box)}
      ${this.#r("patch",`Image ${a} with the patch`,a,t.box,t=>c&&{over:{...c,at:t}})}
      <span>${l} → <strong>${p}</strong></span>
      <span class="muted number">${h(n)} → ${h(o)}</span>
    </li>`}#r(t,e,s,{x:a,y:i,width:r,height:n},o=()=>({})){let{probe:l}=this.state;if(l?.manifest.digest!==this.search.probe)return g;let h=k(l,s,[i,a,i+n,a+r]),p=h&&this.session.pages.thumbs(l.run,l,h.page),c=h&&o(h.patch),u=p&&c&&{picture:p,rect:h.image,...c};return f`<atlas-crop class=${t} role="img" aria-label=${e} .crop=${u}></atlas-crop>`}#a(t){let{samples:e,similarity:s}=t,i=p(this.state),r=w(i,this.state.shownLevel);if(!i||!r||i.manifest.probeDigest!==this.search.probe)return f`<p class="muted">The map and this search use different probes.</p>`;let n=function({count:t},e,s){let a=m(e,Int32Array.from(s.filter(e=>e<t))),i=a.reduce((t,e)=>Math.max(t,e),0);if(0===i)return null;let r=a.indexOf(i),[n,o]=[e.rows[r],e.cols[r]];return{place:{size:e.size,row:n,col:o},members:i}}(i,r,e);if(null===n)return f`<p class="muted">
        ${e.length>0?"Its nearest samples are in no visible cell of this grid.":"Its position on the map is unknown."}
      </p>`;let{place:o,members:l}=n,{highlight:c}=this.state,u=c?.ids===e;return f`<button
        type="button"
        class="button"
        aria-pressed=${u}
        @click=${()=>this.#n(u?null:o,t)}
      >
        Show on map
      </button>
      <p class="muted">
        Nearest cell on the map${null===s?g:f`, cosine <span class="number">${h(s)}</span>`}:
        row ${o.row+1}, column ${o.col+1} of ${o.size} × ${o.size} holds ${l}
        of its ${a(e.length,"nearest sample")}.
      </p>`}#n(t,{target:e,samples:s}){let{store:a}=this.session;if(null===t)return void a.set({highlight:null,pinned:null});let{probe:i}=this.search,r={ids:s,of:"sample",name:`Similar to the patch for “${N(this.search,e)}”`,event:null,probe:i};a.set({pinned:t,hover:null,highlight:r}),this.map.flyTo(o(a.state,this.map.viewport,t))}},B=class{#t=!1;constructor(t,e,s){this.session=t,this.map=e,this.retry=s,t.store.subscribe((t,e)=>{""===e.shortcut&&""!==t.shortcut&&(this.#t=!0)})}render(t,e){return f`<aside
      class="events shortcuts"
      aria-label="Shortcuts"
      ${r(this.#r)}
      @keydown=${t=>{"Escape"===t.key?this.#i():i(t)}}
    >
      ${S("Shortcuts","Close the shortcuts","Esc",()=>this.#i())}
      ${this.#e(t,e)}
    </aside>`}#e(t,e){let i=y(t);if(null===i)return f`<p><strong>Shortcuts were not searched for in this run.</strong></p>
    <p class="muted"><code>AtlasWriter(..., shortcuts=True)</code> searches during training.</p>`;if(null===e){let t=i.shortcuts[0]??0;return f`<p><strong>Not searched yet at this step.</strong></p>
        <button type="button" class="button" @click=${()=>this.session.chooseStep(t)}>
          First search: step ${s(t)}
        </button>`}let{search:r,failure:n,step:o}=e;return null!==n&&null===r?f`<p><strong>The search at step ${s(o)} cannot be shown.</strong></p>
        <p class="muted">${n.message}</p>
        <button type="button" class="button" @click=${this.retry}>Try again</button>`:null===r?f`<p class="muted">Loading the search …</p>`:f`${function({step:t},{step:e,images:i,found:r}){let n=0===r.length;return f`${r.some(({significant:t})=>t)?g:f`<p>
          <strong>${n?"No shortcut was found.":"No significant shortcut."}</strong>
        </p>`}
  <p class="muted">
    Searched at step ${s(e)}${t===e?g:", the last search so far"}, in
    ${a(i,"image")}.
    ${n?"No small patch changed many predictions. A mark that is in none of these images cannot be found.":g}
  </p>`}(t,r)} ${this.#s(t,r,e)}`}#s(t,e,s){let{found:a}=e,[i,r]=[!0,!1].map(t=>a.filter(({significant:e})=>e===t)),n=new A(t,e,s,this.session,this.map),o=(t,e)=>f`<ol class="event-items" aria-label=${e}>
        ${t.map(t=>n.render(t,a.indexOf(t)))}
      </ol>`,{shortcut:l}=t,h="all"!==l&&!a.some(({id:t})=>t===l);return f`${h?f`<p class="muted">The shortcut of the link is not in this search.</p>`:g}
    ${s.failure?f`<p class="muted">The patches: ${s.failure.message}</p>`:g}
    ${i.length>0?f`<h3>Significant</h3>
            <p class="muted">Not always an error: look at the patch and its area.</p>
            ${o(i,"Significant shortcuts")}`:g}
    ${r.length>0?f`<details ?open=${r.some(({id:t})=>t===l)}>
            <summary>Tested and not significant (${r.length})</summary>
            <p class="muted">
              Each changes some predictions. But chance, noise, or other content at that position
              may do the same, or the patch is so large that it may be part of the object.
            </p>
            ${o(r,"Tested and not significant")}
          </details>`:g}`}#i(){this.session.store.set({shortcut:""}),this.map.focus()}#r=t=>{t&&this.#t&&(this.#t=!1,queueMicrotask(()=>{(t.querySelector(".event")??t.querySelector("button"))?.focus()}))}},I=class{#t;#e=new Map;constructor(t,e,s){this.session=t,this.update=s,this.#t=new B(t,e,()=>this.#r())}ready(t){let e=this.#s(t);return null===e||(e.search??e.failure)!==null}toolbar(t){if(null===y(t))return g;let{search:e=null}=this.#s(t)??{},s=e?j(e):0,a=e?`Shortcuts: ${s||"none"} significant`:"Shortcuts";return f`<button
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
      ${s>0?f`<b aria-hidden="true">${s}</b>`:g}
    </button>`}rail(t){return""===t.shortcut?g:this.#t.render(t,this.#s(t))}announce(t,e){let{shortcut:a}=t,i=this.#s(t)?.search;if(""===a||!i)return null;let r=i.found.find(({id:t})=>t===a);return r&&a!==e.shortcut?R(i,r):""!==e.shortcut&&this.#s(e)?.search===i||t.playing?null:`${j(i)} of ${i.found.length} tested patches are significant, at step ${s(i.step)}`}#s(t){let e=y(t),s=e?.shortcuts.findLast(e=>e<=(t.step??0/0));if(!e||void 0===s)return null;let a=`${e.id}/${s}`,i=this.#e.get(a);if(void 0===i){for(let t of(i={step:s,search:null,failure:null,patches:null},this.#e.set(a,i),[...this.#e.keys()].slice(0,-8)))this.#e.delete(t);this.#i(e.id,i)}return i}async #i(e,s){let a=null;try{var i,r;a=await (i=s.step,b("shortcuts",{id:e,step:i},e=>(function(e,s){if(n(e,"shortcuts"),e.step!==s)throw new t(`shortcuts.step is not ${s}`);let{classes:a,probe:i,input_size:r,images:o}=e,h=e.found.map(e=>(function(e,[s,a]){let[i,r,n,o]=e.box;if(n<=i||o<=r||n>s||o>a)throw new t("shortcuts: a box is not within the image");let[l,h]=e.interval;if(l>h)throw new t("shortcuts: no such interval");return{...e,id:String(e.id),box:{x:r,y:i,width:o-r,height:n-i},rates:{flip:e.flip_rate,anywhere:e.anywhere_flip_rate,noise:e.noise_flip_rate,other:e.other_flip_rate,same:e.same_flip_rate},history:e.history.map(z),examples:e.examples.map(T)}})(e,r));return{step:s,classes:a,probe:i,inputSize:r,images:o,patches:function(e,s){if(null===e.patches){if(s.length>0)throw new t("shortcuts.patches are missing");return null}let{tile:a,columns:i}=e.patches,r=l(e.blobs,"patches",null);if(x("shortcuts.patches",s.length,a,i,r),s.some(({box:t})=>t.width>a||t.height>a))throw new t("shortcuts.patches exceed their tile");let n=r[0];return n?{tile:a,columns:i,page:n}:null}(e,h),found:h}})(e,i)));let o=a.patches?.page;o&&(s.patches=await (r=s.step,u("patches",{id:e,step:r,blob:o.blob,v:o.crc32c})))}catch(t){s.failure=c(t)}s.search=a,this.update()}#r(){this.#e.clear(),this.update()}};function j({found:t}){return t.filter(({significant:t})=>t).length}var F={styles:".shortcut-tool{border-radius:16px;grid-auto-flow:column;gap:2px;width:auto;padding:0 6px}.shortcut-tool path{fill-rule:evenodd}.shortcut-tool b{color:var(--accent);font-size:12px}.shortcuts .event-items{grid-template-columns:minmax(0,1fr)}.shortcuts .event{overflow-wrap:anywhere;grid-template-columns:64px 1fr;gap:2px 12px}.shortcut-patch{grid-row:1/3;width:64px;height:64px}.shortcuts .event>span:last-child{font-size:12px}.shortcut-facts{grid-template-columns:minmax(0,1fr);gap:8px;padding:2px 8px 12px;display:grid}.shortcut-facts p{font-size:12px}.rates{gap:1px;font-size:12px}.bars.rates li{grid-template-columns:118px 1fr 62px}.rates i{background:repeating-linear-gradient(135deg, var(--muted) 0 2px, #0000 2px 4px)}.rates .flip i{background:var(--accent)}.span{height:8px;position:relative}.span i{border:solid var(--text);background:linear-gradient(var(--text), var(--text)) center / 100% 1.5px no-repeat;border-width:0 1.5px;height:8px;position:absolute}.shortcut-foot{flex-wrap:wrap;justify-content:space-between;align-items:center;gap:4px 8px;display:flex}.shortcut-foot *{white-space:nowrap}.shortcut-foot .button{height:24px;padding:0 8px}.spark{fill:none;width:64px;height:24px;stroke:var(--muted);stroke-width:1.5px;border-bottom:1px solid var(--line)}.spark path:last-of-type{stroke:var(--accent)}.spark circle{fill:var(--accent);stroke:none}.pairs{grid-template-columns:1fr 1fr;gap:10px 12px;font-size:12px;display:grid}.pairs li{overflow-wrap:anywhere;grid-template-columns:1fr 1fr;align-content:start;gap:2px 4px;display:grid}.pairs span{grid-column:1/-1}.shortcut-facts .whole{width:128px}",create:({session:t,map:e,update:s})=>new I(t,e,s)};export{F as shortcuts};