import{An as e,Gt as t,Ht as s,Kt as n,L as a,N as i,P as r,Wt as l,_ as o,bn as p,dn as c,ft as d,g as h,h as u,hr as f,jn as m,m as v,mr as $,p as g,pr as x,qt as b,sn as k,v as y}from"./chunk-shared-Cte8lVvY.js";import{T as w,a as S,c as M,i as j,m as L,n as B,o as O,r as z,s as C}from"./chunk-shell-4BsR2oD5.js";function E(e,t,s){let n=e=>$`<span class="frame-icon none">${e}</span>`;if(void 0===e)return n("…");if(e instanceof c)return n("damaged");if(0===e.samples)return n("–");let{at:a,of:i}=e.icon??{};if(!i||!a)return n(null===e.samples?"?":"no icon");let r=t?s.pages.icons(i.atlas,i.level).pages[a.page]:null,l={x:a.x,y:a.y,width:a.side,height:a.side};return $`<atlas-crop class="frame-icon" .crop=${r?{picture:r,rect:l}:null}></atlas-crop>`}var A={rank:"Most significant",time:"By step"},F={concepts:"Concepts",predictions:"Predictions",all:"All"},N=class{#e="rank";#t="concepts";#s=!1;#n=new Set;#a=new IntersectionObserver(e=>this.#i(e));#r;constructor(e,t,s){this.session=e,this.map=t,this.update=s,this.#r=new g(e,s)}render(e){return e.eventList?$`<aside class="events" aria-label="Events of this run">
      ${L("Events","Close the events","j",()=>this.session.store.set({eventList:!1}))}
      ${this.#l(e)}
    </aside>`:x}#l(t){let{history:n,historyFailure:i,atlas:r}=t;if(null!==r&&null!==m(r))return T(e);if(null===n)return i?function({message:e},t){return $`<p><strong>Events cannot be loaded.</strong></p>
    <p class="muted">${e}</p>
    <button type="button" class="button" @click=${()=>t.retry()}>Try again</button>`}(i,this.session):W;let{events:l,eventsFound:o}=n;if(null===l)return $`<div class="no-events">
    <p><strong>Events were not recorded in this run.</strong></p>
    <p class="muted">
      This version records events automatically. For an older log, run
      <code>tensorboard-atlas events LOGDIR</code>.
    </p>
  </div>`;if(0===l.length)return T(function({kept:e}){return e<2?"Events compare two checkpoints, and there is only one so far.":`No concept was born, merged, split, or ended between the ${s(e)} steps.`}(n));let p=l.some(({classes:e})=>e)&&l.some(({classes:e})=>!e),c=p?l.filter(e=>(function({classes:e},t){return"all"===t||"predictions"===t==(null!==e)})(e,this.#t)):l,d="rank"===this.#e?c:c.toSorted((e,t)=>e.step-t.step),h=this.#s?d:d.slice(0,60),f=this.#o(t,h,c),v=u(n,t.step);return $`${this.#p(c.length,c.length<l.length?0:o)}
      ${p?this.#c():x}
      ${v&&$`<p class="muted">At step ${s(t.step??0)}, ${v}</p>`}
      <ol class="event-items" @keydown=${a}>
        ${h.map((e,s)=>this.#d(t,e,s,f))}
      </ol>
      ${h.length<d.length?$`<button type="button" class="button" @click=${()=>this.#h()}>
              Show all ${s(d.length)}
            </button>`:x}`}#p(e,t){return $`<div class="events-head">
      <span class="muted"
        >${t>e?`${s(e)} of ${s(t)} events`:n(e,"event")}</span
      >
      ${r("Order of the events","event-order",Object.keys(A),e=>A[e],this.#e,e=>this.#u(e))}
    </div>`}#c(){return r("Kind of the events","event-filter",Object.keys(F),e=>F[e],this.#t,e=>{this.#t=e,this.update()})}#d(e,t,a,r){let o=w(t,e.highlight?.event);return $`<li
      class=${o?"chosen":""}
      data-kind=${t.kind}
      data-index=${a}
      ${i(this.#f)}
    >
      <button
        type="button"
        class="event"
        aria-pressed=${o}
        @click=${()=>O(t,this.session,this.map)}
      >
        <span class="event-head">
          ${z(t.kind)}
          <strong>${B[t.kind]}</strong>
          <span class="number"
            >${null===t.samples||t.classes?"":`${n(t.samples,"sample")} \xb7 `}step
            ${s(t.step)}</span
          >
        </span>
        <span class="event-text">${b(t.text,240)}</span>
        ${this.#m(t,this.#n.has(a),r)}
        <span class="event-foot muted">
          <span class="confidence"><i style="width:${function({confidence:e}){return 100*Math.min(1,Math.max(0,e))}(t)}%"></i></span>
          <span>confidence ${l(t.confidence)}${!function({confidence:e,samples:t}){return null!==t&&e>=.75}(t)?x:function({classes:e}){return $`, <span class="sure" title=${`Confirmed by at least 15 of 20 random halves of the ${e?"images":"samples"}`}>sure</span>`}(t)}</span>
        </span>
      </button>
      ${o?this.#v(e,t):x}
    </li>`}#m(e,t,s){if(e.before.length+e.after.length===0)return x;let n=(e,n)=>{let a=s.get(n);return e.slice(0,3).map(e=>E(a instanceof c?a:a?.get(e),t,this.session))};return $`<span class="event-icons" aria-hidden="true">
      ${n(e.before,e.beforeStep)}
      ${e.before.length*e.after.length>0?$`<span class="muted">→</span>`:x}
      ${n(e.after,e.step)}
    </span>`}#o(e,t,s){let{series:n,shownLevel:a,playing:i}=e;if(null===n||null===a)return new Map;let r=t.filter((e,t)=>this.#n.has(t)).flatMap(({beforeStep:e,step:t})=>[e,t]),l=i?[]:r.filter(e=>n.steps.includes(e));return this.#r.read(`${a}`,n,l,e=>new Map([...new Set(s.flatMap(({step:t,beforeStep:s,before:n,after:a})=>[...t===e.step?a.slice(0,3):[],...s===e.step?n.slice(0,3):[]]))].map(t=>[t,o(e,a,t)])))}#f=e=>{e&&this.#a.observe(e)};#i(e){for(let{target:t,isIntersecting:s}of e){let e=Number(t.dataset.index);s?this.#n.add(e):this.#n.delete(e)}this.update()}#v(e,t){let n=M(t,e.step),a=(a,i)=>{let r=S(e,t,a);return $`<button
        type="button"
        class="button"
        aria-pressed=${n===a}
        ?disabled=${!r}
        title=${r?"":"TensorBoard has not kept this step."}
        @click=${()=>C(t,a,this.session)}
      >
        ${"before"===a?"Before":"After"} <span class="muted">${s(i)}</span>
      </button>`};return $`<div class="sides" role="group" aria-label="Before and after the event">
      ${a("before",t.beforeStep)} ${a("after",t.step)}
    </div>`}#u(e){this.#e=e,this.update()}#h(){this.#s=!0,this.update()}};function T(e){return $`<div class="no-events">
    <p><strong>No events.</strong></p>
    <p class="muted">${e}</p>
  </div>`}var W=$`<p class="muted">Loading events …</p>`,q=class{#e;#t=null;#s=null;#n="";constructor(e,t,s){this.session=e,this.map=t,this.update=s,this.#e=new g(e,s)}render({state:e,atlas:t,level:s,facts:n}){let{series:a,highlight:i,history:r}=e;if(null===a||a.steps.length<2||null!==m(t))return x;let l=d(t,s,n.cell)??[],c=i?.of||i?.event?void 0:i?.ids[0],u=k(this.#t?.place??null,n)?this.#t?.id:void 0,f=e=>l.find(({concept:t})=>t.id===e),$=(f(c)??f(u)??l[0])?.concept;if(void 0===$)return x;let g=h(r?.events??[],$.id),b=v(a.steps,24,[t.step,...g.keys()].slice(0,12)),y=this.#e.read(`${$.id}/${s.size}`,a,e.playing?[]:b,e=>o(e,s.size,$.id));return this.#a(e,$,b,y,g,e=>p(t,e))}#a(e,{id:t,name:n},a,r,l,o){let p,d,h,u=e.series?.steps.length??0,m=a.length<u?`${s(a.length)} of ${s(u)} steps`:"",v=a.map(e=>r.get(e)),g=this.#p();return queueMicrotask(()=>this.#d()),$`<section class="film" aria-label="Film strip of ${b(n,40)}">
      <h3>${b(n,40)} <span class="muted">${m||"over the steps"}</span></h3>
      <div class="film-scroll" ${i(this.#c)} @scroll=${this.update}>
        <ol style="width:${60*a.length}px">
          ${a.map((s,n)=>this.#r(e,s,v[n],{id:t,events:l.get(s)??[],seen:n>=g[0]&&n<g[1],nameOf:o}))}
        </ol>
        ${d=Math.max(1,...(p=I(v)).map(e=>e??0)),$`<svg
    class="film-lines"
    width=${60*v.length}
    height=${44}
    viewBox="0 -3 ${60*v.length} ${44}"
    aria-hidden="true"
  >
    ${f`<path d=${y(p,d,60,38)} />
      <path class="share" d=${y(v.map(e=>void 0===e||e instanceof c||!e.samples||null===e.topClass?null:e.topShare),1,60,38)} />`}
  </svg>`}
      </div>
      ${h=Math.max(0,...I(v).map(e=>e??0)),$`<p class="film-key muted">
    <span><i></i>samples, at most ${s(h)}</span>
    <span><i class="share"></i>share of its top class</span>
  </p>`}
    </section>`}#r(e,a,i,r){let{id:l,events:o,seen:p,nameOf:d}=r,h=function(e,s){if(void 0===e)return"not loaded yet";if(e instanceof c)return b(e.message,120);let{samples:a,topClass:i,topShare:r}=e;if(null===a)return"concepts were not tracked";if(0===a)return"no samples";let l=null===i?"":`, ${b(s(i),40)} ${t(r)}`;return n(a,"sample")+l}(i,d),u=o.map(({kind:e})=>B[e]).join(", "),f=i instanceof c?null:i?.place??null;return $`<li>
      <button
        type="button"
        class="frame"
        aria-current=${a===e.step?"step":x}
        aria-label="Step ${s(a)}: ${[h,u].filter(Boolean).join(", ")}"
        title=${[h,...o.map(({text:e})=>b(e,120))].join(`
`)}
        @click=${()=>this.#l(a,f,l)}
      >
        <span class="marks">${o.slice(0,3).map(({kind:e})=>z(e))}</span>
        ${E(i,p,this.session)}
        <span class="number">${b(s(a),9)}</span>
      </button>
    </li>`}#l(e,t,s){this.session.store.set({playing:!1}),this.session.chooseStep(e),null!==t&&(this.#t={place:t,id:s},j(t,this.session,this.map))}#p(){let{scrollLeft:e=0,clientWidth:t=0}=this.#s??{};return[Math.floor(e/60),Math.ceil((e+t)/60)]}#c=e=>{this.#s=e??null,this.#n=""};#d(){let e=this.#s,{step:t,series:s}=this.session.store.state,n=e?.querySelector("[aria-current]")?.parentElement,a=`${s?.id}/${t}`;if(!e||!n||a===this.#n)return;this.#n=a;let i=n.offsetLeft;(i<e.scrollLeft||i+60>e.scrollLeft+e.clientWidth)&&(e.scrollLeft=i-(e.clientWidth-60)/2),this.update()}};function I(e){return e.map(e=>void 0===e||e instanceof c?null:e.samples)}var D=class{#e;#t;constructor(e,t,s){this.#e=new N(e,t,s),this.#t=new q(e,t,s)}rail(e){return this.#e.render(e)}inspectorSection(e){return this.#t.render(e)}},G={styles:".film-scroll{margin:0 -8px;overflow-x:auto}.film ol{display:flex}.film li{flex:none;width:60px}.frame{border-radius:6px;justify-items:center;width:100%;padding:2px 0;font-size:11px;display:grid}.frame:hover{background:var(--control)}.frame:focus-visible{outline-offset:-2px}.frame[aria-current]{background:var(--accent-soft);box-shadow:inset 0 0 0 2px var(--accent);font-weight:600}.frame .marks{height:18px;display:flex}.frame-icon{width:52px;height:52px}.film-lines{fill:none;stroke:var(--text);stroke-width:2px;stroke-linejoin:round;stroke-linecap:round;display:block}.film .share{stroke:var(--accent);stroke-dasharray:4 3}.film-key{flex-wrap:wrap;gap:2px 14px;font-size:12px;display:flex}.film-key span{align-items:center;gap:6px;display:flex}.film-key i{border-top:2px solid var(--text);width:18px}.film-key .share{border-top:2px dashed var(--accent)}.events>.segments{flex:none;align-self:start}.event-text{overflow-wrap:anywhere;padding-left:26px}.event-icons{align-items:center;gap:6px;padding:2px 0 2px 26px;display:flex}.event-icons .frame-icon{width:36px;height:36px;font-size:10px}.sure{color:var(--text);-webkit-text-decoration:underline dotted;text-decoration:underline dotted}.event-foot{font-variant-numeric:tabular-nums;align-items:center;gap:8px;padding-left:26px;font-size:11.5px;display:flex}.confidence{background:color-mix(in srgb, var(--muted) 28%, transparent);border-radius:2px;width:44px;height:4px;overflow:hidden}.confidence i{background:var(--muted);height:100%;display:block}",create:({session:e,map:t,update:s})=>new D(e,t,s)};export{G as events};