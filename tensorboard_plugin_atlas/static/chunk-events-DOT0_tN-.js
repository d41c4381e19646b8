import{An as e,Gt as t,Kt as s,L as n,N as a,P as i,Ut as r,Vt as l,Wt as o,_ as p,dt as c,fr as d,g as h,h as u,kn as f,m as m,mr as v,on as $,p as g,pr as x,un as b,v as k,yn as y}from"./chunk-shared-BSwaJvbm.js";import{T as w,a as S,c as M,i as L,m as j,n as B,o as z,r as E,s as F}from"./chunk-shell-D_FVFRh_.js";function O(e,t,s){let n=e=>x`<span class="frame-icon none">${e}</span>`;if(void 0===e)return n("…");if(e instanceof b)return n("damaged");if(0===e.samples)return n("–");let{at:a,of:i}=e.icon??{};if(!i||!a)return n(null===e.samples?"?":"no icon");let r=t?s.pages.icons(i.atlas,i.level).pages[a.page]:null,l={x:a.x,y:a.y,width:a.side,height:a.side};return x`<atlas-crop class="frame-icon" .crop=${r?{picture:r,rect:l}:null}></atlas-crop>`}var C={rank:"Most significant",time:"By step"},N=class{#e="rank";#t=!1;#s=new Set;#n=new IntersectionObserver(e=>this.#a(e));#i;constructor(e,t,s){this.session=e,this.map=t,this.update=s,this.#i=new g(e,s)}render(e){return e.eventList?x`<aside class="events" aria-label="Events of this run">
      ${j("Events","Close the events","j",()=>this.session.store.set({eventList:!1}))}
      ${this.#r(e)}
    </aside>`:d}#r(t){let{history:s,historyFailure:a,atlas:i}=t;if(null!==i&&null!==e(i))return W(f);if(null===s)return a?function({message:e},t){return x`<p><strong>Events cannot be loaded.</strong></p>
    <p class="muted">${e}</p>
    <button type="button" class="button" @click=${()=>t.retry()}>Try again</button>`}(a,this.session):A;let{events:r,eventsFound:o}=s;if(null===r)return x`<div class="no-events">
    <p><strong>Events were not recorded in this run.</strong></p>
    <p class="muted">
      This version records events automatically. For an older log, run
      <code>tensorboard-atlas events LOGDIR</code>.
    </p>
  </div>`;if(0===r.length)return W(function({kept:e}){return e<2?"Events compare two checkpoints, and there is only one so far.":`No concept was born, merged, split, or ended between the ${l(e)} steps.`}(s));let p="rank"===this.#e?r:r.toSorted((e,t)=>e.step-t.step),c=this.#t?p:p.slice(0,60),h=this.#l(t,c,r),m=u(s,t.step);return x`${this.#o(r.length,o)}
      ${m&&x`<p class="muted">At step ${l(t.step??0)}, ${m}</p>`}
      <ol class="event-items" @keydown=${n}>
        ${c.map((e,s)=>this.#p(t,e,s,h))}
      </ol>
      ${c.length<p.length?x`<button type="button" class="button" @click=${()=>this.#c()}>
              Show all ${l(p.length)}
            </button>`:d}`}#o(e,s){return x`<div class="events-head">
      <span class="muted"
        >${s>e?`${l(e)} of ${l(s)} events`:t(e,"event")}</span
      >
      ${i("Order of the events","event-order",Object.keys(C),e=>C[e],this.#e,e=>this.#d(e))}
    </div>`}#p(e,n,i,o){let p=w(n,e.highlight?.event);return x`<li
      class=${p?"chosen":""}
      data-kind=${n.kind}
      data-index=${i}
      ${a(this.#h)}
    >
      <button
        type="button"
        class="event"
        aria-pressed=${p}
        @click=${()=>z(n,this.session,this.map)}
      >
        <span class="event-head">
          ${E(n.kind)}
          <strong>${B[n.kind]}</strong>
          <span class="number"
            >${null===n.samples?"":`${t(n.samples,"sample")} \xb7 `}step
            ${l(n.step)}</span
          >
        </span>
        <span class="event-text">${s(n.text,240)}</span>
        ${this.#u(n,this.#s.has(i),o)}
        <span class="event-foot muted">
          <span class="confidence"><i style="width:${function({confidence:e}){return 100*Math.min(1,Math.max(0,e))}(n)}%"></i></span>
          <span>confidence ${r(n.confidence)}${!function({confidence:e,samples:t}){return null!==t&&e>=.75}(n)?d:T}</span>
        </span>
      </button>
      ${p?this.#f(e,n):d}
    </li>`}#u(e,t,s){if(e.before.length+e.after.length===0)return d;let n=(e,n)=>{let a=s.get(n);return e.slice(0,3).map(e=>O(a instanceof b?a:a?.get(e),t,this.session))};return x`<span class="event-icons" aria-hidden="true">
      ${n(e.before,e.beforeStep)}
      ${e.before.length*e.after.length>0?x`<span class="muted">→</span>`:d}
      ${n(e.after,e.step)}
    </span>`}#l(e,t,s){let{series:n,shownLevel:a,playing:i}=e;if(null===n||null===a)return new Map;let r=t.filter((e,t)=>this.#s.has(t)).flatMap(({beforeStep:e,step:t})=>[e,t]),l=i?[]:r.filter(e=>n.steps.includes(e));return this.#i.read(`${a}`,n,l,e=>new Map([...new Set(s.flatMap(({step:t,beforeStep:s,before:n,after:a})=>[...t===e.step?a.slice(0,3):[],...s===e.step?n.slice(0,3):[]]))].map(t=>[t,p(e,a,t)])))}#h=e=>{e&&this.#n.observe(e)};#a(e){for(let{target:t,isIntersecting:s}of e){let e=Number(t.dataset.index);s?this.#s.add(e):this.#s.delete(e)}this.update()}#f(e,t){let s=M(t,e.step),n=(n,a)=>{let i=S(e,t,n);return x`<button
        type="button"
        class="button"
        aria-pressed=${s===n}
        ?disabled=${!i}
        title=${i?"":"TensorBoard has not kept this step."}
        @click=${()=>F(t,n,this.session)}
      >
        ${"before"===n?"Before":"After"} <span class="muted">${l(a)}</span>
      </button>`};return x`<div class="sides" role="group" aria-label="Before and after the event">
      ${n("before",t.beforeStep)} ${n("after",t.step)}
    </div>`}#d(e){this.#e=e,this.update()}#c(){this.#t=!0,this.update()}},T=x`,
  <span class="sure" title="Confirmed by at least 15 of 20 random halves of the samples">sure</span>`;function W(e){return x`<div class="no-events">
    <p><strong>No events.</strong></p>
    <p class="muted">${e}</p>
  </div>`}var A=x`<p class="muted">Loading events …</p>`,I=class{#e;#t=null;#s=null;#n="";constructor(e,t,s){this.session=e,this.map=t,this.update=s,this.#e=new g(e,s)}render({state:t,atlas:s,level:n,facts:a}){let{series:i,highlight:r,history:l}=t;if(null===i||i.steps.length<2||null!==e(s))return d;let o=c(s,n,a.cell)??[],u=r?.of||r?.event?void 0:r?.ids[0],f=$(this.#t?.place??null,a)?this.#t?.id:void 0,v=e=>o.find(({concept:t})=>t.id===e),g=(v(u)??v(f)??o[0])?.concept;if(void 0===g)return d;let x=h(l?.events??[],g.id),b=m(i.steps,24,[s.step,...x.keys()].slice(0,12)),k=this.#e.read(`${g.id}/${n.size}`,i,t.playing?[]:b,e=>p(e,n.size,g.id));return this.#i(t,g,b,k,x,e=>y(s,e))}#i(e,{id:t,name:n},i,r,o,p){let c,d,h,u=e.series?.steps.length??0,f=i.length<u?`${l(i.length)} of ${l(u)} steps`:"",m=i.map(e=>r.get(e)),$=this.#p();return queueMicrotask(()=>this.#l()),x`<section class="film" aria-label="Film strip of ${s(n,40)}">
      <h3>${s(n,40)} <span class="muted">${f||"over the steps"}</span></h3>
      <div class="film-scroll" ${a(this.#u)} @scroll=${this.update}>
        <ol style="width:${60*i.length}px">
          ${i.map((s,n)=>this.#r(e,s,m[n],{id:t,events:o.get(s)??[],seen:n>=$[0]&&n<$[1],nameOf:p}))}
        </ol>
        ${d=Math.max(1,...(c=_(m)).map(e=>e??0)),x`<svg
    class="film-lines"
    width=${60*m.length}
    height=${44}
    viewBox="0 -3 ${60*m.length} ${44}"
    aria-hidden="true"
  >
    ${v`<path d=${k(c,d,60,38)} />
      <path class="share" d=${k(m.map(e=>void 0===e||e instanceof b||!e.samples||null===e.topClass?null:e.topShare),1,60,38)} />`}
  </svg>`}
      </div>
      ${h=Math.max(0,..._(m).map(e=>e??0)),x`<p class="film-key muted">
    <span><i></i>samples, at most ${l(h)}</span>
    <span><i class="share"></i>share of its top class</span>
  </p>`}
    </section>`}#r(e,n,a,i){let{id:r,events:p,seen:c,nameOf:h}=i,u=function(e,n){if(void 0===e)return"not loaded yet";if(e instanceof b)return s(e.message,120);let{samples:a,topClass:i,topShare:r}=e;if(null===a)return"concepts were not tracked";if(0===a)return"no samples";let l=null===i?"":`, ${s(n(i),40)} ${o(r)}`;return t(a,"sample")+l}(a,h),f=p.map(({kind:e})=>B[e]).join(", "),m=a instanceof b?null:a?.place??null;return x`<li>
      <button
        type="button"
        class="frame"
        aria-current=${n===e.step?"step":d}
        aria-label="Step ${l(n)}: ${[u,f].filter(Boolean).join(", ")}"
        title=${[u,...p.map(({text:e})=>s(e,120))].join(`
`)}
        @click=${()=>this.#o(n,m,r)}
      >
        <span class="marks">${p.slice(0,3).map(({kind:e})=>E(e))}</span>
        ${O(a,c,this.session)}
        <span class="number">${s(l(n),9)}</span>
      </button>
    </li>`}#o(e,t,s){this.session.store.set({playing:!1}),this.session.chooseStep(e),null!==t&&(this.#t={place:t,id:s},L(t,this.session,this.map))}#p(){let{scrollLeft:e=0,clientWidth:t=0}=this.#s??{};return[Math.floor(e/60),Math.ceil((e+t)/60)]}#u=e=>{this.#s=e??null,this.#n=""};#l(){let e=this.#s,{step:t,series:s}=this.session.store.state,n=e?.querySelector("[aria-current]")?.parentElement,a=`${s?.id}/${t}`;if(!e||!n||a===this.#n)return;this.#n=a;let i=n.offsetLeft;(i<e.scrollLeft||i+60>e.scrollLeft+e.clientWidth)&&(e.scrollLeft=i-(e.clientWidth-60)/2),this.update()}};function _(e){return e.map(e=>void 0===e||e instanceof b?null:e.samples)}var q=class{#e;#t;constructor(e,t,s){this.#e=new N(e,t,s),this.#t=new I(e,t,s)}rail(e){return this.#e.render(e)}inspectorSection(e){return this.#t.render(e)}},D={styles:".film-scroll{margin:0 -8px;overflow-x:auto}.film ol{display:flex}.film li{flex:none;width:60px}.frame{border-radius:6px;justify-items:center;width:100%;padding:2px 0;font-size:11px;display:grid}.frame:hover{background:var(--control)}.frame:focus-visible{outline-offset:-2px}.frame[aria-current]{background:var(--accent-soft);box-shadow:inset 0 0 0 2px var(--accent);font-weight:600}.frame .marks{height:18px;display:flex}.frame-icon{width:52px;height:52px}.film-lines{fill:none;stroke:var(--text);stroke-width:2px;stroke-linejoin:round;stroke-linecap:round;display:block}.film .share{stroke:var(--accent);stroke-dasharray:4 3}.film-key{flex-wrap:wrap;gap:2px 14px;font-size:12px;display:flex}.film-key span{align-items:center;gap:6px;display:flex}.film-key i{border-top:2px solid var(--text);width:18px}.film-key .share{border-top:2px dashed var(--accent)}.event-text{overflow-wrap:anywhere;padding-left:26px}.event-icons{align-items:center;gap:6px;padding:2px 0 2px 26px;display:flex}.event-icons .frame-icon{width:36px;height:36px;font-size:10px}.sure{color:var(--text);-webkit-text-decoration:underline dotted;text-decoration:underline dotted}.event-foot{font-variant-numeric:tabular-nums;align-items:center;gap:8px;padding-left:26px;font-size:11.5px;display:flex}.confidence{background:color-mix(in srgb, var(--muted) 28%, transparent);border-radius:2px;width:44px;height:4px;overflow:hidden}.confidence i{background:var(--muted);height:100%;display:block}",create:({session:e,map:t,update:s})=>new q(e,t,s)};export{D as events};