import{A as e,B as t,Ft as n,H as r,It as i,Lt as a,N as o,Nt as s,On as c,Pt as l,V as u,Xt as d,bn as f,en as p,ir as m,k as h,kt as g,ln as _,m as v,nr as y,p as b,rr as x,un as S,yn as C,z as w}from"./chunk-shared-Clqkak8R.js";import{a as T,c as E,i as D,n as O,o as k,p as A,r as j,s as M,w as ee}from"./chunk-shell-B8Mq4hw2.js";var N=`.film-scroll{margin:0 -8px;overflow-x:auto}.film ol{display:flex}.film li{flex:none;width:60px}.frame{border-radius:6px;justify-items:center;width:100%;padding:2px 0;font-size:11px;display:grid}.frame:hover{background:var(--control)}.frame:focus-visible{outline-offset:-2px}.frame[aria-current]{background:var(--accent-soft);box-shadow:inset 0 0 0 2px var(--accent);font-weight:600}.frame .marks{height:18px;display:flex}.frame-icon{width:52px;height:52px}.film-lines{fill:none;stroke:var(--text);stroke-width:2px;stroke-linejoin:round;stroke-linecap:round;display:block}.film .share{stroke:var(--accent);stroke-dasharray:4 3}.film-key{flex-wrap:wrap;gap:2px 14px;font-size:12px;display:flex}.film-key span{align-items:center;gap:6px;display:flex}.film-key i{border-top:2px solid var(--text);width:18px}.film-key .share{border-top:2px dashed var(--accent)}.event-text{overflow-wrap:anywhere;padding-left:26px}.event-foot{font-variant-numeric:tabular-nums;align-items:center;gap:8px;padding-left:26px;font-size:11.5px;display:flex}.confidence{background:color-mix(in srgb, var(--muted) 28%, transparent);border-radius:2px;width:44px;height:4px;overflow:hidden}.confidence i{background:var(--muted);height:100%;display:block}`,P=60,F=240,I={rank:`Most significant`,time:`By step`},L=class{#e=`rank`;#t=!1;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){return e.eventList?x`<aside class="events" aria-label="Events of this run">
      ${A(`Events`,`Close the events`,`j`,()=>this.session.store.set({eventList:!1}))}
      ${this.#n(e)}
    </aside>`:y}#n(e){let{history:t,historyFailure:n,atlas:r}=e;if(r!==null&&f(r)!==null)return z(C);if(t===null)return n?V(n,this.session):B;let{events:i,eventsFound:a}=t;if(i===null)return U();if(i.length===0)return z(H(t));let c=this.#e===`rank`?i:i.toSorted((e,t)=>e.step-t.step),l=this.#t?c:c.slice(0,P);return x`${this.#r(i.length,a)}
      <ol class="event-items" @keydown=${o}>
        ${l.map(t=>this.#i(e,t))}
      </ol>
      ${l.length<c.length?x`<button type="button" class="button" @click=${()=>this.#s()}>
              Show all ${s(c.length)}
            </button>`:y}`}#r(t,n){return x`<div class="events-head">
      <span class="muted"
        >${n>t?`${s(t)} of ${s(n)} events`:i(t,`event`)}</span
      >
      ${e(`Order of the events`,`event-order`,Object.keys(I),e=>I[e],this.#e,e=>this.#o(e))}
    </div>`}#i(e,t){let n=ee(t,e.highlight?.event);return x`<li class=${n?`chosen`:``} data-kind=${t.kind}>
      <button
        type="button"
        class="event"
        aria-pressed=${n}
        @click=${()=>k(t,this.session,this.map)}
      >
        <span class="event-head">
          ${j(t.kind)}
          <strong>${O[t.kind]}</strong>
          <span class="number">step ${s(t.step)}</span>
        </span>
        <span class="event-text">${a(t.text,F)}</span>
        <span class="event-foot muted">
          <span class="confidence"><i style="width:${R(t)}%"></i></span>
          confidence ${l(t.confidence)}
        </span>
      </button>
      ${n?this.#a(e,t):y}
    </li>`}#a(e,t){let n=E(t,e.step),r=(r,i)=>{let a=T(e,t,r);return x`<button
        type="button"
        class="button"
        aria-pressed=${n===r}
        ?disabled=${!a}
        title=${a?``:`TensorBoard has not kept this step.`}
        @click=${()=>M(t,r,this.session)}
      >
        ${r===`before`?`Before`:`After`} <span class="muted">${s(i)}</span>
      </button>`};return x`<div class="sides" role="group" aria-label="Before and after the event">
      ${r(`before`,t.beforeStep)} ${r(`after`,t.step)}
    </div>`}#o(e){this.#e=e,this.update()}#s(){this.#t=!0,this.update()}};function R({confidence:e}){return 100*Math.min(1,Math.max(0,e))}function z(e){return x`<div class="no-events">
    <p><strong>No events.</strong></p>
    <p class="muted">${e}</p>
  </div>`}var B=x`<p class="muted">Loading events …</p>`;function V({message:e},t){return x`<p><strong>Events cannot be loaded.</strong></p>
    <p class="muted">${e}</p>
    <button type="button" class="button" @click=${()=>t.retry()}>Try again</button>`}function H({kept:e}){return e<2?`Events compare two checkpoints, and there is only one so far.`:`No concept was born, merged, split, or ended between the ${s(e)} steps.`}function U(){return x`<div class="no-events">
    <p><strong>Events were not recorded in this run.</strong></p>
    <p class="muted">
      This version records events automatically. For an older log, run
      <code>tensorboard-atlas events LOGDIR</code>.
    </p>
  </div>`}var W={topClass:null,topShare:0,place:null,icon:null};function G(e,n,i){let a=t(e);if(a===null)return{...W,samples:null};let o=a.find(e=>e.id===i),s=r(e.concepts,[i]);if(o===void 0||s.length===0)return{...W,samples:0};let l=S(e,n),d=l?u(l,s):new Int32Array,f=d.reduce((e,t,n)=>t>(d[e]??0)?n:e,-1),{topClass:p,topShare:m}=o,h={samples:s.length,topClass:p,topShare:m};if(!l||f<0)return{...W,...h};let{key:_,series:v,step:y}=e;return{...h,place:g(l,f),icon:{at:c(l,f),of:{atlas:{key:_,series:v,step:y},level:{entry:l.entry}}}}}function K(e,t){let n=new Map;for(let r of e)(r.before.includes(t)||r.after.includes(t))&&n.set(r.step,[...n.get(r.step)??[],r]);return n}function q(e,t,n,r){let i=``,a=null;return e.forEach((e,o)=>{if(e!==null){let s=(o+.5)*n,c=r*(1-e/Math.max(t,Number.MIN_VALUE)),l=`${s.toFixed(1)} ${c.toFixed(1)}`;i+=a===null?`M${l}h0`:`L${l}`}a=e}),i}var J=24,Y=60,X=44,Z=40,Q=class{#e;#t=null;#n=null;#r=``;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new b(e,n)}render({state:e,atlas:t,level:n,facts:r}){let{series:i,highlight:a,history:o}=e;if(i===null||i.steps.length<2||f(t)!==null)return y;let s=w(t,n,r.cell)??[],c=a?.of||a?.event?void 0:a?.ids[0],l=d(this.#t?.place??null,r)?this.#t?.id:void 0,u=e=>s.find(({concept:t})=>t.id===e),p=(u(c)??u(l)??s[0])?.concept;if(p===void 0)return y;let m=K(o?.events??[],p.id),h=v(i.steps,J,[t.step,...m.keys()].slice(0,J/2)),g=this.#e.read(`${p.id}/${n.size}`,i,e.playing?[]:h,e=>G(e,n.size,p.id));return this.#i(e,p,h,g,m,e=>_(t,e))}#i(e,{id:t,name:n},r,i,o,c){let l=e.series?.steps.length??0,u=r.length<l?`${s(r.length)} of ${s(l)} steps`:``,d=r.map(e=>i.get(e)),f=this.#c();return queueMicrotask(()=>this.#u()),x`<section class="film" aria-label="Film strip of ${a(n,Z)}">
      <h3>${a(n,Z)} <span class="muted">${u||`over the steps`}</span></h3>
      <div class="film-scroll" ${h(this.#l)} @scroll=${this.update}>
        <ol style="width:${Y*r.length}px">
          ${r.map((n,r)=>this.#a(e,n,d[r],{id:t,events:o.get(n)??[],seen:r>=f[0]&&r<f[1],nameOf:c}))}
        </ol>
        ${re(d)}
      </div>
      ${ie(d)}
    </section>`}#a(e,t,n,r){let{id:i,events:o,seen:c,nameOf:l}=r,u=te(n,l),d=o.map(({kind:e})=>O[e]).join(`, `),f=n instanceof p?null:n?.place??null;return x`<li>
      <button
        type="button"
        class="frame"
        aria-current=${t===e.step?`step`:y}
        aria-label="Step ${s(t)}: ${[u,d].filter(Boolean).join(`, `)}"
        title=${[u,...o.map(({text:e})=>a(e,120))].join(`
`)}
        @click=${()=>this.#s(t,f,i)}
      >
        <span class="marks">${o.slice(0,3).map(({kind:e})=>j(e))}</span>
        ${this.#o(n,c)}
        <span class="number">${a(s(t),9)}</span>
      </button>
    </li>`}#o(e,t){let n=e=>x`<span class="frame-icon none">${e}</span>`;if(e===void 0)return n(`…`);if(e instanceof p)return n(`damaged`);if(e.samples===0)return n(`–`);let{at:r,of:i}=e.icon??{};if(!i||!r)return n(e.samples===null?`?`:`no icon`);let a=t?this.session.pages.icons(i.atlas,i.level).pages[r.page]:null,o={x:r.x,y:r.y,width:r.side,height:r.side};return x`<atlas-crop class="frame-icon" .crop=${a?{picture:a,rect:o}:null}></atlas-crop>`}#s(e,t,n){this.session.store.set({playing:!1}),this.session.chooseStep(e),t!==null&&(this.#t={place:t,id:n},D(t,this.session,this.map))}#c(){let{scrollLeft:e=0,clientWidth:t=0}=this.#n??{};return[Math.floor(e/Y),Math.ceil((e+t)/Y)]}#l=e=>{this.#n=e??null,this.#r=``};#u(){let e=this.#n,{step:t,series:n}=this.session.store.state,r=e?.querySelector(`[aria-current]`)?.parentElement,i=`${n?.id}/${t}`;if(!e||!r||i===this.#r)return;this.#r=i;let a=r.offsetLeft;(a<e.scrollLeft||a+Y>e.scrollLeft+e.clientWidth)&&(e.scrollLeft=a-(e.clientWidth-Y)/2),this.update()}};function te(e,t){if(e===void 0)return`not loaded yet`;if(e instanceof p)return a(e.message,120);let{samples:r,topClass:o,topShare:s}=e;if(r===null)return`concepts were not tracked`;if(r===0)return`no samples`;let c=o===null?``:`, ${a(t(o),Z)} ${n(s)}`;return i(r,`sample`)+c}function $(e){return e.map(e=>e===void 0||e instanceof p?null:e.samples)}function ne(e){return e.map(e=>e===void 0||e instanceof p||!e.samples||e.topClass===null?null:e.topShare)}function re(e){let t=$(e),n=Math.max(1,...t.map(e=>e??0));return x`<svg
    class="film-lines"
    width=${Y*e.length}
    height=${X}
    viewBox="0 -3 ${Y*e.length} ${X}"
    aria-hidden="true"
  >
    ${m`<path d=${q(t,n,Y,38)} />
      <path class="share" d=${q(ne(e),1,Y,38)} />`}
  </svg>`}function ie(e){let t=Math.max(0,...$(e).map(e=>e??0));return x`<p class="film-key muted">
    <span><i></i>samples, at most ${s(t)}</span>
    <span><i class="share"></i>share of its top class</span>
  </p>`}var ae=class{#e;#t;constructor(e,t,n){this.#e=new L(e,t,n),this.#t=new Q(e,t,n)}rail(e){return this.#e.render(e)}inspectorSection(e){return this.#t.render(e)}},oe={styles:N,create:({session:e,map:t,update:n})=>new ae(e,t,n)};export{oe as events};