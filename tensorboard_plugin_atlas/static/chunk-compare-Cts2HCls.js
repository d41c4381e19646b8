import{$ as e,At as t,C as i,D as n,E as l,Ht as a,M as r,O as s,P as o,S as c,T as d,Xt as p,an as f,at as h,b as u,hr as g,in as m,ir as b,j as y,k as x,mr as v,or as w,pr as $,ut as k,w as S,x as A,xn as M,y as B}from"./chunk-shared-Cte8lVvY.js";import{B as R,L as T,O as D,R as L,V as j,k as z,z as P}from"./chunk-shell-4BsR2oD5.js";var C="600 11px Roboto, system-ui, sans-serif";function N(e,{theme:t},i,n,l){e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(n,l-10,e.measureText(i).width+12,20,4),e.fill(),e.fillStyle=t.label,e.fillText(i,n+6,l+.5)}var W={difference:"Difference",swipe:"Swipe",blink:"Blink"},I={true:"significant",false:"not significant",null:"unknown"},J=class{constructor(e,t){this.session=e,this.map=t}overlays(e){let{compareMode:t,compare:i,step:n,flipped:l}=e;if(null===i||l||"blink"===t)return[];if("swipe"===t){let[t,l]=[`A \xb7 step ${a(i)}`,`B \xb7 step ${a(n??0)}`];return[(i,n)=>(function(e,t,i,n,l){let{viewport:a,theme:r}=t;e.fillStyle=`rgb(${r.ground.join()})`,e.fillRect(i-2.5,0,5,a.height),e.fillStyle=r.accent,e.fillRect(i-1,0,2,a.height),e.font=C,e.textBaseline="middle",N(e,t,n,i-10-e.measureText(n).width-12,72),N(e,t,l,i+10,72)})(i,n,P(e,n.viewport),t,l)]}return[(t,i)=>{let n=B(e,i.atlas,i.level);"string"!=typeof n&&function(e,t,i){let{changes:n,gained:l,lost:a}=i,{viewport:r,theme:o,camera:c,level:d}=t;e.globalAlpha=.8,e.fillStyle=`rgb(${o.ground.join()})`,e.fillRect(0,0,r.width,r.height);let p=w(c,r)/d.size,f=Math.max(l,a),h=b(c,r,{x:0,y:0});for(let l of(e.font=C,e.textAlign="center",e.textBaseline="middle",n)){let n=h.x+l.col*p,a=h.y+l.row*p;if(n>r.width||a>r.height||n+p<0||a+p<0)continue;e.globalAlpha=!1===l.significant?.35:1,function(e,{theme:t},{drawn:i},n,l,a){"both"!==i&&(e.strokeStyle=t.label,e.lineWidth=1.3,e.setLineDash("a"===i?[3,3]:[]),e.strokeRect(n+2,l+2,a-4,a-4),"b"===i&&e.strokeRect(n+5,l+5,a-10,a-10),e.setLineDash([]))}(e,t,l,n,a,p);let o=s(i,l.gain);!function(e,{theme:t},i,n,{x:l,y:a,side:r,most:s}){if(0===i)return;let o=Math.max(1.5,.84*r*Math.sqrt(Math.abs(i)/s)/2);if(i>0)e.fillStyle=t.gain,e.fillRect(l-o,a-o,2*o,2*o);else{e.strokeStyle=t.loss;let i=Math.min(3,o);e.lineWidth=i,e.strokeRect(l-o+i/2,a-o+i/2,2*o-i,2*o-i)}if(r<34)return;let c=o<12&&o<r/2-11-6?a+r/2-11:a;e.lineWidth=3,e.lineJoin="round",e.strokeStyle=`rgb(${t.ground.join()})`,e.strokeText(n,l,c),e.fillStyle=t.label,e.fillText(n,l,c)}(e,t,l.gain,o,{x:n+p/2,y:a+p/2,side:p,most:f})}e.globalAlpha=1,e.textAlign="start"}(t,i,n)}]}legend(e,t,i){let{compare:l,compareMode:r,flipped:o}=e;return o||null===l||"difference"!==r?$:function(e,t,i,l){let r=B(e,t,i);if("string"==typeof r)return v`<aside class="legend panel" aria-label="Difference"><p>${r}</p></aside>`;let{gained:o,lost:c,onlyA:d,onlyB:p,toward:f}=r;return v`<aside class="legend panel drift-legend" aria-label="Difference">
    <p><strong>${u(e,r)}</strong></p>
    <ul class="difference-key">
      <li><i class="gain"></i>more in B: up to ${s(r,o)}</li>
      <li><i class="loss"></i>${null===f?"fewer":"less"} in B: to ${s(r,-c)}</li>
      <li><i class="only-a"></i>cell in A only: ${a(d)}</li>
      <li><i class="only-b"></i>cell in B only: ${a(p)}</li>
    </ul>
    <p class="muted">${function({changes:e,moved:t,toward:i}){return null===i?0===t?"":e.every(({significant:e})=>null===e)?"No noise floor was recorded.":e.some(({significant:e})=>!1===e)?"Pale: most samples that came or left moved less than the noise floor.":"In every cell, most samples that came or left moved farther than the noise floor.":e.some(({significant:e})=>null!==e)?"Pale: within two standard errors.":"Standard errors were not recorded."}(r)} ${n(e)}</p>
    ${o+c>0?v`<details class="changes">
    <summary>Largest changes</summary>
    <table>
      <thead>
        <tr><th scope="col">Cell</th><th scope="col">${null===r.toward?"Samples":"Logits"}</th><th scope="col">Significance</th></tr>
      </thead>
      <tbody>
        ${x(r,8).map(e=>v`<tr>
            <td>
              <button type="button" class="link" @click=${()=>l(e)}>
                row ${e.row+1}, column ${e.col+1}
              </button>
            </td>
            <td class="number">${s(r,e.gain)}</td>
            <td>${I[String(e.significant)]}</td>
          </tr>`)}
      </tbody>
    </table>
  </details>`:$}
  </aside>`}(e,t,i,this.#e(i))}#e({size:e}){return({row:i,col:n})=>{let{store:l}=this.session,a={size:e,row:i,col:n};l.set({pinned:a,hover:null}),this.map.flyTo({...t(a),z:l.state.camera.z})}}announce(e,t){let{atlas:i,shownLevel:n,flipped:l}=e,a=M(i,n);if(!i||!a)return null;if(l!==t.flipped)return l?"A is shown":"B is shown";if("difference"!==T(e))return null;let r=i!==t.atlas&&!e.playing;if("difference"===T(t)&&e.other===t.other&&!r)return null;let s=B(e,i,a);return"string"==typeof s?s:u(e,s)}strip(e){return function(e,t){let{compare:i,compareMode:n,series:l,step:r,flipped:s,otherFailure:c}=e;if(null===i||null===l)return $;let{store:d}=t;return v`<section class="bar compare-bar" aria-label="Comparison of two steps">
    <span class="field">
      <b class="side-mark">A</b>
      <select
        id="compare-a"
        aria-label="Step A"
        @change=${e=>L(t,Number(e.target.value))}
      >
        ${l.steps.map(e=>v`<option value=${e} .selected=${e===i}>step ${a(e)}</option>`)}
      </select>
    </span>
    ${p({icon:"swap",name:"Swap A and B",key:"x",press:()=>j(t)})}
    <span><b class="side-mark">B</b> step ${a(r??0)}</span>
    ${o("How to compare","compare-mode",m,e=>W[e],n,e=>d.set({compareMode:e,flipped:!1}))}
    ${"blink"===n?v`<button
            type="button"
            class="button"
            aria-pressed=${s}
            title="Or hold b"
            @click=${()=>R(t,!s)}
          >
            Show A
          </button>`:$}
    ${null===c?$:v`<p class="compare-failure">A cannot be shown: ${c.message}</p>`}
    ${p({icon:"close",name:"End the comparison",key:"c",press:()=>L(t,null)})}
  </section>`}(e,this.session)}mapControls(e){return function(e,t){let{compare:i,compareMode:n,flipped:l,divider:a}=e;return null===i||"swipe"!==n||l?$:v`<input
    class="divider"
    type="range"
    aria-label="Divider between A and B"
    aria-valuetext="${Math.round(100*a)} percent A"
    min="0"
    max=${200}
    .value=${String(Math.round(200*a))}
    @input=${e=>t.store.set({divider:Number(e.target.value)/200})}
  />`}(e,this.session)}},O=g`<path class="solid" d="M2 8.6 24 6v-4l10 7-10 7v-4L2 9.4z" />`,E=g`<path class="broken" d="M2 9h28" /><circle cx="32" cy="9" r="2" />`;function H(e,t){return v`<p class="drift-key">
    <svg viewBox="0 0 36 18" aria-hidden="true">${e}</svg> ${t}
  </p>`}var V=class{constructor(e,t){this.session=e,this.nearest=t}ready({drift:e}){return"activation"!==e||this.nearest.idle}overlays({drift:e,flipped:t}){return!e||t?[]:[(e,t)=>{let{state:i}=this.session.store,n=c(i,t.atlas,t.level,this.nearest);"string"!=typeof n&&("from"in n?function(e,t,i){let{viewport:n,theme:l}=t;e.globalAlpha=.5,e.fillStyle=`rgb(${l.ground.join()})`,e.fillRect(0,0,n.width,n.height),e.globalAlpha=1;let a=function(e,t){let{from:i,to:n}=t,{camera:l,viewport:a}=e,s=(e,t)=>b(l,a,{x:e[2*t],y:e[2*t+1]}),o=({x:e,y:t})=>e>0&&t>0&&e<a.width&&t<a.height;return Array.from({length:n.length/2},(e,l)=>({from:s(i,l),to:s(n,l),significant:r(t,l)})).filter(e=>o(e.from)||o(e.to))}(t,i);for(let i of a)i.significant||function(e,{theme:t},{from:i,to:n}){e.globalAlpha=.6,e.strokeStyle=t.label,e.fillStyle=t.label,e.lineWidth=1.2,e.setLineDash([2,3]),e.beginPath(),e.moveTo(i.x,i.y),e.lineTo(n.x,n.y),e.stroke(),e.setLineDash([]),e.beginPath(),e.arc(n.x,n.y,1.8,0,2*Math.PI),e.fill(),e.globalAlpha=1}(e,t,i);for(let i of a)i.significant&&function(e,{theme:t},{from:i,to:n}){let l=Math.hypot(n.x-i.x,n.y-i.y);e.fillStyle=t.label,e.strokeStyle=`rgb(${t.ground.join()})`,e.lineWidth=3,e.lineJoin="round",e.beginPath(),l<5?e.arc(n.x,n.y,3,0,2*Math.PI):function(e,t,i,n){let l=Math.min(1,.45+.55*n/26),a=(i.x-t.x)/n,r=(i.y-t.y)/n,s=Math.min(.7*n,11*l),o={x:i.x-a*s,y:i.y-r*s},c=(t,i)=>e.lineTo(t.x-r*i*l,t.y+a*i*l);c(t,.7),c(o,2.1),c(o,5.6),e.lineTo(i.x,i.y),c(o,-5.6),c(o,-2.1),c(t,-.7)}(e,i,n,l),e.closePath(),e.stroke(),e.fill()}(e,t,i)}(e,t,n):function(e,t,i){let{values:n,most:l}=i;e.lineJoin="miter",z(t,(a,s,o,c)=>{let d=n[a],p=r(i,a);if(e.fillStyle=`rgb(${t.theme.ground.join()})`,e.globalAlpha=.72*!p,e.fillRect(s,o,c,c),Number.isNaN(d))return;let f=Math.max(2,c*(p?.15:.06));e.globalAlpha=p?1:.6,e.strokeStyle=`rgb(${k(d/(l||1)).join()})`,e.lineWidth=f,e.strokeRect(s+1+f/2,o+1+f/2,c-f-2,c-f-2),e.globalAlpha=1,c>=44&&D(e,t,y(d,l),s+c-1,o+1)}),e.globalAlpha=1}(e,t,n))}]}legend({drift:e,flipped:t},i,a){return!e||t?$:function({store:e},t,i,a){let{state:r}=e,s=c(r,t,i,a);return v`<aside class="legend panel drift-legend" aria-label="Drift">
    ${o("Drift of","drift",f,e=>A[e].name,r.drift||"on",t=>e.set({drift:t}))}
    ${"string"==typeof s?v`<p>${s}</p>`:function(e,t){let{mean:i,most:a,beyondShare:r,beyond:s}=t,o="from"in t;return v`<p><strong>${l(e,t)}</strong></p>
    ${o?v`${null===s?$:H(O,"most samples moved farther than the noise floor")}
  ${H(E,null===s?"significance unknown":"not significant")}`:function(e,{most:t,note:i=""}){return v`<div class="scale">
      <span>0</span>
      <i style="background:${h}"></i>
      <span>${y(t,t)}</span>
    </div>
    <p class="muted">${S(e).color}. Thin and pale: not significant.${i}</p>`}(e,t)}
    <p class="muted">
      ${d(e,i,a,"on average",r)}
      ${null===s?"No noise floor was recorded for this step, so significance is unknown. This version records one from the second checkpoint on.":$}
      ${o?n(e):$}
    </p>`}(r,s)}
  </aside>`}(this.session,i,a,this.nearest)}announce(e,t){let{atlas:i,shownLevel:n}=e,a=M(i,n),r=T(e);if(!i||!a||""===r||"difference"===r||r===T(t)&&e.other===t.other)return null;let s=c(e,i,a,this.nearest);return"string"==typeof s?s:l(e,s)}inspectorSection(e){return this.cardLine(e)}cardLine({state:t,atlas:n,level:l,facts:a,nearest:r}){let s=e(t);if(null===s||s===n)return $;let o=c(t,n,l,r);return"string"==typeof o?$:v`<p>${i(t,o,a.cell)}</p>`}},q={styles:".compare-bar{border-bottom:1px solid var(--line);flex-wrap:wrap;gap:6px 12px;padding:5px 16px}.compare-bar>:last-child{margin-left:auto}.compare-bar select{background-position:calc(100% - 16px) 11px,calc(100% - 11px) 11px;min-width:0;height:28px}.compare-failure{color:var(--bad)}.divider{appearance:none;pointer-events:none;z-index:1;background:0 0;width:100%;height:100%;margin:0;position:absolute;inset:0}.divider:focus-visible{outline-offset:-2px}.divider::-webkit-slider-thumb{appearance:none;pointer-events:auto;border:2px solid var(--surface);background:var(--accent);width:24px;height:56px;box-shadow:var(--shadow);cursor:ew-resize;border-radius:12px}.divider::-moz-range-thumb{pointer-events:auto;border:2px solid var(--surface);background:var(--accent);cursor:ew-resize;border-radius:12px;width:20px;height:52px}.difference-key{grid-template-columns:auto auto;gap:4px 16px;display:grid}.difference-key li{align-items:center;gap:8px;display:flex}.difference-key i{border:0 solid var(--text);flex:none;width:14px;height:14px}.difference-key .gain{background:var(--gain)}.difference-key .loss{border:3px solid var(--loss)}.difference-key .only-a{border:1.5px dashed var(--text)}.difference-key .only-b{border:4px double var(--text)}.changes th{color:var(--muted);font-weight:500}.changes td,.changes th{height:24px;padding:0 12px 0 0}",create:({session:e,map:t})=>new J(e,t)},F={styles:".drift-key{align-items:center;gap:8px;display:flex}.drift-key svg{fill:currentColor;flex:none;width:36px;height:18px}.drift-key .broken{stroke:currentColor;stroke-width:1.4px;stroke-dasharray:2 3;fill:none;opacity:.75}",create:({session:e,nearest:t})=>new V(e,t)};export{q as compare,F as drift};