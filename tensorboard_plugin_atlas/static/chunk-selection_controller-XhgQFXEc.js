import{E as e,I as t,Nt as n,P as r,Pt as i,T as a,a as o,g as s,gt as c,i as l,n as u,o as d,ot as f,u as p,x as m}from"./chunk-first_map-s9gukpc7.js";import{E as h,Gt as g,Q as _,T as v,Ut as y,Wt as ee,Yt as b,_ as x,at as S,ct as te,f as ne,i as C,lt as w,n as T,nt as re,qt as ie,r as ae,rt as oe,t as E,v as D,w as O,wt as k,x as A}from"./chunk-shared-m3nDbXgf.js";import{D as j,M,S as N,b as P,d as F,f as I,l as L,p as R,u as z,v as B,x as V,y as H}from"./chunk-shell-kVP2YSyY.js";var U=.9,W=.02;function G(e,t,n){let r=oe(e,t);if(r!==null)return e.key===t.key?K:r;let i=Math.max(W,J(q(e,n),U)),a=q(t,n).reduce((e,t)=>e+ +(t<=i),0),o=e.step===t.step?null:_(e,t),s=re(e.xy,t.xy),c=Array.from(n,e=>s[e]),l=o&&c.filter((e,t)=>e>o[n[t]]);return{together:a/n.length,moved:c.reduce((e,t)=>e+t,0)/n.length,beyond:l&&l.length/n.length}}var K={together:1,moved:0,beyond:null};function q({xy:e},t){let n=n=>J(Float32Array.from(t,t=>e[2*t+n]),.5),[r,i]=[n(0),n(1)];return Float32Array.from(t,t=>Math.hypot(e[2*t]-r,e[2*t+1]-i))}function J(e,t){return e.toSorted()[Math.ceil(t*e.length)-1]??0}var se=24,ce=3,le=40,ue=16;function de(e,n,r){let i=A(e,r),a=t(e,n),o=a?h(a,i):new Int32Array,s=[...o.keys()].filter(e=>o[e]>0),c=e=>o[e],l=s.reduce((e,t)=>e+c(t),0);return{samples:i.length,cells:s.length,outside:i.length-l,list:a?s.sort((e,t)=>c(t)-c(e)||e-t).slice(0,ce).map(t=>fe(e,a,t,c(t))):[]}}function fe(e,t,n,i){let a=e.labels??e.predictions,o=a&&r(e,g(t,a).index[n]);return{...b(t,n),members:i,top:o??``}}var pe=class{#e;constructor(e,t,n){this.session=e,this.map=t,this.#e=new O(e,n)}render(e){let{highlight:t,series:r,step:a,shownLevel:o,playing:s,atlas:c}=e;if(!t||!r||!c||o===null)return n;let l=v(r.steps,se,a===null?[]:[a]),{ids:f,of:p,atlas:m,event:h}=t,g=this.#e.read(JSON.stringify([f,p,m,h?.text,o]),r,s?[]:l,e=>de(e,o,t)),_=r.steps.length,y=l.length<_?`${u(l.length)} of ${u(_)} steps`:``;return i`<section aria-label="Where it lies at each step">
      <h3>
        ${d(R(c,t),le)}
        <span class="muted">${y||`on the ${o} × ${o} grid`}</span>
      </h3>
      <table class="course places">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Cells that hold it</th>
          </tr>
        </thead>
        <tbody>
          ${l.map(e=>this.#t(e,g.get(e),e===a))}
        </tbody>
      </table>
    </section>`}#t(e,t,r){return i`<tr aria-current=${r?`step`:n}>
      <th scope="row">
        <button type="button" class="step-link" @click=${()=>this.session.chooseStep(e)}>
          ${u(e)}
        </button>
      </th>
      <td>${this.#n(e,t)}</td>
    </tr>`}#n(e,t){let r=e=>i`<span class="muted">${e}</span>`;if(t===void 0)return r(`…`);if(t instanceof a)return r(d(t.message,120));let{samples:s,list:c,cells:l,outside:u}=t;if(s===0)return r(`Nothing of it`);let f=l-c.length;return i`${c.map(({top:t,members:n,...r})=>i`<button
        type="button"
        class="step-link"
        title=${o(n,`sample`)}
        @click=${()=>this.#r(e,r)}
      >
        row ${r.row+1}, column ${r.col+1}
        <span class="muted">${d(t,ue)}</span>
      </button>`)}
    ${f>0?r(`and ${o(f,`cell`)} more`):n}
    ${u>0?r(`${o(u,`sample`)} in no drawn cell`):n}`}#r(e,t){this.session.store.set({playing:!1}),this.session.chooseStep(e),j(t,this.session,this.map)}},Y=40,me=class{#e=new Map;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){let t=L(e.pins);return this.#t(t),i`<section>
      <h3>Pins <span class="muted">${t.length>0?`${t.length} of 16`:``}</span></h3>
      ${t.length===0?i`<p class="muted">Shift and click, or Shift and Enter, pins a cell here. The link keeps it.</p>`:i`<ol class="event-items" aria-label="Pins">
              ${t.map((n,r)=>this.#n(e,t,n,r))}
            </ol>`}
    </section>`}#t(e){let t=new Set(e.map(X));for(let e of this.#e.keys())t.has(e)||this.#e.delete(e)}#n(e,t,n,r){let{row:a,col:o,size:s,step:c}=n,l=he(e,n),u=m(n,e.pinned)&&n.step===e.step&&n.series===e.series?.id,d=`row ${a+1}, column ${o+1}`;return i`<li class="kept-item ${u?`chosen`:``}">
      <button
        type="button"
        class="event pin"
        ?disabled=${l===null}
        @click=${()=>l&&this.#o(l,n)}
      >
        ${this.#r(l,n)}
        <span class="number">⚑ ${r+1} · ${d}</span>
        <span class="muted">${s} × ${s} · ${ge(e,l,c)}</span>
      </button>
      ${p({icon:`close`,name:`Remove pin ${r+1}`,press:()=>{let e=t.filter(e=>!z(e,n));this.session.store.set({pins:F(e),said:`${d} unpinned`})}})}
    </li>`}#r(e,n){let o=e&&this.#a(e,n),s=e=>i`<span class="pin-icon"></span><span class="name">${e}</span>`;if(e===null)return s(`Not in this log`);if(o===null)return s(`…`);if(o instanceof a)return s(d(o.message,80));let c=t(o,n.size),f=c&&ee(o,c,n.row,n.col);if(!c||!f)return s(`Too few samples to draw`);let p=f.mix[0],m=p?`${d(r(o,p.index),Y)} ${l(p.share)}`:``;return i`${this.#i(o,c,f)}
      <span class="name">${m||`${u(f.count)} samples`}</span>`}#i(e,t,{cell:n}){let r=f(t,n),a=r&&this.session.pages.icons(e,t).pages[r.page];if(!r||!a)return i`<span class="pin-icon"></span>`;let o={x:r.x,y:r.y,width:r.side,height:r.side};return i`<atlas-crop class="pin-icon" .crop=${{picture:a,rect:o}}></atlas-crop>`}#a({series:t},n){let r=X(n),i=this.#e.get(r);return i===void 0?(this.#e.set(r,null),this.session.loadAtlas(t,n.step).catch(e).then(e=>{this.#e.has(r)&&this.#e.set(r,e),this.update()}),null):i}#o({run:e,series:t},n){let{session:r}=this,{state:i}=r.store,{size:a,row:o,col:s}=n;r.store.set({table:!1,playing:!1}),e.id!==i.run?.id&&r.chooseRun(e.id),t.id!==r.store.state.series?.id&&r.chooseSeries(t.id),r.chooseStep(n.step),j({size:a,row:o,col:s},r,this.map)}};function X({series:e,step:t}){return`${e}/${t}`}function he({runs:e},{series:t,step:n}){for(let r of e){let e=r.series.find(e=>e.id===t);if(e?.steps.includes(n))return{run:r,series:e}}return null}function ge({run:e},t,n){let r=t?`${d(t.series.layer,Y)} · `:``,i=t&&t.run.id!==e?.id?` · ${d(c(t.run.run),Y)}`:``;return`${r}step ${u(n)}${i}`}var _e=40,ve=`M4 16.5V20h3.5L18 9.5 14.5 6zM15.9 4.6l3.5 3.5 1.5-1.5-3.5-3.5z`,ye=class{#e=T();#t=-1;#n;#r=``;constructor(e,t){this.session=e,this.update=t,addEventListener(`storage`,()=>this.reload()),e.store.subscribe((e,t)=>{e.kept&&!t.kept&&this.reload()})}reload(){this.#e=T(),this.#t=-1,this.update()}tell(e){this.#r=e,this.update()}render({selection:e},t){return i`<section>
      <h3>Saved selections <span class="muted">${this.#e.length||``}</span></h3>
      ${this.#r?i`<p class="fault">${this.#r}</p>`:n}
      <ul
        class="event-items"
        aria-label="Saved selections"
        ${S(e=>{this.#n=e})}
      >
        ${this.#e.map((n,r)=>this.#i(n,r,t,n.name===e?.name))}
      </ul>
      <p class="muted">
        Kept in this browser alone, under the address of this TensorBoard, not in the log.
      </p>
    </section>`}#i(e,t,n,r){let{name:a,rows:s,layer:c,step:l}=e;if(t===this.#t)return i`<li>${this.#a(e,t)}</li>`;let f=c===n.manifest.layer?I(n,e):null;return i`<li class="kept-item ${r?`chosen`:``}">
      <button
        type="button"
        class="event"
        aria-pressed=${r}
        title=${f??``}
        @click=${()=>ae(this.session,e)}
      >
        <span class="name">${a}</span>
        <span class="muted"
          >${o(s.length,`sample`)} · ${d(c,_e)} · step ${u(l)}</span
        >
      </button>
      ${p({icon:ve,name:`Rename ${a}`,press:()=>this.#o(t)})}
      ${p({icon:`close`,name:`Delete ${a}`,press:()=>this.#c(t)})}
    </li>`}#a({name:e},t){let n=e=>e.currentTarget.querySelector(`input`);return i`<form
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
        ${S(te)}
      />
      <button class="button">Rename</button>
    </form>`}#o(e){let t=this.#t;this.#t=e,this.update(),e<0&&this.#u(t)}#s(e,t){let n=this.#e[e];if(n===void 0)return;let r=this.#e.filter(e=>e!==n),i=E(t,r),a={...n,name:i},{store:o}=this.session;o.state.selection?.name===n.name&&o.set({selection:a}),this.#l(this.#e.map(e=>e===n?a:e),`Now called ${i}`,e)}#c(e){let t=this.#e[e];this.#l(this.#e.filter(e=>e!==t),`Deleted ${t?.name}`,e)}#l(e,t,n){let r=C(e);this.reload(),this.tell(r??``),this.session.store.set({said:r??t}),this.#u(Math.min(n,this.#e.length-1))}#u(e){requestAnimationFrame(()=>{(this.#n?.querySelectorAll(`.event`)[e]??this.#n?.closest(`aside`)?.querySelector(`button`))?.focus()})}};function Z(e,t){let{xy:n,imageIds:i,boxes:a,labels:o,predictions:s}=e,c=n=>n&&r(e,n[t]);return{sample:t,image:i[t],x:n[2*t],y:n[2*t+1],box:[...a.subarray(4*t,4*t+4)],label:c(o),label_index:o?.[t]??null,prediction:c(s),prediction_index:s?.[t]??null}}var be=[`run`,`layer`,`step`,`sample`,`image`,`x`,`y`,`y0`,`x0`,`y1`,`x1`,`label`,`label_index`,`prediction`,`prediction_index`];function xe(e,t,n){let r=Array.from(n,n=>{let{sample:r,image:i,x:a,y:o,box:s,...c}=Z(t,n),{label:l,label_index:u,prediction:d,prediction_index:f}=c;return[e,t.manifest.layer,t.step,r,i,a,o,...s,l,u,d,f]});return ne([be,...r])}function Se(e,t,n,r){let{layer:i,probeDigest:a}=n.manifest,o=Array.from(r,e=>Z(n,e));return JSON.stringify({name:t,run:e,layer:i,step:n.step,probe:a,samples:o})}var Ce=24,we=10;function Te(e){let{atlas:t,selection:n,reason:r,clear:a}=e,{rows:s,of:c,name:d}=n;return i`<section class="selection" aria-label="Selected samples">
    <div class="headline">
      <strong>${o(s.length,`sample`)}</strong>
      <span class="muted">${l(s.length/c)} of the map, selected at step ${u(n.step)}</span>
    </div>
    ${r===null?i`${De(e,d||Ee(t,n))} ${Oe(t,s)}
          ${Q(e)} ${Ae(e)}`:i`<p>${r}</p>`}
    <div class="sides" role="group" aria-label="Take the samples away">
      <button type="button" class="button" ?disabled=${r!==null} @click=${e.saveCsv}>
        CSV
      </button>
      <button type="button" class="button" ?disabled=${r!==null} @click=${e.saveJson}>
        JSON
      </button>
      <button type="button" class="button" @click=${a}>Clear</button>
    </div>
  </section>`}function Ee(e,{rows:t}){let n=e.labels??e.predictions,i=n&&y(n,t)[0];return(i?`${d(r(e,i.index),30)}, `:``)+o(t.length,`sample`)}function De({save:e},t){return i`<form class="naming" @submit=${t=>{t.preventDefault(),e(t.currentTarget.querySelector(`input`)?.value??``)}}>
    <input
      type="text"
      name="name"
      aria-label="Name of the selection"
      autocomplete="off"
      maxlength=${60}
      .value=${t}
    />
    <button class="button">Save</button>
  </form>`}function Oe(e,t){let n=e.labels?`labels`:e.predictions?`predictions`:null,r=e.labels??e.predictions;return B({atlas:e,facts:{mixOf:n,mix:r?y(r,t):[]}},we)}function Q({state:e,session:t,atlas:r,selection:a,patches:o,more:s}){let c=N(e,r.manifest.probeDigest);if(c!==null)return i`<p class="muted">${c}</p>`;let{rows:l}=a,d=ie(r.xy,l,o),f=d.length===l.length;return i`<section>
    <h3>
      Real patches
      <span class="muted"
        >${f?`all of them`:`${u(d.length)} of ${u(l.length)}, from the middle`}</span
      >
    </h3>
    <ul class="labelled-patches">
      ${H(e.probe,t,r,d).map(e=>ke(r,e))}
    </ul>
    ${P(e,t)}
    ${f||d.length<o?n:i`<button type="button" class="link" @click=${s}>Show more patches</button>`}
  </section>`}function ke(e,{sample:t,cut:n,picture:a}){let o=e.labels??e.predictions,s=o?r(e,o[t]):`image ${e.imageIds[t]}`;return i`<li title=${V(e,t)}>
    <atlas-crop
      class="patch"
      .crop=${n&&a?{picture:a,rect:n.patch}:null}
    ></atlas-crop>
    <span>${d(s,Ce)}</span>
  </li>`}function Ae({state:e,session:t,told:n,steps:r,since:a,selection:o}){let s=e.series?.steps.length??0,c=r.filter(e=>n.has(e)).length,l=r.length<s?`${u(r.length)} of ${u(s)} steps`:``;return i`<section>
    <h3>
      Over the steps
      <span class="muted">${c<r.length?`reading, ${c} of ${r.length}`:l}</span>
    </h3>
    <table class="course">
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">Together</th>
          <th scope="col">Moved</th>
          <th scope="col">Not chance</th>
        </tr>
      </thead>
      <tbody>
        ${r.map(r=>je(r,n.get(r),e,a,()=>t.chooseStep(r)))}
      </tbody>
    </table>
    <p class="muted">
      Together: the share that lies as near to their middle as 90% did at step
      ${u(a??o.step)}. Moved since then, of the map's side; not chance: the share
      that moved farther than chance would.
    </p>
  </section>`}function je(e,t,r,a,o){return i`<tr aria-current=${e===r.step?`step`:n}>
    <th scope="row">
      <button type="button" class="step-link" @click=${o}>
        ${u(e)}${e===a?i`<span class="hidden"> where they were selected</span>`:n}
      </button>
    </th>
    ${Me(t,e===a)}
  </tr>`}function Me(e,t){if(e===void 0)return i`<td colspan="3" class="muted">…</td>`;if(e instanceof a||typeof e==`string`){let t=typeof e==`string`?e:e.message;return i`<td colspan="3" class="muted">${d(t,120)}</td>`}let{together:n,moved:r,beyond:o}=e;return i`<td>
      <span class="meter"><i style="width:${100*n}%"></i></span>
      <span class="number">${l(n)}</span>
    </td>
    <td class="number">${t?`–`:l(r)}</td>
    <td class="number">${o===null?`–`:l(o)}</td>`}var Ne=24,$=12,Pe=96,Fe=class{#e;#t;#n;#r;#i=null;#a=``;#o=$;#s;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new O(e,n),this.#t=new pe(e,t,n),this.#n=new me(e,t,n),this.#r=new ye(e,n),this.#s=e.store.state.kept===`entered`,e.store.subscribe((e,t)=>{let n=e.selection?.rows!==t.selection?.rows;e.kept===`entered`&&(t.kept!==`entered`||n)&&(this.#s=!0),n&&(this.#o=$)})}render(e){let t=k(e);if(!e.kept||!t)return n;let{selection:r}=e;return i`<aside
      class="events kept"
      aria-label="Selections and pins"
      ${S(e=>this.#m(e))}
      @keydown=${e=>{e.key===`Escape`?this.#p():w(e)}}
    >
      ${M(`Selections and pins`,`Close selections and pins`,`Esc`,()=>this.#p())}
      ${this.#c(e)} ${r?this.#l(e,t,r):n}
      ${this.#t.render(e)} ${this.#n.render(e)} ${this.#r.render(e,t)}
    </aside>`}#c({tool:e,renderer:t,table:n}){let{store:r}=this.session,a=(a,o,s)=>i`<button
      type="button"
      class="button"
      aria-pressed=${e===a}
      title="${o} (${s})"
      ?disabled=${n||t===`none`}
      @click=${()=>r.set({tool:e===a?``:a})}
    >
      ${o}
    </button>`;return i`<div class="sides" role="group" aria-label="Select samples">
      ${a(`block`,`Rectangle`,`r`)} ${a(`lasso`,`Lasso`,`l`)}
    </div>`}#l(e,t,n){let{store:r}=this.session,i=e.run?.run??``,a=e=>`selection-${x(n.name||n.layer)}-step${t.step}.${e}`;return Te({state:e,session:this.session,atlas:t,selection:n,reason:I(t,n),patches:this.#o,told:this.#d(e,t,n),steps:this.#u(e,n),since:this.#i?.step??null,more:()=>{this.#o=Math.min(Pe,this.#o+24),this.update()},save:e=>this.#f(n,e),saveCsv:()=>{let e=xe(i,t,n.rows);D(new Blob([e],{type:`text/csv`}),a(`csv`)),r.set({said:`Saved ${a(`csv`)}`})},saveJson:()=>{let e=Se(i,n.name,t,n.rows);D(new Blob([e],{type:`application/json`}),a(`json`)),r.set({said:`Saved ${a(`json`)}`})},clear:()=>{r.set({selection:null,said:`Selection cleared`}),this.map.focus()}})}#u({series:e,step:t},n){return v(e?.steps??[],Ne,[n.step,t??n.step])}#d(e,t,n){let{series:r,playing:i}=e,a=r&&s(r.steps,n.step);if(!r||a===null||I(t,n)!==null)return new Map;let o=`${r.id}/${a}`;this.#a!==o&&(this.#a=o,this.#i=null,this.session.loadAtlas(r,a).then(e=>{this.#a===o&&(this.#i=e),this.update()},()=>this.update()));let c=this.#i;if(c===null)return new Map;let{rows:l}=n,u=i?[]:this.#u(e,n);return this.#e.read(n,r,u,e=>G(c,e,l))}#f(e,t){let n=T(),r={...e,name:E(t,n)},i=C([...n,r]);this.#r.reload(),i===null&&this.session.store.set({selection:r}),this.session.store.set({said:i??`Saved as ${r.name}`}),this.#r.tell(i??``)}#p(){this.session.store.set({kept:!1,tool:``}),this.map.focus()}#m(e){e&&this.#s&&(this.#s=!1,queueMicrotask(()=>{(e.querySelector(`input[name=name], .event`)??e.querySelector(`button`))?.focus()}))}};export{Fe as Part};