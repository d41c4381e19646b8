import{C as e,D as t,O as n,b as r,v as i,y as a}from"./chunk-later-wJTyLv5g.js";import{E as o,F as s,L as c,R as l,Z as u,ft as d,h as f,k as p,lt as m,p as h,q as ee,rt as te,t as ne,ut as g,z as _}from"./chunk-base-vpAxkZ_q.js";var re=32256,ie=`Attribution was not recorded: AtlasConfig(attribution=True)`,v=new WeakMap;function y(e,t){let n=v.get(t);return n===void 0&&(n=b(e,t),v.set(t,n)),n}function b({tensors:e},{size:t,rows:n}){let r=`grid${t}.attribution`,i=n.length;try{let n=x(e,`grid${t}.spread`,i);if(e.has(r)){let t=e.shape(r)[1]??0,a=e.half(r,i,t);return{classes:t,spread:n,at:(e,n)=>f(a[e*t+n]??re)}}if(!e.has(`${r}_codes`))return ie;let a=e.shape(`${r}_codes`)[1]??0,o=e.uint8(`${r}_codes`,i,a),s=e.float32(`${r}_scale`,i);return{classes:a,spread:n,at:(e,t)=>((o[e*a+t]??NaN)-128)*(s[e]??NaN)}}catch(e){if(e instanceof o)return e.message;throw e}}function x(e,t,n){if(!e.has(`${t}_codes`))return null;let r=e.shape(`${t}_codes`)[1]??0,i=e.uint8(`${t}_codes`,n,r),a=e.float32(`${t}_scale`,n);return(e,t)=>(i[e*r+t]??NaN)*(a[e]??NaN)}function ae({classes:e,at:t},n,r){let i=Array.from({length:e},(e,r)=>({index:r,value:t(n,r)}));return{helps:i.filter(({value:e})=>e>0).sort((e,t)=>t.value-e.value).slice(0,r),hurts:i.filter(({value:e})=>e<0).sort((e,t)=>e.value-t.value).slice(0,r)}}function S(e,t=e){if(e===0)return`0`;let n=Math.floor(Math.log10(Math.abs(t))),r=n<0?1-n:2-n,i=Math.abs(e).toFixed(Math.min(20,Math.max(0,r)));return(e>0?`+`:`−`)+(Number(i)===0?`0`:i.replace(/^0\./,`.`))}var oe=[`top`,`toward`],se=[`helps`,`hurts`,`both`],ce=99999;function C({filter:e,sign:t}){let[n,r=``]=e.slice(0,100).split(`:`),i=r.split(`,`).filter(e=>/^\d{1,5}$/.test(e)).map(Number).filter(e=>e<=ce);return{kind:oe.find(e=>e===n)??`top`,classes:[...new Set(i)].slice(0,4),sign:se.find(e=>e===t)??`helps`}}function w({kind:e,classes:t,sign:n}){return{filter:e===`top`&&t.length===0?``:`${e}:${t.join()}`,sign:n===`helps`?``:n}}var T=new WeakMap;function E(e,t,n){let r=JSON.stringify(n),i=T.get(t);if(i?.key===r)return i.answers;let a=n.kind===`top`?D(e,t,n):O(e,t,n);return T.set(t,{key:r,answers:a}),a}function D(e,t,{classes:n}){let i=e.labels??e.predictions;if(i===null)return`No labels or predictions were recorded in this run.`;let a=r(t,i),o=Int8Array.from(a.index,e=>n.indexOf(e));return A(t,a.share,o,e=>o[e]>=0)}function O(e,t,n){let r=y(e,t);if(typeof r==`string`)return r;let{classes:i,sign:a}=n,o=i.find(e=>e>=r.classes);if(o!==void 0)return`This run knows no ${h(e,o)}.`;let s=t.rows.length,c=new Float32Array(s).fill(NaN),l=new Int8Array(s).fill(-1),u=k[a];for(let e=0;e<s;e++){let t=-1/0;i.forEach((n,i)=>{let a=r.at(e,n);!Number.isFinite(a)||u(a)<=t||(t=u(a),c[e]=a,l[e]=i)})}return A(t,c,l,e=>u(c[e])>0)}var k={helps:e=>e,hurts:e=>-e,both:Math.abs};function A({counts:e},t,n,r){let i=Uint8Array.from(e,(e,t)=>+!!r(t)),a=[...i.keys()].filter(e=>i[e]===1),o=e=>Math.abs(t[e]),s=a.filter(t=>e[t]>=8).sort((e,t)=>o(t)-o(e)||e-t),c=s.length>0?s:a,l=s.map(e=>t[e]);return{values:t,which:n,passes:i,ranked:s,passing:a.length,sparse:a.length-s.length,most:c.reduce((e,t)=>Math.max(e,o(t)),0),range:l.length>0?[Math.min(...l),Math.max(...l)]:null}}function j({values:e,passes:t},n,r,i){if(t[r]!==1)return 0;let a=Math.abs(e[r]);return n===`top`?a:Math.min(1,a/Math.max(i,Number.MIN_VALUE))}var M=.82,N=.4,P=[1.5,2.5],F=[5,12],I=24,L=44,R=`600 10px Roboto, system-ui, sans-serif`;function z(e,t,n){let{answers:r,kind:i,most:o}=n,s=ee(t.level),c=`rgb(${t.theme.ground.join()})`;a(t,(a,l,u,d)=>{let f=j(r,i,a,o);if(e.globalAlpha=M*(1-f),e.fillStyle=c,e.fillRect(l,u,d,d),e.globalAlpha=1,r.passes[a]!==1)return;let p=s[a]*d,m={x:l+(d-p)/2,y:u+(d-p)/2,side:p};B(e,t,n,a,m,f);let h=d>=I?V(n,a,d>=L):``;h!==``&&W(e,t,m,h)})}function B(e,{theme:t,level:n},{answers:r,kind:i},a,o,s){let c=r.values[a]<0;e.globalAlpha=N+.6*s;let l=i===`top`?t.accent:c?t.loss:t.gain;c&&H(e,o,`rgb(${t.ground.join()})`,l);let u=n.counts[a]<8;U(e,o,l,1+2.5*s,u),e.globalAlpha=1}function V({answers:e,kind:t,most:n,several:r},i,a){let o=e.values[i],s=r?`${e.which[i]+1}`:``,l=t===`top`?c(o):S(o,n);return[s,a?l:``].filter(Boolean).join(` · `)}function H(e,{x:t,y:n,side:r},i,a){let o=Math.min(F[1],Math.max(F[0],r/5));e.beginPath();for(let i=o;i<2*r;i+=o){let a=Math.max(0,i-r);e.moveTo(t+a,n+i-a),e.lineTo(t+i-a,n+a)}for(let[t,n]of[[3,i],[1.3,a]])e.lineWidth=t,e.strokeStyle=n,e.stroke()}function U(e,{x:t,y:n,side:r},i,a,o){e.strokeStyle=i,e.lineWidth=a,e.setLineDash(o?P:[]),e.beginPath(),e.roundRect(t,n,r,r,Math.min(5,.1*r)),e.stroke(),e.setLineDash([])}function W(e,{theme:t},{x:n,y:r,side:i},a){e.font=R,e.textBaseline=`middle`;let o=e.measureText(a).width+8;e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(n+i-o,r,o,15,3),e.fill(),e.fillStyle=t.label,e.fillText(a,n+i-o+4,r+8)}var G=3,le=40;function ue({atlas:e,level:t,facts:n},r){let i=y(e,t);if(typeof i==`string`)return g`<section class="voices">
<h3>Attribution</h3>
<p class="muted">${i}</p>
</section>`;let{helps:a,hurts:o}=ae(i,n.cell,G),s=Math.max(...[...a,...o].map(({value:e})=>Math.abs(e))),c=(e,t)=>{let r=i.spread?.(n.cell,t)??NaN;if(!Number.isFinite(r))return{mark:m,text:m};let a=100*Math.max(0,Math.abs(e)-r)/s,o=Math.min(100,100*(Math.abs(e)+r)/s);return{mark:g`<b style="left:${a}%;width:${o-a}%"></b>`,text:g`<span class="muted" title="Standard deviation over the samples"
>${S(r,s).replace(/^\+?/,` ±`)}</span
>`}},u=(t,n,i)=>n.length===0?m:g`<h4>${t}</h4>
<ul class="bars">
${n.map(({index:t,value:n})=>g`<li>
<button
type="button"
class="name"
title="Show the attribution toward this class on the map"
@click=${()=>r(t)}
>
${_(h(e,t),le)||`(no name)`}
</button>
<span class="meter ${i}"
><i style="width:${100*Math.abs(n)/s}%"></i>${c(n,t).mark}</span
>
<span class="number">${S(n,s)}${c(n,t).text}</span>
</li>`)}
</ul>`,d=n.count<8?`, only ${l(n.count,`sample`)}`:``;return g`<section class="voices">
<h3>Attribution <span class="muted">logits, mean of the samples${d}</span></h3>
${u(`Says for`,a,`helps`)} ${u(`Against`,o,`hurts`)}
${a.length+o.length===0?g`<p class="muted">It speaks for no class.</p>`:m}
</section>`}var de=5,K=1.05;function fe({atlas:e,level:t,shownLevel:n,camera:r},i,{size:a,row:o,col:s}){let c=e?.levels??[],l=e=>c[u(c,t,te({...r,z:e},i),n)]?.size,{z:d}=r;for(;d*K<=a/de&&l(d*K)===a;)d*=K;return{x:(s+.5)/a,y:(o+.5)/a,z:d}}var pe=100,me=40;function he(e,t){let n=t.trim().toLowerCase();if(n===``)return e;let r=e.map(e=>({choice:e,at:e.name.toLowerCase().indexOf(n)})),i=r.filter(({at:e})=>e===0),a=r.filter(({at:e})=>e>0);return[...i,...a].map(({choice:e})=>e)}var ge=class{update;#e=``;#t=0;constructor(e){this.update=e}render(e){let{choices:t,chosen:n}=e,r=he(t,this.#e),i=r.slice(0,pe);this.#t=Math.max(0,Math.min(this.#t,i.length-1));let a=i[this.#t],o=r.length-i.length;return g`<div class="picker">
<input
type="search"
role="combobox"
aria-label="Find a class"
aria-expanded="true"
aria-controls="class-list"
aria-autocomplete="list"
aria-activedescendant=${a?`class-${a.index}`:m}
autocomplete="off"
spellcheck="false"
placeholder="Find among ${s(t.length)} classes"
.value=${this.#e}
${ne(ve)}
@input=${e=>this.#r(e.target.value)}
@keydown=${t=>this.#i(t,i,e)}
/>
<ul id="class-list" role="listbox" aria-label="Classes" aria-multiselectable="true">
${i.map(t=>this.#n(t,t===a,e))}
</ul>
${i.length===0?g`<p class="muted">No class holds these letters.</p>`:m}
${o>0?g`<p class="muted">and ${s(o)} more: type to find them</p>`:m}
${n.length>=4?g`<p class="muted">${4} at most: take one away for another.</p>`:m}
</div>`}#n({index:e,name:t,note:n},r,i){let a=i.chosen.includes(e),o=!a&&i.chosen.length>=4;return g`<li
id="class-${e}"
role="option"
class=${r?`active`:``}
aria-selected=${a}
aria-disabled=${o?`true`:m}
@mousedown=${e=>e.preventDefault()}
@click=${()=>i.toggle(e)}
>
<span class="name">${_(t,me)||`(no name)`}</span>
<span class="muted number">${n}</span>
</li>`}#r(e){this.#e=e,this.#t=0,this.update()}#i(e,t,n){let r={ArrowDown:1,ArrowUp:-1,PageDown:10,PageUp:-10}[e.key],i=t[this.#t];if(r!==void 0)this.#t=Math.max(0,Math.min(t.length-1,this.#t+r)),this.update(),_e(e.currentTarget,t[this.#t]);else if(e.key===`Enter`&&i)n.toggle(i.index);else if(e.key===`Escape`&&this.#e!==``)this.#r(``);else if(e.key===`Escape`)n.leave();else return;e.preventDefault()}};function _e(e,t){let n=e.nextElementSibling;(t&&n?.querySelector(`#class-${t.index}`))?.scrollIntoView({block:`nearest`})}function ve(e){queueMicrotask(()=>{e instanceof HTMLElement&&e.isConnected&&e.focus()})}var ye=10,q=40,be={top:`Top class is`,toward:`Attribution toward`},xe={helps:`Helps`,hurts:`Hurts`,both:`Both`},Se=class{session;map;#e;#t=null;constructor(e,t,n){this.session=e,this.map=t,this.#e=new ge(n)}render(e){let n=C(e),r=t(e),i=r?.levels.find(({size:t})=>t===e.shownLevel);return g`<aside class="events filter" aria-label="Class filter">
<div class="inspector-head">
<h2>Ask about a class</h2>
${p({icon:`close`,name:`Close the class filter`,key:`f`,press:()=>this.#u()})}
</div>
${this.#n(n)}
${n.kind===`toward`?this.#r(n):m}
${r?g`${this.#i(r,n)}${this.#e.render({choices:this.#s(r),chosen:n.classes,toggle:e=>this.#c(n,e),leave:()=>this.map.focus()})}`:m}
${r&&i?this.#a(r,i,n):m}
</aside>`}#n(e){return J(`Which cells`,`filter-kind`,be,e.kind,t=>this.#l({...e,kind:t}))}#r(e){return J(`Sign of the attribution`,`filter-sign`,xe,e.sign,t=>this.#l({...e,sign:t}))}#i(e,t){let{classes:n}=t;return n.length===0?m:g`<ul class="chips" aria-label="Classes asked for">
${n.map((r,i)=>{let a=_(h(e,r),q);return g`<li>
<button
type="button"
class="chip"
title="Take away"
@click=${()=>this.#c(t,r)}
>
<span class="hidden">Take away</span>
${n.length>1?g`<b class="side-mark">${i+1}</b>`:m}
<span class="name">${a}</span><span aria-hidden="true">×</span>
</button>
</li>`})}
</ul>`}#a(e,t,n){if(n.classes.length===0)return g`<p class="muted">Choose a class: its cells keep their light, all others recede.</p>`;let r=E(e,t,n);return typeof r==`string`?g`<p>${r}</p>`:g`<section class="strongest">
<h3>Strongest cells <span class="muted">${Y(r,t)}</span></h3>
${r.ranked.length===0?g`<p class="muted">None with ${8} samples or more on this grid.</p>`:g`<ol @keydown=${i}>
${r.ranked.slice(0,ye).map(i=>this.#o(e,t,n,r,i))}
</ol>`}
</section>`}#o(e,t,{kind:n,classes:r},{values:i,which:a,most:o},s){let u=i[s],d=r[a[s]]??-1,f=l(t.counts[s],`sample`),p=n===`top`?u:Math.abs(u)/o;return g`<li>
<button type="button" class="event" @click=${()=>this.#d(t,s)}>
<span class="event-head">
<span>row ${t.rows[s]+1}, column ${t.cols[s]+1}</span>
<span class="number">${n===`top`?c(u):S(u,o)}</span>
</span>
<span class="meter ${u<0?`hurts`:``}"><i style="width:${100*p}%"></i></span>
<span class="muted"
>${r.length>1?`${_(h(e,d),q)} · `:``}${f}</span
>
</button>
</li>`}#s(e){return this.#t?.atlas!==e&&(this.#t={atlas:e,list:Ce(e)}),this.#t.list}#c(e,t){let n=e.classes.filter(e=>e!==t),r=n.length<e.classes.length?n:[...n,t];this.#l({...e,classes:r})}#l(e){let{kind:t,classes:n,sign:r}=C(w(e));this.session.store.set(w({kind:t,classes:n,sign:r}))}#u(){this.session.store.set({filterOpen:!1}),this.map.focus()}#d({size:e,rows:t,cols:n},r){let[i,a]=[t[r],n[r]],{store:o}=this.session;o.set({pinned:{size:e,row:i,col:a},hover:null}),this.map.flyTo(fe(o.state,this.map.viewport,{size:e,row:i,col:a}))}};function J(e,t,n,r,i){return g`<span class="segments small" role="radiogroup" aria-label=${e}>
${Object.keys(n).map(e=>g`<label
><input
type="radio"
name=${t}
value=${e}
.checked=${e===r}
@change=${()=>i(e)}
/>${n[e]}</label
>`)}
</span>`}function Y({passing:e,sparse:t},{rows:n}){let r=t>0?`, ${s(t)} with fewer than 8 samples`:``;return`${s(e)} of ${l(n.length,`cell`)} pass${r}`}function Ce(e){let t=e.labels??e.predictions,n=new Map;for(let e of t??[])n.set(e,(n.get(e)??0)+1);let r=y(e,e.levels[0]),i=typeof r==`string`?0:r.classes,a=[...n.keys()].reduce((e,t)=>Math.max(e,t+1),i),o=e.classes?.length??a;return Array.from({length:o},(r,i)=>({index:i,name:h(e,i),note:t===null?``:l(n.get(i)??0,`sample`)}))}var X=40,we={helps:`: helps`,hurts:`: hurts`,both:`: helps or hurts`};function Z({compare:e,compareMode:t,flipped:n,highlight:r}){return r===null?e!==null&&t===`difference`&&!n?`It rests while the difference of A and B is drawn: choose Swipe or Blink.`:null:`It rests while members of a concept are lit: Esc ends that.`}function Q(e,t,r,i){let a=e.compare===null?null:n(e);return[t,a,a&&e.atlas].flatMap(e=>{let t=e?.levels.find(({size:e})=>e===r.size),n=e&&t?E(e,t,i):``;return typeof n==`string`?[]:[n.most]}).reduce((e,t)=>Math.max(e,t),0)}function Te(e,t,n,r){let i=C(e);if(i.classes.length===0)return m;let a=E(t,n,i),o=Z(e);return g`<aside class="legend panel filter-legend" aria-label="Legend of the class filter">
<div class="filter-head">
<strong>${Ee(t,i)}</strong>
<button type="button" class="link" ?hidden=${e.filterOpen} @click=${r.open}>
Change
</button>
<button type="button" class="link" @click=${r.clear}>Clear</button>
</div>
${typeof a==`string`||o!==null?g`<p>${typeof a==`string`?a:o}</p>`:g`${De(i,a,n)}
<p class="muted">${Oe(i,a,Q(e,t,n,i),e)}</p>`}
</aside>`}function Ee(e,{kind:t,classes:n,sign:r}){let i=n.map((t,r)=>{let i=n.length>1?g`<b class="side-mark">${r+1}</b> `:m;return g`${r>0?` or `:``}${i}${_(h(e,t),X)}`}),a=e.labels===null?` (predictions)`:``;return t===`top`?g`Top class is ${i}${a}`:g`Attribution toward ${i}${we[r]}`}function De({kind:e,sign:t},n,{rows:r}){let[i,a]=n.range??[0,0],o=(e,t)=>g`<li><i class=${e}></i><span>${t}</span></li>`,l=n.range!==null,u=[];if(e===`top`){let e=l?`: its share is ${c(i)} to ${c(a)}`:``;u.push(o(`passes`,`passes${e}`))}else{let e=(e,t)=>l?`, ${t} ${S(e,n.most)}`:``;t!==`hurts`&&u.push(o(`helps`,`speaks for it${e(Math.max(0,a),`up to`)}`)),t!==`helps`&&u.push(o(`hurts`,`speaks against${e(Math.min(0,i),`down to`)}`))}n.sparse>0&&u.push(o(`few`,`under 8 samples, not in rank or range: ${s(n.sparse)}`));let d=r.length-n.passing;return d>0&&u.push(o(`dim`,`does not pass: ${s(d)}`)),g`<ul class="filter-key">
${u}
</ul>`}function Oe({kind:e},t,n,{compare:r,compareMode:i}){if(t.passing===0)return`No cell of this grid passes.`;let a=r!==null&&i===`swipe`?` Ranges and counts above are those of B.`:``;if(e===`top`)return`Full light: a share of 100%. Less light, less of it.${a}`;let o=r===null?`on this grid`:`of A and B`,s=t.ranked.length>0?`cell`:`cell, though its samples are few,`;return`Full light: ${S(n).slice(1)} logits, the strongest ${s} ${o}. Less light, less of it.${a}`}function ke(e,t,n){let r=E(e,t,n);if(typeof r==`string`)return r;let i=r.ranked[0];if(i===void 0)return Y(r,t);let a=r.values[i],o=n.kind===`top`?c(a):S(a,r.most),s=`row ${t.rows[i]+1}, column ${t.cols[i]+1}`;return`${Y(r,t)}; strongest at ${s}: ${o}`}var Ae=d` .filter{gap:12px;}.filter > *{flex:none;}.filter h3{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 8px;font-size:12px;font-weight:500;margin:0 0 4px;}.filter h3 .muted{font-weight:400;}.filter .segments label{flex:1;}.picker{display:grid;gap:6px;}.picker input{font:inherit;color:inherit;height:32px;width:100%;padding:0 10px;border:1px solid var(--line);border-radius:4px;background:var(--ground);}.picker ul{list-style:none;margin:0;padding:2px;max-height:174px;overflow:auto;border:1px solid var(--line);border-radius:4px;}.picker li{display:flex;align-items:center;gap:8px;min-height:28px;padding:0 8px;border-radius:4px;cursor:pointer;}.picker li::before{content:'';flex:none;width:12px;height:12px;border:1.5px solid var(--muted);border-radius:3px;}.picker [aria-selected='true']::before{border-color:var(--accent);background:var(--accent);box-shadow:inset 0 0 0 2px var(--surface);}.picker [aria-disabled='true'] .name{text-decoration:line-through;}.picker li:hover{background:var(--control);}.picker .active{box-shadow:inset 0 0 0 1.5px var(--muted);}.picker input:focus ~ ul .active{box-shadow:inset 0 0 0 2px var(--accent);}.picker .name,.chip .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;}.picker li .number{margin-left:auto;white-space:nowrap;font-size:12px;}.picker p{font-size:12px;}.chips{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:6px;}.chips li{max-width:100%;}.chip{display:flex;align-items:center;gap:6px;height:28px;max-width:100%;padding:0 10px;border:1px solid var(--accent);border-radius:14px;background:var(--accent-soft);}.strongest ol{list-style:none;margin:0 -8px;padding:0;}.strongest .event{padding:6px 8px;gap:4px;}.strongest .event .number{color:inherit;}.strongest .event > .muted{font-size:12px;}.meter.helps i,.strongest .meter i{background:var(--gain);}.meter.hurts i{background:repeating-linear-gradient(135deg,var(--loss) 0 3px,#0000 3px 5px) !important;}.voices .bars li{grid-template-columns:minmax(0,92px) 1fr auto;}.voices .meter{position:relative;}.meter b{position:absolute;top:3px;height:2px;background:var(--text);}.filter-legend{gap:6px;max-width:376px;}.filter-head{display:flex;align-items:baseline;gap:4px;}.filter-legend strong{flex:1;font-weight:500;overflow-wrap:anywhere;}.filter-legend .side-mark{vertical-align:text-bottom;}.filter-legend .muted{font-size:12px;}.filter-key{list-style:none;margin:0;padding:0;display:grid;gap:4px;}.filter-key li{display:flex;align-items:center;gap:8px;}.filter-key i{flex:none;width:16px;height:16px;border-radius:3px;border:2px solid var(--text);}.filter-key .passes{border-color:var(--accent);}.filter-key .helps{border-color:var(--gain);}.filter-key .hurts{border-color:var(--loss);background:repeating-linear-gradient(135deg,var(--loss) 0 1.5px,#0000 1.5px 4px);}.filter-key .few{border-style:dotted;}.filter-key .dim{border:0;background:color-mix(in srgb,var(--muted) 28%,transparent);}.voices h4{margin:4px 0 2px;font-size:12px;font-weight:400;color:var(--muted);}.voices .bars li{grid-template-columns:minmax(0,92px) 1fr 56px;min-height:24px;}.voices .bars .name{min-height:24px;text-align:start;}.voices .bars .name:hover{text-decoration:underline;}`,je=class{session;static styles=[Ae];#e;constructor(e,t,n){this.session=e,this.#e=new Se(e,t,n)}layers(e){let t=C(e);return t.classes.length===0||Z(e)!==null?[]:[(n,r)=>Me(n,r,e,t)]}legends(e,t,n){let{store:r}=this.session;return Te(e,t,n,{clear:()=>r.set({filter:``,sign:``}),open:()=>r.set({filterOpen:!0})})}rail(e){return this.#e.render(e)}voices(e){return ue(e,e=>this.session.store.set(w({kind:`toward`,classes:[e],sign:`both`})))}sentence(e,n){let r=C(e),{playing:i,filter:a,sign:o,shownLevel:s}=e,c=a!==n.filter||o!==n.sign||s!==n.shownLevel||e.atlas!==n.atlas;if(r.classes.length===0||!c||i)return null;let l=t(e),u=l?.levels.find(({size:e})=>e===s);return l&&u?Z(e)??ke(l,u,r):null}};function Me(t,r,i,a){let o=i.compareMode===`swipe`?n(i):null,s=o?.levels.find(({size:e})=>e===r.level.size);if(i.compare===null||i.flipped||!o||!s){$(t,r,i,a);return}let{width:c,height:l}=r.viewport,u=e(i,r.viewport),d=(e,n,r)=>{t.save(),t.beginPath(),t.rect(e,0,n-e,l),t.clip(),$(t,r,i,a),t.restore()};d(0,u,{...r,atlas:o,level:s}),d(u,c,r)}function $(e,t,n,r){let{atlas:i,level:a}=t,o=E(i,a,r);typeof o!=`string`&&z(e,t,{answers:o,kind:r.kind,most:Q(n,i,a,r),several:r.classes.length>1})}export{je as ClassFilter};