import{A as e,D as t,E as n,I as r,L as i,N as a,O as o,P as s,j as c,k as l}from"./chunk-api-B0ZhPLEp.js";import{_ as u,a as d,c as f,f as p,g as m,h as ee,i as te,l as h,m as g,n as ne,o as _,p as re,r as v,s as y,t as ie,u as b,v as x}from"./chunk-later-Kg9SIRC0.js";import{n as S,u as C}from"./chunk-scene-JCkE3ieN.js";var w=.5,T=5,E={tail:.7,neck:2.1,head:5.6,length:11},D=26,O=3,k=.6;function A(e,t,n){let{viewport:r,theme:i}=t;e.globalAlpha=w,e.fillStyle=`rgb(${i.ground.join()})`,e.fillRect(0,0,r.width,r.height),e.globalAlpha=1;let a=j(t,n);for(let n of a)n.news||P(e,t,n);for(let n of a)n.news&&M(e,t,n)}function j(e,{from:t,to:n,beyond:r}){let{camera:i,viewport:a}=e,o=(e,t)=>C(i,a,{x:e[2*t],y:e[2*t+1]}),s=({x:e,y:t})=>e>0&&t>0&&e<a.width&&t<a.height;return Array.from({length:n.length/2},(e,i)=>({from:o(t,i),to:o(n,i),news:r!==null&&r[i]>=.5})).filter(e=>s(e.from)||s(e.to))}function M(e,{theme:t},{from:n,to:r}){let i=Math.hypot(r.x-n.x,r.y-n.y);e.fillStyle=t.label,e.strokeStyle=`rgb(${t.ground.join()})`,e.lineWidth=O,e.lineJoin=`round`,e.beginPath(),i<T?e.arc(r.x,r.y,3,0,2*Math.PI):N(e,n,r,i),e.closePath(),e.stroke(),e.fill()}function N(e,t,n,r){let i=Math.min(1,.45+.55*r/D),a=(n.x-t.x)/r,o=(n.y-t.y)/r,s=Math.min(.7*r,E.length*i),c={x:n.x-a*s,y:n.y-o*s},l=(t,n)=>e.lineTo(t.x-o*n*i,t.y+a*n*i);l(t,E.tail),l(c,E.neck),l(c,E.head),e.lineTo(n.x,n.y),l(c,-E.head),l(c,-E.neck),l(t,-E.tail)}function P(e,{theme:t},{from:n,to:r}){e.globalAlpha=k,e.strokeStyle=t.label,e.fillStyle=t.label,e.lineWidth=1.2,e.setLineDash([2,3]),e.beginPath(),e.moveTo(n.x,n.y),e.lineTo(r.x,r.y),e.stroke(),e.setLineDash([]),e.beginPath(),e.arc(r.x,r.y,1.8,0,2*Math.PI),e.fill(),e.globalAlpha=1}var F=.75,I=.2,L=2.6,R=40;function z(e,t,n){let{atlas:r,level:i}=t,a=b(r,n),o=h(i,a);B(e,t,o),U(e,t,r,a),V(e,t,i,o)}function B(e,t,n){e.fillStyle=`rgb(${t.theme.ground.join()})`,f(t,(r,i,a,o)=>{e.globalAlpha=F*(1-n[r]/t.level.counts[r]),e.fillRect(i,a,o,o)}),e.globalAlpha=1}function V(e,t,n,r){let{theme:i}=t,a=S(n);f(t,(o,s,c,l)=>{let u=r[o],d=u/n.counts[o];if(d<I)return;let f=(1-a[o])*l/2,p=1+2.5*d;e.strokeStyle=i.accent,e.lineWidth=p,e.beginPath(),e.roundRect(s+f,c+f,l-2*f,l-2*f,Math.min(5,.1*l)),e.stroke(),l<R||H(e,t,String(u),s+l-f,c+f)})}function H(e,{theme:t},n,r,i){e.font=`600 10px Roboto, system-ui, sans-serif`,e.textBaseline=`middle`;let a=e.measureText(n).width+8;e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(r-a,i,a,15,3),e.fill(),e.fillStyle=t.label,e.fillText(n,r-a+4,i+8)}function U(e,{camera:t,viewport:n,theme:r},i,a){e.fillStyle=r.accent,e.strokeStyle=`rgb(${r.ground.join()})`,e.lineWidth=1;for(let r of a){let{x:a,y:o}=C(t,n,{x:i.xy[2*r],y:i.xy[2*r+1]});a<0||o<0||a>n.width||o>n.height||(e.beginPath(),e.arc(a,o,L,0,2*Math.PI),e.fill(),e.stroke())}}function W(e,n,r){let i=y(e);if(i===null)return`This is the first step: there is none before to have moved from.`;let a=_(e);if(a===null){let{otherFailure:n}=e;return n===null?`Step ${t(i)} is on its way …`:`Step ${t(i)} cannot be read: ${n.message}`}return re(a,n)??p(a,n,r)}function G(n,{beyond:r,news:i}){let a=`since step ${t(y(n)??0)}`;return r===null?`Moves ${a}; what chance would do was not recorded`:`${t(i)} of ${e(r.length,`cell`)} moved more than chance ${a}`}function K(e,t,n){let r=W(e,t,n);if(typeof r==`string`)return s`<aside class="legend panel" aria-label="Drift"><p>${r}</p></aside>`;let{beyond:i,meanMove:o,beyondShare:c}=r;return s`<aside class="legend panel drift-legend" aria-label="Drift">
    <p><strong>${G(e,r)}</strong></p>
    ${i===null?a:X(J,`most of its samples moved farther than chance`)}
    ${X(Y,i===null?`not known to be more than chance`:`chance explains the move`)}
    <p class="muted">
      ${c===null?`No noise floor was recorded for this step, so that no move can be called news. Atlases of this version measure one from the second checkpoint on.`:s`Samples moved ${l(o)} of the map's side on average,
            ${l(c)} of them farther than chance.`}
      ${q(e)}
    </p>
  </aside>`}function q({series:t,step:n,compare:r}){let i=e=>t?.steps.indexOf(e??NaN)??-1,o=Math.abs(i(n)-i(r))-1;return r===null||o<1?a:`Chance is that of one step; ${e(o,`more step`)} ${o===1?`lies`:`lie`} between.`}var J=r`<path class="solid" d="M2 8.6 24 6v-4l10 7-10 7v-4L2 9.4z" />`,Y=r`<path class="broken" d="M2 9h28" /><circle cx="32" cy="9" r="2" />`;function X(e,t){return s`<p class="drift-key">
    <svg viewBox="0 0 36 18" aria-hidden="true">${e}</svg> ${t}
  </p>`}var ae={born:`M9 12h12`,merges:`M21 12h-6C11 12 11 6 3 6m12 6c-4 0-4 6-12 6`,splits:`M3 12h6c4 0 4-6 12-6M9 12c4 0 4 6 12 6`,dies:`M3 12h11m0-5 7 10m0-10-7 10`},Z={born:`Born`,merges:`Merged`,splits:`Split`,dies:`Ended`};function Q(e){let t=e===`born`?r`<circle cx="7" cy="12" r="4" />`:``;return s`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true">
    ${r`<path d=${ae[e]} />`}${t}
  </svg>`}var oe=60,se=240,ce={rank:`Most telling`,time:`In order`},le=class{session;map;update;#e=`rank`;#t=!1;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){return e.eventList?s`<aside class="events" aria-label="Events of this run">
      <div class="inspector-head">
        <h2>Events</h2>
        ${n({icon:`close`,name:`Close the events`,press:()=>this.session.store.set({eventList:!1})})}
      </div>
      ${this.#n(e)}
    </aside>`:a}#n(e){let{history:n}=e;if(n===null)return s`<p class="muted">Reading what happened …</p>`;let{events:r,eventsFound:i}=n;if(r===null)return pe();if(r.length===0)return fe(n);let o=this.#e===`rank`?r:r.toSorted((e,t)=>e.step-t.step),c=this.#t?o:o.slice(0,oe);return s`${this.#r(r.length,i)}
      <ol class="event-items" @keydown=${de}>
        ${c.map(t=>this.#i(e,t))}
      </ol>
      ${c.length<o.length?s`<button type="button" class="button" @click=${()=>this.#s()}>
              Show all ${t(o.length)}
            </button>`:a}`}#r(n,r){return s`<div class="events-head">
      <span class="muted"
        >${r>n?`${t(n)} of ${t(r)} events`:e(n,`event`)}</span
      >
      <span class="segments small" role="radiogroup" aria-label="Order of the events">
        ${Object.entries(ce).map(([e,t])=>s`<label
              ><input
                type="radio"
                name="event-order"
                value=${e}
                .checked=${e===this.#e}
                @change=${()=>this.#o(e)}
              />${t}</label
            >`)}
      </span>
    </div>`}#i(e,n){let r=v(n,e.highlight?.event);return s`<li class=${r?`chosen`:``} data-kind=${n.kind}>
      <button
        type="button"
        class="event"
        aria-pressed=${r}
        @click=${()=>m(n,this.session,this.map)}
      >
        <span class="event-head">
          ${Q(n.kind)}
          <strong>${Z[n.kind]}</strong>
          <span class="number">step ${t(n.step)}</span>
        </span>
        <span class="event-text">${c(n.text,se)}</span>
        <span class="event-foot muted">
          <span class="confidence"><i style="width:${ue(n)}%"></i></span>
          confidence ${o(n.confidence)}
        </span>
      </button>
      ${r?this.#a(e,n):a}
    </li>`}#a(e,n){let r=x(n,e.step),i=(i,a)=>{let o=ee(e,n,i);return s`<button
        type="button"
        class="button"
        aria-pressed=${r===i}
        ?disabled=${!o}
        title=${o?``:`TensorBoard has not kept this step.`}
        @click=${()=>u(n,i,this.session)}
      >
        ${i===`before`?`Before`:`After`} <span class="muted">${t(a)}</span>
      </button>`};return s`<div class="sides" role="group" aria-label="Before and after the event">
      ${i(`before`,n.beforeStep)} ${i(`after`,n.step)}
    </div>`}#o(e){this.#e=e,this.update()}#s(){this.#t=!0,this.update()}};function ue({confidence:e}){return 100*Math.min(1,Math.max(0,e))}function de(e){let t={ArrowDown:1,ArrowUp:-1}[e.key],n=e.currentTarget,r=e.target.closest(`.event`);if(t===void 0||r===null)return;let i=[...n.querySelectorAll(`.event`)];i[i.indexOf(r)+t]?.focus(),e.preventDefault()}function fe({kept:e}){return s`<div class="no-events">
    <p><strong>No events.</strong></p>
    <p class="muted">
      ${e<2?`Events are what differs between two checkpoints, and there is only one yet.`:`No concept was born, merged, split or ended between the ${t(e)} steps.`}
    </p>
  </div>`}function pe(){return s`<div class="no-events">
    <p><strong>Events were not recorded in this run.</strong></p>
    <p class="muted">
      Atlases written by this version trace concepts from checkpoint to checkpoint on their own. For
      a log of before, <code>tensorboard-atlas evolve LOGDIR</code> works them out.
    </p>
  </div>`}var $=.03,me=8;function he(e,t){let n=new Map;for(let t of e)n.set(t.step,[...n.get(t.step)??[],t]);let r=Math.max(1,t.length-1),i=[];for(let[e,a]of n){let n=t.indexOf(e),[o]=a;if(n<0||o===void 0)continue;let s=n/r;i.some(e=>Math.abs(e.at-s)<$)||i.push({event:o,events:a,at:s})}return i}function ge({history:e,series:t,highlight:n,step:r},i){let o=he(e?.events??[],t?.steps??[]);return o.length===0?a:s`<span class="event-marks" aria-hidden="true">
    ${o.map(({event:e,events:t,at:a})=>s`<button
          type="button"
          tabindex="-1"
          class="event-mark ${e.step===r?`here`:``} ${t.some(e=>v(e,n?.event))?`chosen`:``}"
          data-kind=${e.kind}
          data-step=${e.step}
          style="left:${100*a}%"
          title=${_e(t)}
          @click=${()=>i(e)}
        >
          ${Q(e.kind)}
        </button>`)}
  </span>`}function _e(n){let r=n.slice(0,me).map(({kind:e,text:t})=>`${Z[e]}: ${c(t,120)}`),i=n.length-r.length,a=i>0?[`and ${e(i,`event`)} more`]:[];return[`Step ${t(n[0]?.step??0)}`,...r,...a].join(`
`)}var ve=i` .glyph{width:18px;height:18px;flex:none;fill:none;stroke:currentColor;stroke-width:2.2;stroke-linecap:round;}.glyph circle{fill:currentColor;stroke:none;}.event-marks{position:absolute;left:8px;right:8px;top:-10px;height:0;}.event-mark{position:absolute;display:grid;place-items:center;width:24px;height:20px;margin-left:-12px;border-radius:4px;color:var(--muted);z-index:1;}.event-mark:hover{background:var(--control);color:var(--text);}.event-mark.here{color:var(--accent);}.event-mark.chosen{color:var(--accent);background:var(--accent-soft);box-shadow:inset 0 0 0 1px var(--accent);}.events{flex:none;width:312px;padding:8px 16px 16px;display:flex;flex-direction:column;gap:8px;overflow:auto;background:var(--surface);border-right:1px solid var(--line);line-height:1.4;}.events h2{font-size:15px;font-weight:500;margin:0;}.events p{margin:0;}@media (max-width:900px){.events{position:absolute;inset:0 auto 0 0;max-width:100%;z-index:5;box-shadow:var(--shadow);}}.events-head{display:flex;align-items:center;justify-content:space-between;gap:8px;font-size:12px;}.segments.small label{height:24px;padding:0 8px;font-size:12px;}.event-items{list-style:none;margin:0 -8px;padding:0;display:grid;gap:2px;}.event-items li{border-radius:6px;}.event-items li.chosen{background:var(--accent-soft);box-shadow:inset 3px 0 0 var(--accent);}.event{display:grid;gap:2px;width:100%;padding:8px;border-radius:6px;text-align:left;}.event:hover{background:var(--control);}.event:focus-visible{outline-offset:-2px;}.event-head{display:flex;align-items:center;gap:8px;}.event-head strong{font-weight:500;}.event-head .number{margin-left:auto;color:var(--muted);font-size:12px;}.event-text{padding-left:26px;overflow-wrap:anywhere;}.event-foot{display:flex;align-items:center;gap:8px;padding-left:26px;font-size:11.5px;font-variant-numeric:tabular-nums;}.confidence{width:44px;height:4px;border-radius:2px;background:color-mix(in srgb,var(--muted) 28%,transparent);overflow:hidden;}.confidence i{display:block;height:100%;background:var(--muted);}.sides{display:flex;gap:6px;padding:2px 8px 10px 34px;}.sides .button{flex:1;height:28px;padding:0 8px;white-space:nowrap;}.button[aria-pressed='true']{border-color:var(--accent);color:var(--accent);}.no-events{display:grid;gap:8px;line-height:1.5;}.lifelines{list-style:none;margin:0 -8px;padding:0;}.lifeline{display:grid;grid-template-columns:1fr auto;gap:0 8px;width:100%;padding:5px 8px;border-radius:6px;text-align:left;}.lifeline:hover{background:var(--control);}.lifeline .name{overflow-wrap:anywhere;}.lifeline .muted{grid-column:1 / -1;font-size:12px;}.lifeline[aria-pressed='true']{background:var(--accent-soft);box-shadow:inset 3px 0 0 var(--accent);}.drift-legend{gap:4px;max-width:340px;}.drift-legend strong{font-weight:500;}.drift-legend .muted{font-size:12px;}.drift-key{display:flex;align-items:center;gap:8px;}.drift-key svg{width:36px;height:18px;flex:none;fill:currentColor;}.drift-key .broken{stroke:currentColor;stroke-width:1.4;stroke-dasharray:2 3;fill:none;opacity:0.75;}.top-column{position:absolute;top:12px;left:50%;translate:-50%;display:flex;flex-direction:column;align-items:center;gap:8px;max-width:calc(100% - 24px);z-index:2;pointer-events:none;}.top-column > *{pointer-events:auto;}@media (min-width:900px){.stage:has(.inspector) .top-column{left:calc(50% - 166px);max-width:calc(100% - 356px);}}.highlight-pill{display:flex;align-items:center;gap:8px;padding:2px 4px 2px 14px;border-radius:20px;border:1px solid var(--accent);overflow-wrap:anywhere;}.highlight-pill strong{font-weight:500;margin-right:4px;}`,ye=class{session;map;static styles=[ve];#e;constructor(e,t,n){this.session=e,this.map=t,this.#e=new le(e,t,n),new te(e)}layers(e){let{highlight:t,drift:n}=e,r=[];return t!==null&&r.push((e,n)=>z(e,n,g(t,n.atlas.step))),n&&r.push((t,n)=>{let r=W(e,n.atlas,n.level);typeof r!=`string`&&A(t,n,r)}),r}legends(e,t,n){return e.drift?K(e,t,n):a}sentence(e,t){let{atlas:n,shownLevel:r,drift:i,highlight:a}=e,o=n?.levels.find(({size:e})=>e===r);if(!n||!o)return null;if(a!==null&&a!==t.highlight)return ne(n,o,a);if(!i||t.drift&&e.other===t.other)return null;let s=W(e,n,o);return typeof s==`string`?s:G(e,s)}marks(e){return ge(e,e=>m(e,this.session,this.map))}rail(e){return this.#e.render(e)}top(e){let{highlight:t}=e,n=d(e),r=n?.levels.find(({size:t})=>t===e.shownLevel);return s`<div class="top-column">
      ${t&&n&&r?ie(n,r,t,this.session):a}
    </div>`}};export{ye as Evolution};