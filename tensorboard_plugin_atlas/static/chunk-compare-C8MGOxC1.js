import{A as e,Bt as t,C as n,D as r,Jt as i,Nt as a,O as o,S as s,T as c,X as l,Yn as u,_ as d,b as f,g as p,h as m,ir as h,nr as g,nt as ee,qn as _,qt as te,rr as v,st as y,un as b,v as x,w as S,x as C,xt as w,y as T}from"./chunk-shared-Clqkak8R.js";import{B as E,D as ne,I as D,L as O,O as re,R as ie,z as ae}from"./chunk-shell-B8Mq4hw2.js";var k=`.compare-bar{border-bottom:1px solid var(--line);flex-wrap:wrap;gap:6px 12px;padding:5px 16px}.compare-bar>:last-child{margin-left:auto}.compare-bar select{background-position:calc(100% - 16px) 11px,calc(100% - 11px) 11px;min-width:0;height:28px}.compare-failure{color:var(--bad)}.divider{appearance:none;pointer-events:none;z-index:1;background:0 0;width:100%;height:100%;margin:0;position:absolute;inset:0}.divider:focus-visible{outline-offset:-2px}.divider::-webkit-slider-thumb{appearance:none;pointer-events:auto;border:2px solid var(--surface);background:var(--accent);width:24px;height:56px;box-shadow:var(--shadow);cursor:ew-resize;border-radius:12px}.divider::-moz-range-thumb{pointer-events:auto;border:2px solid var(--surface);background:var(--accent);cursor:ew-resize;border-radius:12px;width:20px;height:52px}.difference-key{grid-template-columns:auto auto;gap:4px 16px;display:grid}.difference-key li{align-items:center;gap:8px;display:flex}.difference-key i{border:0 solid var(--text);flex:none;width:14px;height:14px}.difference-key .gain{background:var(--gain)}.difference-key .loss{border:3px solid var(--loss)}.difference-key .only-a{border:1.5px dashed var(--text)}.difference-key .only-b{border:4px double var(--text)}.changes th{color:var(--muted);font-weight:500}.changes td,.changes th{height:24px;padding:0 12px 0 0}`,A=.8,j=.35,M=.84,N=34,P=12,F=72,I=6,L=11,R=`600 11px Roboto, system-ui, sans-serif`;function z(e,t,n){let{changes:r,gained:i,lost:a}=n,{viewport:o,theme:s,camera:c,level:l}=t;e.globalAlpha=A,e.fillStyle=`rgb(${s.ground.join()})`,e.fillRect(0,0,o.width,o.height);let d=u(c,o)/l.size,f=Math.max(i,a),p=_(c,o,{x:0,y:0});e.font=R,e.textAlign=`center`,e.textBaseline=`middle`;for(let i of r){let r=p.x+i.col*d,a=p.y+i.row*d;if(r>o.width||a>o.height||r+d<0||a+d<0)continue;e.globalAlpha=i.significant===!1?j:1,B(e,t,i,r,a,d);let s=S(n,i.gain);V(e,t,i.gain,s,{x:r+d/2,y:a+d/2,side:d,most:f})}e.globalAlpha=1,e.textAlign=`start`}function B(e,{theme:t},{drawn:n},r,i,a){n!==`both`&&(e.strokeStyle=t.label,e.lineWidth=1.3,e.setLineDash(n===`a`?[3,3]:[]),e.strokeRect(r+2,i+2,a-4,a-4),n===`b`&&e.strokeRect(r+5,i+5,a-10,a-10),e.setLineDash([]))}function V(e,{theme:t},n,r,{x:i,y:a,side:o,most:s}){if(n===0)return;let c=Math.max(1.5,M*o*Math.sqrt(Math.abs(n)/s)/2);if(n>0)e.fillStyle=t.gain,e.fillRect(i-c,a-c,2*c,2*c);else{e.strokeStyle=t.loss;let n=Math.min(3,c);e.lineWidth=n,e.strokeRect(i-c+n/2,a-c+n/2,2*c-n,2*c-n)}if(o<N)return;let l=c<P&&c<o/2-L-I?a+o/2-L:a;e.lineWidth=3,e.lineJoin=`round`,e.strokeStyle=`rgb(${t.ground.join()})`,e.strokeText(r,i,l),e.fillStyle=t.label,e.fillText(r,i,l)}function H(e,t,n,r,i){let{viewport:a,theme:o}=t;e.fillStyle=`rgb(${o.ground.join()})`,e.fillRect(n-2.5,0,5,a.height),e.fillStyle=o.accent,e.fillRect(n-1,0,2,a.height),e.font=R,e.textBaseline=`middle`,U(e,t,r,n-10-e.measureText(r).width-12,F),U(e,t,i,n+10,F)}function U(e,{theme:t},n,r,i){e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(r,i-10,e.measureText(n).width+12,20,4),e.fill(),e.fillStyle=t.label,e.fillText(n,r+6,i+.5)}var W={difference:`Difference`,swipe:`Swipe`,blink:`Blink`},G=200;function K(n,r){let{compare:i,compareMode:o,series:s,step:c,flipped:l,otherFailure:u}=n;if(i===null||s===null)return g;let{store:d}=r;return v`<section class="bar compare-bar" aria-label="Comparison of two steps">
    <span class="field">
      <b class="side-mark">A</b>
      <select
        id="compare-a"
        aria-label="Step A"
        @change=${e=>O(r,Number(e.target.value))}
      >
        ${s.steps.map(e=>v`<option value=${e} .selected=${e===i}>step ${a(e)}</option>`)}
      </select>
    </span>
    ${t({icon:`swap`,name:`Swap A and B`,key:`x`,press:()=>E(r)})}
    <span><b class="side-mark">B</b> step ${a(c??0)}</span>
    ${e(`How to compare`,`compare-mode`,te,e=>W[e],o,e=>d.set({compareMode:e,flipped:!1}))}
    ${o===`blink`?v`<button
            type="button"
            class="button"
            aria-pressed=${l}
            title="Or hold b"
            @click=${()=>ae(r,!l)}
          >
            Show A
          </button>`:g}
    ${u===null?g:v`<p class="compare-failure">A cannot be shown: ${u.message}</p>`}
    ${t({icon:`close`,name:`End the comparison`,key:`c`,press:()=>O(r,null)})}
  </section>`}function q(e,t){let{compare:n,compareMode:r,flipped:i,divider:a}=e;return n===null||r!==`swipe`||i?g:v`<input
    class="divider"
    type="range"
    aria-label="Divider between A and B"
    aria-valuetext="${Math.round(100*a)} percent A"
    min="0"
    max=${G}
    .value=${String(Math.round(a*G))}
    @input=${e=>t.store.set({divider:Number(e.target.value)/G})}
  />`}var J=8,oe={true:`significant`,false:`not significant`,null:`unknown`};function se(e,t,r,i){let o=m(e,t,r);if(typeof o==`string`)return v`<aside class="legend panel" aria-label="Difference"><p>${o}</p></aside>`;let{gained:s,lost:c,onlyA:l,onlyB:u,toward:d}=o;return v`<aside class="legend panel drift-legend" aria-label="Difference">
    <p><strong>${p(e,o)}</strong></p>
    <ul class="difference-key">
      <li><i class="gain"></i>more in B: up to ${S(o,s)}</li>
      <li><i class="loss"></i>${d===null?`fewer`:`less`} in B: to ${S(o,-c)}</li>
      <li><i class="only-a"></i>cell in A only: ${a(l)}</li>
      <li><i class="only-b"></i>cell in B only: ${a(u)}</li>
    </ul>
    <p class="muted">${ce(o)} ${n(e)}</p>
    ${s+c>0?le(o,i):g}
  </aside>`}function ce({changes:e,moved:t,toward:n}){return n===null?t===0?``:e.every(({significant:e})=>e===null)?`No noise floor was recorded.`:e.some(({significant:e})=>e===!1)?`Pale: most samples that came or left moved less than the noise floor.`:`In every cell, most samples that came or left moved farther than the noise floor.`:e.some(({significant:e})=>e!==null)?`Pale: within two standard errors.`:`Standard errors were not recorded.`}function le(e,t){return v`<details class="changes">
    <summary>Largest changes</summary>
    <table>
      <thead>
        <tr><th scope="col">Cell</th><th scope="col">${e.toward===null?`Samples`:`Logits`}</th><th scope="col">Significance</th></tr>
      </thead>
      <tbody>
        ${c(e,J).map(n=>v`<tr>
            <td>
              <button type="button" class="link" @click=${()=>t(n)}>
                row ${n.row+1}, column ${n.col+1}
              </button>
            </td>
            <td class="number">${S(e,n.gain)}</td>
            <td>${oe[String(n.significant)]}</td>
          </tr>`)}
      </tbody>
    </table>
  </details>`}var ue=class{constructor(e,t){this.session=e,this.map=t}overlays(e){let{compareMode:t,compare:n,step:r,flipped:i}=e;if(n===null||i||t===`blink`)return[];if(t===`swipe`){let[t,i]=[`A · step ${a(n)}`,`B · step ${a(r??0)}`];return[(n,r)=>H(n,r,ie(e,r.viewport),t,i)]}return[(t,n)=>{let r=m(e,n.atlas,n.level);typeof r!=`string`&&z(t,n,r)}]}legend(e,t,n){let{compare:r,compareMode:i,flipped:a}=e;return a||r===null||i!==`difference`?g:se(e,t,n,this.#e(n))}#e({size:e}){return({row:t,col:n})=>{let{store:r}=this.session,i={size:e,row:t,col:n};r.set({pinned:i,hover:null}),this.map.flyTo({...w(i),z:r.state.camera.z})}}announce(e,t){let{atlas:n,shownLevel:r,flipped:i}=e,a=b(n,r);if(!n||!a)return null;if(i!==t.flipped)return i?`A is shown`:`B is shown`;if(D(e)!==`difference`)return null;let o=n!==t.atlas&&!e.playing;if(D(t)===`difference`&&e.other===t.other&&!o)return null;let s=m(e,n,a);return typeof s==`string`?s:p(e,s)}strip(e){return K(e,this.session)}mapControls(e){return q(e,this.session)}},de=`.drift-key{align-items:center;gap:8px;display:flex}.drift-key svg{fill:currentColor;flex:none;width:36px;height:18px}.drift-key .broken{stroke:currentColor;stroke-width:1.4px;stroke-dasharray:2 3;fill:none;opacity:.75}`,fe=.5,pe=5,Y={tail:.7,neck:2.1,head:5.6,length:11},me=26,he=3,X=.6,Z={significant:.15,chance:.06,least:2},ge=.72,_e=44;function ve(e,t,n){let{viewport:r,theme:i}=t;e.globalAlpha=fe,e.fillStyle=`rgb(${i.ground.join()})`,e.fillRect(0,0,r.width,r.height),e.globalAlpha=1;let a=be(t,n);for(let n of a)n.significant||Se(e,t,n);for(let n of a)n.significant&&xe(e,t,n)}function ye(e,t,n){let{values:i,most:a}=n;e.lineJoin=`miter`,re(t,(s,c,l,u)=>{let d=i[s],f=o(n,s);if(e.fillStyle=`rgb(${t.theme.ground.join()})`,e.globalAlpha=f?0:ge,e.fillRect(c,l,u,u),Number.isNaN(d))return;let p=Math.max(Z.least,u*(f?Z.significant:Z.chance));e.globalAlpha=f?1:X,e.strokeStyle=`rgb(${y(d/(a||1)).join()})`,e.lineWidth=p,e.strokeRect(c+1+p/2,l+1+p/2,u-p-2,u-p-2),e.globalAlpha=1,u>=_e&&ne(e,t,r(d,a),c+u-1,l+1)}),e.globalAlpha=1}function be(e,t){let{from:n,to:r}=t,{camera:i,viewport:a}=e,s=(e,t)=>_(i,a,{x:e[2*t],y:e[2*t+1]}),c=({x:e,y:t})=>e>0&&t>0&&e<a.width&&t<a.height;return Array.from({length:r.length/2},(e,i)=>({from:s(n,i),to:s(r,i),significant:o(t,i)})).filter(e=>c(e.from)||c(e.to))}function xe(e,{theme:t},{from:n,to:r}){let i=Math.hypot(r.x-n.x,r.y-n.y);e.fillStyle=t.label,e.strokeStyle=`rgb(${t.ground.join()})`,e.lineWidth=he,e.lineJoin=`round`,e.beginPath(),i<pe?e.arc(r.x,r.y,3,0,2*Math.PI):Q(e,n,r,i),e.closePath(),e.stroke(),e.fill()}function Q(e,t,n,r){let i=Math.min(1,.45+.55*r/me),a=(n.x-t.x)/r,o=(n.y-t.y)/r,s=Math.min(.7*r,Y.length*i),c={x:n.x-a*s,y:n.y-o*s},l=(t,n)=>e.lineTo(t.x-o*n*i,t.y+a*n*i);l(t,Y.tail),l(c,Y.neck),l(c,Y.head),e.lineTo(n.x,n.y),l(c,-Y.head),l(c,-Y.neck),l(t,-Y.tail)}function Se(e,{theme:t},{from:n,to:r}){e.globalAlpha=X,e.strokeStyle=t.label,e.fillStyle=t.label,e.lineWidth=1.2,e.setLineDash([2,3]),e.beginPath(),e.moveTo(n.x,n.y),e.lineTo(r.x,r.y),e.stroke(),e.setLineDash([]),e.beginPath(),e.arc(r.x,r.y,1.8,0,2*Math.PI),e.fill(),e.globalAlpha=1}function Ce({store:t},n,r,a){let{state:o}=t,s=x(o,n,r,a);return v`<aside class="legend panel drift-legend" aria-label="Drift">
    ${e(`Drift of`,`drift`,i,e=>d[e].name,o.drift||`on`,e=>t.set({drift:e}))}
    ${typeof s==`string`?v`<p>${s}</p>`:we(o,s)}
  </aside>`}function we(e,t){let{mean:r,most:i,beyondShare:a,beyond:o}=t,c=`from`in t;return v`<p><strong>${f(e,t)}</strong></p>
    ${c?Te(o):Ee(e,t)}
    <p class="muted">
      ${s(e,r,i,`on average`,a)}
      ${o===null?`No noise floor was recorded for this step, so significance is unknown. This version records one from the second checkpoint on.`:g}
      ${c?n(e):g}
    </p>`}function Te(e){return v`${e===null?g:$(De,`most samples moved farther than the noise floor`)}
  ${$(Oe,e===null?`significance unknown`:`not significant`)}`}function Ee(e,{most:t,note:n=``}){return v`<div class="scale">
      <span>0</span>
      <i style="background:${ee}"></i>
      <span>${r(t,t)}</span>
    </div>
    <p class="muted">${C(e).color}. Thin and pale: not significant.${n}</p>`}var De=h`<path class="solid" d="M2 8.6 24 6v-4l10 7-10 7v-4L2 9.4z" />`,Oe=h`<path class="broken" d="M2 9h28" /><circle cx="32" cy="9" r="2" />`;function $(e,t){return v`<p class="drift-key">
    <svg viewBox="0 0 36 18" aria-hidden="true">${e}</svg> ${t}
  </p>`}var ke=class{constructor(e,t){this.session=e,this.nearest=t}ready({drift:e}){return e!==`activation`||this.nearest.idle}overlays({drift:e,flipped:t}){return!e||t?[]:[(e,t)=>{let{state:n}=this.session.store,r=x(n,t.atlas,t.level,this.nearest);typeof r!=`string`&&(`from`in r?ve(e,t,r):ye(e,t,r))}]}legend({drift:e,flipped:t},n,r){return!e||t?g:Ce(this.session,n,r,this.nearest)}announce(e,t){let{atlas:n,shownLevel:r}=e,i=b(n,r),a=D(e);if(!n||!i||a===``||a===`difference`||a===D(t)&&e.other===t.other)return null;let o=x(e,n,i,this.nearest);return typeof o==`string`?o:f(e,o)}inspectorSection(e){return this.cardLine(e)}cardLine({state:e,atlas:t,level:n,facts:r,nearest:i}){let a=l(e);if(a===null||a===t)return g;let o=x(e,t,n,i);return typeof o==`string`?g:v`<p>${T(e,o,r.cell)}</p>`}},Ae={styles:k,create:({session:e,map:t})=>new ue(e,t)},je={styles:de,create:({session:e,nearest:t})=>new ke(e,t)};export{Ae as compare,je as drift};