import{A as e,C as t,D as n,E as r,F as i,L as a,N as o,O as s,P as c,S as l,T as u,_ as d,a as f,b as p,c as ee,d as m,f as h,g as te,h as ne,j as g,k as _,l as re,m as ie,n as ae,p as oe,r as se,t as ce,u as v,v as le,w as y,x as ue,y as de}from"./chunk-api-B0ZhPLEp.js";import{_ as fe,c as b,l as pe,m as me,t as he,u as ge}from"./chunk-link-Csh3u3zP.js";import{c as _e,d as x,f as S,l as ve,n as C,p as w,r as ye,t as be,u as T}from"./chunk-scene-JCkE3ieN.js";var xe=6,Se=1.5;function E({ids:e,event:t},n){return t===null?e:n>=t.step?t.after:t.before}function Ce(e,t){return t===e.step?`after`:t===e.beforeStep?`before`:null}function we({series:e},t,n){return e?.steps.includes(Te(t,n))??!1}function Te(e,t){return t===`after`?e.step:e.beforeStep}function Ee(e,t){return t.after.length===0&&we(e,t,`before`)?`before`:`after`}function De(e,t,n){n.store.set({highlight:{ids:e.after,name:e.text,event:e},playing:!1}),n.chooseStep(Te(e,t))}function Oe(e,t,n){De(e,Ee(t.store.state,e),t);let{cell:r}=e;if(r===null)return;let{size:i,row:a,col:o}=r;t.store.set({pinned:r,hover:null}),n.flyTo({x:(o+.5)/i,y:(a+.5)/i,z:Math.max(Se,i/xe)})}var ke=.3,Ae=new WeakMap;function D(e,t){let n=Ae.get(e);return n===void 0&&(n=je(e.cellOf,e.rows.length),Ae.set(e,n)),n.order.subarray(n.starts[t],n.starts[t+1])}function je(e,t){let n=new Int32Array(t+1);for(let t of e)t>=0&&(n[t+1]=n[t+1]+1);for(let e=0;e<t;e++)n[e+1]=n[e+1]+n[e];let r=n.slice(),i=new Int32Array(n[t]);return e.forEach((e,t)=>{e<0||(i[r[e]]=t,r[e]=r[e]+1)}),{order:i,starts:n}}function Me(e,t){let n=new Map;for(let r of t){let t=e[r];n.set(t,(n.get(t)??0)+1)}return[...n].sort(([e,t],[n,r])=>r-t||e-n).map(([e,n])=>({index:e,count:n,share:n/t.length}))}var Ne=new WeakMap;function O(e,t){let n=Ne.get(e)??new Map;Ne.set(e,n);let r=n.get(t);return r===void 0&&(r=Pe(e,t),n.set(t,r)),r}function Pe(e,t){let n=e.rows.length,r=new Int32Array(n).fill(-1),i=new Float32Array(n);for(let a=0;a<n;a++){let n=Me(t,D(e,a))[0];n!==void 0&&(r[a]=n.index,i[a]=n.share)}return{index:r,share:i}}function Fe(e,t,n,r){let i=v(t,n,r);if(i<0)return null;let a=e.labels??e.predictions,o=t.counts[i],s=t.cosine[i];return{cell:i,row:n,col:r,size:t.size,count:o,share:o/e.count,kind:h(t,i),cosine:Number.isNaN(s)?null:s,mixOf:e.labels?`labels`:e.predictions?`predictions`:null,mix:a?Me(a,D(t,i)):[]}}function Ie(e){let t=new Map,n=0;for(let r=0;r<e.kind.length;r++){let i=h(e,r);i!==`none`&&(t.set(i,(t.get(i)??0)+1),e.cosine[r]<.3&&n++)}return{kinds:[...t].sort(([,e],[,t])=>t-e),weak:n}}function Le(e,t,n){let r=0,i=0;for(let n of t)r+=e[2*n]/t.length,i+=e[2*n+1]/t.length;return Re(t,n,t=>Math.hypot(e[2*t]-r,e[2*t+1]-i))}function Re(e,t,n){return Array.from(e,e=>({sample:e,value:n(e)})).map(e=>Number.isNaN(e.value)?{...e,value:1/0}:e).sort((e,t)=>e.value===t.value?e.sample-t.sample:e.value-t.value).slice(0,t).map(e=>e.sample)}function ze(e,t,n,r,i){let a=null,o=1/0;for(let s=0;s<e.rows.length;s++){let c=e.rows[s]-t,l=e.cols[s]-n,u=r*l+i*c,d=u+3*(Math.abs(r*c)+Math.abs(i*l));u>0&&d<o&&(o=d,a={row:e.rows[s],col:e.cols[s]})}return a}var Be=new WeakMap;function Ve(e,t){let n=Be.get(e)??new WeakMap;Be.set(e,n);let r=n.get(t);return r===void 0&&(r=He(e,t),n.set(t,r)),r}function He(e,t){return e.manifest.probeDigest===t.manifest.probeDigest?e.count===t.count?e.imageIds.every((e,n)=>e===t.imageIds[n])?null:`The samples of the two steps are not the same ones.`:`One step has ${n(e.count)} samples and the other ${n(t.count)}.`:`The two steps were asked about different probes, so that nothing can be followed.`}function Ue(e,t){return Float32Array.from({length:e.length/2},(n,r)=>Math.hypot(t[2*r]-e[2*r],t[2*r+1]-e[2*r+1]))}function We(e,t){let n=new Float32Array(2*e.rows.length);for(let r=0;r<e.rows.length;r++){let i=D(e,r);for(let e of i)n[2*r]=n[2*r]+t[2*e]/i.length,n[2*r+1]=n[2*r+1]+t[2*e+1]/i.length}return n}var Ge=.5,Ke=new WeakMap;function qe(e,t,n){let r=Ke.get(n)??new WeakMap;Ke.set(n,r);let i=r.get(e);return i===void 0&&(i=Ye(e,t,n),r.set(e,i)),i}function Je(e,t){return(e.step>t.step?e:t).noiseFloor}function Ye(e,t,n){let r=Ue(e.xy,t.xy),i=Je(e,t),a=i&&r.map((e,t)=>+(e>i[t])),o=e=>e.reduce((e,t)=>e+t,0)/e.length,s=a&&Float32Array.from(n.rows,(e,t)=>{let r=D(n,t);return r.reduce((e,t)=>e+a[t],0)/r.length});return{from:We(n,e.xy),to:We(n,t.xy),beyond:s,news:s?.reduce((e,t)=>e+ +(t>=.5),0)??0,meanMove:o(r),beyondShare:a&&o(a)}}var Xe=1e3,Ze=new WeakMap;function k(e){let t=Ze.get(e);return t===void 0&&(t=e.lifelines&&Qe(e.manifest.fields),Ze.set(e,t)),t}function Qe(e){try{return e.listOrNull(`lifelines`,Xe,(e,n)=>{let r=new t(e,n);return{id:r.whole(`id`,0,2**31-1),name:r.text(`name`),size:r.whole(`size`,0,2**53-1),topClass:r.wholeOrNull(`top_class`,0,2**31-1),topShare:r.number(`top_share`),born:r.whole(`born`,-(2**53-1),2**53-1),confidence:r.number(`confidence`)}})}catch(e){if(e instanceof y)return null;throw e}}function $e(e,t,n){let r=k(e),{lifelines:i}=e;if(r===null||i===null)return null;let a=D(t,n),o=new Map;for(let e of a){let t=i[e];o.set(t,(o.get(t)??0)+1)}return r.filter(({id:e})=>o.has(e)).map(e=>{let t=o.get(e.id)??0;return{lifeline:e,count:t,share:t/a.length}}).sort((e,t)=>t.count-e.count||e.lifeline.id-t.lifeline.id)}function A({lifelines:e},t){let n=new Set(t),r=[];return e?.forEach((e,t)=>{n.has(e)&&r.push(t)}),Int32Array.from(r)}function j(e,t){let n=new Int32Array(e.rows.length);for(let r of t){let t=e.cellOf[r];t>=0&&(n[t]=n[t]+1)}return n}var M=88,et=`500 11px Roboto, system-ui, sans-serif`,N=18;function tt(e,t){let{ratio:n,viewport:r,hover:i,pinned:a}=t;e.setTransform(n,0,0,n,0,0),e.clearRect(0,0,r.width,r.height),t.values!==null&&nt(e,t,t.values);for(let n of t.layers)n(e,t);a&&P(e,t,a,3),i&&P(e,t,i,2)}function P(e,{camera:t,viewport:n,level:r,theme:i},{size:a,row:o,col:s},c){let l=S(t,n)/a,u=T(t,n,{x:s/a,y:o/a}),d=r.size===a?v(r,o,s):-1,f=(1-(d<0?1:C(r)[d]))*l/2-c/2;e.beginPath(),e.roundRect(u.x+f,u.y+f,l-2*f,l-2*f,Math.min(5,.1*l+1)),e.strokeStyle=i.accent,e.lineWidth=c,e.stroke()}function nt(e,t,n){let{atlas:r,level:i,camera:a,viewport:o,theme:s}=t,c=S(a,o)/i.size;if(c<M)return;let l=O(i,n);e.globalAlpha=Math.min(1,(c-M)/20),e.font=et,e.textBaseline=`middle`;let u=C(i);F(t,(t,n,i,a)=>{let o=(1-u[t])*a/2+4,c=g(m(r,l.index[t]),Math.floor(a/8)),d=e.measureText(c).width+10;e.fillStyle=s.labelGround,e.beginPath(),e.roundRect(n+o,i+a-o-N,d,N,3),e.fill(),e.fillStyle=s.label,e.fillText(c,n+o+5,i+a-o-N/2+.5)}),e.globalAlpha=1}function F({level:e,camera:t,viewport:n},r){let i=S(t,n)/e.size,a=T(t,n,{x:0,y:0});for(let t=0;t<e.rows.length;t++){let o=a.x+e.cols[t]*i,s=a.y+e.rows[t]*i;o>n.width||s>n.height||o+i<0||s+i<0||r(t,o,s,i)}}var rt=class{session;#e=``;#t=!1;constructor(e){this.session=e,e.store.subscribe(e=>this.#n(e)),this.#n(e.store.state)}#n(e){let t=I(e),{series:n}=e,r=t===null||n===null?``:`${n.id}/${t}`,i=this.#t&&e.otherFailure===null;(r!==this.#e||i)&&(this.#e=r,this.#t=!1,t!==null&&this.#r(e,t))}async#r({series:e},t){if(e===null)return;let n=this.#e,r=await this.session.loadAtlas(e,t).then(e=>({other:e,otherFailure:null}),e=>({other:null,otherFailure:ce(e)}));n===this.#e&&(this.session.store.set(r),this.#t=r.otherFailure!==null)}};function I(e){return e.compare===null?e.drift?it(e):null:e.compare}function it({series:e,step:t,history:n}){let r=e?.steps.indexOf(t??NaN)??-1;return e?.steps.slice(0,Math.max(0,r)).findLast(e=>(n?.steps.get(e)?.status??`ok`)===`ok`)??null}function L(e){let{other:t,series:n}=e;return t!==null&&t.series===n?.id&&t.step===I(e)?t:null}function at(e){return e.otherFailure!==null||L(e)!==null}function ot(e){return(e.flipped?L(e):null)??e.atlas}var st=1e3,ct=1e3,lt=[`born`,`merges`,`splits`,`dies`];function ut(e){return re(`history`,{id:e},dt)}function dt(e){let n=new t(e,`history`),r=n.list(`steps`,le,(e,n)=>{let r=new t(e,n),i=r.text(`status`);if(i!==`ok`&&i!==`damaged`&&i!==`too_new`)throw new y(`${n}.status is ${i}`);let a=r.raw(`reason`);return{step:r.whole(`step`,-(2**53-1),2**53-1),status:i,reason:typeof a==`string`?a:null,trustworthiness:r.numberOrNull(`trustworthiness`)}});return{skipped:n.listOrNull(`skipped`,1e6,(e,n)=>{let r=new t(e,n);return{step:r.number(`step`),reason:r.text(`reason`)}})??[],logged:n.whole(`logged`,0,2**53-1),kept:n.whole(`kept`,0,2**53-1),steps:new Map(r.map(e=>[e.step,e])),events:n.listOrNull(`events`,st,pt),eventsFound:n.wholeOrNull(`events_found`,0,2**53-1)??0}}function ft(e,t){return e===t||e.step===t?.step&&e.kind===t.kind&&e.text===t.text}function pt(e,n){let r=new t(e,n),i=lt.find(e=>e===r.text(`kind`));if(i===void 0)throw new y(`${n}.kind is unknown`);let a=e=>r.whole(e,-(2**53-1),2**53-1);return{step:a(`step`),kind:i,text:r.text(`text`),score:r.number(`score`),confidence:r.number(`confidence`),beforeStep:a(`before_step`),before:r.list(`before`,ct,u),after:r.list(`after`,ct,u),cell:r.raw(`cell`)==null?null:mt(r.object(`cell`))}}function mt(e){let t=e.whole(`grid`,1,320);return{size:t,row:e.whole(`row`,0,t-1),col:e.whole(`col`,0,t-1)}}var R=4,ht=60;function gt({atlas:e,level:t,facts:r,state:i,session:a}){let{highlight:s}=i,l=$e(e,t,r.cell);return c`<section>
    <h3>Lifelines <span class="muted">concepts followed over steps</span></h3>
    ${l===null?c`<p class="muted">Not traced in this atlas.</p>`:l.length===0?c`<p class="muted">None: these samples belong to no concept that lasts.</p>`:c`<ul class="lifelines">
              ${l.slice(0,R).map(e=>_t(e,s,a))}
            </ul>`}
    ${l!==null&&l.length>R?c`<p class="muted">and ${n(l.length-R)} more</p>`:o}
  </section>`}function _t({lifeline:t,share:r,count:i},a,o){let{id:s,name:l,size:u,born:d}=t,f=a?.event===null&&a.ids[0]===s;return c`<li>
    <button type="button" class="lifeline" aria-pressed=${f} @click=${()=>o.store.set({highlight:f?null:{ids:[s],name:l,event:null}})}>
      <span class="name">${g(l,ht)}</span>
      <span class="number" title="${e(i,`sample`)} of this cell">${_(r)}</span>
      <span class="muted">${e(u,`sample`)} · since step ${n(d)}</span>
    </button>
  </li>`}function vt(t,r,i){let a=E(i,t.step);if(t.lifelines===null)return`Lifelines were not traced at this step.`;let o=A(t,a);if(o.length===0)return`Nothing of it at step ${n(t.step)}.`;let s=j(r,o).reduce((e,t)=>e+ +(t>0),0),c=`in ${e(s,`cell`)} at step ${n(t.step)}`;return`${e(o.length,`sample`)} ${c}`}function yt(e,t,n,i){let a=new Map((k(e)??[]).map(({id:e,name:t})=>[e,t])),o=E(n,e.step).map(e=>a.get(e)),s=o.some(e=>e!==void 0)?o.filter(e=>e!==void 0).join(`, `):n.name;return c`<div class="highlight-pill panel" role="group" aria-label="Highlighted lifelines">
    <span
      ><strong>${g(s,ht)}</strong>
      <span class="muted">${vt(e,t,n)}</span></span
    >
    ${r({icon:`close`,name:`End the highlight`,press:()=>i.store.set({highlight:null})})}
  </div>`}async function bt(e){let[t,n]=await ee(`probe`,{run:e});return ae(n,async()=>{let e=ne(await t.arrayBuffer()),n=xt(e.manifest),r=ie(e.buffer,e.blobStart).int32(`image_ids`,n.images);return{manifest:n,placeOf:new Map(Array.from(r,(e,t)=>[e,t]))}})}function xt(e){let t=p(e,`probe`),n=t.whole(`images`,1,te),r=t.whole(`tile`,1,d),i=t.whole(`columns`,1,d),a=ue(l(t),`thumbs`,null);de(`probe`,n,r,i,a);let o=St(t,`thumb_size`);if(o[0]>r||o[1]>r)throw new y(`thumbnails exceed their tile`);return{digest:t.text(`digest`),images:n,inputSize:St(t,`input_size`),thumbSize:o,tile:r,columns:i,pages:a}}function St(e,t){let[n,r]=e.list(t,2,u);if(n===void 0||r===void 0||!(n>=1)||!(r>=1))throw new y(`manifest.${t} is not [height, width]`);return[n,r]}var Ct=3e4,wt=class{session;constructor(e){this.session=e,e.store.subscribe((e,t)=>{z(e)&&!z(t)&&this.#e(e)}),z(e.store.state)&&this.#e(e.store.state),fe(()=>void this.#i()),setInterval(()=>{!document.hidden&&document.body.clientHeight>0&&this.#i()},Ct)}async#e({run:e,series:t,probe:n,probeFailure:r,history:i,stepFailure:a}){e!==null&&t!==null&&(e.probe&&n===null&&r===null&&this.#n(e),(i===null||a!==null)&&await this.#t(t),this.session.store.state.series===t&&this.#r(this.session.store.state,t))}async#t(e){let t=await ut(e.id).catch(()=>null);this.session.store.state.series?.id===e.id&&this.session.store.set({history:t})}async#n(e){let t=await bt(e.id).then(e=>({probe:e,probeFailure:null}),e=>({probe:null,probeFailure:ce(e)}));this.session.store.state.run?.id===e.id&&this.session.store.set(t)}#r({step:e,shownLevel:t,history:n},r){let i=r.steps.indexOf(e??NaN);for(let e of[r.steps[i+1],r.steps[i-1]])i<0||e===void 0||(n===null||n.steps.get(e)?.status===`ok`)&&this.session.loadAtlas(r,e).then(e=>{let n=e.levels.find(({size:e})=>e===t);n!==void 0&&this.session.pages.icons(e,n)},()=>void this.#t(r))}async#i(){let{session:e}=this,{phase:t}=e.store.state;if(t===`loading`)return;let n=await f().catch(()=>null);if(n===null)return;if(t!==`ready`){he(n,null)!==null&&e.retry();return}e.latestRuns=n;let{series:r}=e.store.state,i=e.findLatest();if(i===null||r===null)return;let a=new Set(r.steps),o=i.series.steps.filter(e=>!a.has(e)).length;e.store.set({freshSteps:o}),e.renew(i.series)&&this.#t(i.series),this.#a(n)}#a(e){let{store:t}=this.session,{runs:n,run:r}=t.state,i=e=>JSON.stringify(e.map(e=>[e.id,e.series.map(({id:e})=>e)]));i(e)!==i(n)&&t.set({runs:e,run:e.find(e=>e.id===r?.id)??r})}};function z({settled:e,stepFailure:t}){return e||t!==null}var Tt=`#e69f00 #56b4e9 #009e73 #f0e442 #0072b2 #d55e00 #cc79a7 #8c8c8c`.split(` `),Et=`#cc6677 #3d49b0 #ddcc77 #117733 #88ccee #882255 #44aa99 #999933 #aa4499 #9a9a9a`.split(` `),B=`#9a9a9a`,V=`#440154 #472d7b #3b528b #2c728e #21918c #28ae80 #5ec962 #addc30 #fde725`.split(` `),Dt=new Map;function H(e){let t=Dt.get(e);if(t===void 0){let n=Number.parseInt(e.slice(1),16);t=[n>>16&255,n>>8&255,n&255],Dt.set(e,t)}return t}function Ot(e){let t=Math.min(1,Math.max(0,e))*(V.length-1),n=Math.min(V.length-2,Math.floor(t)),r=H(V[n]),i=H(V[n+1]),a=e=>Math.round(r[e]+(i[e]-r[e])*(t-n));return[a(0),a(1),a(2)]}var kt=`linear-gradient(90deg, ${V.join(`, `)})`,At=new WeakMap;function jt(e,t){let n=At.get(e);return n===void 0&&(n=Mt(e,t),At.set(e,n)),n}function Mt(e,t){let n=new Map;for(let t of e)n.set(t,(n.get(t)??0)+1);let r=[...n.keys()].filter(e=>e<0).some(e=>n.delete(e)),i=t??n.size,a=i<=Tt.length?Tt:Et,o=i<=a.length?i:a.length-1,s=t!==null&&t<=a.length?Array.from({length:t},(e,t)=>t):[...n].sort(([e,t],[n,r])=>r-t||e-n).slice(0,o).map(([e])=>e).sort((e,t)=>e-t),c=new Map(s.map((e,t)=>[e,a[t]]));return{named:[...c].map(([e,t])=>({index:e,colour:t})),others:[...n.keys()].filter(e=>!c.has(e)).length,unknown:r,colourOf:e=>c.get(e)??B}}var Nt={legend:{kind:`none`},cells:null,sample:()=>null};function Pt(e,t,n){switch(n){case`icons`:return Nt;case`class`:return Ft(e,t,e.labels,`class`,`labels`);case`prediction`:return Ft(e,t,e.predictions,`prediction`,`predictions`);case`purity`:return Lt(e,t);case`cosine`:return Rt(t);case`population`:return zt(t)}}function Ft(e,t,n,r,i){let a=`Majority ${r} of a cell`;if(n===null)return It(a,i);let o=jt(n,e.classes?.length??null),s=O(t,n),c=o.named.map(({index:t,colour:n})=>({label:m(e,t),colour:n}));return o.unknown&&c.push({label:`unknown`,colour:B}),o.others>0&&c.push({label:`${o.others} other`,colour:B}),{legend:{kind:`classes`,title:a,pointTitle:`Each sample's own ${r}`,entries:c},cells:Bt(t,e=>H(o.colourOf(s.index[e]))),sample:e=>H(o.colourOf(n[e]))}}function It(e,t){let n=`No ${t} were recorded in this run.`;return{...Nt,legend:{kind:`missing`,title:e,reason:n}}}function Lt(e,t){let n=`Purity: share of the majority class`,r=e.labels??e.predictions;if(r===null)return It(n,`labels or predictions`);let{share:i}=O(t,r);return U(t,{kind:`scale`,title:n,low:`0%`,high:`100%`},e=>i[e])}function Rt(e){return U(e,{kind:`scale`,title:`Cosine of icon and mean`,low:`0`,high:`1`},t=>e.cosine[t])}function zt(e){let t=e.counts.reduce((e,t)=>Math.max(e,t),1);return U(e,{kind:`scale`,title:`Samples in a cell`,low:`0`,high:t.toLocaleString(`en`)},n=>e.counts[n]/t)}function U(e,t,n){let r=e=>{let t=n(e)??NaN;return Number.isNaN(t)?null:Ot(t)};return{legend:t,cells:Bt(e,r),sample:t=>{let n=e.cellOf[t];return n<0?null:r(n)}}}function Bt(e,t){let n=e.rows.length,r=new Uint8Array(4*n);for(let e=0;e<n;e++){let n=t(e);n!==null&&r.set([...n,255],4*e)}return r}var Vt=110,Ht={light:[96,96,96],dark:[190,190,190]};function Ut(e,t,n,r,i){let a=new Uint8Array(4*e.count),o=Ht[i?`dark`:`light`];for(let i=0;i<e.count;i++){let e=t.cellOf[i]<0;if(r===`icons`&&!e)continue;let s=r===`icons`?Vt:255;a.set([...n.sample(i)??o,s],4*i)}return a}var W={xy:0,colour:1},Wt=5,Gt=`#version 300 es
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
}`,Kt=`#version 300 es
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
}`,qt=class{gl;#e;#t=new Map;constructor(e){this.gl=e,this.#e=me(e,Gt,Kt)}draw({scene:e,weight:t},n){let{pointColours:r}=e;if(r===null)return;let{gl:i}=this,{uniform:a}=this.#e,{camera:o,viewport:s,ratio:c,ground:l}=n,u=T(o,s,{x:0,y:0}),d=ye(o);i.useProgram(this.#e.program),i.blendFunc(i.ONE,i.ONE_MINUS_SRC_ALPHA),i.uniform2f(a(`uOrigin`),u.x*c,u.y*c),i.uniform1f(a(`uSide`),S(o,s)*c),i.uniform2f(a(`uViewport`),i.drawingBufferWidth,i.drawingBufferHeight),i.uniform1f(a(`uDiameter`),d*c+1),i.uniform1f(a(`uRing`),d>=Wt?c:0),i.uniform3f(a(`uGround`),l[0]/255,l[1]/255,l[2]/255),i.uniform1f(a(`uWeight`),t);let f=this.#n(e.atlas);i.bindVertexArray(f.vertices),f.painted!==r&&(f.painted=r,i.bindBuffer(i.ARRAY_BUFFER,f.colours),i.bufferData(i.ARRAY_BUFFER,r,i.DYNAMIC_DRAW)),i.drawArrays(i.POINTS,0,e.atlas.count),i.bindVertexArray(null)}prune(e){let t=new Set(e.map(({scene:e})=>e.atlas));for(let[e,{vertices:n,places:r,colours:i}]of this.#t)t.has(e)||(this.gl.deleteVertexArray(n),this.gl.deleteBuffer(r),this.gl.deleteBuffer(i),this.#t.delete(e))}#n(e){let t=this.#t.get(e);if(t===void 0){let{gl:n}=this,r=n.createVertexArray(),i=n.createBuffer(),a=n.createBuffer();n.bindVertexArray(r),n.bindBuffer(n.ARRAY_BUFFER,i),n.bufferData(n.ARRAY_BUFFER,e.xy,n.STATIC_DRAW),n.enableVertexAttribArray(W.xy),n.vertexAttribPointer(W.xy,2,n.FLOAT,!1,0,0),n.bindBuffer(n.ARRAY_BUFFER,a),n.enableVertexAttribArray(W.colour),n.vertexAttribPointer(W.colour,4,n.UNSIGNED_BYTE,!0,0,0),t={vertices:r,places:i,colours:a,painted:null},this.#t.set(e,t)}return t}},Jt=4,Yt=[.002,.05,1],Xt=10,Zt=400,Qt=12,$t=class{element;listener;#e=new Map;#t=null;#n=!1;#r=null;constructor(e,t){this.element=e,this.listener=t,e.addEventListener(`pointerdown`,e=>this.#a(e)),e.addEventListener(`pointermove`,e=>this.#o(e)),e.addEventListener(`pointerup`,e=>this.#l(e)),e.addEventListener(`pointercancel`,e=>this.#l(e)),e.addEventListener(`pointerleave`,()=>t.hover(null)),e.addEventListener(`wheel`,e=>this.#d(e),{passive:!1})}#i(e){let t=this.element.getBoundingClientRect();return{x:e.clientX-t.left,y:e.clientY-t.top}}#a(e){e.button===0&&(this.element.setPointerCapture(e.pointerId),this.#e.set(e.pointerId,this.#i(e)),this.#e.size===1?this.#t=this.#i(e):this.#c())}#o(e){let t=this.#i(e),n=this.#e.get(e.pointerId);if(n===void 0){e.pointerType!==`touch`&&this.listener.hover(t);return}let r=this.#t??t;if(!this.#n&&Math.hypot(t.x-r.x,t.y-r.y)<Jt)return;this.#c();let i=[...this.#e].find(([t])=>t!==e.pointerId)?.[1];this.#e.set(e.pointerId,t),i===void 0?this.listener.pan(n.x-t.x,n.y-t.y):this.#s(i,n,t)}#s(e,t,n){let r=t=>Math.max(1,Math.hypot(t.x-e.x,t.y-e.y)),i={x:(n.x+e.x)/2,y:(n.y+e.y)/2};this.listener.pan((t.x-n.x)/2,(t.y-n.y)/2),this.listener.zoom(i,r(n)/r(t))}#c(){this.#n||(this.#n=!0,this.listener.drag(!0))}#l(e){if(!this.#e.delete(e.pointerId)||this.#e.size>0)return;let t=this.#n;this.#n=!1,this.#t=null,t?this.listener.drag(!1):e.type===`pointerup`&&this.#u(e)}#u(e){let t=this.#i(e),n=this.#r,r=n!==null&&e.timeStamp-n.time<Zt&&Math.hypot(t.x-n.at.x,t.y-n.at.y)<Qt;this.#r=r?null:{at:t,time:e.timeStamp},r?this.listener.doubleClick(t,e.shiftKey):this.listener.click(t)}#d(e){e.preventDefault();let t=Yt[e.deltaMode]*(e.ctrlKey?Xt:1);this.listener.zoom(this.#i(e),2**(-e.deltaY*t))}},G=1.5,en=new Map([[`ArrowLeft`,[-1,0]],[`ArrowRight`,[1,0]],[`ArrowUp`,[0,-1]],[`ArrowDown`,[0,1]]]),tn=new Map([[`+`,{do:`zoom`,factor:G}],[`=`,{do:`zoom`,factor:G}],[`-`,{do:`zoom`,factor:1/G}],[`_`,{do:`zoom`,factor:1/G}],[`0`,{do:`fit`}],[`,`,{do:`step`,by:-1}],[`.`,{do:`step`,by:1}],[` `,{do:`play`}],[`Enter`,{do:`pin`}],[`j`,{do:`events`}],[`d`,{do:`drift`}],[`Escape`,{do:`escape`}],[`?`,{do:`help`}]]);function nn(e){if(e.ctrlKey||e.altKey||e.metaKey)return null;let t=en.get(e.key);return t===void 0?/^[1-5]$/.test(e.key)?{do:`level`,index:Number(e.key)-1}:tn.get(e.key)??null:{do:e.shiftKey?`pan`:`cursor`,dx:t[0],dy:t[1]}}var rn=60,an=80,on=2,sn=class{map;session;player;#e=!1;#t=null;#n=null;#r;constructor(e,t,n){this.map=e,this.session=t,this.player=n,new $t(e,{pan:(t,n)=>this.#a(_e(this.#i,e.viewport,t,n)),zoom:(t,n)=>this.#a(w(this.#i,e.viewport,t,n)),click:e=>this.#s(e),doubleClick:(n,r)=>{t.store.set({pinned:this.#n});let i=r?1/on:on;e.flyTo(w(e.goal,e.viewport,n,i))},hover:e=>this.#c(e),drag:e=>this.#o(e)}),e.addEventListener(`keydown`,e=>{let t=nn(e);t!==null&&(e.preventDefault(),this.#d(t))})}decorate(e,t,n,r){let{scene:i,viewport:a}=this.map;if(i===null)return;let{camera:o,hover:s,pinned:c,dark:l,colour:u}=this.session.store.state,{labels:d,predictions:f}=i.atlas,p=u===`prediction`?f:d??f;tt(e,{camera:o,viewport:a,ratio:t,atlas:i.atlas,level:i.level,values:i.tiles&&r?p:null,hover:s,pinned:c,theme:ge[l?`dark`:`light`],layers:n})}get#i(){return this.session.store.state.camera}#a(e){this.map.moveTo(e),!this.#e&&this.#t!==null&&this.#c(this.#t)}#o(e){this.#e=e,this.map.classList.toggle(`dragging`,e),e&&this.#l(null)}#s(e){let{store:t}=this.session,n=this.#u(e);this.#n=t.state.pinned,n!==null&&t.set({pinned:n,hover:null})}#c(e){this.#t=e,this.#e||this.#l(e&&this.#u(e))}#l(e){clearTimeout(this.#r);let{store:t}=this.session;b(e,t.state.hover)||(this.#r=setTimeout(()=>t.set({hover:e}),rn))}#u(e){let{scene:t,viewport:n}=this.map;if(t===null)return null;let r=x(this.#i,n,e),{size:i}=t.level,a=Math.floor(r.y*i),o=Math.floor(r.x*i);return v(t.level,a,o)<0?null:{size:i,row:a,col:o}}#d(e){let{map:t,session:n}=this,{store:r}=n;switch(e.do){case`cursor`:this.#p(e.dx,e.dy);break;case`pan`:t.flyTo(_e(t.goal,t.viewport,an*e.dx,an*e.dy));break;case`zoom`:t.zoomBy(e.factor);break;case`fit`:t.fit();break;case`level`:this.#m(e.index);break;case`step`:this.player.stepBy(e.by);break;case`play`:this.player.toggle();break;case`pin`:r.state.hover&&r.set({pinned:r.state.hover,hover:null});break;case`escape`:this.#f();break;case`events`:r.set({eventList:!r.state.eventList});break;case`drift`:r.set({drift:!r.state.drift});break;case`help`:r.set({help:!0})}}#f(){let{hover:e,pinned:t}=this.session.store.state,n=e===null&&t===null;this.session.store.set(n?{highlight:null}:{hover:null,pinned:null})}#p(e,t){let n=this.map.scene?.level;if(n===void 0)return;let{hover:r,pinned:i,camera:a}=this.session.store.state,o=[r,i].find(e=>e?.size===n.size),s=o?ze(n,o.row,o.col,e,t):cn(n,a);s!==null&&(clearTimeout(this.#r),this.session.store.set({hover:{size:n.size,...s}}),this.map.flyTo(ve(this.map.goal,this.map.viewport,n.size,s.row,s.col)))}#m(e){let{atlas:t,level:n}=this.session.store.state,r=t?.levels[e]?.size;r!==void 0&&this.session.store.set({level:n===r?`auto`:r})}};function cn(e,{x:t,y:n}){let r=null,i=1/0;return e.rows.forEach((a,o)=>{let s=e.cols[o],c=Math.hypot((s+.5)/e.size-t,(a+.5)/e.size-n);c>=i||(i=c,r={row:a,col:s})}),r}var ln=class{#e;#t=()=>[];constructor(e,t,n){this.#e=new sn(e,t,n)}colour(e,t,{colour:n,show:r,dark:i}){let a=Pt(e,t,n);return{cellColours:a.cells,pointColours:Ut(e,t,a,r,i)}}createPoints(e){return new qt(e)}set layers(e){this.#t=e}decorate(e,t){let n=this.#t();this.#e.decorate(e,t,n,n.length===0)}},un=a` .panel{background:var(--raised);border-radius:8px;box-shadow:var(--shadow);line-height:1.4;}.muted{color:var(--muted);}.panel h2,.message h2{font-size:15px;font-weight:500;margin:0;}.panel h3{display:flex;justify-content:space-between;gap:8px;font-size:12px;font-weight:500;margin:0 0 6px;}.panel h3 .muted{font-weight:400;}.panel p{margin:0;}.number{font-variant-numeric:tabular-nums;}.map-buttons{position:absolute;right:16px;bottom:16px;display:flex;flex-direction:column;background:var(--raised);border-radius:6px;box-shadow:var(--shadow);}.map-buttons .icon-button{width:36px;height:36px;border-radius:6px;}.map-buttons .icon-button + .icon-button{border-top:1px solid var(--line);border-radius:0 0 6px 6px;}.button{height:32px;padding:0 16px;border-radius:4px;border:1px solid var(--line);background:var(--surface);font-weight:500;}.button:hover{background:var(--control);}.card{position:absolute;width:320px;padding:12px;display:flex;flex-direction:column;gap:12px;pointer-events:none;z-index:3;}.card-top{display:flex;gap:12px;}.big-icon{display:block;flex:none;border-radius:6px;overflow:hidden;background:var(--control);}.big-icon.none{display:grid;place-items:center;color:var(--muted);font-size:12px;}.card .big-icon{width:128px;height:128px;}.card-facts{display:flex;flex-direction:column;gap:8px;min-width:0;padding-top:4px;}.headline strong{display:block;font-size:16px;font-weight:500;font-variant-numeric:tabular-nums;}.icon-line{display:flex;flex-wrap:wrap;gap:2px 10px;color:var(--muted);}.weak{padding:0 6px;border-radius:8px;border:1px solid currentColor;color:var(--bad);font-size:11px;line-height:16px;}.patches{display:grid;grid-template-columns:repeat(6,1fr);gap:4px;}.patch,.whole{display:block;aspect-ratio:1;background:var(--control);border-radius:4px;overflow:hidden;}atlas-crop canvas{display:block;width:100%;height:100%;}.bars{list-style:none;margin:0;padding:0;display:grid;gap:3px;}.bars li{display:grid;grid-template-columns:minmax(0,92px) 1fr 40px;gap:8px;align-items:center;}.bars .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;}.bars .number{text-align:right;}.meter{height:8px;border-radius:2px;background:var(--control);overflow:hidden;}.meter i{display:block;height:100%;border-radius:2px;}.bars + .muted{margin-top:4px;font-size:12px;}.whereabouts{font-size:12px;border-top:1px solid var(--line);padding-top:8px;overflow-wrap:anywhere;}.inspector{position:absolute;top:12px;right:12px;bottom:12px;width:320px;max-width:calc(100% - 24px);padding:12px 16px 16px;display:flex;flex-direction:column;gap:14px;overflow:auto;z-index:2;}.stage:has(.inspector) .map-buttons{right:348px;}atlas-minimap{position:absolute;right:64px;bottom:16px;width:108px;height:108px;overflow:hidden;cursor:crosshair;touch-action:none;}atlas-minimap canvas{display:block;width:100%;height:100%;}.stage:has(.inspector) atlas-minimap{right:396px;}.inspector-head{display:flex;align-items:center;justify-content:space-between;margin-right:-8px;}.inspector .big-icon{width:164px;height:164px;}.patches.wide{grid-template-columns:repeat(4,1fr);gap:6px;margin-bottom:8px;}.patch-button{border-radius:4px;}.patch-button:hover{box-shadow:0 0 0 2px var(--line);}.patch-button[aria-pressed='true']{box-shadow:0 0 0 2px var(--accent);}figure{margin:0;}.whole{background:none;}figcaption{margin-top:4px;font-size:12px;}.left-column{position:absolute;inset:12px auto 12px 12px;width:min(460px,calc(100% - 90px));display:flex;flex-direction:column;align-items:flex-start;gap:8px;z-index:1;pointer-events:none;}.left-column *{pointer-events:auto;}.left-column .legends{display:grid;justify-items:start;gap:8px;margin-top:auto;pointer-events:none;}.legend{padding:8px 12px;max-width:420px;display:grid;gap:8px;}summary{font-size:12px;font-weight:500;min-height:24px;line-height:24px;cursor:pointer;}summary + *{margin-top:4px;}.swatches{list-style:none;margin:4px 0 0;padding:0;display:grid;grid-template-columns:repeat(3,auto);justify-content:start;gap:2px 20px;max-height:180px;overflow:auto;}.swatches li{display:flex;align-items:center;gap:8px;}.swatches i{width:12px;height:12px;flex:none;border-radius:3px;box-shadow:inset 0 0 0 1px #0000002e;}.scale{display:flex;align-items:center;gap:8px;font-variant-numeric:tabular-nums;}.scale i{flex:1;min-width:140px;height:10px;border-radius:2px;}.provenance{font-size:12px;font-variant-numeric:tabular-nums;}.veil{position:absolute;inset:0;display:grid;place-items:center;padding:24px;overflow:auto;background:color-mix(in srgb,var(--ground) 94%,transparent);z-index:4;}.message{max-width:480px;display:grid;gap:12px;justify-items:start;overflow-wrap:anywhere;}.message.fault{border-left:3px solid var(--bad);padding:4px 0 4px 20px;}.message.wide{max-width:680px;}.message h2{font-size:20px;font-weight:400;}.message p{margin:0;line-height:1.55;}pre{margin:0;width:100%;padding:12px 16px;border-radius:6px;background:var(--surface);border:1px solid var(--line);overflow:auto;}code{font:12.5px/1.6 'Roboto Mono',ui-monospace,monospace;}.request{font-size:12px;}.banners{display:grid;gap:8px;}.banner{margin:0;padding:8px 12px;border-radius:6px;background:var(--raised);border-left:3px solid var(--accent);box-shadow:var(--shadow);}.link{color:var(--accent);text-decoration:underline;padding:4px;}.help{border:0;padding:0;color:inherit;width:min(600px,calc(100% - 48px));max-height:calc(100% - 48px);}.help::backdrop{background:#00000066;}.help-body{padding:12px 24px 24px;display:grid;gap:14px;}.reading{margin:0;padding:0;list-style:none;display:grid;gap:10px;line-height:1.5;}.help h3{margin:4px 0 0;}dl{margin:0;display:grid;grid-template-columns:max-content 1fr;gap:6px 20px;}dt{font:12px/1.5 'Roboto Mono',ui-monospace,monospace;color:var(--muted);}dd{margin:0;}`;function dn(e,t){let{activationsKind:n,channels:r}=e.manifest,i=e.count;switch(n){case`float16`:return K(fn(t.half(`values`,i,r)),i,r);case`uint8`:{let e=t.uint8(`codes`,i,r),n=t.float32(`scale`,r),a=t.float32(`offset`,r);return K(Float32Array.from(e,(e,t)=>e*n[t%r]+a[t%r]),i,r)}case`pca`:{let e=t.shape(`axes`)[0]??0;return K(fn(t.half(`scores`,i,e)),i,e)}default:throw new y(`activations of kind ${n}`)}}function fn(e){return Float32Array.from(e,oe)}function K(e,t,n){let r=new Float32Array(n);for(let i=0;i<n;i++){let a=0,o=0;for(let r=0;r<t;r++){let t=e[r*n+i];Number.isFinite(t)&&(a+=t,o+=1)}r[i]=o>0?a/o:0}return{width:n,values:e,mean:r}}function pn(e,t,n){let{width:r,values:i,mean:a}=e,o=(e,t)=>i[e*r+t]-a[t],s=new Float64Array(r);for(let e of t)for(let t=0;t<r;t++){let n=o(e,t);Number.isFinite(n)&&(s[t]=s[t]+n)}return Re(t,n,e=>{let t=0,n=0;for(let i=0;i<r;i++){let r=o(e,i);t+=r*s[i],n+=r*r}return-t/Math.sqrt(n)})}var mn=class{arrived;#e=new Map;#t=new WeakMap;constructor(e){this.arrived=e}nearest(e,t,n,r,i){let a=this.#e.get(e);a===void 0&&i&&this.#n(e);let o=typeof a==`object`?`activation`:`map`,s=this.#t.get(t)??new Map;this.#t.set(t,s);let c=`${n}/${r}/${o}`,l=s.get(c);if(l===void 0){let i=D(t,n);l={samples:typeof a==`object`?pn(a,i,r):Le(e.xy,i,r),by:o},s.set(c,l)}return l}async#n(e){this.#e.set(e,`loading`);for(let e of[...this.#e.keys()].slice(0,-2))this.#e.delete(e);try{let t=await se(e.series,e.step);this.#e.set(e,dn(e,t))}catch{this.#e.set(e,`failed`)}this.arrived()}};function hn(e,t,n){let r=t.placeOf.get(e.imageIds[n]);if(r===void 0)return null;let{tile:i,columns:a,inputSize:o,thumbSize:s}=t.manifest,c=r%(a*a),l=c%a*i,u=Math.floor(c/a)*i,[d=0,f=0,p=0,ee=0]=e.boxes.subarray(4*n,4*n+4),m=gn(d,p,o[0],s[0]),h=gn(f,ee,o[1],s[1]);return{page:Math.floor(r/(a*a)),image:{x:l,y:u,width:s[1],height:s[0]},patch:{x:l+h.start,y:u+m.start,width:h.length,height:m.length}}}function gn(e,t,n,r){let i=r/n,a=Math.min(r-1,Math.max(0,e*i));return{start:a,length:Math.min(r,Math.max(a+1,t*i))-a}}var _n=5,vn={none:`No icon`,examples:`Nearest real patch`,preview:`Preview`,inversion:`Feature inversion`,poster:`Feature inversion, poster quality`};function yn({session:e,atlas:t,level:n,facts:r}){let i=be(n,r.cell),a=i&&e.pages.icons(t,n).pages[i.page];if(!i||!a)return c`<div class="big-icon none">no icon</div>`;let{x:o,y:s,side:l}=i;return c`<atlas-crop
    class="big-icon"
    role="img"
    aria-label="Icon of the cell"
    .crop=${{picture:a,rect:{x:o,y:s,width:l,height:l}}}
  ></atlas-crop>`}function bn({facts:t}){return c`<div class="headline">
    <strong>${e(t.count,`sample`)}</strong>
    <span class="muted">${_(t.share)} of the map</span>
  </div>`}function xn({facts:e}){if(e.kind===`none`)return o;let t=e.cosine!==null&&e.cosine<.3;return c`<div class="icon-line">
    ${vn[e.kind]}${e.cosine===null?o:c`<span
            class="number"
            title="Cosine between what the layer answers to this picture and the cell's mean, both relative to the layer's mean. 1 is a perfect likeness."
            >cosine ${s(e.cosine)}</span
          >${t?c`<span
                class="weak"
                title="Below ${s(ke)} the picture says little about the cell: trust the real patches."
                >weak</span
              >`:o}`}
  </div>`}function Sn({atlas:t,facts:r}){if(r.mixOf===null)return c`<p class="muted">No labels or predictions were recorded in this run.</p>`;let i=jt(r.mixOf===`labels`?t.labels:t.predictions,t.classes?.length??null),a=r.mix.length-_n;return c`<section>
    <h3>${r.mixOf===`labels`?`Labels`:`Predictions`}</h3>
    <ul class="bars">
      ${r.mix.slice(0,_n).map(({index:n,share:r,count:a})=>c`<li title=${e(a,`sample`)}>
    <span class="name">${g(m(t,n),40)}</span>
    <span class="meter"
      ><i style="width:${100*r}%;background:${i.colourOf(n)}"></i
    ></span>
    <span class="number">${_(r)}</span>
  </li>`)}
    </ul>
    ${a>0?c`<p class="muted">and ${n(a)} more</p>`:o}
  </section>`}function Cn({state:e,atlas:t,level:r,facts:i}){let a=L(e);if(a===null||a===t||Ve(a,t)!==null)return o;let{from:s,to:l,beyond:u}=qe(a,t,r),d=2*i.cell,f=Math.hypot(l[d]-s[d],l[d+1]-s[d+1]),p=u?.[i.cell];return c`<p>
    Moved ${_(f)} of the map's side since step ${n(a.step)}${p===void 0?o:c`; ${_(p)} of its samples more than chance`}.
  </p>`}function wn({atlas:e,facts:t}){return c`<p class="muted whereabouts">
    Row ${t.row+1}, column ${t.col+1} of ${t.size} × ${t.size} ·
    ${g(e.manifest.layer,40)} · step ${n(e.step)}
  </p>`}function Tn(e,t){let{state:n,session:r,evidence:i,atlas:a,level:o,facts:s}=e,c=n.settled&&!n.playing,l=i.nearest(a,o,s.cell,t,c),{probe:u,run:d}=n;return{nearest:l,list:l.samples.map(e=>{let t=u&&hn(a,u,e);return{sample:e,cut:t,picture:u&&d&&t?r.pages.thumbs(d.id,u,t.page):null}})}}function En({state:e,atlas:t}){return e.run?.probe===!1?`The pictures of the probe are not in this run.`:e.probeFailure?`The pictures of the probe: ${e.probeFailure.message}`:e.probe&&e.probe.manifest.digest!==t.manifest.probeDigest?`This step was made from another probe than the pictures in this run.`:null}function Dn({by:e}){let[t,n]=e===`activation`?[`by activation`,`Cosine to the cell's mean, relative to the layer's mean.`]:[`by place on the map`,`Distance on the map; activations are not here yet.`];return c`<span class="muted" title=${n}>${t}</span>`}function On(e,t){let n=e.labels?.[t],r=e.predictions?.[t],i=[`image ${e.imageIds[t]}`];return n!==void 0&&i.push(g(m(e,n),40)),r!==void 0&&r!==n&&i.push(`predicted ${g(m(e,r),40)}`),i.join(`, `)}var q=320,J=404,kn=10,Y=8;function An(e,t){let n=e.x+e.side+kn,r=e.x-kn-q,i=n+q+Y<=t.width||r<Y?n:r,a=(e,t)=>Math.max(Y,Math.min(e,t-Y));return{left:a(i,t.width-q),top:a(e.y+e.side/2-J/2,t.height-J)}}var jn=6;function Mn(e,t,n){let{left:r,top:i}=An(t,n);return c`<aside
    class="card panel"
    data-row=${e.facts.row}
    data-col=${e.facts.col}
    style="left:${r}px;top:${i}px"
    aria-label="Cell under the cursor"
  >
    <div class="card-top">
      ${yn(e)}
      <div class="card-facts">${bn(e)} ${xn(e)}</div>
    </div>
    ${Nn(e)} ${Sn(e)} ${Cn(e)} ${wn(e)}
  </aside>`}function Nn(e){let t=En(e);if(t!==null)return c`<p class="muted">${t}</p>`;let{nearest:n,list:r}=Tn(e,jn);return c`<section>
    <h3>Nearest real patches ${Dn(n)}</h3>
    <div class="patches">
      ${r.map(({cut:e,picture:t})=>c`<atlas-crop
            class="patch"
            .crop=${e&&t?{picture:t,rect:e.patch}:null}
          ></atlas-crop>`)}
    </div>
  </section>`}var Pn=2,Fn=class extends HTMLElement{#e=document.createElement(`canvas`);#t=null;set crop(e){let t=this.#t;this.#t=e,t?.picture===e?.picture&&In(t?.rect,e?.rect)||this.#n()}connectedCallback(){this.childElementCount>0||(this.append(this.#e),new ResizeObserver(()=>this.#n()).observe(this))}#n(){let{clientWidth:e,clientHeight:t}=this;if(e===0||t===0)return;let n=Math.min(Pn,devicePixelRatio||1);this.#e.width=Math.round(e*n),this.#e.height=Math.round(t*n);let r=this.#e.getContext(`2d`),i=this.#t;if(r===null||i===null)return;let{picture:a,rect:o,box:s}=i,c=Math.min(this.#e.width/o.width,this.#e.height/o.height),l=(this.#e.width-c*o.width)/2,u=(this.#e.height-c*o.height)/2;if(r.imageSmoothingQuality=`high`,r.drawImage(a,o.x,o.y,o.width,o.height,l,u,c*o.width,c*o.height),s!==void 0){r.setTransform(c,0,0,c,l-c*o.x,u-c*o.y);for(let[e,t]of[[`#000`,4],[`#fff`,2]])r.strokeStyle=e,r.lineWidth=t*n/c/1.5,r.strokeRect(s.x,s.y,s.width,s.height)}}};function In(e,t){return e===t||e?.x===t?.x&&e?.y===t?.y&&e?.width===t?.width&&e?.height===t?.height}customElements.define(`atlas-crop`,Fn);var{I:Ln}=i,Rn=e=>e.strings===void 0,zn={ATTRIBUTE:1,CHILD:2,PROPERTY:3,BOOLEAN_ATTRIBUTE:4,EVENT:5,ELEMENT:6},Bn=e=>(...t)=>({_$litDirective$:e,values:t}),Vn=class{constructor(e){}get _$AU(){return this._$AM._$AU}_$AT(e,t,n){this._$Ct=e,this._$AM=t,this._$Ci=n}_$AS(e,t){return this.update(e,t)}update(e,t){return this.render(...t)}},X=(e,t)=>{let n=e._$AN;if(n===void 0)return!1;for(let e of n)e._$AO?.(t,!1),X(e,t);return!0},Z=e=>{let t,n;do{if((t=e._$AM)===void 0)break;n=t._$AN,n.delete(e),e=t}while(n?.size===0)},Hn=e=>{for(let t;t=e._$AM;e=t){let n=t._$AN;if(n===void 0)t._$AN=n=new Set;else if(n.has(e))break;n.add(e),Gn(t)}};function Un(e){this._$AN===void 0?this._$AM=e:(Z(this),this._$AM=e,Hn(this))}function Wn(e,t=!1,n=0){let r=this._$AH,i=this._$AN;if(i!==void 0&&i.size!==0){if(t){if(Array.isArray(r))for(let e=n;e<r.length;e++)X(r[e],!1),Z(r[e]);else r!=null&&(X(r,!1),Z(r))}else X(this,e)}}var Gn=e=>{e.type==zn.CHILD&&(e._$AP??=Wn,e._$AQ??=Un)},Kn=class extends Vn{constructor(){super(...arguments),this._$AN=void 0}_$AT(e,t,n){super._$AT(e,t,n),Hn(this),this.isConnected=e._$AU}_$AO(e,t=!0){e!==this.isConnected&&(this.isConnected=e,e?this.reconnected?.():this.disconnected?.()),t&&(X(this,e),Z(this))}setValue(e){if(Rn(this._$Ct))this._$Ct._$AI(e,this);else{let t=[...this._$Ct._$AH];t[this._$Ci]=e,this._$Ct._$AI(t,this,0)}}disconnected(){}reconnected(){}},Q=new WeakMap,qn=Bn(class extends Kn{render(e){return o}update(e,[t]){let n=t!==this.G;return n&&this.rt(void 0),(n||this.lt!==this.ct)&&(this.G=t,this.ht=e.options?.host,this.rt(this.ct=e.element)),o}rt(e){if(this.G!==void 0){if(this.isConnected||(e=void 0),typeof this.G==`function`){let t=this.ht??globalThis,n=Q.get(t);n===void 0&&(n=new WeakMap,Q.set(t,n)),n.get(this.G)!==void 0&&this.G.call(this.ht,void 0),n.set(this.G,e),e!==void 0&&this.G.call(this.ht,e)}else this.G.value=e}}get lt(){return typeof this.G==`function`?Q.get(this.ht??globalThis)?.get(this.G):this.G?.value}disconnected(){this.lt===this.ct&&this.rt(void 0)}reconnected(){this.rt(this.ct)}}),Jn=[[`Arrows`,`move to the next cell`],[`Enter / Esc`,`pin the cell / unpin`],[`Shift + arrows`,`pan (or drag)`],[`+  −`,`zoom (or wheel, pinch, double click)`],[`0`,`the whole map`],[`1 … 5`,`hold one grid; again to follow the zoom`],[`,  .`,`previous, next step`],[`Space`,`play or pause`],[`j`,`what happened in the run`],[`d`,`drift: where cells moved since the step before`]];function Yn(e){queueMicrotask(()=>{e instanceof HTMLDialogElement&&e.isConnected&&!e.open&&e.showModal()})}function Xn(e){return c`<dialog
    class="help panel"
    aria-labelledby="help-title"
    ${qn(Yn)}
    @close=${e}
    @click=${t=>{t.target===t.currentTarget&&e()}}
  >
    <div class="help-body">
      <div class="inspector-head">
        <h2 id="help-title">How to read the map</h2>
        ${r({icon:`close`,name:`Close`,key:`Esc`,press:e})}
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
        ${Jn.map(([e,t])=>c`<dt>${e}</dt><dd>${t}</dd>`)}
      </dl>
    </div>
  </dialog>`}var Zn=12;function Qn(e,t,n){return c`<aside class="inspector panel" aria-label="Pinned cell">
    <div class="inspector-head">
      <h2>Pinned cell</h2>
      ${r({icon:`close`,name:`Unpin`,key:`Esc`,press:n})}
    </div>
    ${e===null?c`<p class="muted">
          No cell is drawn at the pinned place: too few samples lie there at this step or on this
          grid.
        </p>`:c`<div class="card-top">
            ${yn(e)}
            <div class="card-facts">${bn(e)} ${xn(e)}</div>
          </div>
          ${Sn(e)} ${Cn(e)}
          ${gt(e)} ${$n(e,t)} ${wn(e)}`}
  </aside>`}function $n(e,t){let n=En(e);if(n!==null)return c`<p class="muted">${n}</p>`;let{nearest:r,list:i}=Tn(e,Zn),a=i.find(({sample:e})=>e===t.sample);return c`<section>
    <h3>Nearest real patches ${Dn(r)}</h3>
    <div class="patches wide">${i.map(n=>er(e,n,t))}</div>
    ${a?tr(e,a):c`<p class="muted">Click a patch for its image.</p>`}
  </section>`}function er({atlas:e},{sample:t,cut:n,picture:r},i){let a=t===i.sample,o=On(e,t);return c`<button
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
  </button>`}function tr({atlas:e},{sample:t,cut:n,picture:r}){return!n||!r?o:c`<figure>
    <atlas-crop class="whole" .crop=${{picture:r,rect:n.image,box:n.patch}}></atlas-crop>
    <figcaption class="muted">${On(e,t)}</figcaption>
  </figure>`}function nr(e,t,n,r,i){return c`<aside class="legend panel" aria-label="Legend">
    ${n.kind===`none`?o:c`<details ?open=${i}>
            <summary>${rr(n,r)}</summary>
            ${ir(n)}
          </details>`}
    <p class="provenance muted" title=${sr(e)}>${ar(e,t)}</p>
  </aside>`}function rr(e,t){return e.kind!==`classes`||t===`icons`?e.title:t===`points`?e.pointTitle:`${e.title}; points: ${e.pointTitle.toLowerCase()}`}function ir(e){switch(e.kind){case`missing`:return c`<p>${e.reason}</p>`;case`classes`:return c`<ul class="swatches">
        ${e.entries.map(({label:e,colour:t})=>c`<li><i style="background:${t}"></i>${g(e,24)}</li>`)}
      </ul>`;case`scale`:return c`<div class="scale">
        <span>${e.low}</span>
        <i style="background:${kt}"></i>
        <span>${e.high}</span>
      </div>`}}function ar(e,t){let{settings:r,trustworthiness:i}=e.manifest,a=r.raw(`neighbors`),o=r.raw(`min_dist`);return[`${n(e.count)} samples`,`${t.size} × ${t.size}`,typeof a==`number`&&typeof o==`number`?`UMAP ${a}/${o}`:``,or(t),i===null?``:`trust ${s(i)}`].filter(Boolean).join(` · `)}function or(e){let{kinds:t,weak:r}=Ie(e),[i,...a]=t;return i===void 0?``:[...a.length?t.map(([e,t])=>`${n(t)} ${e}`):[i[0]],...r?[`${n(r)} weak`]:[]].join(`, `)}function sr({manifest:e}){return[`Model ${g(e.model,80)}, ${n(e.channels)} channels`,`UMAP: neighbours / least distance`,`weak: icons with a cosine under ${s(ke)}, which say little of their cell`,`trust: share of map neighbours that are true neighbours, 1 is best`,...e.effectiveRank===null?[]:[`Effective rank ${e.effectiveRank.toFixed(1)}: directions that the layer uses`],...e.notes.slice(0,5).map(e=>g(e,200))].join(`
`)}var cr=`from tensorboard_plugin_atlas import AtlasWriter

atlas = AtlasWriter("runs/exp1", model, layers=["layer3"], probe=val_set)
...
atlas.add_atlas(step)      # in the training loop, once a checkpoint`;function lr(e){return c`<section class="veil">
    <div class="message wide">
      <h2>No atlas in this log directory yet</h2>
      <p>
        An activation atlas is a map of what one layer of an image network sees: thousands of its
        answers laid out so that alike lie together, each square drawn as a picture of what it stands
        for. These lines log one at every checkpoint:
      </p>
      <pre><code>${cr}</code></pre>
      <p>
        Already logging? Check that <code>tensorboard --logdir</code> names the folder that
        <code>AtlasWriter</code> writes to, or a folder above it; atlases lie in its subfolder
        <code>atlas</code>. <code>tensorboard-atlas inspect LOGDIR</code> lists what is there, and
        <code>tensorboard-atlas demo</code> makes an example to look at.
      </p>
      <button type="button" class="button" @click=${e}>Look again</button>
    </div>
  </section>`}function ur(e,t){return c`<section class="veil">
    <div class="message fault">
      <h2>The atlases cannot be listed</h2>
      <p>${e.message}</p>
      ${pr(e)}
      <button type="button" class="button" @click=${t}>Retry</button>
    </div>
  </section>`}function dr(e,t,n){let{title:r,advice:i}=fr(e??0,t);return c`<section class="veil" data-failure=${t.kind}>
    <div class="message fault">
      <h2>${r}</h2>
      <p>${t.message}</p>
      <p class="muted">${i}</p>
      ${pr(t)}
      <button type="button" class="button" @click=${n}>Retry</button>
    </div>
  </section>`}function fr(e,{kind:t}){let r=`Step ${n(e)}`;switch(t){case`damaged`:return{title:`${r} is damaged`,advice:`Its stored bytes are not what was written. The other steps are not affected.`};case`too_new`:return{title:`${r} is from a newer version`,advice:`Upgrade tensorboard_plugin_atlas here to see it. The other steps are not affected.`};case`not_found`:return{title:`${r} is no longer kept`,advice:`TensorBoard thins long series. Reload, or keep more with --atlas_samples.`};default:return{title:`${r} could not be loaded`,advice:`The other steps can be tried.`}}}function pr({request:e,status:t}){return c`<p class="request muted">
    Request <code>${e}</code>${t===null?o:c`, status ${t}`}
  </p>`}function mr({renderer:e,sheetFailure:t},n){let r=[t&&c`<p class="banner">
        Icons of this grid cannot be shown: ${t.message}
        <button type="button" class="link" @click=${n}>Retry</button>
      </p>`,e===`canvas`&&c`<p class="banner">
        This browser offers no WebGL2: the map is drawn more slowly, without blended crossfades.
      </p>`,e===`none`&&c`<p class="banner">This browser offers no canvas: the map cannot be drawn.</p>`].filter(Boolean);return r.length===0?o:c`<div class="banners">${r}</div>`}var hr=332,gr=900,_r=class{session;map;update;#e;#t=null;#n=null;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new mn(n),e.pages.watch(n)}render(e,t){return c`${this.#r(e,t)}${e.help?this.#c():o}`}#r(e,t){let n=()=>this.session.retry();if(e.phase===`empty`)return lr(n);if(e.phase===`failed`&&e.failure)return ur(e.failure,n);if(e.stepFailure)return dr(e.step,e.stepFailure,n);let{shownLevel:r}=e,i=ot(e),a=i?.levels.find(({size:e})=>e===r);return!i||!a?o:c`<div class="left-column">
        ${mr(e,n)}
        <div class="legends">
          ${t?.legends(e,i,a)??o} ${this.#i(i,a,e)}
        </div>
      </div>
      ${this.#o(e,i)} ${this.#a(e,i)}`}#i(e,t,{colour:n,show:r}){(this.#t?.level!==t||this.#t.mode!==n)&&(this.#t={level:t,mode:n,colours:Pt(e,t,n)});let i=this.map.viewport.width>=gr;return nr(e,t,this.#t.colours.legend,r,i)}#a(e,t){let{hover:n,pinned:r}=e,i=n&&this.#s(e,t,n);if(!n||!i||b(n,r))return o;let{width:a,height:s}=this.map.viewport,c=e.pinned===null?0:hr;return Mn(i,this.map.boxOf(n),{width:a-c,height:s})}#o(e,t){let{pinned:n}=e;if(n===null)return o;let r={sample:this.#n,choose:e=>{this.#n=e,this.update()}};return Qn(this.#s(e,t,n),r,()=>this.session.store.set({pinned:null}))}#s(e,t,n){let r=t.levels.find(({size:e})=>e===n.size),i=r&&Fe(t,r,n.row,n.col);return!r||!i?null:{state:e,session:this.session,evidence:this.#e,atlas:t,level:r,facts:i}}#c(){return Xn(()=>this.session.store.set({help:!1}))}};function vr(e,t){let{store:n}=t;return c`<span class="tools" role="group" aria-label="Evolution">
    ${r({icon:`events`,name:`Events of this run`,key:`j`,pressed:e.eventList,press:()=>n.set({eventList:!e.eventList})})}
    ${r({icon:`drift`,name:`Drift: where cells moved`,key:`d`,pressed:e.drift,press:()=>n.set({drift:!e.drift})})}
  </span>`}var yr=1.5;function br(e){return c`<div class="map-buttons" role="group" aria-label="Zoom">
    ${r({icon:`plus`,name:`Zoom in`,key:`+`,press:()=>e.zoomBy(yr)})}
    ${r({icon:`minus`,name:`Zoom out`,key:`-`,press:()=>e.zoomBy(1/yr)})}
    ${r({icon:`fit`,name:`Show the whole map`,key:`0`,press:()=>e.fit()})}
  </div>`}var xr=1.5,Sr=720,Cr=2;function wr(e,t){let n=({x:e,y:t})=>({x:Math.min(1,Math.max(0,e)),y:Math.min(1,Math.max(0,t))});return{from:n(x(e,t,{x:0,y:0})),to:n(x(e,t,{x:t.width,y:t.height}))}}function Tr(e,t){let{atlas:n,camera:r,dark:i}=e,a=n?.levels[0],{viewport:s}=t;if(!a||r.z<xr||s.width<Sr)return o;let l=n=>{if(n.buttons!==1)return;let r=n.currentTarget.getBoundingClientRect(),i=(n.clientX-r.left)/r.width,a=(n.clientY-r.top)/r.height;t.moveTo({x:i,y:a,z:e.camera.z})};return c`<atlas-minimap
    class="panel"
    aria-hidden="true"
    title="The whole map; press to go there"
    .overview=${{level:a,camera:r,viewport:s,dark:i}}
    @pointerdown=${l}
    @pointermove=${l}
  ></atlas-minimap>`}var Er=class extends HTMLElement{#e=document.createElement(`canvas`);#t=null;set overview(e){this.#t=e,this.isConnected&&this.#n()}connectedCallback(){this.childElementCount===0&&this.append(this.#e),this.#n()}#n(){let e=this.#e.getContext(`2d`);if(e===null||this.#t===null)return;let{level:t,camera:n,viewport:r,dark:i}=this.#t,a=ge[i?`dark`:`light`],o=Math.min(Cr,devicePixelRatio||1),s=this.clientWidth*o;this.#e.width=s,this.#e.height=s;let c=s/t.size;e.fillStyle=`rgb(${a.neutralTile.join()})`;for(let n=0;n<t.rows.length;n++){let r=t.cols[n]*c,i=t.rows[n]*c;e.fillRect(r+1,i+1,c-2,c-2)}let{from:l,to:u}=wr(n,r);e.strokeStyle=a.accent,e.lineWidth=2*o,e.strokeRect(l.x*s+o,l.y*s+o,(u.x-l.x)*s-2*o,(u.y-l.y)*s-2*o)}};customElements.define(`atlas-minimap`,Er);var Dr=400,Or={busy:`the machine was busy`,budget:`its share of the run time was spent`,failed:`it failed, and the output of the run says why`};function kr(e,t,n,i=o){let a=e.series?.steps??[],s=a.indexOf(e.step??NaN),l=a.length<2;return c`<footer class="bar" aria-label="Steps">
    <span class="transport">
      ${r({icon:`previous`,name:`Previous step`,key:`,`,disabled:s<=0,press:()=>n.stepBy(-1)})}
      ${r({icon:e.playing?`pause`:`play`,name:e.playing?`Pause`:`Play the steps`,key:`Space`,extra:`play`,disabled:l,press:()=>n.toggle()})}
      ${r({icon:`next`,name:`Next step`,key:`.`,disabled:s<0||s===a.length-1,press:()=>n.stepBy(1)})}
    </span>
    ${Ar(e,t,a,s,i)}
    ${jr(e,a,s)}
    ${Fr(e.history,a,s)}
    ${e.freshSteps>0?Rr(e.freshSteps,t):o}
  </footer>`}function Ar({history:e,step:t},n,r,i,a){let s=Math.max(1,r.length-1),l=e=>100*e/s,u=t===null?null:e?.steps.get(t)?.reason??null;return c`<span class="slider">
    <span class="track">
      <div class="done" style="width:${i<0?0:l(i)}%"></div>
      ${r.map((t,n)=>{let a=(e?.steps.get(t)?.status??`ok`)!==`ok`;return!a&&r.length>Dr?o:c`<i class="tick ${a?`bad`:n<=i?`passed`:``}" data-step=${t} style="left:${l(n)}%"></i>`})}
      ${(e?.skipped??[]).slice(0,Dr).map(e=>{let t=Math.min(s,Math.max(0,Pr(r,e.step)-.5));return c`<i
          class="tick skipped"
          data-step=${e.step}
          title=${$(e)}
          style="left:${l(t)}%"
        ></i>`})}
    </span>
    <input
      type="range"
      aria-label="Step"
      min="0"
      max=${s}
      step="1"
      .value=${String(Math.max(0,i))}
      ?disabled=${r.length<2}
      aria-valuetext=${t===null?`no step`:`step ${t}, ${i+1} of ${r.length}`}
      title=${u??``}
      @input=${e=>{let t=r[Number(e.target.value)];t!==void 0&&n.chooseStep(t)}}
    />
    ${a}
  </span>`}function jr({step:e,series:t},r,i){if(e===null||t===null)return c`<span class="moment"></span>`;let a=t.wallTimes[i],o=a===void 0?``:` · ${Mr(a)}`;return c`<span class="moment">
    <strong>Step ${n(e)}</strong><br />
    <span class="muted">${i+1} of ${r.length}${o}</span>
  </span>`}function Mr(e){let t=new Date(1e3*e);return Number.isNaN(t.getTime())?``:t.toLocaleString(`en-GB`,{day:`numeric`,month:`short`,hour:`2-digit`,minute:`2-digit`})}var Nr=20;function Pr(e,t){let n=e.findIndex(e=>e>t);return n<0?e.length:n}function $({step:e,reason:t}){return`Step ${n(e)} was skipped: ${Or[t]??g(t,60)}`}function Fr(e,t,r){if(e===null)return o;let{logged:i,kept:a,skipped:s}=e,l=[...e.steps.values()],u=l.filter(({status:e})=>e===`damaged`),d=l.filter(({status:e})=>e===`too_new`);return i<=a&&u.length+d.length+s.length===0?o:c`<span class="note">
    ${i>a?c`${n(a)} of ${n(i)} logged steps kept; restart TensorBoard with
            <code>--atlas_samples=${i}</code> to keep all.`:o}
    ${Lr(u,`damaged step`)} ${Lr(d,`step`,` from a newer version`)}
    ${Ir(s,t,r)}
  </span>`}function Ir(t,n,r){if(t.length===0)return o;let i=t.find(({step:e})=>[r,r+1].includes(Pr(n,e))),a=t.slice(0,Nr).map($);return c`<span title=${a.join(`
`)}
    >${i===void 0?`${e(t.length,`checkpoint`)} not computed`:$(i)}.</span
  >`}function Lr(t,r,i=``){if(t.length===0)return o;let a=t.slice(0,Nr).map(({step:e,reason:t})=>`step ${n(e)}: ${g(t??`no reason given`,200)}`);return c`<span class="bad" title=${a.join(`
`)}
    >${e(t.length,r)}${i}.</span
  >`}function Rr(t,n){return c`<button type="button" class="pill" @click=${()=>n.acceptFreshSteps()}>
    ${e(t,`new checkpoint`)}
  </button>`}var zr=a` .transport{display:flex;align-items:center;gap:2px;}.play{width:40px;height:40px;background:var(--accent);color:var(--on-accent);}.play:hover:not(:disabled){background:color-mix(in srgb,var(--accent),var(--text) 15%);color:var(--on-accent);}.play svg{width:24px;height:24px;}.tools{display:flex;gap:2px;}.icon-button[aria-pressed='true']{color:var(--accent);background:var(--accent-soft);box-shadow:inset 0 0 0 1px var(--accent);}.slider{position:relative;flex:1;min-width:120px;height:32px;}.slider input{appearance:none;position:absolute;inset:0;width:100%;height:32px;margin:0;background:none;cursor:pointer;border-radius:4px;}.slider input::-webkit-slider-thumb{appearance:none;width:16px;height:16px;border-radius:50%;background:var(--accent);border:2px solid var(--surface);box-shadow:0 0 0 1px var(--accent);}.slider input::-moz-range-thumb{width:12px;height:12px;border-radius:50%;background:var(--accent);border:2px solid var(--surface);box-shadow:0 0 0 1px var(--accent);}.track{position:absolute;left:8px;right:8px;top:15px;height:2px;border-radius:1px;background:var(--line);}.track .done{height:100%;background:var(--accent);}.tick{position:absolute;top:-4px;width:2px;height:10px;margin-left:-1px;border-radius:1px;background:var(--muted);opacity:0.55;}.tick.passed{background:var(--accent);opacity:1;}.tick.bad{background:var(--bad);opacity:1;height:14px;top:-6px;width:3px;}.tick.skipped{top:-2px;height:6px;}.moment{min-width:148px;font-variant-numeric:tabular-nums;line-height:1.35;}.moment strong{font-weight:500;font-size:14px;}.moment .muted,.note{color:var(--muted);font-size:12px;}.note{max-width:330px;line-height:1.35;}.note code{font:11.5px/1.4 'Roboto Mono',ui-monospace,monospace;white-space:nowrap;}.note .bad{color:var(--bad);}.pill{height:28px;padding:0 12px;border-radius:14px;background:var(--accent);color:var(--on-accent);font-weight:500;white-space:nowrap;}@media (max-width:720px){.note,.transport .icon-button:not(.play){display:none;}.moment{min-width:0;}}`,Br=900,Vr=100,Hr=class{session;#e;constructor(e){this.session=e}stepBy(e){let{series:t,step:n}=this.session.store.state;if(t===null||n===null)return;let r=t.steps[t.steps.indexOf(n)+e];r!==void 0&&this.session.chooseStep(r)}toggle(){let{playing:e,series:t,step:n}=this.session.store.state;if(clearTimeout(this.#e),this.session.store.set({playing:!e}),e||t===null)return;let r=t.steps[0];n===t.steps.at(-1)&&r!==void 0&&this.session.chooseStep(r),this.#t(Br)}#t(e){this.#e=setTimeout(()=>{let{busy:e,series:t,step:n,playing:r,settled:i,stepFailure:a}=this.session.store.state;if(!r||t===null)return;if(e||!(i||a!==null)){this.#t(Vr);return}let o=this.#n(t,n);o===null?this.session.store.set({playing:!1}):(this.session.chooseStep(o),this.#t(Br))},e)}#n(e,t){let{history:n}=this.session.store.state;return e.steps.slice(e.steps.indexOf(t??NaN)+1).find(e=>(n?.steps.get(e)?.status??`ok`)===`ok`)??null}},Ur=60,Wr=class{session;map;update;static styles=[zr,un];#e;#t;#n;#r=null;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new Hr(e),this.#t=new _r(e,t,n),this.#n=new ln(t,e,this.#e),t.equip(this.#n),new wt(e),this.#i()}complete(e){return this.#r!==null&&(I(e)===null||at(e))}stage(e){let t=e.phase===`ready`&&e.atlas!==null&&e.stepFailure===null;return c`${t?c`${br(this.map)} ${Tr(e,this.map)}`:o}
    ${t?this.#r?.top(e)??o:o}
    ${this.#t.render(e,this.#r)}`}rail(e){return this.#r?.rail(e)??o}tools(e){return vr(e,this.session)}sentence(t,n){let{hover:r,step:i,stepFailure:a,freshSteps:o}=t;if(a!==null&&a!==n.stepFailure)return`Step ${i} cannot be shown: ${a.message}`;if(o>n.freshSteps)return e(o,`new checkpoint`);let s=this.#r?.sentence(t,n)??null;return s===null?b(r,n.hover)||!this.map.matches(`:focus-visible`)?null:Gr(t):s}timeline(e){let t=this.#r?.marks(e)??o;return kr(e,this.session,this.#e,t)}async#i(){let{Evolution:e}=await pe(async()=>{let{Evolution:e}=await import(`./chunk-evolution-TV28QQwV.js`);return{Evolution:e}},[],import.meta.url),t=new e(this.session,this.map,this.update);this.#r=t,this.#n.layers=()=>t.layers(this.session.store.state);let n=this.map.getRootNode();if(n instanceof ShadowRoot){let t=e.styles.flatMap(({styleSheet:e})=>e??[]);n.adoptedStyleSheets=[...n.adoptedStyleSheets,...t]}this.map.invalidate(),this.update()}};function Gr({atlas:t,hover:n}){let r=t?.levels.find(({size:e})=>e===n?.size),i=t&&r&&n&&Fe(t,r,n.row,n.col);if(!i)return null;let a=i.mix[0],o=a?g(m(t,a.index),Ur):``,s=a?`, ${o} ${Math.round(100*a.share)} percent`:``;return`row ${i.row+1}, column ${i.col+1}${s}, ${e(i.count,`sample`)}`}export{Wr as Later,De as _,ot as a,F as c,Ge as d,qe as f,Oe as g,we as h,rt as i,j as l,E as m,vt as n,L as o,Ve as p,ft as r,I as s,yt as t,A as u,Ce as v};