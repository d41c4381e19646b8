import{C as e,S as t,_ as n,b as r,d as i,f as a,g as o,h as s,l as c,m as l,p as u,u as d,w as f,x as p,y as m}from"./chunk-later-8WtKfJ4z.js";import{F as h,L as g,R as _,dt as v,ft as y,k as ee,p as b,pt as x,q as S,t as C,z as w}from"./chunk-base-BlpFpTjo.js";var te=.82,ne=.4,re=[1.5,2.5],T=[5,12],E=24,D=44,O=`600 10px Roboto, system-ui, sans-serif`;function k(e,t,n){let{answers:r,kind:i,most:a}=n,o=S(t.level),c=`rgb(${t.theme.ground.join()})`;u(t,(l,u,d,f)=>{let p=s(r,i,l,a);if(e.globalAlpha=te*(1-p),e.fillStyle=c,e.fillRect(u,d,f,f),e.globalAlpha=1,r.passes[l]!==1)return;let m=o[l]*f,h={x:u+(f-m)/2,y:d+(f-m)/2,side:m};A(e,t,n,l,h,p);let g=f>=E?j(n,l,f>=D):``;g!==``&&P(e,t,h,g)})}function A(e,{theme:t,level:n},{answers:r,kind:i},a,o,s){let c=r.values[a]<0;e.globalAlpha=ne+.6*s;let l=i===`top`?t.accent:c?t.loss:t.gain;c&&M(e,o,`rgb(${t.ground.join()})`,l);let u=n.counts[a]<8;N(e,o,l,1+2.5*s,u),e.globalAlpha=1}function j({answers:e,kind:t,most:n,several:i},a,o){let s=e.values[a],c=i?`${e.which[a]+1}`:``,l=t===`top`?g(s):r(s,n);return[c,o?l:``].filter(Boolean).join(` · `)}function M(e,{x:t,y:n,side:r},i,a){let o=Math.min(T[1],Math.max(T[0],r/5));e.beginPath();for(let i=o;i<2*r;i+=o){let a=Math.max(0,i-r);e.moveTo(t+a,n+i-a),e.lineTo(t+i-a,n+a)}for(let[t,n]of[[3,i],[1.3,a]])e.lineWidth=t,e.strokeStyle=n,e.stroke()}function N(e,{x:t,y:n,side:r},i,a,o){e.strokeStyle=i,e.lineWidth=a,e.setLineDash(o?re:[]),e.beginPath(),e.roundRect(t,n,r,r,Math.min(5,.1*r)),e.stroke(),e.setLineDash([])}function P(e,{theme:t},{x:n,y:r,side:i},a){e.font=O,e.textBaseline=`middle`;let o=e.measureText(a).width+8;e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(n+i-o,r,o,15,3),e.fill(),e.fillStyle=t.label,e.fillText(a,n+i-o+4,r+8)}var F=3,I=40;function L({atlas:e,level:t,facts:n},i){let a=m(e,t);if(typeof a==`string`)return x`<section class="voices">
<h3>Attribution</h3>
<p class="muted">${a}</p>
</section>`;let{helps:o,hurts:s}=p(a,n.cell,F),c=Math.max(...[...o,...s].map(({value:e})=>Math.abs(e))),l=(e,t)=>{let i=a.spread?.(n.cell,t)??NaN;if(!Number.isFinite(i))return{mark:y,text:y};let o=100*Math.max(0,Math.abs(e)-i)/c,s=Math.min(100,100*(Math.abs(e)+i)/c);return{mark:x`<b style="left:${o}%;width:${s-o}%"></b>`,text:x`<span class="muted" title="Standard deviation over the samples"
>${r(i,c).replace(/^\+?/,` ±`)}</span
>`}},u=(t,n,a)=>n.length===0?y:x`<h4>${t}</h4>
<ul class="bars">
${n.map(({index:t,value:n})=>x`<li>
<button
type="button"
class="name"
title="Show the attribution toward this class on the map"
@click=${()=>i(t)}
>
${w(b(e,t),I)||`(no name)`}
</button>
<span class="meter ${a}"
><i style="width:${100*Math.abs(n)/c}%"></i>${l(n,t).mark}</span
>
<span class="number">${r(n,c)}${l(n,t).text}</span>
</li>`)}
</ul>`,d=n.count<8?`, only ${_(n.count,`sample`)}`:``;return x`<section class="voices">
<h3>Attribution <span class="muted">logits, mean of the samples${d}</span></h3>
${u(`Says for`,o,`helps`)} ${u(`Against`,s,`hurts`)}
${o.length+s.length===0?x`<p class="muted">It speaks for no class.</p>`:y}
</section>`}var R=100,z=40,B=class{update;#e=``;#t=0;constructor(e){this.update=e}render(e){let{choices:t,chosen:n}=e,r=a(t,this.#e),i=r.slice(0,R);this.#t=Math.max(0,Math.min(this.#t,i.length-1));let o=i[this.#t],s=r.length-i.length;return x`<div class="picker">
<input
type="search"
role="combobox"
aria-label="Find a class"
aria-expanded="true"
aria-controls="class-list"
aria-autocomplete="list"
aria-activedescendant=${o?`class-${o.index}`:y}
autocomplete="off"
spellcheck="false"
placeholder="Find among ${h(t.length)} classes"
.value=${this.#e}
${C(ie)}
@input=${e=>this.#r(e.target.value)}
@keydown=${t=>this.#i(t,i,e)}
/>
<ul id="class-list" role="listbox" aria-label="Classes" aria-multiselectable="true">
${i.map(t=>this.#n(t,t===o,e))}
</ul>
${i.length===0?x`<p class="muted">No class holds these letters.</p>`:y}
${s>0?x`<p class="muted">and ${h(s)} more: type to find them</p>`:y}
${n.length>=4?x`<p class="muted">${4} at most: take one away for another.</p>`:y}
</div>`}#n({index:e,name:t,note:n},r,i){let a=i.chosen.includes(e),o=!a&&i.chosen.length>=4;return x`<li
id="class-${e}"
role="option"
class=${r?`active`:``}
aria-selected=${a}
aria-disabled=${o?`true`:y}
@mousedown=${e=>e.preventDefault()}
@click=${()=>i.toggle(e)}
>
<span class="name">${w(t,z)||`(no name)`}</span>
<span class="muted number">${n}</span>
</li>`}#r(e){this.#e=e,this.#t=0,this.update()}#i(e,t,n){let r={ArrowDown:1,ArrowUp:-1,PageDown:10,PageUp:-10}[e.key],i=t[this.#t];if(r!==void 0)this.#t=Math.max(0,Math.min(t.length-1,this.#t+r)),this.update(),V(e.currentTarget,t[this.#t]);else if(e.key===`Enter`&&i)n.toggle(i.index);else if(e.key===`Escape`&&this.#e!==``)this.#r(``);else if(e.key===`Escape`)n.leave();else return;e.preventDefault()}};function V(e,t){let n=e.nextElementSibling;(t&&n?.querySelector(`#class-${t.index}`))?.scrollIntoView({block:`nearest`})}function ie(e){queueMicrotask(()=>{e instanceof HTMLElement&&e.isConnected&&e.focus()})}var H=10,U=40,W={top:`Top class is`,toward:`Attribution toward`},G={helps:`Helps`,hurts:`Hurts`,both:`Both`},K=class{session;map;#e;constructor(e,t,n){this.session=e,this.map=t,this.#e=new B(n)}render(t){let n=o(t),r=e(t),a=r?.levels.find(({size:e})=>e===t.shownLevel);return x`<aside class="events filter" aria-label="Class filter">
<div class="inspector-head">
<h2>Ask about a class</h2>
${ee({icon:`close`,name:`Close the class filter`,key:`f`,press:()=>this.#c()})}
</div>
${this.#t(n)}
${n.kind===`toward`?this.#n(n):y}
${r?x`${this.#r(r,n)}${this.#e.render({choices:i(r),chosen:n.classes,toggle:e=>this.#o(n,e),leave:()=>this.map.focus()})}`:y}
${r&&a?this.#i(r,a,n):y}
</aside>`}#t(e){return q(`Which cells`,`filter-kind`,W,e.kind,t=>this.#s({...e,kind:t}))}#n(e){return q(`Sign of the attribution`,`filter-sign`,G,e.sign,t=>this.#s({...e,sign:t}))}#r(e,t){let{classes:n}=t;return n.length===0?y:x`<ul class="chips" aria-label="Classes asked for">
${n.map((r,i)=>{let a=w(b(e,r),U);return x`<li>
<button
type="button"
class="chip"
title="Take away"
@click=${()=>this.#o(t,r)}
>
<span class="hidden">Take away</span>
${n.length>1?x`<b class="side-mark">${i+1}</b>`:y}
<span class="name">${a}</span><span aria-hidden="true">×</span>
</button>
</li>`})}
</ul>`}#i(e,t,n){if(n.classes.length===0)return x`<p class="muted">Choose a class: its cells keep their light, all others recede.</p>`;let r=l(e,t,n);return typeof r==`string`?x`<p>${r}</p>`:x`<section class="strongest">
<h3>Strongest cells <span class="muted">${J(r,t)}</span></h3>
${r.ranked.length===0?x`<p class="muted">None with ${8} samples or more on this grid.</p>`:x`<ol @keydown=${c}>
${r.ranked.slice(0,H).map(i=>this.#a(e,t,n,r,i))}
</ol>`}
</section>`}#a(e,t,{kind:n,classes:i},{values:a,which:o,most:s},c){let l=a[c],u=i[o[c]]??-1,d=_(t.counts[c],`sample`),f=n===`top`?l:Math.abs(l)/s;return x`<li>
<button type="button" class="event" @click=${()=>this.#l(t,c)}>
<span class="event-head">
<span>row ${t.rows[c]+1}, column ${t.cols[c]+1}</span>
<span class="number">${n===`top`?g(l):r(l,s)}</span>
</span>
<span class="meter ${l<0?`hurts`:``}"><i style="width:${100*f}%"></i></span>
<span class="muted"
>${i.length>1?`${w(b(e,u),U)} · `:``}${d}</span
>
</button>
</li>`}#o(e,t){let n=e.classes.filter(e=>e!==t),r=n.length<e.classes.length?n:[...n,t];this.#s({...e,classes:r})}#s(e){let{kind:t,classes:r,sign:i}=o(n(e));this.session.store.set(n({kind:t,classes:r,sign:i}))}#c(){this.session.store.set({filterOpen:!1}),this.map.focus()}#l({size:e,rows:t,cols:n},r){let[i,a]=[t[r],n[r]],{store:o}=this.session;o.set({pinned:{size:e,row:i,col:a},hover:null}),this.map.flyTo(d(o.state,this.map.viewport,{size:e,row:i,col:a}))}};function q(e,t,n,r,i){return x`<span class="segments small" role="radiogroup" aria-label=${e}>
${Object.keys(n).map(e=>x`<label
><input
type="radio"
name=${t}
value=${e}
.checked=${e===r}
@change=${()=>i(e)}
/>${n[e]}</label
>`)}
</span>`}function J({passing:e,sparse:t},{rows:n}){let r=t>0?`, ${h(t)} with fewer than 8 samples`:``;return`${h(e)} of ${_(n.length,`cell`)} pass${r}`}var Y=40,ae={helps:`: helps`,hurts:`: hurts`,both:`: helps or hurts`};function X({compare:e,compareMode:t,flipped:n,highlight:r}){return r===null?e!==null&&t===`difference`&&!n?`It rests while the difference of A and B is drawn: choose Swipe or Blink.`:null:`It rests while samples are lit: Esc ends that.`}function Z(e,t,n,r){let i=e.compare===null?null:f(e);return[t,i,i&&e.atlas].flatMap(e=>{let t=e?.levels.find(({size:e})=>e===n.size),i=e&&t?l(e,t,r):``;return typeof i==`string`?[]:[i.most]}).reduce((e,t)=>Math.max(e,t),0)}function oe(e,t,n,r){let i=o(e);if(i.classes.length===0)return y;let a=l(t,n,i),s=X(e);return x`<aside class="legend panel filter-legend" aria-label="Legend of the class filter">
<div class="filter-head">
<strong>${se(t,i)}</strong>
<button type="button" class="link" ?hidden=${e.filterOpen} @click=${r.open}>
Change
</button>
<button type="button" class="link" @click=${r.clear}>Clear</button>
</div>
${typeof a==`string`||s!==null?x`<p>${typeof a==`string`?a:s}</p>`:x`${ce(i,a,n)}
<p class="muted">${le(i,a,Z(e,t,n,i),e)}</p>`}
</aside>`}function se(e,{kind:t,classes:n,sign:r}){let i=n.map((t,r)=>{let i=n.length>1?x`<b class="side-mark">${r+1}</b> `:y;return x`${r>0?` or `:``}${i}${w(b(e,t),Y)}`}),a=e.labels===null?` (predictions)`:``;return t===`top`?x`Top class is ${i}${a}`:x`Attribution toward ${i}${ae[r]}`}function ce({kind:e,sign:t},n,{rows:i}){let[a,o]=n.range??[0,0],s=(e,t)=>x`<li><i class=${e}></i><span>${t}</span></li>`,c=n.range!==null,l=[];if(e===`top`){let e=c?`: its share is ${g(a)} to ${g(o)}`:``;l.push(s(`passes`,`passes${e}`))}else{let e=(e,t)=>c?`, ${t} ${r(e,n.most)}`:``;t!==`hurts`&&l.push(s(`helps`,`speaks for it${e(Math.max(0,o),`up to`)}`)),t!==`helps`&&l.push(s(`hurts`,`speaks against${e(Math.min(0,a),`down to`)}`))}n.sparse>0&&l.push(s(`few`,`under 8 samples, not in rank or range: ${h(n.sparse)}`));let u=i.length-n.passing;return u>0&&l.push(s(`dim`,`does not pass: ${h(u)}`)),x`<ul class="filter-key">
${l}
</ul>`}function le({kind:e},t,n,{compare:i,compareMode:a}){if(t.passing===0)return`No cell of this grid passes.`;let o=i!==null&&a===`swipe`?` Ranges and counts above are those of B.`:``;if(e===`top`)return`Full light: a share of 100%. Less light, less of it.${o}`;let s=i===null?`on this grid`:`of A and B`,c=t.ranked.length>0?`cell`:`cell, though its samples are few,`;return`Full light: ${r(n).slice(1)} logits, the strongest ${c} ${s}. Less light, less of it.${o}`}function ue(e,t,n){let i=l(e,t,n);if(typeof i==`string`)return i;let a=i.ranked[0];if(a===void 0)return J(i,t);let o=i.values[a],s=n.kind===`top`?g(o):r(o,i.most),c=`row ${t.rows[a]+1}, column ${t.cols[a]+1}`;return`${J(i,t)}; strongest at ${c}: ${s}`}var Q=v` .filter{gap:12px;}.filter > *{flex:none;}.filter h3{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 8px;font-size:12px;font-weight:500;margin:0 0 4px;}.filter h3 .muted{font-weight:400;}.filter .segments label{flex:1;}.picker{display:grid;gap:6px;}.picker input{font:inherit;color:inherit;height:32px;width:100%;padding:0 10px;border:1px solid var(--line);border-radius:4px;background:var(--ground);}.picker ul{list-style:none;margin:0;padding:2px;max-height:174px;overflow:auto;border:1px solid var(--line);border-radius:4px;}.picker li{display:flex;align-items:center;gap:8px;min-height:28px;padding:0 8px;border-radius:4px;cursor:pointer;}.picker li::before{content:'';flex:none;width:12px;height:12px;border:1.5px solid var(--muted);border-radius:3px;}.picker [aria-selected='true']::before{border-color:var(--accent);background:var(--accent);box-shadow:inset 0 0 0 2px var(--surface);}.picker [aria-disabled='true'] .name{text-decoration:line-through;}.picker li:hover{background:var(--control);}.picker .active{box-shadow:inset 0 0 0 1.5px var(--muted);}.picker input:focus ~ ul .active{box-shadow:inset 0 0 0 2px var(--accent);}.picker .name,.chip .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;}.picker li .number{margin-left:auto;white-space:nowrap;font-size:12px;}.picker p{font-size:12px;}.chips{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:6px;}.chips li{max-width:100%;}.chip{display:flex;align-items:center;gap:6px;height:28px;max-width:100%;padding:0 10px;border:1px solid var(--accent);border-radius:14px;background:var(--accent-soft);}.strongest ol{list-style:none;margin:0 -8px;padding:0;}.strongest .event{padding:6px 8px;gap:4px;}.strongest .event .number{color:inherit;}.strongest .event > .muted{font-size:12px;}.meter.helps i,.strongest .meter i{background:var(--gain);}.meter.hurts i{background:repeating-linear-gradient(135deg,var(--loss) 0 3px,#0000 3px 5px) !important;}.voices .bars li{grid-template-columns:minmax(0,92px) 1fr auto;}.voices .meter{position:relative;}.meter b{position:absolute;top:3px;height:2px;background:var(--text);}.filter-legend{gap:6px;max-width:376px;}.filter-head{display:flex;align-items:baseline;gap:4px;}.filter-legend strong{flex:1;font-weight:500;overflow-wrap:anywhere;}.filter-legend .side-mark{vertical-align:text-bottom;}.filter-legend .muted{font-size:12px;}.filter-key{list-style:none;margin:0;padding:0;display:grid;gap:4px;}.filter-key li{display:flex;align-items:center;gap:8px;}.filter-key i{flex:none;width:16px;height:16px;border-radius:3px;border:2px solid var(--text);}.filter-key .passes{border-color:var(--accent);}.filter-key .helps{border-color:var(--gain);}.filter-key .hurts{border-color:var(--loss);background:repeating-linear-gradient(135deg,var(--loss) 0 1.5px,#0000 1.5px 4px);}.filter-key .few{border-style:dotted;}.filter-key .dim{border:0;background:color-mix(in srgb,var(--muted) 28%,transparent);}.voices h4{margin:4px 0 2px;font-size:12px;font-weight:400;color:var(--muted);}.voices .bars li{grid-template-columns:minmax(0,92px) 1fr 56px;min-height:24px;}.voices .bars .name{min-height:24px;text-align:start;}.voices .bars .name:hover{text-decoration:underline;}`,de=class{session;static styles=[Q];#e;constructor(e,t,n){this.session=e,this.#e=new K(e,t,n)}layers(e){let t=o(e);return t.classes.length===0||X(e)!==null?[]:[(n,r)=>fe(n,r,e,t)]}legends(e,t,n){let{store:r}=this.session;return oe(e,t,n,{clear:()=>r.set({filter:``,sign:``}),open:()=>r.set({filterOpen:!0})})}rail(e){return this.#e.render(e)}voices(e){return L(e,e=>this.session.store.set(n({kind:`toward`,classes:[e],sign:`both`})))}sentence(t,n){let r=o(t),{playing:i,filter:a,sign:s,shownLevel:c}=t,l=a!==n.filter||s!==n.sign||c!==n.shownLevel||t.atlas!==n.atlas;if(r.classes.length===0||!l||i)return null;let u=e(t),d=u?.levels.find(({size:e})=>e===c);return u&&d?X(t)??ue(u,d,r):null}};function fe(e,n,r,i){let a=r.compareMode===`swipe`?f(r):null,o=a?.levels.find(({size:e})=>e===n.level.size);if(r.compare===null||r.flipped||!a||!o){$(e,n,r,i);return}let{width:s,height:c}=n.viewport,l=t(r,n.viewport),u=(t,n,a)=>{e.save(),e.beginPath(),e.rect(t,0,n-t,c),e.clip(),$(e,a,r,i),e.restore()};u(0,l,{...n,atlas:a,level:o}),u(l,s,n)}function $(e,t,n,r){let{atlas:i,level:a}=t,o=l(i,a,r);typeof o!=`string`&&k(e,t,{answers:o,kind:r.kind,most:Z(n,i,a,r),several:r.classes.length>1})}export{de as ClassFilter};