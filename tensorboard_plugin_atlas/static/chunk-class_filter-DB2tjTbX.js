import{An as e,B as t,Bn as s,Ct as l,Gt as a,I as n,Kt as i,L as r,N as o,P as p,Q as c,R as u,St as h,Vt as d,Wt as g,X as f,_t as m,bn as b,bt as $,fr as x,ln as v,pr as k,sn as w,vt as y,xt as M,yn as S,yt as A,z as j}from"./chunk-shared-BSwaJvbm.js";import{M as z,O as N,k as B,m as P,z as R}from"./chunk-shell-D_FVFRh_.js";var F=[1.5,2.5],O=new WeakMap;function T(e,t){if(null===e)return String(t);let s=O.get(e);void 0===s&&(s=e.map(D),O.set(e,s));let l=s[t];return void 0===l?String(t):s.filter(e=>e===l).length>1?`${l} (${t})`:l}function D(e){let t=[...e.replaceAll(w,"\xb7").replaceAll(" / ","/")];return t.length<=60?t.join(""):`${t.slice(0,59).join("")}…`}function L(t){return e(t)?.layer??t.manifest.layer}function W({runs:e,run:t},s,l){let a=l.map(e=>T(s.classes,e));return t&&function(e,t,s,l=[]){let a=0===l.length?[s]:[l,l.toReversed()].map(e=>s+w+e.join(" / ")),n=t.run.replace(/\/classes$/,""),i=v(t)?n:`${n}/classes`;for(let s of[t,...e.filter(e=>e.run===i)]){let e=s.series.find(e=>a.includes(e.layer));if(void 0!==e)return{run:s,series:e}}return null}(e,t,L(s),a)}function C(e,t,s){return t.map(t=>i(S(e,t),40)).join(s)}var E=class{#e="";#t=0;constructor(e){this.update=e}render(e){let{choices:s,chosen:l}=e,a=t(s,this.#e),i=a.slice(0,100);this.#t=Math.max(0,Math.min(this.#t,i.length-1));let r=i[this.#t],p=a.length-i.length;return k`<div class="picker">
      <input
        type="search"
        role="combobox"
        aria-label="Find a class"
        aria-expanded="true"
        aria-controls="class-list"
        aria-autocomplete="list"
        aria-activedescendant=${r?`class-${r.index}`:x}
        autocomplete="off"
        spellcheck="false"
        placeholder="Find among ${d(s.length)} classes"
        .value=${this.#e}
        ${o(n)}
        @input=${e=>this.#s(e.target.value)}
        @keydown=${t=>this.#l(t,i,e)}
      />
      <ul id="class-list" role="listbox" aria-label="Classes" aria-multiselectable="true">
        ${i.map(t=>this.#a(t,t===r,e))}
      </ul>
      ${0===i.length?k`<p class="muted">No class matches.</p>`:x}
      ${p>0?k`<p class="muted">and ${d(p)} more: type to find them</p>`:x}
      ${l.length>=4?k`<p class="muted">${4} classes at most: remove one to add another.</p>`:x}
    </div>`}#a({index:e,name:t,note:s},l,a){let n=a.chosen.includes(e),r=!n&&a.chosen.length>=4;return k`<li
      id="class-${e}"
      role="option"
      class=${l?"active":""}
      aria-selected=${n}
      aria-disabled=${r?"true":x}
      @mousedown=${e=>e.preventDefault()}
      @click=${()=>a.toggle(e)}
    >
      <span class="name">${i(t,40)||"(no name)"}</span>
      <span class="muted number">${s}</span>
    </li>`}#s(e){this.#e=e,this.#t=0,this.update()}#l(e,t,s){let l={ArrowDown:1,ArrowUp:-1,PageDown:10,PageUp:-10}[e.key],a=t[this.#t];if(void 0!==l){var n,i;let s;this.#t=Math.max(0,Math.min(t.length-1,this.#t+l)),this.update(),n=e.currentTarget,i=t[this.#t],s=n.nextElementSibling,(i&&s?.querySelector(`#class-${i.index}`))?.scrollIntoView({block:"nearest"})}else if("Enter"===e.key&&a)s.toggle(a.index);else if("Escape"===e.key&&""!==this.#e)this.#s("");else{if("Escape"!==e.key)return;s.leave()}e.preventDefault()}},_={top:"Top class is",toward:"Attribution toward"},V={helps:"Helps",hurts:"Hurts",both:"Both"},H=class{#e;constructor(e,t,s){this.session=e,this.map=t,this.#e=new E(s)}render(t){var s,l;let a,n,r,o=A(t),p=f(t),c=b(p,t.shownLevel);return k`<aside class="events filter" aria-label="Class filter">
      ${P("Filter by class","Close the class filter","f",()=>this.#n())}
      ${this.#t(o)}
      ${"toward"===o.kind?this.#a(o):x}
      ${p?k`${this.#s(p,o)}${this.#e.render({choices:j(p),chosen:o.classes,toggle:e=>this.#i(o,e),leave:()=>this.map.focus()})}`:x}
      ${p?(s=this.session,a=(l=o.classes).map(e=>[e]),n=null===e(p)?[]:[[]],[...a,...2===l.length?[l]:[],...n].flatMap(e=>{let l=W(t,p,e);if(null===l||l.series.id===t.series?.id)return[];let a=0===e.length?i(L(p),40):C(p,e," / ");return k`<button type="button" class="link" @click=${()=>(function(e,{run:t,series:s}){t.id!==e.store.state.run?.id&&e.chooseRun(t.id),e.chooseSeries(s.id)})(s,l)}>
      Open the atlas of ${a}
    </button>`})):x}
      ${p&&c?this.#l(p,c,o):x}
      ${p?0===(r=o.classes.filter(e=>null===W(t,p,[e]))).length?x:k`<p class="muted">
    No class atlas of ${C(p,r," or ")} was computed for this layer:
    <code>${function({classes:e},t){return`AtlasWriter(..., class_atlases=[${t.map(t=>{let s=T(e,t);return""!==s&&s===e?.[t]&&s===i(s,40)?JSON.stringify(s):String(t)}).join(", ")}])`}(p,r)}</code>, or later <code>tensorboard-atlas class</code>
  </p>`:x}
      ${null===z(t)&&!(p&&e(p))?k`<p class="muted">
              Shortcuts to a class were not searched for in this run:
              <code>AtlasWriter(..., shortcuts=True)</code>
            </p>`:x}
    </aside>`}#t(e){return I("Which cells","filter-kind",_,e.kind,t=>this.#r({...e,kind:t}))}#a(e){return I("Sign of the attribution","filter-sign",V,e.sign,t=>this.#r({...e,sign:t}))}#s(e,t){let{classes:s}=t;return 0===s.length?x:k`<ul class="chips" aria-label="Selected classes">
      ${s.map((l,a)=>{let n=i(S(e,l),40);return k`<li>
          <button
            type="button"
            class="chip"
            title="Remove"
            @click=${()=>this.#i(t,l)}
          >
            <span class="hidden">Remove</span>
            ${s.length>1?k`<b class="side-mark">${a+1}</b>`:x}
            <span class="name">${n}</span><span aria-hidden="true">×</span>
          </button>
        </li>`})}
    </ul>`}#l(e,t,s){if(0===s.classes.length)return k`<p class="muted">Select a class to highlight its cells.</p>`;let l=m(e,t,s);return"string"==typeof l?k`<p>${l}</p>`:k`<section class="strongest">
      <h3>Strongest cells <span class="muted">${J(l,t)}</span></h3>
      ${0===l.ranked.length?k`<p class="muted">None with ${8} samples or more on this grid.</p>`:k`<ol @keydown=${r}>
              ${l.ranked.slice(0,10).map(a=>this.#o(e,t,s,l,a))}
            </ol>`}
    </section>`}#o(e,t,{kind:s,classes:l},{values:n,which:r,most:o},p){let c=n[p],u=l[r[p]]??-1,d=a(t.counts[p],"sample"),f="top"===s?c:Math.abs(c)/o;return k`<li>
      <button type="button" class="event" @click=${()=>this.#p(t,p)}>
        <span class="event-head">
          <span>row ${t.rows[p]+1}, column ${t.cols[p]+1}</span>
          <span class="number">${"top"===s?g(c):h(c,o)}</span>
        </span>
        <span class="meter ${c<0?"hurts":""}"><i style="width:${100*f}%"></i></span>
        <span class="muted"
          >${l.length>1?`${i(S(e,u),40)} \xb7 `:""}${d}</span
        >
      </button>
    </li>`}#i(e,t){let s=e.classes.filter(e=>e!==t),l=s.length<e.classes.length?s:[...s,t];this.#r({...e,classes:l})}#r(e){let{kind:t,classes:s,sign:l}=A($(e));this.session.store.set($({kind:t,classes:s,sign:l}))}#n(){this.session.store.set({filterOpen:!1}),this.map.focus()}#p({size:e,rows:t,cols:s},l){let[a,n]=[t[l],s[l]],{store:i}=this.session;i.set({pinned:{size:e,row:a,col:n},hover:null}),this.map.flyTo(u(i.state,this.map.viewport,{size:e,row:a,col:n}))}};function I(e,t,s,l,a){return p(e,t,Object.keys(s),e=>s[e],l,a)}function J({passing:e,sparse:t},{rows:s}){let l=t>0?`, ${d(t)} with fewer than 8 samples`:"";return`${d(e)} of ${a(s.length,"cell")} pass${l}`}var U={helps:": helps",hurts:": hurts",both:": helps or hurts"};function q({compare:e,compareMode:t,flipped:s,highlight:l}){return null===l?null===e||"difference"!==t||s?null:"Not shown in this mode. The difference is that of the attribution toward the first class, or of samples if none was recorded.":"Not shown while samples are highlighted. Press Esc to end the highlight."}function G(e,t,s,l){let a=null===e.compare?null:c(e);return[t,a,a&&e.atlas].flatMap(e=>{let t=b(e,s.size),a=e&&t?m(e,t,l):"";return"string"==typeof a?[]:[a.most]}).reduce((e,t)=>Math.max(e,t),0)}var K=class{#e;constructor(e,t,s){this.session=e,this.#e=new H(e,t,s)}overlays(e){let t=A(e);return 0===t.classes.length||null!==q(e)?[]:[(s,l)=>(function(e,t,s,l){let a="swipe"===s.compareMode?c(s):null,n=b(a,t.level.size);if(null===s.compare||s.flipped||!a||!n)return void Q(e,t,s,l);let{width:i,height:r}=t.viewport,o=R(s,t.viewport),p=(t,a,n)=>{e.save(),e.beginPath(),e.rect(t,0,a-t,r),e.clip(),Q(e,n,s,l),e.restore()};p(0,o,{...t,atlas:a,level:n}),p(o,i,t)})(s,l,e,t)]}legend(e,t,s){let{store:l}=this.session;return function(e,t,s,l){let a=A(e);if(0===a.classes.length)return x;let n=m(t,s,a),r=q(e);return k`<aside class="legend panel filter-legend" aria-label="Legend of the class filter">
    <div class="filter-head">
      <strong>${function(e,{kind:t,classes:s,sign:l}){let a=s.map((t,l)=>{let a=s.length>1?k`<b class="side-mark">${l+1}</b> `:x;return k`${l>0?" or ":""}${a}${i(S(e,t),40)}`}),n=null===e.labels?" (predictions)":"";return"top"===t?k`Top class is ${a}${n}`:k`Attribution toward ${a}${U[l]}`}(t,a)}</strong>
      <button type="button" class="link" ?hidden=${e.filterOpen} @click=${l.open}>
        Change
      </button>
      <button type="button" class="link" @click=${l.clear}>Clear</button>
    </div>
    ${"string"==typeof n||null!==r?k`<p>${"string"==typeof n?n:r}</p>`:k`${function({kind:e,sign:t},s,{rows:l}){let[a,n]=s.range??[0,0],i=(e,t)=>k`<li><i class=${e}></i><span>${t}</span></li>`,r=null!==s.range,o=[];if("top"===e){let e=r?`: its share is ${g(a)} to ${g(n)}`:"";o.push(i("passes",`passes${e}`))}else{let e=(e,t)=>r?`, ${t} ${h(e,s.most)}`:"";"hurts"!==t&&o.push(i("helps",`attribution for it${e(Math.max(0,n),"up to")}`)),"helps"!==t&&o.push(i("hurts",`attribution against it${e(Math.min(0,a),"down to")}`))}s.sparse>0&&o.push(i("few",`under 8 samples, not ranked: ${d(s.sparse)}`));let p=l.length-s.passing;return p>0&&o.push(i("dim",`does not pass: ${d(p)}`)),k`<ul class="filter-key">
    ${o}
  </ul>`}(a,n,s)}
          <p class="muted">${function({kind:e},t,s,{compare:l,compareMode:a}){if(0===t.passing)return"No cell of this grid passes.";let n=null!==l&&"swipe"===a?" Ranges and counts above are those of B.":"";if("top"===e)return`Brightest: a share of 100%. Paler cells have less.${n}`;let i=t.ranked.length>0?"cell":"cell (few samples)";return`Brightest: ${h(s).slice(1)} logits, the strongest ${i} ${null===l?"on this grid":"of A and B"}. Paler cells have less.${n}`}(a,n,G(e,t,s,a),e)}</p>`}
  </aside>`}(e,t,s,{clear:()=>l.set({filter:"",sign:""}),open:()=>l.set({filterOpen:!0})})}rail(e){return e.filterOpen?this.#e.render(e):x}inspectorSection(e){return function({atlas:e,level:t,facts:s},n){let r=M(e,t);if("string"==typeof r)return k`<section class="attribution">
      <h3>Attribution</h3>
      <p class="muted">${r}</p>
    </section>`;let{helps:o,hurts:p}=l(r,s.cell,3),c=Math.max(...[...o,...p].map(({value:e})=>Math.abs(e))),u=(e,t)=>{let l=r.spread?.(s.cell,t)??0/0;if(!Number.isFinite(l))return{mark:x,text:x};let a=100*Math.max(0,Math.abs(e)-l)/c,n=Math.min(100,100*(Math.abs(e)+l)/c);return{mark:k`<b style="left:${a}%;width:${n-a}%"></b>`,text:k`<span class="muted" title="Standard deviation over the samples"
        >${h(l,c).replace(/^\+?/," \xb1")}</span
      >`}},d=(t,s,l)=>0===s.length?x:k`<h4>${t}</h4>
          <ul class="bars">
            ${s.map(({index:t,value:s})=>k`<li>
                <button
                  type="button"
                  class="name"
                  title="Show the attribution toward this class on the map"
                  @click=${()=>n(t)}
                >
                  ${i(S(e,t),40)||"(no name)"}
                </button>
                <span class="meter ${l}"
                  ><i style="width:${100*Math.abs(s)/c}%"></i>${u(s,t).mark}</span
                >
                <span class="number">${h(s,c)}${u(s,t).text}</span>
              </li>`)}
          </ul>`,g=s.count<8?`, only ${a(s.count,"sample")}`:"";return k`<section class="attribution">
    <h3>Attribution <span class="muted">logits, mean of the samples${g}</span></h3>
    ${d("For",o,"helps")} ${d("Against",p,"hurts")}
    ${o.length+p.length===0?k`<p class="muted">No attribution for any class.</p>`:x}
  </section>`}(e,e=>this.session.store.set($({kind:"toward",classes:[e],sign:"both"})))}announce(e,t){let s=A(e),{playing:l,filter:a,sign:n,shownLevel:i}=e,r=a!==t.filter||n!==t.sign||i!==t.shownLevel||e.atlas!==t.atlas;if(0===s.classes.length||!r||l)return null;let o=f(e),p=b(o,i);return o&&p?q(e)??function(e,t,s){let l=m(e,t,s);if("string"==typeof l)return l;let a=l.ranked[0];if(void 0===a)return J(l,t);let n=l.values[a],i="top"===s.kind?g(n):h(n,l.most),r=`row ${t.rows[a]+1}, column ${t.cols[a]+1}`;return`${J(l,t)}; strongest at ${r}: ${i}`}(o,p,s):null}};function Q(e,t,l,a){let{atlas:n,level:i}=t,r=m(n,i,a);"string"!=typeof r&&function(e,t,l){let{result:a,kind:n,most:i}=l,r=s(t.level),o=`rgb(${t.theme.ground.join()})`;B(t,(s,p,c,u)=>{let d=y(a,n,s,i);if(e.globalAlpha=.82*(1-d),e.fillStyle=o,e.fillRect(p,c,u,u),e.globalAlpha=1,1!==a.passes[s])return;let f=r[s]*u,m={x:p+(u-f)/2,y:c+(u-f)/2,side:f};!function(e,{theme:t,level:s},{result:l,kind:a},n,i,r){let o=l.values[n]<0;e.globalAlpha=.4+.6*r;let p="top"===a?t.accent:o?t.loss:t.gain;o&&function(e,{x:t,y:s,side:l},a,n){let i=Math.min(12,Math.max(5,l/5));e.beginPath();for(let a=i;a<2*l;a+=i){let n=Math.max(0,a-l);e.moveTo(t+n,s+a-n),e.lineTo(t+a-n,s+n)}for(let[t,s]of[[3,a],[1.3,n]])e.lineWidth=t,e.strokeStyle=s,e.stroke()}(e,i,`rgb(${t.ground.join()})`,p),function(e,{x:t,y:s,side:l},a,n,i){e.strokeStyle=a,e.lineWidth=n,e.setLineDash(i?F:[]),e.beginPath(),e.roundRect(t,s,l,l,Math.min(5,.1*l)),e.stroke(),e.setLineDash([])}(e,i,p,1+2.5*r,s.counts[n]<8),e.globalAlpha=1}(e,t,l,s,m,d);let b=u>=24?function({result:e,kind:t,most:s,several:l},a,n){let i=e.values[a],r=l?`${e.which[a]+1}`:"",o="top"===t?g(i):h(i,s);return[r,n?o:""].filter(Boolean).join(" \xb7 ")}(l,s,u>=44):"";""!==b&&N(e,t,b,m.x+m.side,m.y)})}(e,t,{result:r,kind:a.kind,most:G(l,n,i,a),several:a.classes.length>1})}var X={styles:'.filter>.link{text-align:start;overflow-wrap:anywhere;align-self:start;padding:4px 0}.filter{gap:12px}.filter>*,.shortcuts>*{flex:none}.filter .segments label{flex:1}.picker{gap:6px;display:grid}.picker ul{border:1px solid var(--line);border-radius:4px;max-height:174px;padding:2px;overflow:auto}.picker li{cursor:pointer;border-radius:4px;align-items:center;gap:8px;min-height:28px;padding:0 8px;display:flex}.picker li:before{content:"";border:1.5px solid var(--muted);border-radius:3px;flex:none;width:12px;height:12px}.picker [aria-selected=true]:before{border-color:var(--accent);background:var(--accent);box-shadow:inset 0 0 0 2px var(--surface)}.picker [aria-disabled=true] .name{text-decoration:line-through}.picker li:hover{background:var(--control)}.picker .active{box-shadow:inset 0 0 0 1.5px var(--muted)}.picker input:focus~ul .active{box-shadow:inset 0 0 0 2px var(--accent)}.picker li .number{white-space:nowrap;margin-left:auto;font-size:12px}.picker p{font-size:12px}.chips{flex-wrap:wrap;gap:6px;display:flex}.chips li{max-width:100%}.chip{border:1px solid var(--accent);background:var(--accent-soft);border-radius:14px;align-items:center;gap:6px;max-width:100%;height:28px;padding:0 10px;display:flex}.strongest .event{gap:4px;padding:6px 8px}.strongest .event .number{color:inherit}.strongest .event>.muted{font-size:12px}.meter.helps i,.strongest .meter i{background:var(--gain)}.meter.hurts i{background:repeating-linear-gradient(135deg, var(--loss) 0 3px, #0000 3px 5px)!important}.attribution .bars li{grid-template-columns:minmax(0,92px) 1fr auto}.attribution .meter{position:relative}.meter b{background:var(--text);height:2px;position:absolute;top:3px}.filter-legend{gap:6px;max-width:376px}.filter-head{align-items:baseline;gap:4px;display:flex}.filter-legend strong{overflow-wrap:anywhere;flex:1}.filter-legend .side-mark{vertical-align:text-bottom}.filter-legend .muted{font-size:12px}.filter-key{gap:4px;display:grid}.filter-key li{align-items:center;gap:8px;display:flex}.filter-key i{border:2px solid var(--text);border-radius:3px;flex:none;width:16px;height:16px}.filter-key .passes{border-color:var(--accent)}.filter-key .helps{border-color:var(--gain)}.filter-key .hurts{border-color:var(--loss);background:repeating-linear-gradient(135deg, var(--loss) 0 1.5px, #0000 1.5px 4px)}.filter-key .few{border-style:dotted}.filter-key .dim{background:color-mix(in srgb, var(--muted) 28%, transparent);border:0}.attribution h4{color:var(--muted);margin:4px 0 2px;font-size:12px;font-weight:400}.attribution .bars li{grid-template-columns:minmax(0,92px) 1fr 56px;min-height:24px}.attribution .bars .name{text-align:start;min-height:24px}.attribution .bars .name:hover{text-decoration:underline}',create:({session:e,map:t,update:s})=>new K(e,t,s)};export{X as classFilter};