import{A as e,Gt as t,Ht as s,I as n,It as i,J as a,Kt as l,L as r,Mt as o,N as p,Pt as c,Rt as h,W as u,Xn as d,Xt as m,Z as $,a as b,bn as f,d as g,dn as y,fn as x,i as v,jt as w,m as k,mr as S,mt as L,n as M,nn as z,p as A,pr as q,q as R,qt as N,r as C,sn as D,t as F,u as _,xn as j,zn as E}from"./chunk-shared-Cte8lVvY.js";import{F as I,I as J,P as P,_ as O,b as T,i as B,l as V,m as X,u as G,v as H,x as K,y as W}from"./chunk-shell-4BsR2oD5.js";var Y={together:1,moved:0,beyond:null};function Z({xy:e},t){let s=s=>Q(Float32Array.from(t,t=>e[2*t+s]),.5),[n,i]=[s(0),s(1)];return Float32Array.from(t,t=>Math.hypot(e[2*t]-n,e[2*t+1]-i))}function Q(e,t){return e.toSorted()[Math.ceil(t*e.length)-1]??0}var U=class{#e;constructor(e,t,s){this.session=e,this.map=t,this.#e=new A(e,s)}render(e){let{highlight:t,series:n,step:i,shownLevel:a,playing:l,atlas:r}=e;if(!t||!n||!r||null===a)return q;let o=k(n.steps,24,null===i?[]:[i]),{ids:p,of:d,atlas:m,event:$}=t,b=this.#e.read(JSON.stringify([p,d,m,$?.text,a]),n,l?[]:o,e=>{let s,n,i,l,r,o;return s=u(e,t),l=[...(i=(n=j(e,a))?L(n,s):new Int32Array).keys()].filter(e=>i[e]>0),r=e=>i[e],o=l.reduce((e,t)=>e+r(t),0),{samples:s.length,cells:l.length,outside:s.length-o,list:n?l.sort((e,t)=>r(t)-r(e)||e-t).slice(0,3).map(t=>{var s;let i,a;return s=r(t),a=(i=e.labels??e.predictions)&&f(e,c(n,i).index[t]),{...h(n,t),members:s,top:a??""}}):[]}}),g=n.steps.length,y=o.length<g?`${s(o.length)} of ${s(g)} steps`:"";return S`<section aria-label="Location at each step">
      <h3>
        ${N(G(r,t),40)}
        <span class="muted">${y||`on the ${a} \xd7 ${a} grid`}</span>
      </h3>
      <table class="course places">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Cells</th>
          </tr>
        </thead>
        <tbody>
          ${o.map(e=>this.#t(e,b.get(e),e===i))}
        </tbody>
      </table>
    </section>`}#t(e,t,n){return S`<tr aria-current=${n?"step":q}>
      <th scope="row">
        <button type="button" class="step-link" @click=${()=>this.session.chooseStep(e)}>
          ${s(e)}
        </button>
      </th>
      <td>${this.#s(e,t)}</td>
    </tr>`}#s(e,t){let s=e=>S`<span class="muted">${e}</span>`;if(void 0===t)return s("…");if(t instanceof y)return s(N(t.message,120));let{samples:n,list:i,cells:a,outside:r}=t;if(0===n)return s("No samples");let o=a-i.length;return S`${i.map(({top:t,members:s,...n})=>S`<button
        type="button"
        class="step-link"
        title=${l(s,"sample")}
        @click=${()=>this.#n(e,n)}
      >
        row ${n.row+1}, column ${n.col+1}
        <span class="muted">${N(t,16)}</span>
      </button>`)}
    ${o>0?s(`and ${l(o,"cell")} more`):q}
    ${r>0?s(`${l(r,"sample")} in no visible cell`):q}`}#n(e,t){this.session.store.set({playing:!1}),this.session.chooseStep(e),B(t,this.session,this.map)}},ee=class{#e=new Map;constructor(e,t,s){this.session=e,this.map=t,this.update=s}render(e){let t=P(e.pins);return this.#t(t),S`<section>
      <h3>Pins <span class="muted">${t.length>0?`${t.length} of 16`:""}</span></h3>
      ${0===t.length?S`<p class="muted">Shift + click or Shift + Enter adds a cell. Pins are part of the link.</p>`:S`<ol class="event-items" aria-label="Pins">
              ${t.map((s,n)=>this.#s(e,t,s,n))}
            </ol>`}
    </section>`}#t(e){let t=new Set(e.map(et));for(let e of this.#e.keys())t.has(e)||this.#e.delete(e)}#s(e,t,n,i){let{row:a,col:l,size:r,step:o}=n,p=function({runs:e},{series:t,step:s}){for(let n of e){let e=n.series.find(e=>e.id===t);if(e?.steps.includes(s))return{run:n,series:e}}return null}(e,n),c=D(n,e.pinned)&&n.step===e.step&&n.series===e.series?.id,h=`row ${a+1}, column ${l+1}`;return S`<li class="kept-item ${c?"chosen":""}">
      <button
        type="button"
        class="event pin"
        ?disabled=${null===p}
        @click=${()=>p&&this.#i(p,n)}
      >
        ${this.#n(p,n)}
        <span class="number">⚑ ${i+1} · ${h}</span>
        <span class="muted">${r} × ${r} · ${function({run:e},t,n){let i=t?`${N(t.series.layer,40)} \xb7 `:"",a=t&&t.run.id!==e?.id?` \xb7 ${N(d(t.run.run),40)}`:"";return`${i}step ${s(n)}${a}`}(e,p,o)}</span>
      </button>
      ${m({icon:"close",name:`Remove pin ${i+1}`,press:()=>{let e=t.filter(e=>!I(e,n));this.session.store.set({pins:J(e),said:`${h} unpinned`})}})}
    </li>`}#n(e,n){let i=e&&this.#a(e,n),a=e=>S`<span class="pin-icon"></span><span class="name">${e}</span>`;if(null===e)return a("Not in this log");if(null===i)return a("…");if(i instanceof y)return a(N(i.message,80));let l=j(i,n.size),r=l&&o(i,l,n.row,n.col);if(!l||!r)return a("Too few samples to draw");let p=r.mix[0],c=p?`${N(f(i,p.index),40)} ${t(p.share)}`:"";return S`${this.#l(i,l,r)}
      <span class="name">${c||`${s(r.count)} samples`}</span>`}#l(e,t,{cell:s}){let n=E(t,s),i=n&&this.session.pages.icons(e,t).pages[n.page];if(!n||!i)return S`<span class="pin-icon"></span>`;let a={x:n.x,y:n.y,width:n.side,height:n.side};return S`<atlas-crop class="pin-icon" .crop=${{picture:i,rect:a}}></atlas-crop>`}#a({series:e},t){let s=et(t),n=this.#e.get(s);return void 0===n?(this.#e.set(s,null),this.session.loadAtlas(e,t.step).catch(x).then(e=>{this.#e.has(s)&&this.#e.set(s,e),this.update()}),null):n}#i({run:e,series:t},s){let{session:n}=this,{state:i}=n.store,{size:a,row:l,col:r}=s;n.store.set({table:!1,playing:!1}),e.id!==i.run?.id&&n.chooseRun(e.id),t.id!==n.store.state.series?.id&&n.chooseSeries(t.id),n.chooseStep(s.step),B({size:a,row:l,col:r},n,this.map)}};function et({series:e,step:t}){return`${e}/${t}`}var es=class{#e=M();#t=-1;#s;#n="";constructor(e,t){this.session=e,this.update=t,addEventListener("storage",()=>this.reload()),e.store.subscribe((e,t)=>{e.selectionList&&!t.selectionList&&this.reload()})}reload(){this.#e=M(),this.#t=-1,this.update()}showFault(e){this.#n=e,this.update()}render({selection:e},t){return S`<section>
      <h3>Saved selections <span class="muted">${this.#e.length||""}</span></h3>
      ${this.#n?S`<p class="fault">${this.#n}</p>`:q}
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
    </section>`}#l(e,t,n,i){let{name:a,rows:r,layer:o,step:p}=e;if(t===this.#t)return S`<li>${this.#a(e,t)}</li>`;let c=o===n.manifest.layer?V(n,e):null;return S`<li class="kept-item ${i?"chosen":""}">
      <button
        type="button"
        class="event"
        aria-pressed=${i}
        title=${c??""}
        @click=${()=>C(this.session,e)}
      >
        <span class="name">${a}</span>
        <span class="muted"
          >${l(r.length,"sample")} · ${N(o,40)} · step ${s(p)}</span
        >
      </button>
      ${m({icon:"M4 16.5V20h3.5L18 9.5 14.5 6zM15.9 4.6l3.5 3.5 1.5-1.5-3.5-3.5z",name:`Rename ${a}`,press:()=>this.#i(t)})}
      ${m({icon:"close",name:`Delete ${a}`,press:()=>this.#r(t)})}
    </li>`}#a({name:e},t){return S`<form
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
        ${p(n)}
      />
      <button class="button">Rename</button>
    </form>`}#i(e){let t=this.#t;this.#t=e,this.update(),e<0&&this.#p(t)}#o(e,t){let s=this.#e[e];if(void 0===s)return;let n=F(t,this.#e.filter(e=>e!==s)),i={...s,name:n},{store:a}=this.session;a.state.selection?.name===s.name&&a.set({selection:i}),this.#c(this.#e.map(e=>e===s?i:e),`Renamed to ${n}`,e)}#r(e){let t=this.#e[e];this.#c(this.#e.filter(e=>e!==t),`Deleted ${t?.name}`,e)}#c(e,t,s){let n=v(e);this.reload(),this.showFault(n??""),this.session.store.set({said:n??t}),this.#p(Math.min(s,this.#e.length-1))}#p(e){requestAnimationFrame(()=>{(this.#s?.querySelectorAll(".event")[e]??this.#s?.closest("aside")?.querySelector("button"))?.focus()})}};function en(e,t){let{xy:s,imageIds:n,boxes:i,labels:a,predictions:l}=e,r=s=>s&&f(e,s[t]);return{sample:t,image:n[t],x:s[2*t],y:s[2*t+1],box:[...i.subarray(4*t,4*t+4)],label:r(a),label_index:a?.[t]??null,prediction:r(l),prediction_index:l?.[t]??null}}var ei=["run","layer","step","sample","image","x","y","y0","x0","y1","x1","label","label_index","prediction","prediction_index"],ea=class{#e;#t;#s;#n;#l=null;#a="";#i=12;#o;constructor(e,t,s){this.session=e,this.map=t,this.update=s,this.#e=new A(e,s),this.#t=new U(e,t,s),this.#s=new ee(e,t,s),this.#n=new es(e,s),this.#o="entered"===e.store.state.selectionList,e.store.subscribe((e,t)=>{let s=e.selection?.rows!==t.selection?.rows;"entered"===e.selectionList&&("entered"!==t.selectionList||s)&&(this.#o=!0),s&&(this.#i=12)})}rail(e){let t=$(e);if(!e.selectionList||!t)return q;let{selection:s}=e;return S`<aside
      class="events kept"
      aria-label="Selections and pins"
      ${p(e=>this.#h(e))}
      @keydown=${e=>{"Escape"===e.key?this.#u():r(e)}}
    >
      ${X("Selections and pins","Close selections and pins","Esc",()=>this.#u())}
      ${this.#r(e)} ${s?this.#c(e,t,s):q}
      ${this.#t.render(e)} ${this.#s.render(e)} ${this.#n.render(e,t)}
    </aside>`}#r({tool:e,renderer:t,table:s}){let{store:n}=this.session,i=(i,a,l)=>S`<button
      type="button"
      class="button"
      aria-pressed=${e===i}
      title="${a} (${l})"
      ?disabled=${s||"none"===t}
      @click=${()=>n.set({tool:e===i?"":i})}
    >
      ${a}
    </button>`;return S`<div class="sides" role="group" aria-label="Select samples">
      ${i("block","Rectangle","r")} ${i("lasso","Lasso","l")}
    </div>`}#c(e,n,a){let{store:r}=this.session,o=e.run?.run??"",p=e=>`selection-${_(a.name||a.layer)}-step${n.step}.${e}`;return function(e){let n,a,{atlas:r,selection:o,reason:p,clear:c}=e,{rows:h,of:u,name:d}=o;return S`<section class="selection" aria-label="Selected samples">
    <div class="headline">
      <strong>${l(h.length,"sample")}</strong>
      <span class="muted">${t(h.length/u)} of the map, selected at step ${s(o.step)}</span>
    </div>
    ${null===p?S`${function({save:e},t){return S`<form class="naming" @submit=${t=>{t.preventDefault(),e(t.currentTarget.querySelector("input")?.value??"")}}>
    <input
      type="text"
      name="name"
      aria-label="Name of the selection"
      autocomplete="off"
      maxlength=${60}
      .value=${t}
    />
    <button class="button">Save</button>
  </form>`}(e,d||function(e,{rows:t}){let s=e.labels??e.predictions,n=s&&w(s,t)[0];return(n?`${N(f(e,n.index),30)}, `:"")+l(t.length,"sample")}(r,o))} ${n=r.labels?"labels":r.predictions?"predictions":null,a=r.labels??r.predictions,O({atlas:r,facts:{mixOf:n,mix:a?w(a,h):[]}},10)}
          ${function({state:e,session:t,atlas:n,selection:a,patches:l,more:r}){let o=K(e,n.manifest.probeDigest);if(null!==o)return S`<p class="muted">${o}</p>`;let{rows:p}=a,c=i(n.xy,p,l),h=c.length===p.length;return S`<section>
    <h3>
      Real patches
      <span class="muted"
        >${h?"all":`${s(c.length)} of ${s(p.length)}, from the center`}</span
      >
    </h3>
    <ul class="labeled-patches">
      ${H(e.probe,t,n,c).map(e=>(function(e,{sample:t,cut:s,picture:n}){let i=e.labels??e.predictions,a=i?f(e,i[t]):`image ${e.imageIds[t]}`;return S`<li title=${T(e,t)}>
    <atlas-crop
      class="patch"
      .crop=${s&&n?{picture:n,rect:s.patch}:null}
    ></atlas-crop>
    <span>${N(a,24)}</span>
  </li>`})(n,e))}
    </ul>
    ${W(e,t)}
    ${h||c.length<l?q:S`<button type="button" class="link" @click=${r}>Show more patches</button>`}
  </section>`}(e)} ${function({state:e,session:n,known:i,steps:a,since:l,selection:r}){let o=e.series?.steps.length??0,p=a.filter(e=>i.has(e)).length,c=a.length<o?`${s(a.length)} of ${s(o)} steps`:"";return S`<section>
    <h3>
      Over the steps
      <span class="muted">${p<a.length?`loading, ${p} of ${a.length}`:c}</span>
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
        ${a.map(a=>{var r,o;return r=i.get(a),o=()=>n.chooseStep(a),S`<tr aria-current=${a===e.step?"step":q}>
    <th scope="row">
      <button type="button" class="step-link" @click=${o}>
        ${s(a)}${a===l?S`<span class="hidden"> where they were selected</span>`:q}
      </button>
    </th>
    ${function(e,s){if(void 0===e)return S`<td colspan="3" class="muted">…</td>`;if(e instanceof y||"string"==typeof e){let t="string"==typeof e?e:e.message;return S`<td colspan="3" class="muted">${N(t,120)}</td>`}let{together:n,moved:i,beyond:a}=e;return S`<td>
      <span class="meter"><i style="width:${100*n}%"></i></span>
      <span class="number">${t(n)}</span>
    </td>
    <td class="number">${s?"–":t(i)}</td>
    <td class="number">${null===a?"–":t(a)}</td>`}(r,a===l)}
  </tr>`})}
      </tbody>
    </table>
    <p class="muted">
      Together: share within the radius that held 90% at step
      ${s(l??r.step)}. Moved: mean displacement since then. Significant: share
      that moved farther than the noise floor.
    </p>
  </section>`}(e)}`:S`<p>${p}</p>`}
    <div class="sides" role="group" aria-label="Export or clear">
      <button type="button" class="button" ?disabled=${null!==p} @click=${e.saveCsv}>
        CSV
      </button>
      <button type="button" class="button" ?disabled=${null!==p} @click=${e.saveJson}>
        JSON
      </button>
      <button type="button" class="button" @click=${c}>Clear</button>
    </div>
  </section>`}({state:e,session:this.session,atlas:n,selection:a,reason:V(n,a),patches:this.#i,known:this.#d(e,n,a),steps:this.#p(e,a),since:this.#l?.step??null,more:()=>{this.#i=Math.min(96,this.#i+24),this.update()},save:e=>this.#m(a,e),saveCsv:()=>{g(new Blob([b([ei,...Array.from(a.rows,e=>{let{sample:t,image:s,x:i,y:a,box:l,...r}=en(n,e),{label:p,label_index:c,prediction:h,prediction_index:u}=r;return[o,n.manifest.layer,n.step,t,s,i,a,...l,p,c,h,u]})])],{type:"text/csv"}),p("csv")),r.set({said:`Saved ${p("csv")}`})},saveJson:()=>{g(new Blob([function(e,t,s,n){let{layer:i,probeDigest:a}=s.manifest,l=Array.from(n,e=>en(s,e));return JSON.stringify({name:t,run:e,layer:i,step:s.step,probe:a,samples:l})}(o,a.name,n,a.rows)],{type:"application/json"}),p("json")),r.set({said:`Saved ${p("json")}`})},clear:()=>{r.set({selection:null,said:"Selection cleared"}),this.map.focus()}})}#p({series:e,step:t},s){return k(e?.steps??[],24,[s.step,t??s.step])}#d(t,s,n){let{series:i,playing:l}=t,r=i&&z(i.steps,n.step);if(!i||null===r||null!==V(s,n))return new Map;let o=`${i.id}/${r}`;this.#a!==o&&(this.#a=o,this.#l=null,this.session.loadAtlas(i,r).then(e=>{this.#a===o&&(this.#l=e),this.update()},()=>this.update()));let p=this.#l;if(null===p)return new Map;let{rows:c}=n,h=l?[]:this.#p(t,n);return this.#e.read(n,i,h,t=>(function(t,s,n){let i=R(t,s);if(null!==i)return t.key===s.key?Y:i;let l=Math.max(.02,Q(Z(t,n),.9)),r=Z(s,n).reduce((e,t)=>e+ +(t<=l),0),o=t.step===s.step?null:e(t,s),p=a(t.xy,s.xy),c=Array.from(n,e=>p[e]),h=o&&c.filter((e,t)=>e>o[n[t]]);return{together:r/n.length,moved:c.reduce((e,t)=>e+t,0)/n.length,beyond:h&&h.length/n.length}})(p,t,c))}#m(e,t){let s=M(),n={...e,name:F(t,s)},i=v([...s,n]);this.#n.reload(),null===i&&this.session.store.set({selection:n}),this.session.store.set({said:i??`Saved as ${n.name}`}),this.#n.showFault(i??"")}#u(){this.session.store.set({selectionList:!1,tool:""}),this.map.focus()}#h(e){e&&this.#o&&(this.#o=!1,queueMicrotask(()=>{(e.querySelector("input[name=name], .event")??e.querySelector("button"))?.focus()}))}},el={styles:".kept{gap:14px}.kept>*{flex:none}.kept .sides{padding:0}.kept p.muted{font-size:12px}.kept .fault{color:var(--bad)}.selection{gap:12px;min-width:0;display:grid}.naming{gap:6px;display:flex}.naming input[type=text]{border-color:var(--muted);flex:1}.labeled-patches{grid-template-columns:repeat(4,minmax(0,1fr));gap:6px;display:grid}.labeled-patches span{font-size:11px;line-height:16px;display:block}.course{font-variant-numeric:tabular-nums}.course thead th{color:var(--muted);white-space:nowrap;font-size:12px}.course td,.course th{height:24px;padding:0 6px 0 0}.course :is(td,th):not(:nth-child(-n+2)),.course td:not([colspan]):last-child{text-align:end}.course:not(.places) th:nth-child(2){width:37%}.places th:first-child{width:64px}.course td:has(.meter){grid-template-columns:1fr 38px;align-items:center;gap:6px;display:grid}.course .meter i{background:var(--muted)}.course tr[aria-current]{background:var(--accent-soft);box-shadow:inset 3px 0 0 var(--accent);font-weight:600}.step-link{text-align:start;text-underline-offset:3px;min-width:56px;min-height:24px;padding:0 8px;text-decoration:underline}.places td{text-align:start!important}.places td .step-link{-webkit-text-decoration-color:var(--line);text-decoration-color:var(--line);padding:0;display:block}.places tr>*{vertical-align:top}.kept-item{align-items:center;display:flex}.kept-item .event{flex:1;gap:0;min-width:0;padding:6px 8px}.kept-item .name{overflow-wrap:anywhere}.kept-item .muted,.kept-item .number{font-size:12px}.kept-item .pin{grid-template-columns:48px 1fr;column-gap:10px}.pin-icon{grid-row:span 3;width:48px;height:48px}",create:({session:e,map:t,update:s})=>new ea(e,t,s)};export{el as selectionLists};