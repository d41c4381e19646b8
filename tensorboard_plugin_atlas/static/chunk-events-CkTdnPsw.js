import{A as e,B as t,Ft as n,H as r,It as i,Lt as a,N as o,Nn as s,Nt as c,Ot as l,Pt as u,Tn as d,V as f,Xt as p,cr as m,en as h,k as g,ln as _,lr as v,m as y,p as b,sr as x,un as S,wn as C,z as w}from"./chunk-shared-pwu2T4xO.js";import{a as T,c as E,i as D,n as O,o as k,p as A,r as j,s as ee,w as M}from"./chunk-shell-IIxbRsWJ.js";var N=`.film-scroll{margin:0 -8px;overflow-x:auto}.film ol{display:flex}.film li{flex:none;width:60px}.frame{border-radius:6px;justify-items:center;width:100%;padding:2px 0;font-size:11px;display:grid}.frame:hover{background:var(--control)}.frame:focus-visible{outline-offset:-2px}.frame[aria-current]{background:var(--accent-soft);box-shadow:inset 0 0 0 2px var(--accent);font-weight:600}.frame .marks{height:18px;display:flex}.frame-icon{width:52px;height:52px}.film-lines{fill:none;stroke:var(--text);stroke-width:2px;stroke-linejoin:round;stroke-linecap:round;display:block}.film .share{stroke:var(--accent);stroke-dasharray:4 3}.film-key{flex-wrap:wrap;gap:2px 14px;font-size:12px;display:flex}.film-key span{align-items:center;gap:6px;display:flex}.film-key i{border-top:2px solid var(--text);width:18px}.film-key .share{border-top:2px dashed var(--accent)}.event-text{overflow-wrap:anywhere;padding-left:26px}.event-foot{font-variant-numeric:tabular-nums;align-items:center;gap:8px;padding-left:26px;font-size:11.5px;display:flex}.confidence{background:color-mix(in srgb, var(--muted) 28%, transparent);border-radius:2px;width:44px;height:4px;overflow:hidden}.confidence i{background:var(--muted);height:100%;display:block}`,P=60,F=240,I={rank:`Most telling`,time:`In order`},L=class{#e=`rank`;#t=!1;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){return e.eventList?m`<aside class="events" aria-label="Events of this run">
      ${A(`Events`,`Close the events`,`j`,()=>this.session.store.set({eventList:!1}))}
      ${this.#n(e)}
    </aside>`:x}#n(e){let{history:t,historyFailure:n,atlas:r}=e;if(r!==null&&d(r)!==null)return z(C);if(t===null)return n?V(n,this.session):B;let{events:i,eventsFound:a}=t;if(i===null)return U();if(i.length===0)return z(H(t));let s=this.#e===`rank`?i:i.toSorted((e,t)=>e.step-t.step),l=this.#t?s:s.slice(0,P);return m`${this.#r(i.length,a)}
      <ol class="event-items" @keydown=${o}>
        ${l.map(t=>this.#i(e,t))}
      </ol>
      ${l.length<s.length?m`<button type="button" class="button" @click=${()=>this.#s()}>
              Show all ${c(s.length)}
            </button>`:x}`}#r(t,n){return m`<div class="events-head">
      <span class="muted"
        >${n>t?`${c(t)} of ${c(n)} events`:i(t,`event`)}</span
      >
      ${e(`Order of the events`,`event-order`,Object.keys(I),e=>I[e],this.#e,e=>this.#o(e))}
    </div>`}#i(e,t){let n=M(t,e.highlight?.event);return m`<li class=${n?`chosen`:``} data-kind=${t.kind}>
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
        <span class="event-text">${a(t.text,F)}</span>
        <span class="event-foot muted">
          <span class="confidence"><i style="width:${R(t)}%"></i></span>
          confidence ${u(t.confidence)}
        </span>
      </button>
      ${n?this.#a(e,t):x}
    </li>`}#a(e,t){let n=E(t,e.step),r=(r,i)=>{let a=T(e,t,r);return m`<button
        type="button"
        class="button"
        aria-pressed=${n===r}
        ?disabled=${!a}
        title=${a?``:`TensorBoard has not kept this step.`}
        @click=${()=>ee(t,r,this.session)}
      >
        ${r===`before`?`Before`:`After`} <span class="muted">${c(i)}</span>
      </button>`};return m`<div class="sides" role="group" aria-label="Before and after the event">
      ${r(`before`,t.beforeStep)} ${r(`after`,t.step)}
    </div>`}#o(e){this.#e=e,this.update()}#s(){this.#t=!0,this.update()}};function R({confidence:e}){return 100*Math.min(1,Math.max(0,e))}function z(e){return m`<div class="no-events">
    <p><strong>No events.</strong></p>
    <p class="muted">${e}</p>
  </div>`}var B=m`<p class="muted">Reading what happened …</p>`;function V({message:e},t){return m`<p><strong>What happened cannot be read.</strong></p>
    <p class="muted">${e}</p>
    <button type="button" class="button" @click=${()=>t.retry()}>Try again</button>`}function H({kept:e}){return e<2?`Events are what differs between two checkpoints, and there is only one yet.`:`No concept was born, merged, split or ended between the ${c(e)} steps.`}function U(){return m`<div class="no-events">
    <p><strong>Events were not recorded in this run.</strong></p>
    <p class="muted">
      Atlases written by this version trace concepts from checkpoint to checkpoint on their own. For
      a log of before, <code>tensorboard-atlas evolve LOGDIR</code> works them out.
    </p>
  </div>`}var W={topClass:null,topShare:0,place:null,icon:null};function G(e,t,n){let i=f(e);if(i===null)return{...W,samples:null};let a=i.find(e=>e.id===n),o=r(e.lifelines,[n]);if(a===void 0||o.length===0)return{...W,samples:0};let c=S(e,t),u=c?w(c,o):new Int32Array,d=u.reduce((e,t,n)=>t>(u[e]??0)?n:e,-1),{topClass:p,topShare:m}=a,h={samples:o.length,topClass:p,topShare:m};if(!c||d<0)return{...W,...h};let{key:g,series:_,step:v}=e;return{...h,place:l(c,d),icon:{at:s(c,d),of:{atlas:{key:g,series:_,step:v},level:{entry:c.entry}}}}}function K(e,t){let n=new Map;for(let r of e)(r.before.includes(t)||r.after.includes(t))&&n.set(r.step,[...n.get(r.step)??[],r]);return n}function q(e,t,n,r){let i=``,a=null;return e.forEach((e,o)=>{if(e!==null){let s=(o+.5)*n,c=r*(1-e/Math.max(t,Number.MIN_VALUE)),l=`${s.toFixed(1)} ${c.toFixed(1)}`;i+=a===null?`M${l}h0`:`L${l}`}a=e}),i}var J=24,Y=60,X=44,Z=40,Q=class{#e;#t=null;#n=null;#r=``;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new b(e,n)}render({state:e,atlas:n,level:r,facts:i}){let{series:a,highlight:o,history:s}=e;if(a===null||a.steps.length<2||d(n)!==null)return x;let c=t(n,r,i.cell)??[],l=o?.of||o?.event?void 0:o?.ids[0],u=p(this.#t?.place??null,i)?this.#t?.id:void 0,f=e=>c.find(({lifeline:t})=>t.id===e),m=(f(l)??f(u)??c[0])?.lifeline;if(m===void 0)return x;let h=K(s?.events??[],m.id),g=y(a.steps,J,[n.step,...h.keys()].slice(0,J/2)),v=this.#e.read(`${m.id}/${r.size}`,a,e.playing?[]:g,e=>G(e,r.size,m.id));return this.#i(e,m,g,v,h,e=>_(n,e))}#i(e,{id:t,name:n},r,i,o,s){let l=e.series?.steps.length??0,u=r.length<l?`${c(r.length)} of ${c(l)} steps`:``,d=r.map(e=>i.get(e)),f=this.#c();return queueMicrotask(()=>this.#u()),m`<section class="film" aria-label="Film strip of ${a(n,Z)}">
      <h3>${a(n,Z)} <span class="muted">${u||`over the steps`}</span></h3>
      <div class="film-scroll" ${g(this.#l)} @scroll=${this.update}>
        <ol style="width:${Y*r.length}px">
          ${r.map((n,r)=>this.#a(e,n,d[r],{id:t,events:o.get(n)??[],seen:r>=f[0]&&r<f[1],nameOf:s}))}
        </ol>
        ${re(d)}
      </div>
      ${ie(d)}
    </section>`}#a(e,t,n,r){let{id:i,events:o,seen:s,nameOf:l}=r,u=te(n,l),d=o.map(({kind:e})=>O[e]).join(`, `),f=n instanceof h?null:n?.place??null;return m`<li>
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
    </li>`}#o(e,t){let n=e=>m`<span class="frame-icon none">${e}</span>`;if(e===void 0)return n(`…`);if(e instanceof h)return n(`damaged`);if(e.samples===0)return n(`–`);let{at:r,of:i}=e.icon??{};if(!i||!r)return n(e.samples===null?`?`:`no icon`);let a=t?this.session.pages.icons(i.atlas,i.level).pages[r.page]:null,o={x:r.x,y:r.y,width:r.side,height:r.side};return m`<atlas-crop class="frame-icon" .crop=${a?{picture:a,rect:o}:null}></atlas-crop>`}#s(e,t,n){this.session.store.set({playing:!1}),this.session.chooseStep(e),t!==null&&(this.#t={place:t,id:n},D(t,this.session,this.map))}#c(){let{scrollLeft:e=0,clientWidth:t=0}=this.#n??{};return[Math.floor(e/Y),Math.ceil((e+t)/Y)]}#l=e=>{this.#n=e??null,this.#r=``};#u(){let e=this.#n,{step:t,series:n}=this.session.store.state,r=e?.querySelector(`[aria-current]`)?.parentElement,i=`${n?.id}/${t}`;if(!e||!r||i===this.#r)return;this.#r=i;let a=r.offsetLeft;(a<e.scrollLeft||a+Y>e.scrollLeft+e.clientWidth)&&(e.scrollLeft=a-(e.clientWidth-Y)/2),this.update()}};function te(e,t){if(e===void 0)return`not read yet`;if(e instanceof h)return a(e.message,120);let{samples:r,topClass:o,topShare:s}=e;if(r===null)return`lifelines were not traced`;if(r===0)return`nothing of it`;let c=o===null?``:`, ${a(t(o),Z)} ${n(s)}`;return i(r,`sample`)+c}function $(e){return e.map(e=>e===void 0||e instanceof h?null:e.samples)}function ne(e){return e.map(e=>e===void 0||e instanceof h||!e.samples||e.topClass===null?null:e.topShare)}function re(e){let t=$(e),n=Math.max(1,...t.map(e=>e??0));return m`<svg
    class="film-lines"
    width=${Y*e.length}
    height=${X}
    viewBox="0 -3 ${Y*e.length} ${X}"
    aria-hidden="true"
  >
    ${v`<path d=${q(t,n,Y,38)} />
      <path class="share" d=${q(ne(e),1,Y,38)} />`}
  </svg>`}function ie(e){let t=Math.max(0,...$(e).map(e=>e??0));return m`<p class="film-key muted">
    <span><i></i>samples, at most ${c(t)}</span>
    <span><i class="share"></i>share of its top class</span>
  </p>`}var ae=class{#e;#t;constructor(e,t,n){this.#e=new L(e,t,n),this.#t=new Q(e,t,n)}rail(e){return this.#e.render(e)}inspectorSection(e){return this.#t.render(e)}},oe={styles:N,create:({session:e,map:t,update:n})=>new ae(e,t,n)};export{oe as events};