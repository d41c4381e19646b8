import{$ as e,C as t,D as n,E as r,F as i,H as a,I as o,J as s,K as c,L as l,M as u,P as d,Q as f,R as p,S as m,T as h,X as g,_ as ee,a as te,b as ne,c as re,d as ie,et as ae,f as _,ft as oe,g as se,h as ce,it as le,k as v,l as ue,lt as y,m as de,nt as b,o as fe,p as x,q as pe,rt as S,s as me,st as he,t as ge,tt as C,u as _e,ut as w,v as ve,w as ye,x as be,y as T,z as E}from"./chunk-base-vpAxkZ_q.js";var xe=Object.defineProperty,Se=(e,t)=>{let n={};for(var r in e)xe(n,r,{get:e[r],enumerable:!0});return t||xe(n,Symbol.toStringTag,{value:`Module`}),n},Ce=class{session;#e=``;#t=!1;constructor(e){this.session=e,e.store.subscribe(e=>this.#n(e)),this.#n(e.store.state)}#n(e){let t=D(e),{series:n}=e,r=t===null||n===null?``:`${n.id}/${t}`,i=this.#t&&e.otherFailure===null;(r!==this.#e||i)&&(this.#e=r,this.#t=!1,t!==null&&this.#r(e,t))}async#r({series:e},t){if(e===null)return;let n=this.#e,r=await this.session.loadAtlas(e,t).then(e=>({other:e,otherFailure:null}),e=>({other:null,otherFailure:fe(e)}));n===this.#e&&(this.session.store.set(r),this.#t=r.otherFailure!==null)}};function D(e){return e.compare===null?e.drift?we(e):null:e.compare}function we({series:e,step:t,history:n}){let r=e?.steps.indexOf(t??NaN)??-1;return e?.steps.slice(0,Math.max(0,r)).findLast(e=>(n?.steps.get(e)?.status??`ok`)===`ok`)??null}function O(e){let{other:t,series:n}=e;return t!==null&&t.series===n?.id&&t.step===D(e)?t:null}function Te(e){return e.otherFailure!==null||O(e)!==null}function Ee(e){return(e.flipped?O(e):null)??e.atlas}var De=12;function Oe(e){let{compare:t,series:n,step:r}=e.store.state,i=n?.steps.find(e=>e!==r)??null,a=t===null?we(e.store.state)??i:null;e.store.set({compare:a,flipped:!1})}function ke(e,t){e.store.set({compare:t,flipped:!1})}function Ae(e){let{compare:t,step:n}=e.store.state;t!==null&&(e.store.set({compare:n,flipped:!1}),e.chooseStep(t))}function k(e,t){e.store.state.compare!==null&&e.store.set({flipped:t})}function je({divider:e},{width:t}){return De+e*(t-24)}var Me=.3,Ne=new WeakMap;function A(e,t){let n=Ne.get(e);return n===void 0&&(n=Pe(e.cellOf,e.rows.length),Ne.set(e,n)),n.order.subarray(n.starts[t],n.starts[t+1])}function Pe(e,t){let n=new Int32Array(t+1);for(let t of e)t>=0&&(n[t+1]=n[t+1]+1);for(let e=0;e<t;e++)n[e+1]=n[e+1]+n[e];let r=n.slice(),i=new Int32Array(n[t]);return e.forEach((e,t)=>{e<0||(i[r[e]]=t,r[e]=r[e]+1)}),{order:i,starts:n}}function j(e,t){let n=new Map;for(let r of t){let t=e[r];n.set(t,(n.get(t)??0)+1)}return[...n].sort(([e,t],[n,r])=>r-t||e-n).map(([e,n])=>({index:e,count:n,share:n/t.length}))}var M=new WeakMap;function N(e,t){let n=M.get(e)??new Map;M.set(e,n);let r=n.get(t);return r===void 0&&(r=Fe(e,t),n.set(t,r)),r}function Fe(e,t){let n=e.rows.length,r=new Int32Array(n).fill(-1),i=new Float32Array(n);for(let a=0;a<n;a++){let n=j(t,A(e,a))[0];n!==void 0&&(r[a]=n.index,i[a]=n.share)}return{index:r,share:i}}function P(e,t,n,r){let i=_(t,n,r);if(i<0)return null;let a=e.labels??e.predictions,o=t.counts[i],s=t.cosine[i];return{cell:i,row:n,col:r,size:t.size,count:o,share:o/e.count,kind:de(t,i),cosine:Number.isNaN(s)?null:s,mixOf:e.labels?`labels`:e.predictions?`predictions`:null,mix:a?j(a,A(t,i)):[]}}function Ie(e){let t=new Map,n=0;for(let r=0;r<e.kind.length;r++){let i=de(e,r);i!==`none`&&(t.set(i,(t.get(i)??0)+1),e.cosine[r]<.3&&n++)}return{kinds:[...t].sort(([,e],[,t])=>t-e),weak:n}}function Le(e,t,n){let r=0,i=0;for(let n of t)r+=e[2*n]/t.length,i+=e[2*n+1]/t.length;return F(t,n,t=>Math.hypot(e[2*t]-r,e[2*t+1]-i))}function F(e,t,n){return Array.from(e,e=>({sample:e,value:n(e)})).map(e=>Number.isNaN(e.value)?{...e,value:1/0}:e).sort((e,t)=>e.value===t.value?e.sample-t.sample:e.value-t.value).slice(0,t).map(e=>e.sample)}function Re(e,t,n,r,i){let a=null,o=1/0;for(let s=0;s<e.rows.length;s++){let c=e.rows[s]-t,l=e.cols[s]-n,u=r*l+i*c,d=u+3*(Math.abs(r*c)+Math.abs(i*l));u>0&&d<o&&(o=d,a={row:e.rows[s],col:e.cols[s]})}return a}var I=88,ze=`500 11px Roboto, system-ui, sans-serif`,L=18;function Be(e,t){let{ratio:n,viewport:r,hover:i,pinned:a}=t;e.setTransform(n,0,0,n,0,0),e.clearRect(0,0,r.width,r.height),t.values!==null&&Ve(e,t,t.values);for(let n of t.layers)n(e,t);a&&R(e,t,a,3),i&&R(e,t,i,2)}function R(e,{camera:t,viewport:n,level:r,theme:i},{size:a,row:o,col:s},c){let l=S(t,n)/a,u=C(t,n,{x:s/a,y:o/a}),d=r.size===a?_(r,o,s):-1,f=(1-(d<0?1:pe(r)[d]))*l/2-c/2;e.beginPath(),e.roundRect(u.x+f,u.y+f,l-2*f,l-2*f,Math.min(5,.1*l+1)),e.strokeStyle=i.accent,e.lineWidth=c,e.stroke()}function Ve(e,t,n){let{atlas:r,level:i,camera:a,viewport:o,theme:s}=t,c=S(a,o)/i.size;if(c<I)return;let l=N(i,n);e.globalAlpha=Math.min(1,(c-I)/20),e.font=ze,e.textBaseline=`middle`;let u=pe(i);He(t,(t,n,i,a)=>{let o=(1-u[t])*a/2+4,c=E(x(r,l.index[t]),Math.floor(a/8)),d=e.measureText(c).width+10;e.fillStyle=s.labelGround,e.beginPath(),e.roundRect(n+o,i+a-o-L,d,L,3),e.fill(),e.fillStyle=s.label,e.fillText(c,n+o+5,i+a-o-L/2+.5)}),e.globalAlpha=1}function He({level:e,camera:t,viewport:n},r){let i=S(t,n)/e.size,a=C(t,n,{x:0,y:0});for(let t=0;t<e.rows.length;t++){let o=a.x+e.cols[t]*i,s=a.y+e.rows[t]*i;o>n.width||s>n.height||o+i<0||s+i<0||r(t,o,s,i)}}function Ue(e){let t={ArrowDown:1,ArrowUp:-1}[e.key],n=e.currentTarget,r=e.target.closest(`.event`);if(t===void 0||r===null)return;let i=[...n.querySelectorAll(`.event`)];i[i.indexOf(r)+t]?.focus(),e.preventDefault()}var We=6,Ge=1.5;function z({ids:e,event:t},n){return t===null?e:n>=t.step?t.after:t.before}function Ke(e,t){return t===e.step?`after`:t===e.beforeStep?`before`:null}function qe({series:e},t,n){return e?.steps.includes(Je(t,n))??!1}function Je(e,t){return t===`after`?e.step:e.beforeStep}function Ye(e,t){return t.after.length===0&&qe(e,t,`before`)?`before`:`after`}function Xe(e,t,n){n.store.set({highlight:{ids:e.after,name:e.text,event:e},playing:!1}),n.chooseStep(Je(e,t))}function Ze(e,t,n){Xe(e,Ye(t.store.state,e),t);let{cell:r}=e;if(r===null)return;let{size:i,row:a,col:o}=r;t.store.set({pinned:r,hover:null}),n.flyTo({x:(o+.5)/i,y:(a+.5)/i,z:Math.max(Ge,i/We)})}var Qe=new WeakMap;function $e(e,t){let n=Qe.get(e)??new WeakMap;Qe.set(e,n);let r=n.get(t);return r===void 0&&(r=et(e,t),n.set(t,r)),r}function et(e,t){return e.manifest.probeDigest===t.manifest.probeDigest?e.count===t.count?e.imageIds.every((e,n)=>e===t.imageIds[n])?null:`The samples of the two steps are not the same ones.`:`One step has ${i(e.count)} samples and the other ${i(t.count)}.`:`The two steps were asked about different probes, so that nothing can be followed.`}function tt(e,t){return Float32Array.from({length:e.length/2},(n,r)=>Math.hypot(t[2*r]-e[2*r],t[2*r+1]-e[2*r+1]))}function B(e,t){let n=new Float32Array(2*e.rows.length);for(let r=0;r<e.rows.length;r++){let i=A(e,r);for(let e of i)n[2*r]=n[2*r]+t[2*e]/i.length,n[2*r+1]=n[2*r+1]+t[2*e+1]/i.length}return n}var nt=.5,rt=new WeakMap;function it(e,t,n){let r=rt.get(n)??new WeakMap;rt.set(n,r);let i=r.get(e);return i===void 0&&(i=ot(e,t,n),r.set(e,i)),i}function at(e,t){return(e.step>t.step?e:t).noiseFloor}function ot(e,t,n){let r=tt(e.xy,t.xy),i=at(e,t),a=i&&r.map((e,t)=>+(e>i[t])),o=e=>e.reduce((e,t)=>e+t,0)/e.length,s=a&&Float32Array.from(n.rows,(e,t)=>{let r=A(n,t);return r.reduce((e,t)=>e+a[t],0)/r.length});return{from:B(n,e.xy),to:B(n,t.xy),beyond:s,news:s?.reduce((e,t)=>e+ +(t>=.5),0)??0,meanMove:o(r),beyondShare:a&&o(a)}}var st=1e3,ct=new WeakMap;function lt(e){let t=ct.get(e);return t===void 0&&(t=e.lifelines&&ut(e.manifest.fields),ct.set(e,t)),t}function ut(e){try{return e.listOrNull(`lifelines`,st,(e,t)=>{let n=new h(e,t);return{id:n.whole(`id`,0,2**31-1),name:n.text(`name`),size:n.whole(`size`,0,2**53-1),topClass:n.wholeOrNull(`top_class`,0,2**31-1),topShare:n.number(`top_share`),born:n.whole(`born`,-(2**53-1),2**53-1),confidence:n.number(`confidence`)}})}catch(e){if(e instanceof r)return null;throw e}}function dt(e,t,n){let r=lt(e),{lifelines:i}=e;if(r===null||i===null)return null;let a=A(t,n),o=new Map;for(let e of a){let t=i[e];o.set(t,(o.get(t)??0)+1)}return r.filter(({id:e})=>o.has(e)).map(e=>{let t=o.get(e.id)??0;return{lifeline:e,count:t,share:t/a.length}}).sort((e,t)=>t.count-e.count||e.lifeline.id-t.lifeline.id)}function ft({lifelines:e},t){let n=new Set(t),r=[];return e?.forEach((e,t)=>{n.has(e)&&r.push(t)}),Int32Array.from(r)}function pt(e,t){let n=new Int32Array(e.rows.length);for(let r of t){let t=e.cellOf[r];t>=0&&(n[t]=n[t]+1)}return n}var mt=1e3,ht=1e3,gt=[`born`,`merges`,`splits`,`dies`];function _t(e){return ie(`history`,{id:e},vt)}function vt(e){let t=new h(e,`history`),n=t.list(`steps`,ne,(e,t)=>{let n=new h(e,t),i=n.text(`status`);if(i!==`ok`&&i!==`damaged`&&i!==`too_new`)throw new r(`${t}.status is ${i}`);let a=n.raw(`reason`);return{step:n.whole(`step`,-(2**53-1),2**53-1),status:i,reason:typeof a==`string`?a:null,trustworthiness:n.numberOrNull(`trustworthiness`)}});return{skipped:t.listOrNull(`skipped`,1e6,(e,t)=>{let n=new h(e,t);return{step:n.number(`step`),reason:n.text(`reason`)}})??[],logged:t.whole(`logged`,0,2**53-1),kept:t.whole(`kept`,0,2**53-1),steps:new Map(n.map(e=>[e.step,e])),events:t.listOrNull(`events`,mt,bt),eventsFound:t.wholeOrNull(`events_found`,0,2**53-1)??0}}function yt(e,t){return e===t||e.step===t?.step&&e.kind===t.kind&&e.text===t.text}function bt(e,t){let i=new h(e,t),a=gt.find(e=>e===i.text(`kind`));if(a===void 0)throw new r(`${t}.kind is unknown`);let o=e=>i.whole(e,-(2**53-1),2**53-1);return{step:o(`step`),kind:a,text:i.text(`text`),score:i.number(`score`),confidence:i.number(`confidence`),beforeStep:o(`before_step`),before:i.list(`before`,ht,n),after:i.list(`after`,ht,n),cell:i.raw(`cell`)==null?null:xt(i.object(`cell`))}}function xt(e){let t=e.whole(`grid`,1,320);return{size:t,row:e.whole(`row`,0,t-1),col:e.whole(`col`,0,t-1)}}var V=4,St=60;function Ct({atlas:e,level:t,facts:n,state:r,session:a}){let{highlight:o}=r,s=dt(e,t,n.cell);return w`<section>
<h3>Lifelines <span class="muted">concepts followed over steps</span></h3>
${s===null?w`<p class="muted">Not traced in this atlas.</p>`:s.length===0?w`<p class="muted">None: these samples belong to no concept that lasts.</p>`:w`<ul class="lifelines">
${s.slice(0,V).map(e=>wt(e,o,a))}
</ul>`}
${s!==null&&s.length>V?w`<p class="muted">and ${i(s.length-V)} more</p>`:y}
</section>`}function wt({lifeline:e,share:t,count:n},r,a){let{id:o,name:s,size:c,born:u}=e,d=r?.event===null&&r.ids[0]===o;return w`<li>
<button type="button" class="lifeline" aria-pressed=${d} @click=${()=>a.store.set({highlight:d?null:{ids:[o],name:s,event:null}})}>
<span class="name">${E(s,St)}</span>
<span class="number" title="${p(n,`sample`)} of this cell">${l(t)}</span>
<span class="muted">${p(c,`sample`)} · since step ${i(u)}</span>
</button>
</li>`}function Tt(e,t,n){let r=z(n,e.step);if(e.lifelines===null)return`Lifelines were not traced at this step.`;let a=ft(e,r);if(a.length===0)return`Nothing of it at step ${i(e.step)}.`;let o=pt(t,a).reduce((e,t)=>e+ +(t>0),0),s=`in ${p(o,`cell`)} at step ${i(e.step)}`;return`${p(a.length,`sample`)} ${s}`}function Et(e,t,n,r){let i=new Map((lt(e)??[]).map(({id:e,name:t})=>[e,t])),a=z(n,e.step).map(e=>i.get(e)),o=a.some(e=>e!==void 0)?a.filter(e=>e!==void 0).join(`, `):n.name;return w`<div class="highlight-pill panel" role="group" aria-label="Highlighted lifelines">
<span
><strong>${E(o,St)}</strong>
<span class="muted">${Tt(e,t,n)}</span></span
>
${v({icon:`close`,name:`End the highlight`,press:()=>r.store.set({highlight:null})})}
</div>`}function Dt(e,t){let n=t.probe?t:d(e,t);return n?.probe?n:null}async function Ot(e){let[t,n]=await _e(`probe`,{run:e});return me(n,async()=>{let n=ee(await t.arrayBuffer()),r=kt(n.manifest),i=se(n.buffer,n.blobStart).int32(`image_ids`,r.images);return{run:e,manifest:r,placeOf:new Map(Array.from(i,(e,t)=>[e,t]))}})}function kt(e){let n=m(e,`probe`),i=n.whole(`images`,1,ve),a=n.whole(`tile`,1,T),o=n.whole(`columns`,1,T),s=t(ye(n),`thumbs`,null);be(`probe`,i,a,o,s);let c=At(n,`thumb_size`);if(c[0]>a||c[1]>a)throw new r(`thumbnails exceed their tile`);return{digest:n.text(`digest`),images:i,inputSize:At(n,`input_size`),thumbSize:c,tile:a,columns:o,pages:s}}function At(e,t){let[i,a]=e.list(t,2,n);if(i===void 0||a===void 0||!(i>=1)||!(a>=1))throw new r(`manifest.${t} is not [height, width]`);return[i,a]}var jt=3e4,Mt=class{session;constructor(e){this.session=e,e.store.subscribe((e,t)=>{H(e)&&!H(t)&&this.#e(e)}),H(e.store.state)&&this.#e(e.store.state),he(()=>void this.#i()),setInterval(()=>{!document.hidden&&document.body.clientHeight>0&&this.#i()},jt)}async#e({run:e,series:t,probe:n,probeFailure:r,history:i,stepFailure:a}){e!==null&&t!==null&&(n===null&&r===null&&this.#n(e),(i===null||a!==null)&&await this.#t(t),this.session.store.state.series===t&&this.#r(this.session.store.state,t))}async#t(e){let t=await _t(e.id).catch(()=>null);this.session.store.state.series?.id===e.id&&this.session.store.set({history:t})}async#n(e){let t=Dt(this.session.store.state.runs,e);if(t===null)return;let n=await Ot(t.id).then(e=>({probe:e,probeFailure:null}),e=>({probe:null,probeFailure:fe(e)}));this.session.store.state.run?.id===e.id&&this.session.store.set(n)}#r({step:e,shownLevel:t,history:n},r){let i=r.steps.indexOf(e??NaN);for(let e of[r.steps[i+1],r.steps[i-1]])i<0||e===void 0||(n===null||n.steps.get(e)?.status===`ok`)&&this.session.loadAtlas(r,e).then(e=>{let n=e.levels.find(({size:e})=>e===t);n!==void 0&&this.session.pages.icons(e,n)},()=>void this.#t(r))}async#i(){let{session:e}=this,{phase:t}=e.store.state;if(t===`loading`)return;let n=await ue().catch(()=>null);if(n===null)return;if(t!==`ready`){te(n,null)!==null&&e.retry();return}e.latestRuns=n;let{series:r}=e.store.state,i=e.findLatest();if(i===null||r===null)return;let a=new Set(r.steps),o=i.series.steps.filter(e=>!a.has(e)).length;e.store.set({freshSteps:o}),e.renew(i.series)&&this.#t(i.series),this.#a(n)}#a(e){let{store:t}=this.session,{runs:n,run:r}=t.state,i=e=>JSON.stringify(e.map(e=>[e.id,e.series.map(({id:e})=>e)]));i(e)!==i(n)&&t.set({runs:e,run:e.find(e=>e.id===r?.id)??r})}};function H({settled:e,stepFailure:t}){return e||t!==null}var Nt=`#e69f00 #56b4e9 #009e73 #f0e442 #0072b2 #d55e00 #cc79a7 #8c8c8c`.split(` `),Pt=`#cc6677 #3d49b0 #ddcc77 #117733 #88ccee #882255 #44aa99 #999933 #aa4499 #9a9a9a`.split(` `),U=`#9a9a9a`,W=`#440154 #472d7b #3b528b #2c728e #21918c #28ae80 #5ec962 #addc30 #fde725`.split(` `),G=new Map;function K(e){let t=G.get(e);if(t===void 0){let n=Number.parseInt(e.slice(1),16);t=[n>>16&255,n>>8&255,n&255],G.set(e,t)}return t}function Ft(e){let t=Math.min(1,Math.max(0,e))*(W.length-1),n=Math.min(W.length-2,Math.floor(t)),r=K(W[n]),i=K(W[n+1]),a=e=>Math.round(r[e]+(i[e]-r[e])*(t-n));return[a(0),a(1),a(2)]}var It=`linear-gradient(90deg, ${W.join(`, `)})`,Lt=new WeakMap;function Rt(e,t){let n=Lt.get(e);return n===void 0&&(n=zt(e,t),Lt.set(e,n)),n}function zt(e,t){let n=new Map;for(let t of e)n.set(t,(n.get(t)??0)+1);let r=[...n.keys()].filter(e=>e<0).some(e=>n.delete(e)),i=t??n.size,a=i<=Nt.length?Nt:Pt,o=i<=a.length?i:a.length-1,s=t!==null&&t<=a.length?Array.from({length:t},(e,t)=>t):[...n].sort(([e,t],[n,r])=>r-t||e-n).slice(0,o).map(([e])=>e).sort((e,t)=>e-t),c=new Map(s.map((e,t)=>[e,a[t]]));return{named:[...c].map(([e,t])=>({index:e,colour:t})),others:[...n.keys()].filter(e=>!c.has(e)).length,unknown:r,colourOf:e=>c.get(e)??U}}var Bt={legend:{kind:`none`},cells:null,sample:()=>null};function Vt(e,t,n){switch(n){case`icons`:return Bt;case`class`:return Ht(e,t,e.labels,`class`,`labels`);case`prediction`:return Ht(e,t,e.predictions,`prediction`,`predictions`);case`purity`:return Wt(e,t);case`cosine`:return Gt(t);case`population`:return Kt(t)}}function Ht(e,t,n,r,i){let a=`Majority ${r} of a cell`;if(n===null)return Ut(a,i);let o=Rt(n,e.classes?.length??null),s=N(t,n),c=o.named.map(({index:t,colour:n})=>({label:x(e,t),colour:n}));return o.unknown&&c.push({label:`unknown`,colour:U}),o.others>0&&c.push({label:`${o.others} other`,colour:U}),{legend:{kind:`classes`,title:a,pointTitle:`Each sample's own ${r}`,entries:c},cells:qt(t,e=>K(o.colourOf(s.index[e]))),sample:e=>K(o.colourOf(n[e]))}}function Ut(e,t){let n=`No ${t} were recorded in this run.`;return{...Bt,legend:{kind:`missing`,title:e,reason:n}}}function Wt(e,t){let n=`Purity: share of the majority class`,r=e.labels??e.predictions;if(r===null)return Ut(n,`labels or predictions`);let{share:i}=N(t,r);return q(t,{kind:`scale`,title:n,low:`0%`,high:`100%`},e=>i[e])}function Gt(e){return q(e,{kind:`scale`,title:`Cosine of icon and mean`,low:`0`,high:`1`},t=>e.cosine[t])}function Kt(e){let t=e.counts.reduce((e,t)=>Math.max(e,t),1);return q(e,{kind:`scale`,title:`Samples in a cell`,low:`0`,high:t.toLocaleString(`en`)},n=>e.counts[n]/t)}function q(e,t,n){let r=e=>{let t=n(e)??NaN;return Number.isNaN(t)?null:Ft(t)};return{legend:t,cells:qt(e,r),sample:t=>{let n=e.cellOf[t];return n<0?null:r(n)}}}function qt(e,t){let n=e.rows.length,r=new Uint8Array(4*n);for(let e=0;e<n;e++){let n=t(e);n!==null&&r.set([...n,255],4*e)}return r}var Jt=110,Yt={light:[96,96,96],dark:[190,190,190]};function Xt(e,t,n,r,i){let a=new Uint8Array(4*e.count),o=Yt[i?`dark`:`light`];for(let i=0;i<e.count;i++){let e=t.cellOf[i]<0;if(r===`icons`&&!e)continue;let s=r===`icons`?Jt:255;a.set([...n.sample(i)??o,s],4*i)}return a}var J={xy:0,colour:1},Zt=5,Qt=`#version 300 es
layout(location = ${J.xy}) in vec2 aWorld;
layout(location = ${J.colour}) in vec4 aColour;
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
}`,$t=`#version 300 es
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
}`,en=class{gl;#e;#t=new Map;constructor(e){this.gl=e,this.#e=f(e,Qt,$t)}draw({scene:e,weight:t,travel:n},r){let{pointColours:i}=e;if(i===null)return;let{gl:a}=this,{uniform:o}=this.#e,{camera:c,viewport:l,ratio:u,ground:d}=r,f=C(c,l,{x:0,y:0}),p=s(c);a.useProgram(this.#e.program),a.blendFunc(a.ONE,a.ONE_MINUS_SRC_ALPHA),a.uniform2f(o(`uOrigin`),f.x*u,f.y*u),a.uniform1f(o(`uSide`),S(c,l)*u),a.uniform2f(o(`uViewport`),a.drawingBufferWidth,a.drawingBufferHeight),a.uniform1f(o(`uDiameter`),p*u+1),a.uniform1f(o(`uRing`),p>=Zt?u:0),a.uniform3f(o(`uGround`),d[0]/255,d[1]/255,d[2]/255),a.uniform1f(o(`uWeight`),t);let m=this.#n(e.atlas);a.bindVertexArray(m.vertices);let h=n?.points??e.atlas.xy;m.placed!==h&&(m.placed=h,a.bindBuffer(a.ARRAY_BUFFER,m.places),a.bufferData(a.ARRAY_BUFFER,h,a.DYNAMIC_DRAW)),m.painted!==i&&(m.painted=i,a.bindBuffer(a.ARRAY_BUFFER,m.colours),a.bufferData(a.ARRAY_BUFFER,i,a.DYNAMIC_DRAW)),a.drawArrays(a.POINTS,0,e.atlas.count),a.bindVertexArray(null)}prune(e){let t=new Set(e.map(({scene:e})=>e.atlas));for(let[e,{vertices:n,places:r,colours:i}]of this.#t)t.has(e)||(this.gl.deleteVertexArray(n),this.gl.deleteBuffer(r),this.gl.deleteBuffer(i),this.#t.delete(e))}#n(e){let t=this.#t.get(e);if(t===void 0){let{gl:n}=this,r=n.createVertexArray(),i=n.createBuffer(),a=n.createBuffer();n.bindVertexArray(r),n.bindBuffer(n.ARRAY_BUFFER,i),n.enableVertexAttribArray(J.xy),n.vertexAttribPointer(J.xy,2,n.FLOAT,!1,0,0),n.bindBuffer(n.ARRAY_BUFFER,a),n.enableVertexAttribArray(J.colour),n.vertexAttribPointer(J.colour,4,n.UNSIGNED_BYTE,!0,0,0),t={vertices:r,places:i,colours:a,placed:null,painted:null},this.#t.set(e,t)}return t}},tn=4,nn=[.002,.05,1],rn=10,an=400,on=12,sn=class{element;listener;#e=new Map;#t=null;#n=!1;#r=null;constructor(e,t){this.element=e,this.listener=t,e.addEventListener(`pointerdown`,e=>this.#a(e)),e.addEventListener(`pointermove`,e=>this.#o(e)),e.addEventListener(`pointerup`,e=>this.#l(e)),e.addEventListener(`pointercancel`,e=>this.#l(e)),e.addEventListener(`pointerleave`,()=>t.hover(null)),e.addEventListener(`wheel`,e=>this.#d(e),{passive:!1})}#i(e){let t=this.element.getBoundingClientRect();return{x:e.clientX-t.left,y:e.clientY-t.top}}#a(e){e.button===0&&(this.element.setPointerCapture(e.pointerId),this.#e.set(e.pointerId,this.#i(e)),this.#e.size===1?this.#t=this.#i(e):this.#c())}#o(e){let t=this.#i(e),n=this.#e.get(e.pointerId);if(n===void 0){e.pointerType!==`touch`&&this.listener.hover(t);return}let r=this.#t??t;if(!this.#n&&Math.hypot(t.x-r.x,t.y-r.y)<tn)return;this.#c();let i=[...this.#e].find(([t])=>t!==e.pointerId)?.[1];this.#e.set(e.pointerId,t),i===void 0?this.listener.pan(n.x-t.x,n.y-t.y):this.#s(i,n,t)}#s(e,t,n){let r=t=>Math.max(1,Math.hypot(t.x-e.x,t.y-e.y)),i={x:(n.x+e.x)/2,y:(n.y+e.y)/2};this.listener.pan((t.x-n.x)/2,(t.y-n.y)/2),this.listener.zoom(i,r(n)/r(t))}#c(){this.#n||(this.#n=!0,this.listener.drag(!0))}#l(e){if(!this.#e.delete(e.pointerId)||this.#e.size>0)return;let t=this.#n;this.#n=!1,this.#t=null,t?this.listener.drag(!1):e.type===`pointerup`&&this.#u(e)}#u(e){let t=this.#i(e),n=this.#r,r=n!==null&&e.timeStamp-n.time<an&&Math.hypot(t.x-n.at.x,t.y-n.at.y)<on;this.#r=r?null:{at:t,time:e.timeStamp},r?this.listener.doubleClick(t,e.shiftKey):this.listener.click(t)}#d(e){e.preventDefault();let t=nn[e.deltaMode]*(e.ctrlKey?rn:1);this.listener.zoom(this.#i(e),2**(-e.deltaY*t))}},Y=1.5,cn=new Map([[`ArrowLeft`,[-1,0]],[`ArrowRight`,[1,0]],[`ArrowUp`,[0,-1]],[`ArrowDown`,[0,1]]]),ln=new Map([[`+`,{do:`zoom`,factor:Y}],[`=`,{do:`zoom`,factor:Y}],[`-`,{do:`zoom`,factor:1/Y}],[`_`,{do:`zoom`,factor:1/Y}],[`0`,{do:`fit`}],[`,`,{do:`step`,by:-1}],[`.`,{do:`step`,by:1}],[` `,{do:`play`}],[`Enter`,{do:`pin`}],[`j`,{do:`events`}],[`d`,{do:`drift`}],[`f`,{do:`filter`}],[`m`,{do:`motion`}],[`c`,{do:`compare`}],[`x`,{do:`swap`}],[`[`,{do:`mark`}],[`b`,{do:`flip`}],[`Escape`,{do:`escape`}],[`?`,{do:`help`}]]);function un(e){if(e.ctrlKey||e.altKey||e.metaKey)return null;let t=cn.get(e.key);return t===void 0?/^[1-5]$/.test(e.key)?{do:`level`,index:Number(e.key)-1}:ln.get(e.key)??null:{do:e.shiftKey?`pan`:`cursor`,dx:t[0],dy:t[1]}}var dn=60,fn=80,pn=2,mn=class{map;session;player;#e=!1;#t=null;#n=null;#r;constructor(t,n,r){this.map=t,this.session=n,this.player=r,new sn(t,{pan:(n,r)=>this.#a(e(this.#i,t.viewport,n,r)),zoom:(e,n)=>this.#a(le(this.#i,t.viewport,e,n)),click:e=>this.#s(e),doubleClick:(e,r)=>{n.store.set({pinned:this.#n});let i=r?1/pn:pn;t.flyTo(le(t.goal,t.viewport,e,i))},hover:e=>this.#c(e),drag:e=>this.#o(e)}),t.addEventListener(`keydown`,e=>{let t=un(e);t!==null&&(e.preventDefault(),this.#d(t))}),t.addEventListener(`keyup`,({key:e})=>{e===`b`&&k(n,!1)})}decorate(e,t,n,r){let{scene:i,viewport:a}=this.map;if(i===null)return;let{camera:o,hover:s,pinned:c,dark:l,colour:u}=this.session.store.state,{labels:d,predictions:f}=i.atlas,p=u===`prediction`?f:d??f;Be(e,{camera:o,viewport:a,ratio:t,atlas:i.atlas,level:i.level,values:i.tiles&&r?p:null,hover:s,pinned:c,theme:g[l?`dark`:`light`],layers:n})}get#i(){return this.session.store.state.camera}#a(e){this.map.moveTo(e),!this.#e&&this.#t!==null&&this.#c(this.#t)}#o(e){this.#e=e,this.map.classList.toggle(`dragging`,e),e&&this.#l(null)}#s(e){let{store:t}=this.session,n=this.#u(e);this.#n=t.state.pinned,n!==null&&t.set({pinned:n,hover:null})}#c(e){this.#t=e,this.#e||this.#l(e&&this.#u(e))}#l(e){clearTimeout(this.#r);let{store:t}=this.session;u(e,t.state.hover)||(this.#r=setTimeout(()=>t.set({hover:e}),dn))}#u(e){let{scene:t,viewport:n}=this.map;if(t===null)return null;let r=b(this.#i,n,e),{size:i}=t.level,a=Math.floor(r.y*i),o=Math.floor(r.x*i);return _(t.level,a,o)<0?null:{size:i,row:a,col:o}}#d(t){let{map:n,session:r}=this,{store:i}=r;switch(t.do){case`cursor`:this.#m(t.dx,t.dy);break;case`pan`:n.flyTo(e(n.goal,n.viewport,fn*t.dx,fn*t.dy));break;case`zoom`:n.zoomBy(t.factor);break;case`fit`:n.fit();break;case`level`:this.#h(t.index);break;case`step`:this.player.stepBy(t.by);break;case`play`:this.player.toggle();break;case`pin`:i.state.hover&&i.set({pinned:i.state.hover,hover:null});break;case`escape`:this.#p();break;case`help`:i.set({help:!0});break;default:this.#f(t.do)}}#f(e){let{session:t}=this,{eventList:n,drift:r,travel:i,step:a,filterOpen:o}=t.store.state;switch(e){case`events`:t.store.set({eventList:!n});break;case`filter`:t.store.set({filterOpen:!o});break;case`drift`:t.store.set({drift:!r});break;case`motion`:t.store.set({travel:!i});break;case`compare`:Oe(t);break;case`swap`:Ae(t);break;case`mark`:ke(t,a);break;case`flip`:k(t,!0)}}#p(){let{hover:e,pinned:t}=this.session.store.state,n=e===null&&t===null;this.session.store.set(n?{highlight:null}:{hover:null,pinned:null})}#m(e,t){let n=this.map.scene?.level;if(n===void 0)return;let{hover:r,pinned:i,camera:a}=this.session.store.state,o=[r,i].find(e=>e?.size===n.size),s=o?Re(n,o.row,o.col,e,t):hn(n,a);s!==null&&(clearTimeout(this.#r),this.session.store.set({hover:{size:n.size,...s}}),this.map.flyTo(ae(this.map.goal,this.map.viewport,n.size,s.row,s.col)))}#h(e){let{atlas:t,level:n}=this.session.store.state,r=t?.levels[e]?.size;r!==void 0&&this.session.store.set({level:n===r?`auto`:r})}};function hn(e,{x:t,y:n}){let r=null,i=1/0;return e.rows.forEach((a,o)=>{let s=e.cols[o],c=Math.hypot((s+.5)/e.size-t,(a+.5)/e.size-n);c>=i||(i=c,r={row:a,col:s})}),r}var gn=class{#e;#t=()=>[];constructor(e,t,n){this.#e=new mn(e,t,n)}colour(e,t,{colour:n,show:r,dark:i}){let a=Vt(e,t,n);return{cellColours:a.cells,pointColours:Xt(e,t,a,r,i)}}createPoints(e){return new en(e)}set layers(e){this.#t=e}decorate(e,t){let n=this.#t();this.#e.decorate(e,t,n,n.length===0)}},_n=oe` .panel{background:var(--raised);border-radius:8px;box-shadow:var(--shadow);line-height:1.4;}.muted{color:var(--muted);}.panel h2,.message h2{font-size:15px;font-weight:500;margin:0;}.panel h3{display:flex;justify-content:space-between;gap:8px;font-size:12px;font-weight:500;margin:0 0 6px;}.panel h3 .muted{font-weight:400;}.panel p{margin:0;}.number{font-variant-numeric:tabular-nums;}.map-buttons{position:absolute;right:16px;bottom:16px;display:flex;flex-direction:column;background:var(--raised);border-radius:6px;box-shadow:var(--shadow);}.map-buttons .icon-button{width:36px;height:36px;border-radius:6px;}.map-buttons .icon-button + .icon-button{border-top:1px solid var(--line);border-radius:0 0 6px 6px;}.button{height:32px;padding:0 16px;border-radius:4px;border:1px solid var(--line);background:var(--surface);font-weight:500;}.button:hover{background:var(--control);}.card{position:absolute;width:320px;padding:12px;display:flex;flex-direction:column;gap:12px;pointer-events:none;z-index:3;}.card-top{display:flex;gap:12px;}.big-icon{display:block;flex:none;border-radius:6px;overflow:hidden;background:var(--control);}.big-icon.none{display:grid;place-items:center;color:var(--muted);font-size:12px;}.card .big-icon{width:128px;height:128px;}.card-facts{display:flex;flex-direction:column;gap:8px;min-width:0;padding-top:4px;}.headline strong{display:block;font-size:16px;font-weight:500;font-variant-numeric:tabular-nums;}.icon-line{display:flex;flex-wrap:wrap;gap:2px 10px;color:var(--muted);}.weak{padding:0 6px;border-radius:8px;border:1px solid currentColor;color:var(--bad);font-size:11px;line-height:16px;}.patches{display:grid;grid-template-columns:repeat(6,1fr);gap:4px;}.patch,.whole{display:block;aspect-ratio:1;background:var(--control);border-radius:4px;overflow:hidden;}atlas-crop canvas{display:block;width:100%;height:100%;}.bars{list-style:none;margin:0;padding:0;display:grid;gap:3px;}.bars li{display:grid;grid-template-columns:minmax(0,92px) 1fr 40px;gap:8px;align-items:center;}.bars .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;}.bars .number{text-align:right;}.meter{height:8px;border-radius:2px;background:var(--control);overflow:hidden;}.meter i{display:block;height:100%;border-radius:2px;}.bars + .muted{margin-top:4px;font-size:12px;}.whereabouts{font-size:12px;border-top:1px solid var(--line);padding-top:8px;overflow-wrap:anywhere;}.inspector{position:absolute;top:12px;right:12px;bottom:12px;width:320px;max-width:calc(100% - 24px);padding:12px 16px 16px;display:flex;flex-direction:column;gap:14px;overflow:auto;z-index:2;}.stage:has(.inspector) .map-buttons{right:348px;}atlas-minimap{position:absolute;right:64px;bottom:16px;width:108px;height:108px;overflow:hidden;cursor:crosshair;touch-action:none;}atlas-minimap canvas{display:block;width:100%;height:100%;}.stage:has(.inspector) atlas-minimap{right:396px;}.inspector-head{display:flex;align-items:center;justify-content:space-between;margin-right:-8px;}.inspector .big-icon{width:164px;height:164px;}.patches.wide{grid-template-columns:repeat(4,1fr);gap:6px;margin-bottom:8px;}.patch-button{border-radius:4px;}.patch-button:hover{box-shadow:0 0 0 2px var(--line);}.patch-button[aria-pressed='true']{box-shadow:0 0 0 2px var(--accent);}figure{margin:0;}.whole{background:none;}figcaption{margin-top:4px;font-size:12px;}.left-column{position:absolute;inset:12px auto 12px 12px;width:min(460px,calc(100% - 90px));display:flex;flex-direction:column;align-items:flex-start;gap:8px;z-index:1;pointer-events:none;}.left-column *{pointer-events:auto;}.left-column .legends{display:grid;justify-items:start;gap:8px;margin-top:auto;pointer-events:none;}.legend{padding:8px 12px;max-width:100%;display:grid;gap:8px;}summary{font-size:12px;font-weight:500;min-height:24px;line-height:24px;cursor:pointer;}summary + *{margin-top:4px;}.swatches{list-style:none;margin:4px 0 0;padding:0;display:grid;grid-template-columns:repeat(3,auto);justify-content:start;gap:2px 20px;max-height:180px;overflow:auto;}.swatches li{display:flex;align-items:center;gap:8px;}.swatches i{width:12px;height:12px;flex:none;border-radius:3px;box-shadow:inset 0 0 0 1px #0000002e;}.scale{display:flex;align-items:center;gap:8px;font-variant-numeric:tabular-nums;}.scale i{flex:1;min-width:140px;height:10px;border-radius:2px;}.provenance{font-size:12px;font-variant-numeric:tabular-nums;}.veil{position:absolute;inset:0;display:grid;place-items:center;padding:24px;overflow:auto;background:color-mix(in srgb,var(--ground) 94%,transparent);z-index:4;}.message{max-width:480px;display:grid;gap:12px;justify-items:start;overflow-wrap:anywhere;}.message.fault{border-left:3px solid var(--bad);padding:4px 0 4px 20px;}.message.wide{max-width:680px;}.message h2{font-size:20px;font-weight:400;}.message p{margin:0;line-height:1.55;}pre{margin:0;width:100%;padding:12px 16px;border-radius:6px;background:var(--surface);border:1px solid var(--line);overflow:auto;}code{font:12.5px/1.6 'Roboto Mono',ui-monospace,monospace;}.request{font-size:12px;}.banners{display:grid;gap:8px;}.banner{margin:0;padding:8px 12px;border-radius:6px;background:var(--raised);border-left:3px solid var(--accent);box-shadow:var(--shadow);}.link{color:var(--accent);text-decoration:underline;padding:4px;}.help{border:0;padding:0;color:inherit;width:min(600px,calc(100% - 48px));max-height:calc(100% - 48px);}.help::backdrop{background:#00000066;}.help-body{padding:12px 24px 24px;display:grid;gap:14px;}.reading{margin:0;padding:0;list-style:none;display:grid;gap:10px;line-height:1.5;}.help h3{margin:4px 0 0;}dl{margin:0;display:grid;grid-template-columns:max-content 1fr;gap:6px 20px;}dt{font:12px/1.5 'Roboto Mono',ui-monospace,monospace;color:var(--muted);}dd{margin:0;}`;function vn(e,t){let{activationsKind:n,channels:i}=e.manifest,a=e.count;switch(n){case`float16`:return X(yn(t.half(`values`,a,i)),a,i);case`uint8`:{let e=t.uint8(`codes`,a,i),n=t.float32(`scale`,i),r=t.float32(`offset`,i);return X(Float32Array.from(e,(e,t)=>e*n[t%i]+r[t%i]),a,i)}case`pca`:{let e=t.shape(`axes`)[0]??0;return X(yn(t.half(`scores`,a,e)),a,e)}default:throw new r(`activations of kind ${n}`)}}function yn(e){return Float32Array.from(e,ce)}function X(e,t,n){let r=new Float32Array(n);for(let i=0;i<n;i++){let a=0,o=0;for(let r=0;r<t;r++){let t=e[r*n+i];Number.isFinite(t)&&(a+=t,o+=1)}r[i]=o>0?a/o:0}return{width:n,values:e,mean:r}}function bn(e,t,n){let{width:r,values:i,mean:a}=e,o=(e,t)=>i[e*r+t]-a[t],s=new Float64Array(r);for(let e of t)for(let t=0;t<r;t++){let n=o(e,t);Number.isFinite(n)&&(s[t]=s[t]+n)}return F(t,n,e=>{let t=0,n=0;for(let i=0;i<r;i++){let r=o(e,i);t+=r*s[i],n+=r*r}return-t/Math.sqrt(n)})}var xn=class{arrived;#e=new Map;#t=new WeakMap;constructor(e){this.arrived=e}nearest(e,t,n,r,i){let a=this.#e.get(e);a===void 0&&i&&this.#n(e);let o=typeof a==`object`?`activation`:`map`,s=this.#t.get(t)??new Map;this.#t.set(t,s);let c=`${n}/${r}/${o}`,l=s.get(c);if(l===void 0){let i=A(t,n);l={samples:typeof a==`object`?bn(a,i,r):Le(e.xy,i,r),by:o},s.set(c,l)}return l}async#n(e){this.#e.set(e,`loading`);for(let e of[...this.#e.keys()].slice(0,-2))this.#e.delete(e);try{let t=await re(e.series,e.step);this.#e.set(e,vn(e,t))}catch{this.#e.set(e,`failed`)}this.arrived()}};function Sn(e,t,n){let r=t.placeOf.get(e.imageIds[n]);if(r===void 0)return null;let{tile:i,columns:a,inputSize:o,thumbSize:s}=t.manifest,c=r%(a*a),l=c%a*i,u=Math.floor(c/a)*i,[d=0,f=0,p=0,m=0]=e.boxes.subarray(4*n,4*n+4),h=Cn(d,p,o[0],s[0]),g=Cn(f,m,o[1],s[1]);return{page:Math.floor(r/(a*a)),image:{x:l,y:u,width:s[1],height:s[0]},patch:{x:l+g.start,y:u+h.start,width:g.length,height:h.length}}}function Cn(e,t,n,r){let i=r/n,a=Math.min(r-1,Math.max(0,e*i));return{start:a,length:Math.min(r,Math.max(a+1,t*i))-a}}var wn=5,Tn={none:`No icon`,examples:`Nearest real patch`,preview:`Preview`,inversion:`Feature inversion`,poster:`Feature inversion, poster quality`};function En({session:e,atlas:t,level:n,facts:r}){let i=c(n,r.cell),a=i&&e.pages.icons(t,n).pages[i.page];if(!i||!a)return w`<div class="big-icon none">no icon</div>`;let{x:o,y:s,side:l}=i;return w`<atlas-crop
class="big-icon"
role="img"
aria-label="Icon of the cell"
.crop=${{picture:a,rect:{x:o,y:s,width:l,height:l}}}
></atlas-crop>`}function Dn({facts:e}){return w`<div class="headline">
<strong>${p(e.count,`sample`)}</strong>
<span class="muted">${l(e.share)} of the map</span>
</div>`}function On({facts:e}){if(e.kind===`none`)return y;let t=e.cosine!==null&&e.cosine<.3;return w`<div class="icon-line">
${Tn[e.kind]}${e.cosine===null?y:w`<span
class="number"
title="Cosine between what the layer answers to this picture and the cell's mean, both relative to the layer's mean. 1 is a perfect likeness."
>cosine ${o(e.cosine)}</span
>${t?w`<span
class="weak"
title="Below ${o(Me)} the picture says little about the cell: trust the real patches."
>weak</span
>`:y}`}
</div>`}function kn({atlas:e,facts:t}){if(t.mixOf===null)return w`<p class="muted">No labels or predictions were recorded in this run.</p>`;let n=Rt(t.mixOf===`labels`?e.labels:e.predictions,e.classes?.length??null),r=t.mix.length-wn;return w`<section>
<h3>${t.mixOf===`labels`?`Labels`:`Predictions`}</h3>
<ul class="bars">
${t.mix.slice(0,wn).map(({index:t,share:r,count:i})=>w`<li title=${p(i,`sample`)}>
<span class="name">${E(x(e,t),40)}</span>
<span class="meter"
><i style="width:${100*r}%;background:${n.colourOf(t)}"></i
></span>
<span class="number">${l(r)}</span>
</li>`)}
</ul>
${r>0?w`<p class="muted">and ${i(r)} more</p>`:y}
</section>`}function An({state:e,atlas:t,level:n,facts:r}){let a=O(e);if(a===null||a===t||$e(a,t)!==null)return y;let{from:o,to:s,beyond:c}=it(a,t,n),u=2*r.cell,d=Math.hypot(s[u]-o[u],s[u+1]-o[u+1]),f=c?.[r.cell];return w`<p>
Moved ${l(d)} of the map's side since step ${i(a.step)}${f===void 0?y:w`; ${l(f)} of its samples more than chance`}.
</p>`}function jn({atlas:e,facts:t}){return w`<p class="muted whereabouts">
Row ${t.row+1}, column ${t.col+1} of ${t.size} × ${t.size} ·
${E(e.manifest.layer,40)} · step ${i(e.step)}
</p>`}function Mn(e,t){let{state:n,session:r,evidence:i,atlas:a,level:o,facts:s}=e,c=n.settled&&!n.playing,l=i.nearest(a,o,s.cell,t,c),{probe:u}=n;return{nearest:l,list:l.samples.map(e=>{let t=u&&Sn(a,u,e);return{sample:e,cut:t,picture:u&&t?r.pages.thumbs(u.run,u,t.page):null}})}}function Nn({state:e,atlas:t}){let{run:n,runs:r}=e;return n&&Dt(r,n)===null?`The pictures of the probe are not in this run.`:e.probeFailure?`The pictures of the probe: ${e.probeFailure.message}`:e.probe&&e.probe.manifest.digest!==t.manifest.probeDigest?`This step was made from another probe than the pictures in this run.`:null}function Pn({by:e}){let[t,n]=e===`activation`?[`by activation`,`Cosine to the cell's mean, relative to the layer's mean.`]:[`by place on the map`,`Distance on the map; activations are not here yet.`];return w`<span class="muted" title=${n}>${t}</span>`}function Fn(e,t){let n=e.labels?.[t],r=e.predictions?.[t],i=[`image ${e.imageIds[t]}`];return n!==void 0&&i.push(E(x(e,n),40)),r!==void 0&&r!==n&&i.push(`predicted ${E(x(e,r),40)}`),i.join(`, `)}var Z=320,In=404,Ln=10,Q=8;function Rn(e,t){let n=e.x+e.side+Ln,r=e.x-Ln-Z,i=n+Z+Q<=t.width||r<Q?n:r,a=(e,t)=>Math.max(Q,Math.min(e,t-Q));return{left:a(i,t.width-Z),top:a(e.y+e.side/2-In/2,t.height-In)}}var zn=6;function Bn(e,t,n){let{left:r,top:i}=Rn(t,n);return w`<aside
class="card panel"
data-row=${e.facts.row}
data-col=${e.facts.col}
style="left:${r}px;top:${i}px"
aria-label="Cell under the cursor"
>
<div class="card-top">
${En(e)}
<div class="card-facts">${Dn(e)} ${On(e)}</div>
</div>
${Vn(e)} ${kn(e)} ${An(e)} ${jn(e)}
</aside>`}function Vn(e){let t=Nn(e);if(t!==null)return w`<p class="muted">${t}</p>`;let{nearest:n,list:r}=Mn(e,zn);return w`<section>
<h3>Nearest real patches ${Pn(n)}</h3>
<div class="patches">
${r.map(({cut:e,picture:t})=>w`<atlas-crop
class="patch"
.crop=${e&&t?{picture:t,rect:e.patch}:null}
></atlas-crop>`)}
</div>
</section>`}var Hn=2,Un=class extends HTMLElement{#e=document.createElement(`canvas`);#t=null;set crop(e){let t=this.#t;this.#t=e,t?.picture===e?.picture&&Wn(t?.rect,e?.rect)||this.#n()}connectedCallback(){this.childElementCount>0||(this.append(this.#e),new ResizeObserver(()=>this.#n()).observe(this))}#n(){let{clientWidth:e,clientHeight:t}=this;if(e===0||t===0)return;let n=Math.min(Hn,devicePixelRatio||1);this.#e.width=Math.round(e*n),this.#e.height=Math.round(t*n);let r=this.#e.getContext(`2d`),i=this.#t;if(r===null||i===null)return;let{picture:a,rect:o,box:s}=i,c=Math.min(this.#e.width/o.width,this.#e.height/o.height),l=(this.#e.width-c*o.width)/2,u=(this.#e.height-c*o.height)/2;if(r.imageSmoothingQuality=`high`,r.drawImage(a,o.x,o.y,o.width,o.height,l,u,c*o.width,c*o.height),s!==void 0){r.setTransform(c,0,0,c,l-c*o.x,u-c*o.y);for(let[e,t]of[[`#000`,4],[`#fff`,2]])r.strokeStyle=e,r.lineWidth=t*n/c/1.5,r.strokeRect(s.x,s.y,s.width,s.height)}}};function Wn(e,t){return e===t||e?.x===t?.x&&e?.y===t?.y&&e?.width===t?.width&&e?.height===t?.height}customElements.define(`atlas-crop`,Un);var Gn=[[`Arrows`,`move to the next cell`],[`Enter / Esc`,`pin the cell / unpin`],[`Shift + arrows`,`pan (or drag)`],[`+  −`,`zoom (or wheel, pinch, double click)`],[`0`,`the whole map`],[`1 … 5`,`hold one grid; again to follow the zoom`],[`,  .`,`previous, next step`],[`Space`,`play or pause`],[`j`,`what happened in the run`],[`m`,`moving map or fixed map`],[`c`,`compare with the step before, or end it`],[`[  x`,`take this step as A; swap A and B (Shift + click on the line takes A)`],[`b (held)`,`show A instead of B`],[`f`,`ask about a class: where it is on top, what speaks for it`],[`d`,`drift: where cells moved since the step before`]];function Kn(e){queueMicrotask(()=>{e instanceof HTMLDialogElement&&e.isConnected&&!e.open&&e.showModal()})}function qn(e){return w`<dialog
class="help panel"
aria-labelledby="help-title"
${ge(Kn)}
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
${Gn.map(([e,t])=>w`<dt>${e}</dt><dd>${t}</dd>`)}
</dl>
</div>
</dialog>`}var Jn=12;function Yn(e,t,n,r=y){return w`<aside class="inspector panel" aria-label="Pinned cell">
<div class="inspector-head">
<h2>Pinned cell</h2>
${v({icon:`close`,name:`Unpin`,key:`Esc`,press:n})}
</div>
${e===null?w`<p class="muted">
No cell is drawn at the pinned place: too few samples lie there at this step or on this
grid.
</p>`:w`<div class="card-top">
${En(e)}
<div class="card-facts">${Dn(e)} ${On(e)}</div>
</div>
${kn(e)} ${r} ${An(e)}
${Ct(e)} ${Xn(e,t)} ${jn(e)}`}
</aside>`}function Xn(e,t){let n=Nn(e);if(n!==null)return w`<p class="muted">${n}</p>`;let{nearest:r,list:i}=Mn(e,Jn),a=i.find(({sample:e})=>e===t.sample);return w`<section>
<h3>Nearest real patches ${Pn(r)}</h3>
<div class="patches wide">${i.map(n=>Zn(e,n,t))}</div>
${a?Qn(e,a):w`<p class="muted">Click a patch for its image.</p>`}
</section>`}function Zn({atlas:e},{sample:t,cut:n,picture:r},i){let a=t===i.sample,o=Fn(e,t);return w`<button
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
</button>`}function Qn({atlas:e},{sample:t,cut:n,picture:r}){return!n||!r?y:w`<figure>
<atlas-crop class="whole" .crop=${{picture:r,rect:n.image,box:n.patch}}></atlas-crop>
<figcaption class="muted">${Fn(e,t)}</figcaption>
</figure>`}function $n(e,t,n,r,i){return w`<aside class="legend panel" aria-label="Legend">
${n.kind===`none`?y:w`<details ?open=${i}>
<summary>${er(n,r)}</summary>
${tr(n)}
</details>`}
<p class="provenance muted" title=${ir(e)}>${nr(e,t)}</p>
</aside>`}function er(e,t){return e.kind!==`classes`||t===`icons`?e.title:t===`points`?e.pointTitle:`${e.title}; points: ${e.pointTitle.toLowerCase()}`}function tr(e){switch(e.kind){case`missing`:return w`<p>${e.reason}</p>`;case`classes`:return w`<ul class="swatches">
${e.entries.map(({label:e,colour:t})=>w`<li><i style="background:${t}"></i>${E(e,24)}</li>`)}
</ul>`;case`scale`:return w`<div class="scale">
<span>${e.low}</span>
<i style="background:${It}"></i>
<span>${e.high}</span>
</div>`}}function nr(e,t){let{settings:n,trustworthiness:r}=e.manifest,a=n.raw(`neighbors`),s=n.raw(`min_dist`);return[`${i(e.count)} samples`,`${t.size} × ${t.size}`,typeof a==`number`&&typeof s==`number`?`UMAP ${a}/${s}`:``,rr(t),r===null?``:`trust ${o(r)}`,e.overlap===null?``:`kept ${o(ar(e.overlap))}`].filter(Boolean).join(` · `)}function rr(e){let{kinds:t,weak:n}=Ie(e),[r,...a]=t;return r===void 0?``:[...a.length?t.map(([e,t])=>`${i(t)} ${e}`):[r[0]],...n?[`${i(n)} weak`]:[]].join(`, `)}function ir(e){let{manifest:t}=e;return[`Model ${E(t.model,80)}, ${i(t.channels)} channels`,`UMAP: neighbours / least distance`,`weak: icons with a cosine under ${o(Me)}, which say little of their cell`,`trust: share of map neighbours that are true neighbours, 1 is best`,...e.overlap===null?[]:[`kept: share of a sample's neighbours in the layer that it had at the step before, too`],...t.effectiveRank===null?[]:[`Effective rank ${t.effectiveRank.toFixed(1)}: directions that the layer uses`],...t.notes.slice(0,5).map(e=>E(e,200))].join(`
`)}function ar(e){return e.reduce((e,t)=>e+t,0)/Math.max(1,e.length)}var or=`from tensorboard_plugin_atlas import AtlasWriter

atlas = AtlasWriter("runs/exp1", model, layers=["layer3"], probe=val_set)
...
atlas.add_atlas(step)      # in the training loop, once a checkpoint`;function sr(e){return w`<section class="veil">
<div class="message wide">
<h2>No atlas in this log directory yet</h2>
<p>
An activation atlas is a map of what one layer of an image network sees: thousands of its
answers laid out so that alike lie together, each square drawn as a picture of what it stands
for. These lines log one at every checkpoint:
</p>
<pre><code>${or}</code></pre>
<p>
Already logging? Check that <code>tensorboard --logdir</code> names the folder that
<code>AtlasWriter</code> writes to, or a folder above it; atlases lie in its subfolder
<code>atlas</code>. <code>tensorboard-atlas inspect LOGDIR</code> lists what is there, and
<code>tensorboard-atlas demo</code> makes an example to look at.
</p>
<button type="button" class="button" @click=${e}>Look again</button>
</div>
</section>`}function cr(e,t){return w`<section class="veil">
<div class="message fault">
<h2>The atlases cannot be listed</h2>
<p>${e.message}</p>
${dr(e)}
<button type="button" class="button" @click=${t}>Retry</button>
</div>
</section>`}function lr(e,t,n){let{title:r,advice:i}=ur(e??0,t);return w`<section class="veil" data-failure=${t.kind}>
<div class="message fault">
<h2>${r}</h2>
<p>${t.message}</p>
<p class="muted">${i}</p>
${dr(t)}
<button type="button" class="button" @click=${n}>Retry</button>
</div>
</section>`}function ur(e,{kind:t}){let n=`Step ${i(e)}`;switch(t){case`damaged`:return{title:`${n} is damaged`,advice:`Its stored bytes are not what was written. The other steps are not affected.`};case`too_new`:return{title:`${n} is from a newer version`,advice:`Upgrade tensorboard_plugin_atlas here to see it. The other steps are not affected.`};case`not_found`:return{title:`${n} is no longer kept`,advice:`TensorBoard thins long series. Reload, or keep more with --atlas_samples.`};default:return{title:`${n} could not be loaded`,advice:`The other steps can be tried.`}}}function dr({request:e,status:t}){return w`<p class="request muted">
Request <code>${e}</code>${t===null?y:w`, status ${t}`}
</p>`}function fr({renderer:e,sheetFailure:t},n){let r=[t&&w`<p class="banner">
Icons of this grid cannot be shown: ${t.message}
<button type="button" class="link" @click=${n}>Retry</button>
</p>`,e===`canvas`&&w`<p class="banner">
This browser offers no WebGL2: the map is drawn more slowly, without blended crossfades.
</p>`,e===`none`&&w`<p class="banner">This browser offers no canvas: the map cannot be drawn.</p>`].filter(Boolean);return r.length===0?y:w`<div class="banners">${r}</div>`}var pr=332,mr=900,hr=class{session;map;update;#e;#t=null;#n=null;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new xn(n),e.pages.watch(n)}render(e,t){return w`${this.#r(e,t)}${e.help?this.#c():y}`}#r(e,t){let n=()=>this.session.retry();if(e.phase===`empty`)return sr(n);if(e.phase===`failed`&&e.failure)return cr(e.failure,n);if(e.stepFailure)return lr(e.step,e.stepFailure,n);let{shownLevel:r}=e,i=Ee(e),a=i?.levels.find(({size:e})=>e===r);return!i||!a?y:w`<div class="left-column">
${fr(e,n)}
<div class="legends">
${t.legends(e,i,a)} ${this.#i(i,a,e)}
</div>
</div>
${this.#o(e,i,t)} ${this.#a(e,i)}`}#i(e,t,{colour:n,show:r}){(this.#t?.level!==t||this.#t.mode!==n)&&(this.#t={level:t,mode:n,colours:Vt(e,t,n)});let i=this.map.viewport.width>=mr;return $n(e,t,this.#t.colours.legend,r,i)}#a(e,t){let{hover:n,pinned:r}=e,i=n&&this.#s(e,t,n);if(!n||!i||u(n,r))return y;let{width:a,height:o}=this.map.viewport,s=e.pinned===null?0:pr;return Bn(i,this.map.boxOf(n),{width:a-s,height:o})}#o(e,t,n){let{pinned:r}=e;if(r===null)return y;let i={sample:this.#n,choose:e=>{this.#n=e,this.update()}},a=()=>this.session.store.set({pinned:null}),o=this.#s(e,t,r);return Yn(o,i,a,o?n.voices(o):y)}#s(e,t,n){let r=t.levels.find(({size:e})=>e===n.size),i=r&&P(t,r,n.row,n.col);return!r||!i?null:{state:e,session:this.session,evidence:this.#e,atlas:t,level:r,facts:i}}#c(){return qn(()=>this.session.store.set({help:!1}))}};function gr(e,t){let{store:n}=t;return w`<span class="tools" role="group" aria-label="Evolution">
${v({icon:`events`,name:`Events of this run`,key:`j`,pressed:e.eventList,press:()=>n.set({eventList:!e.eventList})})}
${v({icon:`drift`,name:`Drift: where cells moved`,key:`d`,pressed:e.drift,press:()=>n.set({drift:!e.drift})})}
${v({icon:`compare`,name:`Compare two steps`,key:`c`,pressed:e.compare!==null,disabled:(e.series?.steps.length??0)<2,press:()=>Oe(t)})}
</span>`}function _r({filterOpen:e},{store:t}){return v({icon:`filter`,name:`Ask about a class`,key:`f`,pressed:e,press:()=>t.set({filterOpen:!e})})}function vr({travel:e,series:t},n){let r=(t,r,i)=>w`<label title=${i}>
<input
type="radio"
name="motion"
.checked=${e===t}
@change=${()=>n.store.set({travel:t})}
/>${r}
</label>`;return w`<span
class="segments small motion"
role="radiogroup"
aria-label="From step to step"
?hidden=${(t?.steps.length??0)<2}
>
${r(!0,`Moving map`,`Icons go where their samples go (m)`)}
${r(!1,`Fixed map`,`Icons change where they are (m)`)}
</span>`}var yr=1.5;function br(e){return w`<div class="map-buttons" role="group" aria-label="Zoom">
${v({icon:`plus`,name:`Zoom in`,key:`+`,press:()=>e.zoomBy(yr)})}
${v({icon:`minus`,name:`Zoom out`,key:`-`,press:()=>e.zoomBy(1/yr)})}
${v({icon:`fit`,name:`Show the whole map`,key:`0`,press:()=>e.fit()})}
</div>`}var xr=1.5,Sr=720,Cr=2;function wr(e,t){let n=({x:e,y:t})=>({x:Math.min(1,Math.max(0,e)),y:Math.min(1,Math.max(0,t))});return{from:n(b(e,t,{x:0,y:0})),to:n(b(e,t,{x:t.width,y:t.height}))}}function Tr(e,t){let{atlas:n,camera:r,dark:i}=e,a=n?.levels[0],{viewport:o}=t;if(!a||r.z<xr||o.width<Sr)return y;let s=n=>{if(n.buttons!==1)return;let r=n.currentTarget.getBoundingClientRect(),i=(n.clientX-r.left)/r.width,a=(n.clientY-r.top)/r.height;t.moveTo({x:i,y:a,z:e.camera.z})};return w`<atlas-minimap
class="panel"
aria-hidden="true"
title="The whole map; press to go there"
.overview=${{level:a,camera:r,viewport:o,dark:i}}
@pointerdown=${s}
@pointermove=${s}
></atlas-minimap>`}var Er=class extends HTMLElement{#e=document.createElement(`canvas`);#t=null;set overview(e){this.#t=e,this.isConnected&&this.#n()}connectedCallback(){this.childElementCount===0&&this.append(this.#e),this.#n()}#n(){let e=this.#e.getContext(`2d`);if(e===null||this.#t===null)return;let{level:t,camera:n,viewport:r,dark:i}=this.#t,a=g[i?`dark`:`light`],o=Math.min(Cr,devicePixelRatio||1),s=this.clientWidth*o;this.#e.width=s,this.#e.height=s;let c=s/t.size;e.fillStyle=`rgb(${a.neutralTile.join()})`;for(let n=0;n<t.rows.length;n++){let r=t.cols[n]*c,i=t.rows[n]*c;e.fillRect(r+1,i+1,c-2,c-2)}let{from:l,to:u}=wr(n,r);e.strokeStyle=a.accent,e.lineWidth=2*o,e.strokeRect(l.x*s+o,l.y*s+o,(u.x-l.x)*s-2*o,(u.y-l.y)*s-2*o)}};customElements.define(`atlas-minimap`,Er);var Dr=400,Or={busy:`the machine was busy`,budget:`its share of the run time was spent`,failed:`it failed, and the output of the run says why`};function kr(e,t,n,r=y){let i=e.series?.steps??[],a=i.indexOf(e.step??NaN),o=i.length<2;return w`<footer class="bar" aria-label="Steps">
<span class="transport">
${v({icon:`previous`,name:`Previous step`,key:`,`,disabled:a<=0,press:()=>n.stepBy(-1)})}
${v({icon:e.playing?`pause`:`play`,name:e.playing?`Pause`:`Play the steps`,key:`Space`,extra:`play`,disabled:o,press:()=>n.toggle()})}
${v({icon:`next`,name:`Next step`,key:`.`,disabled:a<0||a===i.length-1,press:()=>n.stepBy(1)})}
</span>
${vr(e,t)}
${Ar(e,t,i,a,r)}
${Nr(e,i,a)}
${Lr(e.history,i,a)}
${e.freshSteps>0?Br(e.freshSteps,t):y}
</footer>`}function Ar({history:e,step:t},n,r,i,a){let o=Math.max(1,r.length-1),s=e=>100*e/o,c=t===null?null:e?.steps.get(t)?.reason??null;return w`<span class="slider">
<span class="track">
<div class="done" style="width:${i<0?0:s(i)}%"></div>
${r.map((t,n)=>{let a=(e?.steps.get(t)?.status??`ok`)!==`ok`;return!a&&r.length>Dr?y:w`<i class="tick ${a?`bad`:n<=i?`passed`:``}" data-step=${t} style="left:${s(n)}%"></i>`})}
${(e?.skipped??[]).slice(0,Dr).map(e=>{let t=Math.min(o,Math.max(0,Ir(r,e.step)-.5));return w`<i
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
title=${c??``}
@pointerdown=${e=>{e.shiftKey&&n.store.set({compare:Mr(e,r),flipped:!1})}}
@input=${e=>{let t=r[Number(e.target.value)];t!==void 0&&n.chooseStep(t)}}
/>
${a}
</span>`}var jr=8;function Mr(e,t){e.preventDefault();let{left:n,width:r}=e.currentTarget.getBoundingClientRect(),i=(e.clientX-n-jr)/Math.max(1,r-16);return t[Math.round(Math.min(1,Math.max(0,i))*(t.length-1))]??null}function Nr({step:e,series:t},n,r){if(e===null||t===null)return w`<span class="moment"></span>`;let a=t.wallTimes[r],o=a===void 0?``:` · ${Pr(a)}`;return w`<span class="moment">
<strong>Step ${i(e)}</strong><br />
<span class="muted">${r+1} of ${n.length}${o}</span>
</span>`}function Pr(e){let t=new Date(1e3*e);return Number.isNaN(t.getTime())?``:t.toLocaleString(`en-GB`,{day:`numeric`,month:`short`,hour:`2-digit`,minute:`2-digit`})}var Fr=20;function Ir(e,t){let n=e.findIndex(e=>e>t);return n<0?e.length:n}function $({step:e,reason:t}){return`Step ${i(e)} was skipped: ${Or[t]??E(t,60)}`}function Lr(e,t,n){if(e===null)return y;let{logged:r,kept:a,skipped:o}=e,s=[...e.steps.values()],c=s.filter(({status:e})=>e===`damaged`),l=s.filter(({status:e})=>e===`too_new`);return r<=a&&c.length+l.length+o.length===0?y:w`<span class="note">
${r>a?w`${i(a)} of ${i(r)} logged steps kept; restart TensorBoard with
<code>--atlas_samples=${r}</code> to keep all.`:y}
${zr(c,`damaged step`)} ${zr(l,`step`,` from a newer version`)}
${Rr(o,t,n)}
</span>`}function Rr(e,t,n){if(e.length===0)return y;let r=e.find(({step:e})=>[n,n+1].includes(Ir(t,e))),i=e.slice(0,Fr).map($);return w`<span title=${i.join(`
`)}
>${r===void 0?`${p(e.length,`checkpoint`)} not computed`:$(r)}.</span
>`}function zr(e,t,n=``){if(e.length===0)return y;let r=e.slice(0,Fr).map(({step:e,reason:t})=>`step ${i(e)}: ${E(t??`no reason given`,200)}`);return w`<span class="bad" title=${r.join(`
`)}
>${p(e.length,t)}${n}.</span
>`}function Br(e,t){return w`<button type="button" class="pill" @click=${()=>t.acceptFreshSteps()}>
${p(e,`new checkpoint`)}
</button>`}var Vr=oe` .transport{display:flex;align-items:center;gap:2px;}.play{width:40px;height:40px;background:var(--accent);color:var(--on-accent);}.play:hover:not(:disabled){background:color-mix(in srgb,var(--accent),var(--text) 15%);color:var(--on-accent);}.play svg{width:24px;height:24px;}.tools{display:flex;gap:2px;}.icon-button[aria-pressed='true']{color:var(--accent);background:var(--accent-soft);box-shadow:inset 0 0 0 1px var(--accent);}.segments.small label{height:24px;padding:0 8px;font-size:12px;}.motion[hidden]{display:none;}.slider{position:relative;flex:1;min-width:120px;height:32px;}.slider input{appearance:none;position:absolute;inset:0;width:100%;height:32px;margin:0;background:none;cursor:pointer;border-radius:4px;}.slider input::-webkit-slider-thumb{appearance:none;width:16px;height:16px;border-radius:50%;background:var(--accent);border:2px solid var(--surface);box-shadow:0 0 0 1px var(--accent);}.slider input::-moz-range-thumb{width:12px;height:12px;border-radius:50%;background:var(--accent);border:2px solid var(--surface);box-shadow:0 0 0 1px var(--accent);}.track{position:absolute;left:8px;right:8px;top:15px;height:2px;border-radius:1px;background:var(--line);}.track .done{height:100%;background:var(--accent);}.tick{position:absolute;top:-4px;width:2px;height:10px;margin-left:-1px;border-radius:1px;background:var(--muted);opacity:0.55;}.tick.passed{background:var(--accent);opacity:1;}.tick.bad{background:var(--bad);opacity:1;height:14px;top:-6px;width:3px;}.tick.skipped{top:-2px;height:6px;}.moment{min-width:148px;font-variant-numeric:tabular-nums;line-height:1.35;}.moment strong{font-weight:500;font-size:14px;}.moment .muted,.note{color:var(--muted);font-size:12px;}.note{max-width:330px;line-height:1.35;}.note code{font:11.5px/1.4 'Roboto Mono',ui-monospace,monospace;white-space:nowrap;}.note .bad{color:var(--bad);}.pill{height:28px;padding:0 12px;border-radius:14px;background:var(--accent);color:var(--on-accent);font-weight:500;white-space:nowrap;}@media (max-width:720px){.note,.motion,.transport .icon-button:not(.play){display:none;}.moment{min-width:0;}}`,Hr=1e3,Ur=100,Wr=class{session;#e;constructor(e){this.session=e}stepBy(e){let{series:t,step:n}=this.session.store.state;if(t===null||n===null)return;let r=t.steps[t.steps.indexOf(n)+e];r!==void 0&&this.session.chooseStep(r)}toggle(){let{playing:e,series:t,step:n}=this.session.store.state;if(clearTimeout(this.#e),this.session.store.set({playing:!e}),e||t===null)return;let r=t.steps[0];n===t.steps.at(-1)&&r!==void 0&&this.session.chooseStep(r),this.#t(Hr)}#t(e){this.#e=setTimeout(()=>{let{busy:e,series:t,step:n,playing:r,settled:i,stepFailure:a}=this.session.store.state;if(!r||t===null)return;if(e||!(i||a!==null)){this.#t(Ur);return}let o=this.#n(t,n);o===null?this.session.store.set({playing:!1}):(this.session.chooseStep(o),this.#t(Hr))},e)}#n(e,t){let{history:n}=this.session.store.state;return e.steps.slice(e.steps.indexOf(t??NaN)+1).find(e=>(n?.steps.get(e)?.status??`ok`)===`ok`)??null}},Gr=Se({Later:()=>qr}),Kr=60,qr=class{session;map;update;static styles=[Vr,_n];#e;#t;#n;#r=null;#i=null;#a=!1;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new Wr(e),this.#t=new hr(e,t,n),this.#n=new gn(t,e,this.#e),t.equip(this.#n),new Mt(e),this.#o(),e.store.subscribe((e,t)=>this.#s(e,t)),this.#s(e.store.state,e.store.state)}complete(e){let t=this.#i!==null||!Jr(e),n=D(e)===null||Te(e);return this.#r!==null&&t&&n}stage(e){let t=e.phase===`ready`&&e.atlas!==null&&e.stepFailure===null;return w`${t?w`${br(this.map)} ${Tr(e,this.map)}`:y}
${t?this.#r?.top(e)??y:y}
${this.#t.render(e,this)}`}legends(e,t,n){return w`${this.#i?.legends(e,t,n)??y}
${this.#r?.legends(e,t,n)??y}`}voices(e){return this.#i?.voices(e)??y}rail(e){return e.filterOpen?this.#i?.rail(e)??y:this.#r?.rail(e)??y}tools(e){return w`${_r(e,this.session)} ${gr(e,this.session)}`}layouts(e){return this.#r?.layouts(e)??y}sentence(e,t){let{hover:n,step:r,stepFailure:i,freshSteps:a}=e;if(i!==null&&i!==t.stepFailure)return`Step ${r} cannot be shown: ${i.message}`;if(a>t.freshSteps)return p(a,`new checkpoint`);let o=this.#i?.sentence(e,t)??null;if(o!==null)return o;let s=this.#r?.sentence(e,t)??null;return s===null?u(n,t.hover)||!this.map.matches(`:focus-visible`)?null:Yr(e):s}timeline(e){let t=this.#r?.marks(e)??y;return kr(e,this.session,this.#e,t)}async#o(){let{Evolution:e}=await a(async()=>{let{Evolution:e}=await import(`./chunk-evolution-DzEzXkHj.js`);return{Evolution:e}},[],import.meta.url),t=new e(this.session,this.map,this.update);this.#r=t,this.map.director=t.director,this.#l(e.styles)}#s(e,t){let{store:n}=this.session;e.filterOpen&&e.eventList&&n.set(t.filterOpen?{filterOpen:!1}:{eventList:!1}),this.#a||!(Jr(e)||e.pinned!==null)||(this.#a=!0,this.#c())}async#c(){let{ClassFilter:e}=await a(async()=>{let{ClassFilter:e}=await import(`./chunk-class_filter-Cra2z4p3.js`);return{ClassFilter:e}},[],import.meta.url);this.#i=new e(this.session,this.map,this.update),this.#l(e.styles)}#l(e){this.#n.layers=()=>{let{state:e}=this.session.store;return[...this.#i?.layers(e)??[],...this.#r?.layers(e)??[]]};let t=this.map.getRootNode();if(t instanceof ShadowRoot){let n=e.flatMap(({styleSheet:e})=>e??[]);t.adoptedStyleSheets=[...t.adoptedStyleSheets,...n]}this.map.invalidate(),this.update()}};function Jr({filter:e,filterOpen:t}){return e!==``||t}function Yr({atlas:e,hover:t}){let n=e?.levels.find(({size:e})=>e===t?.size),r=e&&n&&t&&P(e,n,t.row,t.col);if(!r)return null;let i=r.mix[0],a=i?E(x(e,i.index),Kr):``,o=i?`, ${a} ${Math.round(100*i.share)} percent`:``;return`row ${r.row+1}, column ${r.col+1}${o}, ${p(r.count,`sample`)}`}export{je as C,Ee as D,Ce as E,O,ke as S,Ae as T,Ke as _,pt as a,N as b,it as c,tt as d,$e as f,Xe as g,Ze as h,yt as i,D as k,at as l,qe as m,Et as n,ft as o,z as p,Tt as r,nt as s,Gr as t,B as u,Ue as v,k as w,A as x,He as y};