import{A as e,At as t,Ft as s,Gt as n,I as i,K as a,Kt as l,L as r,Lt as o,N as p,Nt as c,Rn as h,U as u,Vt as d,Wt as m,X as $,Yn as b,Yt as f,a as g,bn as y,d as x,dn as v,fr as w,i as k,jt as S,m as L,n as M,on as A,p as z,pr as F,pt as q,q as N,r as R,t as _,tn as D,u as j,un as C,yn as E}from"./chunk-shared-BSwaJvbm.js";import{F as J,I as I,P as O,_ as P,b as T,i as V,l as B,m as K,u as Y,v as G,x as U,y as W}from"./chunk-shell-D_FVFRh_.js";var X={together:1,moved:0,beyond:null};function H({xy:e},t){let s=s=>Q(Float32Array.from(t,t=>e[2*t+s]),.5),[n,i]=[s(0),s(1)];return Float32Array.from(t,t=>Math.hypot(e[2*t]-n,e[2*t+1]-i))}function Q(e,t){return e.toSorted()[Math.ceil(t*e.length)-1]??0}var Z=class{#e;constructor(e,t,s){this.session=e,this.map=t,this.#e=new z(e,s)}render(e){let{highlight:t,series:s,step:n,shownLevel:i,playing:a,atlas:r}=e;if(!t||!s||!r||null===i)return w;let p=L(s.steps,24,null===n?[]:[n]),{ids:h,of:m,atlas:$,event:b}=t,f=this.#e.read(JSON.stringify([h,m,$,b?.text,i]),s,a?[]:p,e=>{let s,n,a,l,r,p;return s=u(e,t),l=[...(a=(n=y(e,i))?q(n,s):new Int32Array).keys()].filter(e=>a[e]>0),r=e=>a[e],p=l.reduce((e,t)=>e+r(t),0),{samples:s.length,cells:l.length,outside:s.length-p,list:n?l.sort((e,t)=>r(t)-r(e)||e-t).slice(0,3).map(t=>{var s;let i,a;return s=r(t),a=(i=e.labels??e.predictions)&&E(e,c(n,i).index[t]),{...o(n,t),members:s,top:a??""}}):[]}}),g=s.steps.length,x=p.length<g?`${d(p.length)} of ${d(g)} steps`:"";return F`<section aria-label="Location at each step">
      <h3>
        ${l(Y(r,t),40)}
        <span class="muted">${x||`on the ${i} \xd7 ${i} grid`}</span>
      </h3>
      <table class="course places">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Cells</th>
          </tr>
        </thead>
        <tbody>
          ${p.map(e=>this.#t(e,f.get(e),e===n))}
        </tbody>
      </table>
    </section>`}#t(e,t,s){return F`<tr aria-current=${s?"step":w}>
      <th scope="row">
        <button type="button" class="step-link" @click=${()=>this.session.chooseStep(e)}>
          ${d(e)}
        </button>
      </th>
      <td>${this.#s(e,t)}</td>
    </tr>`}#s(e,t){let s=e=>F`<span class="muted">${e}</span>`;if(void 0===t)return s("…");if(t instanceof C)return s(l(t.message,120));let{samples:i,list:a,cells:r,outside:o}=t;if(0===i)return s("No samples");let p=r-a.length;return F`${a.map(({top:t,members:s,...i})=>F`<button
        type="button"
        class="step-link"
        title=${n(s,"sample")}
        @click=${()=>this.#n(e,i)}
      >
        row ${i.row+1}, column ${i.col+1}
        <span class="muted">${l(t,16)}</span>
      </button>`)}
    ${p>0?s(`and ${n(p,"cell")} more`):w}
    ${o>0?s(`${n(o,"sample")} in no visible cell`):w}`}#n(e,t){this.session.store.set({playing:!1}),this.session.chooseStep(e),V(t,this.session,this.map)}},ee=class{#e=new Map;constructor(e,t,s){this.session=e,this.map=t,this.update=s}render(e){let t=O(e.pins);return this.#t(t),F`<section>
      <h3>Pins <span class="muted">${t.length>0?`${t.length} of 16`:""}</span></h3>
      ${0===t.length?F`<p class="muted">Shift + click or Shift + Enter adds a cell. Pins are part of the link.</p>`:F`<ol class="event-items" aria-label="Pins">
              ${t.map((s,n)=>this.#s(e,t,s,n))}
            </ol>`}
    </section>`}#t(e){let t=new Set(e.map(et));for(let e of this.#e.keys())t.has(e)||this.#e.delete(e)}#s(e,t,s,n){let{row:i,col:a,size:r,step:o}=s,p=function({runs:e},{series:t,step:s}){for(let n of e){let e=n.series.find(e=>e.id===t);if(e?.steps.includes(s))return{run:n,series:e}}return null}(e,s),c=A(s,e.pinned)&&s.step===e.step&&s.series===e.series?.id,h=`row ${i+1}, column ${a+1}`;return F`<li class="kept-item ${c?"chosen":""}">
      <button
        type="button"
        class="event pin"
        ?disabled=${null===p}
        @click=${()=>p&&this.#i(p,s)}
      >
        ${this.#n(p,s)}
        <span class="number">⚑ ${n+1} · ${h}</span>
        <span class="muted">${r} × ${r} · ${function({run:e},t,s){let n=t?`${l(t.series.layer,40)} \xb7 `:"",i=t&&t.run.id!==e?.id?` \xb7 ${l(b(t.run.run),40)}`:"";return`${n}step ${d(s)}${i}`}(e,p,o)}</span>
      </button>
      ${f({icon:"close",name:`Remove pin ${n+1}`,press:()=>{let e=t.filter(e=>!J(e,s));this.session.store.set({pins:I(e),said:`${h} unpinned`})}})}
    </li>`}#n(e,t){let s=e&&this.#a(e,t),n=e=>F`<span class="pin-icon"></span><span class="name">${e}</span>`;if(null===e)return n("Not in this log");if(null===s)return n("…");if(s instanceof C)return n(l(s.message,80));let i=y(s,t.size),a=i&&S(s,i,t.row,t.col);if(!i||!a)return n("Too few samples to draw");let r=a.mix[0],o=r?`${l(E(s,r.index),40)} ${m(r.share)}`:"";return F`${this.#l(s,i,a)}
      <span class="name">${o||`${d(a.count)} samples`}</span>`}#l(e,t,{cell:s}){let n=h(t,s),i=n&&this.session.pages.icons(e,t).pages[n.page];if(!n||!i)return F`<span class="pin-icon"></span>`;let a={x:n.x,y:n.y,width:n.side,height:n.side};return F`<atlas-crop class="pin-icon" .crop=${{picture:i,rect:a}}></atlas-crop>`}#a({series:e},t){let s=et(t),n=this.#e.get(s);return void 0===n?(this.#e.set(s,null),this.session.loadAtlas(e,t.step).catch(v).then(e=>{this.#e.has(s)&&this.#e.set(s,e),this.update()}),null):n}#i({run:e,series:t},s){let{session:n}=this,{state:i}=n.store,{size:a,row:l,col:r}=s;n.store.set({table:!1,playing:!1}),e.id!==i.run?.id&&n.chooseRun(e.id),t.id!==n.store.state.series?.id&&n.chooseSeries(t.id),n.chooseStep(s.step),V({size:a,row:l,col:r},n,this.map)}};function et({series:e,step:t}){return`${e}/${t}`}var es=class{#e=M();#t=-1;#s;#n="";constructor(e,t){this.session=e,this.update=t,addEventListener("storage",()=>this.reload()),e.store.subscribe((e,t)=>{e.selectionList&&!t.selectionList&&this.reload()})}reload(){this.#e=M(),this.#t=-1,this.update()}showFault(e){this.#n=e,this.update()}render({selection:e},t){return F`<section>
      <h3>Saved selections <span class="muted">${this.#e.length||""}</span></h3>
      ${this.#n?F`<p class="fault">${this.#n}</p>`:w}
      <ul
        class="event-items"
        aria-label="Saved selections"
        ${p(e=>{this.#s=e})}
      >
        ${this.#e.map((s,n)=>this.#l(s,n,t,s.name===e?.name))}
      </ul>
      <p class="muted">
        Stored in this browser for this address, not in the log.
      </p>
    </section>`}#l(e,t,s,i){let{name:a,rows:r,layer:o,step:p}=e;if(t===this.#t)return F`<li>${this.#a(e,t)}</li>`;let c=o===s.manifest.layer?B(s,e):null;return F`<li class="kept-item ${i?"chosen":""}">
      <button
        type="button"
        class="event"
        aria-pressed=${i}
        title=${c??""}
        @click=${()=>R(this.session,e)}
      >
        <span class="name">${a}</span>
        <span class="muted"
          >${n(r.length,"sample")} · ${l(o,40)} · step ${d(p)}</span
        >
      </button>
      ${f({icon:"M4 16.5V20h3.5L18 9.5 14.5 6zM15.9 4.6l3.5 3.5 1.5-1.5-3.5-3.5z",name:`Rename ${a}`,press:()=>this.#i(t)})}
      ${f({icon:"close",name:`Delete ${a}`,press:()=>this.#r(t)})}
    </li>`}#a({name:e},t){return F`<form
      class="naming"
      @submit=${s=>{s.preventDefault(),this.#o(t,s.currentTarget.querySelector("input")?.value??e)}}
      @keydown=${e=>{"Escape"===e.key&&(e.stopPropagation(),this.#i(-1))}}
    >
      <input
        type="text"
        aria-label="New name"
        autocomplete="off"
        maxlength=${60}
        .value=${e}
        ${p(i)}
      />
      <button class="button">Rename</button>
    </form>`}#i(e){let t=this.#t;this.#t=e,this.update(),e<0&&this.#p(t)}#o(e,t){let s=this.#e[e];if(void 0===s)return;let n=_(t,this.#e.filter(e=>e!==s)),i={...s,name:n},{store:a}=this.session;a.state.selection?.name===s.name&&a.set({selection:i}),this.#c(this.#e.map(e=>e===s?i:e),`Renamed to ${n}`,e)}#r(e){let t=this.#e[e];this.#c(this.#e.filter(e=>e!==t),`Deleted ${t?.name}`,e)}#c(e,t,s){let n=k(e);this.reload(),this.showFault(n??""),this.session.store.set({said:n??t}),this.#p(Math.min(s,this.#e.length-1))}#p(e){requestAnimationFrame(()=>{(this.#s?.querySelectorAll(".event")[e]??this.#s?.closest("aside")?.querySelector("button"))?.focus()})}};function en(e,t){let{xy:s,imageIds:n,boxes:i,labels:a,predictions:l}=e,r=s=>s&&E(e,s[t]);return{sample:t,image:n[t],x:s[2*t],y:s[2*t+1],box:[...i.subarray(4*t,4*t+4)],label:r(a),label_index:a?.[t]??null,prediction:r(l),prediction_index:l?.[t]??null}}var ei=["run","layer","step","sample","image","x","y","y0","x0","y1","x1","label","label_index","prediction","prediction_index"],ea=class{#e;#t;#s;#n;#l=null;#a="";#i=12;#o;constructor(e,t,s){this.session=e,this.map=t,this.update=s,this.#e=new z(e,s),this.#t=new Z(e,t,s),this.#s=new ee(e,t,s),this.#n=new es(e,s),this.#o="entered"===e.store.state.selectionList,e.store.subscribe((e,t)=>{let s=e.selection?.rows!==t.selection?.rows;"entered"===e.selectionList&&("entered"!==t.selectionList||s)&&(this.#o=!0),s&&(this.#i=12)})}rail(e){let t=$(e);if(!e.selectionList||!t)return w;let{selection:s}=e;return F`<aside
      class="events kept"
      aria-label="Selections and pins"
      ${p(e=>this.#h(e))}
      @keydown=${e=>{"Escape"===e.key?this.#u():r(e)}}
    >
      ${K("Selections and pins","Close selections and pins","Esc",()=>this.#u())}
      ${this.#r(e)} ${s?this.#c(e,t,s):w}
      ${this.#t.render(e)} ${this.#s.render(e)} ${this.#n.render(e,t)}
    </aside>`}#r({tool:e,renderer:t,table:s}){let{store:n}=this.session,i=(i,a,l)=>F`<button
      type="button"
      class="button"
      aria-pressed=${e===i}
      title="${a} (${l})"
      ?disabled=${s||"none"===t}
      @click=${()=>n.set({tool:e===i?"":i})}
    >
      ${a}
    </button>`;return F`<div class="sides" role="group" aria-label="Select samples">
      ${i("block","Rectangle","r")} ${i("lasso","Lasso","l")}
    </div>`}#c(e,i,a){let{store:r}=this.session,o=e.run?.run??"",p=e=>`selection-${j(a.name||a.layer)}-step${i.step}.${e}`;return function(e){let i,a,{atlas:r,selection:o,reason:p,clear:c}=e,{rows:h,of:u,name:$}=o;return F`<section class="selection" aria-label="Selected samples">
    <div class="headline">
      <strong>${n(h.length,"sample")}</strong>
      <span class="muted">${m(h.length/u)} of the map, selected at step ${d(o.step)}</span>
    </div>
    ${null===p?F`${function({save:e},t){return F`<form class="naming" @submit=${t=>{t.preventDefault(),e(t.currentTarget.querySelector("input")?.value??"")}}>
    <input
      type="text"
      name="name"
      aria-label="Name of the selection"
      autocomplete="off"
      maxlength=${60}
      .value=${t}
    />
    <button class="button">Save</button>
  </form>`}(e,$||function(e,{rows:s}){let i=e.labels??e.predictions,a=i&&t(i,s)[0];return(a?`${l(E(e,a.index),30)}, `:"")+n(s.length,"sample")}(r,o))} ${i=r.labels?"labels":r.predictions?"predictions":null,a=r.labels??r.predictions,P({atlas:r,facts:{mixOf:i,mix:a?t(a,h):[]}},10)}
          ${function({state:e,session:t,atlas:n,selection:i,patches:a,more:r}){let o=U(e,n.manifest.probeDigest);if(null!==o)return F`<p class="muted">${o}</p>`;let{rows:p}=i,c=s(n.xy,p,a),h=c.length===p.length;return F`<section>
    <h3>
      Real patches
      <span class="muted"
        >${h?"all":`${d(c.length)} of ${d(p.length)}, from the center`}</span
      >
    </h3>
    <ul class="labeled-patches">
      ${G(e.probe,t,n,c).map(e=>(function(e,{sample:t,cut:s,picture:n}){let i=e.labels??e.predictions,a=i?E(e,i[t]):`image ${e.imageIds[t]}`;return F`<li title=${T(e,t)}>
    <atlas-crop
      class="patch"
      .crop=${s&&n?{picture:n,rect:s.patch}:null}
    ></atlas-crop>
    <span>${l(a,24)}</span>
  </li>`})(n,e))}
    </ul>
    ${W(e,t)}
    ${h||c.length<a?w:F`<button type="button" class="link" @click=${r}>Show more patches</button>`}
  </section>`}(e)} ${function({state:e,session:t,known:s,steps:n,since:i,selection:a}){let r=e.series?.steps.length??0,o=n.filter(e=>s.has(e)).length,p=n.length<r?`${d(n.length)} of ${d(r)} steps`:"";return F`<section>
    <h3>
      Over the steps
      <span class="muted">${o<n.length?`loading, ${o} of ${n.length}`:p}</span>
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
        ${n.map(n=>{var a,r;return a=s.get(n),r=()=>t.chooseStep(n),F`<tr aria-current=${n===e.step?"step":w}>
    <th scope="row">
      <button type="button" class="step-link" @click=${r}>
        ${d(n)}${n===i?F`<span class="hidden"> where they were selected</span>`:w}
      </button>
    </th>
    ${function(e,t){if(void 0===e)return F`<td colspan="3" class="muted">…</td>`;if(e instanceof C||"string"==typeof e){let t="string"==typeof e?e:e.message;return F`<td colspan="3" class="muted">${l(t,120)}</td>`}let{together:s,moved:n,beyond:i}=e;return F`<td>
      <span class="meter"><i style="width:${100*s}%"></i></span>
      <span class="number">${m(s)}</span>
    </td>
    <td class="number">${t?"–":m(n)}</td>
    <td class="number">${null===i?"–":m(i)}</td>`}(a,n===i)}
  </tr>`})}
      </tbody>
    </table>
    <p class="muted">
      Together: share within the radius that held 90% at step
      ${d(i??a.step)}. Moved: mean displacement since then. Significant: share
      that moved farther than the noise floor.
    </p>
  </section>`}(e)}`:F`<p>${p}</p>`}
    <div class="sides" role="group" aria-label="Export or clear">
      <button type="button" class="button" ?disabled=${null!==p} @click=${e.saveCsv}>
        CSV
      </button>
      <button type="button" class="button" ?disabled=${null!==p} @click=${e.saveJson}>
        JSON
      </button>
      <button type="button" class="button" @click=${c}>Clear</button>
    </div>
  </section>`}({state:e,session:this.session,atlas:i,selection:a,reason:B(i,a),patches:this.#i,known:this.#d(e,i,a),steps:this.#p(e,a),since:this.#l?.step??null,more:()=>{this.#i=Math.min(96,this.#i+24),this.update()},save:e=>this.#m(a,e),saveCsv:()=>{x(new Blob([g([ei,...Array.from(a.rows,e=>{let{sample:t,image:s,x:n,y:a,box:l,...r}=en(i,e),{label:p,label_index:c,prediction:h,prediction_index:u}=r;return[o,i.manifest.layer,i.step,t,s,n,a,...l,p,c,h,u]})])],{type:"text/csv"}),p("csv")),r.set({said:`Saved ${p("csv")}`})},saveJson:()=>{x(new Blob([function(e,t,s,n){let{layer:i,probeDigest:a}=s.manifest,l=Array.from(n,e=>en(s,e));return JSON.stringify({name:t,run:e,layer:i,step:s.step,probe:a,samples:l})}(o,a.name,i,a.rows)],{type:"application/json"}),p("json")),r.set({said:`Saved ${p("json")}`})},clear:()=>{r.set({selection:null,said:"Selection cleared"}),this.map.focus()}})}#p({series:e,step:t},s){return L(e?.steps??[],24,[s.step,t??s.step])}#d(t,s,n){let{series:i,playing:l}=t,r=i&&D(i.steps,n.step);if(!i||null===r||null!==B(s,n))return new Map;let o=`${i.id}/${r}`;this.#a!==o&&(this.#a=o,this.#l=null,this.session.loadAtlas(i,r).then(e=>{this.#a===o&&(this.#l=e),this.update()},()=>this.update()));let p=this.#l;if(null===p)return new Map;let{rows:c}=n,h=l?[]:this.#p(t,n);return this.#e.read(n,i,h,t=>(function(t,s,n){let i=a(t,s);if(null!==i)return t.key===s.key?X:i;let l=Math.max(.02,Q(H(t,n),.9)),r=H(s,n).reduce((e,t)=>e+ +(t<=l),0),o=t.step===s.step?null:e(t,s),p=N(t.xy,s.xy),c=Array.from(n,e=>p[e]),h=o&&c.filter((e,t)=>e>o[n[t]]);return{together:r/n.length,moved:c.reduce((e,t)=>e+t,0)/n.length,beyond:h&&h.length/n.length}})(p,t,c))}#m(e,t){let s=M(),n={...e,name:_(t,s)},i=k([...s,n]);this.#n.reload(),null===i&&this.session.store.set({selection:n}),this.session.store.set({said:i??`Saved as ${n.name}`}),this.#n.showFault(i??"")}#u(){this.session.store.set({selectionList:!1,tool:""}),this.map.focus()}#h(e){e&&this.#o&&(this.#o=!1,queueMicrotask(()=>{(e.querySelector("input[name=name], .event")??e.querySelector("button"))?.focus()}))}},el={styles:".kept{gap:14px}.kept>*{flex:none}.kept .sides{padding:0}.kept p.muted{font-size:12px}.kept .fault{color:var(--bad)}.selection{gap:12px;min-width:0;display:grid}.naming{gap:6px;display:flex}.naming input[type=text]{border-color:var(--muted);flex:1}.labeled-patches{grid-template-columns:repeat(4,minmax(0,1fr));gap:6px;display:grid}.labeled-patches span{font-size:11px;line-height:16px;display:block}.course{font-variant-numeric:tabular-nums}.course thead th{color:var(--muted);white-space:nowrap;font-size:12px}.course td,.course th{height:24px;padding:0 6px 0 0}.course :is(td,th):not(:nth-child(-n+2)),.course td:not([colspan]):last-child{text-align:end}.course:not(.places) th:nth-child(2){width:37%}.places th:first-child{width:64px}.course td:has(.meter){grid-template-columns:1fr 38px;align-items:center;gap:6px;display:grid}.course .meter i{background:var(--muted)}.course tr[aria-current]{background:var(--accent-soft);box-shadow:inset 3px 0 0 var(--accent);font-weight:600}.step-link{text-align:start;text-underline-offset:3px;min-width:56px;min-height:24px;padding:0 8px;text-decoration:underline}.places td{text-align:start!important}.places td .step-link{-webkit-text-decoration-color:var(--line);text-decoration-color:var(--line);padding:0;display:block}.places tr>*{vertical-align:top}.kept-item{align-items:center;display:flex}.kept-item .event{flex:1;gap:0;min-width:0;padding:6px 8px}.kept-item .name{overflow-wrap:anywhere}.kept-item .muted,.kept-item .number{font-size:12px}.kept-item .pin{grid-template-columns:48px 1fr;column-gap:10px}.pin-icon{grid-row:span 3;width:48px;height:48px}",create:({session:e,map:t,update:s})=>new ea(e,t,s)};export{el as selectionLists};