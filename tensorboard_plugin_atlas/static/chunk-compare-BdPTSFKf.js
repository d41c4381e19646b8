import{C as e,D as t,E as i,M as n,O as l,P as a,Q as r,S as s,T as o,Vt as c,Yt as d,ar as p,b as f,bn as h,fr as u,in as g,it as m,j as b,k as y,kt as x,lt as v,mr as w,pr as $,rn as k,rr as S,w as A,x as M,y as B}from"./chunk-shared-BSwaJvbm.js";import{B as R,L as T,O as D,R as L,V as j,k as z,z as P}from"./chunk-shell-D_FVFRh_.js";var N="600 11px Roboto, system-ui, sans-serif";function C(e,{theme:t},i,n,l){e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(n,l-10,e.measureText(i).width+12,20,4),e.fill(),e.fillStyle=t.label,e.fillText(i,n+6,l+.5)}var W={difference:"Difference",swipe:"Swipe",blink:"Blink"},J={true:"significant",false:"not significant",null:"unknown"},F=class{constructor(e,t){this.session=e,this.map=t}overlays(e){let{compareMode:t,compare:i,step:n,flipped:a}=e;if(null===i||a||"blink"===t)return[];if("swipe"===t){let[t,l]=[`A \xb7 step ${c(i)}`,`B \xb7 step ${c(n??0)}`];return[(i,n)=>(function(e,t,i,n,l){let{viewport:a,theme:r}=t;e.fillStyle=`rgb(${r.ground.join()})`,e.fillRect(i-2.5,0,5,a.height),e.fillStyle=r.accent,e.fillRect(i-1,0,2,a.height),e.font=N,e.textBaseline="middle",C(e,t,n,i-10-e.measureText(n).width-12,72),C(e,t,l,i+10,72)})(i,n,P(e,n.viewport),t,l)]}return[(t,i)=>{let n=B(e,i.atlas,i.level);"string"!=typeof n&&function(e,t,i){let{changes:n,gained:a,lost:r}=i,{viewport:s,theme:o,camera:c,level:d}=t;e.globalAlpha=.8,e.fillStyle=`rgb(${o.ground.join()})`,e.fillRect(0,0,s.width,s.height);let f=p(c,s)/d.size,h=Math.max(a,r),u=S(c,s,{x:0,y:0});for(let a of(e.font=N,e.textAlign="center",e.textBaseline="middle",n)){let n=u.x+a.col*f,r=u.y+a.row*f;if(n>s.width||r>s.height||n+f<0||r+f<0)continue;e.globalAlpha=!1===a.significant?.35:1,function(e,{theme:t},{drawn:i},n,l,a){"both"!==i&&(e.strokeStyle=t.label,e.lineWidth=1.3,e.setLineDash("a"===i?[3,3]:[]),e.strokeRect(n+2,l+2,a-4,a-4),"b"===i&&e.strokeRect(n+5,l+5,a-10,a-10),e.setLineDash([]))}(e,t,a,n,r,f);let o=l(i,a.gain);!function(e,{theme:t},i,n,{x:l,y:a,side:r,most:s}){if(0===i)return;let o=Math.max(1.5,.84*r*Math.sqrt(Math.abs(i)/s)/2);if(i>0)e.fillStyle=t.gain,e.fillRect(l-o,a-o,2*o,2*o);else{e.strokeStyle=t.loss;let i=Math.min(3,o);e.lineWidth=i,e.strokeRect(l-o+i/2,a-o+i/2,2*o-i,2*o-i)}if(r<34)return;let c=o<12&&o<r/2-11-6?a+r/2-11:a;e.lineWidth=3,e.lineJoin="round",e.strokeStyle=`rgb(${t.ground.join()})`,e.strokeText(n,l,c),e.fillStyle=t.label,e.fillText(n,l,c)}(e,t,a.gain,o,{x:n+f/2,y:r+f/2,side:f,most:h})}e.globalAlpha=1,e.textAlign="start"}(t,i,n)}]}legend(e,i,n){let{compare:a,compareMode:r,flipped:s}=e;return s||null===a||"difference"!==r?u:function(e,i,n,a){let r=B(e,i,n);if("string"==typeof r)return $`<aside class="legend panel" aria-label="Difference"><p>${r}</p></aside>`;let{gained:s,lost:o,onlyA:d,onlyB:p,toward:h}=r;return $`<aside class="legend panel drift-legend" aria-label="Difference">
    <p><strong>${f(e,r)}</strong></p>
    <ul class="difference-key">
      <li><i class="gain"></i>more in B: up to ${l(r,s)}</li>
      <li><i class="loss"></i>${null===h?"fewer":"less"} in B: to ${l(r,-o)}</li>
      <li><i class="only-a"></i>cell in A only: ${c(d)}</li>
      <li><i class="only-b"></i>cell in B only: ${c(p)}</li>
    </ul>
    <p class="muted">${function({changes:e,moved:t,toward:i}){return null===i?0===t?"":e.every(({significant:e})=>null===e)?"No noise floor was recorded.":e.some(({significant:e})=>!1===e)?"Pale: most samples that came or left moved less than the noise floor.":"In every cell, most samples that came or left moved farther than the noise floor.":e.some(({significant:e})=>null!==e)?"Pale: within two standard errors.":"Standard errors were not recorded."}(r)} ${t(e)}</p>
    ${s+o>0?$`<details class="changes">
    <summary>Largest changes</summary>
    <table>
      <thead>
        <tr><th scope="col">Cell</th><th scope="col">${null===r.toward?"Samples":"Logits"}</th><th scope="col">Significance</th></tr>
      </thead>
      <tbody>
        ${y(r,8).map(e=>$`<tr>
            <td>
              <button type="button" class="link" @click=${()=>a(e)}>
                row ${e.row+1}, column ${e.col+1}
              </button>
            </td>
            <td class="number">${l(r,e.gain)}</td>
            <td>${J[String(e.significant)]}</td>
          </tr>`)}
      </tbody>
    </table>
  </details>`:u}
  </aside>`}(e,i,n,this.#e(n))}#e({size:e}){return({row:t,col:i})=>{let{store:n}=this.session,l={size:e,row:t,col:i};n.set({pinned:l,hover:null}),this.map.flyTo({...x(l),z:n.state.camera.z})}}announce(e,t){let{atlas:i,shownLevel:n,flipped:l}=e,a=h(i,n);if(!i||!a)return null;if(l!==t.flipped)return l?"A is shown":"B is shown";if("difference"!==T(e))return null;let r=i!==t.atlas&&!e.playing;if("difference"===T(t)&&e.other===t.other&&!r)return null;let s=B(e,i,a);return"string"==typeof s?s:f(e,s)}strip(e){return function(e,t){let{compare:i,compareMode:n,series:l,step:r,flipped:s,otherFailure:o}=e;if(null===i||null===l)return u;let{store:p}=t;return $`<section class="bar compare-bar" aria-label="Comparison of two steps">
    <span class="field">
      <b class="side-mark">A</b>
      <select
        id="compare-a"
        aria-label="Step A"
        @change=${e=>L(t,Number(e.target.value))}
      >
        ${l.steps.map(e=>$`<option value=${e} .selected=${e===i}>step ${c(e)}</option>`)}
      </select>
    </span>
    ${d({icon:"swap",name:"Swap A and B",key:"x",press:()=>j(t)})}
    <span><b class="side-mark">B</b> step ${c(r??0)}</span>
    ${a("How to compare","compare-mode",k,e=>W[e],n,e=>p.set({compareMode:e,flipped:!1}))}
    ${"blink"===n?$`<button
            type="button"
            class="button"
            aria-pressed=${s}
            title="Or hold b"
            @click=${()=>R(t,!s)}
          >
            Show A
          </button>`:u}
    ${null===o?u:$`<p class="compare-failure">A cannot be shown: ${o.message}</p>`}
    ${d({icon:"close",name:"End the comparison",key:"c",press:()=>L(t,null)})}
  </section>`}(e,this.session)}mapControls(e){return function(e,t){let{compare:i,compareMode:n,flipped:l,divider:a}=e;return null===i||"swipe"!==n||l?u:$`<input
    class="divider"
    type="range"
    aria-label="Divider between A and B"
    aria-valuetext="${Math.round(100*a)} percent A"
    min="0"
    max=${200}
    .value=${String(Math.round(200*a))}
    @input=${e=>t.store.set({divider:Number(e.target.value)/200})}
  />`}(e,this.session)}},I=w`<path class="solid" d="M2 8.6 24 6v-4l10 7-10 7v-4L2 9.4z" />`,O=w`<path class="broken" d="M2 9h28" /><circle cx="32" cy="9" r="2" />`;function V(e,t){return $`<p class="drift-key">
    <svg viewBox="0 0 36 18" aria-hidden="true">${e}</svg> ${t}
  </p>`}var E=class{constructor(e,t){this.session=e,this.nearest=t}ready({drift:e}){return"activation"!==e||this.nearest.idle}overlays({drift:e,flipped:t}){return!e||t?[]:[(e,t)=>{let{state:i}=this.session.store,l=s(i,t.atlas,t.level,this.nearest);"string"!=typeof l&&("from"in l?function(e,t,i){let{viewport:l,theme:a}=t;e.globalAlpha=.5,e.fillStyle=`rgb(${a.ground.join()})`,e.fillRect(0,0,l.width,l.height),e.globalAlpha=1;let r=function(e,t){let{from:i,to:l}=t,{camera:a,viewport:r}=e,s=(e,t)=>S(a,r,{x:e[2*t],y:e[2*t+1]}),o=({x:e,y:t})=>e>0&&t>0&&e<r.width&&t<r.height;return Array.from({length:l.length/2},(e,a)=>({from:s(i,a),to:s(l,a),significant:n(t,a)})).filter(e=>o(e.from)||o(e.to))}(t,i);for(let i of r)i.significant||function(e,{theme:t},{from:i,to:n}){e.globalAlpha=.6,e.strokeStyle=t.label,e.fillStyle=t.label,e.lineWidth=1.2,e.setLineDash([2,3]),e.beginPath(),e.moveTo(i.x,i.y),e.lineTo(n.x,n.y),e.stroke(),e.setLineDash([]),e.beginPath(),e.arc(n.x,n.y,1.8,0,2*Math.PI),e.fill(),e.globalAlpha=1}(e,t,i);for(let i of r)i.significant&&function(e,{theme:t},{from:i,to:n}){let l=Math.hypot(n.x-i.x,n.y-i.y);e.fillStyle=t.label,e.strokeStyle=`rgb(${t.ground.join()})`,e.lineWidth=3,e.lineJoin="round",e.beginPath(),l<5?e.arc(n.x,n.y,3,0,2*Math.PI):function(e,t,i,n){let l=Math.min(1,.45+.55*n/26),a=(i.x-t.x)/n,r=(i.y-t.y)/n,s=Math.min(.7*n,11*l),o={x:i.x-a*s,y:i.y-r*s},c=(t,i)=>e.lineTo(t.x-r*i*l,t.y+a*i*l);c(t,.7),c(o,2.1),c(o,5.6),e.lineTo(i.x,i.y),c(o,-5.6),c(o,-2.1),c(t,-.7)}(e,i,n,l),e.closePath(),e.stroke(),e.fill()}(e,t,i)}(e,t,l):function(e,t,i){let{values:l,most:a}=i;e.lineJoin="miter",z(t,(r,s,o,c)=>{let d=l[r],p=n(i,r);if(e.fillStyle=`rgb(${t.theme.ground.join()})`,e.globalAlpha=.72*!p,e.fillRect(s,o,c,c),Number.isNaN(d))return;let f=Math.max(2,c*(p?.15:.06));e.globalAlpha=p?1:.6,e.strokeStyle=`rgb(${v(d/(a||1)).join()})`,e.lineWidth=f,e.strokeRect(s+1+f/2,o+1+f/2,c-f-2,c-f-2),e.globalAlpha=1,c>=44&&D(e,t,b(d,a),s+c-1,o+1)}),e.globalAlpha=1}(e,t,l))}]}legend({drift:e,flipped:n},l,r){return!e||n?u:function({store:e},n,l,r){let{state:c}=e,d=s(c,n,l,r);return $`<aside class="legend panel drift-legend" aria-label="Drift">
    ${a("Drift of","drift",g,e=>M[e].name,c.drift||"on",t=>e.set({drift:t}))}
    ${"string"==typeof d?$`<p>${d}</p>`:function(e,n){let{mean:l,most:a,beyondShare:r,beyond:s}=n,c="from"in n;return $`<p><strong>${i(e,n)}</strong></p>
    ${c?$`${null===s?u:V(I,"most samples moved farther than the noise floor")}
  ${V(O,null===s?"significance unknown":"not significant")}`:function(e,{most:t,note:i=""}){return $`<div class="scale">
      <span>0</span>
      <i style="background:${m}"></i>
      <span>${b(t,t)}</span>
    </div>
    <p class="muted">${A(e).color}. Thin and pale: not significant.${i}</p>`}(e,n)}
    <p class="muted">
      ${o(e,l,a,"on average",r)}
      ${null===s?"No noise floor was recorded for this step, so significance is unknown. This version records one from the second checkpoint on.":u}
      ${c?t(e):u}
    </p>`}(c,d)}
  </aside>`}(this.session,l,r,this.nearest)}announce(e,t){let{atlas:n,shownLevel:l}=e,a=h(n,l),r=T(e);if(!n||!a||""===r||"difference"===r||r===T(t)&&e.other===t.other)return null;let o=s(e,n,a,this.nearest);return"string"==typeof o?o:i(e,o)}inspectorSection(e){return this.cardLine(e)}cardLine({state:t,atlas:i,level:n,facts:l,nearest:a}){let o=r(t);if(null===o||o===i)return u;let c=s(t,i,n,a);return"string"==typeof c?u:$`<p>${e(t,c,l.cell)}</p>`}},_={styles:".compare-bar{border-bottom:1px solid var(--line);flex-wrap:wrap;gap:6px 12px;padding:5px 16px}.compare-bar>:last-child{margin-left:auto}.compare-bar select{background-position:calc(100% - 16px) 11px,calc(100% - 11px) 11px;min-width:0;height:28px}.compare-failure{color:var(--bad)}.divider{appearance:none;pointer-events:none;z-index:1;background:0 0;width:100%;height:100%;margin:0;position:absolute;inset:0}.divider:focus-visible{outline-offset:-2px}.divider::-webkit-slider-thumb{appearance:none;pointer-events:auto;border:2px solid var(--surface);background:var(--accent);width:24px;height:56px;box-shadow:var(--shadow);cursor:ew-resize;border-radius:12px}.divider::-moz-range-thumb{pointer-events:auto;border:2px solid var(--surface);background:var(--accent);cursor:ew-resize;border-radius:12px;width:20px;height:52px}.difference-key{grid-template-columns:auto auto;gap:4px 16px;display:grid}.difference-key li{align-items:center;gap:8px;display:flex}.difference-key i{border:0 solid var(--text);flex:none;width:14px;height:14px}.difference-key .gain{background:var(--gain)}.difference-key .loss{border:3px solid var(--loss)}.difference-key .only-a{border:1.5px dashed var(--text)}.difference-key .only-b{border:4px double var(--text)}.changes th{color:var(--muted);font-weight:500}.changes td,.changes th{height:24px;padding:0 12px 0 0}",create:({session:e,map:t})=>new F(e,t)},q={styles:".drift-key{align-items:center;gap:8px;display:flex}.drift-key svg{fill:currentColor;flex:none;width:36px;height:18px}.drift-key .broken{stroke:currentColor;stroke-width:1.4px;stroke-dasharray:2 3;fill:none;opacity:.75}",create:({session:e,nearest:t})=>new E(e,t)};export{_ as compare,q as drift};