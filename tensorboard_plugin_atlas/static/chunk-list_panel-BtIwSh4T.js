import{Bt as e,Ct as t,Dt as n,E as r,Ft as i,G as a,Gt as o,It as s,J as c,Lt as l,M as u,N as d,Nt as f,On as p,R as m,St as h,Tt as g,V as ee,W as te,Xt as ne,a as _,d as v,en as y,i as b,k as x,kt as S,ln as C,m as w,n as T,nr as E,p as D,r as re,rr as O,t as k,tn as ie,u as ae,un as A,zn as oe}from"./chunk-shared-Clqkak8R.js";import{F as se,N as j,P as M,_ as N,b as P,g as F,i as I,l as L,p as R,u as z,v as B,y as V}from"./chunk-shell-B8Mq4hw2.js";var H=`.kept{gap:14px}.kept>*{flex:none}.kept .sides{padding:0}.kept p.muted{font-size:12px}.kept .fault{color:var(--bad)}.selection{gap:12px;min-width:0;display:grid}.naming{gap:6px;display:flex}.naming input[type=text]{border-color:var(--muted);flex:1}.labeled-patches{grid-template-columns:repeat(4,minmax(0,1fr));gap:6px;display:grid}.labeled-patches span{font-size:11px;line-height:16px;display:block}.course{font-variant-numeric:tabular-nums}.course thead th{color:var(--muted);white-space:nowrap;font-size:12px}.course td,.course th{height:24px;padding:0 6px 0 0}.course :is(td,th):not(:nth-child(-n+2)),.course td:not([colspan]):last-child{text-align:end}.course:not(.places) th:nth-child(2){width:37%}.places th:first-child{width:64px}.course td:has(.meter){grid-template-columns:1fr 38px;align-items:center;gap:6px;display:grid}.course .meter i{background:var(--muted)}.course tr[aria-current]{background:var(--accent-soft);box-shadow:inset 3px 0 0 var(--accent);font-weight:600}.step-link{text-align:start;text-underline-offset:3px;min-width:56px;min-height:24px;padding:0 8px;text-decoration:underline}.places td{text-align:start!important}.places td .step-link{-webkit-text-decoration-color:var(--line);text-decoration-color:var(--line);padding:0;display:block}.places tr>*{vertical-align:top}.kept-item{align-items:center;display:flex}.kept-item .event{flex:1;gap:0;min-width:0;padding:6px 8px}.kept-item .name{overflow-wrap:anywhere}.kept-item .muted,.kept-item .number{font-size:12px}.kept-item .pin{grid-template-columns:48px 1fr;column-gap:10px}.pin-icon{grid-row:span 3;width:48px;height:48px}`,U=.9,W=.02;function G(e,t,n){let i=te(e,t);if(i!==null)return e.key===t.key?K:i;let o=Math.max(W,J(q(e,n),U)),s=q(t,n).reduce((e,t)=>e+ +(t<=o),0),c=e.step===t.step?null:r(e,t),l=a(e.xy,t.xy),u=Array.from(n,e=>l[e]),d=c&&u.filter((e,t)=>e>c[n[t]]);return{together:s/n.length,moved:u.reduce((e,t)=>e+t,0)/n.length,beyond:d&&d.length/n.length}}var K={together:1,moved:0,beyond:null};function q({xy:e},t){let n=n=>J(Float32Array.from(t,t=>e[2*t+n]),.5),[r,i]=[n(0),n(1)];return Float32Array.from(t,t=>Math.hypot(e[2*t]-r,e[2*t+1]-i))}function J(e,t){return e.toSorted()[Math.ceil(t*e.length)-1]??0}var ce=24,le=3,ue=40,de=16;function fe(e,t,n){let r=m(e,n),i=A(e,t),a=i?ee(i,r):new Int32Array,o=[...a.keys()].filter(e=>a[e]>0),s=e=>a[e],c=o.reduce((e,t)=>e+s(t),0);return{samples:r.length,cells:o.length,outside:r.length-c,list:i?o.sort((e,t)=>s(t)-s(e)||e-t).slice(0,le).map(t=>pe(e,i,t,s(t))):[]}}function pe(e,t,n,r){let i=e.labels??e.predictions,a=i&&C(e,g(t,i).index[n]);return{...S(t,n),members:r,top:a??``}}var me=class{#e;constructor(e,t,n){this.session=e,this.map=t,this.#e=new D(e,n)}render(e){let{highlight:t,series:n,step:r,shownLevel:i,playing:a,atlas:o}=e;if(!t||!n||!o||i===null)return E;let s=w(n.steps,ce,r===null?[]:[r]),{ids:c,of:u,atlas:d,event:p}=t,m=this.#e.read(JSON.stringify([c,u,d,p?.text,i]),n,a?[]:s,e=>fe(e,i,t)),h=n.steps.length,g=s.length<h?`${f(s.length)} of ${f(h)} steps`:``;return O`<section aria-label="Location at each step">
      <h3>
        ${l(z(o,t),ue)}
        <span class="muted">${g||`on the ${i} × ${i} grid`}</span>
      </h3>
      <table class="course places">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Cells</th>
          </tr>
        </thead>
        <tbody>
          ${s.map(e=>this.#t(e,m.get(e),e===r))}
        </tbody>
      </table>
    </section>`}#t(e,t,n){return O`<tr aria-current=${n?`step`:E}>
      <th scope="row">
        <button type="button" class="step-link" @click=${()=>this.session.chooseStep(e)}>
          ${f(e)}
        </button>
      </th>
      <td>${this.#n(e,t)}</td>
    </tr>`}#n(e,t){let n=e=>O`<span class="muted">${e}</span>`;if(t===void 0)return n(`…`);if(t instanceof y)return n(l(t.message,120));let{samples:r,list:i,cells:a,outside:o}=t;if(r===0)return n(`No samples`);let c=a-i.length;return O`${i.map(({top:t,members:n,...r})=>O`<button
        type="button"
        class="step-link"
        title=${s(n,`sample`)}
        @click=${()=>this.#r(e,r)}
      >
        row ${r.row+1}, column ${r.col+1}
        <span class="muted">${l(t,de)}</span>
      </button>`)}
    ${c>0?n(`and ${s(c,`cell`)} more`):E}
    ${o>0?n(`${s(o,`sample`)} in no visible cell`):E}`}#r(e,t){this.session.store.set({playing:!1}),this.session.chooseStep(e),I(t,this.session,this.map)}},Y=40,he=class{#e=new Map;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){let t=j(e.pins);return this.#t(t),O`<section>
      <h3>Pins <span class="muted">${t.length>0?`${t.length} of 16`:``}</span></h3>
      ${t.length===0?O`<p class="muted">Shift + click or Shift + Enter adds a cell. Pins are part of the link.</p>`:O`<ol class="event-items" aria-label="Pins">
              ${t.map((n,r)=>this.#n(e,t,n,r))}
            </ol>`}
    </section>`}#t(e){let t=new Set(e.map(X));for(let e of this.#e.keys())t.has(e)||this.#e.delete(e)}#n(t,n,r,i){let{row:a,col:o,size:s,step:c}=r,l=ge(t,r),u=ne(r,t.pinned)&&r.step===t.step&&r.series===t.series?.id,d=`row ${a+1}, column ${o+1}`;return O`<li class="kept-item ${u?`chosen`:``}">
      <button
        type="button"
        class="event pin"
        ?disabled=${l===null}
        @click=${()=>l&&this.#o(l,r)}
      >
        ${this.#r(l,r)}
        <span class="number">⚑ ${i+1} · ${d}</span>
        <span class="muted">${s} × ${s} · ${_e(t,l,c)}</span>
      </button>
      ${e({icon:`close`,name:`Remove pin ${i+1}`,press:()=>{let e=n.filter(e=>!M(e,r));this.session.store.set({pins:se(e),said:`${d} unpinned`})}})}
    </li>`}#r(e,n){let r=e&&this.#a(e,n),a=e=>O`<span class="pin-icon"></span><span class="name">${e}</span>`;if(e===null)return a(`Not in this log`);if(r===null)return a(`…`);if(r instanceof y)return a(l(r.message,80));let o=A(r,n.size),s=o&&t(r,o,n.row,n.col);if(!o||!s)return a(`Too few samples to draw`);let c=s.mix[0],u=c?`${l(C(r,c.index),Y)} ${i(c.share)}`:``;return O`${this.#i(r,o,s)}
      <span class="name">${u||`${f(s.count)} samples`}</span>`}#i(e,t,{cell:n}){let r=p(t,n),i=r&&this.session.pages.icons(e,t).pages[r.page];if(!r||!i)return O`<span class="pin-icon"></span>`;let a={x:r.x,y:r.y,width:r.side,height:r.side};return O`<atlas-crop class="pin-icon" .crop=${{picture:i,rect:a}}></atlas-crop>`}#a({series:e},t){let n=X(t),r=this.#e.get(n);return r===void 0?(this.#e.set(n,null),this.session.loadAtlas(e,t.step).catch(ie).then(e=>{this.#e.has(n)&&this.#e.set(n,e),this.update()}),null):r}#o({run:e,series:t},n){let{session:r}=this,{state:i}=r.store,{size:a,row:o,col:s}=n;r.store.set({table:!1,playing:!1}),e.id!==i.run?.id&&r.chooseRun(e.id),t.id!==r.store.state.series?.id&&r.chooseSeries(t.id),r.chooseStep(n.step),I({size:a,row:o,col:s},r,this.map)}};function X({series:e,step:t}){return`${e}/${t}`}function ge({runs:e},{series:t,step:n}){for(let r of e){let e=r.series.find(e=>e.id===t);if(e?.steps.includes(n))return{run:r,series:e}}return null}function _e({run:e},t,n){let r=t?`${l(t.series.layer,Y)} · `:``,i=t&&t.run.id!==e?.id?` · ${l(oe(t.run.run),Y)}`:``;return`${r}step ${f(n)}${i}`}var ve=40,ye=`M4 16.5V20h3.5L18 9.5 14.5 6zM15.9 4.6l3.5 3.5 1.5-1.5-3.5-3.5z`,be=class{#e=T();#t=-1;#n;#r=``;constructor(e,t){this.session=e,this.update=t,addEventListener(`storage`,()=>this.reload()),e.store.subscribe((e,t)=>{e.selectionList&&!t.selectionList&&this.reload()})}reload(){this.#e=T(),this.#t=-1,this.update()}showFault(e){this.#r=e,this.update()}render({selection:e},t){return O`<section>
      <h3>Saved selections <span class="muted">${this.#e.length||``}</span></h3>
      ${this.#r?O`<p class="fault">${this.#r}</p>`:E}
      <ul
        class="event-items"
        aria-label="Saved selections"
        ${x(e=>{this.#n=e})}
      >
        ${this.#e.map((n,r)=>this.#i(n,r,t,n.name===e?.name))}
      </ul>
      <p class="muted">
        Stored in this browser for this address, not in the log.
      </p>
    </section>`}#i(t,n,r,i){let{name:a,rows:o,layer:c,step:u}=t;if(n===this.#t)return O`<li>${this.#a(t,n)}</li>`;let d=c===r.manifest.layer?L(r,t):null;return O`<li class="kept-item ${i?`chosen`:``}">
      <button
        type="button"
        class="event"
        aria-pressed=${i}
        title=${d??``}
        @click=${()=>re(this.session,t)}
      >
        <span class="name">${a}</span>
        <span class="muted"
          >${s(o.length,`sample`)} · ${l(c,ve)} · step ${f(u)}</span
        >
      </button>
      ${e({icon:ye,name:`Rename ${a}`,press:()=>this.#o(n)})}
      ${e({icon:`close`,name:`Delete ${a}`,press:()=>this.#c(n)})}
    </li>`}#a({name:e},t){let n=e=>e.currentTarget.querySelector(`input`);return O`<form
      class="naming"
      @submit=${r=>{r.preventDefault(),this.#s(t,n(r)?.value??e)}}
      @keydown=${e=>{e.key===`Escape`&&(e.stopPropagation(),this.#o(-1))}}
    >
      <input
        type="text"
        aria-label="New name"
        autocomplete="off"
        maxlength=${60}
        .value=${e}
        ${x(u)}
      />
      <button class="button">Rename</button>
    </form>`}#o(e){let t=this.#t;this.#t=e,this.update(),e<0&&this.#u(t)}#s(e,t){let n=this.#e[e];if(n===void 0)return;let r=this.#e.filter(e=>e!==n),i=k(t,r),a={...n,name:i},{store:o}=this.session;o.state.selection?.name===n.name&&o.set({selection:a}),this.#l(this.#e.map(e=>e===n?a:e),`Renamed to ${i}`,e)}#c(e){let t=this.#e[e];this.#l(this.#e.filter(e=>e!==t),`Deleted ${t?.name}`,e)}#l(e,t,n){let r=b(e);this.reload(),this.showFault(r??``),this.session.store.set({said:r??t}),this.#u(Math.min(n,this.#e.length-1))}#u(e){requestAnimationFrame(()=>{(this.#n?.querySelectorAll(`.event`)[e]??this.#n?.closest(`aside`)?.querySelector(`button`))?.focus()})}};function Z(e,t){let{xy:n,imageIds:r,boxes:i,labels:a,predictions:o}=e,s=n=>n&&C(e,n[t]);return{sample:t,image:r[t],x:n[2*t],y:n[2*t+1],box:[...i.subarray(4*t,4*t+4)],label:s(a),label_index:a?.[t]??null,prediction:s(o),prediction_index:o?.[t]??null}}var xe=[`run`,`layer`,`step`,`sample`,`image`,`x`,`y`,`y0`,`x0`,`y1`,`x1`,`label`,`label_index`,`prediction`,`prediction_index`];function Se(e,t,n){let r=Array.from(n,n=>{let{sample:r,image:i,x:a,y:o,box:s,...c}=Z(t,n),{label:l,label_index:u,prediction:d,prediction_index:f}=c;return[e,t.manifest.layer,t.step,r,i,a,o,...s,l,u,d,f]});return _([xe,...r])}function Ce(e,t,n,r){let{layer:i,probeDigest:a}=n.manifest,o=Array.from(r,e=>Z(n,e));return JSON.stringify({name:t,run:e,layer:i,step:n.step,probe:a,samples:o})}var we=24,Te=10;function Ee(e){let{atlas:t,selection:n,reason:r,clear:a}=e,{rows:o,of:c,name:l}=n;return O`<section class="selection" aria-label="Selected samples">
    <div class="headline">
      <strong>${s(o.length,`sample`)}</strong>
      <span class="muted">${i(o.length/c)} of the map, selected at step ${f(n.step)}</span>
    </div>
    ${r===null?O`${Oe(e,l||De(t,n))} ${Q(t,o)}
          ${ke(e)} ${je(e)}`:O`<p>${r}</p>`}
    <div class="sides" role="group" aria-label="Export or clear">
      <button type="button" class="button" ?disabled=${r!==null} @click=${e.saveCsv}>
        CSV
      </button>
      <button type="button" class="button" ?disabled=${r!==null} @click=${e.saveJson}>
        JSON
      </button>
      <button type="button" class="button" @click=${a}>Clear</button>
    </div>
  </section>`}function De(e,{rows:t}){let n=e.labels??e.predictions,r=n&&h(n,t)[0];return(r?`${l(C(e,r.index),30)}, `:``)+s(t.length,`sample`)}function Oe({save:e},t){return O`<form class="naming" @submit=${t=>{t.preventDefault(),e(t.currentTarget.querySelector(`input`)?.value??``)}}>
    <input
      type="text"
      name="name"
      aria-label="Name of the selection"
      autocomplete="off"
      maxlength=${60}
      .value=${t}
    />
    <button class="button">Save</button>
  </form>`}function Q(e,t){let n=e.labels?`labels`:e.predictions?`predictions`:null,r=e.labels??e.predictions;return F({atlas:e,facts:{mixOf:n,mix:r?h(r,t):[]}},Te)}function ke({state:e,session:t,atlas:r,selection:i,patches:a,more:o}){let s=P(e,r.manifest.probeDigest);if(s!==null)return O`<p class="muted">${s}</p>`;let{rows:c}=i,l=n(r.xy,c,a),u=l.length===c.length;return O`<section>
    <h3>
      Real patches
      <span class="muted"
        >${u?`all`:`${f(l.length)} of ${f(c.length)}, from the center`}</span
      >
    </h3>
    <ul class="labeled-patches">
      ${N(e.probe,t,r,l).map(e=>Ae(r,e))}
    </ul>
    ${B(e,t)}
    ${u||l.length<a?E:O`<button type="button" class="link" @click=${o}>Show more patches</button>`}
  </section>`}function Ae(e,{sample:t,cut:n,picture:r}){let i=e.labels??e.predictions,a=i?C(e,i[t]):`image ${e.imageIds[t]}`;return O`<li title=${V(e,t)}>
    <atlas-crop
      class="patch"
      .crop=${n&&r?{picture:r,rect:n.patch}:null}
    ></atlas-crop>
    <span>${l(a,we)}</span>
  </li>`}function je({state:e,session:t,known:n,steps:r,since:i,selection:a}){let o=e.series?.steps.length??0,s=r.filter(e=>n.has(e)).length,c=r.length<o?`${f(r.length)} of ${f(o)} steps`:``;return O`<section>
    <h3>
      Over the steps
      <span class="muted">${s<r.length?`loading, ${s} of ${r.length}`:c}</span>
    </h3>
    <table class="course">
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">Together</th>
          <th scope="col">Moved</th>
          <th scope="col">Significant</th>
        </tr>
      </thead>
      <tbody>
        ${r.map(r=>Me(r,n.get(r),e,i,()=>t.chooseStep(r)))}
      </tbody>
    </table>
    <p class="muted">
      Together: share within the radius that held 90% at step
      ${f(i??a.step)}. Moved: mean displacement since then. Significant: share
      that moved farther than the noise floor.
    </p>
  </section>`}function Me(e,t,n,r,i){return O`<tr aria-current=${e===n.step?`step`:E}>
    <th scope="row">
      <button type="button" class="step-link" @click=${i}>
        ${f(e)}${e===r?O`<span class="hidden"> where they were selected</span>`:E}
      </button>
    </th>
    ${Ne(t,e===r)}
  </tr>`}function Ne(e,t){if(e===void 0)return O`<td colspan="3" class="muted">…</td>`;if(e instanceof y||typeof e==`string`){let t=typeof e==`string`?e:e.message;return O`<td colspan="3" class="muted">${l(t,120)}</td>`}let{together:n,moved:r,beyond:a}=e;return O`<td>
      <span class="meter"><i style="width:${100*n}%"></i></span>
      <span class="number">${i(n)}</span>
    </td>
    <td class="number">${t?`–`:i(r)}</td>
    <td class="number">${a===null?`–`:i(a)}</td>`}var Pe=24,$=12,Fe=96,Ie=class{#e;#t;#n;#r;#i=null;#a=``;#o=$;#s;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new D(e,n),this.#t=new me(e,t,n),this.#n=new he(e,t,n),this.#r=new be(e,n),this.#s=e.store.state.selectionList===`entered`,e.store.subscribe((e,t)=>{let n=e.selection?.rows!==t.selection?.rows;e.selectionList===`entered`&&(t.selectionList!==`entered`||n)&&(this.#s=!0),n&&(this.#o=$)})}rail(e){let t=c(e);if(!e.selectionList||!t)return E;let{selection:n}=e;return O`<aside
      class="events kept"
      aria-label="Selections and pins"
      ${x(e=>this.#m(e))}
      @keydown=${e=>{e.key===`Escape`?this.#p():d(e)}}
    >
      ${R(`Selections and pins`,`Close selections and pins`,`Esc`,()=>this.#p())}
      ${this.#c(e)} ${n?this.#l(e,t,n):E}
      ${this.#t.render(e)} ${this.#n.render(e)} ${this.#r.render(e,t)}
    </aside>`}#c({tool:e,renderer:t,table:n}){let{store:r}=this.session,i=(i,a,o)=>O`<button
      type="button"
      class="button"
      aria-pressed=${e===i}
      title="${a} (${o})"
      ?disabled=${n||t===`none`}
      @click=${()=>r.set({tool:e===i?``:i})}
    >
      ${a}
    </button>`;return O`<div class="sides" role="group" aria-label="Select samples">
      ${i(`block`,`Rectangle`,`r`)} ${i(`lasso`,`Lasso`,`l`)}
    </div>`}#l(e,t,n){let{store:r}=this.session,i=e.run?.run??``,a=e=>`selection-${ae(n.name||n.layer)}-step${t.step}.${e}`;return Ee({state:e,session:this.session,atlas:t,selection:n,reason:L(t,n),patches:this.#o,known:this.#d(e,t,n),steps:this.#u(e,n),since:this.#i?.step??null,more:()=>{this.#o=Math.min(Fe,this.#o+24),this.update()},save:e=>this.#f(n,e),saveCsv:()=>{let e=Se(i,t,n.rows);v(new Blob([e],{type:`text/csv`}),a(`csv`)),r.set({said:`Saved ${a(`csv`)}`})},saveJson:()=>{let e=Ce(i,n.name,t,n.rows);v(new Blob([e],{type:`application/json`}),a(`json`)),r.set({said:`Saved ${a(`json`)}`})},clear:()=>{r.set({selection:null,said:`Selection cleared`}),this.map.focus()}})}#u({series:e,step:t},n){return w(e?.steps??[],Pe,[n.step,t??n.step])}#d(e,t,n){let{series:r,playing:i}=e,a=r&&o(r.steps,n.step);if(!r||a===null||L(t,n)!==null)return new Map;let s=`${r.id}/${a}`;this.#a!==s&&(this.#a=s,this.#i=null,this.session.loadAtlas(r,a).then(e=>{this.#a===s&&(this.#i=e),this.update()},()=>this.update()));let c=this.#i;if(c===null)return new Map;let{rows:l}=n,u=i?[]:this.#u(e,n);return this.#e.read(n,r,u,e=>G(c,e,l))}#f(e,t){let n=T(),r={...e,name:k(t,n)},i=b([...n,r]);this.#r.reload(),i===null&&this.session.store.set({selection:r}),this.session.store.set({said:i??`Saved as ${r.name}`}),this.#r.showFault(i??``)}#p(){this.session.store.set({selectionList:!1,tool:``}),this.map.focus()}#m(e){e&&this.#s&&(this.#s=!1,queueMicrotask(()=>{(e.querySelector(`input[name=name], .event`)??e.querySelector(`button`))?.focus()}))}},Le={styles:H,create:({session:e,map:t,update:n})=>new Ie(e,t,n)};export{Le as selectionLists};