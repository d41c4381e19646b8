import{A as e,B as t,Ft as n,H as r,It as i,Lt as a,N as o,Nn as s,Nt as c,Pt as l,Tn as u,V as d,Xt as f,cr as p,en as m,k as h,kt as g,ln as _,lr as v,m as y,p as b,sr as x,un as S,wn as C,z as w}from"./chunk-shared-Bea7hEpi.js";import{a as T,c as E,i as D,n as O,o as k,p as A,r as j,s as ee,w as te}from"./chunk-shell-DcjMoWyC.js";var M=`.film-scroll{margin:0 -8px;overflow-x:auto}.film ol{display:flex}.film li{flex:none;width:60px}.frame{border-radius:6px;justify-items:center;width:100%;padding:2px 0;font-size:11px;display:grid}.frame:hover{background:var(--control)}.frame:focus-visible{outline-offset:-2px}.frame[aria-current]{background:var(--accent-soft);box-shadow:inset 0 0 0 2px var(--accent);font-weight:600}.frame .marks{height:18px;display:flex}.frame-icon{width:52px;height:52px}.film-lines{fill:none;stroke:var(--text);stroke-width:2px;stroke-linejoin:round;stroke-linecap:round;display:block}.film .share{stroke:var(--accent);stroke-dasharray:4 3}.film-key{flex-wrap:wrap;gap:2px 14px;font-size:12px;display:flex}.film-key span{align-items:center;gap:6px;display:flex}.film-key i{border-top:2px solid var(--text);width:18px}.film-key .share{border-top:2px dashed var(--accent)}.event-text{overflow-wrap:anywhere;padding-left:26px}.event-foot{font-variant-numeric:tabular-nums;align-items:center;gap:8px;padding-left:26px;font-size:11.5px;display:flex}.confidence{background:color-mix(in srgb, var(--muted) 28%, transparent);border-radius:2px;width:44px;height:4px;overflow:hidden}.confidence i{background:var(--muted);height:100%;display:block}`,N=60,P=240,F={rank:`Most telling`,time:`In order`},I=class{#e=`rank`;#t=!1;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){return e.eventList?p`<aside class="events" aria-label="Events of this run">
      ${A(`Events`,`Close the events`,`j`,()=>this.session.store.set({eventList:!1}))}
      ${this.#n(e)}
    </aside>`:x}#n(e){let{history:t,historyFailure:n,atlas:r}=e;if(r!==null&&u(r)!==null)return R(C);if(t===null)return n?B(n,this.session):z;let{events:i,eventsFound:a}=t;if(i===null)return H();if(i.length===0)return R(V(t));let s=this.#e===`rank`?i:i.toSorted((e,t)=>e.step-t.step),l=this.#t?s:s.slice(0,N);return p`${this.#r(i.length,a)}
      <ol class="event-items" @keydown=${o}>
        ${l.map(t=>this.#i(e,t))}
      </ol>
      ${l.length<s.length?p`<button type="button" class="button" @click=${()=>this.#s()}>
              Show all ${c(s.length)}
            </button>`:x}`}#r(t,n){return p`<div class="events-head">
      <span class="muted"
        >${n>t?`${c(t)} of ${c(n)} events`:i(t,`event`)}</span
      >
      ${e(`Order of the events`,`event-order`,Object.keys(F),e=>F[e],this.#e,e=>this.#o(e))}
    </div>`}#i(e,t){let n=te(t,e.highlight?.event);return p`<li class=${n?`chosen`:``} data-kind=${t.kind}>
      <button
        type="button"
        class="event"
        aria-pressed=${n}
        @click=${()=>k(t,this.session,this.map)}
      >
        <span class="event-head">
          ${j(t.kind)}
          <strong>${O[t.kind]}</strong>
          <span class="number">step ${c(t.step)}</span>
        </span>
        <span class="event-text">${a(t.text,P)}</span>
        <span class="event-foot muted">
          <span class="confidence"><i style="width:${L(t)}%"></i></span>
          confidence ${l(t.confidence)}
        </span>
      </button>
      ${n?this.#a(e,t):x}
    </li>`}#a(e,t){let n=E(t,e.step),r=(r,i)=>{let a=T(e,t,r);return p`<button
        type="button"
        class="button"
        aria-pressed=${n===r}
        ?disabled=${!a}
        title=${a?``:`TensorBoard has not kept this step.`}
        @click=${()=>ee(t,r,this.session)}
      >
        ${r===`before`?`Before`:`After`} <span class="muted">${c(i)}</span>
      </button>`};return p`<div class="sides" role="group" aria-label="Before and after the event">
      ${r(`before`,t.beforeStep)} ${r(`after`,t.step)}
    </div>`}#o(e){this.#e=e,this.update()}#s(){this.#t=!0,this.update()}};function L({confidence:e}){return 100*Math.min(1,Math.max(0,e))}function R(e){return p`<div class="no-events">
    <p><strong>No events.</strong></p>
    <p class="muted">${e}</p>
  </div>`}var z=p`<p class="muted">Reading what happened …</p>`;function B({message:e},t){return p`<p><strong>What happened cannot be read.</strong></p>
    <p class="muted">${e}</p>
    <button type="button" class="button" @click=${()=>t.retry()}>Try again</button>`}function V({kept:e}){return e<2?`Events are what differs between two checkpoints, and there is only one yet.`:`No concept was born, merged, split or ended between the ${c(e)} steps.`}function H(){return p`<div class="no-events">
    <p><strong>Events were not recorded in this run.</strong></p>
    <p class="muted">
      Atlases written by this version trace concepts from checkpoint to checkpoint on their own. For
      a log of before, <code>tensorboard-atlas evolve LOGDIR</code> works them out.
    </p>
  </div>`}var U={topClass:null,topShare:0,place:null,icon:null};function W(e,n,i){let a=t(e);if(a===null)return{...U,samples:null};let o=a.find(e=>e.id===i),c=r(e.lifelines,[i]);if(o===void 0||c.length===0)return{...U,samples:0};let l=S(e,n),u=l?d(l,c):new Int32Array,f=u.reduce((e,t,n)=>t>(u[e]??0)?n:e,-1),{topClass:p,topShare:m}=o,h={samples:c.length,topClass:p,topShare:m};if(!l||f<0)return{...U,...h};let{key:_,series:v,step:y}=e;return{...h,place:g(l,f),icon:{at:s(l,f),of:{atlas:{key:_,series:v,step:y},level:{entry:l.entry}}}}}function G(e,t){let n=new Map;for(let r of e)(r.before.includes(t)||r.after.includes(t))&&n.set(r.step,[...n.get(r.step)??[],r]);return n}function K(e,t,n,r){let i=``,a=null;return e.forEach((e,o)=>{if(e!==null){let s=(o+.5)*n,c=r*(1-e/Math.max(t,Number.MIN_VALUE)),l=`${s.toFixed(1)} ${c.toFixed(1)}`;i+=a===null?`M${l}h0`:`L${l}`}a=e}),i}var q=24,J=60,Y=44,X=40,Z=class{#e;#t=null;#n=null;#r=``;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new b(e,n)}render({state:e,atlas:t,level:n,facts:r}){let{series:i,highlight:a,history:o}=e;if(i===null||i.steps.length<2||u(t)!==null)return x;let s=w(t,n,r.cell)??[],c=a?.of||a?.event?void 0:a?.ids[0],l=f(this.#t?.place??null,r)?this.#t?.id:void 0,d=e=>s.find(({lifeline:t})=>t.id===e),p=(d(c)??d(l)??s[0])?.lifeline;if(p===void 0)return x;let m=G(o?.events??[],p.id),h=y(i.steps,q,[t.step,...m.keys()].slice(0,q/2)),g=this.#e.read(`${p.id}/${n.size}`,i,e.playing?[]:h,e=>W(e,n.size,p.id));return this.#i(e,p,h,g,m,e=>_(t,e))}#i(e,{id:t,name:n},r,i,o,s){let l=e.series?.steps.length??0,u=r.length<l?`${c(r.length)} of ${c(l)} steps`:``,d=r.map(e=>i.get(e)),f=this.#c();return queueMicrotask(()=>this.#u()),p`<section class="film" aria-label="Film strip of ${a(n,X)}">
      <h3>${a(n,X)} <span class="muted">${u||`over the steps`}</span></h3>
      <div class="film-scroll" ${h(this.#l)} @scroll=${this.update}>
        <ol style="width:${J*r.length}px">
          ${r.map((n,r)=>this.#a(e,n,d[r],{id:t,events:o.get(n)??[],seen:r>=f[0]&&r<f[1],nameOf:s}))}
        </ol>
        ${re(d)}
      </div>
      ${ie(d)}
    </section>`}#a(e,t,n,r){let{id:i,events:o,seen:s,nameOf:l}=r,u=ne(n,l),d=o.map(({kind:e})=>O[e]).join(`, `),f=n instanceof m?null:n?.place??null;return p`<li>
      <button
        type="button"
        class="frame"
        aria-current=${t===e.step?`step`:x}
        aria-label="Step ${c(t)}: ${[u,d].filter(Boolean).join(`, `)}"
        title=${[u,...o.map(({text:e})=>a(e,120))].join(`
`)}
        @click=${()=>this.#s(t,f,i)}
      >
        <span class="marks">${o.slice(0,3).map(({kind:e})=>j(e))}</span>
        ${this.#o(n,s)}
        <span class="number">${a(c(t),9)}</span>
      </button>
    </li>`}#o(e,t){let n=e=>p`<span class="frame-icon none">${e}</span>`;if(e===void 0)return n(`…`);if(e instanceof m)return n(`damaged`);if(e.samples===0)return n(`–`);let{at:r,of:i}=e.icon??{};if(!i||!r)return n(e.samples===null?`?`:`no icon`);let a=t?this.session.pages.icons(i.atlas,i.level).pages[r.page]:null,o={x:r.x,y:r.y,width:r.side,height:r.side};return p`<atlas-crop class="frame-icon" .crop=${a?{picture:a,rect:o}:null}></atlas-crop>`}#s(e,t,n){this.session.store.set({playing:!1}),this.session.chooseStep(e),t!==null&&(this.#t={place:t,id:n},D(t,this.session,this.map))}#c(){let{scrollLeft:e=0,clientWidth:t=0}=this.#n??{};return[Math.floor(e/J),Math.ceil((e+t)/J)]}#l=e=>{this.#n=e??null,this.#r=``};#u(){let e=this.#n,{step:t,series:n}=this.session.store.state,r=e?.querySelector(`[aria-current]`)?.parentElement,i=`${n?.id}/${t}`;if(!e||!r||i===this.#r)return;this.#r=i;let a=r.offsetLeft;(a<e.scrollLeft||a+J>e.scrollLeft+e.clientWidth)&&(e.scrollLeft=a-(e.clientWidth-J)/2),this.update()}};function ne(e,t){if(e===void 0)return`not read yet`;if(e instanceof m)return a(e.message,120);let{samples:r,topClass:o,topShare:s}=e;if(r===null)return`lifelines were not traced`;if(r===0)return`nothing of it`;let c=o===null?``:`, ${a(t(o),X)} ${n(s)}`;return i(r,`sample`)+c}function Q(e){return e.map(e=>e===void 0||e instanceof m?null:e.samples)}function $(e){return e.map(e=>e===void 0||e instanceof m||!e.samples||e.topClass===null?null:e.topShare)}function re(e){let t=Q(e),n=Math.max(1,...t.map(e=>e??0));return p`<svg
    class="film-lines"
    width=${J*e.length}
    height=${Y}
    viewBox="0 -3 ${J*e.length} ${Y}"
    aria-hidden="true"
  >
    ${v`<path d=${K(t,n,J,38)} />
      <path class="share" d=${K($(e),1,J,38)} />`}
  </svg>`}function ie(e){let t=Math.max(0,...Q(e).map(e=>e??0));return p`<p class="film-key muted">
    <span><i></i>samples, at most ${c(t)}</span>
    <span><i class="share"></i>share of its top class</span>
  </p>`}var ae=class{#e;#t;constructor(e,t,n){this.#e=new I(e,t,n),this.#t=new Z(e,t,n)}rail(e){return this.#e.render(e)}inspectorSection(e){return this.#t.render(e)}},oe={styles:M,create:({session:e,map:t,update:n})=>new ae(e,t,n)};export{oe as events};