import{t as e}from"./chunk-rolldown-runtime-DK3Fl9T5.js";import{A as t,B as n,C as r,D as i,E as a,F as o,G as s,H as c,I as l,J as u,K as d,L as f,M as p,N as m,P as h,Q as g,R as _,S as ee,T as v,U as te,W as ne,X as re,Z as ie,_ as ae,a as oe,at as se,b as ce,c as le,ct as ue,d as de,dt as y,et as fe,f as b,ft as x,g as pe,h as me,it as S,k as C,l as he,m as ge,mt as w,nt as T,o as _e,p as E,pt as D,q as O,rt as k,s as ve,t as ye,tt as be,u as xe,ut as Se,v as Ce,w as we,x as Te,y as Ee,z as A}from"./chunk-base-BlpFpTjo.js";var De=class{session;#e=``;#t=!1;constructor(e){this.session=e,e.store.subscribe(e=>this.#n(e)),this.#n(e.store.state)}#n(e){let t=j(e),{series:n}=e,r=t===null||n===null?``:`${n.id}/${t}`,i=this.#t&&e.otherFailure===null;(r!==this.#e||i)&&(this.#e=r,this.#t=!1,t!==null&&this.#r(e,t))}async#r({series:e},t){if(e===null)return;let n=this.#e,r=await this.session.loadAtlas(e,t).then(e=>({other:e,otherFailure:null}),e=>({other:null,otherFailure:_e(e)}));n===this.#e&&(this.session.store.set(r),this.#t=r.otherFailure!==null)}};function j(e){return e.compare===null?e.drift?Oe(e):null:e.compare}function Oe({series:e,step:t,history:n}){let r=e?.steps.indexOf(t??NaN)??-1;return e?.steps.slice(0,Math.max(0,r)).findLast(e=>(n?.steps.get(e)?.status??`ok`)===`ok`)??null}function M(e){let{other:t,series:n}=e;return t!==null&&t.series===n?.id&&t.step===j(e)?t:null}function ke(e){return e.otherFailure!==null||M(e)!==null}function N(e){return(e.flipped?M(e):null)??e.atlas}var Ae=12;function je(e){let{compare:t,series:n,step:r}=e.store.state,i=n?.steps.find(e=>e!==r)??null,a=t===null?Oe(e.store.state)??i:null;e.store.set({compare:a,flipped:!1})}function Me(e,t){e.store.set({compare:t,flipped:!1})}function Ne(e){let{compare:t,step:n}=e.store.state;t!==null&&(e.store.set({compare:n,flipped:!1}),e.chooseStep(t))}function Pe(e,t){e.store.state.compare!==null&&e.store.set({flipped:t})}function P({divider:e},{width:t}){return Ae+e*(t-24)}var Fe=32256,Ie=`Attribution was not recorded: AtlasConfig(attribution=True)`,Le=new WeakMap;function F(e,t){let n=Le.get(t);return n===void 0&&(n=Re(e,t),Le.set(t,n)),n}function Re({tensors:e},{size:t,rows:n}){let r=`grid${t}.attribution`,i=n.length;try{let n=ze(e,`grid${t}.spread`,i);if(e.has(r)){let t=e.shape(r)[1]??0,a=e.half(r,i,t);return{classes:t,spread:n,at:(e,n)=>me(a[e*t+n]??Fe)}}if(!e.has(`${r}_codes`))return Ie;let a=e.shape(`${r}_codes`)[1]??0,o=e.uint8(`${r}_codes`,i,a),s=e.float32(`${r}_scale`,i);return{classes:a,spread:n,at:(e,t)=>((o[e*a+t]??NaN)-128)*(s[e]??NaN)}}catch(e){if(e instanceof a)return e.message;throw e}}function ze(e,t,n){if(!e.has(`${t}_codes`))return null;let r=e.shape(`${t}_codes`)[1]??0,i=e.uint8(`${t}_codes`,n,r),a=e.float32(`${t}_scale`,n);return(e,t)=>(i[e*r+t]??NaN)*(a[e]??NaN)}function Be({classes:e,at:t},n,r){let i=Array.from({length:e},(e,r)=>({index:r,value:t(n,r)}));return{helps:i.filter(({value:e})=>e>0).sort((e,t)=>t.value-e.value).slice(0,r),hurts:i.filter(({value:e})=>e<0).sort((e,t)=>e.value-t.value).slice(0,r)}}function Ve(e,t=e){if(e===0)return`0`;let n=Math.floor(Math.log10(Math.abs(t))),r=n<0?1-n:2-n,i=Math.abs(e).toFixed(Math.min(20,Math.max(0,r)));return(e>0?`+`:`−`)+(Number(i)===0?`0`:i.replace(/^0\./,`.`))}var He=.3,Ue=new WeakMap;function I(e,t){let n=Ue.get(e);return n===void 0&&(n=We(e.cellOf,e.rows.length),Ue.set(e,n)),n.order.subarray(n.starts[t],n.starts[t+1])}function We(e,t){let n=new Int32Array(t+1);for(let t of e)t>=0&&(n[t+1]=n[t+1]+1);for(let e=0;e<t;e++)n[e+1]=n[e+1]+n[e];let r=n.slice(),i=new Int32Array(n[t]);return e.forEach((e,t)=>{e<0||(i[r[e]]=t,r[e]=r[e]+1)}),{order:i,starts:n}}function Ge(e,t){let n=new Map;for(let r of t){let t=e[r];n.set(t,(n.get(t)??0)+1)}return[...n].sort(([e,t],[n,r])=>r-t||e-n).map(([e,n])=>({index:e,count:n,share:n/t.length}))}var Ke=new WeakMap;function L(e,t){let n=Ke.get(e)??new Map;Ke.set(e,n);let r=n.get(t);return r===void 0&&(r=qe(e,t),n.set(t,r)),r}function qe(e,t){let n=e.rows.length,r=new Int32Array(n).fill(-1),i=new Float32Array(n);for(let a=0;a<n;a++){let n=Ge(t,I(e,a))[0];n!==void 0&&(r[a]=n.index,i[a]=n.share)}return{index:r,share:i}}function R(e,t,n,r){let i=b(t,n,r);if(i<0)return null;let a=e.labels??e.predictions,o=t.counts[i],s=t.cosine[i];return{cell:i,row:n,col:r,size:t.size,count:o,share:o/e.count,kind:ge(t,i),cosine:Number.isNaN(s)?null:s,mixOf:e.labels?`labels`:e.predictions?`predictions`:null,mix:a?Ge(a,I(t,i)):[]}}function Je(e){let t=new Map,n=0;for(let r=0;r<e.kind.length;r++){let i=ge(e,r);i!==`none`&&(t.set(i,(t.get(i)??0)+1),e.cosine[r]<.3&&n++)}return{kinds:[...t].sort(([,e],[,t])=>t-e),weak:n}}function Ye(e,t,n){let r=0,i=0;for(let n of t)r+=e[2*n]/t.length,i+=e[2*n+1]/t.length;return Xe(t,n,t=>Math.hypot(e[2*t]-r,e[2*t+1]-i))}function Xe(e,t,n){return Array.from(e,e=>({sample:e,value:n(e)})).map(e=>Number.isNaN(e.value)?{...e,value:1/0}:e).sort((e,t)=>e.value===t.value?e.sample-t.sample:e.value-t.value).slice(0,t).map(e=>e.sample)}function Ze(e,t,n,r,i){let a=null,o=1/0;for(let s=0;s<e.rows.length;s++){let c=e.rows[s]-t,l=e.cols[s]-n,u=r*l+i*c,d=u+3*(Math.abs(r*c)+Math.abs(i*l));u>0&&d<o&&(o=d,a={row:e.rows[s],col:e.cols[s]})}return a}var Qe=[`top`,`toward`],$e=[`helps`,`hurts`,`both`],et=99999;function tt({filter:e,sign:t}){let[n,r=``]=e.slice(0,100).split(`:`),i=r.split(`,`).filter(e=>/^\d{1,5}$/.test(e)).map(Number).filter(e=>e<=et);return{kind:Qe.find(e=>e===n)??`top`,classes:[...new Set(i)].slice(0,4),sign:$e.find(e=>e===t)??`helps`}}function nt({kind:e,classes:t,sign:n}){return{filter:e===`top`&&t.length===0?``:`${e}:${t.join()}`,sign:n===`helps`?``:n}}var rt=new WeakMap;function it(e,t,n){let r=JSON.stringify(n),i=rt.get(t);if(i?.key===r)return i.answers;let a=n.kind===`top`?at(e,t,n):ot(e,t,n);return rt.set(t,{key:r,answers:a}),a}function at(e,t,{classes:n}){let r=e.labels??e.predictions;if(r===null)return`No labels or predictions were recorded in this run.`;let i=L(t,r),a=Int8Array.from(i.index,e=>n.indexOf(e));return ct(t,i.share,a,e=>a[e]>=0)}function ot(e,t,n){let r=F(e,t);if(typeof r==`string`)return r;let{classes:i,sign:a}=n,o=i.find(e=>e>=r.classes);if(o!==void 0)return`This run knows no ${E(e,o)}.`;let s=t.rows.length,c=new Float32Array(s).fill(NaN),l=new Int8Array(s).fill(-1),u=st[a];for(let e=0;e<s;e++){let t=-1/0;i.forEach((n,i)=>{let a=r.at(e,n);!Number.isFinite(a)||u(a)<=t||(t=u(a),c[e]=a,l[e]=i)})}return ct(t,c,l,e=>u(c[e])>0)}var st={helps:e=>e,hurts:e=>-e,both:Math.abs};function ct({counts:e},t,n,r){let i=Uint8Array.from(e,(e,t)=>+!!r(t)),a=[...i.keys()].filter(e=>i[e]===1),o=e=>Math.abs(t[e]),s=a.filter(t=>e[t]>=8).sort((e,t)=>o(t)-o(e)||e-t),c=s.length>0?s:a,l=s.map(e=>t[e]);return{values:t,which:n,passes:i,ranked:s,passing:a.length,sparse:a.length-s.length,most:c.reduce((e,t)=>Math.max(e,o(t)),0),range:l.length>0?[Math.min(...l),Math.max(...l)]:null}}function lt({values:e,passes:t},n,r,i){if(t[r]!==1)return 0;let a=Math.abs(e[r]);return n===`top`?a:Math.min(1,a/Math.max(i,Number.MIN_VALUE))}var ut=88,dt=`500 11px Roboto, system-ui, sans-serif`,ft=18;function pt(e,t){let{ratio:n,viewport:r,hover:i,pinned:a}=t;e.setTransform(n,0,0,n,0,0),e.clearRect(0,0,r.width,r.height),t.values!==null&&ht(e,t,t.values);for(let n of t.layers)n(e,t);a&&mt(e,t,a,3),i&&mt(e,t,i,2)}function mt(e,{camera:t,viewport:n,level:r,theme:i},{size:a,row:o,col:s},c){let l=S(t,n)/a,u=T(t,n,{x:s/a,y:o/a}),d=r.size===a?b(r,o,s):-1,f=(1-(d<0?1:O(r)[d]))*l/2-c/2;e.beginPath(),e.roundRect(u.x+f,u.y+f,l-2*f,l-2*f,Math.min(5,.1*l+1)),e.strokeStyle=i.accent,e.lineWidth=c,e.stroke()}function ht(e,t,n){let{atlas:r,level:i,camera:a,viewport:o,theme:s}=t,c=S(a,o)/i.size;if(c<ut)return;let l=L(i,n);e.globalAlpha=Math.min(1,(c-ut)/20),e.font=dt,e.textBaseline=`middle`;let u=O(i);z(t,(t,n,i,a)=>{let o=(1-u[t])*a/2+4,c=A(E(r,l.index[t]),Math.floor(a/8)),d=e.measureText(c).width+10;e.fillStyle=s.labelGround,e.beginPath(),e.roundRect(n+o,i+a-o-ft,d,ft,3),e.fill(),e.fillStyle=s.label,e.fillText(c,n+o+5,i+a-o-ft/2+.5)}),e.globalAlpha=1}function z({level:e,camera:t,viewport:n},r){let i=S(t,n)/e.size,a=T(t,n,{x:0,y:0});for(let t=0;t<e.rows.length;t++){let o=a.x+e.cols[t]*i,s=a.y+e.rows[t]*i;o>n.width||s>n.height||o+i<0||s+i<0||r(t,o,s,i)}}var gt=new WeakMap;function _t(e){let t=gt.get(e);return t===void 0&&(t=vt(e),gt.set(e,t)),t}function vt(e){let t=e.labels??e.predictions,n=new Map;for(let e of t??[])n.set(e,(n.get(e)??0)+1);let r=F(e,e.levels[0]),i=typeof r==`string`?0:r.classes,a=[...n.keys()].reduce((e,t)=>Math.max(e,t+1),i),o=e.classes?.length??a;return Array.from({length:o},(r,i)=>({index:i,name:E(e,i),note:t===null?``:_(n.get(i)??0,`sample`)}))}function yt(e,t){let n=t.trim().toLowerCase();if(n===``)return e;let r=e.map(e=>({choice:e,at:e.name.toLowerCase().indexOf(n)})),i=r.filter(({at:e})=>e===0),a=r.filter(({at:e})=>e>0);return[...i,...a].map(({choice:e})=>e)}var bt=5,xt=1.05;function St({atlas:e,level:t,shownLevel:n,camera:r},i,{size:a,row:o,col:s}){let c=e?.levels??[],l=e=>c[ie(c,t,S({...r,z:e},i),n)]?.size,{z:u}=r;for(;u*xt<=a/bt&&l(u*xt)===a;)u*=xt;return{x:(s+.5)/a,y:(o+.5)/a,z:u}}function Ct(e){let t={ArrowDown:1,ArrowUp:-1}[e.key],n=e.currentTarget,r=e.target.closest(`.event`);if(t===void 0||r===null)return;let i=[...n.querySelectorAll(`.event`)];i[i.indexOf(r)+t]?.focus(),e.preventDefault()}var wt=1e3,Tt=new WeakMap;function Et(e){let t=Tt.get(e);return t===void 0&&(t=e.lifelines&&Dt(e.manifest.fields),Tt.set(e,t)),t}function Dt(e){try{return e.listOrNull(`lifelines`,wt,(e,t)=>{let n=new v(e,t);return{id:n.whole(`id`,0,2**31-1),name:n.text(`name`),size:n.whole(`size`,0,2**53-1),topClass:n.wholeOrNull(`top_class`,0,2**31-1),topShare:n.number(`top_share`),born:n.whole(`born`,-(2**53-1),2**53-1),confidence:n.number(`confidence`)}})}catch(e){if(e instanceof a)return null;throw e}}function Ot(e,t,n){let r=Et(e),{lifelines:i}=e;if(r===null||i===null)return null;let a=I(t,n),o=new Map;for(let e of a){let t=i[e];o.set(t,(o.get(t)??0)+1)}return r.filter(({id:e})=>o.has(e)).map(e=>{let t=o.get(e.id)??0;return{lifeline:e,count:t,share:t/a.length}}).sort((e,t)=>t.count-e.count||e.lifeline.id-t.lifeline.id)}function kt(e,t){let n=new Set(t),r=[];return e?.forEach((e,t)=>{n.has(e)&&r.push(t)}),Int32Array.from(r)}function At(e,t){let n=new Int32Array(e.rows.length);for(let r of t){let t=e.cellOf[r];t>=0&&(n[t]=n[t]+1)}return n}var jt=6,Mt=1.5;function Nt({ids:e,event:t},n){return t===null?e:n>=t.step?t.after:t.before}function Pt(e,t){let n=Nt(t,e.step),{of:r}=t;return r===`sample`?Int32Array.from(n.filter(t=>t<e.count)):kt(r===`image`?e.imageIds:e.lifelines,n)}function Ft(e,t){return t===e.step?`after`:t===e.beforeStep?`before`:null}function It({series:e},t,n){return e?.steps.includes(Lt(t,n))??!1}function Lt(e,t){return t===`after`?e.step:e.beforeStep}function Rt(e,t){return t.after.length===0&&It(e,t,`before`)?`before`:`after`}function zt(e,t,n){n.store.set({highlight:{ids:e.after,name:e.text,event:e},playing:!1}),n.chooseStep(Lt(e,t))}function Bt(e,t,n){zt(e,Rt(t.store.state,e),t);let{cell:r}=e;if(r===null)return;let{size:i,row:a,col:o}=r;t.store.set({pinned:r,hover:null}),n.flyTo({x:(o+.5)/i,y:(a+.5)/i,z:Math.max(Mt,i/jt)})}var Vt=.8,Ht=.35,Ut=.84,Wt=34,Gt=12,Kt=6,qt=11,Jt=`600 11px Roboto, system-ui, sans-serif`;function Yt(e,t,{changes:n,gained:r,lost:i}){let{viewport:a,theme:o,camera:s,level:c}=t;e.globalAlpha=Vt,e.fillStyle=`rgb(${o.ground.join()})`,e.fillRect(0,0,a.width,a.height);let l=S(s,a)/c.size,u=Math.max(1,r,i),d=T(s,a,{x:0,y:0});e.font=Jt,e.textAlign=`center`,e.textBaseline=`middle`;for(let r of n){let n=d.x+r.col*l,i=d.y+r.row*l;n>a.width||i>a.height||n+l<0||i+l<0||(e.globalAlpha=r.news===!1?Ht:1,Xt(e,t,r,n,i,l),Zt(e,t,r,{x:n+l/2,y:i+l/2,side:l,most:u}))}e.globalAlpha=1,e.textAlign=`start`}function Xt(e,{theme:t},{drawn:n},r,i,a){n!==`both`&&(e.strokeStyle=t.label,e.lineWidth=1.3,e.setLineDash(n===`a`?[3,3]:[]),e.strokeRect(r+2,i+2,a-4,a-4),n===`b`&&e.strokeRect(r+5,i+5,a-10,a-10),e.setLineDash([]))}function Zt(e,{theme:t},{gain:r},{x:i,y:a,side:o,most:s}){if(r===0)return;let c=Math.max(1.5,Ut*o*Math.sqrt(Math.abs(r)/s)/2);if(r>0)e.fillStyle=t.gain,e.fillRect(i-c,a-c,2*c,2*c);else{e.strokeStyle=t.loss;let n=Math.min(3,c);e.lineWidth=n,e.strokeRect(i-c+n/2,a-c+n/2,2*c-n,2*c-n)}if(o<Wt)return;let l=n(r),u=c<Gt&&c<o/2-qt-Kt?a+o/2-qt:a;e.lineWidth=3,e.lineJoin=`round`,e.strokeStyle=`rgb(${t.ground.join()})`,e.strokeText(l,i,u),e.fillStyle=t.label,e.fillText(l,i,u)}function Qt(e,t,n,r,i){let{viewport:a,theme:o}=t;e.fillStyle=`rgb(${o.ground.join()})`,e.fillRect(n-2.5,0,5,a.height),e.fillStyle=o.accent,e.fillRect(n-1,0,2,a.height),e.font=Jt,e.textBaseline=`middle`;let s=a.height-28;$t(e,t,r,n-10-e.measureText(r).width-12,s),$t(e,t,i,n+10,s)}function $t(e,{theme:t},n,r,i){e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(r,i-10,e.measureText(n).width+12,20,4),e.fill(),e.fillStyle=t.label,e.fillText(n,r+6,i+.5)}var B={cell:0,tile:1,rim:2},en=6,V=[0,1,2,2,1,3],tn=`#version 300 es
layout(location = ${B.cell}) in vec4 aCell;
layout(location = ${B.tile}) in vec2 aTile;
layout(location = ${B.rim}) in vec4 aRim;
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
}`,nn=`#version 300 es
precision highp float;
in vec2 vLocal;
flat in vec2 vTile;
flat in vec4 vRim;
out vec4 outColour;
${te}
void main() {
outColour = tile(vTile.x, vLocal, vTile.y, vRim);
}`,rn=class{gl;sheets;#e;#t=new Map;constructor(e,t){this.gl=e,this.sheets=t,this.#e=g(e,tn,nn)}draw({scene:e,weight:t,travel:n},r){if(n===void 0)return;let{gl:i}=this,{uniform:a}=this.#e,{camera:o,viewport:c,ratio:l}=r,{level:u,pages:d}=e,f=this.#n(u,n.ways,e.cellColours),p=T(o,c,{x:0,y:0});i.useProgram(this.#e.program),i.blendFunc(i.ONE,i.ONE_MINUS_SRC_ALPHA),i.uniform2f(a(`uOrigin`),p.x*l,p.y*l),i.uniform1f(a(`uSide`),S(o,c)*l),i.uniform2f(a(`uViewport`),i.drawingBufferWidth,i.drawingBufferHeight),i.uniform1f(a(`uShare`),n.share),s(i,this.#e,u,r,t),i.bindVertexArray(f.vertices);for(let{page:e,start:t,count:n}of f.ranges)ne(i,this.#e,this.sheets,d[e]??null),i.drawElements(i.TRIANGLES,n,i.UNSIGNED_INT,4*t);i.bindVertexArray(null)}prune(e){let t=new Set(e.flatMap(({scene:e,travel:t})=>t?[e.level]:[]));for(let[e,n]of this.#t)t.has(e)||this.#i(e,n)}#n(e,t,n){let r=this.#t.get(e);if(r?.ways===t&&r.colours===n)return r;r!==void 0&&this.#i(e,r);let i=this.#r(e,t,n);return this.#t.set(e,i),i}#r(e,t,n){let{gl:r}=this,{order:i,ranges:a}=an(e),o=r.createVertexArray(),s=[r.createBuffer(),r.createBuffer(),r.createBuffer()];r.bindVertexArray(o),r.bindBuffer(r.ARRAY_BUFFER,s[0]),r.bufferData(r.ARRAY_BUFFER,on(e,t),r.STATIC_DRAW),r.enableVertexAttribArray(B.cell),r.vertexAttribPointer(B.cell,4,r.FLOAT,!1,24,0),r.enableVertexAttribArray(B.tile),r.vertexAttribPointer(B.tile,2,r.FLOAT,!1,24,16),r.bindBuffer(r.ARRAY_BUFFER,s[1]),r.bufferData(r.ARRAY_BUFFER,sn(e,n),r.STATIC_DRAW),r.enableVertexAttribArray(B.rim),r.vertexAttribPointer(B.rim,4,r.UNSIGNED_BYTE,!0,0,0),r.bindBuffer(r.ELEMENT_ARRAY_BUFFER,s[2]);let c=i.flatMap(e=>V.map(t=>4*e+t));return r.bufferData(r.ELEMENT_ARRAY_BUFFER,Uint32Array.from(c),r.STATIC_DRAW),r.bindVertexArray(null),{vertices:o,buffers:s,ways:t,colours:n,ranges:a}}#i(e,{vertices:t,buffers:n}){this.gl.deleteVertexArray(t);for(let e of n)this.gl.deleteBuffer(e);this.#t.delete(e)}};function an(e){let t=Array.from(e.rows,(t,n)=>d(e,n)?.page??-1),n=[...t.keys()].sort((e,n)=>t[e]-t[n]),r=[];return n.forEach((e,n)=>{let i=t[e],a=r.at(-1);a?.page===i?a.count+=V.length:r.push({page:i,start:V.length*n,count:V.length})}),{order:n,ranges:r}}function on(e,t){let{size:n,rows:r,cols:i}=e,a=O(e),o=(e.entry.columns??1)**2,s=new Float32Array(24*r.length);for(let e=0;e<r.length;e++){let c=[(i[e]+.5)/n,(r[e]+.5)/n,t[2*e],t[2*e+1],a[e]/n,e%o];for(let t=0;t<4;t++)s.set(c,en*(4*e+t))}return s}function sn(e,t){let n=new Uint8Array(16*e.rows.length);if(t===null)return n;for(let r=0;r<4*e.rows.length;r++){let e=r>>2;n.set(t.subarray(4*e,4*e+4),4*r)}return n}var cn=new WeakMap;function H(e,t){let n=cn.get(e)??new WeakMap;cn.set(e,n);let r=n.get(t);return r===void 0&&(r=ln(e,t),n.set(t,r)),r}function ln(e,t){return e.manifest.probeDigest===t.manifest.probeDigest?e.count===t.count?e.imageIds.every((e,n)=>e===t.imageIds[n])?null:`The samples of the two steps are not the same ones.`:`One step has ${o(e.count)} samples and the other ${o(t.count)}.`:`The two steps were asked about different probes, so that nothing can be followed.`}function un(e,t){return Float32Array.from({length:e.length/2},(n,r)=>Math.hypot(t[2*r]-e[2*r],t[2*r+1]-e[2*r+1]))}function U(e,t){let n=new Float32Array(2*e.rows.length);for(let r=0;r<e.rows.length;r++){let i=I(e,r);for(let e of i)n[2*r]=n[2*r]+t[2*e]/i.length,n[2*r+1]=n[2*r+1]+t[2*e+1]/i.length}return n}var dn=class{#e=new WeakMap;carry(e,t){let[n,r]=[e.item.atlas,t.item.atlas];if(n===r||H(n,r)!==null)return null;let i=t.weight*t.weight*(3-2*t.weight),a=fn(n.xy,r.xy,i);return[{scene:e.item,weight:Math.min(1,2-2*t.weight),travel:{ways:this.#t(e.item.level,n,r),share:i,points:a}},{scene:t.item,weight:Math.min(1,2*t.weight),travel:{ways:this.#t(t.item.level,r,n),share:1-i,points:a}}]}#t(e,t,n){let r=this.#e.get(e);if(r?.other===n)return r.ways;let i=U(e,t.xy),a=U(e,n.xy).map((e,t)=>e-i[t]);return this.#e.set(e,{other:n,ways:a}),a}};function fn(e,t,n){return e.map((e,r)=>e+n*(t[r]-e))}var pn=class{waiting=!1;#e=new dn;createPass(e,t){return new rn(e,t)}arrange(e,t,n,r){this.waiting=!1;let i=e.at(-1)?.item;if(i===void 0)return null;let a=t.compareMode===`swipe`;if(t.compare!==null&&(t.flipped||a)){let e=this.#t(i,t,r);return e===null?null:t.flipped?[{scene:e,weight:1}]:mn(e,i,P(t,n),n.width)}let[o,s,c]=e;return!t.travel||!o||!s||c?null:this.#e.carry(o,s)}#t({level:e},t,n){let r=M(t),i=r?.levels.find(({size:t})=>t===e.size);if(!r||!i)return null;let a=n(r,i);return this.waiting=a===null,a}};function mn(e,t,n,r){return[{scene:e,weight:1,clip:[0,n]},{scene:t,weight:1,clip:[n,r]}]}var hn=.5,gn=new WeakMap;function _n(e,t,n){let r=gn.get(n)??new WeakMap;gn.set(n,r);let i=r.get(e);return i===void 0&&(i=yn(e,t,n),r.set(e,i)),i}function vn(e,t){return(e.step>t.step?e:t).noiseFloor}function yn(e,t,n){let r=un(e.xy,t.xy),i=vn(e,t),a=i&&r.map((e,t)=>+(e>i[t])),o=e=>e.reduce((e,t)=>e+t,0)/e.length,s=a&&Float32Array.from(n.rows,(e,t)=>{let r=I(n,t);return r.reduce((e,t)=>e+a[t],0)/r.length});return{from:U(n,e.xy),to:U(n,t.xy),beyond:s,news:s?.reduce((e,t)=>e+ +(t>=.5),0)??0,meanMove:o(r),beyondShare:a&&o(a)}}var bn=.5,xn=5,W={tail:.7,neck:2.1,head:5.6,length:11},Sn=26,Cn=3,wn=.6;function Tn(e,t,n){let{viewport:r,theme:i}=t;e.globalAlpha=bn,e.fillStyle=`rgb(${i.ground.join()})`,e.fillRect(0,0,r.width,r.height),e.globalAlpha=1;let a=En(t,n);for(let n of a)n.news||kn(e,t,n);for(let n of a)n.news&&Dn(e,t,n)}function En(e,{from:t,to:n,beyond:r}){let{camera:i,viewport:a}=e,o=(e,t)=>T(i,a,{x:e[2*t],y:e[2*t+1]}),s=({x:e,y:t})=>e>0&&t>0&&e<a.width&&t<a.height;return Array.from({length:n.length/2},(e,i)=>({from:o(t,i),to:o(n,i),news:r!==null&&r[i]>=.5})).filter(e=>s(e.from)||s(e.to))}function Dn(e,{theme:t},{from:n,to:r}){let i=Math.hypot(r.x-n.x,r.y-n.y);e.fillStyle=t.label,e.strokeStyle=`rgb(${t.ground.join()})`,e.lineWidth=Cn,e.lineJoin=`round`,e.beginPath(),i<xn?e.arc(r.x,r.y,3,0,2*Math.PI):On(e,n,r,i),e.closePath(),e.stroke(),e.fill()}function On(e,t,n,r){let i=Math.min(1,.45+.55*r/Sn),a=(n.x-t.x)/r,o=(n.y-t.y)/r,s=Math.min(.7*r,W.length*i),c={x:n.x-a*s,y:n.y-o*s},l=(t,n)=>e.lineTo(t.x-o*n*i,t.y+a*n*i);l(t,W.tail),l(c,W.neck),l(c,W.head),e.lineTo(n.x,n.y),l(c,-W.head),l(c,-W.neck),l(t,-W.tail)}function kn(e,{theme:t},{from:n,to:r}){e.globalAlpha=wn,e.strokeStyle=t.label,e.fillStyle=t.label,e.lineWidth=1.2,e.setLineDash([2,3]),e.beginPath(),e.moveTo(n.x,n.y),e.lineTo(r.x,r.y),e.stroke(),e.setLineDash([]),e.beginPath(),e.arc(r.x,r.y,1.8,0,2*Math.PI),e.fill(),e.globalAlpha=1}var An=.75,jn=.2,Mn=2.6,Nn=40;function Pn(e,t,n){let{atlas:r,level:i}=t,a=At(i,n);Fn(e,t,a),Rn(e,t,r,n),In(e,t,i,a)}function Fn(e,t,n){e.fillStyle=`rgb(${t.theme.ground.join()})`,z(t,(r,i,a,o)=>{e.globalAlpha=An*(1-n[r]/t.level.counts[r]),e.fillRect(i,a,o,o)}),e.globalAlpha=1}function In(e,t,n,r){let{theme:i}=t,a=O(n);z(t,(o,s,c,l)=>{let u=r[o],d=u/n.counts[o];if(d<jn)return;let f=(1-a[o])*l/2,p=1+2.5*d;e.strokeStyle=i.accent,e.lineWidth=p,e.beginPath(),e.roundRect(s+f,c+f,l-2*f,l-2*f,Math.min(5,.1*l)),e.stroke(),l<Nn||Ln(e,t,String(u),s+l-f,c+f)})}function Ln(e,{theme:t},n,r,i){e.font=`600 10px Roboto, system-ui, sans-serif`,e.textBaseline=`middle`;let a=e.measureText(n).width+8;e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(r-a,i,a,15,3),e.fill(),e.fillStyle=t.label,e.fillText(n,r-a+4,i+8)}function Rn(e,{camera:t,viewport:n,theme:r},i,a){e.fillStyle=r.accent,e.strokeStyle=`rgb(${r.ground.join()})`,e.lineWidth=1;for(let r of a){let{x:a,y:o}=T(t,n,{x:i.xy[2*r],y:i.xy[2*r+1]});a<0||o<0||a>n.width||o>n.height||(e.beginPath(),e.arc(a,o,Mn,0,2*Math.PI),e.fill(),e.stroke())}}var zn={difference:`Difference`,swipe:`Swipe`,blink:`Blink`},G=200;function Bn(e,n){let{compare:r,compareMode:i,series:a,step:s,flipped:c,otherFailure:l}=e;if(r===null||a===null)return x;let{store:u}=n;return D`<section class="compare-bar panel" aria-label="Comparison of two steps">
<span class="field">
<label for="compare-a"><b class="side-mark">A</b></label>
<select
id="compare-a"
aria-label="Step A"
@change=${e=>Me(n,Number(e.target.value))}
>
${a.steps.map(e=>D`<option value=${e} .selected=${e===r}>step ${o(e)}</option>`)}
</select>
</span>
${C({icon:`swap`,name:`Swap A and B`,key:`x`,press:()=>Ne(n)})}
<span><b class="side-mark">B</b> step ${o(s??0)}</span>
<span class="segments small" role="radiogroup" aria-label="How to compare">
${t.map(e=>D`<label
><input
type="radio"
name="compare-mode"
value=${e}
.checked=${e===i}
@change=${()=>u.set({compareMode:e,flipped:!1})}
/>${zn[e]}</label
>`)}
</span>
${i===`blink`?D`<button
type="button"
class="button"
aria-pressed=${c}
title="Or hold b"
@click=${()=>Pe(n,!c)}
>
Show A
</button>`:x}
${C({icon:`close`,name:`End the comparison`,key:`c`,press:()=>Me(n,null)})}
${l===null?x:D`<p class="compare-failure">A cannot be shown: ${l.message}</p>`}
</section>`}function Vn(e,t){let{compare:n,compareMode:r,flipped:i,divider:a}=e;return n===null||r!==`swipe`||i?x:D`<input
class="divider"
type="range"
aria-label="Divider between A and B"
aria-valuetext="${Math.round(100*a)} percent A"
min="0"
max=${G}
.value=${String(Math.round(a*G))}
@input=${e=>t.store.set({divider:Number(e.target.value)/G})}
/>`}var Hn=new WeakMap;function Un(e,t,n,r){let i=Hn.get(t)??new WeakMap;Hn.set(t,i);let a=i.get(r);return a===void 0&&(a=Wn(e,t,n,r),i.set(r,a)),a}function Wn(e,t,n,r){let{size:i}=r,a=Gn(e,n,i),o=[];for(let e=0;e<i*i;e++){let n=Math.floor(e/i),s=e%i,c=b(t,n,s)>=0,l=b(r,n,s)>=0;if(!c&&!l)continue;let u=a.passed[e];o.push({row:n,col:s,gain:a.gain[e],drawn:c&&l?`both`:c?`a`:`b`,news:a.beyond&&u>0?a.beyond[e]>=hn*u:null})}return{changes:o,gained:o.reduce((e,{gain:t})=>Math.max(e,t),0),lost:o.reduce((e,{gain:t})=>Math.max(e,-t),0),onlyA:o.filter(({drawn:e})=>e===`a`).length,onlyB:o.filter(({drawn:e})=>e===`b`).length,moved:a.moved}}function Gn(e,t,n){let r=new Int32Array(n*n),i=new Int32Array(n*n),a=vn(e,t),o=a&&new Int32Array(n*n),s=un(e.xy,t.xy),c=0;for(let l=0;l<t.count;l++){let u=Kn(e.xy,l,n),d=Kn(t.xy,l,n);if(u===d)continue;c++,r[u]=r[u]-1,r[d]=r[d]+1;let f=a!==null&&s[l]>a[l];for(let e of[u,d])i[e]=i[e]+1,o&&f&&(o[e]=o[e]+1)}return{gain:r,passed:i,beyond:o,moved:c}}function Kn(e,t,n){let r=e=>Math.min(n-1,Math.max(0,Math.floor(e*n)));return r(e[2*t+1])*n+r(e[2*t])}function qn({changes:e},t){return e.filter(({gain:e})=>e!==0).sort((e,t)=>Math.abs(t.gain)-Math.abs(e.gain)).slice(0,t)}function K(e,t,n){let r=j(e);if(r===null)return`This is the first step: there is none before to have moved from.`;let i=M(e);if(i===null){let{otherFailure:t}=e;return t===null?`Step ${o(r)} is on its way …`:`Step ${o(r)} cannot be read: ${t.message}`}return H(i,t)??_n(i,t,n)}function Jn(e,{beyond:t,news:n}){let r=`since step ${o(j(e)??0)}`;return t===null?`Moves ${r}; what chance would do was not recorded`:`${o(n)} of ${_(t.length,`cell`)} moved more than chance ${r}`}function Yn(e,t,n){let r=K(e,t,n);if(typeof r==`string`)return D`<aside class="legend panel" aria-label="Drift"><p>${r}</p></aside>`;let{beyond:i,meanMove:a,beyondShare:o}=r;return D`<aside class="legend panel drift-legend" aria-label="Drift">
<p><strong>${Jn(e,r)}</strong></p>
${i===null?x:$n(Zn,`most of its samples moved farther than chance`)}
${$n(Qn,i===null?`not known to be more than chance`:`chance explains the move`)}
<p class="muted">
${o===null?`No noise floor was recorded for this step, so that no move can be called news. Atlases of this version measure one from the second checkpoint on.`:D`Samples moved ${f(a)} of the map's side on average,
${f(o)} of them farther than chance.`}
${Xn(e)}
</p>
</aside>`}function Xn({series:e,step:t,compare:n}){let r=t=>e?.steps.indexOf(t??NaN)??-1,i=Math.abs(r(t)-r(n))-1;return n===null||i<1?x:`Chance is that of one step; ${_(i,`more step`)} ${i===1?`lies`:`lie`} between.`}var Zn=w`<path class="solid" d="M2 8.6 24 6v-4l10 7-10 7v-4L2 9.4z" />`,Qn=w`<path class="broken" d="M2 9h28" /><circle cx="32" cy="9" r="2" />`;function $n(e,t){return D`<p class="drift-key">
<svg viewBox="0 0 36 18" aria-hidden="true">${e}</svg> ${t}
</p>`}var er=8,tr={true:`moved farther`,false:`within it`,null:`not known`};function q(e,t,n){let{otherFailure:r,compare:i}=e;if(i===t.step)return`A and B are the same step: go to another one.`;let a=M(e);if(a===null)return r===null?`Step ${o(i??0)} is on its way …`:`Step ${o(i??0)} cannot be read: ${r.message}`;let s=H(a,t);if(s!==null)return s;let c=a.levels.find(({size:e})=>e===n.size);return c===void 0?`Step ${o(a.step)} has no ${n.size} × ${n.size} grid.`:Un(a,c,t,n)}function nr({step:e,compare:t},{moved:n}){let r=`between step ${o(t??0)} and step ${o(e??0)}`;return`${_(n,`sample`)} changed cell ${r}`}function rr(e,t,r,i){let a=q(e,t,r);if(typeof a==`string`)return D`<aside class="legend panel" aria-label="Difference"><p>${a}</p></aside>`;let{gained:s,lost:c,onlyA:l,onlyB:u}=a;return D`<aside class="legend panel drift-legend" aria-label="Difference">
<p><strong>${nr(e,a)}</strong></p>
<ul class="difference-key">
<li><i class="gain"></i>more in B: up to ${n(s)}</li>
<li><i class="loss"></i>fewer in B: to ${n(-c)}</li>
<li><i class="only-a"></i>cell in A only: ${o(l)}</li>
<li><i class="only-b"></i>cell in B only: ${o(u)}</li>
</ul>
<p class="muted">${ir(a)} ${Xn(e)}</p>
${s+c>0?ar(a,i):x}
</aside>`}function ir({changes:e,moved:t}){return t===0?``:e.every(({news:e})=>e===null)?`What chance would do was not recorded.`:e.some(({news:e})=>e===!1)?`Pale: most of those that came or went moved no farther than chance.`:`Everywhere, most of those that came or went moved farther than chance.`}function ar(e,t){return D`<details class="changes">
<summary>Largest changes</summary>
<table>
<thead>
<tr><th scope="col">Cell</th><th scope="col">Samples</th><th scope="col">Chance</th></tr>
</thead>
<tbody>
${qn(e,er).map(e=>D`<tr>
<td>
<button type="button" class="link" @click=${()=>t(e)}>
row ${e.row+1}, column ${e.col+1}
</button>
</td>
<td class="number">${n(e.gain)}</td>
<td>${tr[String(e.news)]}</td>
</tr>`)}
</tbody>
</table>
</details>`}var or=1e3,sr=1e3,cr=[`born`,`merges`,`splits`,`dies`];function lr(e){return de(`history`,{id:e},ur)}function ur(e){let t=new v(e,`history`),n=t.list(`steps`,ce,(e,t)=>{let n=new v(e,t),r=n.text(`status`);if(r!==`ok`&&r!==`damaged`&&r!==`too_new`)throw new a(`${t}.status is ${r}`);let i=n.raw(`reason`);return{step:n.whole(`step`,-(2**53-1),2**53-1),status:r,reason:typeof i==`string`?i:null,trustworthiness:n.numberOrNull(`trustworthiness`)}});return{skipped:t.listOrNull(`skipped`,1e6,(e,t)=>{let n=new v(e,t);return{step:n.number(`step`),reason:n.text(`reason`)}})??[],logged:t.whole(`logged`,0,2**53-1),kept:t.whole(`kept`,0,2**53-1),steps:new Map(n.map(e=>[e.step,e])),events:t.listOrNull(`events`,or,fr),eventsFound:t.wholeOrNull(`events_found`,0,2**53-1)??0}}function dr(e,t){return e===t||e.step===t?.step&&e.kind===t.kind&&e.text===t.text}function fr(e,t){let n=new v(e,t),r=cr.find(e=>e===n.text(`kind`));if(r===void 0)throw new a(`${t}.kind is unknown`);let o=e=>n.whole(e,-(2**53-1),2**53-1);return{step:o(`step`),kind:r,text:n.text(`text`),score:n.number(`score`),confidence:n.number(`confidence`),beforeStep:o(`before_step`),before:n.list(`before`,sr,i),after:n.list(`after`,sr,i),cell:n.raw(`cell`)==null?null:pr(n.object(`cell`))}}function pr(e){let t=e.whole(`grid`,1,320);return{size:t,row:e.whole(`row`,0,t-1),col:e.whole(`col`,0,t-1)}}var mr={born:`M9 12h12`,merges:`M21 12h-6C11 12 11 6 3 6m12 6c-4 0-4 6-12 6`,splits:`M3 12h6c4 0 4-6 12-6M9 12c4 0 4 6 12 6`,dies:`M3 12h11m0-5 7 10m0-10-7 10`},hr={born:`Born`,merges:`Merged`,splits:`Split`,dies:`Ended`};function gr(e){let t=e===`born`?w`<circle cx="7" cy="12" r="4" />`:``;return D`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true">
${w`<path d=${mr[e]} />`}${t}
</svg>`}var _r=60,vr=240,yr={rank:`Most telling`,time:`In order`},br=class{session;map;update;#e=`rank`;#t=!1;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){return e.eventList?D`<aside class="events" aria-label="Events of this run">
<div class="inspector-head">
<h2>Events</h2>
${C({icon:`close`,name:`Close the events`,press:()=>this.session.store.set({eventList:!1})})}
</div>
${this.#n(e)}
</aside>`:x}#n(e){let{history:t}=e;if(t===null)return D`<p class="muted">Reading what happened …</p>`;let{events:n,eventsFound:r}=t;if(n===null)return Cr();if(n.length===0)return Sr(t);let i=this.#e===`rank`?n:n.toSorted((e,t)=>e.step-t.step),a=this.#t?i:i.slice(0,_r);return D`${this.#r(n.length,r)}
<ol class="event-items" @keydown=${Ct}>
${a.map(t=>this.#i(e,t))}
</ol>
${a.length<i.length?D`<button type="button" class="button" @click=${()=>this.#s()}>
Show all ${o(i.length)}
</button>`:x}`}#r(e,t){return D`<div class="events-head">
<span class="muted"
>${t>e?`${o(e)} of ${o(t)} events`:_(e,`event`)}</span
>
<span class="segments small" role="radiogroup" aria-label="Order of the events">
${Object.entries(yr).map(([e,t])=>D`<label
><input
type="radio"
name="event-order"
value=${e}
.checked=${e===this.#e}
@change=${()=>this.#o(e)}
/>${t}</label
>`)}
</span>
</div>`}#i(e,t){let n=dr(t,e.highlight?.event);return D`<li class=${n?`chosen`:``} data-kind=${t.kind}>
<button
type="button"
class="event"
aria-pressed=${n}
@click=${()=>Bt(t,this.session,this.map)}
>
<span class="event-head">
${gr(t.kind)}
<strong>${hr[t.kind]}</strong>
<span class="number">step ${o(t.step)}</span>
</span>
<span class="event-text">${A(t.text,vr)}</span>
<span class="event-foot muted">
<span class="confidence"><i style="width:${xr(t)}%"></i></span>
confidence ${l(t.confidence)}
</span>
</button>
${n?this.#a(e,t):x}
</li>`}#a(e,t){let n=Ft(t,e.step),r=(r,i)=>{let a=It(e,t,r);return D`<button
type="button"
class="button"
aria-pressed=${n===r}
?disabled=${!a}
title=${a?``:`TensorBoard has not kept this step.`}
@click=${()=>zt(t,r,this.session)}
>
${r===`before`?`Before`:`After`} <span class="muted">${o(i)}</span>
</button>`};return D`<div class="sides" role="group" aria-label="Before and after the event">
${r(`before`,t.beforeStep)} ${r(`after`,t.step)}
</div>`}#o(e){this.#e=e,this.update()}#s(){this.#t=!0,this.update()}};function xr({confidence:e}){return 100*Math.min(1,Math.max(0,e))}function Sr({kept:e}){return D`<div class="no-events">
<p><strong>No events.</strong></p>
<p class="muted">
${e<2?`Events are what differs between two checkpoints, and there is only one yet.`:`No concept was born, merged, split or ended between the ${o(e)} steps.`}
</p>
</div>`}function Cr(){return D`<div class="no-events">
<p><strong>Events were not recorded in this run.</strong></p>
<p class="muted">
Atlases written by this version trace concepts from checkpoint to checkpoint on their own. For
a log of before, <code>tensorboard-atlas evolve LOGDIR</code> works them out.
</p>
</div>`}var wr=.03,Tr=8;function Er(e,t){let n=new Map;for(let t of e)n.set(t.step,[...n.get(t.step)??[],t]);let r=Math.max(1,t.length-1),i=[];for(let[e,a]of n){let n=t.indexOf(e),[o]=a;if(n<0||o===void 0)continue;let s=n/r;i.some(e=>Math.abs(e.at-s)<wr)||i.push({event:o,events:a,at:s})}return i}function Dr({history:e,series:t,highlight:n,step:r},i){let a=Er(e?.events??[],t?.steps??[]);return a.length===0?x:D`<span class="event-marks" aria-hidden="true">
${a.map(({event:e,events:t,at:a})=>D`<button
type="button"
tabindex="-1"
class="event-mark ${e.step===r?`here`:``} ${t.some(e=>dr(e,n?.event))?`chosen`:``}"
data-kind=${e.kind}
data-step=${e.step}
style="left:${100*a}%"
title=${kr(t)}
@click=${()=>i(e)}
>
${gr(e.kind)}
</button>`)}
</span>`}function Or({compare:e,series:t}){let n=t?.steps??[],r=n.indexOf(e??NaN);if(r<0)return x;let i=r/Math.max(1,n.length-1);return D`<span class="event-marks" aria-hidden="true">
<b class="side-mark on-line" style="left:${100*i}%">A</b>
</span>`}function kr(e){let t=e.slice(0,Tr).map(({kind:e,text:t})=>`${hr[e]}: ${A(t,120)}`),n=e.length-t.length,r=n>0?[`and ${_(n,`event`)} more`]:[];return[`Step ${o(e[0]?.step??0)}`,...t,...r].join(`
`)}var Ar=y` :host{--gain:#d55e00;--loss:#0072b2;}:host([data-theme='dark']){--gain:#ffa04d;--loss:#6ab7ff;}.glyph{width:18px;height:18px;flex:none;fill:none;stroke:currentColor;stroke-width:2.2;stroke-linecap:round;}.glyph circle{fill:currentColor;stroke:none;}.event-marks{position:absolute;left:8px;right:8px;top:-10px;height:0;}.event-mark{position:absolute;display:grid;place-items:center;width:24px;height:20px;margin-left:-12px;border-radius:4px;color:var(--muted);z-index:1;}.event-mark:hover{background:var(--control);color:var(--text);}.event-mark.here{color:var(--accent);}.event-mark.chosen{color:var(--accent);background:var(--accent-soft);box-shadow:inset 0 0 0 1px var(--accent);}.events{flex:none;width:312px;padding:8px 16px 16px;display:flex;flex-direction:column;gap:8px;overflow:auto;background:var(--surface);border-right:1px solid var(--line);line-height:1.4;}.events h2{font-size:15px;font-weight:500;margin:0;}.events p{margin:0;}@media (max-width:900px){.events{position:absolute;inset:0 auto 0 0;max-width:100%;z-index:5;box-shadow:var(--shadow);}}.events-head{display:flex;align-items:center;justify-content:space-between;gap:8px;font-size:12px;}.event-items{list-style:none;margin:0 -8px;padding:0;display:grid;gap:2px;}.event-items li{border-radius:6px;}.event-items li.chosen{background:var(--accent-soft);box-shadow:inset 3px 0 0 var(--accent);}.event{display:grid;gap:2px;width:100%;padding:8px;border-radius:6px;text-align:left;}.event:hover{background:var(--control);}.event:focus-visible{outline-offset:-2px;}.event-head{display:flex;align-items:center;gap:8px;}.event-head strong{font-weight:500;}.event-head .number{margin-left:auto;color:var(--muted);font-size:12px;}.event-text{padding-left:26px;overflow-wrap:anywhere;}.event-foot{display:flex;align-items:center;gap:8px;padding-left:26px;font-size:11.5px;font-variant-numeric:tabular-nums;}.confidence{width:44px;height:4px;border-radius:2px;background:color-mix(in srgb,var(--muted) 28%,transparent);overflow:hidden;}.confidence i{display:block;height:100%;background:var(--muted);}.sides{display:flex;gap:6px;padding:2px 8px 10px 34px;}.sides .button{flex:1;height:28px;padding:0 8px;white-space:nowrap;}.button[aria-pressed='true']{border-color:var(--accent);color:var(--accent);}.no-events{display:grid;gap:8px;line-height:1.5;}.lifelines{list-style:none;margin:0 -8px;padding:0;}.lifeline{display:grid;grid-template-columns:1fr auto;gap:0 8px;width:100%;padding:5px 8px;border-radius:6px;text-align:left;}.lifeline:hover{background:var(--control);}.lifeline .name{overflow-wrap:anywhere;}.lifeline .muted{grid-column:1 / -1;font-size:12px;}.lifeline[aria-pressed='true']{background:var(--accent-soft);box-shadow:inset 3px 0 0 var(--accent);}.drift-legend{gap:4px;max-width:376px;}.drift-legend strong{font-weight:500;}.drift-legend .muted{font-size:12px;}.drift-key{display:flex;align-items:center;gap:8px;}.drift-key svg{width:36px;height:18px;flex:none;fill:currentColor;}.drift-key .broken{stroke:currentColor;stroke-width:1.4;stroke-dasharray:2 3;fill:none;opacity:0.75;}.top-column{position:absolute;top:12px;left:50%;translate:-50%;display:flex;flex-direction:column;align-items:center;gap:8px;max-width:calc(100% - 24px);z-index:2;pointer-events:none;}.top-column > *{pointer-events:auto;}@media (min-width:900px){.stage:has(.inspector) .top-column{left:calc(50% - 166px);max-width:calc(100% - 356px);}}.compare-bar{display:flex;flex-wrap:wrap;align-items:center;justify-content:center;gap:6px 12px;padding:6px 8px 6px 12px;}.compare-bar select{min-width:0;height:28px;background-position:calc(100% - 16px) 11px,calc(100% - 11px) 11px;}.compare-failure{flex-basis:100%;color:var(--bad);}.side-mark{display:inline-grid;place-items:center;width:18px;height:18px;border-radius:4px;background:var(--text);color:var(--surface);font-size:11px;font-weight:600;}.side-mark.on-line{position:absolute;top:34px;margin-left:-8px;width:16px;height:16px;}.divider{appearance:none;position:absolute;inset:0;width:100%;height:100%;margin:0;background:none;pointer-events:none;z-index:1;}.divider:focus-visible{outline-offset:-2px;}.divider::-webkit-slider-thumb{appearance:none;pointer-events:auto;width:24px;height:56px;border-radius:12px;border:2px solid var(--surface);background:var(--accent);box-shadow:var(--shadow);cursor:ew-resize;}.divider::-moz-range-thumb{pointer-events:auto;width:20px;height:52px;border-radius:12px;border:2px solid var(--surface);background:var(--accent);cursor:ew-resize;}.difference-key{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:auto auto;gap:4px 16px;}.difference-key li{display:flex;align-items:center;gap:8px;}.difference-key i{flex:none;width:14px;height:14px;border:0 solid var(--text);}.difference-key .gain{background:var(--gain);}.difference-key .loss{border:3px solid var(--loss);}.difference-key .only-a{border:1.5px dashed var(--text);}.difference-key .only-b{border:4px double var(--text);}.changes summary{cursor:pointer;min-height:24px;}.changes table{border-collapse:collapse;width:100%;}.changes th{text-align:start;font-weight:500;color:var(--muted);}.changes td,.changes th{padding:0 12px 0 0;height:24px;}.highlight-pill{display:flex;align-items:center;gap:8px;padding:2px 4px 2px 14px;border-radius:20px;border:1px solid var(--accent);overflow-wrap:anywhere;}.highlight-pill strong{font-weight:500;margin-right:4px;}`;function jr({runs:e,run:t,series:n}){let r=t&&h(e,t);return r?.series.some(({layer:e})=>e===n?.layer)?r:null}async function Mr(e){let{store:t}=e,{atlas:n,pinned:r,highlight:i}=t.state,a=jr(t.state);if(a===null)return;e.chooseRun(a.id);let{series:o,step:s}=t.state;if(o===null||s===null||n===null)return;let c=await e.loadAtlas(o,s).catch(()=>null),{state:l}=t;c!==null&&l.series===o&&l.step===s&&H(n,c)===null&&t.set({pinned:r&&Nr(n,c,r),highlight:i?.of||Pr(n,c)?i:null})}function Nr(e,t,n){let[r,i]=[e,t].map(({levels:e})=>e.find(({size:e})=>e===n.size));if(!r||!i)return null;let a=b(r,n.row,n.col);if(a<0)return n;let o=new Map;for(let e of I(r,a)){let t=i.cellOf[e];t>=0&&o.set(t,(o.get(t)??0)+1)}let[s]=[...o].sort((e,t)=>t[1]-e[1]);return s===void 0?null:{size:n.size,row:i.rows[s[0]]??0,col:i.cols[s[0]]??0}}function Pr(e,t){return e.lifelines!==null&&(t.lifelines?.every((t,n)=>t===e.lifelines?.[n])??!1)}var Fr=`Relaid from the end`;function Ir(e,t){if(e.run===null||jr(e)===null)return x;let n=m(e.run.run),r=(e,r,i,a=r)=>D`<label
title=${i}
>
<input
type="radio"
name="layout"
aria-label=${a}
.checked=${n===e}
@change=${()=>void Mr(t)}
/>${r}
</label>`;return D`<span class="segments small" role="radiogroup" aria-label="Layout of the run">
${r(!1,`Streamed`,`Each checkpoint was laid out from the one before it`)}
${r(!0,`Relaid`,`Laid out again, from the last checkpoint to the first`,Fr)}
</span>`}var Lr=4,Rr=60;function zr({atlas:e,level:t,facts:n,state:r,session:i}){let{highlight:a}=r,s=Ot(e,t,n.cell);return D`<section>
<h3>Lifelines <span class="muted">concepts followed over steps</span></h3>
${s===null?D`<p class="muted">Not traced in this atlas.</p>`:s.length===0?D`<p class="muted">None: these samples belong to no concept that lasts.</p>`:D`<ul class="lifelines">
${s.slice(0,Lr).map(e=>Br(e,a,i))}
</ul>`}
${s!==null&&s.length>Lr?D`<p class="muted">and ${o(s.length-Lr)} more</p>`:x}
</section>`}function Br({lifeline:e,share:t,count:n},r,i){let{id:a,name:s,size:c,born:l}=e,u=r?.event===null&&!r.of&&r.ids[0]===a;return D`<li>
<button type="button" class="lifeline" aria-pressed=${u} @click=${()=>i.store.set({highlight:u?null:{ids:[a],name:s,event:null}})}>
<span class="name">${A(s,Rr)}</span>
<span class="number" title="${_(n,`sample`)} of this cell">${f(t)}</span>
<span class="muted">${_(c,`sample`)} · since step ${o(l)}</span>
</button>
</li>`}function Vr(e,t,n){if(!n.of&&e.lifelines===null)return`Lifelines were not traced at this step.`;let r=Pt(e,n);if(r.length===0)return`Nothing of it at step ${o(e.step)}.`;let i=At(t,r).reduce((e,t)=>e+ +(t>0),0),a=`in ${_(i,`cell`)} at step ${o(e.step)}`;return`${_(r.length,`sample`)} ${a}`}function Hr(e,t,n,r){let i=new Map((Et(e)??[]).map(({id:e,name:t})=>[e,t])),a=(n.of?[]:Nt(n,e.step)).map(e=>i.get(e)),o=a.some(e=>e!==void 0)?a.filter(e=>e!==void 0).join(`, `):n.name;return D`<div class="highlight-pill panel" role="group" aria-label="Highlighted ${n.of??`lifelines`}">
<span
><strong>${A(o,Rr)}</strong>
<span class="muted">${Vr(e,t,n)}</span></span
>
${C({icon:`close`,name:`End the highlight`,press:()=>r.store.set({highlight:null})})}
</div>`}var Ur=e({Evolution:()=>Wr}),Wr=class{session;map;static styles=[Ar];director=new pn;#e;constructor(e,t,n){this.session=e,this.map=t,this.#e=new br(e,t,n),new De(e)}layers(e){let{highlight:t,drift:n,compare:r,flipped:i}=e,a=[];return r!==null&&!i&&a.push(...this.#t(e)),t!==null&&a.push((e,n)=>Pn(e,n,Pt(n.atlas,t))),n&&!i&&a.push((t,n)=>{let r=K(e,n.atlas,n.level);typeof r!=`string`&&Tn(t,n,r)}),a}#t(e){let{compareMode:t,compare:n,step:r}=e;if(t===`blink`)return[];if(t===`swipe`){let[t,i]=[`A · step ${o(n??0)}`,`B · step ${o(r??0)}`];return[(n,r)=>Qt(n,r,P(e,r.viewport),t,i)]}return[(t,n)=>{let r=q(e,n.atlas,n.level);typeof r!=`string`&&Yt(t,n,r)}]}legends(e,t,n){let{compare:r,compareMode:i,flipped:a,drift:o}=e;return a?x:D`${r!==null&&i===`difference`?rr(e,t,n,this.#n(n)):x}
${o?Yn(e,t,n):x}`}#n({size:e}){return({row:t,col:n})=>{let{store:r}=this.session;r.set({pinned:{size:e,row:t,col:n},hover:null});let{z:i}=r.state.camera;this.map.flyTo({x:(n+.5)/e,y:(t+.5)/e,z:i})}}sentence(e,t){let{atlas:n,shownLevel:r,highlight:i,flipped:a}=e,o=n?.levels.find(({size:e})=>e===r);if(!n||!o)return null;if(a!==t.flipped)return a?`A is shown`:`B is shown`;if(i!==null&&i!==t.highlight)return Vr(n,o,i);let s=Gr(e),c=s===`difference`&&n!==t.atlas&&!e.playing,l=s!==Gr(t)||e.other!==t.other||c;if(s===null||!l)return null;if(s===`difference`){let t=q(e,n,o);return typeof t==`string`?t:nr(e,t)}let u=K(e,n,o);return typeof u==`string`?u:Jn(e,u)}marks(e){return D`${Dr(e,e=>Bt(e,this.session,this.map))} ${Or(e)}`}layouts(e){return Ir(e,this.session)}rail(e){return this.#e.render(e)}top(e){let{highlight:t}=e,n=N(e),r=n?.levels.find(({size:t})=>t===e.shownLevel);return D`${Vn(e,this.session)}
<div class="top-column">
${Bn(e,this.session)}
${t&&n&&r?Hr(n,r,t,this.session):x}
</div>`}};function Gr({compare:e,compareMode:t,drift:n}){return e!==null&&t===`difference`?`difference`:n?`drift`:null}var Kr=`M15.5 14h-.8l-.3-.3a6.5 6.5 0 1 0-.7.7l.3.3v.8l5 5 1.5-1.5zm-6 0a4.5 4.5 0 1 1 0-9 4.5 4.5 0 0 1 0 9`,qr=`M3 4h18v16H3zm2 5v3h6V9zm8 0v3h6V9zm-8 5v4h6v-4zm8 0v4h6v-4z`;function Jr({finding:e,table:t},{store:n}){return D`${C({icon:Kr,name:`Find`,key:`/`,pressed:e,press:()=>n.set({finding:!e})})}
${C({icon:qr,name:`Cells as a table`,key:`t`,pressed:t,press:()=>n.set({table:!t})})}`}var Yr={table:()=>c(()=>import(`./chunk-extras-DSfhHT2q.js`).then(e=>e.t),[],import.meta.url),finding:()=>c(()=>import(`./chunk-extras-DSfhHT2q.js`).then(e=>e.n),[],import.meta.url)},Xr=class{session;map;update;arrived;#e=new Map;constructor(e,t,n,r){this.session=e,this.map=t,this.update=n,this.arrived=r,e.store.subscribe(e=>this.#t(e)),this.#t(e.store.state)}complete(e){return Zr(e).every(e=>this.#e.get(e))}tools(e){return Jr(e,this.session)}stage(e){return D`${[...this.#e.values()].map(t=>t?.render(e))}`}#t(e){for(let t of Zr(e))this.#e.has(t)||(this.#e.set(t,null),Yr[t]().then(({Part:e})=>{this.#e.set(t,new e(this.session,this.map,this.update)),this.arrived(e.styles)}))}};function Zr(e){return Object.keys(Yr).filter(t=>e[t])}function Qr(e,t){let n=t.probe?t:h(e,t);return n?.probe?n:null}async function $r(e){let[t,n]=await xe(`probe`,{run:e});return ve(n,async()=>{let n=ae(await t.arrayBuffer()),r=ei(n.manifest),i=pe(n.buffer,n.blobStart).int32(`image_ids`,r.images);return{run:e,manifest:r,placeOf:new Map(Array.from(i,(e,t)=>[e,t]))}})}function ei(e){let t=ee(e,`probe`),n=t.whole(`images`,1,Ce),i=t.whole(`tile`,1,Ee),o=t.whole(`columns`,1,Ee),s=r(we(t),`thumbs`,null);Te(`probe`,n,i,o,s);let c=ti(t,`thumb_size`);if(c[0]>i||c[1]>i)throw new a(`thumbnails exceed their tile`);return{digest:t.text(`digest`),images:n,inputSize:ti(t,`input_size`),thumbSize:c,tile:i,columns:o,pages:s}}function ti(e,t){let[n,r]=e.list(t,2,i);if(n===void 0||r===void 0||!(n>=1)||!(r>=1))throw new a(`manifest.${t} is not [height, width]`);return[n,r]}var ni=3e4,ri=class{session;constructor(e){this.session=e,e.store.subscribe((e,t)=>{ii(e)&&!ii(t)&&this.#e(e)}),ii(e.store.state)&&this.#e(e.store.state),ue(()=>void this.#i()),setInterval(()=>{!document.hidden&&document.body.clientHeight>0&&this.#i()},ni)}async#e({run:e,series:t,probe:n,probeFailure:r,history:i,stepFailure:a}){e!==null&&t!==null&&(n===null&&r===null&&this.#n(e),(i===null||a!==null)&&await this.#t(t),this.session.store.state.series===t&&this.#r(this.session.store.state,t))}async#t(e){let t=await lr(e.id).catch(()=>null);this.session.store.state.series?.id===e.id&&this.session.store.set({history:t})}async#n(e){let t=Qr(this.session.store.state.runs,e);if(t===null)return;let n=await $r(t.id).then(e=>({probe:e,probeFailure:null}),e=>({probe:null,probeFailure:_e(e)}));this.session.store.state.run?.id===e.id&&this.session.store.set(n)}#r({step:e,shownLevel:t,history:n},r){let i=r.steps.indexOf(e??NaN);for(let e of[r.steps[i+1],r.steps[i-1]])i<0||e===void 0||(n===null||n.steps.get(e)?.status===`ok`)&&this.session.loadAtlas(r,e).then(e=>{let n=e.levels.find(({size:e})=>e===t);n!==void 0&&this.session.pages.icons(e,n)},()=>void this.#t(r))}async#i(){let{session:e}=this,{phase:t}=e.store.state;if(t===`loading`)return;let n=await he().catch(()=>null);if(n===null)return;if(t!==`ready`){oe(n,null)!==null&&e.retry();return}e.latestRuns=n;let{series:r}=e.store.state,i=e.findLatest();if(i===null||r===null)return;let a=new Set(r.steps),o=i.series.steps.filter(e=>!a.has(e)).length;e.store.set({freshSteps:o}),e.renew(i.series)&&this.#t(i.series),this.#a(n)}#a(e){let{store:t}=this.session,{runs:n,run:r}=t.state,i=e=>JSON.stringify(e.map(e=>[e.id,e.series.map(({id:e})=>e)]));i(e)!==i(n)&&t.set({runs:e,run:e.find(e=>e.id===r?.id)??r})}};function ii({settled:e,stepFailure:t}){return e||t!==null}var ai=`#e69f00 #56b4e9 #009e73 #f0e442 #0072b2 #d55e00 #cc79a7 #8c8c8c`.split(` `),oi=`#cc6677 #3d49b0 #ddcc77 #117733 #88ccee #882255 #44aa99 #999933 #aa4499 #9a9a9a`.split(` `),si=`#9a9a9a`,J=`#440154 #472d7b #3b528b #2c728e #21918c #28ae80 #5ec962 #addc30 #fde725`.split(` `),ci=new Map;function Y(e){let t=ci.get(e);if(t===void 0){let n=Number.parseInt(e.slice(1),16);t=[n>>16&255,n>>8&255,n&255],ci.set(e,t)}return t}function li(e){let t=Math.min(1,Math.max(0,e))*(J.length-1),n=Math.min(J.length-2,Math.floor(t)),r=Y(J[n]),i=Y(J[n+1]),a=e=>Math.round(r[e]+(i[e]-r[e])*(t-n));return[a(0),a(1),a(2)]}var ui=`linear-gradient(90deg, ${J.join(`, `)})`,di=new WeakMap;function fi(e,t){let n=di.get(e);return n===void 0&&(n=pi(e,t),di.set(e,n)),n}function pi(e,t){let n=new Map;for(let t of e)n.set(t,(n.get(t)??0)+1);let r=[...n.keys()].filter(e=>e<0).some(e=>n.delete(e)),i=t??n.size,a=i<=ai.length?ai:oi,o=i<=a.length?i:a.length-1,s=t!==null&&t<=a.length?Array.from({length:t},(e,t)=>t):[...n].sort(([e,t],[n,r])=>r-t||e-n).slice(0,o).map(([e])=>e).sort((e,t)=>e-t),c=new Map(s.map((e,t)=>[e,a[t]]));return{named:[...c].map(([e,t])=>({index:e,colour:t})),others:[...n.keys()].filter(e=>!c.has(e)).length,unknown:r,colourOf:e=>c.get(e)??si}}var mi={legend:{kind:`none`},cells:null,sample:()=>null};function hi(e,t,n){switch(n){case`icons`:return mi;case`class`:return gi(e,t,e.labels,`class`,`labels`);case`prediction`:return gi(e,t,e.predictions,`prediction`,`predictions`);case`purity`:return vi(e,t);case`cosine`:return yi(t);case`population`:return bi(t)}}function gi(e,t,n,r,i){let a=`Majority ${r} of a cell`;if(n===null)return _i(a,i);let o=fi(n,e.classes?.length??null),s=L(t,n),c=o.named.map(({index:t,colour:n})=>({label:E(e,t),colour:n}));return o.unknown&&c.push({label:`unknown`,colour:si}),o.others>0&&c.push({label:`${o.others} other`,colour:si}),{legend:{kind:`classes`,title:a,pointTitle:`Each sample's own ${r}`,entries:c},cells:Si(t,e=>Y(o.colourOf(s.index[e]))),sample:e=>Y(o.colourOf(n[e]))}}function _i(e,t){let n=`No ${t} were recorded in this run.`;return{...mi,legend:{kind:`missing`,title:e,reason:n}}}function vi(e,t){let n=`Purity: share of the majority class`,r=e.labels??e.predictions;if(r===null)return _i(n,`labels or predictions`);let{share:i}=L(t,r);return xi(t,{kind:`scale`,title:n,low:`0%`,high:`100%`},e=>i[e])}function yi(e){return xi(e,{kind:`scale`,title:`Cosine of icon and mean`,low:`0`,high:`1`},t=>e.cosine[t])}function bi(e){let t=e.counts.reduce((e,t)=>Math.max(e,t),1);return xi(e,{kind:`scale`,title:`Samples in a cell`,low:`0`,high:t.toLocaleString(`en`)},n=>e.counts[n]/t)}function xi(e,t,n){let r=e=>{let t=n(e)??NaN;return Number.isNaN(t)?null:li(t)};return{legend:t,cells:Si(e,r),sample:t=>{let n=e.cellOf[t];return n<0?null:r(n)}}}function Si(e,t){let n=e.rows.length,r=new Uint8Array(4*n);for(let e=0;e<n;e++){let n=t(e);n!==null&&r.set([...n,255],4*e)}return r}var Ci=110,wi={light:[96,96,96],dark:[190,190,190]};function Ti(e,t,n,r,i){let a=new Uint8Array(4*e.count),o=wi[i?`dark`:`light`];for(let i=0;i<e.count;i++){let e=t.cellOf[i]<0;if(r===`icons`&&!e)continue;let s=r===`icons`?Ci:255;a.set([...n.sample(i)??o,s],4*i)}return a}var X={xy:0,colour:1},Ei=5,Di=`#version 300 es
layout(location = ${X.xy}) in vec2 aWorld;
layout(location = ${X.colour}) in vec4 aColour;
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
}`,Oi=`#version 300 es
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
}`,ki=class{gl;#e;#t=new Map;constructor(e){this.gl=e,this.#e=g(e,Di,Oi)}draw({scene:e,weight:t,travel:n},r){let{pointColours:i}=e;if(i===null)return;let{gl:a}=this,{uniform:o}=this.#e,{camera:s,viewport:c,ratio:l,ground:d}=r,f=T(s,c,{x:0,y:0}),p=u(s);a.useProgram(this.#e.program),a.blendFunc(a.ONE,a.ONE_MINUS_SRC_ALPHA),a.uniform2f(o(`uOrigin`),f.x*l,f.y*l),a.uniform1f(o(`uSide`),S(s,c)*l),a.uniform2f(o(`uViewport`),a.drawingBufferWidth,a.drawingBufferHeight),a.uniform1f(o(`uDiameter`),p*l+1),a.uniform1f(o(`uRing`),p>=Ei?l:0),a.uniform3f(o(`uGround`),d[0]/255,d[1]/255,d[2]/255),a.uniform1f(o(`uWeight`),t);let m=this.#n(e.atlas);a.bindVertexArray(m.vertices);let h=n?.points??e.atlas.xy;m.placed!==h&&(m.placed=h,a.bindBuffer(a.ARRAY_BUFFER,m.places),a.bufferData(a.ARRAY_BUFFER,h,a.DYNAMIC_DRAW)),m.painted!==i&&(m.painted=i,a.bindBuffer(a.ARRAY_BUFFER,m.colours),a.bufferData(a.ARRAY_BUFFER,i,a.DYNAMIC_DRAW)),a.drawArrays(a.POINTS,0,e.atlas.count),a.bindVertexArray(null)}prune(e){let t=new Set(e.map(({scene:e})=>e.atlas));for(let[e,{vertices:n,places:r,colours:i}]of this.#t)t.has(e)||(this.gl.deleteVertexArray(n),this.gl.deleteBuffer(r),this.gl.deleteBuffer(i),this.#t.delete(e))}#n(e){let t=this.#t.get(e);if(t===void 0){let{gl:n}=this,r=n.createVertexArray(),i=n.createBuffer(),a=n.createBuffer();n.bindVertexArray(r),n.bindBuffer(n.ARRAY_BUFFER,i),n.enableVertexAttribArray(X.xy),n.vertexAttribPointer(X.xy,2,n.FLOAT,!1,0,0),n.bindBuffer(n.ARRAY_BUFFER,a),n.enableVertexAttribArray(X.colour),n.vertexAttribPointer(X.colour,4,n.UNSIGNED_BYTE,!0,0,0),t={vertices:r,places:i,colours:a,placed:null,painted:null},this.#t.set(e,t)}return t}},Ai=4,ji=[.002,.05,1],Mi=10,Ni=400,Pi=12,Fi=class{element;listener;#e=new Map;#t=null;#n=!1;#r=null;constructor(e,t){this.element=e,this.listener=t,e.addEventListener(`pointerdown`,e=>this.#a(e)),e.addEventListener(`pointermove`,e=>this.#o(e)),e.addEventListener(`pointerup`,e=>this.#l(e)),e.addEventListener(`pointercancel`,e=>this.#l(e)),e.addEventListener(`pointerleave`,()=>t.hover(null)),e.addEventListener(`wheel`,e=>this.#d(e),{passive:!1})}#i(e){let t=this.element.getBoundingClientRect();return{x:e.clientX-t.left,y:e.clientY-t.top}}#a(e){e.button===0&&(this.element.setPointerCapture(e.pointerId),this.#e.set(e.pointerId,this.#i(e)),this.#e.size===1?this.#t=this.#i(e):this.#c())}#o(e){let t=this.#i(e),n=this.#e.get(e.pointerId);if(n===void 0){e.pointerType!==`touch`&&this.listener.hover(t);return}let r=this.#t??t;if(!this.#n&&Math.hypot(t.x-r.x,t.y-r.y)<Ai)return;this.#c();let i=[...this.#e].find(([t])=>t!==e.pointerId)?.[1];this.#e.set(e.pointerId,t),i===void 0?this.listener.pan(n.x-t.x,n.y-t.y):this.#s(i,n,t)}#s(e,t,n){let r=t=>Math.max(1,Math.hypot(t.x-e.x,t.y-e.y)),i={x:(n.x+e.x)/2,y:(n.y+e.y)/2};this.listener.pan((t.x-n.x)/2,(t.y-n.y)/2),this.listener.zoom(i,r(n)/r(t))}#c(){this.#n||(this.#n=!0,this.listener.drag(!0))}#l(e){if(!this.#e.delete(e.pointerId)||this.#e.size>0)return;let t=this.#n;this.#n=!1,this.#t=null,t?this.listener.drag(!1):e.type===`pointerup`&&this.#u(e)}#u(e){let t=this.#i(e),n=this.#r,r=n!==null&&e.timeStamp-n.time<Ni&&Math.hypot(t.x-n.at.x,t.y-n.at.y)<Pi;this.#r=r?null:{at:t,time:e.timeStamp},r?this.listener.doubleClick(t,e.shiftKey):this.listener.click(t)}#d(e){e.preventDefault();let t=ji[e.deltaMode]*(e.ctrlKey?Mi:1);this.listener.zoom(this.#i(e),2**(-e.deltaY*t))}},Z=1.5,Ii=new Map([[`ArrowLeft`,[-1,0]],[`ArrowRight`,[1,0]],[`ArrowUp`,[0,-1]],[`ArrowDown`,[0,1]]]),Li=new Map([[`+`,{do:`zoom`,factor:Z}],[`=`,{do:`zoom`,factor:Z}],[`-`,{do:`zoom`,factor:1/Z}],[`_`,{do:`zoom`,factor:1/Z}],[`0`,{do:`fit`}],[`,`,{do:`step`,by:-1}],[`.`,{do:`step`,by:1}],[` `,{do:`play`}],[`Enter`,{do:`pin`}],[`j`,{do:`events`}],[`d`,{do:`drift`}],[`f`,{do:`filter`}],[`/`,{do:`find`}],[`t`,{do:`table`}],[`m`,{do:`motion`}],[`c`,{do:`compare`}],[`x`,{do:`swap`}],[`[`,{do:`mark`}],[`b`,{do:`flip`}],[`Escape`,{do:`escape`}],[`?`,{do:`help`}]]);function Ri(e){if(e.ctrlKey||e.altKey||e.metaKey)return null;let t=Ii.get(e.key);return t===void 0?/^[1-5]$/.test(e.key)?{do:`level`,index:Number(e.key)-1}:Li.get(e.key)??null:{do:e.shiftKey?`pan`:`cursor`,dx:t[0],dy:t[1]}}var zi=60,Bi=80,Vi=2,Hi=class{map;session;player;#e=!1;#t=null;#n=null;#r;constructor(e,t,n){this.map=e,this.session=t,this.player=n,new Fi(e,{pan:(t,n)=>this.#a(fe(this.#i,e.viewport,t,n)),zoom:(t,n)=>this.#a(se(this.#i,e.viewport,t,n)),click:e=>this.#s(e),doubleClick:(n,r)=>{t.store.set({pinned:this.#n});let i=r?1/Vi:Vi;e.flyTo(se(e.goal,e.viewport,n,i))},hover:e=>this.#c(e),drag:e=>this.#o(e)}),e.addEventListener(`keydown`,e=>{let t=Ri(e);t!==null&&(e.preventDefault(),this.#d(t))}),e.addEventListener(`keyup`,({key:e})=>{e===`b`&&Pe(t,!1)})}decorate(e,t,n,r){let{scene:i,viewport:a}=this.map;if(i===null)return;let{camera:o,hover:s,pinned:c,dark:l,colour:u}=this.session.store.state,{labels:d,predictions:f}=i.atlas,p=u===`prediction`?f:d??f;pt(e,{camera:o,viewport:a,ratio:t,atlas:i.atlas,level:i.level,values:i.tiles&&r?p:null,hover:s,pinned:c,theme:re[l?`dark`:`light`],layers:n})}get#i(){return this.session.store.state.camera}#a(e){this.map.moveTo(e),!this.#e&&this.#t!==null&&this.#c(this.#t)}#o(e){this.#e=e,this.map.classList.toggle(`dragging`,e),e&&this.#l(null)}#s(e){let{store:t}=this.session,n=this.#u(e);this.#n=t.state.pinned,n!==null&&t.set({pinned:n,hover:null})}#c(e){this.#t=e,this.#e||this.#l(e&&this.#u(e))}#l(e){clearTimeout(this.#r);let{store:t}=this.session;p(e,t.state.hover)||(this.#r=setTimeout(()=>t.set({hover:e}),zi))}#u(e){let{scene:t,viewport:n}=this.map;if(t===null)return null;let r=k(this.#i,n,e),{size:i}=t.level,a=Math.floor(r.y*i),o=Math.floor(r.x*i);return b(t.level,a,o)<0?null:{size:i,row:a,col:o}}#d(e){let{map:t,session:n}=this,{store:r}=n;switch(e.do){case`cursor`:this.#m(e.dx,e.dy);break;case`pan`:t.flyTo(fe(t.goal,t.viewport,Bi*e.dx,Bi*e.dy));break;case`zoom`:t.zoomBy(e.factor);break;case`fit`:t.fit();break;case`level`:this.#h(e.index);break;case`step`:this.player.stepBy(e.by);break;case`play`:this.player.toggle();break;case`pin`:r.state.hover&&r.set({pinned:r.state.hover,hover:null});break;case`escape`:this.#p();break;case`help`:r.set({help:!0});break;default:this.#f(e.do)}}#f(e){let{session:t}=this,{eventList:n,drift:r,travel:i,step:a,filterOpen:o,table:s}=t.store.state;switch(e){case`events`:t.store.set({eventList:!n});break;case`filter`:t.store.set({filterOpen:!o});break;case`table`:t.store.set({table:!s});break;case`find`:t.store.set({finding:!0});break;case`drift`:t.store.set({drift:!r});break;case`motion`:t.store.set({travel:!i});break;case`compare`:je(t);break;case`swap`:Ne(t);break;case`mark`:Me(t,a);break;case`flip`:Pe(t,!0)}}#p(){let{hover:e,pinned:t}=this.session.store.state,n=e===null&&t===null;this.session.store.set(n?{highlight:null}:{hover:null,pinned:null})}#m(e,t){let n=this.map.scene?.level;if(n===void 0)return;let{hover:r,pinned:i,camera:a}=this.session.store.state,o=[r,i].find(e=>e?.size===n.size),s=o?Ze(n,o.row,o.col,e,t):Ui(n,a);s!==null&&(clearTimeout(this.#r),this.session.store.set({hover:{size:n.size,...s}}),this.map.flyTo(be(this.map.goal,this.map.viewport,n.size,s.row,s.col)))}#h(e){let{atlas:t,level:n}=this.session.store.state,r=t?.levels[e]?.size;r!==void 0&&this.session.store.set({level:n===r?`auto`:r})}};function Ui(e,{x:t,y:n}){let r=null,i=1/0;return e.rows.forEach((a,o)=>{let s=e.cols[o],c=Math.hypot((s+.5)/e.size-t,(a+.5)/e.size-n);c>=i||(i=c,r={row:a,col:s})}),r}var Wi=class{#e;#t=()=>[];constructor(e,t,n){this.#e=new Hi(e,t,n)}colour(e,t,{colour:n,show:r,dark:i}){let a=hi(e,t,n);return{cellColours:a.cells,pointColours:Ti(e,t,a,r,i)}}createPoints(e){return new ki(e)}set layers(e){this.#t=e}decorate(e,t){let n=this.#t();this.#e.decorate(e,t,n,n.length===0)}},Gi=y` .panel{background:var(--raised);border-radius:8px;box-shadow:var(--shadow);line-height:1.4;}.muted{color:var(--muted);}.panel h2,.message h2{font-size:15px;font-weight:500;margin:0;}.panel h3{display:flex;justify-content:space-between;gap:8px;font-size:12px;font-weight:500;margin:0 0 6px;}.panel h3 .muted{font-weight:400;}.panel p{margin:0;}.number{font-variant-numeric:tabular-nums;}.map-buttons{position:absolute;right:16px;bottom:16px;display:flex;flex-direction:column;background:var(--raised);border-radius:6px;box-shadow:var(--shadow);}.map-buttons .icon-button{width:36px;height:36px;border-radius:6px;}.map-buttons .icon-button + .icon-button{border-top:1px solid var(--line);border-radius:0 0 6px 6px;}.button{height:32px;padding:0 16px;border-radius:4px;border:1px solid var(--line);background:var(--surface);font-weight:500;}.button:hover{background:var(--control);}.card{position:absolute;width:320px;padding:12px;display:flex;flex-direction:column;gap:12px;pointer-events:none;z-index:3;}.card-top{display:flex;gap:12px;}.big-icon{display:block;flex:none;border-radius:6px;overflow:hidden;background:var(--control);}.big-icon.none{display:grid;place-items:center;color:var(--muted);font-size:12px;}.card .big-icon{width:128px;height:128px;}.card-facts{display:flex;flex-direction:column;gap:8px;min-width:0;padding-top:4px;}.headline strong{display:block;font-size:16px;font-weight:500;font-variant-numeric:tabular-nums;}.icon-line{display:flex;flex-wrap:wrap;gap:2px 10px;color:var(--muted);}.weak{padding:0 6px;border-radius:8px;border:1px solid currentColor;color:var(--bad);font-size:11px;line-height:16px;}.patches{display:grid;grid-template-columns:repeat(6,1fr);gap:4px;}.patch,.whole{display:block;aspect-ratio:1;background:var(--control);border-radius:4px;overflow:hidden;}atlas-crop canvas{display:block;width:100%;height:100%;}.bars{list-style:none;margin:0;padding:0;display:grid;gap:3px;}.bars li{display:grid;grid-template-columns:minmax(0,92px) 1fr 40px;gap:8px;align-items:center;}.bars .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;}.bars .number{text-align:right;}.meter{height:8px;border-radius:2px;background:var(--control);overflow:hidden;}.meter i{display:block;height:100%;border-radius:2px;}.bars + .muted{margin-top:4px;font-size:12px;}.whereabouts{font-size:12px;border-top:1px solid var(--line);padding-top:8px;overflow-wrap:anywhere;}.inspector{position:absolute;top:12px;right:12px;bottom:12px;width:320px;max-width:calc(100% - 24px);padding:12px 16px 16px;display:flex;flex-direction:column;gap:14px;overflow:auto;z-index:2;}.stage:has(.inspector) .map-buttons{right:348px;}atlas-minimap{position:absolute;right:64px;bottom:16px;width:108px;height:108px;overflow:hidden;cursor:crosshair;touch-action:none;}atlas-minimap canvas{display:block;width:100%;height:100%;}.stage:has(.inspector) atlas-minimap{right:396px;}.inspector-head{display:flex;align-items:center;justify-content:space-between;margin-right:-8px;}.inspector .big-icon{width:164px;height:164px;}.patches.wide{grid-template-columns:repeat(4,1fr);gap:6px;margin-bottom:8px;}.patch-button{border-radius:4px;}.patch-button:hover{box-shadow:0 0 0 2px var(--line);}.patch-button[aria-pressed='true']{box-shadow:0 0 0 2px var(--accent);}figure{margin:0;}.whole{background:none;}figcaption{margin-top:4px;font-size:12px;}.left-column{position:absolute;inset:12px auto 12px 12px;width:min(460px,calc(100% - 90px));display:flex;flex-direction:column;align-items:flex-start;gap:8px;z-index:1;pointer-events:none;}.left-column *{pointer-events:auto;}.left-column .legends{display:grid;justify-items:start;gap:8px;margin-top:auto;pointer-events:none;}.legend{padding:8px 12px;max-width:100%;display:grid;gap:8px;}summary{font-size:12px;font-weight:500;min-height:24px;line-height:24px;cursor:pointer;}summary + *{margin-top:4px;}.swatches{list-style:none;margin:4px 0 0;padding:0;display:grid;grid-template-columns:repeat(3,auto);justify-content:start;gap:2px 20px;max-height:180px;overflow:auto;}.swatches li{display:flex;align-items:center;gap:8px;}.swatches i{width:12px;height:12px;flex:none;border-radius:3px;box-shadow:inset 0 0 0 1px #0000002e;}.scale{display:flex;align-items:center;gap:8px;font-variant-numeric:tabular-nums;}.scale i{flex:1;min-width:140px;height:10px;border-radius:2px;}.provenance{font-size:12px;font-variant-numeric:tabular-nums;}.veil{position:absolute;inset:0;display:grid;place-items:center;padding:24px;overflow:auto;background:color-mix(in srgb,var(--ground) 94%,transparent);z-index:4;}.message{max-width:480px;display:grid;gap:12px;justify-items:start;overflow-wrap:anywhere;}.message.fault{border-left:3px solid var(--bad);padding:4px 0 4px 20px;}.message.wide{max-width:680px;}.message h2{font-size:20px;font-weight:400;}.message p{margin:0;line-height:1.55;}pre{margin:0;width:100%;padding:12px 16px;border-radius:6px;background:var(--surface);border:1px solid var(--line);overflow:auto;}code{font:12.5px/1.6 'Roboto Mono',ui-monospace,monospace;}.request{font-size:12px;}.banners{display:grid;gap:8px;}.banner{margin:0;padding:8px 12px;border-radius:6px;background:var(--raised);border-left:3px solid var(--accent);box-shadow:var(--shadow);}.link{color:var(--accent);text-decoration:underline;padding:4px;}.help{border:0;padding:0;color:inherit;width:min(600px,calc(100% - 48px));max-height:calc(100% - 48px);}.help::backdrop{background:#00000066;}.help-body{padding:12px 24px 24px;display:grid;gap:14px;}.reading{margin:0;padding:0;list-style:none;display:grid;gap:10px;line-height:1.5;}.help h3{margin:4px 0 0;}dl{margin:0;display:grid;grid-template-columns:max-content 1fr;gap:6px 20px;}dt{font:12px/1.5 'Roboto Mono',ui-monospace,monospace;color:var(--muted);}dd{margin:0;}`;function Ki(e,t){let{activationsKind:n,channels:r}=e.manifest,i=e.count;switch(n){case`float16`:return Ji(qi(t.half(`values`,i,r)),i,r);case`uint8`:{let e=t.uint8(`codes`,i,r),n=t.float32(`scale`,r),a=t.float32(`offset`,r);return Ji(Float32Array.from(e,(e,t)=>e*n[t%r]+a[t%r]),i,r)}case`pca`:{let e=t.shape(`axes`)[0]??0;return Ji(qi(t.half(`scores`,i,e)),i,e)}default:throw new a(`activations of kind ${n}`)}}function qi(e){return Float32Array.from(e,me)}function Ji(e,t,n){let r=new Float32Array(n);for(let i=0;i<n;i++){let a=0,o=0;for(let r=0;r<t;r++){let t=e[r*n+i];Number.isFinite(t)&&(a+=t,o+=1)}r[i]=o>0?a/o:0}return{width:n,values:e,mean:r}}function Yi(e,t,n){let{width:r,values:i,mean:a}=e,o=(e,t)=>i[e*r+t]-a[t],s=new Float64Array(r);for(let e of t)for(let t=0;t<r;t++){let n=o(e,t);Number.isFinite(n)&&(s[t]=s[t]+n)}return Xe(t,n,e=>{let t=0,n=0;for(let i=0;i<r;i++){let r=o(e,i);t+=r*s[i],n+=r*r}return-t/Math.sqrt(n)})}var Xi=class{arrived;#e=new Map;#t=new WeakMap;constructor(e){this.arrived=e}nearest(e,t,n,r,i){let a=this.#e.get(e);a===void 0&&i&&this.#n(e);let o=typeof a==`object`?`activation`:`map`,s=this.#t.get(t)??new Map;this.#t.set(t,s);let c=`${n}/${r}/${o}`,l=s.get(c);if(l===void 0){let i=I(t,n);l={samples:typeof a==`object`?Yi(a,i,r):Ye(e.xy,i,r),by:o},s.set(c,l)}return l}async#n(e){this.#e.set(e,`loading`);for(let e of[...this.#e.keys()].slice(0,-2))this.#e.delete(e);try{let t=await le(e.series,e.step);this.#e.set(e,Ki(e,t))}catch{this.#e.set(e,`failed`)}this.arrived()}};function Zi(e,t,n){let r=t.placeOf.get(e.imageIds[n]);if(r===void 0)return null;let{tile:i,columns:a,inputSize:o,thumbSize:s}=t.manifest,c=r%(a*a),l=c%a*i,u=Math.floor(c/a)*i,[d=0,f=0,p=0,m=0]=e.boxes.subarray(4*n,4*n+4),h=Qi(d,p,o[0],s[0]),g=Qi(f,m,o[1],s[1]);return{page:Math.floor(r/(a*a)),image:{x:l,y:u,width:s[1],height:s[0]},patch:{x:l+g.start,y:u+h.start,width:g.length,height:h.length}}}function Qi(e,t,n,r){let i=r/n,a=Math.min(r-1,Math.max(0,e*i));return{start:a,length:Math.min(r,Math.max(a+1,t*i))-a}}var $i=5,ea={none:`No icon`,examples:`Nearest real patch`,preview:`Preview`,inversion:`Feature inversion`,poster:`Feature inversion, poster quality`};function ta({session:e,atlas:t,level:n,facts:r}){let i=d(n,r.cell),a=i&&e.pages.icons(t,n).pages[i.page];if(!i||!a)return D`<div class="big-icon none">no icon</div>`;let{x:o,y:s,side:c}=i;return D`<atlas-crop
class="big-icon"
role="img"
aria-label="Icon of the cell"
.crop=${{picture:a,rect:{x:o,y:s,width:c,height:c}}}
></atlas-crop>`}function na({facts:e}){return D`<div class="headline">
<strong>${_(e.count,`sample`)}</strong>
<span class="muted">${f(e.share)} of the map</span>
</div>`}function ra({facts:e}){if(e.kind===`none`)return x;let t=e.cosine!==null&&e.cosine<.3;return D`<div class="icon-line">
${ea[e.kind]}${e.cosine===null?x:D`<span
class="number"
title="Cosine between what the layer answers to this picture and the cell's mean, both relative to the layer's mean. 1 is a perfect likeness."
>cosine ${l(e.cosine)}</span
>${t?D`<span
class="weak"
title="Below ${l(He)} the picture says little about the cell: trust the real patches."
>weak</span
>`:x}`}
</div>`}function ia({atlas:e,facts:t}){if(t.mixOf===null)return D`<p class="muted">No labels or predictions were recorded in this run.</p>`;let n=fi(t.mixOf===`labels`?e.labels:e.predictions,e.classes?.length??null),r=t.mix.length-$i;return D`<section>
<h3>${t.mixOf===`labels`?`Labels`:`Predictions`}</h3>
<ul class="bars">
${t.mix.slice(0,$i).map(({index:t,share:r,count:i})=>D`<li title=${_(i,`sample`)}>
<span class="name">${A(E(e,t),40)}</span>
<span class="meter"
><i style="width:${100*r}%;background:${n.colourOf(t)}"></i
></span>
<span class="number">${f(r)}</span>
</li>`)}
</ul>
${r>0?D`<p class="muted">and ${o(r)} more</p>`:x}
</section>`}function aa({state:e,atlas:t,level:n,facts:r}){let i=M(e);if(i===null||i===t||H(i,t)!==null)return x;let{from:a,to:s,beyond:c}=_n(i,t,n),l=2*r.cell,u=Math.hypot(s[l]-a[l],s[l+1]-a[l+1]),d=c?.[r.cell];return D`<p>
Moved ${f(u)} of the map's side since step ${o(i.step)}${d===void 0?x:D`; ${f(d)} of its samples more than chance`}.
</p>`}function oa({atlas:e,facts:t}){return D`<p class="muted whereabouts">
Row ${t.row+1}, column ${t.col+1} of ${t.size} × ${t.size} ·
${A(e.manifest.layer,40)} · step ${o(e.step)}
</p>`}function sa(e,t){let{state:n,session:r,evidence:i,atlas:a,level:o,facts:s}=e,c=n.settled&&!n.playing,l=i.nearest(a,o,s.cell,t,c),{probe:u}=n;return{nearest:l,list:l.samples.map(e=>{let t=u&&Zi(a,u,e);return{sample:e,cut:t,picture:u&&t?r.pages.thumbs(u.run,u,t.page):null}})}}function ca({state:e,atlas:t}){let{run:n,runs:r}=e;return n&&Qr(r,n)===null?`The pictures of the probe are not in this run.`:e.probeFailure?`The pictures of the probe: ${e.probeFailure.message}`:e.probe&&e.probe.manifest.digest!==t.manifest.probeDigest?`This step was made from another probe than the pictures in this run.`:null}function la({by:e}){let[t,n]=e===`activation`?[`by activation`,`Cosine to the cell's mean, relative to the layer's mean.`]:[`by place on the map`,`Distance on the map; activations are not here yet.`];return D`<span class="muted" title=${n}>${t}</span>`}function ua(e,t){let n=e.labels?.[t],r=e.predictions?.[t],i=[`image ${e.imageIds[t]}`];return n!==void 0&&i.push(A(E(e,n),40)),r!==void 0&&r!==n&&i.push(`predicted ${A(E(e,r),40)}`),i.join(`, `)}var Q=320,da=404,fa=10,$=8;function pa(e,t){let n=e.x+e.side+fa,r=e.x-fa-Q,i=n+Q+$<=t.width||r<$?n:r,a=(e,t)=>Math.max($,Math.min(e,t-$));return{left:a(i,t.width-Q),top:a(e.y+e.side/2-da/2,t.height-da)}}var ma=6;function ha(e,t,n){let{left:r,top:i}=pa(t,n);return D`<aside
class="card panel"
data-row=${e.facts.row}
data-col=${e.facts.col}
style="left:${r}px;top:${i}px"
aria-label="Cell under the cursor"
>
<div class="card-top">
${ta(e)}
<div class="card-facts">${na(e)} ${ra(e)}</div>
</div>
${ga(e)} ${ia(e)} ${aa(e)} ${oa(e)}
</aside>`}function ga(e){let t=ca(e);if(t!==null)return D`<p class="muted">${t}</p>`;let{nearest:n,list:r}=sa(e,ma);return D`<section>
<h3>Nearest real patches ${la(n)}</h3>
<div class="patches">
${r.map(({cut:e,picture:t})=>D`<atlas-crop
class="patch"
.crop=${e&&t?{picture:t,rect:e.patch}:null}
></atlas-crop>`)}
</div>
</section>`}var _a=2,va=class extends HTMLElement{#e=document.createElement(`canvas`);#t=null;set crop(e){let t=this.#t;this.#t=e,t?.picture===e?.picture&&ya(t?.rect,e?.rect)||this.#n()}connectedCallback(){this.childElementCount>0||(this.append(this.#e),new ResizeObserver(()=>this.#n()).observe(this))}#n(){let{clientWidth:e,clientHeight:t}=this;if(e===0||t===0)return;let n=Math.min(_a,devicePixelRatio||1);this.#e.width=Math.round(e*n),this.#e.height=Math.round(t*n);let r=this.#e.getContext(`2d`),i=this.#t;if(r===null||i===null)return;let{picture:a,rect:o,box:s}=i,c=Math.min(this.#e.width/o.width,this.#e.height/o.height),l=(this.#e.width-c*o.width)/2,u=(this.#e.height-c*o.height)/2;if(r.imageSmoothingQuality=`high`,r.drawImage(a,o.x,o.y,o.width,o.height,l,u,c*o.width,c*o.height),s!==void 0){r.setTransform(c,0,0,c,l-c*o.x,u-c*o.y);for(let[e,t]of[[`#000`,4],[`#fff`,2]])r.strokeStyle=e,r.lineWidth=t*n/c/1.5,r.strokeRect(s.x,s.y,s.width,s.height)}}};function ya(e,t){return e===t||e?.x===t?.x&&e?.y===t?.y&&e?.width===t?.width&&e?.height===t?.height}customElements.define(`atlas-crop`,va);var ba=[[`Arrows`,`move to the next cell`],[`Enter / Esc`,`pin the cell / unpin`],[`Shift + arrows`,`pan (or drag)`],[`+  −`,`zoom (or wheel, pinch, double click)`],[`0`,`the whole map`],[`1 … 5`,`hold one grid; again to follow the zoom`],[`,  .`,`previous, next step`],[`Space`,`play or pause`],[`j`,`what happened in the run`],[`m`,`moving map or fixed map`],[`c`,`compare with the step before, or end it`],[`[  x`,`take this step as A; swap A and B (Shift + click on the line takes A)`],[`b (held)`,`show A instead of B`],[`/`,`find a class, a cell, an image or a concept`],[`t`,`the cells as a table, or the map again`],[`f`,`ask about a class: where it is on top, what speaks for it`],[`d`,`drift: where cells moved since the step before`]];function xa(e){queueMicrotask(()=>{e instanceof HTMLDialogElement&&e.isConnected&&!e.open&&e.showModal()})}function Sa(e){return D`<dialog
class="help panel"
aria-labelledby="help-title"
${ye(xa)}
@close=${e}
@click=${t=>{t.target===t.currentTarget&&e()}}
>
<div class="help-body">
<div class="inspector-head">
<h2 id="help-title">How to read the map</h2>
${C({icon:`close`,name:`Close`,key:`Esc`,press:e})}
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
<li>
<strong>Two steps, A and B:</strong> a filled square is more samples in B, a hollow one
fewer; pale is no more than chance. A broken frame is a cell of A only, a double one of B.
</li>
<li>
<strong>Asked about a class,</strong> cells that pass keep their light by strength; hatched
ones speak against it, dotted ones hold too few samples to rank.
</li>
</ul>
<h3>Keys, while the map has the focus</h3>
<dl>
${ba.map(([e,t])=>D`<dt>${e}</dt><dd>${t}</dd>`)}
</dl>
</div>
</dialog>`}var Ca=12;function wa(e,t,n,r=x){return D`<aside class="inspector panel" aria-label="Pinned cell">
<div class="inspector-head">
<h2>Pinned cell</h2>
${C({icon:`close`,name:`Unpin`,key:`Esc`,press:n})}
</div>
${e===null?D`<p class="muted">
No cell is drawn at the pinned place: too few samples lie there at this step or on this
grid.
</p>`:D`<div class="card-top">
${ta(e)}
<div class="card-facts">${na(e)} ${ra(e)}</div>
</div>
${ia(e)} ${r} ${aa(e)}
${zr(e)} ${Ta(e,t)} ${oa(e)}`}
</aside>`}function Ta(e,t){let n=ca(e);if(n!==null)return D`<p class="muted">${n}</p>`;let{nearest:r,list:i}=sa(e,Ca),a=i.find(({sample:e})=>e===t.sample);return D`<section>
<h3>Nearest real patches ${la(r)}</h3>
<div class="patches wide">${i.map(n=>Ea(e,n,t))}</div>
${a?Da(e,a):D`<p class="muted">Click a patch for its image.</p>`}
</section>`}function Ea({atlas:e},{sample:t,cut:n,picture:r},i){let a=t===i.sample,o=ua(e,t);return D`<button
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
</button>`}function Da({atlas:e},{sample:t,cut:n,picture:r}){return!n||!r?x:D`<figure>
<atlas-crop class="whole" .crop=${{picture:r,rect:n.image,box:n.patch}}></atlas-crop>
<figcaption class="muted">${ua(e,t)}</figcaption>
</figure>`}function Oa(e,t,n,r,i){return D`<aside class="legend panel" aria-label="Legend">
${n.kind===`none`?x:D`<details ?open=${i}>
<summary>${ka(n,r)}</summary>
${Aa(n)}
</details>`}
<p class="provenance muted" title=${Na(e)}>${ja(e,t)}</p>
</aside>`}function ka(e,t){return e.kind!==`classes`||t===`icons`?e.title:t===`points`?e.pointTitle:`${e.title}; points: ${e.pointTitle.toLowerCase()}`}function Aa(e){switch(e.kind){case`missing`:return D`<p>${e.reason}</p>`;case`classes`:return D`<ul class="swatches">
${e.entries.map(({label:e,colour:t})=>D`<li><i style="background:${t}"></i>${A(e,24)}</li>`)}
</ul>`;case`scale`:return D`<div class="scale">
<span>${e.low}</span>
<i style="background:${ui}"></i>
<span>${e.high}</span>
</div>`}}function ja(e,t){let{settings:n,trustworthiness:r}=e.manifest,i=n.raw(`neighbors`),a=n.raw(`min_dist`);return[`${o(e.count)} samples`,`${t.size} × ${t.size}`,typeof i==`number`&&typeof a==`number`?`UMAP ${i}/${a}`:``,Ma(t),r===null?``:`trust ${l(r)}`,e.overlap===null?``:`kept ${l(Pa(e.overlap))}`].filter(Boolean).join(` · `)}function Ma(e){let{kinds:t,weak:n}=Je(e),[r,...i]=t;return r===void 0?``:[...i.length?t.map(([e,t])=>`${o(t)} ${e}`):[r[0]],...n?[`${o(n)} weak`]:[]].join(`, `)}function Na(e){let{manifest:t}=e;return[`Model ${A(t.model,80)}, ${o(t.channels)} channels`,`UMAP: neighbours / least distance`,`weak: icons with a cosine under ${l(He)}, which say little of their cell`,`trust: share of map neighbours that are true neighbours, 1 is best`,...e.overlap===null?[]:[`kept: share of a sample's neighbours in the layer that it had at the step before, too`],...t.effectiveRank===null?[]:[`Effective rank ${t.effectiveRank.toFixed(1)}: directions that the layer uses`],...t.notes.slice(0,5).map(e=>A(e,200))].join(`
`)}function Pa(e){return e.reduce((e,t)=>e+t,0)/Math.max(1,e.length)}var Fa=`from tensorboard_plugin_atlas import AtlasWriter

atlas = AtlasWriter("runs/exp1", model, layers=["layer3"], probe=val_set)
...
atlas.add_atlas(step)      # in the training loop, once a checkpoint`;function Ia(e){return D`<section class="veil">
<div class="message wide">
<h2>No atlas in this log directory yet</h2>
<p>
An activation atlas is a map of what one layer of an image network sees: thousands of its
answers laid out so that alike lie together, each square drawn as a picture of what it stands
for. These lines log one at every checkpoint:
</p>
<pre><code>${Fa}</code></pre>
<p>
Already logging? Check that <code>tensorboard --logdir</code> names the folder that
<code>AtlasWriter</code> writes to, or a folder above it; atlases lie in its subfolder
<code>atlas</code>. <code>tensorboard-atlas inspect LOGDIR</code> lists what is there, and
<code>tensorboard-atlas demo</code> makes an example to look at.
</p>
<button type="button" class="button" @click=${e}>Look again</button>
</div>
</section>`}function La(e,t){return D`<section class="veil">
<div class="message fault">
<h2>The atlases cannot be listed</h2>
<p>${e.message}</p>
${Ba(e)}
<button type="button" class="button" @click=${t}>Retry</button>
</div>
</section>`}function Ra(e,t,n){let{title:r,advice:i}=za(e??0,t);return D`<section class="veil" data-failure=${t.kind}>
<div class="message fault">
<h2>${r}</h2>
<p>${t.message}</p>
<p class="muted">${i}</p>
${Ba(t)}
<button type="button" class="button" @click=${n}>Retry</button>
</div>
</section>`}function za(e,{kind:t}){let n=`Step ${o(e)}`;switch(t){case`damaged`:return{title:`${n} is damaged`,advice:`Its stored bytes are not what was written. The other steps are not affected.`};case`too_new`:return{title:`${n} is from a newer version`,advice:`Upgrade tensorboard_plugin_atlas here to see it. The other steps are not affected.`};case`not_found`:return{title:`${n} is no longer kept`,advice:`TensorBoard thins long series. Reload, or keep more with --atlas_samples.`};default:return{title:`${n} could not be loaded`,advice:`The other steps can be tried.`}}}function Ba({request:e,status:t}){return D`<p class="request muted">
Request <code>${e}</code>${t===null?x:D`, status ${t}`}
</p>`}function Va({renderer:e,sheetFailure:t},n){let r=[t&&D`<p class="banner">
Icons of this grid cannot be shown: ${t.message}
<button type="button" class="link" @click=${n}>Retry</button>
</p>`,e===`canvas`&&D`<p class="banner">
This browser offers no WebGL2: the map is drawn more slowly, without blended crossfades.
</p>`,e===`none`&&D`<p class="banner">This browser offers no canvas: the map cannot be drawn. Its cells can
be read as a table (t).</p>`].filter(Boolean);return r.length===0?x:D`<div class="banners">${r}</div>`}var Ha=332,Ua=900,Wa=class{session;map;update;#e;#t=null;#n=null;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new Xi(n),e.pages.watch(n)}render(e,t){return D`${this.#r(e,t)}${e.help?this.#c():x}`}#r(e,t){let n=()=>this.session.retry();if(e.phase===`empty`)return Ia(n);if(e.phase===`failed`&&e.failure)return La(e.failure,n);if(e.stepFailure)return Ra(e.step,e.stepFailure,n);let{shownLevel:r}=e,i=N(e),a=i?.levels.find(({size:e})=>e===r);return!i||!a?x:D`<div class="left-column">
${Va(e,n)}
<div class="legends">
${e.table?x:D`${t.legends(e,i,a)} ${this.#i(i,a,e)}`}
</div>
</div>
${this.#o(e,i,t)} ${this.#a(e,i)}`}#i(e,t,{colour:n,show:r}){(this.#t?.level!==t||this.#t.mode!==n)&&(this.#t={level:t,mode:n,colours:hi(e,t,n)});let i=this.map.viewport.width>=Ua;return Oa(e,t,this.#t.colours.legend,r,i)}#a(e,t){let{hover:n,pinned:r}=e,i=n&&this.#s(e,t,n);if(!n||!i||p(n,r))return x;let{width:a,height:o}=this.map.viewport,s=e.pinned===null?0:Ha;return ha(i,this.map.boxOf(n),{width:a-s,height:o})}#o(e,t,n){let{pinned:r}=e;if(r===null)return x;let i={sample:this.#n,choose:e=>{this.#n=e,this.update()}},a=()=>this.session.store.set({pinned:null}),o=this.#s(e,t,r);return wa(o,i,a,o?n.voices(o):x)}#s(e,t,n){let r=t.levels.find(({size:e})=>e===n.size),i=r&&R(t,r,n.row,n.col);return!r||!i?null:{state:e,session:this.session,evidence:this.#e,atlas:t,level:r,facts:i}}#c(){return Sa(()=>this.session.store.set({help:!1}))}};function Ga(e,t){let{store:n}=t;return D`<span class="tools" role="group" aria-label="Evolution">
${C({icon:`events`,name:`Events of this run`,key:`j`,pressed:e.eventList,press:()=>n.set({eventList:!e.eventList})})}
${C({icon:`drift`,name:`Drift: where cells moved`,key:`d`,pressed:e.drift,press:()=>n.set({drift:!e.drift})})}
${C({icon:`compare`,name:`Compare two steps`,key:`c`,pressed:e.compare!==null,disabled:(e.series?.steps.length??0)<2,press:()=>je(t)})}
</span>`}function Ka({filterOpen:e},{store:t}){return C({icon:`filter`,name:`Ask about a class`,key:`f`,pressed:e,press:()=>t.set({filterOpen:!e})})}function qa({travel:e,series:t},n){let r=(t,r,i)=>D`<label title=${i}>
<input
type="radio"
name="motion"
.checked=${e===t}
@change=${()=>n.store.set({travel:t})}
/>${r}
</label>`;return D`<span
class="segments small motion"
role="radiogroup"
aria-label="From step to step"
?hidden=${(t?.steps.length??0)<2}
>
${r(!0,`Moving map`,`Icons go where their samples go (m)`)}
${r(!1,`Fixed map`,`Icons change where they are (m)`)}
</span>`}var Ja=1.5;function Ya(e){return D`<div class="map-buttons" role="group" aria-label="Zoom">
${C({icon:`plus`,name:`Zoom in`,key:`+`,press:()=>e.zoomBy(Ja)})}
${C({icon:`minus`,name:`Zoom out`,key:`-`,press:()=>e.zoomBy(1/Ja)})}
${C({icon:`fit`,name:`Show the whole map`,key:`0`,press:()=>e.fit()})}
</div>`}var Xa=1.5,Za=720,Qa=2;function $a(e,t){let n=({x:e,y:t})=>({x:Math.min(1,Math.max(0,e)),y:Math.min(1,Math.max(0,t))});return{from:n(k(e,t,{x:0,y:0})),to:n(k(e,t,{x:t.width,y:t.height}))}}function eo(e,t){let{atlas:n,camera:r,dark:i}=e,a=n?.levels[0],{viewport:o}=t;if(!a||r.z<Xa||o.width<Za)return x;let s=n=>{if(n.buttons!==1)return;let r=n.currentTarget.getBoundingClientRect(),i=(n.clientX-r.left)/r.width,a=(n.clientY-r.top)/r.height;t.moveTo({x:i,y:a,z:e.camera.z})};return D`<atlas-minimap
class="panel"
aria-hidden="true"
title="The whole map; press to go there"
.overview=${{level:a,camera:r,viewport:o,dark:i}}
@pointerdown=${s}
@pointermove=${s}
></atlas-minimap>`}var to=class extends HTMLElement{#e=document.createElement(`canvas`);#t=null;set overview(e){this.#t=e,this.isConnected&&this.#n()}connectedCallback(){this.childElementCount===0&&this.append(this.#e),this.#n()}#n(){let e=this.#e.getContext(`2d`);if(e===null||this.#t===null)return;let{level:t,camera:n,viewport:r,dark:i}=this.#t,a=re[i?`dark`:`light`],o=Math.min(Qa,devicePixelRatio||1),s=this.clientWidth*o;this.#e.width=s,this.#e.height=s;let c=s/t.size;e.fillStyle=`rgb(${a.neutralTile.join()})`;for(let n=0;n<t.rows.length;n++){let r=t.cols[n]*c,i=t.rows[n]*c;e.fillRect(r+1,i+1,c-2,c-2)}let{from:l,to:u}=$a(n,r);e.strokeStyle=a.accent,e.lineWidth=2*o,e.strokeRect(l.x*s+o,l.y*s+o,(u.x-l.x)*s-2*o,(u.y-l.y)*s-2*o)}};customElements.define(`atlas-minimap`,to);var no=400,ro={busy:`the machine was busy`,budget:`its share of the run time was spent`,failed:`it failed, and the output of the run says why`};function io(e,t,n,r=x){let i=e.series?.steps??[],a=i.indexOf(e.step??NaN),o=i.length<2;return D`<footer class="bar" aria-label="Steps">
<span class="transport">
${C({icon:`previous`,name:`Previous step`,key:`,`,disabled:a<=0,press:()=>n.stepBy(-1)})}
${C({icon:e.playing?`pause`:`play`,name:e.playing?`Pause`:`Play the steps`,key:`Space`,extra:`play`,disabled:o,press:()=>n.toggle()})}
${C({icon:`next`,name:`Next step`,key:`.`,disabled:a<0||a===i.length-1,press:()=>n.stepBy(1)})}
</span>
${qa(e,t)}
${ao(e,t,i,a,r)}
${co(e,i,a)}
${mo(e.history,i,a)}
${e.freshSteps>0?_o(e.freshSteps,t):x}
</footer>`}function ao({history:e,step:t},n,r,i,a){let o=Math.max(1,r.length-1),s=e=>100*e/o,c=t===null?null:e?.steps.get(t)?.reason??null;return D`<span class="slider">
<span class="track">
<div class="done" style="width:${i<0?0:s(i)}%"></div>
${r.map((t,n)=>{let a=(e?.steps.get(t)?.status??`ok`)!==`ok`;return!a&&r.length>no?x:D`<i class="tick ${a?`bad`:n<=i?`passed`:``}" data-step=${t} style="left:${s(n)}%"></i>`})}
${(e?.skipped??[]).slice(0,no).map(e=>{let t=Math.min(o,Math.max(0,fo(r,e.step)-.5));return D`<i
class="tick skipped"
data-step=${e.step}
title=${po(e)}
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
title=${c??``}
@pointerdown=${e=>{e.shiftKey&&n.store.set({compare:so(e,r),flipped:!1})}}
@input=${e=>{let t=r[Number(e.target.value)];t!==void 0&&n.chooseStep(t)}}
/>
${a}
</span>`}var oo=8;function so(e,t){e.preventDefault();let{left:n,width:r}=e.currentTarget.getBoundingClientRect(),i=(e.clientX-n-oo)/Math.max(1,r-16);return t[Math.round(Math.min(1,Math.max(0,i))*(t.length-1))]??null}function co({step:e,series:t},n,r){if(e===null||t===null)return D`<span class="moment"></span>`;let i=t.wallTimes[r],a=i===void 0?``:` · ${lo(i)}`;return D`<span class="moment">
<strong>Step ${o(e)}</strong><br />
<span class="muted">${r+1} of ${n.length}${a}</span>
</span>`}function lo(e){let t=new Date(1e3*e);return Number.isNaN(t.getTime())?``:t.toLocaleString(`en-GB`,{day:`numeric`,month:`short`,hour:`2-digit`,minute:`2-digit`})}var uo=20;function fo(e,t){let n=e.findIndex(e=>e>t);return n<0?e.length:n}function po({step:e,reason:t}){return`Step ${o(e)} was skipped: ${ro[t]??A(t,60)}`}function mo(e,t,n){if(e===null)return x;let{logged:r,kept:i,skipped:a}=e,s=[...e.steps.values()],c=s.filter(({status:e})=>e===`damaged`),l=s.filter(({status:e})=>e===`too_new`);return r<=i&&c.length+l.length+a.length===0?x:D`<span class="note">
${r>i?D`${o(i)} of ${o(r)} logged steps kept; restart TensorBoard with
<code>--atlas_samples=${r}</code> to keep all.`:x}
${go(c,`damaged step`)} ${go(l,`step`,` from a newer version`)}
${ho(a,t,n)}
</span>`}function ho(e,t,n){if(e.length===0)return x;let r=e.find(({step:e})=>[n,n+1].includes(fo(t,e))),i=e.slice(0,uo).map(po);return D`<span title=${i.join(`
`)}
>${r===void 0?`${_(e.length,`checkpoint`)} not computed`:po(r)}.</span
>`}function go(e,t,n=``){if(e.length===0)return x;let r=e.slice(0,uo).map(({step:e,reason:t})=>`step ${o(e)}: ${A(t??`no reason given`,200)}`);return D`<span class="bad" title=${r.join(`
`)}
>${_(e.length,t)}${n}.</span
>`}function _o(e,t){return D`<button type="button" class="pill" @click=${()=>t.acceptFreshSteps()}>
${_(e,`new checkpoint`)}
</button>`}var vo=y` .transport{display:flex;align-items:center;gap:2px;}.play{width:40px;height:40px;background:var(--accent);color:var(--on-accent);}.play:hover:not(:disabled){background:color-mix(in srgb,var(--accent),var(--text) 15%);color:var(--on-accent);}.play svg{width:24px;height:24px;}.tools{display:flex;gap:2px;}.icon-button[aria-pressed='true']{color:var(--accent);background:var(--accent-soft);box-shadow:inset 0 0 0 1px var(--accent);}.segments.small label{height:24px;padding:0 8px;font-size:12px;}.motion[hidden]{display:none;}.slider{position:relative;flex:1;min-width:120px;height:32px;}.slider input{appearance:none;position:absolute;inset:0;width:100%;height:32px;margin:0;background:none;cursor:pointer;border-radius:4px;}.slider input::-webkit-slider-thumb{appearance:none;width:16px;height:16px;border-radius:50%;background:var(--accent);border:2px solid var(--surface);box-shadow:0 0 0 1px var(--accent);}.slider input::-moz-range-thumb{width:12px;height:12px;border-radius:50%;background:var(--accent);border:2px solid var(--surface);box-shadow:0 0 0 1px var(--accent);}.track{position:absolute;left:8px;right:8px;top:15px;height:2px;border-radius:1px;background:var(--line);}.track .done{height:100%;background:var(--accent);}.tick{position:absolute;top:-4px;width:2px;height:10px;margin-left:-1px;border-radius:1px;background:var(--muted);opacity:0.55;}.tick.passed{background:var(--accent);opacity:1;}.tick.bad{background:var(--bad);opacity:1;height:14px;top:-6px;width:3px;}.tick.skipped{top:-2px;height:6px;}.moment{min-width:148px;font-variant-numeric:tabular-nums;line-height:1.35;}.moment strong{font-weight:500;font-size:14px;}.moment .muted,.note{color:var(--muted);font-size:12px;}.note{max-width:330px;line-height:1.35;}.note code{font:11.5px/1.4 'Roboto Mono',ui-monospace,monospace;white-space:nowrap;}.note .bad{color:var(--bad);}.pill{height:28px;padding:0 12px;border-radius:14px;background:var(--accent);color:var(--on-accent);font-weight:500;white-space:nowrap;}@media (max-width:720px){.note,.motion,.transport .icon-button:not(.play){display:none;}.moment{min-width:0;}}`,yo=1e3,bo=100,xo=class{session;#e;constructor(e){this.session=e}stepBy(e){let{series:t,step:n}=this.session.store.state;if(t===null||n===null)return;let r=t.steps[t.steps.indexOf(n)+e];r!==void 0&&this.session.chooseStep(r)}toggle(){let{playing:e,series:t,step:n}=this.session.store.state;if(clearTimeout(this.#e),this.session.store.set({playing:!e}),e||t===null)return;let r=t.steps[0];n===t.steps.at(-1)&&r!==void 0&&this.session.chooseStep(r),this.#t(yo)}#t(e){this.#e=setTimeout(()=>{let{busy:e,series:t,step:n,playing:r,settled:i,stepFailure:a}=this.session.store.state;if(!r||t===null)return;if(e||!(i||a!==null)){this.#t(bo);return}let o=this.#n(t,n);o===null?this.session.store.set({playing:!1}):(this.session.chooseStep(o),this.#t(yo))},e)}#n(e,t){let{history:n}=this.session.store.state;return e.steps.slice(e.steps.indexOf(t??NaN)+1).find(e=>(n?.steps.get(e)?.status??`ok`)===`ok`)??null}},So=e({Later:()=>wo}),Co=60,wo=class{session;map;update;static styles=[vo,Gi];#e;#t;#n;#r;#i=null;#a=null;#o=!1;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new xo(e),this.#t=new Wa(e,t,n),this.#n=new Wi(t,e,this.#e),t.equip(this.#n),this.#r=new Xr(e,t,n,e=>this.#u(e)),new ri(e),this.#s(),e.store.subscribe((e,t)=>this.#c(e,t)),this.#c(e.store.state,e.store.state)}complete(e){let t=this.#a!==null||!To(e),n=j(e)===null||ke(e);return this.#i!==null&&t&&n&&this.#r.complete(e)}stage(e){let t=e.phase===`ready`&&e.atlas!==null&&e.stepFailure===null,n=t&&!e.table;return D`${n?D`${Ya(this.map)} ${eo(e,this.map)}`:x}
${n?this.#i?.top(e)??x:x}
${this.#t.render(e,this)} ${t?this.#r.stage(e):x}`}legends(e,t,n){return D`${this.#a?.legends(e,t,n)??x}
${this.#i?.legends(e,t,n)??x}`}voices(e){return this.#a?.voices(e)??x}rail(e){return e.filterOpen?this.#a?.rail(e)??x:this.#i?.rail(e)??x}tools(e){return D`${this.#r.tools(e)} ${Ka(e,this.session)} ${Ga(e,this.session)}`}layouts(e){return this.#i?.layouts(e)??x}sentence(e,t){let{hover:n,step:r,stepFailure:i,freshSteps:a}=e;if(i!==null&&i!==t.stepFailure)return`Step ${r} cannot be shown: ${i.message}`;if(e.said!==t.said)return e.said;if(a>t.freshSteps)return _(a,`new checkpoint`);let o=this.#a?.sentence(e,t)??null;if(o!==null)return o;let s=this.#i?.sentence(e,t)??null;return s===null?p(n,t.hover)||!this.map.matches(`:focus-visible`)?null:Eo(e):s}timeline(e){let t=this.#i?.marks(e)??x;return io(e,this.session,this.#e,t)}async#s(){let{Evolution:e}=await c(async()=>{let{Evolution:e}=await Promise.resolve().then(()=>Ur);return{Evolution:e}},void 0,import.meta.url),t=new e(this.session,this.map,this.update);this.#i=t,this.map.director=t.director,this.#u(e.styles)}#c(e,t){let{store:n}=this.session;e.filterOpen&&e.eventList&&n.set(t.filterOpen?{filterOpen:!1}:{eventList:!1}),this.#o||!(To(e)||e.pinned!==null)||(this.#o=!0,this.#l())}async#l(){let{ClassFilter:e}=await c(async()=>{let{ClassFilter:e}=await import(`./chunk-class_filter-DOjvTahe.js`);return{ClassFilter:e}},[],import.meta.url);this.#a=new e(this.session,this.map,this.update),this.#u(e.styles)}#u(e){this.#n.layers=()=>{let{state:e}=this.session.store;return[...this.#a?.layers(e)??[],...this.#i?.layers(e)??[]]};let t=this.map.getRootNode();t instanceof ShadowRoot&&Se(t,e),this.map.invalidate(),this.update()}};function To({filter:e,filterOpen:t}){return e!==``||t}function Eo({atlas:e,hover:t}){let n=e?.levels.find(({size:e})=>e===t?.size),r=e&&n&&t&&R(e,n,t.row,t.col);if(!r)return null;let i=r.mix[0],a=i?A(E(e,i.index),Co):``,o=i?`, ${a} ${Math.round(100*i.share)} percent`:``;return`row ${r.row+1}, column ${r.col+1}${o}, ${_(r.count,`sample`)}`}var Do=new WeakMap;function Oo(e,t){let n=Do.get(t);if(n===void 0){let r=F(e,t);n=[...t.rows].flatMap((n,r)=>R(e,t,n,t.cols[r])??[]).map(e=>({...e,top:e.mix[0]??null,voice:typeof r==`string`?null:ko(r,e.cell)})).sort((e,t)=>e.row-t.row||e.col-t.col),Do.set(t,n)}return n}function ko({classes:e,at:t},n){let r=null;for(let i=0;i<e;i++){let e=t(n,i);Math.abs(e)>Math.abs(r?.value??0)&&(r={index:i,value:e})}return r}function Ao(e,t,n){let r=Oo(e,t),i=n.classes.length>0?it(e,t,n):``;return typeof i==`string`?{rows:r,values:null}:{rows:r.filter(({cell:e})=>i.passes[e]===1),values:i.values}}var jo={place:({row:e,col:t})=>e+t/1e6,count:e=>e.count,cosine:e=>e.cosine,kind:e=>e.kind,top:e=>e.top?.index,share:e=>e.top?.share,voice:({voice:e})=>e&&Math.abs(e.value)};function Mo(e,t,n){let r=jo[t];return e.toSorted((e,t)=>{let[i,a]=[r(e)??null,r(t)??null];return i===a?0:i===null||a===null?i===null?1:-1:i<a===n?1:-1})}export{N as C,P as S,nt as _,Ri as a,Ve as b,kt as c,_t as d,yt as f,tt as g,lt as h,ea as i,Ct as l,it as m,Mo as n,Pt as o,z as p,So as r,Et as s,Ao as t,St as u,L as v,M as w,Be as x,F as y};