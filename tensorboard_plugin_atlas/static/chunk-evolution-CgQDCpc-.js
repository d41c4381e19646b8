import{D as e,O as t,S as n,T as r,_ as i,v as a,w as o,x as s,y as c}from"./chunk-api-DFYYOeZK.js";import{a as l,c as u,d,f,i as p,l as m,n as h,o as g,r as _,s as v,t as y,u as b}from"./chunk-later-BBo5idjI.js";import{n as x,u as S}from"./chunk-scene-JCkE3ieN.js";var C=.75,w=.2,T=2.6,E=40;function D(e,t,n){let{atlas:r,level:i}=t,a=v(r,n),o=g(i,a);O(e,t,o),j(e,t,r,a),k(e,t,i,o)}function O(e,t,n){e.fillStyle=`rgb(${t.theme.ground.join()})`,l(t,(r,i,a,o)=>{e.globalAlpha=C*(1-n[r]/t.level.counts[r]),e.fillRect(i,a,o,o)}),e.globalAlpha=1}function k(e,t,n,r){let{theme:i}=t,a=x(n);l(t,(o,s,c,l)=>{let u=r[o],d=u/n.counts[o];if(d<w)return;let f=(1-a[o])*l/2,p=1+2.5*d;e.strokeStyle=i.accent,e.lineWidth=p,e.beginPath(),e.roundRect(s+f,c+f,l-2*f,l-2*f,Math.min(5,.1*l)),e.stroke(),l<E||A(e,t,String(u),s+l-f,c+f)})}function A(e,{theme:t},n,r,i){e.font=`600 10px Roboto, system-ui, sans-serif`,e.textBaseline=`middle`;let a=e.measureText(n).width+8;e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(r-a,i,a,15,3),e.fill(),e.fillStyle=t.label,e.fillText(n,r-a+4,i+8)}function j(e,{camera:t,viewport:n,theme:r},i,a){e.fillStyle=r.accent,e.strokeStyle=`rgb(${r.ground.join()})`,e.lineWidth=1;for(let r of a){let{x:a,y:o}=S(t,n,{x:i.xy[2*r],y:i.xy[2*r+1]});a<0||o<0||a>n.width||o>n.height||(e.beginPath(),e.arc(a,o,T,0,2*Math.PI),e.fill(),e.stroke())}}var M={born:`M9 12h12`,merges:`M21 12h-6C11 12 11 6 3 6m12 6c-4 0-4 6-12 6`,splits:`M3 12h6c4 0 4-6 12-6M9 12c4 0 4 6 12 6`,dies:`M3 12h11m0-5 7 10m0-10-7 10`},N={born:`Born`,merges:`Merged`,splits:`Split`,dies:`Ended`};function P(t){let n=t===`born`?e`<circle cx="7" cy="12" r="4" />`:``;return r`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true">
    ${e`<path d=${M[t]} />`}${n}
  </svg>`}var F=60,I=240,L={rank:`Most telling`,time:`In order`},R=class{session;map;update;#e=`rank`;#t=!1;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){return e.eventList?r`<aside class="events" aria-label="Events of this run">
      <div class="inspector-head">
        <h2>Events</h2>
        ${i({icon:`close`,name:`Close the events`,press:()=>this.session.store.set({eventList:!1})})}
      </div>
      ${this.#n(e)}
    </aside>`:o}#n(e){let{history:t}=e;if(t===null)return r`<p class="muted">Reading what happened …</p>`;let{events:n,eventsFound:i}=t;if(n===null)return H();if(n.length===0)return V(t);let s=this.#e===`rank`?n:n.toSorted((e,t)=>e.step-t.step),c=this.#t?s:s.slice(0,F);return r`${this.#r(n.length,i)}
      <ol class="event-items" @keydown=${B}>
        ${c.map(t=>this.#i(e,t))}
      </ol>
      ${c.length<s.length?r`<button type="button" class="button" @click=${()=>this.#s()}>
              Show all ${a(s.length)}
            </button>`:o}`}#r(e,t){return r`<div class="events-head">
      <span class="muted"
        >${t>e?`${a(e)} of ${a(t)} events`:s(e,`event`)}</span
      >
      <span class="segments small" role="radiogroup" aria-label="Order of the events">
        ${Object.entries(L).map(([e,t])=>r`<label
              ><input
                type="radio"
                name="event-order"
                value=${e}
                .checked=${e===this.#e}
                @change=${()=>this.#o(e)}
              />${t}</label
            >`)}
      </span>
    </div>`}#i(e,t){let i=p(t,e.highlight?.event);return r`<li class=${i?`chosen`:``} data-kind=${t.kind}>
      <button
        type="button"
        class="event"
        aria-pressed=${i}
        @click=${()=>b(t,this.session,this.map)}
      >
        <span class="event-head">
          ${P(t.kind)}
          <strong>${N[t.kind]}</strong>
          <span class="number">step ${a(t.step)}</span>
        </span>
        <span class="event-text">${n(t.text,I)}</span>
        <span class="event-foot muted">
          <span class="confidence"><i style="width:${z(t)}%"></i></span>
          confidence ${c(t.confidence)}
        </span>
      </button>
      ${i?this.#a(e,t):o}
    </li>`}#a(e,t){let n=f(t,e.step),i=(i,o)=>{let s=m(e,t,i);return r`<button
        type="button"
        class="button"
        aria-pressed=${n===i}
        ?disabled=${!s}
        title=${s?``:`TensorBoard has not kept this step.`}
        @click=${()=>d(t,i,this.session)}
      >
        ${i===`before`?`Before`:`After`} <span class="muted">${a(o)}</span>
      </button>`};return r`<div class="sides" role="group" aria-label="Before and after the event">
      ${i(`before`,t.beforeStep)} ${i(`after`,t.step)}
    </div>`}#o(e){this.#e=e,this.update()}#s(){this.#t=!0,this.update()}};function z({confidence:e}){return 100*Math.min(1,Math.max(0,e))}function B(e){let t={ArrowDown:1,ArrowUp:-1}[e.key],n=e.currentTarget,r=e.target.closest(`.event`);if(t===void 0||r===null)return;let i=[...n.querySelectorAll(`.event`)];i[i.indexOf(r)+t]?.focus(),e.preventDefault()}function V({kept:e}){return r`<div class="no-events">
    <p><strong>No events.</strong></p>
    <p class="muted">
      ${e<2?`Events are what differs between two checkpoints, and there is only one yet.`:`No concept was born, merged, split or ended between the ${a(e)} steps.`}
    </p>
  </div>`}function H(){return r`<div class="no-events">
    <p><strong>Events were not recorded in this run.</strong></p>
    <p class="muted">
      Atlases written by this version trace concepts from checkpoint to checkpoint on their own. For
      a log of before, <code>tensorboard-atlas evolve LOGDIR</code> works them out.
    </p>
  </div>`}var U=.03,W=8;function G(e,t){let n=new Map;for(let t of e)n.set(t.step,[...n.get(t.step)??[],t]);let r=Math.max(1,t.length-1),i=[];for(let[e,a]of n){let n=t.indexOf(e),[o]=a;if(n<0||o===void 0)continue;let s=n/r;i.some(e=>Math.abs(e.at-s)<U)||i.push({event:o,events:a,at:s})}return i}function K({history:e,series:t,highlight:n,step:i},a){let s=G(e?.events??[],t?.steps??[]);return s.length===0?o:r`<span class="event-marks" aria-hidden="true">
    ${s.map(({event:e,events:t,at:o})=>r`<button
          type="button"
          tabindex="-1"
          class="event-mark ${e.step===i?`here`:``} ${t.some(e=>p(e,n?.event))?`chosen`:``}"
          data-kind=${e.kind}
          data-step=${e.step}
          style="left:${100*o}%"
          title=${q(t)}
          @click=${()=>a(e)}
        >
          ${P(e.kind)}
        </button>`)}
  </span>`}function q(e){let t=e.slice(0,W).map(({kind:e,text:t})=>`${N[e]}: ${n(t,120)}`),r=e.length-t.length,i=r>0?[`and ${s(r,`event`)} more`]:[];return[`Step ${a(e[0]?.step??0)}`,...t,...i].join(`
`)}var J=t`
  .glyph {
    width: 18px;
    height: 18px;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 2.2;
    stroke-linecap: round;
  }
  .glyph circle {
    fill: currentColor;
    stroke: none;
  }
  .event-marks {
    position: absolute;
    left: 8px;
    right: 8px;
    top: -10px;
    height: 0;
  }
  .event-mark {
    position: absolute;
    display: grid;
    place-items: center;
    width: 24px;
    height: 20px;
    margin-left: -12px;
    border-radius: 4px;
    color: var(--muted);
    z-index: 1;
  }
  .event-mark:hover {
    background: var(--control);
    color: var(--text);
  }
  .event-mark.here {
    color: var(--accent);
  }
  .event-mark.chosen {
    color: var(--accent);
    background: var(--accent-soft);
    box-shadow: inset 0 0 0 1px var(--accent);
  }

  .events {
    flex: none;
    width: 312px;
    padding: 8px 16px 16px;
    display: flex;
    flex-direction: column;
    gap: 8px;
    overflow: auto;
    background: var(--surface);
    border-right: 1px solid var(--line);
    line-height: 1.4;
  }
  .events h2 {
    font-size: 15px;
    font-weight: 500;
    margin: 0;
  }
  .events p {
    margin: 0;
  }
  @media (max-width: 900px) {
    .events {
      position: absolute;
      inset: 0 auto 0 0;
      max-width: 100%;
      z-index: 5;
      box-shadow: var(--shadow);
    }
  }
  .events-head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 8px;
    font-size: 12px;
  }
  .segments.small label {
    height: 24px;
    padding: 0 8px;
    font-size: 12px;
  }
  .event-items {
    list-style: none;
    margin: 0 -8px;
    padding: 0;
    display: grid;
    gap: 2px;
  }
  .event-items li {
    border-radius: 6px;
  }
  .event-items li.chosen {
    background: var(--accent-soft);
    box-shadow: inset 3px 0 0 var(--accent);
  }
  .event {
    display: grid;
    gap: 2px;
    width: 100%;
    padding: 8px;
    border-radius: 6px;
    text-align: left;
  }
  .event:hover {
    background: var(--control);
  }
  .event:focus-visible {
    outline-offset: -2px;
  }
  .event-head {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .event-head strong {
    font-weight: 500;
  }
  .event-head .number {
    margin-left: auto;
    color: var(--muted);
    font-size: 12px;
  }
  .event-text {
    padding-left: 26px;
    overflow-wrap: anywhere;
  }
  .event-foot {
    display: flex;
    align-items: center;
    gap: 8px;
    padding-left: 26px;
    font-size: 11.5px;
    font-variant-numeric: tabular-nums;
  }
  .confidence {
    width: 44px;
    height: 4px;
    border-radius: 2px;
    background: color-mix(in srgb, var(--muted) 28%, transparent);
    overflow: hidden;
  }
  .confidence i {
    display: block;
    height: 100%;
    background: var(--muted);
  }
  .sides {
    display: flex;
    gap: 6px;
    padding: 2px 8px 10px 34px;
  }
  .sides .button {
    flex: 1;
    height: 28px;
    padding: 0 8px;
    white-space: nowrap;
  }
  .button[aria-pressed='true'] {
    border-color: var(--accent);
    color: var(--accent);
  }
  .no-events {
    display: grid;
    gap: 8px;
    line-height: 1.5;
  }

  .lifelines {
    list-style: none;
    margin: 0 -8px;
    padding: 0;
  }
  .lifeline {
    display: grid;
    grid-template-columns: 1fr auto;
    gap: 0 8px;
    width: 100%;
    padding: 5px 8px;
    border-radius: 6px;
    text-align: left;
  }
  .lifeline:hover {
    background: var(--control);
  }
  .lifeline .name {
    overflow-wrap: anywhere;
  }
  .lifeline .muted {
    grid-column: 1 / -1;
    font-size: 12px;
  }
  .lifeline[aria-pressed='true'] {
    background: var(--accent-soft);
    box-shadow: inset 3px 0 0 var(--accent);
  }

  .top-column {
    position: absolute;
    top: 12px;
    left: 50%;
    translate: -50%;
    display: flex;
    flex-direction: column;
    align-items: center;
    gap: 8px;
    max-width: calc(100% - 24px);
    z-index: 2;
    pointer-events: none;
  }
  .top-column > * {
    pointer-events: auto;
  }
  @media (min-width: 900px) {
    .stage:has(.inspector) .top-column {
      left: calc(50% - 166px);
      max-width: calc(100% - 356px);
    }
  }
  .highlight-pill {
    display: flex;
    align-items: center;
    gap: 8px;
    padding: 2px 4px 2px 14px;
    border-radius: 20px;
    border: 1px solid var(--accent);
    overflow-wrap: anywhere;
  }
  .highlight-pill strong {
    font-weight: 500;
    margin-right: 4px;
  }
`,Y=class{session;map;static styles=[J];#e;constructor(e,t,n){this.session=e,this.map=t,this.#e=new R(e,t,n),new y(e)}layers({highlight:e}){return e===null?[]:[(t,n)=>D(t,n,u(e,n.atlas.step))]}marks(e){return K(e,e=>b(e,this.session,this.map))}rail(e){return this.#e.render(e)}top(e){let{highlight:t}=e,n=h(e),i=n?.levels.find(({size:t})=>t===e.shownLevel);return r`<div class="top-column">
      ${t&&n&&i?_(n,i,t,this.session):o}
    </div>`}};export{Y as Evolution};