import{$t as e,A as t,An as n,F as r,Ft as i,I as a,It as o,J as s,Lt as c,M as l,N as u,Nt as d,P as f,X as p,Zt as m,bn as h,dt as g,ft as _,gt as v,ht as y,k as ee,ln as b,mt as x,nr as S,pt as C,rr as w,un as T,ut as E}from"./chunk-shared-Clqkak8R.js";import{D as te,O as ne,R as re,j as ie,p as ae}from"./chunk-shell-B8Mq4hw2.js";var oe=`.filter>.link{text-align:start;overflow-wrap:anywhere;align-self:start;padding:4px 0}.filter{gap:12px}.filter>*,.shortcuts>*{flex:none}.filter .segments label{flex:1}.picker{gap:6px;display:grid}.picker ul{border:1px solid var(--line);border-radius:4px;max-height:174px;padding:2px;overflow:auto}.picker li{cursor:pointer;border-radius:4px;align-items:center;gap:8px;min-height:28px;padding:0 8px;display:flex}.picker li:before{content:"";border:1.5px solid var(--muted);border-radius:3px;flex:none;width:12px;height:12px}.picker [aria-selected=true]:before{border-color:var(--accent);background:var(--accent);box-shadow:inset 0 0 0 2px var(--surface)}.picker [aria-disabled=true] .name{text-decoration:line-through}.picker li:hover{background:var(--control)}.picker .active{box-shadow:inset 0 0 0 1.5px var(--muted)}.picker input:focus~ul .active{box-shadow:inset 0 0 0 2px var(--accent)}.picker li .number{white-space:nowrap;margin-left:auto;font-size:12px}.picker p{font-size:12px}.chips{flex-wrap:wrap;gap:6px;display:flex}.chips li{max-width:100%}.chip{border:1px solid var(--accent);background:var(--accent-soft);border-radius:14px;align-items:center;gap:6px;max-width:100%;height:28px;padding:0 10px;display:flex}.strongest .event{gap:4px;padding:6px 8px}.strongest .event .number{color:inherit}.strongest .event>.muted{font-size:12px}.meter.helps i,.strongest .meter i{background:var(--gain)}.meter.hurts i{background:repeating-linear-gradient(135deg, var(--loss) 0 3px, #0000 3px 5px)!important}.attribution .bars li{grid-template-columns:minmax(0,92px) 1fr auto}.attribution .meter{position:relative}.meter b{background:var(--text);height:2px;position:absolute;top:3px}.filter-legend{gap:6px;max-width:376px}.filter-head{align-items:baseline;gap:4px;display:flex}.filter-legend strong{overflow-wrap:anywhere;flex:1}.filter-legend .side-mark{vertical-align:text-bottom}.filter-legend .muted{font-size:12px}.filter-key{gap:4px;display:grid}.filter-key li{align-items:center;gap:8px;display:flex}.filter-key i{border:2px solid var(--text);border-radius:3px;flex:none;width:16px;height:16px}.filter-key .passes{border-color:var(--accent)}.filter-key .helps{border-color:var(--gain)}.filter-key .hurts{border-color:var(--loss);background:repeating-linear-gradient(135deg, var(--loss) 0 1.5px, #0000 1.5px 4px)}.filter-key .few{border-style:dotted}.filter-key .dim{background:color-mix(in srgb, var(--muted) 28%, transparent);border:0}.attribution h4{color:var(--muted);margin:4px 0 2px;font-size:12px;font-weight:400}.attribution .bars li{grid-template-columns:minmax(0,92px) 1fr 56px;min-height:24px}.attribution .bars .name{text-align:start;min-height:24px}.attribution .bars .name:hover{text-decoration:underline}`,se=.82,ce=.4,le=[1.5,2.5],D=[5,12],ue=24,de=44;function O(e,t,r){let{result:i,kind:a,most:o}=r,s=n(t.level),c=`rgb(${t.theme.ground.join()})`;ne(t,(n,l,u,d)=>{let f=g(i,a,n,o);if(e.globalAlpha=se*(1-f),e.fillStyle=c,e.fillRect(l,u,d,d),e.globalAlpha=1,i.passes[n]!==1)return;let p=s[n]*d,m={x:l+(d-p)/2,y:u+(d-p)/2,side:p};k(e,t,r,n,m,f);let h=d>=ue?A(r,n,d>=de):``;h!==``&&te(e,t,h,m.x+m.side,m.y)})}function k(e,{theme:t,level:n},{result:r,kind:i},a,o,s){let c=r.values[a]<0;e.globalAlpha=ce+.6*s;let l=i===`top`?t.accent:c?t.loss:t.gain;c&&j(e,o,`rgb(${t.ground.join()})`,l);let u=n.counts[a]<8;M(e,o,l,1+2.5*s,u),e.globalAlpha=1}function A({result:e,kind:t,most:n,several:r},a,o){let s=e.values[a],c=r?`${e.which[a]+1}`:``,l=t===`top`?i(s):y(s,n);return[c,o?l:``].filter(Boolean).join(` · `)}function j(e,{x:t,y:n,side:r},i,a){let o=Math.min(D[1],Math.max(D[0],r/5));e.beginPath();for(let i=o;i<2*r;i+=o){let a=Math.max(0,i-r);e.moveTo(t+a,n+i-a),e.lineTo(t+i-a,n+a)}for(let[t,n]of[[3,i],[1.3,a]])e.lineWidth=t,e.strokeStyle=n,e.stroke()}function M(e,{x:t,y:n,side:r},i,a,o){e.strokeStyle=i,e.lineWidth=a,e.setLineDash(o?le:[]),e.beginPath(),e.roundRect(t,n,r,r,Math.min(5,.1*r)),e.stroke(),e.setLineDash([])}var N=3,P=40;function F({atlas:e,level:t,facts:n},r){let i=x(e,t);if(typeof i==`string`)return w`<section class="attribution">
      <h3>Attribution</h3>
      <p class="muted">${i}</p>
    </section>`;let{helps:a,hurts:s}=v(i,n.cell,N),l=Math.max(...[...a,...s].map(({value:e})=>Math.abs(e))),u=(e,t)=>{let r=i.spread?.(n.cell,t)??NaN;if(!Number.isFinite(r))return{mark:S,text:S};let a=100*Math.max(0,Math.abs(e)-r)/l,o=Math.min(100,100*(Math.abs(e)+r)/l);return{mark:w`<b style="left:${a}%;width:${o-a}%"></b>`,text:w`<span class="muted" title="Standard deviation over the samples"
        >${y(r,l).replace(/^\+?/,` ±`)}</span
      >`}},d=(t,n,i)=>n.length===0?S:w`<h4>${t}</h4>
          <ul class="bars">
            ${n.map(({index:t,value:n})=>w`<li>
                <button
                  type="button"
                  class="name"
                  title="Show the attribution toward this class on the map"
                  @click=${()=>r(t)}
                >
                  ${c(b(e,t),P)||`(no name)`}
                </button>
                <span class="meter ${i}"
                  ><i style="width:${100*Math.abs(n)/l}%"></i>${u(n,t).mark}</span
                >
                <span class="number">${y(n,l)}${u(n,t).text}</span>
              </li>`)}
          </ul>`,f=n.count<8?`, only ${o(n.count,`sample`)}`:``;return w`<section class="attribution">
    <h3>Attribution <span class="muted">logits, mean of the samples${f}</span></h3>
    ${d(`For`,a,`helps`)} ${d(`Against`,s,`hurts`)}
    ${a.length+s.length===0?w`<p class="muted">No attribution for any class.</p>`:S}
  </section>`}var I=` / `,L=60,R=new WeakMap;function z(e,t){if(e===null)return String(t);let n=R.get(e);n===void 0&&(n=e.map(B),R.set(e,n));let r=n[t];return r===void 0?String(t):n.filter(e=>e===r).length>1?`${r} (${t})`:r}function B(e){let t=[...e.replaceAll(m,`·`).replaceAll(I,`/`)];return t.length<=L?t.join(``):`${t.slice(0,59).join(``)}…`}function V(t,n,r,i=[]){let a=i.length===0?[r]:[i,i.toReversed()].map(e=>r+m+e.join(I)),o=n.run.replace(/\/classes$/,``),s=e(n)?o:`${o}/classes`;for(let e of[n,...t.filter(e=>e.run===s)]){let t=e.series.find(e=>a.includes(e.layer));if(t!==void 0)return{run:e,series:t}}return null}function H(e,{run:t,series:n}){t.id!==e.store.state.run?.id&&e.chooseRun(t.id),e.chooseSeries(n.id)}var U=40;function fe(e,t,n,r){let i=r.map(e=>[e]),a=h(n)===null?[]:[[]];return[...i,...r.length===2?[r]:[],...a].flatMap(r=>{let i=G(e,n,r);if(i===null||i.series.id===e.series?.id)return[];let a=r.length===0?c(W(n),U):K(n,r,` / `);return w`<button type="button" class="link" @click=${()=>H(t,i)}>
      Open the atlas of ${a}
    </button>`})}function pe(e,t,n){let r=n.filter(n=>G(e,t,[n])===null);return r.length===0?S:w`<p class="muted">
    No class atlas of ${K(t,r,` or `)} was computed for this layer:
    <code>${me(t,r)}</code>, or later <code>tensorboard-atlas class</code>
  </p>`}function W(e){return h(e)?.layer??e.manifest.layer}function G({runs:e,run:t},n,r){let i=r.map(e=>z(n.classes,e));return t&&V(e,t,W(n),i)}function K(e,t,n){return t.map(t=>c(b(e,t),U)).join(n)}function me({classes:e},t){return`AtlasWriter(..., class_atlases=[${t.map(t=>{let n=z(e,t);return n!==``&&n===e?.[t]&&n===c(n,U)?JSON.stringify(n):String(t)}).join(`, `)}])`}var he=100,ge=40,_e=class{#e=``;#t=0;constructor(e){this.update=e}render(e){let{choices:t,chosen:n}=e,r=a(t,this.#e),i=r.slice(0,he);this.#t=Math.max(0,Math.min(this.#t,i.length-1));let o=i[this.#t],s=r.length-i.length;return w`<div class="picker">
      <input
        type="search"
        role="combobox"
        aria-label="Find a class"
        aria-expanded="true"
        aria-controls="class-list"
        aria-autocomplete="list"
        aria-activedescendant=${o?`class-${o.index}`:S}
        autocomplete="off"
        spellcheck="false"
        placeholder="Find among ${d(t.length)} classes"
        .value=${this.#e}
        ${ee(l)}
        @input=${e=>this.#r(e.target.value)}
        @keydown=${t=>this.#i(t,i,e)}
      />
      <ul id="class-list" role="listbox" aria-label="Classes" aria-multiselectable="true">
        ${i.map(t=>this.#n(t,t===o,e))}
      </ul>
      ${i.length===0?w`<p class="muted">No class matches.</p>`:S}
      ${s>0?w`<p class="muted">and ${d(s)} more: type to find them</p>`:S}
      ${n.length>=4?w`<p class="muted">${4} classes at most: remove one to add another.</p>`:S}
    </div>`}#n({index:e,name:t,note:n},r,i){let a=i.chosen.includes(e),o=!a&&i.chosen.length>=4;return w`<li
      id="class-${e}"
      role="option"
      class=${r?`active`:``}
      aria-selected=${a}
      aria-disabled=${o?`true`:S}
      @mousedown=${e=>e.preventDefault()}
      @click=${()=>i.toggle(e)}
    >
      <span class="name">${c(t,ge)||`(no name)`}</span>
      <span class="muted number">${n}</span>
    </li>`}#r(e){this.#e=e,this.#t=0,this.update()}#i(e,t,n){let r={ArrowDown:1,ArrowUp:-1,PageDown:10,PageUp:-10}[e.key],i=t[this.#t];if(r!==void 0)this.#t=Math.max(0,Math.min(t.length-1,this.#t+r)),this.update(),ve(e.currentTarget,t[this.#t]);else if(e.key===`Enter`&&i)n.toggle(i.index);else if(e.key===`Escape`&&this.#e!==``)this.#r(``);else if(e.key===`Escape`)n.leave();else return;e.preventDefault()}};function ve(e,t){let n=e.nextElementSibling;(t&&n?.querySelector(`#class-${t.index}`))?.scrollIntoView({block:`nearest`})}var ye=10,q=40,be={top:`Top class is`,toward:`Attribution toward`},xe={helps:`Helps`,hurts:`Hurts`,both:`Both`},Se=class{#e;constructor(e,t,n){this.session=e,this.map=t,this.#e=new _e(n)}render(e){let t=_(e),n=s(e),i=T(n,e.shownLevel);return w`<aside class="events filter" aria-label="Class filter">
      ${ae(`Filter by class`,`Close the class filter`,`f`,()=>this.#c())}
      ${this.#t(t)}
      ${t.kind===`toward`?this.#n(t):S}
      ${n?w`${this.#r(n,t)}${this.#e.render({choices:r(n),chosen:t.classes,toggle:e=>this.#o(t,e),leave:()=>this.map.focus()})}`:S}
      ${n?fe(e,this.session,n,t.classes):S}
      ${n&&i?this.#i(n,i,t):S}
      ${n?pe(e,n,t.classes):S}
      ${ie(e)===null&&!(n&&h(n))?w`<p class="muted">
              Shortcuts to a class were not searched for in this run:
              <code>AtlasWriter(..., shortcuts=True)</code>
            </p>`:S}
    </aside>`}#t(e){return J(`Which cells`,`filter-kind`,be,e.kind,t=>this.#s({...e,kind:t}))}#n(e){return J(`Sign of the attribution`,`filter-sign`,xe,e.sign,t=>this.#s({...e,sign:t}))}#r(e,t){let{classes:n}=t;return n.length===0?S:w`<ul class="chips" aria-label="Selected classes">
      ${n.map((r,i)=>{let a=c(b(e,r),q);return w`<li>
          <button
            type="button"
            class="chip"
            title="Remove"
            @click=${()=>this.#o(t,r)}
          >
            <span class="hidden">Remove</span>
            ${n.length>1?w`<b class="side-mark">${i+1}</b>`:S}
            <span class="name">${a}</span><span aria-hidden="true">×</span>
          </button>
        </li>`})}
    </ul>`}#i(e,t,n){if(n.classes.length===0)return w`<p class="muted">Select a class to highlight its cells.</p>`;let r=E(e,t,n);return typeof r==`string`?w`<p>${r}</p>`:w`<section class="strongest">
      <h3>Strongest cells <span class="muted">${Y(r,t)}</span></h3>
      ${r.ranked.length===0?w`<p class="muted">None with ${8} samples or more on this grid.</p>`:w`<ol @keydown=${u}>
              ${r.ranked.slice(0,ye).map(i=>this.#a(e,t,n,r,i))}
            </ol>`}
    </section>`}#a(e,t,{kind:n,classes:r},{values:a,which:s,most:l},u){let d=a[u],f=r[s[u]]??-1,p=o(t.counts[u],`sample`),m=n===`top`?d:Math.abs(d)/l;return w`<li>
      <button type="button" class="event" @click=${()=>this.#l(t,u)}>
        <span class="event-head">
          <span>row ${t.rows[u]+1}, column ${t.cols[u]+1}</span>
          <span class="number">${n===`top`?i(d):y(d,l)}</span>
        </span>
        <span class="meter ${d<0?`hurts`:``}"><i style="width:${100*m}%"></i></span>
        <span class="muted"
          >${r.length>1?`${c(b(e,f),q)} · `:``}${p}</span
        >
      </button>
    </li>`}#o(e,t){let n=e.classes.filter(e=>e!==t),r=n.length<e.classes.length?n:[...n,t];this.#s({...e,classes:r})}#s(e){let{kind:t,classes:n,sign:r}=_(C(e));this.session.store.set(C({kind:t,classes:n,sign:r}))}#c(){this.session.store.set({filterOpen:!1}),this.map.focus()}#l({size:e,rows:t,cols:n},r){let[i,a]=[t[r],n[r]],{store:o}=this.session;o.set({pinned:{size:e,row:i,col:a},hover:null}),this.map.flyTo(f(o.state,this.map.viewport,{size:e,row:i,col:a}))}};function J(e,n,r,i,a){return t(e,n,Object.keys(r),e=>r[e],i,a)}function Y({passing:e,sparse:t},{rows:n}){let r=t>0?`, ${d(t)} with fewer than 8 samples`:``;return`${d(e)} of ${o(n.length,`cell`)} pass${r}`}var Ce=40,X={helps:`: helps`,hurts:`: hurts`,both:`: helps or hurts`};function Z({compare:e,compareMode:t,flipped:n,highlight:r}){return r===null?e!==null&&t===`difference`&&!n?`Not shown in this mode. The difference is that of the attribution toward the first class, or of samples if none was recorded.`:null:`Not shown while samples are highlighted. Press Esc to end the highlight.`}function Q(e,t,n,r){let i=e.compare===null?null:p(e);return[t,i,i&&e.atlas].flatMap(e=>{let t=T(e,n.size),i=e&&t?E(e,t,r):``;return typeof i==`string`?[]:[i.most]}).reduce((e,t)=>Math.max(e,t),0)}function we(e,t,n,r){let i=_(e);if(i.classes.length===0)return S;let a=E(t,n,i),o=Z(e);return w`<aside class="legend panel filter-legend" aria-label="Legend of the class filter">
    <div class="filter-head">
      <strong>${Te(t,i)}</strong>
      <button type="button" class="link" ?hidden=${e.filterOpen} @click=${r.open}>
        Change
      </button>
      <button type="button" class="link" @click=${r.clear}>Clear</button>
    </div>
    ${typeof a==`string`||o!==null?w`<p>${typeof a==`string`?a:o}</p>`:w`${Ee(i,a,n)}
          <p class="muted">${De(i,a,Q(e,t,n,i),e)}</p>`}
  </aside>`}function Te(e,{kind:t,classes:n,sign:r}){let i=n.map((t,r)=>{let i=n.length>1?w`<b class="side-mark">${r+1}</b> `:S;return w`${r>0?` or `:``}${i}${c(b(e,t),Ce)}`}),a=e.labels===null?` (predictions)`:``;return t===`top`?w`Top class is ${i}${a}`:w`Attribution toward ${i}${X[r]}`}function Ee({kind:e,sign:t},n,{rows:r}){let[a,o]=n.range??[0,0],s=(e,t)=>w`<li><i class=${e}></i><span>${t}</span></li>`,c=n.range!==null,l=[];if(e===`top`){let e=c?`: its share is ${i(a)} to ${i(o)}`:``;l.push(s(`passes`,`passes${e}`))}else{let e=(e,t)=>c?`, ${t} ${y(e,n.most)}`:``;t!==`hurts`&&l.push(s(`helps`,`attribution for it${e(Math.max(0,o),`up to`)}`)),t!==`helps`&&l.push(s(`hurts`,`attribution against it${e(Math.min(0,a),`down to`)}`))}n.sparse>0&&l.push(s(`few`,`under 8 samples, not ranked: ${d(n.sparse)}`));let u=r.length-n.passing;return u>0&&l.push(s(`dim`,`does not pass: ${d(u)}`)),w`<ul class="filter-key">
    ${l}
  </ul>`}function De({kind:e},t,n,{compare:r,compareMode:i}){if(t.passing===0)return`No cell of this grid passes.`;let a=r!==null&&i===`swipe`?` Ranges and counts above are those of B.`:``;if(e===`top`)return`Brightest: a share of 100%. Paler cells have less.${a}`;let o=r===null?`on this grid`:`of A and B`,s=t.ranked.length>0?`cell`:`cell (few samples)`;return`Brightest: ${y(n).slice(1)} logits, the strongest ${s} ${o}. Paler cells have less.${a}`}function Oe(e,t,n){let r=E(e,t,n);if(typeof r==`string`)return r;let a=r.ranked[0];if(a===void 0)return Y(r,t);let o=r.values[a],s=n.kind===`top`?i(o):y(o,r.most),c=`row ${t.rows[a]+1}, column ${t.cols[a]+1}`;return`${Y(r,t)}; strongest at ${c}: ${s}`}var ke=class{#e;constructor(e,t,n){this.session=e,this.#e=new Se(e,t,n)}overlays(e){let t=_(e);return t.classes.length===0||Z(e)!==null?[]:[(n,r)=>Ae(n,r,e,t)]}legend(e,t,n){let{store:r}=this.session;return we(e,t,n,{clear:()=>r.set({filter:``,sign:``}),open:()=>r.set({filterOpen:!0})})}rail(e){return e.filterOpen?this.#e.render(e):S}inspectorSection(e){return F(e,e=>this.session.store.set(C({kind:`toward`,classes:[e],sign:`both`})))}announce(e,t){let n=_(e),{playing:r,filter:i,sign:a,shownLevel:o}=e,c=i!==t.filter||a!==t.sign||o!==t.shownLevel||e.atlas!==t.atlas;if(n.classes.length===0||!c||r)return null;let l=s(e),u=T(l,o);return l&&u?Z(e)??Oe(l,u,n):null}};function Ae(e,t,n,r){let i=n.compareMode===`swipe`?p(n):null,a=T(i,t.level.size);if(n.compare===null||n.flipped||!i||!a){$(e,t,n,r);return}let{width:o,height:s}=t.viewport,c=re(n,t.viewport),l=(t,i,a)=>{e.save(),e.beginPath(),e.rect(t,0,i-t,s),e.clip(),$(e,a,n,r),e.restore()};l(0,c,{...t,atlas:i,level:a}),l(c,o,t)}function $(e,t,n,r){let{atlas:i,level:a}=t,o=E(i,a,r);typeof o!=`string`&&O(e,t,{result:o,kind:r.kind,most:Q(n,i,a,r),several:r.classes.length>1})}var je={styles:oe,create:({session:e,map:t,update:n})=>new ke(e,t,n)};export{je as classFilter};