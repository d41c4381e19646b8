import{E as e,O as t,S as n,T as r,_ as i,a,b as o,c as s,d as c,f as l,g as u,h as d,i as f,l as p,m,n as h,p as g,t as ee,u as _,v,w as y,x as b,y as x}from"./chunk-api-BNfmm05E.js";import{_ as te,c as S,l as ne,m as re,t as ie,u as ae}from"./chunk-link-Csh3u3zP.js";import{c as oe,d as C,f as w,l as se,n as ce,p as le,r as ue,t as de,u as T}from"./chunk-scene-JCkE3ieN.js";var fe=6,pe=1.5;function E({ids:e,event:t},n){return t===null?e:n>=t.step?t.after:t.before}function me(e,t){return t===e.step?`after`:t===e.beforeStep?`before`:null}function he({series:e},t,n){return e?.steps.includes(ge(t,n))??!1}function ge(e,t){return t===`after`?e.step:e.beforeStep}function _e(e,t){return t.after.length===0&&he(e,t,`before`)?`before`:`after`}function ve(e,t,n){n.store.set({highlight:{ids:e.after,name:e.text,event:e},playing:!1}),n.chooseStep(ge(e,t))}function ye(e,t,n){ve(e,_e(t.store.state,e),t);let{cell:r}=e;if(r===null)return;let{size:i,row:a,col:o}=r;t.store.set({pinned:r,hover:null}),n.flyTo({x:(o+.5)/i,y:(a+.5)/i,z:Math.max(pe,i/fe)})}var D=.3,be=new WeakMap;function O(e,t){let n=be.get(e);return n===void 0&&(n=xe(e.cellOf,e.rows.length),be.set(e,n)),n.order.subarray(n.starts[t],n.starts[t+1])}function xe(e,t){let n=new Int32Array(t+1);for(let t of e)t>=0&&(n[t+1]=n[t+1]+1);for(let e=0;e<t;e++)n[e+1]=n[e+1]+n[e];let r=n.slice(),i=new Int32Array(n[t]);return e.forEach((e,t)=>{e<0||(i[r[e]]=t,r[e]=r[e]+1)}),{order:i,starts:n}}function Se(e,t){let n=new Map;for(let r of t){let t=e[r];n.set(t,(n.get(t)??0)+1)}return[...n].sort(([e,t],[n,r])=>r-t||e-n).map(([e,n])=>({index:e,count:n,share:n/t.length}))}var Ce=new WeakMap;function k(e,t){let n=Ce.get(e)??new Map;Ce.set(e,n);let r=n.get(t);return r===void 0&&(r=we(e,t),n.set(t,r)),r}function we(e,t){let n=e.rows.length,r=new Int32Array(n).fill(-1),i=new Float32Array(n);for(let a=0;a<n;a++){let n=Se(t,O(e,a))[0];n!==void 0&&(r[a]=n.index,i[a]=n.share)}return{index:r,share:i}}function Te(e,t,n,r){let i=p(t,n,r);if(i<0)return null;let a=e.labels??e.predictions,o=t.counts[i],s=t.cosine[i];return{cell:i,row:n,col:r,size:t.size,count:o,share:o/e.count,kind:c(t,i),cosine:Number.isNaN(s)?null:s,mixOf:e.labels?`labels`:e.predictions?`predictions`:null,mix:a?Se(a,O(t,i)):[]}}function Ee(e){let t=new Map,n=0;for(let r=0;r<e.kind.length;r++){let i=c(e,r);i!==`none`&&(t.set(i,(t.get(i)??0)+1),e.cosine[r]<.3&&n++)}return{kinds:[...t].sort(([,e],[,t])=>t-e),weak:n}}function De(e,t,n){let r=0,i=0;for(let n of t)r+=e[2*n]/t.length,i+=e[2*n+1]/t.length;return Oe(t,n,t=>Math.hypot(e[2*t]-r,e[2*t+1]-i))}function Oe(e,t,n){return Array.from(e,e=>({sample:e,value:n(e)})).map(e=>Number.isNaN(e.value)?{...e,value:1/0}:e).sort((e,t)=>e.value===t.value?e.sample-t.sample:e.value-t.value).slice(0,t).map(e=>e.sample)}function ke(e,t,n,r,i){let a=null,o=1/0;for(let s=0;s<e.rows.length;s++){let c=e.rows[s]-t,l=e.cols[s]-n,u=r*l+i*c,d=u+3*(Math.abs(r*c)+Math.abs(i*l));u>0&&d<o&&(o=d,a={row:e.rows[s],col:e.cols[s]})}return a}var Ae=new WeakMap;function je(e,t){let n=Ae.get(e)??new WeakMap;Ae.set(e,n);let r=n.get(t);return r===void 0&&(r=Me(e,t),n.set(t,r)),r}function Me(e,t){return e.manifest.probeDigest===t.manifest.probeDigest?e.count===t.count?e.imageIds.every((e,n)=>e===t.imageIds[n])?null:`The samples of the two steps are not the same ones.`:`One step has ${v(e.count)} samples and the other ${v(t.count)}.`:`The two steps were asked about different probes, so that nothing can be followed.`}function Ne(e,t){return Float32Array.from({length:e.length/2},(n,r)=>Math.hypot(t[2*r]-e[2*r],t[2*r+1]-e[2*r+1]))}function Pe(e,t){let n=new Float32Array(2*e.rows.length);for(let r=0;r<e.rows.length;r++){let i=O(e,r);for(let e of i)n[2*r]=n[2*r]+t[2*e]/i.length,n[2*r+1]=n[2*r+1]+t[2*e+1]/i.length}return n}var Fe=.5,Ie=new WeakMap;function Le(e,t,n){let r=Ie.get(n)??new WeakMap;Ie.set(n,r);let i=r.get(e);return i===void 0&&(i=ze(e,t,n),r.set(e,i)),i}function Re(e,t){return(e.step>t.step?e:t).noiseFloor}function ze(e,t,n){let r=Ne(e.xy,t.xy),i=Re(e,t),a=i&&r.map((e,t)=>+(e>i[t])),o=e=>e.reduce((e,t)=>e+t,0)/e.length,s=a&&Float32Array.from(n.rows,(e,t)=>{let r=O(n,t);return r.reduce((e,t)=>e+a[t],0)/r.length});return{from:Pe(n,e.xy),to:Pe(n,t.xy),beyond:s,news:s?.reduce((e,t)=>e+ +(t>=.5),0)??0,meanMove:o(r),beyondShare:a&&o(a)}}var Be=1e3,Ve=new WeakMap;function He(e){let t=Ve.get(e);return t===void 0&&(t=e.lifelines&&Ue(e.manifest.fields),Ve.set(e,t)),t}function Ue(e){try{return e.listOrNull(`lifelines`,Be,(e,t)=>{let n=new m(e,t);return{id:n.whole(`id`,0,2**31-1),name:n.text(`name`),size:n.whole(`size`,0,2**53-1),topClass:n.wholeOrNull(`top_class`,0,2**31-1),topShare:n.number(`top_share`),born:n.whole(`born`,-(2**53-1),2**53-1),confidence:n.number(`confidence`)}})}catch(e){if(e instanceof d)return null;throw e}}function We(e,t,n){let r=He(e),{lifelines:i}=e;if(r===null||i===null)return null;let a=O(t,n),o=new Map;for(let e of a){let t=i[e];o.set(t,(o.get(t)??0)+1)}return r.filter(({id:e})=>o.has(e)).map(e=>{let t=o.get(e.id)??0;return{lifeline:e,count:t,share:t/a.length}}).sort((e,t)=>t.count-e.count||e.lifeline.id-t.lifeline.id)}function A({lifelines:e},t){let n=new Set(t),r=[];return e?.forEach((e,t)=>{n.has(e)&&r.push(t)}),Int32Array.from(r)}function j(e,t){let n=new Int32Array(e.rows.length);for(let r of t){let t=e.cellOf[r];t>=0&&(n[t]=n[t]+1)}return n}var M=88,Ge=`500 11px Roboto, system-ui, sans-serif`,N=18;function Ke(e,t){let{ratio:n,viewport:r,hover:i,pinned:a}=t;e.setTransform(n,0,0,n,0,0),e.clearRect(0,0,r.width,r.height),t.values!==null&&qe(e,t,t.values);for(let n of t.layers)n(e,t);a&&P(e,t,a,3),i&&P(e,t,i,2)}function P(e,{camera:t,viewport:n,level:r,theme:i},{size:a,row:o,col:s},c){let l=w(t,n)/a,u=T(t,n,{x:s/a,y:o/a}),d=r.size===a?p(r,o,s):-1,f=(1-(d<0?1:ce(r)[d]))*l/2-c/2;e.beginPath(),e.roundRect(u.x+f,u.y+f,l-2*f,l-2*f,Math.min(5,.1*l+1)),e.strokeStyle=i.accent,e.lineWidth=c,e.stroke()}function qe(e,t,r){let{atlas:i,level:a,camera:o,viewport:s,theme:c}=t,l=w(o,s)/a.size;if(l<M)return;let u=k(a,r);e.globalAlpha=Math.min(1,(l-M)/20),e.font=Ge,e.textBaseline=`middle`;let d=ce(a);F(t,(t,r,a,o)=>{let s=(1-d[t])*o/2+4,l=n(_(i,u.index[t]),Math.floor(o/8)),f=e.measureText(l).width+10;e.fillStyle=c.labelGround,e.beginPath(),e.roundRect(r+s,a+o-s-N,f,N,3),e.fill(),e.fillStyle=c.label,e.fillText(l,r+s+5,a+o-s-N/2+.5)}),e.globalAlpha=1}function F({level:e,camera:t,viewport:n},r){let i=w(t,n)/e.size,a=T(t,n,{x:0,y:0});for(let t=0;t<e.rows.length;t++){let o=a.x+e.cols[t]*i,s=a.y+e.rows[t]*i;o>n.width||s>n.height||o+i<0||s+i<0||r(t,o,s,i)}}var Je=class{session;#e=``;#t=!1;constructor(e){this.session=e,e.store.subscribe(e=>this.#n(e)),this.#n(e.store.state)}#n(e){let t=I(e),{series:n}=e,r=t===null||n===null?``:`${n.id}/${t}`,i=this.#t&&e.otherFailure===null;(r!==this.#e||i)&&(this.#e=r,this.#t=!1,t!==null&&this.#r(e,t))}async#r({series:e},t){if(e===null)return;let n=this.#e,r=await this.session.loadAtlas(e,t).then(e=>({other:e,otherFailure:null}),e=>({other:null,otherFailure:ee(e)}));n===this.#e&&(this.session.store.set(r),this.#t=r.otherFailure!==null)}};function I(e){return e.compare===null?e.drift?Ye(e):null:e.compare}function Ye({series:e,step:t,history:n}){let r=e?.steps.indexOf(t??NaN)??-1;return e?.steps.slice(0,Math.max(0,r)).findLast(e=>(n?.steps.get(e)?.status??`ok`)===`ok`)??null}function L(e){let{other:t,series:n}=e;return t!==null&&t.series===n?.id&&t.step===I(e)?t:null}function Xe(e){return e.otherFailure!==null||L(e)!==null}function Ze(e){return(e.flipped?L(e):null)??e.atlas}var Qe=1e3,$e=1e3,et=[`born`,`merges`,`splits`,`dies`];function tt(e){return s(`history`,{id:e},nt)}function nt(e){let t=new m(e,`history`),n=t.list(`steps`,g,(e,t)=>{let n=new m(e,t),r=n.text(`status`);if(r!==`ok`&&r!==`damaged`&&r!==`too_new`)throw new d(`${t}.status is ${r}`);let i=n.raw(`reason`);return{step:n.whole(`step`,-(2**53-1),2**53-1),status:r,reason:typeof i==`string`?i:null,trustworthiness:n.numberOrNull(`trustworthiness`)}});return{skipped:t.listOrNull(`skipped`,1e6,(e,t)=>{let n=new m(e,t);return{step:n.number(`step`),reason:n.text(`reason`)}})??[],logged:t.whole(`logged`,0,2**53-1),kept:t.whole(`kept`,0,2**53-1),steps:new Map(n.map(e=>[e.step,e])),events:t.listOrNull(`events`,Qe,it),eventsFound:t.wholeOrNull(`events_found`,0,2**53-1)??0}}function rt(e,t){return e===t||e.step===t?.step&&e.kind===t.kind&&e.text===t.text}function it(e,t){let n=new m(e,t),r=et.find(e=>e===n.text(`kind`));if(r===void 0)throw new d(`${t}.kind is unknown`);let i=e=>n.whole(e,-(2**53-1),2**53-1);return{step:i(`step`),kind:r,text:n.text(`text`),score:n.number(`score`),confidence:n.number(`confidence`),beforeStep:i(`before_step`),before:n.list(`before`,$e,u),after:n.list(`after`,$e,u),cell:n.raw(`cell`)==null?null:at(n.object(`cell`))}}function at(e){let t=e.whole(`grid`,1,320);return{size:t,row:e.whole(`row`,0,t-1),col:e.whole(`col`,0,t-1)}}var R=4,ot=60;function st({atlas:e,level:t,facts:n,state:i,session:a}){let{highlight:o}=i,s=We(e,t,n.cell);return r`<section>
    <h3>Lifelines <span class="muted">concepts followed over steps</span></h3>
    ${s===null?r`<p class="muted">Not traced in this atlas.</p>`:s.length===0?r`<p class="muted">None: these samples belong to no concept that lasts.</p>`:r`<ul class="lifelines">
              ${s.slice(0,R).map(e=>ct(e,o,a))}
            </ul>`}
    ${s!==null&&s.length>R?r`<p class="muted">and ${v(s.length-R)} more</p>`:y}
  </section>`}function ct({lifeline:e,share:t,count:i},a,s){let{id:c,name:l,size:u,born:d}=e,f=a?.event===null&&a.ids[0]===c;return r`<li>
    <button type="button" class="lifeline" aria-pressed=${f} @click=${()=>s.store.set({highlight:f?null:{ids:[c],name:l,event:null}})}>
      <span class="name">${n(l,ot)}</span>
      <span class="number" title="${b(i,`sample`)} of this cell">${o(t)}</span>
      <span class="muted">${b(u,`sample`)} · since step ${v(d)}</span>
    </button>
  </li>`}function lt(e,t,n){let r=E(n,e.step);if(e.lifelines===null)return`Lifelines were not traced at this step.`;let i=A(e,r);if(i.length===0)return`Nothing of it at step ${v(e.step)}.`;let a=j(t,i).reduce((e,t)=>e+ +(t>0),0),o=`in ${b(a,`cell`)} at step ${v(e.step)}`;return`${b(i.length,`sample`)} ${o}`}function ut(e,t,a,o){let s=new Map((He(e)??[]).map(({id:e,name:t})=>[e,t])),c=E(a,e.step).map(e=>s.get(e)),l=c.some(e=>e!==void 0)?c.filter(e=>e!==void 0).join(`, `):a.name;return r`<div class="highlight-pill panel" role="group" aria-label="Highlighted lifelines">
    <span
      ><strong>${n(l,ot)}</strong>
      <span class="muted">${lt(e,t,a)}</span></span
    >
    ${i({icon:`close`,name:`End the highlight`,press:()=>o.store.set({highlight:null})})}
  </div>`}var dt=3e4,ft=class{session;constructor(e){this.session=e,e.store.subscribe((e,t)=>{z(e)&&!z(t)&&this.#e(e)}),z(e.store.state)&&this.#e(e.store.state),te(()=>void this.#i()),setInterval(()=>{!document.hidden&&document.body.clientHeight>0&&this.#i()},dt)}async#e({run:e,series:t,probe:n,probeFailure:r,history:i,stepFailure:a}){e!==null&&t!==null&&(e.probe&&n===null&&r===null&&this.#n(e),(i===null||a!==null)&&await this.#t(t),this.session.store.state.series===t&&this.#r(this.session.store.state,t))}async#t(e){let t=await tt(e.id).catch(()=>null);this.session.store.state.series?.id===e.id&&this.session.store.set({history:t})}async#n(e){let t=await a(e.id).then(e=>({probe:e,probeFailure:null}),e=>({probe:null,probeFailure:ee(e)}));this.session.store.state.run?.id===e.id&&this.session.store.set(t)}#r({step:e,shownLevel:t,history:n},r){let i=r.steps.indexOf(e??NaN);for(let e of[r.steps[i+1],r.steps[i-1]])i<0||e===void 0||(n===null||n.steps.get(e)?.status===`ok`)&&this.session.loadAtlas(r,e).then(e=>{let n=e.levels.find(({size:e})=>e===t);n!==void 0&&this.session.pages.icons(e,n)},()=>void this.#t(r))}async#i(){let{session:e}=this,{phase:t}=e.store.state;if(t===`loading`)return;let n=await f().catch(()=>null);if(n===null)return;if(t!==`ready`){ie(n,null)!==null&&e.retry();return}e.latestRuns=n;let{series:r}=e.store.state,i=e.findLatest();if(i===null||r===null)return;let a=new Set(r.steps),o=i.series.steps.filter(e=>!a.has(e)).length;e.store.set({freshSteps:o}),e.renew(i.series)&&this.#t(i.series),this.#a(n)}#a(e){let{store:t}=this.session,{runs:n,run:r}=t.state,i=e=>JSON.stringify(e.map(e=>[e.id,e.series.map(({id:e})=>e)]));i(e)!==i(n)&&t.set({runs:e,run:e.find(e=>e.id===r?.id)??r})}};function z({settled:e,stepFailure:t}){return e||t!==null}var pt=`#e69f00 #56b4e9 #009e73 #f0e442 #0072b2 #d55e00 #cc79a7 #8c8c8c`.split(` `),mt=`#cc6677 #3d49b0 #ddcc77 #117733 #88ccee #882255 #44aa99 #999933 #aa4499 #9a9a9a`.split(` `),B=`#9a9a9a`,V=`#440154 #472d7b #3b528b #2c728e #21918c #28ae80 #5ec962 #addc30 #fde725`.split(` `),ht=new Map;function H(e){let t=ht.get(e);if(t===void 0){let n=Number.parseInt(e.slice(1),16);t=[n>>16&255,n>>8&255,n&255],ht.set(e,t)}return t}function gt(e){let t=Math.min(1,Math.max(0,e))*(V.length-1),n=Math.min(V.length-2,Math.floor(t)),r=H(V[n]),i=H(V[n+1]),a=e=>Math.round(r[e]+(i[e]-r[e])*(t-n));return[a(0),a(1),a(2)]}var _t=`linear-gradient(90deg, ${V.join(`, `)})`,vt=new WeakMap;function yt(e,t){let n=vt.get(e);return n===void 0&&(n=bt(e,t),vt.set(e,n)),n}function bt(e,t){let n=new Map;for(let t of e)n.set(t,(n.get(t)??0)+1);let r=[...n.keys()].filter(e=>e<0).some(e=>n.delete(e)),i=t??n.size,a=i<=pt.length?pt:mt,o=i<=a.length?i:a.length-1,s=t!==null&&t<=a.length?Array.from({length:t},(e,t)=>t):[...n].sort(([e,t],[n,r])=>r-t||e-n).slice(0,o).map(([e])=>e).sort((e,t)=>e-t),c=new Map(s.map((e,t)=>[e,a[t]]));return{named:[...c].map(([e,t])=>({index:e,colour:t})),others:[...n.keys()].filter(e=>!c.has(e)).length,unknown:r,colourOf:e=>c.get(e)??B}}var xt={legend:{kind:`none`},cells:null,sample:()=>null};function St(e,t,n){switch(n){case`icons`:return xt;case`class`:return Ct(e,t,e.labels,`class`,`labels`);case`prediction`:return Ct(e,t,e.predictions,`prediction`,`predictions`);case`purity`:return Tt(e,t);case`cosine`:return Et(t);case`population`:return Dt(t)}}function Ct(e,t,n,r,i){let a=`Majority ${r} of a cell`;if(n===null)return wt(a,i);let o=yt(n,e.classes?.length??null),s=k(t,n),c=o.named.map(({index:t,colour:n})=>({label:_(e,t),colour:n}));return o.unknown&&c.push({label:`unknown`,colour:B}),o.others>0&&c.push({label:`${o.others} other`,colour:B}),{legend:{kind:`classes`,title:a,pointTitle:`Each sample's own ${r}`,entries:c},cells:Ot(t,e=>H(o.colourOf(s.index[e]))),sample:e=>H(o.colourOf(n[e]))}}function wt(e,t){let n=`No ${t} were recorded in this run.`;return{...xt,legend:{kind:`missing`,title:e,reason:n}}}function Tt(e,t){let n=`Purity: share of the majority class`,r=e.labels??e.predictions;if(r===null)return wt(n,`labels or predictions`);let{share:i}=k(t,r);return U(t,{kind:`scale`,title:n,low:`0%`,high:`100%`},e=>i[e])}function Et(e){return U(e,{kind:`scale`,title:`Cosine of icon and mean`,low:`0`,high:`1`},t=>e.cosine[t])}function Dt(e){let t=e.counts.reduce((e,t)=>Math.max(e,t),1);return U(e,{kind:`scale`,title:`Samples in a cell`,low:`0`,high:t.toLocaleString(`en`)},n=>e.counts[n]/t)}function U(e,t,n){let r=e=>{let t=n(e)??NaN;return Number.isNaN(t)?null:gt(t)};return{legend:t,cells:Ot(e,r),sample:t=>{let n=e.cellOf[t];return n<0?null:r(n)}}}function Ot(e,t){let n=e.rows.length,r=new Uint8Array(4*n);for(let e=0;e<n;e++){let n=t(e);n!==null&&r.set([...n,255],4*e)}return r}var kt=110,At={light:[96,96,96],dark:[190,190,190]};function jt(e,t,n,r,i){let a=new Uint8Array(4*e.count),o=At[i?`dark`:`light`];for(let i=0;i<e.count;i++){let e=t.cellOf[i]<0;if(r===`icons`&&!e)continue;let s=r===`icons`?kt:255;a.set([...n.sample(i)??o,s],4*i)}return a}var W={xy:0,colour:1},Mt=5,Nt=`#version 300 es
layout(location = ${W.xy}) in vec2 aWorld;
layout(location = ${W.colour}) in vec4 aColour;
uniform vec2 uOrigin;
uniform float uSide;
uniform vec2 uViewport;
uniform float uDiameter;
out vec4 vColour;
void main() {
  vec2 screen = (uOrigin + aWorld * uSide) / uViewport;
  vColour = aColour;
  gl_Position = aColour.a == 0.0
    ? vec4(2.0, 2.0, 2.0, 1.0)
    : vec4(screen.x * 2.0 - 1.0, 1.0 - screen.y * 2.0, 0.0, 1.0);
  gl_PointSize = uDiameter;
}`,Pt=`#version 300 es
precision highp float;
uniform float uDiameter;
uniform float uRing;
uniform vec3 uGround;
uniform float uWeight;
in vec4 vColour;
out vec4 outColour;
void main() {
  float distance = (length(gl_PointCoord - 0.5) - 0.5) * uDiameter;
  float cover = clamp(-distance, 0.0, 1.0);
  if (cover <= 0.0) discard;
  float ring = uRing > 0.0 ? clamp(distance + uRing + 0.5, 0.0, 1.0) : 0.0;
  float alpha = cover * vColour.a * uWeight;
  outColour = vec4(mix(vColour.rgb, uGround, ring) * alpha, alpha);
}`,Ft=class{gl;#e;#t=new Map;constructor(e){this.gl=e,this.#e=re(e,Nt,Pt)}draw({scene:e,weight:t},n){let{pointColours:r}=e;if(r===null)return;let{gl:i}=this,{uniform:a}=this.#e,{camera:o,viewport:s,ratio:c,ground:l}=n,u=T(o,s,{x:0,y:0}),d=ue(o);i.useProgram(this.#e.program),i.blendFunc(i.ONE,i.ONE_MINUS_SRC_ALPHA),i.uniform2f(a(`uOrigin`),u.x*c,u.y*c),i.uniform1f(a(`uSide`),w(o,s)*c),i.uniform2f(a(`uViewport`),i.drawingBufferWidth,i.drawingBufferHeight),i.uniform1f(a(`uDiameter`),d*c+1),i.uniform1f(a(`uRing`),d>=Mt?c:0),i.uniform3f(a(`uGround`),l[0]/255,l[1]/255,l[2]/255),i.uniform1f(a(`uWeight`),t);let f=this.#n(e.atlas);i.bindVertexArray(f.vertices),f.painted!==r&&(f.painted=r,i.bindBuffer(i.ARRAY_BUFFER,f.colours),i.bufferData(i.ARRAY_BUFFER,r,i.DYNAMIC_DRAW)),i.drawArrays(i.POINTS,0,e.atlas.count),i.bindVertexArray(null)}prune(e){let t=new Set(e.map(({scene:e})=>e.atlas));for(let[e,{vertices:n,places:r,colours:i}]of this.#t)t.has(e)||(this.gl.deleteVertexArray(n),this.gl.deleteBuffer(r),this.gl.deleteBuffer(i),this.#t.delete(e))}#n(e){let t=this.#t.get(e);if(t===void 0){let{gl:n}=this,r=n.createVertexArray(),i=n.createBuffer(),a=n.createBuffer();n.bindVertexArray(r),n.bindBuffer(n.ARRAY_BUFFER,i),n.bufferData(n.ARRAY_BUFFER,e.xy,n.STATIC_DRAW),n.enableVertexAttribArray(W.xy),n.vertexAttribPointer(W.xy,2,n.FLOAT,!1,0,0),n.bindBuffer(n.ARRAY_BUFFER,a),n.enableVertexAttribArray(W.colour),n.vertexAttribPointer(W.colour,4,n.UNSIGNED_BYTE,!0,0,0),t={vertices:r,places:i,colours:a,painted:null},this.#t.set(e,t)}return t}},It=4,Lt=[.002,.05,1],Rt=10,zt=400,Bt=12,Vt=class{element;listener;#e=new Map;#t=null;#n=!1;#r=null;constructor(e,t){this.element=e,this.listener=t,e.addEventListener(`pointerdown`,e=>this.#a(e)),e.addEventListener(`pointermove`,e=>this.#o(e)),e.addEventListener(`pointerup`,e=>this.#l(e)),e.addEventListener(`pointercancel`,e=>this.#l(e)),e.addEventListener(`pointerleave`,()=>t.hover(null)),e.addEventListener(`wheel`,e=>this.#d(e),{passive:!1})}#i(e){let t=this.element.getBoundingClientRect();return{x:e.clientX-t.left,y:e.clientY-t.top}}#a(e){e.button===0&&(this.element.setPointerCapture(e.pointerId),this.#e.set(e.pointerId,this.#i(e)),this.#e.size===1?this.#t=this.#i(e):this.#c())}#o(e){let t=this.#i(e),n=this.#e.get(e.pointerId);if(n===void 0){e.pointerType!==`touch`&&this.listener.hover(t);return}let r=this.#t??t;if(!this.#n&&Math.hypot(t.x-r.x,t.y-r.y)<It)return;this.#c();let i=[...this.#e].find(([t])=>t!==e.pointerId)?.[1];this.#e.set(e.pointerId,t),i===void 0?this.listener.pan(n.x-t.x,n.y-t.y):this.#s(i,n,t)}#s(e,t,n){let r=t=>Math.max(1,Math.hypot(t.x-e.x,t.y-e.y)),i={x:(n.x+e.x)/2,y:(n.y+e.y)/2};this.listener.pan((t.x-n.x)/2,(t.y-n.y)/2),this.listener.zoom(i,r(n)/r(t))}#c(){this.#n||(this.#n=!0,this.listener.drag(!0))}#l(e){if(!this.#e.delete(e.pointerId)||this.#e.size>0)return;let t=this.#n;this.#n=!1,this.#t=null,t?this.listener.drag(!1):e.type===`pointerup`&&this.#u(e)}#u(e){let t=this.#i(e),n=this.#r,r=n!==null&&e.timeStamp-n.time<zt&&Math.hypot(t.x-n.at.x,t.y-n.at.y)<Bt;this.#r=r?null:{at:t,time:e.timeStamp},r?this.listener.doubleClick(t,e.shiftKey):this.listener.click(t)}#d(e){e.preventDefault();let t=Lt[e.deltaMode]*(e.ctrlKey?Rt:1);this.listener.zoom(this.#i(e),2**(-e.deltaY*t))}},G=1.5,Ht=new Map([[`ArrowLeft`,[-1,0]],[`ArrowRight`,[1,0]],[`ArrowUp`,[0,-1]],[`ArrowDown`,[0,1]]]),Ut=new Map([[`+`,{do:`zoom`,factor:G}],[`=`,{do:`zoom`,factor:G}],[`-`,{do:`zoom`,factor:1/G}],[`_`,{do:`zoom`,factor:1/G}],[`0`,{do:`fit`}],[`,`,{do:`step`,by:-1}],[`.`,{do:`step`,by:1}],[` `,{do:`play`}],[`Enter`,{do:`pin`}],[`j`,{do:`events`}],[`d`,{do:`drift`}],[`Escape`,{do:`escape`}],[`?`,{do:`help`}]]);function Wt(e){if(e.ctrlKey||e.altKey||e.metaKey)return null;let t=Ht.get(e.key);return t===void 0?/^[1-5]$/.test(e.key)?{do:`level`,index:Number(e.key)-1}:Ut.get(e.key)??null:{do:e.shiftKey?`pan`:`cursor`,dx:t[0],dy:t[1]}}var Gt=60,Kt=80,qt=2,Jt=class{map;session;player;#e=!1;#t=null;#n=null;#r;constructor(e,t,n){this.map=e,this.session=t,this.player=n,new Vt(e,{pan:(t,n)=>this.#a(oe(this.#i,e.viewport,t,n)),zoom:(t,n)=>this.#a(le(this.#i,e.viewport,t,n)),click:e=>this.#s(e),doubleClick:(n,r)=>{t.store.set({pinned:this.#n});let i=r?1/qt:qt;e.flyTo(le(e.goal,e.viewport,n,i))},hover:e=>this.#c(e),drag:e=>this.#o(e)}),e.addEventListener(`keydown`,e=>{let t=Wt(e);t!==null&&(e.preventDefault(),this.#d(t))})}decorate(e,t,n,r){let{scene:i,viewport:a}=this.map;if(i===null)return;let{camera:o,hover:s,pinned:c,dark:l,colour:u}=this.session.store.state,{labels:d,predictions:f}=i.atlas,p=u===`prediction`?f:d??f;Ke(e,{camera:o,viewport:a,ratio:t,atlas:i.atlas,level:i.level,values:i.tiles&&r?p:null,hover:s,pinned:c,theme:ae[l?`dark`:`light`],layers:n})}get#i(){return this.session.store.state.camera}#a(e){this.map.moveTo(e),!this.#e&&this.#t!==null&&this.#c(this.#t)}#o(e){this.#e=e,this.map.classList.toggle(`dragging`,e),e&&this.#l(null)}#s(e){let{store:t}=this.session,n=this.#u(e);this.#n=t.state.pinned,n!==null&&t.set({pinned:n,hover:null})}#c(e){this.#t=e,this.#e||this.#l(e&&this.#u(e))}#l(e){clearTimeout(this.#r);let{store:t}=this.session;S(e,t.state.hover)||(this.#r=setTimeout(()=>t.set({hover:e}),Gt))}#u(e){let{scene:t,viewport:n}=this.map;if(t===null)return null;let r=C(this.#i,n,e),{size:i}=t.level,a=Math.floor(r.y*i),o=Math.floor(r.x*i);return p(t.level,a,o)<0?null:{size:i,row:a,col:o}}#d(e){let{map:t,session:n}=this,{store:r}=n;switch(e.do){case`cursor`:this.#p(e.dx,e.dy);break;case`pan`:t.flyTo(oe(t.goal,t.viewport,Kt*e.dx,Kt*e.dy));break;case`zoom`:t.zoomBy(e.factor);break;case`fit`:t.fit();break;case`level`:this.#m(e.index);break;case`step`:this.player.stepBy(e.by);break;case`play`:this.player.toggle();break;case`pin`:r.state.hover&&r.set({pinned:r.state.hover,hover:null});break;case`escape`:this.#f();break;case`events`:r.set({eventList:!r.state.eventList});break;case`drift`:r.set({drift:!r.state.drift});break;case`help`:r.set({help:!0})}}#f(){let{hover:e,pinned:t}=this.session.store.state,n=e===null&&t===null;this.session.store.set(n?{highlight:null}:{hover:null,pinned:null})}#p(e,t){let n=this.map.scene?.level;if(n===void 0)return;let{hover:r,pinned:i,camera:a}=this.session.store.state,o=[r,i].find(e=>e?.size===n.size),s=o?ke(n,o.row,o.col,e,t):Yt(n,a);s!==null&&(clearTimeout(this.#r),this.session.store.set({hover:{size:n.size,...s}}),this.map.flyTo(se(this.map.goal,this.map.viewport,n.size,s.row,s.col)))}#m(e){let{atlas:t,level:n}=this.session.store.state,r=t?.levels[e]?.size;r!==void 0&&this.session.store.set({level:n===r?`auto`:r})}};function Yt(e,{x:t,y:n}){let r=null,i=1/0;return e.rows.forEach((a,o)=>{let s=e.cols[o],c=Math.hypot((s+.5)/e.size-t,(a+.5)/e.size-n);c>=i||(i=c,r={row:a,col:s})}),r}var Xt=class{#e;#t=()=>[];constructor(e,t,n){this.#e=new Jt(e,t,n)}colour(e,t,{colour:n,show:r,dark:i}){let a=St(e,t,n);return{cellColours:a.cells,pointColours:jt(e,t,a,r,i)}}createPoints(e){return new Ft(e)}set layers(e){this.#t=e}decorate(e,t){let n=this.#t();this.#e.decorate(e,t,n,n.length===0)}},Zt=t`
  .panel {
    background: var(--raised);
    border-radius: 8px;
    box-shadow: var(--shadow);
    line-height: 1.4;
  }
  .muted {
    color: var(--muted);
  }
  .panel h2,
  .message h2 {
    font-size: 15px;
    font-weight: 500;
    margin: 0;
  }
  .panel h3 {
    display: flex;
    justify-content: space-between;
    gap: 8px;
    font-size: 12px;
    font-weight: 500;
    margin: 0 0 6px;
  }
  .panel h3 .muted {
    font-weight: 400;
  }
  .panel p {
    margin: 0;
  }
  .number {
    font-variant-numeric: tabular-nums;
  }

  .map-buttons {
    position: absolute;
    right: 16px;
    bottom: 16px;
    display: flex;
    flex-direction: column;
    background: var(--raised);
    border-radius: 6px;
    box-shadow: var(--shadow);
  }
  .map-buttons .icon-button {
    width: 36px;
    height: 36px;
    border-radius: 6px;
  }
  .map-buttons .icon-button + .icon-button {
    border-top: 1px solid var(--line);
    border-radius: 0 0 6px 6px;
  }
  .button {
    height: 32px;
    padding: 0 16px;
    border-radius: 4px;
    border: 1px solid var(--line);
    background: var(--surface);
    font-weight: 500;
  }
  .button:hover {
    background: var(--control);
  }
  .card {
    position: absolute;
    width: 320px;
    padding: 12px;
    display: flex;
    flex-direction: column;
    gap: 12px;
    pointer-events: none;
    z-index: 3;
  }
  .card-top {
    display: flex;
    gap: 12px;
  }
  .big-icon {
    display: block;
    flex: none;
    border-radius: 6px;
    overflow: hidden;
    background: var(--control);
  }
  .big-icon.none {
    display: grid;
    place-items: center;
    color: var(--muted);
    font-size: 12px;
  }
  .card .big-icon {
    width: 128px;
    height: 128px;
  }
  .card-facts {
    display: flex;
    flex-direction: column;
    gap: 8px;
    min-width: 0;
    padding-top: 4px;
  }
  .headline strong {
    display: block;
    font-size: 16px;
    font-weight: 500;
    font-variant-numeric: tabular-nums;
  }
  .icon-line {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 10px;
    color: var(--muted);
  }
  .weak {
    padding: 0 6px;
    border-radius: 8px;
    border: 1px solid currentColor;
    color: var(--bad);
    font-size: 11px;
    line-height: 16px;
  }
  .patches {
    display: grid;
    grid-template-columns: repeat(6, 1fr);
    gap: 4px;
  }
  .patch,
  .whole {
    display: block;
    aspect-ratio: 1;
    background: var(--control);
    border-radius: 4px;
    overflow: hidden;
  }
  atlas-crop canvas {
    display: block;
    width: 100%;
    height: 100%;
  }
  .bars {
    list-style: none;
    margin: 0;
    padding: 0;
    display: grid;
    gap: 3px;
  }
  .bars li {
    display: grid;
    grid-template-columns: minmax(0, 92px) 1fr 40px;
    gap: 8px;
    align-items: center;
  }
  .bars .name {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .bars .number {
    text-align: right;
  }
  .meter {
    height: 8px;
    border-radius: 2px;
    background: var(--control);
    overflow: hidden;
  }
  .meter i {
    display: block;
    height: 100%;
    border-radius: 2px;
  }
  .bars + .muted {
    margin-top: 4px;
    font-size: 12px;
  }
  .whereabouts {
    font-size: 12px;
    border-top: 1px solid var(--line);
    padding-top: 8px;
    overflow-wrap: anywhere;
  }

  .inspector {
    position: absolute;
    top: 12px;
    right: 12px;
    bottom: 12px;
    width: 320px;
    max-width: calc(100% - 24px);
    padding: 12px 16px 16px;
    display: flex;
    flex-direction: column;
    gap: 14px;
    overflow: auto;
    z-index: 2;
  }
  .stage:has(.inspector) .map-buttons {
    right: 348px;
  }
  atlas-minimap {
    position: absolute;
    right: 64px;
    bottom: 16px;
    width: 108px;
    height: 108px;
    overflow: hidden;
    cursor: crosshair;
    touch-action: none;
  }
  atlas-minimap canvas {
    display: block;
    width: 100%;
    height: 100%;
  }
  .stage:has(.inspector) atlas-minimap {
    right: 396px;
  }
  .inspector-head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    margin-right: -8px;
  }
  .inspector .big-icon {
    width: 164px;
    height: 164px;
  }
  .patches.wide {
    grid-template-columns: repeat(4, 1fr);
    gap: 6px;
    margin-bottom: 8px;
  }
  .patch-button {
    border-radius: 4px;
  }
  .patch-button:hover {
    box-shadow: 0 0 0 2px var(--line);
  }
  .patch-button[aria-pressed='true'] {
    box-shadow: 0 0 0 2px var(--accent);
  }
  figure {
    margin: 0;
  }
  .whole {
    background: none;
  }
  figcaption {
    margin-top: 4px;
    font-size: 12px;
  }

  .left-column {
    position: absolute;
    inset: 12px auto 12px 12px;
    width: min(460px, calc(100% - 90px));
    display: flex;
    flex-direction: column;
    align-items: flex-start;
    gap: 8px;
    z-index: 1;
    pointer-events: none;
  }
  .left-column * {
    pointer-events: auto;
  }
  .left-column .legends {
    display: grid;
    justify-items: start;
    gap: 8px;
    margin-top: auto;
    pointer-events: none;
  }
  .legend {
    padding: 8px 12px;
    max-width: 420px;
    display: grid;
    gap: 8px;
  }
  summary {
    font-size: 12px;
    font-weight: 500;
    min-height: 24px;
    line-height: 24px;
    cursor: pointer;
  }
  summary + * {
    margin-top: 4px;
  }
  .swatches {
    list-style: none;
    margin: 4px 0 0;
    padding: 0;
    display: grid;
    grid-template-columns: repeat(3, auto);
    justify-content: start;
    gap: 2px 20px;
    max-height: 180px;
    overflow: auto;
  }
  .swatches li {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .swatches i {
    width: 12px;
    height: 12px;
    flex: none;
    border-radius: 3px;
    box-shadow: inset 0 0 0 1px #0000002e;
  }
  .scale {
    display: flex;
    align-items: center;
    gap: 8px;
    font-variant-numeric: tabular-nums;
  }
  .scale i {
    flex: 1;
    min-width: 140px;
    height: 10px;
    border-radius: 2px;
  }
  .provenance {
    font-size: 12px;
    font-variant-numeric: tabular-nums;
  }

  .veil {
    position: absolute;
    inset: 0;
    display: grid;
    place-items: center;
    padding: 24px;
    overflow: auto;
    background: color-mix(in srgb, var(--ground) 94%, transparent);
    z-index: 4;
  }
  .message {
    max-width: 480px;
    display: grid;
    gap: 12px;
    justify-items: start;
    overflow-wrap: anywhere;
  }
  .message.fault {
    border-left: 3px solid var(--bad);
    padding: 4px 0 4px 20px;
  }
  .message.wide {
    max-width: 680px;
  }
  .message h2 {
    font-size: 20px;
    font-weight: 400;
  }
  .message p {
    margin: 0;
    line-height: 1.55;
  }
  pre {
    margin: 0;
    width: 100%;
    padding: 12px 16px;
    border-radius: 6px;
    background: var(--surface);
    border: 1px solid var(--line);
    overflow: auto;
  }
  code {
    font: 12.5px/1.6 'Roboto Mono', ui-monospace, monospace;
  }
  .request {
    font-size: 12px;
  }
  .banners {
    display: grid;
    gap: 8px;
  }
  .banner {
    margin: 0;
    padding: 8px 12px;
    border-radius: 6px;
    background: var(--raised);
    border-left: 3px solid var(--accent);
    box-shadow: var(--shadow);
  }
  .link {
    color: var(--accent);
    text-decoration: underline;
    padding: 4px;
  }

  .help {
    border: 0;
    padding: 0;
    color: inherit;
    width: min(600px, calc(100% - 48px));
    max-height: calc(100% - 48px);
  }
  .help::backdrop {
    background: #00000066;
  }
  .help-body {
    padding: 12px 24px 24px;
    display: grid;
    gap: 14px;
  }
  .reading {
    margin: 0;
    padding: 0;
    list-style: none;
    display: grid;
    gap: 10px;
    line-height: 1.5;
  }
  .help h3 {
    margin: 4px 0 0;
  }
  dl {
    margin: 0;
    display: grid;
    grid-template-columns: max-content 1fr;
    gap: 6px 20px;
  }
  dt {
    font: 12px/1.5 'Roboto Mono', ui-monospace, monospace;
    color: var(--muted);
  }
  dd {
    margin: 0;
  }
`;function Qt(e,t){let{activationsKind:n,channels:r}=e.manifest,i=e.count;switch(n){case`float16`:return K($t(t.half(`values`,i,r)),i,r);case`uint8`:{let e=t.uint8(`codes`,i,r),n=t.float32(`scale`,r),a=t.float32(`offset`,r);return K(Float32Array.from(e,(e,t)=>e*n[t%r]+a[t%r]),i,r)}case`pca`:{let e=t.shape(`axes`)[0]??0;return K($t(t.half(`scores`,i,e)),i,e)}default:throw new d(`activations of kind ${n}`)}}function $t(e){return Float32Array.from(e,l)}function K(e,t,n){let r=new Float32Array(n);for(let i=0;i<n;i++){let a=0,o=0;for(let r=0;r<t;r++){let t=e[r*n+i];Number.isFinite(t)&&(a+=t,o+=1)}r[i]=o>0?a/o:0}return{width:n,values:e,mean:r}}function en(e,t,n){let{width:r,values:i,mean:a}=e,o=(e,t)=>i[e*r+t]-a[t],s=new Float64Array(r);for(let e of t)for(let t=0;t<r;t++){let n=o(e,t);Number.isFinite(n)&&(s[t]=s[t]+n)}return Oe(t,n,e=>{let t=0,n=0;for(let i=0;i<r;i++){let r=o(e,i);t+=r*s[i],n+=r*r}return-t/Math.sqrt(n)})}var tn=class{arrived;#e=new Map;#t=new WeakMap;constructor(e){this.arrived=e}nearest(e,t,n,r,i){let a=this.#e.get(e);a===void 0&&i&&this.#n(e);let o=typeof a==`object`?`activation`:`map`,s=this.#t.get(t)??new Map;this.#t.set(t,s);let c=`${n}/${r}/${o}`,l=s.get(c);if(l===void 0){let i=O(t,n);l={samples:typeof a==`object`?en(a,i,r):De(e.xy,i,r),by:o},s.set(c,l)}return l}async#n(e){this.#e.set(e,`loading`);for(let e of[...this.#e.keys()].slice(0,-2))this.#e.delete(e);try{let t=await h(e.series,e.step);this.#e.set(e,Qt(e,t))}catch{this.#e.set(e,`failed`)}this.arrived()}};function nn(e,t,n){let r=t.placeOf.get(e.imageIds[n]);if(r===void 0)return null;let{tile:i,columns:a,inputSize:o,thumbSize:s}=t.manifest,c=r%(a*a),l=c%a*i,u=Math.floor(c/a)*i,[d=0,f=0,p=0,m=0]=e.boxes.subarray(4*n,4*n+4),h=rn(d,p,o[0],s[0]),g=rn(f,m,o[1],s[1]);return{page:Math.floor(r/(a*a)),image:{x:l,y:u,width:s[1],height:s[0]},patch:{x:l+g.start,y:u+h.start,width:g.length,height:h.length}}}function rn(e,t,n,r){let i=r/n,a=Math.min(r-1,Math.max(0,e*i));return{start:a,length:Math.min(r,Math.max(a+1,t*i))-a}}var an=5,on={none:`No icon`,examples:`Nearest real patch`,preview:`Preview`,inversion:`Feature inversion`,poster:`Feature inversion, poster quality`};function sn({session:e,atlas:t,level:n,facts:i}){let a=de(n,i.cell),o=a&&e.pages.icons(t,n).pages[a.page];if(!a||!o)return r`<div class="big-icon none">no icon</div>`;let{x:s,y:c,side:l}=a;return r`<atlas-crop
    class="big-icon"
    role="img"
    aria-label="Icon of the cell"
    .crop=${{picture:o,rect:{x:s,y:c,width:l,height:l}}}
  ></atlas-crop>`}function cn({facts:e}){return r`<div class="headline">
    <strong>${b(e.count,`sample`)}</strong>
    <span class="muted">${o(e.share)} of the map</span>
  </div>`}function ln({facts:e}){if(e.kind===`none`)return y;let t=e.cosine!==null&&e.cosine<.3;return r`<div class="icon-line">
    ${on[e.kind]}${e.cosine===null?y:r`<span
            class="number"
            title="Cosine between what the layer answers to this picture and the cell's mean, both relative to the layer's mean. 1 is a perfect likeness."
            >cosine ${x(e.cosine)}</span
          >${t?r`<span
                class="weak"
                title="Below ${x(D)} the picture says little about the cell: trust the real patches."
                >weak</span
              >`:y}`}
  </div>`}function un({atlas:e,facts:t}){if(t.mixOf===null)return r`<p class="muted">No labels or predictions were recorded in this run.</p>`;let i=yt(t.mixOf===`labels`?e.labels:e.predictions,e.classes?.length??null),a=t.mix.length-an;return r`<section>
    <h3>${t.mixOf===`labels`?`Labels`:`Predictions`}</h3>
    <ul class="bars">
      ${t.mix.slice(0,an).map(({index:t,share:a,count:s})=>r`<li title=${b(s,`sample`)}>
    <span class="name">${n(_(e,t),40)}</span>
    <span class="meter"
      ><i style="width:${100*a}%;background:${i.colourOf(t)}"></i
    ></span>
    <span class="number">${o(a)}</span>
  </li>`)}
    </ul>
    ${a>0?r`<p class="muted">and ${v(a)} more</p>`:y}
  </section>`}function dn({state:e,atlas:t,level:n,facts:i}){let a=L(e);if(a===null||a===t||je(a,t)!==null)return y;let{from:s,to:c,beyond:l}=Le(a,t,n),u=2*i.cell,d=Math.hypot(c[u]-s[u],c[u+1]-s[u+1]),f=l?.[i.cell];return r`<p>
    Moved ${o(d)} of the map's side since step ${v(a.step)}${f===void 0?y:r`; ${o(f)} of its samples more than chance`}.
  </p>`}function fn({atlas:e,facts:t}){return r`<p class="muted whereabouts">
    Row ${t.row+1}, column ${t.col+1} of ${t.size} × ${t.size} ·
    ${n(e.manifest.layer,40)} · step ${v(e.step)}
  </p>`}function pn(e,t){let{state:n,session:r,evidence:i,atlas:a,level:o,facts:s}=e,c=n.settled&&!n.playing,l=i.nearest(a,o,s.cell,t,c),{probe:u,run:d}=n;return{nearest:l,list:l.samples.map(e=>{let t=u&&nn(a,u,e);return{sample:e,cut:t,picture:u&&d&&t?r.pages.thumbs(d.id,u,t.page):null}})}}function mn({state:e,atlas:t}){return e.run?.probe===!1?`The pictures of the probe are not in this run.`:e.probeFailure?`The pictures of the probe: ${e.probeFailure.message}`:e.probe&&e.probe.manifest.digest!==t.manifest.probeDigest?`This step was made from another probe than the pictures in this run.`:null}function hn({by:e}){let[t,n]=e===`activation`?[`by activation`,`Cosine to the cell's mean, relative to the layer's mean.`]:[`by place on the map`,`Distance on the map; activations are not here yet.`];return r`<span class="muted" title=${n}>${t}</span>`}function gn(e,t){let r=e.labels?.[t],i=e.predictions?.[t],a=[`image ${e.imageIds[t]}`];return r!==void 0&&a.push(n(_(e,r),40)),i!==void 0&&i!==r&&a.push(`predicted ${n(_(e,i),40)}`),a.join(`, `)}var q=320,_n=404,vn=10,J=8;function yn(e,t){let n=e.x+e.side+vn,r=e.x-vn-q,i=n+q+J<=t.width||r<J?n:r,a=(e,t)=>Math.max(J,Math.min(e,t-J));return{left:a(i,t.width-q),top:a(e.y+e.side/2-_n/2,t.height-_n)}}var bn=6;function xn(e,t,n){let{left:i,top:a}=yn(t,n);return r`<aside
    class="card panel"
    data-row=${e.facts.row}
    data-col=${e.facts.col}
    style="left:${i}px;top:${a}px"
    aria-label="Cell under the cursor"
  >
    <div class="card-top">
      ${sn(e)}
      <div class="card-facts">${cn(e)} ${ln(e)}</div>
    </div>
    ${Sn(e)} ${un(e)} ${dn(e)} ${fn(e)}
  </aside>`}function Sn(e){let t=mn(e);if(t!==null)return r`<p class="muted">${t}</p>`;let{nearest:n,list:i}=pn(e,bn);return r`<section>
    <h3>Nearest real patches ${hn(n)}</h3>
    <div class="patches">
      ${i.map(({cut:e,picture:t})=>r`<atlas-crop
            class="patch"
            .crop=${e&&t?{picture:t,rect:e.patch}:null}
          ></atlas-crop>`)}
    </div>
  </section>`}var Cn=2,wn=class extends HTMLElement{#e=document.createElement(`canvas`);#t=null;set crop(e){let t=this.#t;this.#t=e,t?.picture===e?.picture&&Tn(t?.rect,e?.rect)||this.#n()}connectedCallback(){this.childElementCount>0||(this.append(this.#e),new ResizeObserver(()=>this.#n()).observe(this))}#n(){let{clientWidth:e,clientHeight:t}=this;if(e===0||t===0)return;let n=Math.min(Cn,devicePixelRatio||1);this.#e.width=Math.round(e*n),this.#e.height=Math.round(t*n);let r=this.#e.getContext(`2d`),i=this.#t;if(r===null||i===null)return;let{picture:a,rect:o,box:s}=i,c=Math.min(this.#e.width/o.width,this.#e.height/o.height),l=(this.#e.width-c*o.width)/2,u=(this.#e.height-c*o.height)/2;if(r.imageSmoothingQuality=`high`,r.drawImage(a,o.x,o.y,o.width,o.height,l,u,c*o.width,c*o.height),s!==void 0){r.setTransform(c,0,0,c,l-c*o.x,u-c*o.y);for(let[e,t]of[[`#000`,4],[`#fff`,2]])r.strokeStyle=e,r.lineWidth=t*n/c/1.5,r.strokeRect(s.x,s.y,s.width,s.height)}}};function Tn(e,t){return e===t||e?.x===t?.x&&e?.y===t?.y&&e?.width===t?.width&&e?.height===t?.height}customElements.define(`atlas-crop`,wn);var{I:En}=e,Dn=e=>e.strings===void 0,On={ATTRIBUTE:1,CHILD:2,PROPERTY:3,BOOLEAN_ATTRIBUTE:4,EVENT:5,ELEMENT:6},kn=e=>(...t)=>({_$litDirective$:e,values:t}),An=class{constructor(e){}get _$AU(){return this._$AM._$AU}_$AT(e,t,n){this._$Ct=e,this._$AM=t,this._$Ci=n}_$AS(e,t){return this.update(e,t)}update(e,t){return this.render(...t)}},Y=(e,t)=>{let n=e._$AN;if(n===void 0)return!1;for(let e of n)e._$AO?.(t,!1),Y(e,t);return!0},X=e=>{let t,n;do{if((t=e._$AM)===void 0)break;n=t._$AN,n.delete(e),e=t}while(n?.size===0)},jn=e=>{for(let t;t=e._$AM;e=t){let n=t._$AN;if(n===void 0)t._$AN=n=new Set;else if(n.has(e))break;n.add(e),Pn(t)}};function Mn(e){this._$AN===void 0?this._$AM=e:(X(this),this._$AM=e,jn(this))}function Nn(e,t=!1,n=0){let r=this._$AH,i=this._$AN;if(i!==void 0&&i.size!==0){if(t){if(Array.isArray(r))for(let e=n;e<r.length;e++)Y(r[e],!1),X(r[e]);else r!=null&&(Y(r,!1),X(r))}else Y(this,e)}}var Pn=e=>{e.type==On.CHILD&&(e._$AP??=Nn,e._$AQ??=Mn)},Fn=class extends An{constructor(){super(...arguments),this._$AN=void 0}_$AT(e,t,n){super._$AT(e,t,n),jn(this),this.isConnected=e._$AU}_$AO(e,t=!0){e!==this.isConnected&&(this.isConnected=e,e?this.reconnected?.():this.disconnected?.()),t&&(Y(this,e),X(this))}setValue(e){if(Dn(this._$Ct))this._$Ct._$AI(e,this);else{let t=[...this._$Ct._$AH];t[this._$Ci]=e,this._$Ct._$AI(t,this,0)}}disconnected(){}reconnected(){}},Z=new WeakMap,In=kn(class extends Fn{render(e){return y}update(e,[t]){let n=t!==this.G;return n&&this.rt(void 0),(n||this.lt!==this.ct)&&(this.G=t,this.ht=e.options?.host,this.rt(this.ct=e.element)),y}rt(e){if(this.G!==void 0){if(this.isConnected||(e=void 0),typeof this.G==`function`){let t=this.ht??globalThis,n=Z.get(t);n===void 0&&(n=new WeakMap,Z.set(t,n)),n.get(this.G)!==void 0&&this.G.call(this.ht,void 0),n.set(this.G,e),e!==void 0&&this.G.call(this.ht,e)}else this.G.value=e}}get lt(){return typeof this.G==`function`?Z.get(this.ht??globalThis)?.get(this.G):this.G?.value}disconnected(){this.lt===this.ct&&this.rt(void 0)}reconnected(){this.rt(this.ct)}}),Ln=[[`Arrows`,`move to the next cell`],[`Enter / Esc`,`pin the cell / unpin`],[`Shift + arrows`,`pan (or drag)`],[`+  −`,`zoom (or wheel, pinch, double click)`],[`0`,`the whole map`],[`1 … 5`,`hold one grid; again to follow the zoom`],[`,  .`,`previous, next step`],[`Space`,`play or pause`],[`j`,`what happened in the run`],[`d`,`drift: where cells moved since the step before`]];function Rn(e){queueMicrotask(()=>{e instanceof HTMLDialogElement&&e.isConnected&&!e.open&&e.showModal()})}function zn(e){return r`<dialog
    class="help panel"
    aria-labelledby="help-title"
    ${In(Rn)}
    @close=${e}
    @click=${t=>{t.target===t.currentTarget&&e()}}
  >
    <div class="help-body">
      <div class="inspector-head">
        <h2 id="help-title">How to read the map</h2>
        ${i({icon:`close`,name:`Close`,key:`Esc`,press:e})}
      </div>
      <ul class="reading">
        <li>
          <strong>A cell</strong> holds samples that the layer answers alike: each is one spot of one
          real image. Bigger tiles hold more of them.
        </li>
        <li>
          <strong>Its icon</strong> is a picture made for the cell, not a photograph: the layer's answer
          to it points the way of the cell's mean. The cosine says how well; the real patches beside it
          are the evidence.
        </li>
        <li>
          <strong>Near</strong> means alike, but far need not mean different, and the directions of the
          map mean nothing. Trust says how many neighbours are true ones.
        </li>
        <li>
          <strong>Zooming in</strong> does not enlarge icons but splits cells, down to the finest grid
          that was logged. Faint points are samples in cells too sparse to draw.
        </li>
      </ul>
      <h3>Keys, while the map has the focus</h3>
      <dl>
        ${Ln.map(([e,t])=>r`<dt>${e}</dt><dd>${t}</dd>`)}
      </dl>
    </div>
  </dialog>`}var Bn=12;function Vn(e,t,n){return r`<aside class="inspector panel" aria-label="Pinned cell">
    <div class="inspector-head">
      <h2>Pinned cell</h2>
      ${i({icon:`close`,name:`Unpin`,key:`Esc`,press:n})}
    </div>
    ${e===null?r`<p class="muted">
          No cell is drawn at the pinned place: too few samples lie there at this step or on this
          grid.
        </p>`:r`<div class="card-top">
            ${sn(e)}
            <div class="card-facts">${cn(e)} ${ln(e)}</div>
          </div>
          ${un(e)} ${dn(e)}
          ${st(e)} ${Hn(e,t)} ${fn(e)}`}
  </aside>`}function Hn(e,t){let n=mn(e);if(n!==null)return r`<p class="muted">${n}</p>`;let{nearest:i,list:a}=pn(e,Bn),o=a.find(({sample:e})=>e===t.sample);return r`<section>
    <h3>Nearest real patches ${hn(i)}</h3>
    <div class="patches wide">${a.map(n=>Un(e,n,t))}</div>
    ${o?Wn(e,o):r`<p class="muted">Click a patch for its image.</p>`}
  </section>`}function Un({atlas:e},{sample:t,cut:n,picture:i},a){let o=t===a.sample,s=gn(e,t);return r`<button
    type="button"
    class="patch-button"
    aria-pressed=${o}
    aria-label="Patch of ${s}"
    title=${s}
    @click=${()=>a.choose(o?null:t)}
  >
    <atlas-crop
      class="patch"
      .crop=${n&&i?{picture:i,rect:n.patch}:null}
    ></atlas-crop>
  </button>`}function Wn({atlas:e},{sample:t,cut:n,picture:i}){return!n||!i?y:r`<figure>
    <atlas-crop class="whole" .crop=${{picture:i,rect:n.image,box:n.patch}}></atlas-crop>
    <figcaption class="muted">${gn(e,t)}</figcaption>
  </figure>`}function Gn(e,t,n,i,a){return r`<aside class="legend panel" aria-label="Legend">
    ${n.kind===`none`?y:r`<details ?open=${a}>
            <summary>${Kn(n,i)}</summary>
            ${qn(n)}
          </details>`}
    <p class="provenance muted" title=${Xn(e)}>${Jn(e,t)}</p>
  </aside>`}function Kn(e,t){return e.kind!==`classes`||t===`icons`?e.title:t===`points`?e.pointTitle:`${e.title}; points: ${e.pointTitle.toLowerCase()}`}function qn(e){switch(e.kind){case`missing`:return r`<p>${e.reason}</p>`;case`classes`:return r`<ul class="swatches">
        ${e.entries.map(({label:e,colour:t})=>r`<li><i style="background:${t}"></i>${n(e,24)}</li>`)}
      </ul>`;case`scale`:return r`<div class="scale">
        <span>${e.low}</span>
        <i style="background:${_t}"></i>
        <span>${e.high}</span>
      </div>`}}function Jn(e,t){let{settings:n,trustworthiness:r}=e.manifest,i=n.raw(`neighbors`),a=n.raw(`min_dist`);return[`${v(e.count)} samples`,`${t.size} × ${t.size}`,typeof i==`number`&&typeof a==`number`?`UMAP ${i}/${a}`:``,Yn(t),r===null?``:`trust ${x(r)}`].filter(Boolean).join(` · `)}function Yn(e){let{kinds:t,weak:n}=Ee(e),[r,...i]=t;return r===void 0?``:[...i.length?t.map(([e,t])=>`${v(t)} ${e}`):[r[0]],...n?[`${v(n)} weak`]:[]].join(`, `)}function Xn({manifest:e}){return[`Model ${n(e.model,80)}, ${v(e.channels)} channels`,`UMAP: neighbours / least distance`,`weak: icons with a cosine under ${x(D)}, which say little of their cell`,`trust: share of map neighbours that are true neighbours, 1 is best`,...e.effectiveRank===null?[]:[`Effective rank ${e.effectiveRank.toFixed(1)}: directions that the layer uses`],...e.notes.slice(0,5).map(e=>n(e,200))].join(`
`)}var Zn=`from tensorboard_plugin_atlas import AtlasWriter

atlas = AtlasWriter("runs/exp1", model, layers=["layer3"], probe=val_set)
...
atlas.add_atlas(step)      # in the training loop, once a checkpoint`;function Qn(e){return r`<section class="veil">
    <div class="message wide">
      <h2>No atlas in this log directory yet</h2>
      <p>
        An activation atlas is a map of what one layer of an image network sees: thousands of its
        answers laid out so that alike lie together, each square drawn as a picture of what it stands
        for. These lines log one at every checkpoint:
      </p>
      <pre><code>${Zn}</code></pre>
      <p>
        Already logging? Check that <code>tensorboard --logdir</code> names the folder that
        <code>AtlasWriter</code> writes to, or a folder above it; atlases lie in its subfolder
        <code>atlas</code>. <code>tensorboard-atlas inspect LOGDIR</code> lists what is there, and
        <code>tensorboard-atlas demo</code> makes an example to look at.
      </p>
      <button type="button" class="button" @click=${e}>Look again</button>
    </div>
  </section>`}function $n(e,t){return r`<section class="veil">
    <div class="message fault">
      <h2>The atlases cannot be listed</h2>
      <p>${e.message}</p>
      ${Q(e)}
      <button type="button" class="button" @click=${t}>Retry</button>
    </div>
  </section>`}function er(e,t,n){let{title:i,advice:a}=tr(e??0,t);return r`<section class="veil" data-failure=${t.kind}>
    <div class="message fault">
      <h2>${i}</h2>
      <p>${t.message}</p>
      <p class="muted">${a}</p>
      ${Q(t)}
      <button type="button" class="button" @click=${n}>Retry</button>
    </div>
  </section>`}function tr(e,{kind:t}){let n=`Step ${v(e)}`;switch(t){case`damaged`:return{title:`${n} is damaged`,advice:`Its stored bytes are not what was written. The other steps are not affected.`};case`too_new`:return{title:`${n} is from a newer version`,advice:`Upgrade tensorboard_plugin_atlas here to see it. The other steps are not affected.`};case`not_found`:return{title:`${n} is no longer kept`,advice:`TensorBoard thins long series. Reload, or keep more with --atlas_samples.`};default:return{title:`${n} could not be loaded`,advice:`The other steps can be tried.`}}}function Q({request:e,status:t}){return r`<p class="request muted">
    Request <code>${e}</code>${t===null?y:r`, status ${t}`}
  </p>`}function nr({renderer:e,sheetFailure:t},n){let i=[t&&r`<p class="banner">
        Icons of this grid cannot be shown: ${t.message}
        <button type="button" class="link" @click=${n}>Retry</button>
      </p>`,e===`canvas`&&r`<p class="banner">
        This browser offers no WebGL2: the map is drawn more slowly, without blended crossfades.
      </p>`,e===`none`&&r`<p class="banner">This browser offers no canvas: the map cannot be drawn.</p>`].filter(Boolean);return i.length===0?y:r`<div class="banners">${i}</div>`}var rr=332,ir=900,ar=class{session;map;update;#e;#t=null;#n=null;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new tn(n),e.pages.watch(n)}render(e,t){return r`${this.#r(e,t)}${e.help?this.#c():y}`}#r(e,t){let n=()=>this.session.retry();if(e.phase===`empty`)return Qn(n);if(e.phase===`failed`&&e.failure)return $n(e.failure,n);if(e.stepFailure)return er(e.step,e.stepFailure,n);let{shownLevel:i}=e,a=Ze(e),o=a?.levels.find(({size:e})=>e===i);return!a||!o?y:r`<div class="left-column">
        ${nr(e,n)}
        <div class="legends">
          ${t?.legends(e,a,o)??y} ${this.#i(a,o,e)}
        </div>
      </div>
      ${this.#o(e,a)} ${this.#a(e,a)}`}#i(e,t,{colour:n,show:r}){(this.#t?.level!==t||this.#t.mode!==n)&&(this.#t={level:t,mode:n,colours:St(e,t,n)});let i=this.map.viewport.width>=ir;return Gn(e,t,this.#t.colours.legend,r,i)}#a(e,t){let{hover:n,pinned:r}=e,i=n&&this.#s(e,t,n);if(!n||!i||S(n,r))return y;let{width:a,height:o}=this.map.viewport,s=e.pinned===null?0:rr;return xn(i,this.map.boxOf(n),{width:a-s,height:o})}#o(e,t){let{pinned:n}=e;if(n===null)return y;let r={sample:this.#n,choose:e=>{this.#n=e,this.update()}};return Vn(this.#s(e,t,n),r,()=>this.session.store.set({pinned:null}))}#s(e,t,n){let r=t.levels.find(({size:e})=>e===n.size),i=r&&Te(t,r,n.row,n.col);return!r||!i?null:{state:e,session:this.session,evidence:this.#e,atlas:t,level:r,facts:i}}#c(){return zn(()=>this.session.store.set({help:!1}))}};function or(e,t){let{store:n}=t;return r`<span class="tools" role="group" aria-label="Evolution">
    ${i({icon:`events`,name:`Events of this run`,key:`j`,pressed:e.eventList,press:()=>n.set({eventList:!e.eventList})})}
    ${i({icon:`drift`,name:`Drift: where cells moved`,key:`d`,pressed:e.drift,press:()=>n.set({drift:!e.drift})})}
  </span>`}var sr=1.5;function cr(e){return r`<div class="map-buttons" role="group" aria-label="Zoom">
    ${i({icon:`plus`,name:`Zoom in`,key:`+`,press:()=>e.zoomBy(sr)})}
    ${i({icon:`minus`,name:`Zoom out`,key:`-`,press:()=>e.zoomBy(1/sr)})}
    ${i({icon:`fit`,name:`Show the whole map`,key:`0`,press:()=>e.fit()})}
  </div>`}var lr=1.5,ur=720,dr=2;function fr(e,t){let n=({x:e,y:t})=>({x:Math.min(1,Math.max(0,e)),y:Math.min(1,Math.max(0,t))});return{from:n(C(e,t,{x:0,y:0})),to:n(C(e,t,{x:t.width,y:t.height}))}}function pr(e,t){let{atlas:n,camera:i,dark:a}=e,o=n?.levels[0],{viewport:s}=t;if(!o||i.z<lr||s.width<ur)return y;let c=n=>{if(n.buttons!==1)return;let r=n.currentTarget.getBoundingClientRect(),i=(n.clientX-r.left)/r.width,a=(n.clientY-r.top)/r.height;t.moveTo({x:i,y:a,z:e.camera.z})};return r`<atlas-minimap
    class="panel"
    aria-hidden="true"
    title="The whole map; press to go there"
    .overview=${{level:o,camera:i,viewport:s,dark:a}}
    @pointerdown=${c}
    @pointermove=${c}
  ></atlas-minimap>`}var mr=class extends HTMLElement{#e=document.createElement(`canvas`);#t=null;set overview(e){this.#t=e,this.isConnected&&this.#n()}connectedCallback(){this.childElementCount===0&&this.append(this.#e),this.#n()}#n(){let e=this.#e.getContext(`2d`);if(e===null||this.#t===null)return;let{level:t,camera:n,viewport:r,dark:i}=this.#t,a=ae[i?`dark`:`light`],o=Math.min(dr,devicePixelRatio||1),s=this.clientWidth*o;this.#e.width=s,this.#e.height=s;let c=s/t.size;e.fillStyle=`rgb(${a.neutralTile.join()})`;for(let n=0;n<t.rows.length;n++){let r=t.cols[n]*c,i=t.rows[n]*c;e.fillRect(r+1,i+1,c-2,c-2)}let{from:l,to:u}=fr(n,r);e.strokeStyle=a.accent,e.lineWidth=2*o,e.strokeRect(l.x*s+o,l.y*s+o,(u.x-l.x)*s-2*o,(u.y-l.y)*s-2*o)}};customElements.define(`atlas-minimap`,mr);var hr=400,gr={busy:`the machine was busy`,budget:`its share of the run time was spent`,failed:`it failed, and the output of the run says why`};function _r(e,t,n,a=y){let o=e.series?.steps??[],s=o.indexOf(e.step??NaN),c=o.length<2;return r`<footer class="bar" aria-label="Steps">
    <span class="transport">
      ${i({icon:`previous`,name:`Previous step`,key:`,`,disabled:s<=0,press:()=>n.stepBy(-1)})}
      ${i({icon:e.playing?`pause`:`play`,name:e.playing?`Pause`:`Play the steps`,key:`Space`,extra:`play`,disabled:c,press:()=>n.toggle()})}
      ${i({icon:`next`,name:`Next step`,key:`.`,disabled:s<0||s===o.length-1,press:()=>n.stepBy(1)})}
    </span>
    ${vr(e,t,o,s,a)}
    ${yr(e,o,s)}
    ${Cr(e.history,o,s)}
    ${e.freshSteps>0?Er(e.freshSteps,t):y}
  </footer>`}function vr({history:e,step:t},n,i,a,o){let s=Math.max(1,i.length-1),c=e=>100*e/s,l=t===null?null:e?.steps.get(t)?.reason??null;return r`<span class="slider">
    <span class="track">
      <div class="done" style="width:${a<0?0:c(a)}%"></div>
      ${i.map((t,n)=>{let o=(e?.steps.get(t)?.status??`ok`)!==`ok`;return!o&&i.length>hr?y:r`<i class="tick ${o?`bad`:n<=a?`passed`:``}" data-step=${t} style="left:${c(n)}%"></i>`})}
      ${(e?.skipped??[]).slice(0,hr).map(e=>{let t=Math.min(s,Math.max(0,Sr(i,e.step)-.5));return r`<i
          class="tick skipped"
          data-step=${e.step}
          title=${$(e)}
          style="left:${c(t)}%"
        ></i>`})}
    </span>
    <input
      type="range"
      aria-label="Step"
      min="0"
      max=${s}
      step="1"
      .value=${String(Math.max(0,a))}
      ?disabled=${i.length<2}
      aria-valuetext=${t===null?`no step`:`step ${t}, ${a+1} of ${i.length}`}
      title=${l??``}
      @input=${e=>{let t=i[Number(e.target.value)];t!==void 0&&n.chooseStep(t)}}
    />
    ${o}
  </span>`}function yr({step:e,series:t},n,i){if(e===null||t===null)return r`<span class="moment"></span>`;let a=t.wallTimes[i],o=a===void 0?``:` · ${br(a)}`;return r`<span class="moment">
    <strong>Step ${v(e)}</strong><br />
    <span class="muted">${i+1} of ${n.length}${o}</span>
  </span>`}function br(e){let t=new Date(1e3*e);return Number.isNaN(t.getTime())?``:t.toLocaleString(`en-GB`,{day:`numeric`,month:`short`,hour:`2-digit`,minute:`2-digit`})}var xr=20;function Sr(e,t){let n=e.findIndex(e=>e>t);return n<0?e.length:n}function $({step:e,reason:t}){return`Step ${v(e)} was skipped: ${gr[t]??n(t,60)}`}function Cr(e,t,n){if(e===null)return y;let{logged:i,kept:a,skipped:o}=e,s=[...e.steps.values()],c=s.filter(({status:e})=>e===`damaged`),l=s.filter(({status:e})=>e===`too_new`);return i<=a&&c.length+l.length+o.length===0?y:r`<span class="note">
    ${i>a?r`${v(a)} of ${v(i)} logged steps kept; restart TensorBoard with
            <code>--atlas_samples=${i}</code> to keep all.`:y}
    ${Tr(c,`damaged step`)} ${Tr(l,`step`,` from a newer version`)}
    ${wr(o,t,n)}
  </span>`}function wr(e,t,n){if(e.length===0)return y;let i=e.find(({step:e})=>[n,n+1].includes(Sr(t,e))),a=e.slice(0,xr).map($);return r`<span title=${a.join(`
`)}
    >${i===void 0?`${b(e.length,`checkpoint`)} not computed`:$(i)}.</span
  >`}function Tr(e,t,i=``){if(e.length===0)return y;let a=e.slice(0,xr).map(({step:e,reason:t})=>`step ${v(e)}: ${n(t??`no reason given`,200)}`);return r`<span class="bad" title=${a.join(`
`)}
    >${b(e.length,t)}${i}.</span
  >`}function Er(e,t){return r`<button type="button" class="pill" @click=${()=>t.acceptFreshSteps()}>
    ${b(e,`new checkpoint`)}
  </button>`}var Dr=t`
  .transport {
    display: flex;
    align-items: center;
    gap: 2px;
  }
  .play {
    width: 40px;
    height: 40px;
    background: var(--accent);
    color: var(--on-accent);
  }
  .play:hover:not(:disabled) {
    background: color-mix(in srgb, var(--accent), var(--text) 15%);
    color: var(--on-accent);
  }
  .play svg {
    width: 24px;
    height: 24px;
  }
  .tools {
    display: flex;
    gap: 2px;
  }
  .icon-button[aria-pressed='true'] {
    color: var(--accent);
    background: var(--accent-soft);
    box-shadow: inset 0 0 0 1px var(--accent);
  }
  .slider {
    position: relative;
    flex: 1;
    min-width: 120px;
    height: 32px;
  }
  .slider input {
    appearance: none;
    position: absolute;
    inset: 0;
    width: 100%;
    height: 32px;
    margin: 0;
    background: none;
    cursor: pointer;
    border-radius: 4px;
  }
  .slider input::-webkit-slider-thumb {
    appearance: none;
    width: 16px;
    height: 16px;
    border-radius: 50%;
    background: var(--accent);
    border: 2px solid var(--surface);
    box-shadow: 0 0 0 1px var(--accent);
  }
  .slider input::-moz-range-thumb {
    width: 12px;
    height: 12px;
    border-radius: 50%;
    background: var(--accent);
    border: 2px solid var(--surface);
    box-shadow: 0 0 0 1px var(--accent);
  }
  .track {
    position: absolute;
    left: 8px;
    right: 8px;
    top: 15px;
    height: 2px;
    border-radius: 1px;
    background: var(--line);
  }
  .track .done {
    height: 100%;
    background: var(--accent);
  }
  .tick {
    position: absolute;
    top: -4px;
    width: 2px;
    height: 10px;
    margin-left: -1px;
    border-radius: 1px;
    background: var(--muted);
    opacity: 0.55;
  }
  .tick.passed {
    background: var(--accent);
    opacity: 1;
  }
  .tick.bad {
    background: var(--bad);
    opacity: 1;
    height: 14px;
    top: -6px;
    width: 3px;
  }
  .tick.skipped {
    top: -2px;
    height: 6px;
  }
  .moment {
    min-width: 148px;
    font-variant-numeric: tabular-nums;
    line-height: 1.35;
  }
  .moment strong {
    font-weight: 500;
    font-size: 14px;
  }
  .moment .muted,
  .note {
    color: var(--muted);
    font-size: 12px;
  }
  .note {
    max-width: 330px;
    line-height: 1.35;
  }
  .note code {
    font: 11.5px/1.4 'Roboto Mono', ui-monospace, monospace;
    white-space: nowrap;
  }
  .note .bad {
    color: var(--bad);
  }
  .pill {
    height: 28px;
    padding: 0 12px;
    border-radius: 14px;
    background: var(--accent);
    color: var(--on-accent);
    font-weight: 500;
    white-space: nowrap;
  }
  @media (max-width: 720px) {
    .note,
    .transport .icon-button:not(.play) {
      display: none;
    }
    .moment {
      min-width: 0;
    }
  }
`,Or=900,kr=100,Ar=class{session;#e;constructor(e){this.session=e}stepBy(e){let{series:t,step:n}=this.session.store.state;if(t===null||n===null)return;let r=t.steps[t.steps.indexOf(n)+e];r!==void 0&&this.session.chooseStep(r)}toggle(){let{playing:e,series:t,step:n}=this.session.store.state;if(clearTimeout(this.#e),this.session.store.set({playing:!e}),e||t===null)return;let r=t.steps[0];n===t.steps.at(-1)&&r!==void 0&&this.session.chooseStep(r),this.#t(Or)}#t(e){this.#e=setTimeout(()=>{let{busy:e,series:t,step:n,playing:r,settled:i,stepFailure:a}=this.session.store.state;if(!r||t===null)return;if(e||!(i||a!==null)){this.#t(kr);return}let o=this.#n(t,n);o===null?this.session.store.set({playing:!1}):(this.session.chooseStep(o),this.#t(Or))},e)}#n(e,t){let{history:n}=this.session.store.state;return e.steps.slice(e.steps.indexOf(t??NaN)+1).find(e=>(n?.steps.get(e)?.status??`ok`)===`ok`)??null}},jr=60,Mr=class{session;map;update;static styles=[Dr,Zt];#e;#t;#n;#r=null;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new Ar(e),this.#t=new ar(e,t,n),this.#n=new Xt(t,e,this.#e),t.equip(this.#n),new ft(e),this.#i()}complete(e){return this.#r!==null&&(I(e)===null||Xe(e))}stage(e){let t=e.phase===`ready`&&e.atlas!==null&&e.stepFailure===null;return r`${t?r`${cr(this.map)} ${pr(e,this.map)}`:y}
    ${t?this.#r?.top(e)??y:y}
    ${this.#t.render(e,this.#r)}`}rail(e){return this.#r?.rail(e)??y}tools(e){return or(e,this.session)}sentence(e,t){let{hover:n,step:r,stepFailure:i,freshSteps:a}=e;if(i!==null&&i!==t.stepFailure)return`Step ${r} cannot be shown: ${i.message}`;if(a>t.freshSteps)return b(a,`new checkpoint`);let o=this.#r?.sentence(e,t)??null;return o===null?S(n,t.hover)||!this.map.matches(`:focus-visible`)?null:Nr(e):o}timeline(e){let t=this.#r?.marks(e)??y;return _r(e,this.session,this.#e,t)}async#i(){let{Evolution:e}=await ne(async()=>{let{Evolution:e}=await import(`./chunk-evolution-8YGeUwoi.js`);return{Evolution:e}},[],import.meta.url),t=new e(this.session,this.map,this.update);this.#r=t,this.#n.layers=()=>t.layers(this.session.store.state);let n=this.map.getRootNode();if(n instanceof ShadowRoot){let t=e.styles.flatMap(({styleSheet:e})=>e??[]);n.adoptedStyleSheets=[...n.adoptedStyleSheets,...t]}this.map.invalidate(),this.update()}};function Nr({atlas:e,hover:t}){let r=e?.levels.find(({size:e})=>e===t?.size),i=e&&r&&t&&Te(e,r,t.row,t.col);if(!i)return null;let a=i.mix[0],o=a?n(_(e,a.index),jr):``,s=a?`, ${o} ${Math.round(100*a.share)} percent`:``;return`row ${i.row+1}, column ${i.col+1}${s}, ${b(i.count,`sample`)}`}export{Mr as Later,ve as _,Ze as a,F as c,Fe as d,Le as f,ye as g,he as h,Je as i,j as l,E as m,lt as n,L as o,je as p,rt as r,I as s,ut as t,A as u,me as v};