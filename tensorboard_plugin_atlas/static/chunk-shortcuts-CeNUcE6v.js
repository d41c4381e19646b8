import{Dn as e,En as t,Ft as n,It as r,J as i,Lt as a,N as o,Nt as s,On as c,P as l,Pt as u,V as d,an as f,cr as p,gn as m,k as h,kn as g,lr as _,mn as v,sn as y,sr as b,tn as ee,un as x}from"./chunk-shared-Bea7hEpi.js";import{M as S,b as C,j as w,p as T,x as te}from"./chunk-shell-DcjMoWyC.js";var E=`.shortcut-tool{border-radius:16px;grid-auto-flow:column;gap:2px;width:auto;padding:0 6px}.shortcut-tool path{fill-rule:evenodd}.shortcut-tool b{color:var(--accent);font-size:12px}.shortcuts .event-items{grid-template-columns:minmax(0,1fr)}.shortcuts .event{overflow-wrap:anywhere;grid-template-columns:64px 1fr;gap:2px 12px}.shortcut-patch{grid-row:1/3;width:64px;height:64px}.shortcuts .event>span:last-child{font-size:12px}.shortcut-facts{grid-template-columns:minmax(0,1fr);gap:8px;padding:2px 8px 12px;display:grid}.shortcut-facts p{font-size:12px}.rates{gap:1px;font-size:12px}.bars.rates li{grid-template-columns:118px 1fr 62px}.rates i{background:repeating-linear-gradient(135deg, var(--muted) 0 2px, #0000 2px 4px)}.rates .flip i{background:var(--accent)}.span{height:8px;position:relative}.span i{border:solid var(--text);background:linear-gradient(var(--text), var(--text)) center / 100% 1.5px no-repeat;border-width:0 1.5px;height:8px;position:absolute}.shortcut-foot{flex-wrap:wrap;justify-content:space-between;align-items:center;gap:4px 8px;display:flex}.shortcut-foot *{white-space:nowrap}.shortcut-foot .button{height:24px;padding:0 8px}.spark{fill:none;width:64px;height:24px;stroke:var(--muted);stroke-width:1.5px;border-bottom:1px solid var(--line)}.spark path:last-of-type{stroke:var(--accent)}.spark circle{fill:var(--accent);stroke:none}.pairs{grid-template-columns:1fr 1fr;gap:10px 12px;font-size:12px;display:grid}.pairs li{overflow-wrap:anywhere;grid-template-columns:1fr 1fr;align-content:start;gap:2px 4px;display:grid}.pairs span{grid-column:1/-1}.shortcut-facts .whole{width:128px}`,D=40,O=64,k=12,A=1e3,j=1e5,M=1e9,N=2**31-1;function P(e,t){return y(`shortcuts`,{id:e,step:t},e=>I(e,t))}function F(e,t,n){return f(`patches`,{id:e,step:t,blob:n.blob,v:n.crc32c})}function I(n,r){let i=new t(n,`shortcuts`),[a=0,o=0]=i.list(`input_size`,2,W),s=i.list(`found`,D,(e,n)=>R(new t(e,n),[a,o]));if(i.raw(`step`)!==r)throw new e(`shortcuts.step is not ${r}`);return{step:r,classes:i.listOrNull(`classes`,j,g),probe:i.text(`probe`),inputSize:[a,o],images:i.whole(`images`,0,M),patches:L(i,s),found:s}}function L(n,r){if(n.raw(`patches`)==null){if(r.length>0)throw new e(`shortcuts.patches are missing`);return null}let i=n.object(`patches`),a=i.whole(`tile`,1,v),o=i.whole(`columns`,1,v),s=n.list(`blobs`,1,(e,n)=>({blob:1,crc32c:new t(e,n).text(`crc32c`)}));if(m(`shortcuts.patches`,r.length,a,o,s),r.some(({box:e})=>e.width>a||e.height>a))throw new e(`shortcuts.patches exceed their tile`);let c=s[0];return c?{tile:a,columns:o,page:c}:null}function R(t,[n,r]){let[i=0,a=0,o=0,s=0]=t.list(`box`,4,W);if(o<=i||s<=a||o>n||s>r)throw new e(`shortcuts: a box is not within the image`);let[l=NaN,u=NaN]=t.list(`interval`,2,c);if(!(l>=-1&&l<=u&&u<=1))throw new e(`shortcuts: no such interval`);let d=t.raw(`since`)==null?null:U(t,`since`);return{id:String(t.whole(`id`,0,N)),target:t.whole(`target`,0,N),box:{x:a,y:i,width:s-a,height:o-i},area:V(t,`area`),rates:{flip:V(t,`flip_rate`),anywhere:V(t,`anywhere_flip_rate`),noise:V(t,`noise_flip_rate`),other:V(t,`other_flip_rate`),same:V(t,`same_flip_rate`)},interval:[l,u],strength:t.number(`strength`),support:t.whole(`support`,0,M),significant:t.flag(`significant`),since:d,image:t.whole(`image`,0,N),history:t.list(`history`,A,z),samples:t.list(`samples`,O,W),similarity:t.numberOrNull(`similarity`),examples:t.list(`examples`,k,B)}}function z(e,n){let r=new t(e,n);return{step:U(r,`step`),flipRate:H(r,`flip_rate`),noiseFlipRate:H(r,`noise_flip_rate`),significant:r.flag(`significant`)}}function B(e,n){let r=new t(e,n);return{image:r.whole(`image`,0,N),before:r.whole(`before`,0,N),after:r.whole(`after`,0,N),probabilityBefore:V(r,`probability_before`),probabilityAfter:V(r,`probability_after`)}}function V(t,n){let r=t.number(n);if(r>=0&&r<=1)return r;throw new e(`shortcuts: ${n} is no share`)}function H(e,t){return e.raw(t)==null?null:V(e,t)}function U(e,t){return e.whole(t,-(2**53-1),2**53-1)}function W(t,n){let r=c(t,n);if(r>=0&&r<=1e6&&Number.isInteger(r))return r;throw new e(`${n} is not a whole number`)}var G=40,K=2.2,q=[[`flip`,`Patch here`],[`anywhere`,`Patch anywhere`],[`noise`,`Noise here`],[`other`,`Other classes here`],[`same`,`Same class here`]];function J({classes:e},t){return e?a(e[t]??`class ${t}`,G)||`(no name)`:`class ${t}`}function Y(e,{target:t,rates:r}){return`Pasted at its place, this patch turned ${n(r.flip)} of images of other classes to “${J(e,t)}”; noise of the same colour turned ${n(r.noise)}.`}var X=class{constructor(e,t,n,r,i){this.state=e,this.search=t,this.finding=n,this.session=r,this.map=i}render(e,t){let{search:n,state:r}=this,i=r.shortcut===e.id,a=()=>this.session.store.set({shortcut:i?`all`:e.id}),{box:o,target:s}=e;return p`<li class=${i?`chosen`:``} data-shortcut=${e.id}>
      <button type="button" class="event" aria-expanded=${i} @click=${a}>
        <atlas-crop
          class="shortcut-patch"
          role="img"
          aria-label="Patch of ${o.height} × ${o.width} pixels"
          .crop=${this.#e(e,t)}
        ></atlas-crop>
        <span class="event-head"><strong>${J(n,s)}</strong></span>
        <span>${Y(n,e)}</span>
      </button>
      <div class="shortcut-facts">
        ${Q(e)} ${this.#t(e)}
        ${i?this.#n(e,t):b}
      </div>
    </li>`}#e({box:e},t){let{patches:n}=this.finding,{tile:r=1,columns:i=1}=this.search.patches??{},a={x:t%i*r,y:Math.floor(t/i)*r,width:e.width,height:e.height};return n&&{picture:n,rect:a,crisp:!0}}#t(e){let{area:t,since:r}=e,i=r!==null&&this.state.series?.steps.includes(r);return p`<p class="shortcut-foot muted">
      <span>${n(t)} of image</span>
      ${r===null?p`<span>never significant</span>`:p`<button
              type="button"
              class="button"
              ?disabled=${!i}
              title=${i?`Go to this step`:`TensorBoard has not kept this step.`}
              @click=${()=>this.session.chooseStep(r)}
            >
              since step ${s(r)}
            </button>`}
      ${ne(e)}
    </p>`}#n(e,t){let n=C(this.state,this.search.probe),{strength:i,support:a,image:o,examples:s,box:c}=e;return p`${this.#a(e)}
      <h3>Before and after <span class="muted">probability of “${J(this.search,e.target)}”</span></h3>
      ${n?p`<p class="muted">${n}</p>`:b}
      ${s.length>0?p`<ul class="pairs">${s.map(n=>this.#r(e,t,n))}</ul>`:p`<p class="muted">No examples were logged.</p>`}
      <h3>Where it was found <span class="muted">image ${o}</span></h3>
      ${this.#i(`whole`,`Image ${o} with the place of the patch`,o,c,e=>({box:e}))}
      <p class="muted">
        ${r(a,`image`)} argue for the class at a place like this. Strength
        ${u(i)}: effect for its area, of which a shortcut needs ${K}, or less where
        the same class shows it as well.
      </p>`}#r(e,t,n){let{image:r,before:i,after:a,probabilityBefore:o,probabilityAfter:s}=n,[c,l]=[i,a].map(e=>J(this.search,e)),d=this.#e(e,t);return p`<li>
      ${this.#i(`patch`,`Image ${r} before`,r,e.box)}
      ${this.#i(`patch`,`Image ${r} with the patch`,r,e.box,e=>d&&{over:{...d,at:e}})}
      <span>${c} → <strong>${l}</strong></span>
      <span class="muted number">${u(o)} → ${u(s)}</span>
    </li>`}#i(e,t,n,{x:r,y:i,width:a,height:o},s=()=>({})){let{probe:c}=this.state;if(c?.manifest.digest!==this.search.probe)return b;let l=te(c,n,[i,r,i+o,r+a]),u=l&&this.session.pages.thumbs(c.run,c,l.page),d=l&&s(l.patch),f=u&&d&&{picture:u,rect:l.image,...d};return p`<atlas-crop class=${e} role="img" aria-label=${t} .crop=${f}></atlas-crop>`}#a(e){let{samples:t,similarity:n}=e,a=i(this.state),o=x(a,this.state.shownLevel);if(!a||!o||a.manifest.probeDigest!==this.search.probe)return p`<p class="muted">The map is of another probe than this search.</p>`;let s=Z(a,o,t);if(s===null)return p`<p class="muted">
        ${t.length>0?`Its nearest samples lie in no drawn cell of this grid.`:`Where it lies on the map is not known.`}
      </p>`;let{place:c,members:l}=s,{highlight:d}=this.state,f=d?.ids===t;return p`<button
        type="button"
        class="button"
        aria-pressed=${f}
        @click=${()=>this.#o(f?null:c,e)}
      >
        Show on map
      </button>
      <p class="muted">
        Nearest place on the map${n===null?b:p`, cosine <span class="number">${u(n)}</span>`}:
        row ${c.row+1}, column ${c.col+1} of ${c.size} × ${c.size} holds ${l}
        of its ${r(t.length,`nearest sample`)}.
      </p>`}#o(e,{target:t,samples:n}){let{store:r}=this.session;if(e===null){r.set({highlight:null,pinned:null});return}let{probe:i}=this.search,a={ids:n,of:`sample`,name:`Like the patch for “${J(this.search,t)}”`,event:null,probe:i};r.set({pinned:e,hover:null,highlight:a}),this.map.flyTo(l(r.state,this.map.viewport,e))}};function Z({count:e},t,n){let r=d(t,Int32Array.from(n.filter(t=>t<e))),i=r.reduce((e,t)=>Math.max(e,t),0);if(i===0)return null;let a=r.indexOf(i),[o,s]=[t.rows[a],t.cols[a]];return{place:{size:t.size,row:o,col:s},members:i}}function Q({rates:e,interval:t}){let[r,i]=t.map(e=>Math.round(100*e)),a=Math.max(0,r);return p`<ul class="bars rates">
    ${q.map(([t,r])=>p`<li>
        <span>${r}</span>
        <span class="meter ${t}"><i style="width:${100*e[t]}%"></i></span>
        <span class="number">${n(e[t])}</span>
      </li>`)}
    <li>
      <span>Beyond noise, 95%</span>
      <span class="span"><i style="left:${a}%;width:${Math.max(0,i-a)}%"></i></span>
      <span class="number">${`${r} … ${i}%`.replaceAll(`-`,`−`)}</span>
    </li>
  </ul>`}function ne({history:e,since:t}){let r=e.filter(({flipRate:e})=>e!==null);if(r.length<2)return b;let i=t=>3+90*t/(e.length-1),a=e=>21-18*e,o=t=>e.map(({[t]:n},r)=>n===null?``:`${e[r-1]?.[t]==null?`M`:`L`}${i(r)} ${a(n)}`).join(``),c=e.findIndex(({step:e})=>e===t),l=`What it turned at ${r.map(({step:e,flipRate:t})=>`step ${s(e)}: ${n(t??0)}`).slice(-12).join(`, `)}`;return p`<svg class="spark" viewBox="0 0 96 24" role="img" aria-label=${l}>
    ${_`<path d=${o(`noiseFlipRate`)} stroke-dasharray="2 2" />
      <path d=${o(`flipRate`)} />
      ${c<0?b:_`<circle cx=${i(c)} cy=${a(e[c]?.flipRate??0)} r="3" />`}`}
  </svg>`}var re=class{#e=!1;constructor(e,t,n){this.session=e,this.map=t,this.retry=n,e.store.subscribe((e,t)=>{t.shortcut===``&&e.shortcut!==``&&(this.#e=!0)})}render(e,t){return p`<aside
      class="events shortcuts"
      aria-label="Shortcuts"
      ${h(this.#i)}
      @keydown=${e=>{e.key===`Escape`?this.#r():o(e)}}
    >
      ${T(`Shortcuts`,`Close the shortcuts`,`Esc`,()=>this.#r())}
      ${this.#t(e,t)}
    </aside>`}#t(e,t){let n=w(e);if(n===null)return ae();if(t===null){let e=n.shortcuts[0]??0;return p`<p><strong>Not searched yet at this step.</strong></p>
        <button type="button" class="button" @click=${()=>this.session.chooseStep(e)}>
          First search: step ${s(e)}
        </button>`}let{search:r,failure:i,step:a}=t;return i!==null&&r===null?p`<p><strong>The search at step ${s(a)} cannot be shown.</strong></p>
        <p class="muted">${i.message}</p>
        <button type="button" class="button" @click=${this.retry}>Try again</button>`:r===null?p`<p class="muted">Reading what was found …</p>`:p`${ie(e,r)} ${this.#n(e,r,t)}`}#n(e,t,n){let{found:r}=t,[i,a]=[!0,!1].map(e=>r.filter(({significant:t})=>t===e)),o=new X(e,t,n,this.session,this.map),s=(e,t)=>p`<ol class="event-items" aria-label=${t}>
        ${e.map(e=>o.render(e,r.indexOf(e)))}
      </ol>`,{shortcut:c}=e,l=c!==`all`&&!r.some(({id:e})=>e===c);return p`${l?p`<p class="muted">The shortcut of the link is not in this search.</p>`:b}
    ${n.failure?p`<p class="muted">The patches: ${n.failure.message}</p>`:b}
    ${i.length>0?p`<h3>Significant</h3>
            <p class="muted">Not always wrong: look at the patch, and at how much it covers.</p>
            ${s(i,`Significant shortcuts`)}`:b}
    ${a.length>0?p`<details ?open=${a.some(({id:e})=>e===c)}>
            <summary>Tested and not significant (${a.length})</summary>
            <p class="muted">
              Each turns some images. But chance, noise or whatever else lies in that place may do as
              much, or it covers so much that it may simply be a part of the object.
            </p>
            ${s(a,`Tested and not significant`)}
          </details>`:b}`}#r(){this.session.store.set({shortcut:``}),this.map.focus()}#i=e=>{e&&this.#e&&(this.#e=!1,queueMicrotask(()=>{(e.querySelector(`.event`)??e.querySelector(`button`))?.focus()}))}};function ie({step:e},{step:t,images:n,found:i}){let a=i.length===0;return p`${i.some(({significant:e})=>e)?b:p`<p>
          <strong>${a?`No shortcut was found.`:`No significant shortcut.`}</strong>
        </p>`}
  <p class="muted">
    Searched at step ${s(t)}${e===t?b:`, the last search so far`}, in
    ${r(n,`image`)}.
    ${a?`No small patch made the network change its mind often. A mark that none of these images carries cannot be found.`:b}
  </p>`}function ae(){return p`<p><strong>Shortcuts were not searched for in this run.</strong></p>
    <p class="muted"><code>AtlasWriter(..., shortcuts=True)</code> searches as it logs.</p>`}var oe=class{#e;#t=new Map;constructor(e,t,n){this.session=e,this.update=n,this.#e=new re(e,t,()=>this.#i())}ready(e){let t=this.#n(e);return t===null||(t.search??t.failure)!==null}toolbar(e){if(w(e)===null)return b;let{search:t=null}=this.#n(e)??{},n=t?$(t):0,r=t?`Shortcuts: ${n||`none`} significant`:`Shortcuts`;return p`<button
      type="button"
      class="icon-button shortcut-tool"
      aria-label=${r}
      aria-pressed=${e.shortcut!==``}
      title="${r} (s)"
      @click=${()=>S(this.session)}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M3 3h18v18H3zm2 2v14h14V5zm7 2h5v5h-5z" />
      </svg>
      ${n>0?p`<b aria-hidden="true">${n}</b>`:b}
    </button>`}rail(e){return e.shortcut===``?b:this.#e.render(e,this.#n(e))}announce(e,t){let{shortcut:n}=e,r=this.#n(e)?.search;if(n===``||!r)return null;let i=r.found.find(({id:e})=>e===n);return i&&n!==t.shortcut?Y(r,i):t.shortcut!==``&&this.#n(t)?.search===r||e.playing?null:`${$(r)} of ${r.found.length} tested patches are significant, at step ${s(r.step)}`}#n(e){let t=w(e),n=t?.shortcuts.findLast(t=>t<=(e.step??NaN));if(!t||n===void 0)return null;let r=`${t.id}/${n}`,i=this.#t.get(r);if(i===void 0){i={step:n,search:null,failure:null,patches:null},this.#t.set(r,i);for(let e of[...this.#t.keys()].slice(0,-8))this.#t.delete(e);this.#r(t.id,i)}return i}async#r(e,t){let n=null;try{n=await P(e,t.step);let r=n.patches?.page;r&&(t.patches=await F(e,t.step,r))}catch(e){t.failure=ee(e)}t.search=n,this.update()}#i(){this.#t.clear(),this.update()}};function $({found:e}){return e.filter(({significant:e})=>e).length}var se={styles:E,create:({session:e,map:t,update:n})=>new oe(e,t,n)};export{se as shortcuts};