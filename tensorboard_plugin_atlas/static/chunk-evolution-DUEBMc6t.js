import{A as e,B as t,F as n,G as r,I as i,K as a,L as o,N as s,P as c,Q as l,R as u,U as d,W as f,dt as p,f as m,ft as h,it as g,k as _,nt as v,pt as ee,q as y,ut as b,z as x}from"./chunk-base-MjkGkRbU.js";import{B as te,H as S,I as C,L as w,M as ne,R as re,T,U as E,V as ie,_ as ae,a as oe,c as se,d as ce,f as D,g as le,h as O,i as ue,l as de,m as fe,o as k,p as pe,s as me,u as A,v as he,x as ge,z as _e}from"./chunk-later-1Dlu_yH2.js";var ve=.8,ye=.35,be=.84,j=34,M=12,N=6,P=11,F=`600 11px Roboto, system-ui, sans-serif`;function xe(e,t,{changes:n,gained:r,lost:i}){let{viewport:a,theme:o,camera:s,level:c}=t;e.globalAlpha=ve,e.fillStyle=`rgb(${o.ground.join()})`,e.fillRect(0,0,a.width,a.height);let l=g(s,a)/c.size,u=Math.max(1,r,i),d=v(s,a,{x:0,y:0});e.font=F,e.textAlign=`center`,e.textBaseline=`middle`;for(let r of n){let n=d.x+r.col*l,i=d.y+r.row*l;n>a.width||i>a.height||n+l<0||i+l<0||(e.globalAlpha=r.news===!1?ye:1,Se(e,t,r,n,i,l),Ce(e,t,r,{x:n+l/2,y:i+l/2,side:l,most:u}))}e.globalAlpha=1,e.textAlign=`start`}function Se(e,{theme:t},{drawn:n},r,i,a){n!==`both`&&(e.strokeStyle=t.label,e.lineWidth=1.3,e.setLineDash(n===`a`?[3,3]:[]),e.strokeRect(r+2,i+2,a-4,a-4),n===`b`&&e.strokeRect(r+5,i+5,a-10,a-10),e.setLineDash([]))}function Ce(e,{theme:n},{gain:r},{x:i,y:a,side:o,most:s}){if(r===0)return;let c=Math.max(1.5,be*o*Math.sqrt(Math.abs(r)/s)/2);if(r>0)e.fillStyle=n.gain,e.fillRect(i-c,a-c,2*c,2*c);else{e.strokeStyle=n.loss;let t=Math.min(3,c);e.lineWidth=t,e.strokeRect(i-c+t/2,a-c+t/2,2*c-t,2*c-t)}if(o<j)return;let l=t(r),u=c<M&&c<o/2-P-N?a+o/2-P:a;e.lineWidth=3,e.lineJoin=`round`,e.strokeStyle=`rgb(${n.ground.join()})`,e.strokeText(l,i,u),e.fillStyle=n.label,e.fillText(l,i,u)}function we(e,t,n,r,i){let{viewport:a,theme:o}=t;e.fillStyle=`rgb(${o.ground.join()})`,e.fillRect(n-2.5,0,5,a.height),e.fillStyle=o.accent,e.fillRect(n-1,0,2,a.height),e.font=F,e.textBaseline=`middle`;let s=a.height-28;I(e,t,r,n-10-e.measureText(r).width-12,s),I(e,t,i,n+10,s)}function I(e,{theme:t},n,r,i){e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(r,i-10,e.measureText(n).width+12,20,4),e.fill(),e.fillStyle=t.label,e.fillText(n,r+6,i+.5)}var L={cell:0,tile:1,rim:2},Te=6,R=[0,1,2,2,1,3],Ee=`#version 300 es
layout(location = ${L.cell}) in vec4 aCell;
layout(location = ${L.tile}) in vec2 aTile;
layout(location = ${L.rim}) in vec4 aRim;
uniform vec2 uOrigin;
uniform float uSide;
uniform vec2 uViewport;
uniform float uShare;
out vec2 vLocal;
flat out vec2 vTile;
flat out vec4 vRim;
void main() {
float side = aTile.x * uSide;
vec2 corner = vec2(gl_VertexID & 1, (gl_VertexID >> 1) & 1) - 0.5;
vLocal = corner * (side + 2.0) / side;
vTile = vec2(aTile.y, side);
vRim = aRim;
vec2 world = aCell.xy + aCell.zw * uShare + vLocal * aTile.x;
vec2 screen = (uOrigin + world * uSide) / uViewport;
gl_Position = vec4(screen.x * 2.0 - 1.0, 1.0 - screen.y * 2.0, 0.0, 1.0);
}`,De=`#version 300 es
precision highp float;
in vec2 vLocal;
flat in vec2 vTile;
flat in vec4 vRim;
out vec4 outColour;
${d}
void main() {
outColour = tile(vTile.x, vLocal, vTile.y, vRim);
}`,Oe=class{gl;sheets;#e;#t=new Map;constructor(e,t){this.gl=e,this.sheets=t,this.#e=l(e,Ee,De)}draw({scene:e,weight:t,travel:n},i){if(n===void 0)return;let{gl:a}=this,{uniform:o}=this.#e,{camera:s,viewport:c,ratio:l}=i,{level:u,pages:d}=e,p=this.#n(u,n.ways,e.cellColours),m=v(s,c,{x:0,y:0});a.useProgram(this.#e.program),a.blendFunc(a.ONE,a.ONE_MINUS_SRC_ALPHA),a.uniform2f(o(`uOrigin`),m.x*l,m.y*l),a.uniform1f(o(`uSide`),g(s,c)*l),a.uniform2f(o(`uViewport`),a.drawingBufferWidth,a.drawingBufferHeight),a.uniform1f(o(`uShare`),n.share),r(a,this.#e,u,i,t),a.bindVertexArray(p.vertices);for(let{page:e,start:t,count:n}of p.ranges)f(a,this.#e,this.sheets,d[e]??null),a.drawElements(a.TRIANGLES,n,a.UNSIGNED_INT,4*t);a.bindVertexArray(null)}prune(e){let t=new Set(e.flatMap(({scene:e,travel:t})=>t?[e.level]:[]));for(let[e,n]of this.#t)t.has(e)||this.#i(e,n)}#n(e,t,n){let r=this.#t.get(e);if(r?.ways===t&&r.colours===n)return r;r!==void 0&&this.#i(e,r);let i=this.#r(e,t,n);return this.#t.set(e,i),i}#r(e,t,n){let{gl:r}=this,{order:i,ranges:a}=ke(e),o=r.createVertexArray(),s=[r.createBuffer(),r.createBuffer(),r.createBuffer()];r.bindVertexArray(o),r.bindBuffer(r.ARRAY_BUFFER,s[0]),r.bufferData(r.ARRAY_BUFFER,Ae(e,t),r.STATIC_DRAW),r.enableVertexAttribArray(L.cell),r.vertexAttribPointer(L.cell,4,r.FLOAT,!1,24,0),r.enableVertexAttribArray(L.tile),r.vertexAttribPointer(L.tile,2,r.FLOAT,!1,24,16),r.bindBuffer(r.ARRAY_BUFFER,s[1]),r.bufferData(r.ARRAY_BUFFER,je(e,n),r.STATIC_DRAW),r.enableVertexAttribArray(L.rim),r.vertexAttribPointer(L.rim,4,r.UNSIGNED_BYTE,!0,0,0),r.bindBuffer(r.ELEMENT_ARRAY_BUFFER,s[2]);let c=i.flatMap(e=>R.map(t=>4*e+t));return r.bufferData(r.ELEMENT_ARRAY_BUFFER,Uint32Array.from(c),r.STATIC_DRAW),r.bindVertexArray(null),{vertices:o,buffers:s,ways:t,colours:n,ranges:a}}#i(e,{vertices:t,buffers:n}){this.gl.deleteVertexArray(t);for(let e of n)this.gl.deleteBuffer(e);this.#t.delete(e)}};function ke(e){let t=Array.from(e.rows,(t,n)=>a(e,n)?.page??-1),n=[...t.keys()].sort((e,n)=>t[e]-t[n]),r=[];return n.forEach((e,n)=>{let i=t[e],a=r.at(-1);a?.page===i?a.count+=R.length:r.push({page:i,start:R.length*n,count:R.length})}),{order:n,ranges:r}}function Ae(e,t){let{size:n,rows:r,cols:i}=e,a=y(e),o=(e.entry.columns??1)**2,s=new Float32Array(24*r.length);for(let e=0;e<r.length;e++){let c=[(i[e]+.5)/n,(r[e]+.5)/n,t[2*e],t[2*e+1],a[e]/n,e%o];for(let t=0;t<4;t++)s.set(c,Te*(4*e+t))}return s}function je(e,t){let n=new Uint8Array(16*e.rows.length);if(t===null)return n;for(let r=0;r<4*e.rows.length;r++){let e=r>>2;n.set(t.subarray(4*e,4*e+4),4*r)}return n}var Me=class{#e=new WeakMap;carry(e,t){let[n,r]=[e.item.atlas,t.item.atlas];if(n===r||D(n,r)!==null)return null;let i=t.weight*t.weight*(3-2*t.weight),a=Ne(n.xy,r.xy,i);return[{scene:e.item,weight:Math.min(1,2-2*t.weight),travel:{ways:this.#t(e.item.level,n,r),share:i,points:a}},{scene:t.item,weight:Math.min(1,2*t.weight),travel:{ways:this.#t(t.item.level,r,n),share:1-i,points:a}}]}#t(e,t,n){let r=this.#e.get(e);if(r?.other===n)return r.ways;let i=A(e,t.xy),a=A(e,n.xy).map((e,t)=>e-i[t]);return this.#e.set(e,{other:n,ways:a}),a}};function Ne(e,t,n){return e.map((e,r)=>e+n*(t[r]-e))}var Pe=class{waiting=!1;#e=new Me;createPass(e,t){return new Oe(e,t)}arrange(e,t,n,r){this.waiting=!1;let i=e.at(-1)?.item;if(i===void 0)return null;let a=t.compareMode===`swipe`;if(t.compare!==null&&(t.flipped||a)){let e=this.#t(i,t,r);return e===null?null:t.flipped?[{scene:e,weight:1}]:Fe(e,i,w(t,n),n.width)}let[o,s,c]=e;return!t.travel||!o||!s||c?null:this.#e.carry(o,s)}#t({level:e},t,n){let r=S(t),i=r?.levels.find(({size:t})=>t===e.size);if(!r||!i)return null;let a=n(r,i);return this.waiting=a===null,a}};function Fe(e,t,n,r){return[{scene:e,weight:1,clip:[0,n]},{scene:t,weight:1,clip:[n,r]}]}var Ie=.5,Le=5,z={tail:.7,neck:2.1,head:5.6,length:11},Re=26,ze=3,Be=.6;function Ve(e,t,n){let{viewport:r,theme:i}=t;e.globalAlpha=Ie,e.fillStyle=`rgb(${i.ground.join()})`,e.fillRect(0,0,r.width,r.height),e.globalAlpha=1;let a=He(t,n);for(let n of a)n.news||Ge(e,t,n);for(let n of a)n.news&&Ue(e,t,n)}function He(e,{from:t,to:n,beyond:r}){let{camera:i,viewport:a}=e,o=(e,t)=>v(i,a,{x:e[2*t],y:e[2*t+1]}),s=({x:e,y:t})=>e>0&&t>0&&e<a.width&&t<a.height;return Array.from({length:n.length/2},(e,i)=>({from:o(t,i),to:o(n,i),news:r!==null&&r[i]>=.5})).filter(e=>s(e.from)||s(e.to))}function Ue(e,{theme:t},{from:n,to:r}){let i=Math.hypot(r.x-n.x,r.y-n.y);e.fillStyle=t.label,e.strokeStyle=`rgb(${t.ground.join()})`,e.lineWidth=ze,e.lineJoin=`round`,e.beginPath(),i<Le?e.arc(r.x,r.y,3,0,2*Math.PI):We(e,n,r,i),e.closePath(),e.stroke(),e.fill()}function We(e,t,n,r){let i=Math.min(1,.45+.55*r/Re),a=(n.x-t.x)/r,o=(n.y-t.y)/r,s=Math.min(.7*r,z.length*i),c={x:n.x-a*s,y:n.y-o*s},l=(t,n)=>e.lineTo(t.x-o*n*i,t.y+a*n*i);l(t,z.tail),l(c,z.neck),l(c,z.head),e.lineTo(n.x,n.y),l(c,-z.head),l(c,-z.neck),l(t,-z.tail)}function Ge(e,{theme:t},{from:n,to:r}){e.globalAlpha=Be,e.strokeStyle=t.label,e.fillStyle=t.label,e.lineWidth=1.2,e.setLineDash([2,3]),e.beginPath(),e.moveTo(n.x,n.y),e.lineTo(r.x,r.y),e.stroke(),e.setLineDash([]),e.beginPath(),e.arc(r.x,r.y,1.8,0,2*Math.PI),e.fill(),e.globalAlpha=1}var Ke=.75,qe=.2,Je=2.6,Ye=40;function Xe(e,t,n){let{atlas:r,level:i}=t,a=he(i,n);Ze(e,t,a),et(e,t,r,n),Qe(e,t,i,a)}function Ze(e,t,n){e.fillStyle=`rgb(${t.theme.ground.join()})`,T(t,(r,i,a,o)=>{e.globalAlpha=Ke*(1-n[r]/t.level.counts[r]),e.fillRect(i,a,o,o)}),e.globalAlpha=1}function Qe(e,t,n,r){let{theme:i}=t,a=y(n);T(t,(o,s,c,l)=>{let u=r[o],d=u/n.counts[o];if(d<qe)return;let f=(1-a[o])*l/2,p=1+2.5*d;e.strokeStyle=i.accent,e.lineWidth=p,e.beginPath(),e.roundRect(s+f,c+f,l-2*f,l-2*f,Math.min(5,.1*l)),e.stroke(),l<Ye||$e(e,t,String(u),s+l-f,c+f)})}function $e(e,{theme:t},n,r,i){e.font=`600 10px Roboto, system-ui, sans-serif`,e.textBaseline=`middle`;let a=e.measureText(n).width+8;e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(r-a,i,a,15,3),e.fill(),e.fillStyle=t.label,e.fillText(n,r-a+4,i+8)}function et(e,{camera:t,viewport:n,theme:r},i,a){e.fillStyle=r.accent,e.strokeStyle=`rgb(${r.ground.join()})`,e.lineWidth=1;for(let r of a){let{x:a,y:o}=v(t,n,{x:i.xy[2*r],y:i.xy[2*r+1]});a<0||o<0||a>n.width||o>n.height||(e.beginPath(),e.arc(a,o,Je,0,2*Math.PI),e.fill(),e.stroke())}}var tt={difference:`Difference`,swipe:`Swipe`,blink:`Blink`},B=200;function nt(t,r){let{compare:i,compareMode:a,series:o,step:s,flipped:c,otherFailure:l}=t;if(i===null||o===null)return b;let{store:u}=r;return p`<section class="compare-bar panel" aria-label="Comparison of two steps">
<span class="field">
<label for="compare-a"><b class="side-mark">A</b></label>
<select
id="compare-a"
aria-label="Step A"
@change=${e=>C(r,Number(e.target.value))}
>
${o.steps.map(e=>p`<option value=${e} .selected=${e===i}>step ${n(e)}</option>`)}
</select>
</span>
${_({icon:`swap`,name:`Swap A and B`,key:`x`,press:()=>_e(r)})}
<span><b class="side-mark">B</b> step ${n(s??0)}</span>
<span class="segments small" role="radiogroup" aria-label="How to compare">
${e.map(e=>p`<label
><input
type="radio"
name="compare-mode"
value=${e}
.checked=${e===a}
@change=${()=>u.set({compareMode:e,flipped:!1})}
/>${tt[e]}</label
>`)}
</span>
${a===`blink`?p`<button
type="button"
class="button"
aria-pressed=${c}
title="Or hold b"
@click=${()=>re(r,!c)}
>
Show A
</button>`:b}
${_({icon:`close`,name:`End the comparison`,key:`c`,press:()=>C(r,null)})}
${l===null?b:p`<p class="compare-failure">A cannot be shown: ${l.message}</p>`}
</section>`}function rt(e,t){let{compare:n,compareMode:r,flipped:i,divider:a}=e;return n===null||r!==`swipe`||i?b:p`<input
class="divider"
type="range"
aria-label="Divider between A and B"
aria-valuetext="${Math.round(100*a)} percent A"
min="0"
max=${B}
.value=${String(Math.round(a*B))}
@input=${e=>t.store.set({divider:Number(e.target.value)/B})}
/>`}var V=new WeakMap;function it(e,t,n,r){let i=V.get(t)??new WeakMap;V.set(t,i);let a=i.get(r);return a===void 0&&(a=at(e,t,n,r),i.set(r,a)),a}function at(e,t,n,r){let{size:i}=r,a=ot(e,n,i),o=[];for(let e=0;e<i*i;e++){let n=Math.floor(e/i),s=e%i,c=m(t,n,s)>=0,l=m(r,n,s)>=0;if(!c&&!l)continue;let u=a.passed[e];o.push({row:n,col:s,gain:a.gain[e],drawn:c&&l?`both`:c?`a`:`b`,news:a.beyond&&u>0?a.beyond[e]>=me*u:null})}return{changes:o,gained:o.reduce((e,{gain:t})=>Math.max(e,t),0),lost:o.reduce((e,{gain:t})=>Math.max(e,-t),0),onlyA:o.filter(({drawn:e})=>e===`a`).length,onlyB:o.filter(({drawn:e})=>e===`b`).length,moved:a.moved}}function ot(e,t,n){let r=new Int32Array(n*n),i=new Int32Array(n*n),a=de(e,t),o=a&&new Int32Array(n*n),s=ce(e.xy,t.xy),c=0;for(let l=0;l<t.count;l++){let u=H(e.xy,l,n),d=H(t.xy,l,n);if(u===d)continue;c++,r[u]=r[u]-1,r[d]=r[d]+1;let f=a!==null&&s[l]>a[l];for(let e of[u,d])i[e]=i[e]+1,o&&f&&(o[e]=o[e]+1)}return{gain:r,passed:i,beyond:o,moved:c}}function H(e,t,n){let r=e=>Math.min(n-1,Math.max(0,Math.floor(e*n)));return r(e[2*t+1])*n+r(e[2*t])}function st({changes:e},t){return e.filter(({gain:e})=>e!==0).sort((e,t)=>Math.abs(t.gain)-Math.abs(e.gain)).slice(0,t)}function U(e,t,r){let i=E(e);if(i===null)return`This is the first step: there is none before to have moved from.`;let a=S(e);if(a===null){let{otherFailure:t}=e;return t===null?`Step ${n(i)} is on its way …`:`Step ${n(i)} cannot be read: ${t.message}`}return D(a,t)??se(a,t,r)}function W(e,{beyond:t,news:r}){let i=`since step ${n(E(e)??0)}`;return t===null?`Moves ${i}; what chance would do was not recorded`:`${n(r)} of ${u(t.length,`cell`)} moved more than chance ${i}`}function ct(e,t,n){let r=U(e,t,n);if(typeof r==`string`)return p`<aside class="legend panel" aria-label="Drift"><p>${r}</p></aside>`;let{beyond:i,meanMove:a,beyondShare:s}=r;return p`<aside class="legend panel drift-legend" aria-label="Drift">
<p><strong>${W(e,r)}</strong></p>
${i===null?b:K(lt,`most of its samples moved farther than chance`)}
${K(ut,i===null?`not known to be more than chance`:`chance explains the move`)}
<p class="muted">
${s===null?`No noise floor was recorded for this step, so that no move can be called news. Atlases of this version measure one from the second checkpoint on.`:p`Samples moved ${o(a)} of the map's side on average,
${o(s)} of them farther than chance.`}
${G(e)}
</p>
</aside>`}function G({series:e,step:t,compare:n}){let r=t=>e?.steps.indexOf(t??NaN)??-1,i=Math.abs(r(t)-r(n))-1;return n===null||i<1?b:`Chance is that of one step; ${u(i,`more step`)} ${i===1?`lies`:`lie`} between.`}var lt=h`<path class="solid" d="M2 8.6 24 6v-4l10 7-10 7v-4L2 9.4z" />`,ut=h`<path class="broken" d="M2 9h28" /><circle cx="32" cy="9" r="2" />`;function K(e,t){return p`<p class="drift-key">
<svg viewBox="0 0 36 18" aria-hidden="true">${e}</svg> ${t}
</p>`}var dt=8,ft={true:`moved farther`,false:`within it`,null:`not known`};function q(e,t,r){let{otherFailure:i,compare:a}=e;if(a===t.step)return`A and B are the same step: go to another one.`;let o=S(e);if(o===null)return i===null?`Step ${n(a??0)} is on its way …`:`Step ${n(a??0)} cannot be read: ${i.message}`;let s=D(o,t);if(s!==null)return s;let c=o.levels.find(({size:e})=>e===r.size);return c===void 0?`Step ${n(o.step)} has no ${r.size} × ${r.size} grid.`:it(o,c,t,r)}function J({step:e,compare:t},{moved:r}){let i=`between step ${n(t??0)} and step ${n(e??0)}`;return`${u(r,`sample`)} changed cell ${i}`}function pt(e,r,i,a){let o=q(e,r,i);if(typeof o==`string`)return p`<aside class="legend panel" aria-label="Difference"><p>${o}</p></aside>`;let{gained:s,lost:c,onlyA:l,onlyB:u}=o;return p`<aside class="legend panel drift-legend" aria-label="Difference">
<p><strong>${J(e,o)}</strong></p>
<ul class="difference-key">
<li><i class="gain"></i>more in B: up to ${t(s)}</li>
<li><i class="loss"></i>fewer in B: to ${t(-c)}</li>
<li><i class="only-a"></i>cell in A only: ${n(l)}</li>
<li><i class="only-b"></i>cell in B only: ${n(u)}</li>
</ul>
<p class="muted">${mt(o)} ${G(e)}</p>
${s+c>0?ht(o,a):b}
</aside>`}function mt({changes:e,moved:t}){return t===0?``:e.every(({news:e})=>e===null)?`What chance would do was not recorded.`:e.some(({news:e})=>e===!1)?`Pale: most of those that came or went moved no farther than chance.`:`Everywhere, most of those that came or went moved farther than chance.`}function ht(e,n){return p`<details class="changes">
<summary>Largest changes</summary>
<table>
<thead>
<tr><th scope="col">Cell</th><th scope="col">Samples</th><th scope="col">Chance</th></tr>
</thead>
<tbody>
${st(e,dt).map(e=>p`<tr>
<td>
<button type="button" class="link" @click=${()=>n(e)}>
row ${e.row+1}, column ${e.col+1}
</button>
</td>
<td class="number">${t(e.gain)}</td>
<td>${ft[String(e.news)]}</td>
</tr>`)}
</tbody>
</table>
</details>`}var gt={born:`M9 12h12`,merges:`M21 12h-6C11 12 11 6 3 6m12 6c-4 0-4 6-12 6`,splits:`M3 12h6c4 0 4-6 12-6M9 12c4 0 4 6 12 6`,dies:`M3 12h11m0-5 7 10m0-10-7 10`},Y={born:`Born`,merges:`Merged`,splits:`Split`,dies:`Ended`};function X(e){let t=e===`born`?h`<circle cx="7" cy="12" r="4" />`:``;return p`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true">
${h`<path d=${gt[e]} />`}${t}
</svg>`}var _t=60,vt=240,yt={rank:`Most telling`,time:`In order`},bt=class{session;map;update;#e=`rank`;#t=!1;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){return e.eventList?p`<aside class="events" aria-label="Events of this run">
<div class="inspector-head">
<h2>Events</h2>
${_({icon:`close`,name:`Close the events`,press:()=>this.session.store.set({eventList:!1})})}
</div>
${this.#n(e)}
</aside>`:b}#n(e){let{history:t}=e;if(t===null)return p`<p class="muted">Reading what happened …</p>`;let{events:r,eventsFound:i}=t;if(r===null)return Ct();if(r.length===0)return St(t);let a=this.#e===`rank`?r:r.toSorted((e,t)=>e.step-t.step),o=this.#t?a:a.slice(0,_t);return p`${this.#r(r.length,i)}
<ol class="event-items" @keydown=${ge}>
${o.map(t=>this.#i(e,t))}
</ol>
${o.length<a.length?p`<button type="button" class="button" @click=${()=>this.#s()}>
Show all ${n(a.length)}
</button>`:b}`}#r(e,t){return p`<div class="events-head">
<span class="muted"
>${t>e?`${n(e)} of ${n(t)} events`:u(e,`event`)}</span
>
<span class="segments small" role="radiogroup" aria-label="Order of the events">
${Object.entries(yt).map(([e,t])=>p`<label
><input
type="radio"
name="event-order"
value=${e}
.checked=${e===this.#e}
@change=${()=>this.#o(e)}
/>${t}</label
>`)}
</span>
</div>`}#i(e,t){let r=k(t,e.highlight?.event);return p`<li class=${r?`chosen`:``} data-kind=${t.kind}>
<button
type="button"
class="event"
aria-pressed=${r}
@click=${()=>O(t,this.session,this.map)}
>
<span class="event-head">
${X(t.kind)}
<strong>${Y[t.kind]}</strong>
<span class="number">step ${n(t.step)}</span>
</span>
<span class="event-text">${x(t.text,vt)}</span>
<span class="event-foot muted">
<span class="confidence"><i style="width:${xt(t)}%"></i></span>
confidence ${i(t.confidence)}
</span>
</button>
${r?this.#a(e,t):b}
</li>`}#a(e,t){let r=ae(t,e.step),i=(i,a)=>{let o=fe(e,t,i);return p`<button
type="button"
class="button"
aria-pressed=${r===i}
?disabled=${!o}
title=${o?``:`TensorBoard has not kept this step.`}
@click=${()=>le(t,i,this.session)}
>
${i===`before`?`Before`:`After`} <span class="muted">${n(a)}</span>
</button>`};return p`<div class="sides" role="group" aria-label="Before and after the event">
${i(`before`,t.beforeStep)} ${i(`after`,t.step)}
</div>`}#o(e){this.#e=e,this.update()}#s(){this.#t=!0,this.update()}};function xt({confidence:e}){return 100*Math.min(1,Math.max(0,e))}function St({kept:e}){return p`<div class="no-events">
<p><strong>No events.</strong></p>
<p class="muted">
${e<2?`Events are what differs between two checkpoints, and there is only one yet.`:`No concept was born, merged, split or ended between the ${n(e)} steps.`}
</p>
</div>`}function Ct(){return p`<div class="no-events">
<p><strong>Events were not recorded in this run.</strong></p>
<p class="muted">
Atlases written by this version trace concepts from checkpoint to checkpoint on their own. For
a log of before, <code>tensorboard-atlas evolve LOGDIR</code> works them out.
</p>
</div>`}var wt=.03,Tt=8;function Et(e,t){let n=new Map;for(let t of e)n.set(t.step,[...n.get(t.step)??[],t]);let r=Math.max(1,t.length-1),i=[];for(let[e,a]of n){let n=t.indexOf(e),[o]=a;if(n<0||o===void 0)continue;let s=n/r;i.some(e=>Math.abs(e.at-s)<wt)||i.push({event:o,events:a,at:s})}return i}function Dt({history:e,series:t,highlight:n,step:r},i){let a=Et(e?.events??[],t?.steps??[]);return a.length===0?b:p`<span class="event-marks" aria-hidden="true">
${a.map(({event:e,events:t,at:a})=>p`<button
type="button"
tabindex="-1"
class="event-mark ${e.step===r?`here`:``} ${t.some(e=>k(e,n?.event))?`chosen`:``}"
data-kind=${e.kind}
data-step=${e.step}
style="left:${100*a}%"
title=${Z(t)}
@click=${()=>i(e)}
>
${X(e.kind)}
</button>`)}
</span>`}function Ot({compare:e,series:t}){let n=t?.steps??[],r=n.indexOf(e??NaN);if(r<0)return b;let i=r/Math.max(1,n.length-1);return p`<span class="event-marks" aria-hidden="true">
<b class="side-mark on-line" style="left:${100*i}%">A</b>
</span>`}function Z(e){let t=e.slice(0,Tt).map(({kind:e,text:t})=>`${Y[e]}: ${x(t,120)}`),r=e.length-t.length,i=r>0?[`and ${u(r,`event`)} more`]:[];return[`Step ${n(e[0]?.step??0)}`,...t,...i].join(`
`)}var kt=ee` :host{--gain:#d55e00;--loss:#0072b2;}:host([data-theme='dark']){--gain:#ffa04d;--loss:#6ab7ff;}.glyph{width:18px;height:18px;flex:none;fill:none;stroke:currentColor;stroke-width:2.2;stroke-linecap:round;}.glyph circle{fill:currentColor;stroke:none;}.event-marks{position:absolute;left:8px;right:8px;top:-10px;height:0;}.event-mark{position:absolute;display:grid;place-items:center;width:24px;height:20px;margin-left:-12px;border-radius:4px;color:var(--muted);z-index:1;}.event-mark:hover{background:var(--control);color:var(--text);}.event-mark.here{color:var(--accent);}.event-mark.chosen{color:var(--accent);background:var(--accent-soft);box-shadow:inset 0 0 0 1px var(--accent);}.events{flex:none;width:312px;padding:8px 16px 16px;display:flex;flex-direction:column;gap:8px;overflow:auto;background:var(--surface);border-right:1px solid var(--line);line-height:1.4;}.events h2{font-size:15px;font-weight:500;margin:0;}.events p{margin:0;}@media (max-width:900px){.events{position:absolute;inset:0 auto 0 0;max-width:100%;z-index:5;box-shadow:var(--shadow);}}.events-head{display:flex;align-items:center;justify-content:space-between;gap:8px;font-size:12px;}.event-items{list-style:none;margin:0 -8px;padding:0;display:grid;gap:2px;}.event-items li{border-radius:6px;}.event-items li.chosen{background:var(--accent-soft);box-shadow:inset 3px 0 0 var(--accent);}.event{display:grid;gap:2px;width:100%;padding:8px;border-radius:6px;text-align:left;}.event:hover{background:var(--control);}.event:focus-visible{outline-offset:-2px;}.event-head{display:flex;align-items:center;gap:8px;}.event-head strong{font-weight:500;}.event-head .number{margin-left:auto;color:var(--muted);font-size:12px;}.event-text{padding-left:26px;overflow-wrap:anywhere;}.event-foot{display:flex;align-items:center;gap:8px;padding-left:26px;font-size:11.5px;font-variant-numeric:tabular-nums;}.confidence{width:44px;height:4px;border-radius:2px;background:color-mix(in srgb,var(--muted) 28%,transparent);overflow:hidden;}.confidence i{display:block;height:100%;background:var(--muted);}.sides{display:flex;gap:6px;padding:2px 8px 10px 34px;}.sides .button{flex:1;height:28px;padding:0 8px;white-space:nowrap;}.button[aria-pressed='true']{border-color:var(--accent);color:var(--accent);}.no-events{display:grid;gap:8px;line-height:1.5;}.lifelines{list-style:none;margin:0 -8px;padding:0;}.lifeline{display:grid;grid-template-columns:1fr auto;gap:0 8px;width:100%;padding:5px 8px;border-radius:6px;text-align:left;}.lifeline:hover{background:var(--control);}.lifeline .name{overflow-wrap:anywhere;}.lifeline .muted{grid-column:1 / -1;font-size:12px;}.lifeline[aria-pressed='true']{background:var(--accent-soft);box-shadow:inset 3px 0 0 var(--accent);}.drift-legend{gap:4px;max-width:376px;}.drift-legend strong{font-weight:500;}.drift-legend .muted{font-size:12px;}.drift-key{display:flex;align-items:center;gap:8px;}.drift-key svg{width:36px;height:18px;flex:none;fill:currentColor;}.drift-key .broken{stroke:currentColor;stroke-width:1.4;stroke-dasharray:2 3;fill:none;opacity:0.75;}.top-column{position:absolute;top:12px;left:50%;translate:-50%;display:flex;flex-direction:column;align-items:center;gap:8px;max-width:calc(100% - 24px);z-index:2;pointer-events:none;}.top-column > *{pointer-events:auto;}@media (min-width:900px){.stage:has(.inspector) .top-column{left:calc(50% - 166px);max-width:calc(100% - 356px);}}.compare-bar{display:flex;flex-wrap:wrap;align-items:center;justify-content:center;gap:6px 12px;padding:6px 8px 6px 12px;}.compare-bar select{min-width:0;height:28px;background-position:calc(100% - 16px) 11px,calc(100% - 11px) 11px;}.compare-failure{flex-basis:100%;color:var(--bad);}.side-mark{display:inline-grid;place-items:center;width:18px;height:18px;border-radius:4px;background:var(--text);color:var(--surface);font-size:11px;font-weight:600;}.side-mark.on-line{position:absolute;top:34px;margin-left:-8px;width:16px;height:16px;}.divider{appearance:none;position:absolute;inset:0;width:100%;height:100%;margin:0;background:none;pointer-events:none;z-index:1;}.divider:focus-visible{outline-offset:-2px;}.divider::-webkit-slider-thumb{appearance:none;pointer-events:auto;width:24px;height:56px;border-radius:12px;border:2px solid var(--surface);background:var(--accent);box-shadow:var(--shadow);cursor:ew-resize;}.divider::-moz-range-thumb{pointer-events:auto;width:20px;height:52px;border-radius:12px;border:2px solid var(--surface);background:var(--accent);cursor:ew-resize;}.difference-key{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:auto auto;gap:4px 16px;}.difference-key li{display:flex;align-items:center;gap:8px;}.difference-key i{flex:none;width:14px;height:14px;border:0 solid var(--text);}.difference-key .gain{background:var(--gain);}.difference-key .loss{border:3px solid var(--loss);}.difference-key .only-a{border:1.5px dashed var(--text);}.difference-key .only-b{border:4px double var(--text);}.changes summary{cursor:pointer;min-height:24px;}.changes table{border-collapse:collapse;width:100%;}.changes th{text-align:start;font-weight:500;color:var(--muted);}.changes td,.changes th{padding:0 12px 0 0;height:24px;}.highlight-pill{display:flex;align-items:center;gap:8px;padding:2px 4px 2px 14px;border-radius:20px;border:1px solid var(--accent);overflow-wrap:anywhere;}.highlight-pill strong{font-weight:500;margin-right:4px;}`;function Q({runs:e,run:t,series:n}){let r=t&&c(e,t);return r?.series.some(({layer:e})=>e===n?.layer)?r:null}async function At(e){let{store:t}=e,{atlas:n,pinned:r,highlight:i}=t.state,a=Q(t.state);if(a===null)return;e.chooseRun(a.id);let{series:o,step:s}=t.state;if(o===null||s===null||n===null)return;let c=await e.loadAtlas(o,s).catch(()=>null),{state:l}=t;c!==null&&l.series===o&&l.step===s&&D(n,c)===null&&t.set({pinned:r&&jt(n,c,r),highlight:i?.of||Mt(n,c)?i:null})}function jt(e,t,n){let[r,i]=[e,t].map(({levels:e})=>e.find(({size:e})=>e===n.size));if(!r||!i)return null;let a=m(r,n.row,n.col);if(a<0)return n;let o=new Map;for(let e of ne(r,a)){let t=i.cellOf[e];t>=0&&o.set(t,(o.get(t)??0)+1)}let[s]=[...o].sort((e,t)=>t[1]-e[1]);return s===void 0?null:{size:n.size,row:i.rows[s[0]]??0,col:i.cols[s[0]]??0}}function Mt(e,t){return e.lifelines!==null&&(t.lifelines?.every((t,n)=>t===e.lifelines?.[n])??!1)}var Nt=`Relaid from the end`;function Pt(e,t){if(e.run===null||Q(e)===null)return b;let n=s(e.run.run),r=(e,r,i,a=r)=>p`<label
title=${i}
>
<input
type="radio"
name="layout"
aria-label=${a}
.checked=${n===e}
@change=${()=>void At(t)}
/>${r}
</label>`;return p`<span class="segments small" role="radiogroup" aria-label="Layout of the run">
${r(!1,`Streamed`,`Each checkpoint was laid out from the one before it`)}
${r(!0,`Relaid`,`Laid out again, from the last checkpoint to the first`,Nt)}
</span>`}var Ft=class{session;map;static styles=[kt];director=new Pe;#e;constructor(e,t,n){this.session=e,this.map=t,this.#e=new bt(e,t,n),new te(e)}layers(e){let{highlight:t,drift:n,compare:r,flipped:i}=e,a=[];return r!==null&&!i&&a.push(...this.#t(e)),t!==null&&a.push((e,n)=>Xe(e,n,pe(n.atlas,t))),n&&!i&&a.push((t,n)=>{let r=U(e,n.atlas,n.level);typeof r!=`string`&&Ve(t,n,r)}),a}#t(e){let{compareMode:t,compare:r,step:i}=e;if(t===`blink`)return[];if(t===`swipe`){let[t,a]=[`A · step ${n(r??0)}`,`B · step ${n(i??0)}`];return[(n,r)=>we(n,r,w(e,r.viewport),t,a)]}return[(t,n)=>{let r=q(e,n.atlas,n.level);typeof r!=`string`&&xe(t,n,r)}]}legends(e,t,n){let{compare:r,compareMode:i,flipped:a,drift:o}=e;return a?b:p`${r!==null&&i===`difference`?pt(e,t,n,this.#n(n)):b}
${o?ct(e,t,n):b}`}#n({size:e}){return({row:t,col:n})=>{let{store:r}=this.session;r.set({pinned:{size:e,row:t,col:n},hover:null});let{z:i}=r.state.camera;this.map.flyTo({x:(n+.5)/e,y:(t+.5)/e,z:i})}}sentence(e,t){let{atlas:n,shownLevel:r,highlight:i,flipped:a}=e,o=n?.levels.find(({size:e})=>e===r);if(!n||!o)return null;if(a!==t.flipped)return a?`A is shown`:`B is shown`;if(i!==null&&i!==t.highlight)return oe(n,o,i);let s=$(e),c=s===`difference`&&n!==t.atlas&&!e.playing,l=s!==$(t)||e.other!==t.other||c;if(s===null||!l)return null;if(s===`difference`){let t=q(e,n,o);return typeof t==`string`?t:J(e,t)}let u=U(e,n,o);return typeof u==`string`?u:W(e,u)}marks(e){return p`${Dt(e,e=>O(e,this.session,this.map))} ${Ot(e)}`}layouts(e){return Pt(e,this.session)}rail(e){return this.#e.render(e)}top(e){let{highlight:t}=e,n=ie(e),r=n?.levels.find(({size:t})=>t===e.shownLevel);return p`${rt(e,this.session)}
<div class="top-column">
${nt(e,this.session)}
${t&&n&&r?ue(n,r,t,this.session):b}
</div>`}};function $({compare:e,compareMode:t,drift:n}){return e!==null&&t===`difference`?`difference`:n?`drift`:null}export{Ft as Evolution};