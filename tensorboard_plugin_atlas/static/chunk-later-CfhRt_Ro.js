import{B as e,C as t,D as n,E as r,F as i,L as a,M as o,O as s,R as c,S as l,T as u,_ as d,d as f,g as p,h as m,l as h,m as g,o as ee,s as te,t as ne,u as re,v as ie,w as _,y as v,z as ae}from"./chunk-link-B57bf2Pv.js";import{c as y,d as b,f as x,l as oe,n as S,p as C,r as se,t as ce,u as w}from"./chunk-scene-JCkE3ieN.js";var le=.3,ue=new WeakMap;function T(e,t){let n=ue.get(e);return n===void 0&&(n=de(e.cellOf,e.rows.length),ue.set(e,n)),n.order.subarray(n.starts[t],n.starts[t+1])}function de(e,t){let n=new Int32Array(t+1);for(let t of e)t>=0&&(n[t+1]=n[t+1]+1);for(let e=0;e<t;e++)n[e+1]=n[e+1]+n[e];let r=n.slice(),i=new Int32Array(n[t]);return e.forEach((e,t)=>{e<0||(i[r[e]]=t,r[e]=r[e]+1)}),{order:i,starts:n}}function fe(e,t){let n=new Map;for(let r of t){let t=e[r];n.set(t,(n.get(t)??0)+1)}return[...n].sort(([e,t],[n,r])=>r-t||e-n).map(([e,n])=>({index:e,count:n,share:n/t.length}))}var pe=new WeakMap;function E(e,t){let n=pe.get(e)??new Map;pe.set(e,n);let r=n.get(t);return r===void 0&&(r=me(e,t),n.set(t,r)),r}function me(e,t){let n=e.rows.length,r=new Int32Array(n).fill(-1),i=new Float32Array(n);for(let a=0;a<n;a++){let n=fe(t,T(e,a))[0];n!==void 0&&(r[a]=n.index,i[a]=n.share)}return{index:r,share:i}}function D(e,t,n,r){let i=g(t,n,r);if(i<0)return null;let a=e.labels??e.predictions,o=t.counts[i],s=t.cosine[i];return{cell:i,row:n,col:r,size:t.size,count:o,share:o/e.count,kind:p(t,i),cosine:Number.isNaN(s)?null:s,mixOf:e.labels?`labels`:e.predictions?`predictions`:null,mix:a?fe(a,T(t,i)):[]}}function he(e){let t=new Map,n=0;for(let r=0;r<e.kind.length;r++){let i=p(e,r);i!==`none`&&(t.set(i,(t.get(i)??0)+1),e.cosine[r]<.3&&n++)}return{kinds:[...t].sort(([,e],[,t])=>t-e),weak:n}}function ge(e,t,n){let r=0,i=0;for(let n of t)r+=e[2*n]/t.length,i+=e[2*n+1]/t.length;return O(t,n,t=>Math.hypot(e[2*t]-r,e[2*t+1]-i))}function O(e,t,n){return Array.from(e,e=>({sample:e,value:n(e)})).map(e=>Number.isNaN(e.value)?{...e,value:1/0}:e).sort((e,t)=>e.value===t.value?e.sample-t.sample:e.value-t.value).slice(0,t).map(e=>e.sample)}function _e(e,t,n,r,i){let a=null,o=1/0;for(let s=0;s<e.rows.length;s++){let c=e.rows[s]-t,l=e.cols[s]-n,u=r*l+i*c,d=u+3*(Math.abs(r*c)+Math.abs(i*l));u>0&&d<o&&(o=d,a={row:e.rows[s],col:e.cols[s]})}return a}var ve=3e4,ye=class{session;constructor(e){this.session=e,e.store.subscribe((e,t)=>{k(e)&&!k(t)&&this.#e(e)}),k(e.store.state)&&this.#e(e.store.state),i(()=>void this.#i()),setInterval(()=>{!document.hidden&&document.body.clientHeight>0&&this.#i()},ve)}async#e({run:e,series:t,probe:n,probeFailure:r,history:i,stepFailure:a}){e!==null&&t!==null&&(e.probe&&n===null&&r===null&&this.#n(e),(i===null||a!==null)&&await this.#t(t),this.session.store.state.series===t&&this.#r(this.session.store.state,t))}async#t(e){let t=await h(e.id).catch(()=>null);this.session.store.state.series===e&&this.session.store.set({history:t})}async#n(e){let t=await f(e.id).then(e=>({probe:e,probeFailure:null}),e=>({probe:null,probeFailure:ee(e)}));this.session.store.state.run?.id===e.id&&this.session.store.set(t)}#r({step:e,shownLevel:t,history:n},r){let i=r.steps.indexOf(e??NaN);for(let e of[r.steps[i+1],r.steps[i-1]])i<0||e===void 0||(n===null||n.steps.get(e)?.status===`ok`)&&this.session.loadAtlas(r,e).then(e=>{let n=e.levels.find(({size:e})=>e===t);n!==void 0&&this.session.pages.icons(e,n)},()=>void this.#t(r))}async#i(){let{session:e}=this,{phase:t}=e.store.state;if(t===`loading`)return;let n=await re().catch(()=>null);if(n===null)return;if(t!==`ready`){ne(n,null)!==null&&e.retry();return}e.latestRuns=n;let{series:r}=e.store.state,i=e.findLatest();if(i===null||r===null)return;let a=new Set(r.steps),o=i.series.steps.filter(e=>!a.has(e)).length;e.store.set({freshSteps:o}),this.#a(n)}#a(e){let{store:t}=this.session,{runs:n,run:r}=t.state,i=e=>JSON.stringify(e.map(e=>[e.id,e.series.map(({id:e})=>e)]));i(e)!==i(n)&&t.set({runs:e,run:e.find(e=>e.id===r?.id)??r})}};function k({settled:e,stepFailure:t}){return e||t!==null}var A=`#e69f00 #56b4e9 #009e73 #f0e442 #0072b2 #d55e00 #cc79a7 #8c8c8c`.split(` `),be=`#cc6677 #3d49b0 #ddcc77 #117733 #88ccee #882255 #44aa99 #999933 #aa4499 #9a9a9a`.split(` `),j=`#9a9a9a`,M=`#440154 #472d7b #3b528b #2c728e #21918c #28ae80 #5ec962 #addc30 #fde725`.split(` `),N=new Map;function P(e){let t=N.get(e);if(t===void 0){let n=Number.parseInt(e.slice(1),16);t=[n>>16&255,n>>8&255,n&255],N.set(e,t)}return t}function xe(e){let t=Math.min(1,Math.max(0,e))*(M.length-1),n=Math.min(M.length-2,Math.floor(t)),r=P(M[n]),i=P(M[n+1]),a=e=>Math.round(r[e]+(i[e]-r[e])*(t-n));return[a(0),a(1),a(2)]}var Se=`linear-gradient(90deg, ${M.join(`, `)})`,F=new WeakMap;function I(e,t){let n=F.get(e);return n===void 0&&(n=Ce(e,t),F.set(e,n)),n}function Ce(e,t){let n=new Map;for(let t of e)n.set(t,(n.get(t)??0)+1);let r=[...n.keys()].filter(e=>e<0).some(e=>n.delete(e)),i=t??n.size,a=i<=A.length?A:be,o=i<=a.length?i:a.length-1,s=t!==null&&t<=a.length?Array.from({length:t},(e,t)=>t):[...n].sort(([e,t],[n,r])=>r-t||e-n).slice(0,o).map(([e])=>e).sort((e,t)=>e-t),c=new Map(s.map((e,t)=>[e,a[t]]));return{named:[...c].map(([e,t])=>({index:e,colour:t})),others:[...n.keys()].filter(e=>!c.has(e)).length,unknown:r,colourOf:e=>c.get(e)??j}}var L={legend:{kind:`none`},cells:null,sample:()=>null};function R(e,t,n){switch(n){case`icons`:return L;case`class`:return z(e,t,e.labels,`class`,`labels`);case`prediction`:return z(e,t,e.predictions,`prediction`,`predictions`);case`purity`:return we(e,t);case`cosine`:return Te(t);case`population`:return Ee(t)}}function z(e,t,n,r,i){let a=`Majority ${r} of a cell`;if(n===null)return B(a,i);let o=I(n,e.classes?.length??null),s=E(t,n),c=o.named.map(({index:t,colour:n})=>({label:m(e,t),colour:n}));return o.unknown&&c.push({label:`unknown`,colour:j}),o.others>0&&c.push({label:`${o.others} other`,colour:j}),{legend:{kind:`classes`,title:a,pointTitle:`Each sample's own ${r}`,entries:c},cells:H(t,e=>P(o.colourOf(s.index[e]))),sample:e=>P(o.colourOf(n[e]))}}function B(e,t){let n=`No ${t} were recorded in this run.`;return{...L,legend:{kind:`missing`,title:e,reason:n}}}function we(e,t){let n=`Purity: share of the majority class`,r=e.labels??e.predictions;if(r===null)return B(n,`labels or predictions`);let{share:i}=E(t,r);return V(t,{kind:`scale`,title:n,low:`0%`,high:`100%`},e=>i[e])}function Te(e){return V(e,{kind:`scale`,title:`Cosine of icon and mean`,low:`0`,high:`1`},t=>e.cosine[t])}function Ee(e){let t=e.counts.reduce((e,t)=>Math.max(e,t),1);return V(e,{kind:`scale`,title:`Samples in a cell`,low:`0`,high:t.toLocaleString(`en`)},n=>e.counts[n]/t)}function V(e,t,n){let r=e=>{let t=n(e)??NaN;return Number.isNaN(t)?null:xe(t)};return{legend:t,cells:H(e,r),sample:t=>{let n=e.cellOf[t];return n<0?null:r(n)}}}function H(e,t){let n=e.rows.length,r=new Uint8Array(4*n);for(let e=0;e<n;e++){let n=t(e);n!==null&&r.set([...n,255],4*e)}return r}var De=110,Oe={light:[96,96,96],dark:[190,190,190]};function ke(e,t,n,r,i){let a=new Uint8Array(4*e.count),o=Oe[i?`dark`:`light`];for(let i=0;i<e.count;i++){let e=t.cellOf[i]<0;if(r===`icons`&&!e)continue;let s=r===`icons`?De:255;a.set([...n.sample(i)??o,s],4*i)}return a}var U={xy:0,colour:1},Ae=5,je=`#version 300 es
layout(location = ${U.xy}) in vec2 aWorld;
layout(location = ${U.colour}) in vec4 aColour;
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
}`,Me=`#version 300 es
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
}`,Ne=class{gl;#e;#t=new Map;constructor(e){this.gl=e,this.#e=o(e,je,Me)}draw({scene:e,weight:t},n){let{pointColours:r}=e;if(r===null)return;let{gl:i}=this,{uniform:a}=this.#e,{camera:o,viewport:s,ratio:c,ground:l}=n,u=w(o,s,{x:0,y:0}),d=se(o);i.useProgram(this.#e.program),i.blendFunc(i.ONE,i.ONE_MINUS_SRC_ALPHA),i.uniform2f(a(`uOrigin`),u.x*c,u.y*c),i.uniform1f(a(`uSide`),x(o,s)*c),i.uniform2f(a(`uViewport`),i.drawingBufferWidth,i.drawingBufferHeight),i.uniform1f(a(`uDiameter`),d*c+1),i.uniform1f(a(`uRing`),d>=Ae?c:0),i.uniform3f(a(`uGround`),l[0]/255,l[1]/255,l[2]/255),i.uniform1f(a(`uWeight`),t);let f=this.#n(e.atlas);i.bindVertexArray(f.vertices),f.painted!==r&&(f.painted=r,i.bindBuffer(i.ARRAY_BUFFER,f.colours),i.bufferData(i.ARRAY_BUFFER,r,i.DYNAMIC_DRAW)),i.drawArrays(i.POINTS,0,e.atlas.count),i.bindVertexArray(null)}prune(e){let t=new Set(e.map(({scene:e})=>e.atlas));for(let[e,{vertices:n,places:r,colours:i}]of this.#t)t.has(e)||(this.gl.deleteVertexArray(n),this.gl.deleteBuffer(r),this.gl.deleteBuffer(i),this.#t.delete(e))}#n(e){let t=this.#t.get(e);if(t===void 0){let{gl:n}=this,r=n.createVertexArray(),i=n.createBuffer(),a=n.createBuffer();n.bindVertexArray(r),n.bindBuffer(n.ARRAY_BUFFER,i),n.bufferData(n.ARRAY_BUFFER,e.xy,n.STATIC_DRAW),n.enableVertexAttribArray(U.xy),n.vertexAttribPointer(U.xy,2,n.FLOAT,!1,0,0),n.bindBuffer(n.ARRAY_BUFFER,a),n.enableVertexAttribArray(U.colour),n.vertexAttribPointer(U.colour,4,n.UNSIGNED_BYTE,!0,0,0),t={vertices:r,places:i,colours:a,painted:null},this.#t.set(e,t)}return t}},Pe=4,Fe=[.002,.05,1],Ie=10,Le=400,Re=12,ze=class{element;listener;#e=new Map;#t=null;#n=!1;#r=null;constructor(e,t){this.element=e,this.listener=t,e.addEventListener(`pointerdown`,e=>this.#a(e)),e.addEventListener(`pointermove`,e=>this.#o(e)),e.addEventListener(`pointerup`,e=>this.#l(e)),e.addEventListener(`pointercancel`,e=>this.#l(e)),e.addEventListener(`pointerleave`,()=>t.hover(null)),e.addEventListener(`wheel`,e=>this.#d(e),{passive:!1})}#i(e){let t=this.element.getBoundingClientRect();return{x:e.clientX-t.left,y:e.clientY-t.top}}#a(e){e.button===0&&(this.element.setPointerCapture(e.pointerId),this.#e.set(e.pointerId,this.#i(e)),this.#e.size===1?this.#t=this.#i(e):this.#c())}#o(e){let t=this.#i(e),n=this.#e.get(e.pointerId);if(n===void 0){e.pointerType!==`touch`&&this.listener.hover(t);return}let r=this.#t??t;if(!this.#n&&Math.hypot(t.x-r.x,t.y-r.y)<Pe)return;this.#c();let i=[...this.#e].find(([t])=>t!==e.pointerId)?.[1];this.#e.set(e.pointerId,t),i===void 0?this.listener.pan(n.x-t.x,n.y-t.y):this.#s(i,n,t)}#s(e,t,n){let r=t=>Math.max(1,Math.hypot(t.x-e.x,t.y-e.y)),i={x:(n.x+e.x)/2,y:(n.y+e.y)/2};this.listener.pan((t.x-n.x)/2,(t.y-n.y)/2),this.listener.zoom(i,r(n)/r(t))}#c(){this.#n||(this.#n=!0,this.listener.drag(!0))}#l(e){if(!this.#e.delete(e.pointerId)||this.#e.size>0)return;let t=this.#n;this.#n=!1,this.#t=null,t?this.listener.drag(!1):e.type===`pointerup`&&this.#u(e)}#u(e){let t=this.#i(e),n=this.#r,r=n!==null&&e.timeStamp-n.time<Le&&Math.hypot(t.x-n.at.x,t.y-n.at.y)<Re;this.#r=r?null:{at:t,time:e.timeStamp},r?this.listener.doubleClick(t,e.shiftKey):this.listener.click(t)}#d(e){e.preventDefault();let t=Fe[e.deltaMode]*(e.ctrlKey?Ie:1);this.listener.zoom(this.#i(e),2**(-e.deltaY*t))}},W=1.5,Be=new Map([[`ArrowLeft`,[-1,0]],[`ArrowRight`,[1,0]],[`ArrowUp`,[0,-1]],[`ArrowDown`,[0,1]]]),Ve=new Map([[`+`,{do:`zoom`,factor:W}],[`=`,{do:`zoom`,factor:W}],[`-`,{do:`zoom`,factor:1/W}],[`_`,{do:`zoom`,factor:1/W}],[`0`,{do:`fit`}],[`,`,{do:`step`,by:-1}],[`.`,{do:`step`,by:1}],[` `,{do:`play`}],[`Enter`,{do:`pin`}],[`Escape`,{do:`escape`}],[`?`,{do:`help`}]]);function He(e){if(e.ctrlKey||e.altKey||e.metaKey)return null;let t=Be.get(e.key);return t===void 0?/^[1-5]$/.test(e.key)?{do:`level`,index:Number(e.key)-1}:Ve.get(e.key)??null:{do:e.shiftKey?`pan`:`cursor`,dx:t[0],dy:t[1]}}var Ue=88,We=`500 11px Roboto, system-ui, sans-serif`,G=18;function Ge(e,t){let{ratio:n,viewport:r,hover:i,pinned:a}=t;e.setTransform(n,0,0,n,0,0),e.clearRect(0,0,r.width,r.height),t.values!==null&&qe(e,t,t.values),a&&Ke(e,t,a,3),i&&Ke(e,t,i,2)}function Ke(e,{camera:t,viewport:n,level:r,theme:i},{size:a,row:o,col:s},c){let l=x(t,n)/a,u=w(t,n,{x:s/a,y:o/a}),d=r.size===a?g(r,o,s):-1,f=(1-(d<0?1:S(r)[d]))*l/2-c/2;e.beginPath(),e.roundRect(u.x+f,u.y+f,l-2*f,l-2*f,Math.min(5,.1*l+1)),e.strokeStyle=i.accent,e.lineWidth=c,e.stroke()}function qe(e,t,r){let{atlas:i,level:a,camera:o,viewport:s,theme:c}=t,l=x(o,s)/a.size;if(l<Ue)return;let u=E(a,r),d=w(o,s,{x:0,y:0});e.globalAlpha=Math.min(1,(l-Ue)/20),e.font=We,e.textBaseline=`middle`;let f=S(a);for(let t=0;t<a.rows.length;t++){let r=d.x+a.cols[t]*l,o=d.y+a.rows[t]*l;if(r>s.width||o>s.height||r+l<0||o+l<0)continue;let p=(1-f[t])*l/2+4,h=n(m(i,u.index[t]),Math.floor(l/8)),g=e.measureText(h).width+10;e.fillStyle=c.labelGround,e.beginPath(),e.roundRect(r+p,o+l-p-G,g,G,3),e.fill(),e.fillStyle=c.label,e.fillText(h,r+p+5,o+l-p-G/2+.5)}e.globalAlpha=1}var Je=60,Ye=80,Xe=2,Ze=class{map;session;player;#e=!1;#t=null;#n=null;#r;constructor(e,t,n){this.map=e,this.session=t,this.player=n,new ze(e,{pan:(t,n)=>this.#a(y(this.#i,e.viewport,t,n)),zoom:(t,n)=>this.#a(C(this.#i,e.viewport,t,n)),click:e=>this.#s(e),doubleClick:(n,r)=>{t.store.set({pinned:this.#n});let i=r?1/Xe:Xe;e.flyTo(C(e.goal,e.viewport,n,i))},hover:e=>this.#c(e),drag:e=>this.#o(e)}),e.addEventListener(`keydown`,e=>{let t=He(e);t!==null&&(e.preventDefault(),this.#d(t))})}decorate(e,t){let{scene:n,viewport:r}=this.map;if(n===null)return;let{camera:i,hover:a,pinned:o,dark:c,colour:l}=this.session.store.state,{labels:u,predictions:d}=n.atlas,f=l===`prediction`?d:u??d;Ge(e,{camera:i,viewport:r,ratio:t,atlas:n.atlas,level:n.level,values:n.tiles?f:null,hover:a,pinned:o,theme:s[c?`dark`:`light`]})}get#i(){return this.session.store.state.camera}#a(e){this.map.moveTo(e),!this.#e&&this.#t!==null&&this.#c(this.#t)}#o(e){this.#e=e,this.map.classList.toggle(`dragging`,e),e&&this.#l(null)}#s(e){let{store:t}=this.session,n=this.#u(e);this.#n=t.state.pinned,n!==null&&t.set({pinned:n,hover:null})}#c(e){this.#t=e,this.#e||this.#l(e&&this.#u(e))}#l(e){clearTimeout(this.#r);let{store:t}=this.session;l(e,t.state.hover)||(this.#r=setTimeout(()=>t.set({hover:e}),Je))}#u(e){let{scene:t,viewport:n}=this.map;if(t===null)return null;let r=b(this.#i,n,e),{size:i}=t.level,a=Math.floor(r.y*i),o=Math.floor(r.x*i);return g(t.level,a,o)<0?null:{size:i,row:a,col:o}}#d(e){let{map:t,session:n}=this,{store:r}=n;switch(e.do){case`cursor`:this.#f(e.dx,e.dy);break;case`pan`:t.flyTo(y(t.goal,t.viewport,Ye*e.dx,Ye*e.dy));break;case`zoom`:t.zoomBy(e.factor);break;case`fit`:t.fit();break;case`level`:this.#p(e.index);break;case`step`:this.player.stepBy(e.by);break;case`play`:this.player.toggle();break;case`pin`:r.state.hover&&r.set({pinned:r.state.hover,hover:null});break;case`escape`:r.set({hover:null,pinned:null});break;case`help`:r.set({help:!0})}}#f(e,t){let n=this.map.scene?.level;if(n===void 0)return;let{hover:r,pinned:i,camera:a}=this.session.store.state,o=[r,i].find(e=>e?.size===n.size),s=o?_e(n,o.row,o.col,e,t):Qe(n,a);s!==null&&(clearTimeout(this.#r),this.session.store.set({hover:{size:n.size,...s}}),this.map.flyTo(oe(this.map.goal,this.map.viewport,n.size,s.row,s.col)))}#p(e){let{atlas:t,level:n}=this.session.store.state,r=t?.levels[e]?.size;r!==void 0&&this.session.store.set({level:n===r?`auto`:r})}};function Qe(e,{x:t,y:n}){let r=null,i=1/0;return e.rows.forEach((a,o)=>{let s=e.cols[o],c=Math.hypot((s+.5)/e.size-t,(a+.5)/e.size-n);c>=i||(i=c,r={row:a,col:s})}),r}var $e=class{#e;constructor(e,t,n){this.#e=new Ze(e,t,n)}colour(e,t,{colour:n,show:r,dark:i}){let a=R(e,t,n);return{cellColours:a.cells,pointColours:ke(e,t,a,r,i)}}createPoints(e){return new Ne(e)}decorate(e,t){this.#e.decorate(e,t)}},et=e`
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

  .legend {
    position: absolute;
    left: 12px;
    bottom: 12px;
    padding: 8px 12px;
    max-width: min(420px, calc(100% - 90px));
    display: grid;
    gap: 8px;
    z-index: 1;
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
    position: absolute;
    top: 12px;
    left: 12px;
    display: grid;
    gap: 8px;
    max-width: min(460px, calc(100% - 24px));
    z-index: 1;
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
`;function tt(e,t){let{activationsKind:n,channels:r}=e.manifest,i=e.count;switch(n){case`float16`:return K(nt(t.half(`values`,i,r)),i,r);case`uint8`:{let e=t.uint8(`codes`,i,r),n=t.float32(`scale`,r),a=t.float32(`offset`,r);return K(Float32Array.from(e,(e,t)=>e*n[t%r]+a[t%r]),i,r)}case`pca`:{let e=t.shape(`axes`)[0]??0;return K(nt(t.half(`scores`,i,e)),i,e)}default:throw new ie(`activations of kind ${n}`)}}function nt(e){return Float32Array.from(e,d)}function K(e,t,n){let r=new Float32Array(n);for(let i=0;i<n;i++){let a=0,o=0;for(let r=0;r<t;r++){let t=e[r*n+i];Number.isFinite(t)&&(a+=t,o+=1)}r[i]=o>0?a/o:0}return{width:n,values:e,mean:r}}function rt(e,t,n){let{width:r,values:i,mean:a}=e,o=(e,t)=>i[e*r+t]-a[t],s=new Float64Array(r);for(let e of t)for(let t=0;t<r;t++){let n=o(e,t);Number.isFinite(n)&&(s[t]=s[t]+n)}return O(t,n,e=>{let t=0,n=0;for(let i=0;i<r;i++){let r=o(e,i);t+=r*s[i],n+=r*r}return-t/Math.sqrt(n)})}var it=class{arrived;#e=new Map;#t=new WeakMap;constructor(e){this.arrived=e}nearest(e,t,n,r,i){let a=this.#e.get(e);a===void 0&&i&&this.#n(e);let o=typeof a==`object`?`activation`:`map`,s=this.#t.get(t)??new Map;this.#t.set(t,s);let c=`${n}/${r}/${o}`,l=s.get(c);if(l===void 0){let i=T(t,n);l={samples:typeof a==`object`?rt(a,i,r):ge(e.xy,i,r),by:o},s.set(c,l)}return l}async#n(e){this.#e.set(e,`loading`);for(let e of[...this.#e.keys()].slice(0,-2))this.#e.delete(e);try{let t=await te(e.series,e.step);this.#e.set(e,tt(e,t))}catch{this.#e.set(e,`failed`)}this.arrived()}};function at(e,t,n){let r=t.placeOf.get(e.imageIds[n]);if(r===void 0)return null;let{tile:i,columns:a,inputSize:o,thumbSize:s}=t.manifest,c=r%(a*a),l=c%a*i,u=Math.floor(c/a)*i,[d=0,f=0,p=0,m=0]=e.boxes.subarray(4*n,4*n+4),h=ot(d,p,o[0],s[0]),g=ot(f,m,o[1],s[1]);return{page:Math.floor(r/(a*a)),image:{x:l,y:u,width:s[1],height:s[0]},patch:{x:l+g.start,y:u+h.start,width:g.length,height:h.length}}}function ot(e,t,n,r){let i=r/n,a=Math.min(r-1,Math.max(0,e*i));return{start:a,length:Math.min(r,Math.max(a+1,t*i))-a}}var q=5,st={none:`No icon`,examples:`Nearest real patch`,preview:`Preview`,inversion:`Feature inversion`,poster:`Feature inversion, poster quality`};function ct({session:e,atlas:t,level:n,facts:r}){let i=ce(n,r.cell),a=i&&e.pages.icons(t,n).pages[i.page];if(!i||!a)return c`<div class="big-icon none">no icon</div>`;let{x:o,y:s,side:l}=i;return c`<atlas-crop
    class="big-icon"
    role="img"
    aria-label="Icon of the cell"
    .crop=${{picture:a,rect:{x:o,y:s,width:l,height:l}}}
  ></atlas-crop>`}function lt({facts:e}){return c`<div class="headline">
    <strong>${r(e.count,`sample`)}</strong>
    <span class="muted">${u(e.share)} of the map</span>
  </div>`}function ut({facts:e}){if(e.kind===`none`)return a;let t=e.cosine!==null&&e.cosine<.3;return c`<div class="icon-line">
    ${st[e.kind]}${e.cosine===null?a:c`<span
            class="number"
            title="Cosine between what the layer answers to this picture and the cell's mean, both relative to the layer's mean. 1 is a perfect likeness."
            >cosine ${_(e.cosine)}</span
          >${t?c`<span
                class="weak"
                title="Below ${_(le)} the picture says little about the cell: trust the real patches."
                >weak</span
              >`:a}`}
  </div>`}function dt({atlas:e,facts:i}){if(i.mixOf===null)return c`<p class="muted">No labels or predictions were recorded in this run.</p>`;let o=I(i.mixOf===`labels`?e.labels:e.predictions,e.classes?.length??null),s=i.mix.length-q;return c`<section>
    <h3>${i.mixOf===`labels`?`Labels`:`Predictions`}</h3>
    <ul class="bars">
      ${i.mix.slice(0,q).map(({index:t,share:i,count:a})=>c`<li title=${r(a,`sample`)}>
    <span class="name">${n(m(e,t),40)}</span>
    <span class="meter"
      ><i style="width:${100*i}%;background:${o.colourOf(t)}"></i
    ></span>
    <span class="number">${u(i)}</span>
  </li>`)}
    </ul>
    ${s>0?c`<p class="muted">and ${t(s)} more</p>`:a}
  </section>`}function ft({atlas:e,facts:r}){return c`<p class="muted whereabouts">
    Row ${r.row+1}, column ${r.col+1} of ${r.size} × ${r.size} ·
    ${n(e.manifest.layer,40)} · step ${t(e.step)}
  </p>`}function pt(e,t){let{state:n,session:r,evidence:i,atlas:a,level:o,facts:s}=e,c=n.settled&&!n.playing,l=i.nearest(a,o,s.cell,t,c),{probe:u,run:d}=n;return{nearest:l,list:l.samples.map(e=>{let t=u&&at(a,u,e);return{sample:e,cut:t,picture:u&&d&&t?r.pages.thumbs(d.id,u,t.page):null}})}}function mt({state:e,atlas:t}){return e.run?.probe===!1?`The pictures of the probe are not in this run.`:e.probeFailure?`The pictures of the probe: ${e.probeFailure.message}`:e.probe&&e.probe.manifest.digest!==t.manifest.probeDigest?`This step was made from another probe than the pictures in this run.`:null}function ht({by:e}){let[t,n]=e===`activation`?[`by activation`,`Cosine to the cell's mean, relative to the layer's mean.`]:[`by place on the map`,`Distance on the map; activations are not here yet.`];return c`<span class="muted" title=${n}>${t}</span>`}function gt(e,t){let r=e.labels?.[t],i=e.predictions?.[t],a=[`image ${e.imageIds[t]}`];return r!==void 0&&a.push(n(m(e,r),40)),i!==void 0&&i!==r&&a.push(`predicted ${n(m(e,i),40)}`),a.join(`, `)}var J=320,_t=404,vt=10,Y=8;function yt(e,t){let n=e.x+e.side+vt,r=e.x-vt-J,i=n+J+Y<=t.width||r<Y?n:r,a=(e,t)=>Math.max(Y,Math.min(e,t-Y));return{left:a(i,t.width-J),top:a(e.y+e.side/2-_t/2,t.height-_t)}}var bt=6;function xt(e,t,n){let{left:r,top:i}=yt(t,n);return c`<aside
    class="card panel"
    data-row=${e.facts.row}
    data-col=${e.facts.col}
    style="left:${r}px;top:${i}px"
    aria-label="Cell under the cursor"
  >
    <div class="card-top">
      ${ct(e)}
      <div class="card-facts">${lt(e)} ${ut(e)}</div>
    </div>
    ${St(e)} ${dt(e)} ${ft(e)}
  </aside>`}function St(e){let t=mt(e);if(t!==null)return c`<p class="muted">${t}</p>`;let{nearest:n,list:r}=pt(e,bt);return c`<section>
    <h3>Nearest real patches ${ht(n)}</h3>
    <div class="patches">
      ${r.map(({cut:e,picture:t})=>c`<atlas-crop
            class="patch"
            .crop=${e&&t?{picture:t,rect:e.patch}:null}
          ></atlas-crop>`)}
    </div>
  </section>`}var Ct=2,wt=class extends HTMLElement{#e=document.createElement(`canvas`);#t=null;set crop(e){let t=this.#t;this.#t=e,t?.picture===e?.picture&&Tt(t?.rect,e?.rect)||this.#n()}connectedCallback(){this.childElementCount>0||(this.append(this.#e),new ResizeObserver(()=>this.#n()).observe(this))}#n(){let{clientWidth:e,clientHeight:t}=this;if(e===0||t===0)return;let n=Math.min(Ct,devicePixelRatio||1);this.#e.width=Math.round(e*n),this.#e.height=Math.round(t*n);let r=this.#e.getContext(`2d`),i=this.#t;if(r===null||i===null)return;let{picture:a,rect:o,box:s}=i,c=Math.min(this.#e.width/o.width,this.#e.height/o.height),l=(this.#e.width-c*o.width)/2,u=(this.#e.height-c*o.height)/2;if(r.imageSmoothingQuality=`high`,r.drawImage(a,o.x,o.y,o.width,o.height,l,u,c*o.width,c*o.height),s!==void 0){r.setTransform(c,0,0,c,l-c*o.x,u-c*o.y);for(let[e,t]of[[`#000`,4],[`#fff`,2]])r.strokeStyle=e,r.lineWidth=t*n/c/1.5,r.strokeRect(s.x,s.y,s.width,s.height)}}};function Tt(e,t){return e===t||e?.x===t?.x&&e?.y===t?.y&&e?.width===t?.width&&e?.height===t?.height}customElements.define(`atlas-crop`,wt);var{I:Et}=ae,Dt=e=>e.strings===void 0,Ot={ATTRIBUTE:1,CHILD:2,PROPERTY:3,BOOLEAN_ATTRIBUTE:4,EVENT:5,ELEMENT:6},kt=e=>(...t)=>({_$litDirective$:e,values:t}),At=class{constructor(e){}get _$AU(){return this._$AM._$AU}_$AT(e,t,n){this._$Ct=e,this._$AM=t,this._$Ci=n}_$AS(e,t){return this.update(e,t)}update(e,t){return this.render(...t)}},X=(e,t)=>{let n=e._$AN;if(n===void 0)return!1;for(let e of n)e._$AO?.(t,!1),X(e,t);return!0},Z=e=>{let t,n;do{if((t=e._$AM)===void 0)break;n=t._$AN,n.delete(e),e=t}while(n?.size===0)},jt=e=>{for(let t;t=e._$AM;e=t){let n=t._$AN;if(n===void 0)t._$AN=n=new Set;else if(n.has(e))break;n.add(e),Pt(t)}};function Mt(e){this._$AN===void 0?this._$AM=e:(Z(this),this._$AM=e,jt(this))}function Nt(e,t=!1,n=0){let r=this._$AH,i=this._$AN;if(i!==void 0&&i.size!==0){if(t){if(Array.isArray(r))for(let e=n;e<r.length;e++)X(r[e],!1),Z(r[e]);else r!=null&&(X(r,!1),Z(r))}else X(this,e)}}var Pt=e=>{e.type==Ot.CHILD&&(e._$AP??=Nt,e._$AQ??=Mt)},Ft=class extends At{constructor(){super(...arguments),this._$AN=void 0}_$AT(e,t,n){super._$AT(e,t,n),jt(this),this.isConnected=e._$AU}_$AO(e,t=!0){e!==this.isConnected&&(this.isConnected=e,e?this.reconnected?.():this.disconnected?.()),t&&(X(this,e),Z(this))}setValue(e){if(Dt(this._$Ct))this._$Ct._$AI(e,this);else{let t=[...this._$Ct._$AH];t[this._$Ci]=e,this._$Ct._$AI(t,this,0)}}disconnected(){}reconnected(){}},Q=new WeakMap,It=kt(class extends Ft{render(e){return a}update(e,[t]){let n=t!==this.G;return n&&this.rt(void 0),(n||this.lt!==this.ct)&&(this.G=t,this.ht=e.options?.host,this.rt(this.ct=e.element)),a}rt(e){if(this.G!==void 0){if(this.isConnected||(e=void 0),typeof this.G==`function`){let t=this.ht??globalThis,n=Q.get(t);n===void 0&&(n=new WeakMap,Q.set(t,n)),n.get(this.G)!==void 0&&this.G.call(this.ht,void 0),n.set(this.G,e),e!==void 0&&this.G.call(this.ht,e)}else this.G.value=e}}get lt(){return typeof this.G==`function`?Q.get(this.ht??globalThis)?.get(this.G):this.G?.value}disconnected(){this.lt===this.ct&&this.rt(void 0)}reconnected(){this.rt(this.ct)}}),Lt=[[`Arrows`,`move to the next cell`],[`Enter / Esc`,`pin the cell / unpin`],[`Shift + arrows`,`pan (or drag)`],[`+  −`,`zoom (or wheel, pinch, double click)`],[`0`,`the whole map`],[`1 … 5`,`hold one grid; again to follow the zoom`],[`,  .`,`previous, next step`],[`Space`,`play or pause`]];function Rt(e){queueMicrotask(()=>{e instanceof HTMLDialogElement&&e.isConnected&&!e.open&&e.showModal()})}function zt(e){return c`<dialog
    class="help panel"
    aria-labelledby="help-title"
    ${It(Rt)}
    @close=${e}
    @click=${t=>{t.target===t.currentTarget&&e()}}
  >
    <div class="help-body">
      <div class="inspector-head">
        <h2 id="help-title">How to read the map</h2>
        ${v({icon:`close`,name:`Close`,key:`Esc`,press:e})}
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
        ${Lt.map(([e,t])=>c`<dt>${e}</dt><dd>${t}</dd>`)}
      </dl>
    </div>
  </dialog>`}var Bt=12;function Vt(e,t,n){return c`<aside class="inspector panel" aria-label="Pinned cell">
    <div class="inspector-head">
      <h2>Pinned cell</h2>
      ${v({icon:`close`,name:`Unpin`,key:`Esc`,press:n})}
    </div>
    ${e===null?c`<p class="muted">
          No cell is drawn at the pinned place: too few samples lie there at this step or on this
          grid.
        </p>`:c`<div class="card-top">
            ${ct(e)}
            <div class="card-facts">${lt(e)} ${ut(e)}</div>
          </div>
          ${dt(e)} ${Ht(e,t)} ${ft(e)}`}
  </aside>`}function Ht(e,t){let n=mt(e);if(n!==null)return c`<p class="muted">${n}</p>`;let{nearest:r,list:i}=pt(e,Bt),a=i.find(({sample:e})=>e===t.sample);return c`<section>
    <h3>Nearest real patches ${ht(r)}</h3>
    <div class="patches wide">${i.map(n=>Ut(e,n,t))}</div>
    ${a?Wt(e,a):c`<p class="muted">Click a patch for its image.</p>`}
  </section>`}function Ut({atlas:e},{sample:t,cut:n,picture:r},i){let a=t===i.sample,o=gt(e,t);return c`<button
    type="button"
    class="patch-button"
    aria-pressed=${a}
    aria-label="Patch of ${o}"
    title=${o}
    @click=${()=>i.choose(a?null:t)}
  >
    <atlas-crop
      class="patch"
      .crop=${n&&r?{picture:r,rect:n.patch}:null}
    ></atlas-crop>
  </button>`}function Wt({atlas:e},{sample:t,cut:n,picture:r}){return!n||!r?a:c`<figure>
    <atlas-crop class="whole" .crop=${{picture:r,rect:n.image,box:n.patch}}></atlas-crop>
    <figcaption class="muted">${gt(e,t)}</figcaption>
  </figure>`}function Gt(e,t,n,r,i){return c`<aside class="legend panel" aria-label="Legend">
    ${n.kind===`none`?a:c`<details ?open=${i}>
            <summary>${Kt(n,r)}</summary>
            ${qt(n)}
          </details>`}
    <p class="provenance muted" title=${Xt(e)}>${Jt(e,t)}</p>
  </aside>`}function Kt(e,t){return e.kind!==`classes`||t===`icons`?e.title:t===`points`?e.pointTitle:`${e.title}; points: ${e.pointTitle.toLowerCase()}`}function qt(e){switch(e.kind){case`missing`:return c`<p>${e.reason}</p>`;case`classes`:return c`<ul class="swatches">
        ${e.entries.map(({label:e,colour:t})=>c`<li><i style="background:${t}"></i>${n(e,24)}</li>`)}
      </ul>`;case`scale`:return c`<div class="scale">
        <span>${e.low}</span>
        <i style="background:${Se}"></i>
        <span>${e.high}</span>
      </div>`}}function Jt(e,n){let{settings:r,trustworthiness:i}=e.manifest,a=r.raw(`neighbors`),o=r.raw(`min_dist`);return[`${t(e.count)} samples`,`${n.size} × ${n.size}`,typeof a==`number`&&typeof o==`number`?`UMAP ${a}/${o}`:``,Yt(n),i===null?``:`trust ${_(i)}`].filter(Boolean).join(` · `)}function Yt(e){let{kinds:n,weak:r}=he(e),[i,...a]=n;return i===void 0?``:[...a.length?n.map(([e,n])=>`${t(n)} ${e}`):[i[0]],...r?[`${t(r)} weak`]:[]].join(`, `)}function Xt({manifest:e}){return[`Model ${n(e.model,80)}, ${t(e.channels)} channels`,`UMAP: neighbours / least distance`,`weak: icons with a cosine under ${_(le)}, which say little of their cell`,`trust: share of map neighbours that are true neighbours, 1 is best`,...e.effectiveRank===null?[]:[`Effective rank ${e.effectiveRank.toFixed(1)}: directions that the layer uses`],...e.notes.slice(0,5).map(e=>n(e,200))].join(`
`)}var Zt=`from tensorboard_plugin_atlas import AtlasWriter

atlas = AtlasWriter("runs/exp1", model, layers=["layer3"], probe=val_set)
...
atlas.add_atlas(step)      # in the training loop, once a checkpoint`;function Qt(e){return c`<section class="veil">
    <div class="message wide">
      <h2>No atlas in this log directory yet</h2>
      <p>
        An activation atlas is a map of what one layer of an image network sees: thousands of its
        answers laid out so that alike lie together, each square drawn as a picture of what it stands
        for. These lines log one at every checkpoint:
      </p>
      <pre><code>${Zt}</code></pre>
      <p>
        Already logging? Check that <code>tensorboard --logdir</code> names the folder that
        <code>AtlasWriter</code> writes to, or a folder above it; atlases lie in its subfolder
        <code>atlas</code>. <code>tensorboard-atlas inspect LOGDIR</code> lists what is there, and
        <code>tensorboard-atlas demo</code> makes an example to look at.
      </p>
      <button type="button" class="button" @click=${e}>Look again</button>
    </div>
  </section>`}function $t(e,t){return c`<section class="veil">
    <div class="message fault">
      <h2>The atlases cannot be listed</h2>
      <p>${e.message}</p>
      ${nn(e)}
      <button type="button" class="button" @click=${t}>Retry</button>
    </div>
  </section>`}function en(e,t,n){let{title:r,advice:i}=tn(e??0,t);return c`<section class="veil" data-failure=${t.kind}>
    <div class="message fault">
      <h2>${r}</h2>
      <p>${t.message}</p>
      <p class="muted">${i}</p>
      ${nn(t)}
      <button type="button" class="button" @click=${n}>Retry</button>
    </div>
  </section>`}function tn(e,{kind:n}){let r=`Step ${t(e)}`;switch(n){case`damaged`:return{title:`${r} is damaged`,advice:`Its stored bytes are not what was written. The other steps are not affected.`};case`too_new`:return{title:`${r} is from a newer version`,advice:`Upgrade tensorboard_plugin_atlas here to see it. The other steps are not affected.`};case`not_found`:return{title:`${r} is no longer kept`,advice:`TensorBoard thins long series. Reload, or keep more with --atlas_samples.`};default:return{title:`${r} could not be loaded`,advice:`The other steps can be tried.`}}}function nn({request:e,status:t}){return c`<p class="request muted">
    Request <code>${e}</code>${t===null?a:c`, status ${t}`}
  </p>`}function rn({renderer:e,sheetFailure:t},n){return c`<div class="banners">
    ${t?c`<p class="banner">
          Icons of this grid cannot be shown: ${t.message}
          <button type="button" class="link" @click=${n}>Retry</button>
        </p>`:a}
    ${e===`canvas`?c`<p class="banner">
          This browser offers no WebGL2: the map is drawn more slowly, without blended crossfades.
        </p>`:a}
    ${e===`none`?c`<p class="banner">This browser offers no canvas: the map cannot be drawn.</p>`:a}
  </div>`}var an=332,on=900,sn=class{session;map;update;#e;#t=null;#n=null;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new it(n),e.pages.watch(n)}render(e){return c`${this.#r(e)}${e.help?this.#c():a}`}#r(e){let t=()=>this.session.retry();if(e.phase===`empty`)return Qt(t);if(e.phase===`failed`&&e.failure)return $t(e.failure,t);if(e.stepFailure)return en(e.step,e.stepFailure,t);let{atlas:n,shownLevel:r}=e,i=n?.levels.find(({size:e})=>e===r);return!n||!i?a:c`${rn(e,t)} ${this.#i(n,i,e)}
    ${this.#o(e,n)} ${this.#a(e,n)}`}#i(e,t,{colour:n,show:r}){(this.#t?.level!==t||this.#t.mode!==n)&&(this.#t={level:t,mode:n,colours:R(e,t,n)});let i=this.map.viewport.width>=on;return Gt(e,t,this.#t.colours.legend,r,i)}#a(e,t){let{hover:n,pinned:r}=e,i=n&&this.#s(e,t,n);if(!n||!i||l(n,r))return a;let{width:o,height:s}=this.map.viewport,c=e.pinned===null?0:an;return xt(i,this.map.boxOf(n),{width:o-c,height:s})}#o(e,t){let{pinned:n}=e;if(n===null)return a;let r={sample:this.#n,choose:e=>{this.#n=e,this.update()}};return Vt(this.#s(e,t,n),r,()=>this.session.store.set({pinned:null}))}#s(e,t,n){let r=t.levels.find(({size:e})=>e===n.size),i=r&&D(t,r,n.row,n.col);return!r||!i?null:{state:e,session:this.session,evidence:this.#e,atlas:t,level:r,facts:i}}#c(){return zt(()=>this.session.store.set({help:!1}))}},cn=1.5;function ln(e){return c`<div class="map-buttons" role="group" aria-label="Zoom">
    ${v({icon:`plus`,name:`Zoom in`,key:`+`,press:()=>e.zoomBy(cn)})}
    ${v({icon:`minus`,name:`Zoom out`,key:`-`,press:()=>e.zoomBy(1/cn)})}
    ${v({icon:`fit`,name:`Show the whole map`,key:`0`,press:()=>e.fit()})}
  </div>`}var un=1.5,dn=720,fn=2;function pn(e,t){let n=({x:e,y:t})=>({x:Math.min(1,Math.max(0,e)),y:Math.min(1,Math.max(0,t))});return{from:n(b(e,t,{x:0,y:0})),to:n(b(e,t,{x:t.width,y:t.height}))}}function mn(e,t){let{atlas:n,camera:r,dark:i}=e,o=n?.levels[0],{viewport:s}=t;if(!o||r.z<un||s.width<dn)return a;let l=n=>{if(n.buttons!==1)return;let r=n.currentTarget.getBoundingClientRect(),i=(n.clientX-r.left)/r.width,a=(n.clientY-r.top)/r.height;t.moveTo({x:i,y:a,z:e.camera.z})};return c`<atlas-minimap
    class="panel"
    aria-hidden="true"
    title="The whole map; press to go there"
    .overview=${{level:o,camera:r,viewport:s,dark:i}}
    @pointerdown=${l}
    @pointermove=${l}
  ></atlas-minimap>`}var hn=class extends HTMLElement{#e=document.createElement(`canvas`);#t=null;set overview(e){this.#t=e,this.isConnected&&this.#n()}connectedCallback(){this.childElementCount===0&&this.append(this.#e),this.#n()}#n(){let e=this.#e.getContext(`2d`);if(e===null||this.#t===null)return;let{level:t,camera:n,viewport:r,dark:i}=this.#t,a=s[i?`dark`:`light`],o=Math.min(fn,devicePixelRatio||1),c=this.clientWidth*o;this.#e.width=c,this.#e.height=c;let l=c/t.size;e.fillStyle=`rgb(${a.neutralTile.join()})`;for(let n=0;n<t.rows.length;n++){let r=t.cols[n]*l,i=t.rows[n]*l;e.fillRect(r+1,i+1,l-2,l-2)}let{from:u,to:d}=pn(n,r);e.strokeStyle=a.accent,e.lineWidth=2*o,e.strokeRect(u.x*c+o,u.y*c+o,(d.x-u.x)*c-2*o,(d.y-u.y)*c-2*o)}};customElements.define(`atlas-minimap`,hn);var gn=400,_n={busy:`the machine was busy`,budget:`its share of the run time was spent`,failed:`it failed, and the output of the run says why`};function vn(e,t,n){let r=e.series?.steps??[],i=r.indexOf(e.step??NaN),o=r.length<2;return c`<footer class="bar" aria-label="Steps">
    <span class="transport">
      ${v({icon:`previous`,name:`Previous step`,key:`,`,disabled:i<=0,press:()=>n.stepBy(-1)})}
      ${v({icon:e.playing?`pause`:`play`,name:e.playing?`Pause`:`Play the steps`,key:`Space`,extra:`play`,disabled:o,press:()=>n.toggle()})}
      ${v({icon:`next`,name:`Next step`,key:`.`,disabled:i<0||i===r.length-1,press:()=>n.stepBy(1)})}
    </span>
    ${yn(e,t,r,i)}
    ${bn(e,r,i)}
    ${wn(e.history,r,i)}
    ${e.freshSteps>0?Dn(e.freshSteps,t):a}
  </footer>`}function yn({history:e,step:t},n,r,i){let o=Math.max(1,r.length-1),s=e=>100*e/o,l=t===null?null:e?.steps.get(t)?.reason??null;return c`<span class="slider">
    <span class="track">
      <div class="done" style="width:${i<0?0:s(i)}%"></div>
      ${r.map((t,n)=>{let o=(e?.steps.get(t)?.status??`ok`)!==`ok`;return!o&&r.length>gn?a:c`<i class="tick ${o?`bad`:n<=i?`passed`:``}" data-step=${t} style="left:${s(n)}%"></i>`})}
      ${(e?.skipped??[]).slice(0,gn).map(e=>{let t=Math.min(o,Math.max(0,Cn(r,e.step)-.5));return c`<i
          class="tick skipped"
          data-step=${e.step}
          title=${$(e)}
          style="left:${s(t)}%"
        ></i>`})}
    </span>
    <input
      type="range"
      aria-label="Step"
      min="0"
      max=${o}
      step="1"
      .value=${String(Math.max(0,i))}
      ?disabled=${r.length<2}
      aria-valuetext=${t===null?`no step`:`step ${t}, ${i+1} of ${r.length}`}
      title=${l??``}
      @input=${e=>{let t=r[Number(e.target.value)];t!==void 0&&n.chooseStep(t)}}
    />
  </span>`}function bn({step:e,series:n},r,i){if(e===null||n===null)return c`<span class="moment"></span>`;let a=n.wallTimes[i],o=a===void 0?``:` · ${xn(a)}`;return c`<span class="moment">
    <strong>Step ${t(e)}</strong><br />
    <span class="muted">${i+1} of ${r.length}${o}</span>
  </span>`}function xn(e){let t=new Date(1e3*e);return Number.isNaN(t.getTime())?``:t.toLocaleString(`en-GB`,{day:`numeric`,month:`short`,hour:`2-digit`,minute:`2-digit`})}var Sn=20;function Cn(e,t){let n=e.findIndex(e=>e>t);return n<0?e.length:n}function $({step:e,reason:r}){return`Step ${t(e)} was skipped: ${_n[r]??n(r,60)}`}function wn(e,n,r){if(e===null)return a;let{logged:i,kept:o,skipped:s}=e,l=[...e.steps.values()],u=l.filter(({status:e})=>e===`damaged`),d=l.filter(({status:e})=>e===`too_new`);return i<=o&&u.length+d.length+s.length===0?a:c`<span class="note">
    ${i>o?c`${t(o)} of ${t(i)} logged steps kept; restart TensorBoard with
            <code>--atlas_samples=${i}</code> to keep all.`:a}
    ${En(u,`damaged step`)} ${En(d,`step`,` from a newer version`)}
    ${Tn(s,n,r)}
  </span>`}function Tn(e,t,n){if(e.length===0)return a;let i=e.find(({step:e})=>[n,n+1].includes(Cn(t,e))),o=e.slice(0,Sn).map($);return c`<span title=${o.join(`
`)}
    >${i===void 0?`${r(e.length,`checkpoint`)} not computed`:$(i)}.</span
  >`}function En(e,i,o=``){if(e.length===0)return a;let s=e.slice(0,Sn).map(({step:e,reason:r})=>`step ${t(e)}: ${n(r??`no reason given`,200)}`);return c`<span class="bad" title=${s.join(`
`)}
    >${r(e.length,i)}${o}.</span
  >`}function Dn(e,t){return c`<button type="button" class="pill" @click=${()=>t.acceptFreshSteps()}>
    ${r(e,`new checkpoint`)}
  </button>`}var On=e`
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
`,kn=900,An=100,jn=class{session;#e;constructor(e){this.session=e}stepBy(e){let{series:t,step:n}=this.session.store.state;if(t===null||n===null)return;let r=t.steps[t.steps.indexOf(n)+e];r!==void 0&&this.session.chooseStep(r)}toggle(){let{playing:e,series:t,step:n}=this.session.store.state;if(clearTimeout(this.#e),this.session.store.set({playing:!e}),e||t===null)return;let r=t.steps[0];n===t.steps.at(-1)&&r!==void 0&&this.session.chooseStep(r),this.#t(kn)}#t(e){this.#e=setTimeout(()=>{let{busy:e,series:t,step:n,playing:r,settled:i,stepFailure:a}=this.session.store.state;if(!r||t===null)return;if(e||!(i||a!==null)){this.#t(An);return}let o=this.#n(t,n);o===null?this.session.store.set({playing:!1}):(this.session.chooseStep(o),this.#t(kn))},e)}#n(e,t){let{history:n}=this.session.store.state;return e.steps.slice(e.steps.indexOf(t??NaN)+1).find(e=>(n?.steps.get(e)?.status??`ok`)===`ok`)??null}},Mn=60,Nn=class{session;map;static styles=[On,et];#e;#t;constructor(e,t,n){this.session=e,this.map=t,this.#e=new jn(e),this.#t=new sn(e,t,n),t.equip(new $e(t,e,this.#e)),new ye(e)}stage(e){let t=e.phase===`ready`&&e.atlas!==null&&e.stepFailure===null;return c`${t?c`${ln(this.map)} ${mn(e,this.map)}`:a}
    ${this.#t.render(e)}`}sentence(e,t){let{hover:n,step:i,stepFailure:a,freshSteps:o}=e;return a!==null&&a!==t.stepFailure?`Step ${i} cannot be shown: ${a.message}`:o>t.freshSteps?r(o,`new checkpoint`):l(n,t.hover)||!this.map.matches(`:focus-visible`)?null:Pn(e)}timeline(e){return vn(e,this.session,this.#e)}};function Pn({atlas:e,hover:t}){let i=e?.levels.find(({size:e})=>e===t?.size),a=e&&i&&t&&D(e,i,t.row,t.col);if(!a)return null;let o=a.mix[0],s=o?n(m(e,o.index),Mn):``,c=o?`, ${s} ${Math.round(100*o.share)} percent`:``;return`row ${a.row+1}, column ${a.col+1}${c}, ${r(a.count,`sample`)}`}export{Nn as Later};