import{C as e,D as t,E as n,F as r,H as i,L as a,N as o,O as s,P as c,S as l,T as u,V as d,k as f,w as p,x as m}from"./chunk-later-1Dlu_yH2.js";import{F as h,L as g,R as _,dt as v,k as y,p as b,pt as x,q as ee,t as S,ut as C,z as w}from"./chunk-base-MjkGkRbU.js";var te=.82,ne=.4,re=[1.5,2.5],T=[5,12],E=24,D=44,O=`600 10px Roboto, system-ui, sans-serif`;function k(e,n,r){let{answers:i,kind:a,most:o}=r,s=ee(n.level),c=`rgb(${n.theme.ground.join()})`;u(n,(l,u,d,f)=>{let p=t(i,a,l,o);if(e.globalAlpha=te*(1-p),e.fillStyle=c,e.fillRect(u,d,f,f),e.globalAlpha=1,i.passes[l]!==1)return;let m=s[l]*f,h={x:u+(f-m)/2,y:d+(f-m)/2,side:m};A(e,n,r,l,h,p);let g=f>=E?j(r,l,f>=D):``;g!==``&&P(e,n,h,g)})}function A(e,{theme:t,level:n},{answers:r,kind:i},a,o,s){let c=r.values[a]<0;e.globalAlpha=ne+.6*s;let l=i===`top`?t.accent:c?t.loss:t.gain;c&&M(e,o,`rgb(${t.ground.join()})`,l);let u=n.counts[a]<8;N(e,o,l,1+2.5*s,u),e.globalAlpha=1}function j({answers:e,kind:t,most:n,several:r},i,a){let o=e.values[i],s=r?`${e.which[i]+1}`:``,l=t===`top`?g(o):c(o,n);return[s,a?l:``].filter(Boolean).join(` · `)}function M(e,{x:t,y:n,side:r},i,a){let o=Math.min(T[1],Math.max(T[0],r/5));e.beginPath();for(let i=o;i<2*r;i+=o){let a=Math.max(0,i-r);e.moveTo(t+a,n+i-a),e.lineTo(t+i-a,n+a)}for(let[t,n]of[[3,i],[1.3,a]])e.lineWidth=t,e.strokeStyle=n,e.stroke()}function N(e,{x:t,y:n,side:r},i,a,o){e.strokeStyle=i,e.lineWidth=a,e.setLineDash(o?re:[]),e.beginPath(),e.roundRect(t,n,r,r,Math.min(5,.1*r)),e.stroke(),e.setLineDash([])}function P(e,{theme:t},{x:n,y:r,side:i},a){e.font=O,e.textBaseline=`middle`;let o=e.measureText(a).width+8;e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(n+i-o,r,o,15,3),e.fill(),e.fillStyle=t.label,e.fillText(a,n+i-o+4,r+8)}var F=3,I=40;function L({atlas:e,level:t,facts:n},i){let a=o(e,t);if(typeof a==`string`)return v`<section class="voices">
<h3>Attribution</h3>
<p class="muted">${a}</p>
</section>`;let{helps:s,hurts:l}=r(a,n.cell,F),u=Math.max(...[...s,...l].map(({value:e})=>Math.abs(e))),d=(e,t)=>{let r=a.spread?.(n.cell,t)??NaN;if(!Number.isFinite(r))return{mark:C,text:C};let i=100*Math.max(0,Math.abs(e)-r)/u,o=Math.min(100,100*(Math.abs(e)+r)/u);return{mark:v`<b style="left:${i}%;width:${o-i}%"></b>`,text:v`<span class="muted" title="Standard deviation over the samples"
>${c(r,u).replace(/^\+?/,` ±`)}</span
>`}},f=(t,n,r)=>n.length===0?C:v`<h4>${t}</h4>
<ul class="bars">
${n.map(({index:t,value:n})=>v`<li>
<button
type="button"
class="name"
title="Show the attribution toward this class on the map"
@click=${()=>i(t)}
>
${w(b(e,t),I)||`(no name)`}
</button>
<span class="meter ${r}"
><i style="width:${100*Math.abs(n)/u}%"></i>${d(n,t).mark}</span
>
<span class="number">${c(n,u)}${d(n,t).text}</span>
</li>`)}
</ul>`,p=n.count<8?`, only ${_(n.count,`sample`)}`:``;return v`<section class="voices">
<h3>Attribution <span class="muted">logits, mean of the samples${p}</span></h3>
${f(`Says for`,s,`helps`)} ${f(`Against`,l,`hurts`)}
${s.length+l.length===0?v`<p class="muted">It speaks for no class.</p>`:C}
</section>`}var R=100,z=40,B=class{update;#e=``;#t=0;constructor(e){this.update=e}render(e){let{choices:t,chosen:n}=e,r=p(t,this.#e),i=r.slice(0,R);this.#t=Math.max(0,Math.min(this.#t,i.length-1));let a=i[this.#t],o=r.length-i.length;return v`<div class="picker">
<input
type="search"
role="combobox"
aria-label="Find a class"
aria-expanded="true"
aria-controls="class-list"
aria-autocomplete="list"
aria-activedescendant=${a?`class-${a.index}`:C}
autocomplete="off"
spellcheck="false"
placeholder="Find among ${h(t.length)} classes"
.value=${this.#e}
${S(ie)}
@input=${e=>this.#r(e.target.value)}
@keydown=${t=>this.#i(t,i,e)}
/>
<ul id="class-list" role="listbox" aria-label="Classes" aria-multiselectable="true">
${i.map(t=>this.#n(t,t===a,e))}
</ul>
${i.length===0?v`<p class="muted">No class holds these letters.</p>`:C}
${o>0?v`<p class="muted">and ${h(o)} more: type to find them</p>`:C}
${n.length>=4?v`<p class="muted">${4} at most: take one away for another.</p>`:C}
</div>`}#n({index:e,name:t,note:n},r,i){let a=i.chosen.includes(e),o=!a&&i.chosen.length>=4;return v`<li
id="class-${e}"
role="option"
class=${r?`active`:``}
aria-selected=${a}
aria-disabled=${o?`true`:C}
@mousedown=${e=>e.preventDefault()}
@click=${()=>i.toggle(e)}
>
<span class="name">${w(t,z)||`(no name)`}</span>
<span class="muted number">${n}</span>
</li>`}#r(e){this.#e=e,this.#t=0,this.update()}#i(e,t,n){let r={ArrowDown:1,ArrowUp:-1,PageDown:10,PageUp:-10}[e.key],i=t[this.#t];if(r!==void 0)this.#t=Math.max(0,Math.min(t.length-1,this.#t+r)),this.update(),V(e.currentTarget,t[this.#t]);else if(e.key===`Enter`&&i)n.toggle(i.index);else if(e.key===`Escape`&&this.#e!==``)this.#r(``);else if(e.key===`Escape`)n.leave();else return;e.preventDefault()}};function V(e,t){let n=e.nextElementSibling;(t&&n?.querySelector(`#class-${t.index}`))?.scrollIntoView({block:`nearest`})}function ie(e){queueMicrotask(()=>{e instanceof HTMLElement&&e.isConnected&&e.focus()})}var H=10,U=40,W={top:`Top class is`,toward:`Attribution toward`},G={helps:`Helps`,hurts:`Hurts`,both:`Both`},K=class{session;map;#e;constructor(e,t,n){this.session=e,this.map=t,this.#e=new B(n)}render(t){let n=s(t),r=d(t),i=r?.levels.find(({size:e})=>e===t.shownLevel);return v`<aside class="events filter" aria-label="Class filter">
<div class="inspector-head">
<h2>Ask about a class</h2>
${y({icon:`close`,name:`Close the class filter`,key:`f`,press:()=>this.#c()})}
</div>
${this.#t(n)}
${n.kind===`toward`?this.#n(n):C}
${r?v`${this.#r(r,n)}${this.#e.render({choices:e(r),chosen:n.classes,toggle:e=>this.#o(n,e),leave:()=>this.map.focus()})}`:C}
${r&&i?this.#i(r,i,n):C}
</aside>`}#t(e){return q(`Which cells`,`filter-kind`,W,e.kind,t=>this.#s({...e,kind:t}))}#n(e){return q(`Sign of the attribution`,`filter-sign`,G,e.sign,t=>this.#s({...e,sign:t}))}#r(e,t){let{classes:n}=t;return n.length===0?C:v`<ul class="chips" aria-label="Classes asked for">
${n.map((r,i)=>{let a=w(b(e,r),U);return v`<li>
<button
type="button"
class="chip"
title="Take away"
@click=${()=>this.#o(t,r)}
>
<span class="hidden">Take away</span>
${n.length>1?v`<b class="side-mark">${i+1}</b>`:C}
<span class="name">${a}</span><span aria-hidden="true">×</span>
</button>
</li>`})}
</ul>`}#i(e,t,r){if(r.classes.length===0)return v`<p class="muted">Choose a class: its cells keep their light, all others recede.</p>`;let i=n(e,t,r);return typeof i==`string`?v`<p>${i}</p>`:v`<section class="strongest">
<h3>Strongest cells <span class="muted">${J(i,t)}</span></h3>
${i.ranked.length===0?v`<p class="muted">None with ${8} samples or more on this grid.</p>`:v`<ol @keydown=${m}>
${i.ranked.slice(0,H).map(n=>this.#a(e,t,r,i,n))}
</ol>`}
</section>`}#a(e,t,{kind:n,classes:r},{values:i,which:a,most:o},s){let l=i[s],u=r[a[s]]??-1,d=_(t.counts[s],`sample`),f=n===`top`?l:Math.abs(l)/o;return v`<li>
<button type="button" class="event" @click=${()=>this.#l(t,s)}>
<span class="event-head">
<span>row ${t.rows[s]+1}, column ${t.cols[s]+1}</span>
<span class="number">${n===`top`?g(l):c(l,o)}</span>
</span>
<span class="meter ${l<0?`hurts`:``}"><i style="width:${100*f}%"></i></span>
<span class="muted"
>${r.length>1?`${w(b(e,u),U)} · `:``}${d}</span
>
</button>
</li>`}#o(e,t){let n=e.classes.filter(e=>e!==t),r=n.length<e.classes.length?n:[...n,t];this.#s({...e,classes:r})}#s(e){let{kind:t,classes:n,sign:r}=s(f(e));this.session.store.set(f({kind:t,classes:n,sign:r}))}#c(){this.session.store.set({filterOpen:!1}),this.map.focus()}#l({size:e,rows:t,cols:n},r){let[i,a]=[t[r],n[r]],{store:o}=this.session;o.set({pinned:{size:e,row:i,col:a},hover:null}),this.map.flyTo(l(o.state,this.map.viewport,{size:e,row:i,col:a}))}};function q(e,t,n,r,i){return v`<span class="segments small" role="radiogroup" aria-label=${e}>
${Object.keys(n).map(e=>v`<label
><input
type="radio"
name=${t}
value=${e}
.checked=${e===r}
@change=${()=>i(e)}
/>${n[e]}</label
>`)}
</span>`}function J({passing:e,sparse:t},{rows:n}){let r=t>0?`, ${h(t)} with fewer than 8 samples`:``;return`${h(e)} of ${_(n.length,`cell`)} pass${r}`}var Y=40,ae={helps:`: helps`,hurts:`: hurts`,both:`: helps or hurts`};function X({compare:e,compareMode:t,flipped:n,highlight:r}){return r===null?e!==null&&t===`difference`&&!n?`It rests while the difference of A and B is drawn: choose Swipe or Blink.`:null:`It rests while samples are lit: Esc ends that.`}function Z(e,t,r,a){let o=e.compare===null?null:i(e);return[t,o,o&&e.atlas].flatMap(e=>{let t=e?.levels.find(({size:e})=>e===r.size),i=e&&t?n(e,t,a):``;return typeof i==`string`?[]:[i.most]}).reduce((e,t)=>Math.max(e,t),0)}function oe(e,t,r,i){let a=s(e);if(a.classes.length===0)return C;let o=n(t,r,a),c=X(e);return v`<aside class="legend panel filter-legend" aria-label="Legend of the class filter">
<div class="filter-head">
<strong>${se(t,a)}</strong>
<button type="button" class="link" ?hidden=${e.filterOpen} @click=${i.open}>
Change
</button>
<button type="button" class="link" @click=${i.clear}>Clear</button>
</div>
${typeof o==`string`||c!==null?v`<p>${typeof o==`string`?o:c}</p>`:v`${ce(a,o,r)}
<p class="muted">${le(a,o,Z(e,t,r,a),e)}</p>`}
</aside>`}function se(e,{kind:t,classes:n,sign:r}){let i=n.map((t,r)=>{let i=n.length>1?v`<b class="side-mark">${r+1}</b> `:C;return v`${r>0?` or `:``}${i}${w(b(e,t),Y)}`}),a=e.labels===null?` (predictions)`:``;return t===`top`?v`Top class is ${i}${a}`:v`Attribution toward ${i}${ae[r]}`}function ce({kind:e,sign:t},n,{rows:r}){let[i,a]=n.range??[0,0],o=(e,t)=>v`<li><i class=${e}></i><span>${t}</span></li>`,s=n.range!==null,l=[];if(e===`top`){let e=s?`: its share is ${g(i)} to ${g(a)}`:``;l.push(o(`passes`,`passes${e}`))}else{let e=(e,t)=>s?`, ${t} ${c(e,n.most)}`:``;t!==`hurts`&&l.push(o(`helps`,`speaks for it${e(Math.max(0,a),`up to`)}`)),t!==`helps`&&l.push(o(`hurts`,`speaks against${e(Math.min(0,i),`down to`)}`))}n.sparse>0&&l.push(o(`few`,`under 8 samples, not in rank or range: ${h(n.sparse)}`));let u=r.length-n.passing;return u>0&&l.push(o(`dim`,`does not pass: ${h(u)}`)),v`<ul class="filter-key">
${l}
</ul>`}function le({kind:e},t,n,{compare:r,compareMode:i}){if(t.passing===0)return`No cell of this grid passes.`;let a=r!==null&&i===`swipe`?` Ranges and counts above are those of B.`:``;if(e===`top`)return`Full light: a share of 100%. Less light, less of it.${a}`;let o=r===null?`on this grid`:`of A and B`,s=t.ranked.length>0?`cell`:`cell, though its samples are few,`;return`Full light: ${c(n).slice(1)} logits, the strongest ${s} ${o}. Less light, less of it.${a}`}function ue(e,t,r){let i=n(e,t,r);if(typeof i==`string`)return i;let a=i.ranked[0];if(a===void 0)return J(i,t);let o=i.values[a],s=r.kind===`top`?g(o):c(o,i.most),l=`row ${t.rows[a]+1}, column ${t.cols[a]+1}`;return`${J(i,t)}; strongest at ${l}: ${s}`}var Q=x` .filter{gap:12px;}.filter > *{flex:none;}.filter h3{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 8px;font-size:12px;font-weight:500;margin:0 0 4px;}.filter h3 .muted{font-weight:400;}.filter .segments label{flex:1;}.picker{display:grid;gap:6px;}.picker input{font:inherit;color:inherit;height:32px;width:100%;padding:0 10px;border:1px solid var(--line);border-radius:4px;background:var(--ground);}.picker ul{list-style:none;margin:0;padding:2px;max-height:174px;overflow:auto;border:1px solid var(--line);border-radius:4px;}.picker li{display:flex;align-items:center;gap:8px;min-height:28px;padding:0 8px;border-radius:4px;cursor:pointer;}.picker li::before{content:'';flex:none;width:12px;height:12px;border:1.5px solid var(--muted);border-radius:3px;}.picker [aria-selected='true']::before{border-color:var(--accent);background:var(--accent);box-shadow:inset 0 0 0 2px var(--surface);}.picker [aria-disabled='true'] .name{text-decoration:line-through;}.picker li:hover{background:var(--control);}.picker .active{box-shadow:inset 0 0 0 1.5px var(--muted);}.picker input:focus ~ ul .active{box-shadow:inset 0 0 0 2px var(--accent);}.picker .name,.chip .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;}.picker li .number{margin-left:auto;white-space:nowrap;font-size:12px;}.picker p{font-size:12px;}.chips{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:6px;}.chips li{max-width:100%;}.chip{display:flex;align-items:center;gap:6px;height:28px;max-width:100%;padding:0 10px;border:1px solid var(--accent);border-radius:14px;background:var(--accent-soft);}.strongest ol{list-style:none;margin:0 -8px;padding:0;}.strongest .event{padding:6px 8px;gap:4px;}.strongest .event .number{color:inherit;}.strongest .event > .muted{font-size:12px;}.meter.helps i,.strongest .meter i{background:var(--gain);}.meter.hurts i{background:repeating-linear-gradient(135deg,var(--loss) 0 3px,#0000 3px 5px) !important;}.voices .bars li{grid-template-columns:minmax(0,92px) 1fr auto;}.voices .meter{position:relative;}.meter b{position:absolute;top:3px;height:2px;background:var(--text);}.filter-legend{gap:6px;max-width:376px;}.filter-head{display:flex;align-items:baseline;gap:4px;}.filter-legend strong{flex:1;font-weight:500;overflow-wrap:anywhere;}.filter-legend .side-mark{vertical-align:text-bottom;}.filter-legend .muted{font-size:12px;}.filter-key{list-style:none;margin:0;padding:0;display:grid;gap:4px;}.filter-key li{display:flex;align-items:center;gap:8px;}.filter-key i{flex:none;width:16px;height:16px;border-radius:3px;border:2px solid var(--text);}.filter-key .passes{border-color:var(--accent);}.filter-key .helps{border-color:var(--gain);}.filter-key .hurts{border-color:var(--loss);background:repeating-linear-gradient(135deg,var(--loss) 0 1.5px,#0000 1.5px 4px);}.filter-key .few{border-style:dotted;}.filter-key .dim{border:0;background:color-mix(in srgb,var(--muted) 28%,transparent);}.voices h4{margin:4px 0 2px;font-size:12px;font-weight:400;color:var(--muted);}.voices .bars li{grid-template-columns:minmax(0,92px) 1fr 56px;min-height:24px;}.voices .bars .name{min-height:24px;text-align:start;}.voices .bars .name:hover{text-decoration:underline;}`,de=class{session;static styles=[Q];#e;constructor(e,t,n){this.session=e,this.#e=new K(e,t,n)}layers(e){let t=s(e);return t.classes.length===0||X(e)!==null?[]:[(n,r)=>fe(n,r,e,t)]}legends(e,t,n){let{store:r}=this.session;return oe(e,t,n,{clear:()=>r.set({filter:``,sign:``}),open:()=>r.set({filterOpen:!0})})}rail(e){return this.#e.render(e)}voices(e){return L(e,e=>this.session.store.set(f({kind:`toward`,classes:[e],sign:`both`})))}sentence(e,t){let n=s(e),{playing:r,filter:i,sign:a,shownLevel:o}=e,c=i!==t.filter||a!==t.sign||o!==t.shownLevel||e.atlas!==t.atlas;if(n.classes.length===0||!c||r)return null;let l=d(e),u=l?.levels.find(({size:e})=>e===o);return l&&u?X(e)??ue(l,u,n):null}};function fe(e,t,n,r){let o=n.compareMode===`swipe`?i(n):null,s=o?.levels.find(({size:e})=>e===t.level.size);if(n.compare===null||n.flipped||!o||!s){$(e,t,n,r);return}let{width:c,height:l}=t.viewport,u=a(n,t.viewport),d=(t,i,a)=>{e.save(),e.beginPath(),e.rect(t,0,i-t,l),e.clip(),$(e,a,n,r),e.restore()};d(0,u,{...t,atlas:o,level:s}),d(u,c,t)}function $(e,t,r,i){let{atlas:a,level:o}=t,s=n(a,o,i);typeof s!=`string`&&k(e,t,{answers:s,kind:i.kind,most:Z(r,a,o,i),several:i.classes.length>1})}export{de as ClassFilter};