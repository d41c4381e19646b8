import{$ as e,B as t,Ct as s,Gt as l,Ht as a,I as n,Kt as i,L as r,N as o,P as p,R as c,St as u,Vn as h,Z as d,bn as g,bt as f,cn as m,jn as $,mr as b,pr as x,qt as v,un as k,vt as w,wt as y,xn as M,xt as S,yt as A,z as j}from"./chunk-shared-Cte8lVvY.js";import{M as z,O as N,k as P,m as R,z as B}from"./chunk-shell-4BsR2oD5.js";var O=[1.5,2.5],T=new WeakMap;function C(e,t){if(null===e)return String(t);let s=T.get(e);void 0===s&&(s=e.map(D),T.set(e,s));let l=s[t];return void 0===l?String(t):s.filter(e=>e===l).length>1?`${l} (${t})`:l}function D(e){let t=[...e.replaceAll(m,"\xb7").replaceAll(" / ","/")];return t.length<=60?t.join(""):`${t.slice(0,59).join("")}…`}function L(e){return $(e)?.layer??e.manifest.layer}function F({runs:e,run:t},s,l){let a=l.map(e=>C(s.classes,e));return t&&function(e,t,s,l=[]){let a=0===l.length?[s]:[l,l.toReversed()].map(e=>s+m+e.join(" / ")),n=t.run.replace(/\/classes$/,""),i=k(t)?n:`${n}/classes`;for(let s of[t,...e.filter(e=>e.run===i)]){let e=s.series.find(e=>a.includes(e.layer));if(void 0!==e)return{run:s,series:e}}return null}(e,t,L(s),a)}function W(e,t,s){return t.map(t=>v(g(e,t),40)).join(s)}var E=class{#e="";#t=0;constructor(e){this.update=e}render(e){let{choices:s,chosen:l}=e,i=t(s,this.#e),r=i.slice(0,100);this.#t=Math.max(0,Math.min(this.#t,r.length-1));let p=r[this.#t],c=i.length-r.length;return b`<div class="picker">
      <input
        type="search"
        role="combobox"
        aria-label="Find a class"
        aria-expanded="true"
        aria-controls="class-list"
        aria-autocomplete="list"
        aria-activedescendant=${p?`class-${p.index}`:x}
        autocomplete="off"
        spellcheck="false"
        placeholder="Find among ${a(s.length)} classes"
        .value=${this.#e}
        ${o(n)}
        @input=${e=>this.#s(e.target.value)}
        @keydown=${t=>this.#l(t,r,e)}
      />
      <ul id="class-list" role="listbox" aria-label="Classes" aria-multiselectable="true">
        ${r.map(t=>this.#a(t,t===p,e))}
      </ul>
      ${0===r.length?b`<p class="muted">No class matches.</p>`:x}
      ${c>0?b`<p class="muted">and ${a(c)} more: type to find them</p>`:x}
      ${l.length>=4?b`<p class="muted">${4} classes at most: remove one to add another.</p>`:x}
    </div>`}#a({index:e,name:t,note:s},l,a){let n=a.chosen.includes(e),i=!n&&a.chosen.length>=4;return b`<li
      id="class-${e}"
      role="option"
      class=${l?"active":""}
      aria-selected=${n}
      aria-disabled=${i?"true":x}
      @mousedown=${e=>e.preventDefault()}
      @click=${()=>a.toggle(e)}
    >
      <span class="name">${v(t,40)||"(no name)"}</span>
      <span class="muted number">${s}</span>
    </li>`}#s(e){this.#e=e,this.#t=0,this.update()}#l(e,t,s){let l={ArrowDown:1,ArrowUp:-1,PageDown:10,PageUp:-10}[e.key],a=t[this.#t];if(void 0!==l){var n,i;let s;this.#t=Math.max(0,Math.min(t.length-1,this.#t+l)),this.update(),n=e.currentTarget,i=t[this.#t],s=n.nextElementSibling,(i&&s?.querySelector(`#class-${i.index}`))?.scrollIntoView({block:"nearest"})}else if("Enter"===e.key&&a)s.toggle(a.index);else if("Escape"===e.key&&""!==this.#e)this.#s("");else{if("Escape"!==e.key)return;s.leave()}e.preventDefault()}},H={top:"Top class is",toward:"Attribution toward"},V={helps:"Helps",hurts:"Hurts",both:"Both"},q=class{#e;constructor(e,t,s){this.session=e,this.map=t,this.#e=new E(s)}render(e){var t,s;let l,a,n,i=f(e),r=d(e),o=M(r,e.shownLevel);return b`<aside class="events filter" aria-label="Class filter">
      ${R("Filter by class","Close the class filter","f",()=>this.#n())}
      ${this.#t(i)}
      ${"toward"===i.kind?this.#a(i):x}
      ${r?b`${this.#s(r,i)}${this.#e.render({choices:j(r),chosen:i.classes,toggle:e=>this.#i(i,e),leave:()=>this.map.focus()})}`:x}
      ${r?(t=this.session,l=(s=i.classes).map(e=>[e]),a=null===$(r)?[]:[[]],[...l,...2===s.length?[s]:[],...a].flatMap(s=>{let l=F(e,r,s);if(null===l||l.series.id===e.series?.id)return[];let a=0===s.length?v(L(r),40):W(r,s," / ");return b`<button type="button" class="link" @click=${()=>(function(e,{run:t,series:s}){t.id!==e.store.state.run?.id&&e.chooseRun(t.id),e.chooseSeries(s.id)})(t,l)}>
      Open the atlas of ${a}
    </button>`})):x}
      ${r&&o?this.#l(r,o,i):x}
      ${r?0===(n=i.classes.filter(t=>null===F(e,r,[t]))).length?x:b`<p class="muted">
    No class atlas of ${W(r,n," or ")} was computed for this layer:
    <code>${function({classes:e},t){return`AtlasWriter(..., class_atlases=[${t.map(t=>{let s=C(e,t);return""!==s&&s===e?.[t]&&s===v(s,40)?JSON.stringify(s):String(t)}).join(", ")}])`}(r,n)}</code>, or later <code>tensorboard-atlas class</code>
  </p>`:x}
      ${null===z(e)&&!(r&&$(r))?b`<p class="muted">
              Shortcuts to a class were not searched for in this run:
              <code>AtlasWriter(..., shortcuts=True)</code>
            </p>`:x}
    </aside>`}#t(e){return I("Which cells","filter-kind",H,e.kind,t=>this.#r({...e,kind:t}))}#a(e){return I("Sign of the attribution","filter-sign",V,e.sign,t=>this.#r({...e,sign:t}))}#s(e,t){let{classes:s}=t;return 0===s.length?x:b`<ul class="chips" aria-label="Selected classes">
      ${s.map((l,a)=>{let n=v(g(e,l),40);return b`<li>
          <button
            type="button"
            class="chip"
            title="Remove"
            @click=${()=>this.#i(t,l)}
          >
            <span class="hidden">Remove</span>
            ${s.length>1?b`<b class="side-mark">${a+1}</b>`:x}
            <span class="name">${n}</span><span aria-hidden="true">×</span>
          </button>
        </li>`})}
    </ul>`}#l(e,t,s){if(0===s.classes.length)return b`<p class="muted">Select a class to highlight its cells.</p>`;let l=w(e,t,s);return"string"==typeof l?b`<p>${l}</p>`:b`<section class="strongest">
      <h3>Strongest cells <span class="muted">${U(l,t)}</span></h3>
      ${0===l.ranked.length?b`<p class="muted">None with ${8} samples or more on this grid.</p>`:b`<ol @keydown=${r}>
              ${l.ranked.slice(0,10).map(a=>this.#o(e,t,s,l,a))}
            </ol>`}
    </section>`}#o(e,t,{kind:a,classes:n},{values:r,which:o,most:p},c){let u=r[c],h=n[o[c]]??-1,d=i(t.counts[c],"sample"),f="top"===a?u:Math.abs(u)/p;return b`<li>
      <button type="button" class="event" @click=${()=>this.#p(t,c)}>
        <span class="event-head">
          <span>row ${t.rows[c]+1}, column ${t.cols[c]+1}</span>
          <span class="number">${"top"===a?l(u):s(u,p)}</span>
        </span>
        <span class="meter ${u<0?"hurts":""}"><i style="width:${100*f}%"></i></span>
        <span class="muted"
          >${n.length>1?`${v(g(e,h),40)} \xb7 `:""}${d}</span
        >
      </button>
    </li>`}#i(e,t){let s=e.classes.filter(e=>e!==t),l=s.length<e.classes.length?s:[...s,t];this.#r({...e,classes:l})}#r(e){let{kind:t,classes:s,sign:l}=f(S(e));this.session.store.set(S({kind:t,classes:s,sign:l}))}#n(){this.session.store.set({filterOpen:!1}),this.map.focus()}#p({size:e,rows:t,cols:s},l){let[a,n]=[t[l],s[l]],{store:i}=this.session;i.set({pinned:{size:e,row:a,col:n},hover:null}),this.map.flyTo(c(i.state,this.map.viewport,{size:e,row:a,col:n}))}};function I(e,t,s,l,a){return p(e,t,Object.keys(s),e=>s[e],l,a)}function U({passing:e,sparse:t},{rows:s}){let l=t>0?`, ${a(t)} with fewer than 8 samples`:"";return`${a(e)} of ${i(s.length,"cell")} pass${l}`}var G={helps:": helps",hurts:": hurts",both:": helps or hurts"};function J({compare:e,compareMode:t,flipped:s,highlight:l}){return null===l?null===e||"difference"!==t||s?null:"Not shown in this mode. The difference is that of the attribution toward the first class, or of samples if none was recorded.":"Not shown while samples are highlighted. Press Esc to end the highlight."}function K(t,s,l,a){let n=null===t.compare?null:e(t);return[s,n,n&&t.atlas].flatMap(e=>{let t=M(e,l.size),s=e&&t?w(e,t,a):"";return"string"==typeof s?[]:[s.most]}).reduce((e,t)=>Math.max(e,t),0)}var Y=class{#e;constructor(e,t,s){this.session=e,this.#e=new q(e,t,s)}overlays(t){let s=f(t);return 0===s.classes.length||null!==J(t)?[]:[(l,a)=>(function(t,s,l,a){let n="swipe"===l.compareMode?e(l):null,i=M(n,s.level.size);if(null===l.compare||l.flipped||!n||!i)return void Z(t,s,l,a);let{width:r,height:o}=s.viewport,p=B(l,s.viewport),c=(e,s,n)=>{t.save(),t.beginPath(),t.rect(e,0,s-e,o),t.clip(),Z(t,n,l,a),t.restore()};c(0,p,{...s,atlas:n,level:i}),c(p,r,s)})(l,a,t,s)]}legend(e,t,n){let{store:i}=this.session;return function(e,t,n,i){let r=f(e);if(0===r.classes.length)return x;let o=w(t,n,r),p=J(e);return b`<aside class="legend panel filter-legend" aria-label="Legend of the class filter">
    <div class="filter-head">
      <strong>${function(e,{kind:t,classes:s,sign:l}){let a=s.map((t,l)=>{let a=s.length>1?b`<b class="side-mark">${l+1}</b> `:x;return b`${l>0?" or ":""}${a}${v(g(e,t),40)}`}),n=null===e.labels?" (predictions)":"";return"top"===t?b`Top class is ${a}${n}`:b`Attribution toward ${a}${G[l]}`}(t,r)}</strong>
      <button type="button" class="link" ?hidden=${e.filterOpen} @click=${i.open}>
        Change
      </button>
      <button type="button" class="link" @click=${i.clear}>Clear</button>
    </div>
    ${"string"==typeof o||null!==p?b`<p>${"string"==typeof o?o:p}</p>`:b`${function({kind:e,sign:t},n,{rows:i}){let[r,o]=n.range??[0,0],p=(e,t)=>b`<li><i class=${e}></i><span>${t}</span></li>`,c=null!==n.range,u=[];if("top"===e){let e=c?`: its share is ${l(r)} to ${l(o)}`:"";u.push(p("passes",`passes${e}`))}else{let e=(e,t)=>c?`, ${t} ${s(e,n.most)}`:"";"hurts"!==t&&u.push(p("helps",`attribution for it${e(Math.max(0,o),"up to")}`)),"helps"!==t&&u.push(p("hurts",`attribution against it${e(Math.min(0,r),"down to")}`))}n.sparse>0&&u.push(p("few",`under 8 samples, not ranked: ${a(n.sparse)}`));let h=i.length-n.passing;return h>0&&u.push(p("dim",`does not pass: ${a(h)}`)),b`<ul class="filter-key">
    ${u}
  </ul>`}(r,o,n)}
          <p class="muted">${function({kind:e},t,l,{compare:a,compareMode:n}){if(0===t.passing)return"No cell of this grid passes.";let i=null!==a&&"swipe"===n?" Ranges and counts above are those of B.":"";if("top"===e)return`Brightest: a share of 100%. Paler cells have less.${i}`;let r=t.ranked.length>0?"cell":"cell (few samples)";return`Brightest: ${s(l).slice(1)} logits, the strongest ${r} ${null===a?"on this grid":"of A and B"}. Paler cells have less.${i}`}(r,o,K(e,t,n,r),e)}</p>`}
  </aside>`}(e,t,n,{clear:()=>i.set({filter:"",sign:""}),open:()=>i.set({filterOpen:!0})})}rail(e){return e.filterOpen?this.#e.render(e):x}inspectorSection(e){return function({atlas:e,level:t,facts:l},a){let n=u(e,t);if("string"==typeof n)return b`<section class="attribution">
      <h3>Attribution</h3>
      <p class="muted">${n}</p>
    </section>`;let{helps:r,hurts:o}=y(n,l.cell,3),p=Math.max(...[...r,...o].map(({value:e})=>Math.abs(e))),c=(e,t)=>{let a=n.spread?.(l.cell,t)??0/0;if(!Number.isFinite(a))return{mark:x,text:x};let i=100*Math.max(0,Math.abs(e)-a)/p,r=Math.min(100,100*(Math.abs(e)+a)/p);return{mark:b`<b style="left:${i}%;width:${r-i}%"></b>`,text:b`<span class="muted" title="Standard deviation over the samples"
        >${s(a,p).replace(/^\+?/," \xb1")}</span
      >`}},h=(t,l,n)=>0===l.length?x:b`<h4>${t}</h4>
          <ul class="bars">
            ${l.map(({index:t,value:l})=>b`<li>
                <button
                  type="button"
                  class="name"
                  title="Show the attribution toward this class on the map"
                  @click=${()=>a(t)}
                >
                  ${v(g(e,t),40)||"(no name)"}
                </button>
                <span class="meter ${n}"
                  ><i style="width:${100*Math.abs(l)/p}%"></i>${c(l,t).mark}</span
                >
                <span class="number">${s(l,p)}${c(l,t).text}</span>
              </li>`)}
          </ul>`,d=l.count<8?`, only ${i(l.count,"sample")}`:"";return b`<section class="attribution">
    <h3>Attribution <span class="muted">logits, mean of the samples${d}</span></h3>
    ${h("For",r,"helps")} ${h("Against",o,"hurts")}
    ${r.length+o.length===0?b`<p class="muted">No attribution for any class.</p>`:x}
  </section>`}(e,e=>this.session.store.set(S({kind:"toward",classes:[e],sign:"both"})))}announce(e,t){let a=f(e),{playing:n,filter:i,sign:r,shownLevel:o}=e,p=i!==t.filter||r!==t.sign||o!==t.shownLevel||e.atlas!==t.atlas;if(0===a.classes.length||!p||n)return null;let c=d(e),u=M(c,o);return c&&u?J(e)??function(e,t,a){let n=w(e,t,a);if("string"==typeof n)return n;let i=n.ranked[0];if(void 0===i)return U(n,t);let r=n.values[i],o="top"===a.kind?l(r):s(r,n.most),p=`row ${t.rows[i]+1}, column ${t.cols[i]+1}`;return`${U(n,t)}; strongest at ${p}: ${o}`}(c,u,a):null}};function Z(e,t,a,n){let{atlas:i,level:r}=t,o=w(i,r,n);"string"!=typeof o&&function(e,t,a){let{result:n,kind:i,most:r}=a,o=h(t.level),p=`rgb(${t.theme.ground.join()})`;P(t,(c,u,h,d)=>{let g=A(n,i,c,r);if(e.globalAlpha=.82*(1-g),e.fillStyle=p,e.fillRect(u,h,d,d),e.globalAlpha=1,1!==n.passes[c])return;let f=o[c]*d,m={x:u+(d-f)/2,y:h+(d-f)/2,side:f};!function(e,{theme:t,level:s},{result:l,kind:a},n,i,r){let o=l.values[n]<0;e.globalAlpha=.4+.6*r;let p="top"===a?t.accent:o?t.loss:t.gain;o&&function(e,{x:t,y:s,side:l},a,n){let i=Math.min(12,Math.max(5,l/5));e.beginPath();for(let a=i;a<2*l;a+=i){let n=Math.max(0,a-l);e.moveTo(t+n,s+a-n),e.lineTo(t+a-n,s+n)}for(let[t,s]of[[3,a],[1.3,n]])e.lineWidth=t,e.strokeStyle=s,e.stroke()}(e,i,`rgb(${t.ground.join()})`,p),function(e,{x:t,y:s,side:l},a,n,i){e.strokeStyle=a,e.lineWidth=n,e.setLineDash(i?O:[]),e.beginPath(),e.roundRect(t,s,l,l,Math.min(5,.1*l)),e.stroke(),e.setLineDash([])}(e,i,p,1+2.5*r,s.counts[n]<8),e.globalAlpha=1}(e,t,a,c,m,g);let $=d>=24?function({result:e,kind:t,most:a,several:n},i,r){let o=e.values[i],p=n?`${e.which[i]+1}`:"",c="top"===t?l(o):s(o,a);return[p,r?c:""].filter(Boolean).join(" \xb7 ")}(a,c,d>=44):"";""!==$&&N(e,t,$,m.x+m.side,m.y)})}(e,t,{result:o,kind:n.kind,most:K(a,i,r,n),several:n.classes.length>1})}var _={styles:'.filter>.link{text-align:start;overflow-wrap:anywhere;align-self:start;padding:4px 0}.filter{gap:12px}.filter>*,.shortcuts>*{flex:none}.filter .segments label{flex:1}.picker{gap:6px;display:grid}.picker ul{border:1px solid var(--line);border-radius:4px;max-height:174px;padding:2px;overflow:auto}.picker li{cursor:pointer;border-radius:4px;align-items:center;gap:8px;min-height:28px;padding:0 8px;display:flex}.picker li:before{content:"";border:1.5px solid var(--muted);border-radius:3px;flex:none;width:12px;height:12px}.picker [aria-selected=true]:before{border-color:var(--accent);background:var(--accent);box-shadow:inset 0 0 0 2px var(--surface)}.picker [aria-disabled=true] .name{text-decoration:line-through}.picker li:hover{background:var(--control)}.picker .active{box-shadow:inset 0 0 0 1.5px var(--muted)}.picker input:focus~ul .active{box-shadow:inset 0 0 0 2px var(--accent)}.picker li .number{white-space:nowrap;margin-left:auto;font-size:12px}.picker p{font-size:12px}.chips{flex-wrap:wrap;gap:6px;display:flex}.chips li{max-width:100%}.chip{border:1px solid var(--accent);background:var(--accent-soft);border-radius:14px;align-items:center;gap:6px;max-width:100%;height:28px;padding:0 10px;display:flex}.strongest .event{gap:4px;padding:6px 8px}.strongest .event .number{color:inherit}.strongest .event>.muted{font-size:12px}.meter.helps i,.strongest .meter i{background:var(--gain)}.meter.hurts i{background:repeating-linear-gradient(135deg, var(--loss) 0 3px, #0000 3px 5px)!important}.attribution .bars li{grid-template-columns:minmax(0,92px) 1fr auto}.attribution .meter{position:relative}.meter b{background:var(--text);height:2px;position:absolute;top:3px}.filter-legend{gap:6px;max-width:376px}.filter-head{align-items:baseline;gap:4px;display:flex}.filter-legend strong{overflow-wrap:anywhere;flex:1}.filter-legend .side-mark{vertical-align:text-bottom}.filter-legend .muted{font-size:12px}.filter-key{gap:4px;display:grid}.filter-key li{align-items:center;gap:8px;display:flex}.filter-key i{border:2px solid var(--text);border-radius:3px;flex:none;width:16px;height:16px}.filter-key .passes{border-color:var(--accent)}.filter-key .helps{border-color:var(--gain)}.filter-key .hurts{border-color:var(--loss);background:repeating-linear-gradient(135deg, var(--loss) 0 1.5px, #0000 1.5px 4px)}.filter-key .few{border-style:dotted}.filter-key .dim{background:color-mix(in srgb, var(--muted) 28%, transparent);border:0}.attribution h4{color:var(--muted);margin:4px 0 2px;font-size:12px;font-weight:400}.attribution .bars li{grid-template-columns:minmax(0,92px) 1fr 56px;min-height:24px}.attribution .bars .name{text-align:start;min-height:24px}.attribution .bars .name:hover{text-decoration:underline}',create:({session:e,map:t,update:s})=>new Y(e,t,s)};export{_ as classFilter};