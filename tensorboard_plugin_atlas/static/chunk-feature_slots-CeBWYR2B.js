import{$ as e,A as t,E as n,Et as r,H as i,I as a,It as o,M as s,Nt as c,Ot as l,P as u,Pt as d,Q as f,S as p,T as m,W as h,Z as g,a as _,ct as ee,et as v,i as y,n as b,nt as te,o as x,ot as ne,r as S,tt as re,u as ie,v as ae,w as oe,x as se,y as ce}from"./chunk-first_map-s9gukpc7.js";import{$ as le,$t as ue,A as C,Bt as w,C as de,D as fe,E as pe,Et as T,F as me,Ft as he,H as ge,Ht as _e,I as ve,L as ye,Lt as E,M as be,N as D,Nt as xe,O as Se,P as Ce,R as we,Rt as Te,S as Ee,T as De,X as Oe,Yt as ke,Z as O,at as k,ct as Ae,dt as A,en as j,et as je,ft as Me,gt as Ne,j as Pe,k as Fe,lt as M,mt as Ie,ot as N,pt as Le,q as Re,tn as ze,ut as Be,vt as Ve,w as He,wt as P,xt as Ue,yt as We,zt as F}from"./chunk-shared-m3nDbXgf.js";import{A as Ge,C as Ke,D as qe,E as Je,M as I,O as Ye,S as Xe,T as Ze,j as Qe,k as $e,w as et}from"./chunk-shell-kVP2YSyY.js";var tt=.82,nt=.4,rt=[1.5,2.5],it=[5,12],at=24,ot=44;function st(e,t,n){let{answers:r,kind:i,most:a}=n,o=ee(t.level),s=`rgb(${t.theme.ground.join()})`;he(t,(c,l,u,d)=>{let f=Te(r,i,c,a);if(e.globalAlpha=tt*(1-f),e.fillStyle=s,e.fillRect(l,u,d,d),e.globalAlpha=1,r.passes[c]!==1)return;let p=o[c]*d,m={x:l+(d-p)/2,y:u+(d-p)/2,side:p};ct(e,t,n,c,m,f);let h=d>=at?lt(n,c,d>=ot):``;h!==``&&xe(e,t,h,m.x+m.side,m.y)})}function ct(e,{theme:t,level:n},{answers:r,kind:i},a,o,s){let c=r.values[a]<0;e.globalAlpha=nt+.6*s;let l=i===`top`?t.accent:c?t.loss:t.gain;c&&ut(e,o,`rgb(${t.ground.join()})`,l);let u=n.counts[a]<8;dt(e,o,l,1+2.5*s,u),e.globalAlpha=1}function lt({answers:e,kind:t,most:n,several:r},i,a){let o=e.values[i],s=r?`${e.which[i]+1}`:``,c=t===`top`?y(o):j(o,n);return[s,a?c:``].filter(Boolean).join(` · `)}function ut(e,{x:t,y:n,side:r},i,a){let o=Math.min(it[1],Math.max(it[0],r/5));e.beginPath();for(let i=o;i<2*r;i+=o){let a=Math.max(0,i-r);e.moveTo(t+a,n+i-a),e.lineTo(t+i-a,n+a)}for(let[t,n]of[[3,i],[1.3,a]])e.lineWidth=t,e.strokeStyle=n,e.stroke()}function dt(e,{x:t,y:n,side:r},i,a,o){e.strokeStyle=i,e.lineWidth=a,e.setLineDash(o?rt:[]),e.beginPath(),e.roundRect(t,n,r,r,Math.min(5,.1*r)),e.stroke(),e.setLineDash([])}var ft=3,pt=40;function mt({atlas:e,level:t,facts:n},r){let i=ue(e,t);if(typeof i==`string`)return d`<section class="voices">
      <h3>Attribution</h3>
      <p class="muted">${i}</p>
    </section>`;let{helps:a,hurts:o}=ze(i,n.cell,ft),s=Math.max(...[...a,...o].map(({value:e})=>Math.abs(e))),l=(e,t)=>{let r=i.spread?.(n.cell,t)??NaN;if(!Number.isFinite(r))return{mark:c,text:c};let a=100*Math.max(0,Math.abs(e)-r)/s,o=Math.min(100,100*(Math.abs(e)+r)/s);return{mark:d`<b style="left:${a}%;width:${o-a}%"></b>`,text:d`<span class="muted" title="Standard deviation over the samples"
        >${j(r,s).replace(/^\+?/,` ±`)}</span
      >`}},f=(t,n,i)=>n.length===0?c:d`<h4>${t}</h4>
          <ul class="bars">
            ${n.map(({index:t,value:n})=>d`<li>
                <button
                  type="button"
                  class="name"
                  title="Show the attribution toward this class on the map"
                  @click=${()=>r(t)}
                >
                  ${x(u(e,t),pt)||`(no name)`}
                </button>
                <span class="meter ${i}"
                  ><i style="width:${100*Math.abs(n)/s}%"></i>${l(n,t).mark}</span
                >
                <span class="number">${j(n,s)}${l(n,t).text}</span>
              </li>`)}
          </ul>`,p=n.count<8?`, only ${_(n.count,`sample`)}`:``;return d`<section class="voices">
    <h3>Attribution <span class="muted">logits, mean of the samples${p}</span></h3>
    ${f(`Says for`,a,`helps`)} ${f(`Against`,o,`hurts`)}
    ${a.length+o.length===0?d`<p class="muted">It speaks for no class.</p>`:c}
  </section>`}var L=` / `,ht=60,R=new WeakMap;function z(e,t){if(e===null)return String(t);let n=R.get(e);n===void 0&&(n=e.map(gt),R.set(e,n));let r=n[t];return r===void 0?String(t):n.filter(e=>e===r).length>1?`${r} (${t})`:r}function gt(e){let t=[...e.replaceAll(p,`·`).replaceAll(L,`/`)];return t.length<=ht?t.join(``):`${t.slice(0,59).join(``)}…`}function _t(e,t,n,r=[]){let i=r.length===0?[n]:[r,r.toReversed()].map(e=>n+p+e.join(L)),a=t.run.replace(/\/classes$/,``),o=oe(t)?a:`${a}/classes`;for(let n of[t,...e.filter(e=>e.run===o)]){let e=n.series.find(e=>i.includes(e.layer));if(e!==void 0)return{run:n,series:e}}return null}function vt(e,{run:t,series:n}){t.id!==e.store.state.run?.id&&e.chooseRun(t.id),e.chooseSeries(n.id)}var B=40;function yt(e,t,n,r){let i=r.map(e=>[e]),a=f(n)===null?[]:[[]];return[...i,...r.length===2?[r]:[],...a].flatMap(r=>{let i=St(e,n,r);if(i===null||i.series.id===e.series?.id)return[];let a=r.length===0?x(xt(n),B):Ct(n,r,` / `);return d`<button type="button" class="link" @click=${()=>vt(t,i)}>
      Open the atlas of ${a}
    </button>`})}function bt(e,t,n){let r=n.filter(n=>St(e,t,[n])===null);return r.length===0?c:d`<p class="muted">
    No atlas of what speaks for ${Ct(t,r,` or `)} was made of this layer:
    <code>${wt(t,r)}</code>, or later <code>tensorboard-atlas class</code>
  </p>`}function xt(e){return f(e)?.layer??e.manifest.layer}function St({runs:e,run:t},n,r){let i=r.map(e=>z(n.classes,e));return t&&_t(e,t,xt(n),i)}function Ct(e,t,n){return t.map(t=>x(u(e,t),B)).join(n)}function wt({classes:e},t){return`AtlasWriter(..., class_atlases=[${t.map(t=>{let n=z(e,t);return n!==``&&n===e?.[t]&&n===x(n,B)?JSON.stringify(n):String(t)}).join(`, `)}])`}var Tt=100,Et=40,Dt=class{#e=``;#t=0;constructor(e){this.update=e}render(e){let{choices:t,chosen:n}=e,r=Ie(t,this.#e),i=r.slice(0,Tt);this.#t=Math.max(0,Math.min(this.#t,i.length-1));let a=i[this.#t],o=r.length-i.length;return d`<div class="picker">
      <input
        type="search"
        role="combobox"
        aria-label="Find a class"
        aria-expanded="true"
        aria-controls="class-list"
        aria-autocomplete="list"
        aria-activedescendant=${a?`class-${a.index}`:c}
        autocomplete="off"
        spellcheck="false"
        placeholder="Find among ${b(t.length)} classes"
        .value=${this.#e}
        ${k(Ae)}
        @input=${e=>this.#r(e.target.value)}
        @keydown=${t=>this.#i(t,i,e)}
      />
      <ul id="class-list" role="listbox" aria-label="Classes" aria-multiselectable="true">
        ${i.map(t=>this.#n(t,t===a,e))}
      </ul>
      ${i.length===0?d`<p class="muted">No class holds these letters.</p>`:c}
      ${o>0?d`<p class="muted">and ${b(o)} more: type to find them</p>`:c}
      ${n.length>=4?d`<p class="muted">${4} at most: take one away for another.</p>`:c}
    </div>`}#n({index:e,name:t,note:n},r,i){let a=i.chosen.includes(e),o=!a&&i.chosen.length>=4;return d`<li
      id="class-${e}"
      role="option"
      class=${r?`active`:``}
      aria-selected=${a}
      aria-disabled=${o?`true`:c}
      @mousedown=${e=>e.preventDefault()}
      @click=${()=>i.toggle(e)}
    >
      <span class="name">${x(t,Et)||`(no name)`}</span>
      <span class="muted number">${n}</span>
    </li>`}#r(e){this.#e=e,this.#t=0,this.update()}#i(e,t,n){let r={ArrowDown:1,ArrowUp:-1,PageDown:10,PageUp:-10}[e.key],i=t[this.#t];if(r!==void 0)this.#t=Math.max(0,Math.min(t.length-1,this.#t+r)),this.update(),Ot(e.currentTarget,t[this.#t]);else if(e.key===`Enter`&&i)n.toggle(i.index);else if(e.key===`Escape`&&this.#e!==``)this.#r(``);else if(e.key===`Escape`)n.leave();else return;e.preventDefault()}};function Ot(e,t){let n=e.nextElementSibling;(t&&n?.querySelector(`#class-${t.index}`))?.scrollIntoView({block:`nearest`})}var kt=10,At=40,jt={top:`Top class is`,toward:`Attribution toward`},Mt={helps:`Helps`,hurts:`Hurts`,both:`Both`},Nt=class{#e;constructor(e,t,n){this.session=e,this.map=t,this.#e=new Dt(n)}render(e){let t=F(e),n=P(e),r=a(n,e.shownLevel);return d`<aside class="events filter" aria-label="Class filter">
      ${I(`Ask about a class`,`Close the class filter`,`f`,()=>this.#c())}
      ${this.#t(t)}
      ${t.kind===`toward`?this.#n(t):c}
      ${n?d`${this.#r(n,t)}${this.#e.render({choices:Le(n),chosen:t.classes,toggle:e=>this.#o(t,e),leave:()=>this.map.focus()})}`:c}
      ${n?yt(e,this.session,n,t.classes):c}
      ${n&&r?this.#i(n,r,t):c}
      ${n?bt(e,n,t.classes):c}
      ${A(e)===null&&!(n&&f(n))?d`<p class="muted">
              Shortcuts to a class were not searched for in this run:
              <code>AtlasWriter(..., shortcuts=True)</code>
            </p>`:c}
    </aside>`}#t(e){return Pt(`Which cells`,`filter-kind`,jt,e.kind,t=>this.#s({...e,kind:t}))}#n(e){return Pt(`Sign of the attribution`,`filter-sign`,Mt,e.sign,t=>this.#s({...e,sign:t}))}#r(e,t){let{classes:n}=t;return n.length===0?c:d`<ul class="chips" aria-label="Classes asked for">
      ${n.map((r,i)=>{let a=x(u(e,r),At);return d`<li>
          <button
            type="button"
            class="chip"
            title="Take away"
            @click=${()=>this.#o(t,r)}
          >
            <span class="hidden">Take away</span>
            ${n.length>1?d`<b class="side-mark">${i+1}</b>`:c}
            <span class="name">${a}</span><span aria-hidden="true">×</span>
          </button>
        </li>`})}
    </ul>`}#i(e,t,n){if(n.classes.length===0)return d`<p class="muted">Choose a class: its cells keep their light, all others recede.</p>`;let r=E(e,t,n);return typeof r==`string`?d`<p>${r}</p>`:d`<section class="strongest">
      <h3>Strongest cells <span class="muted">${V(r,t)}</span></h3>
      ${r.ranked.length===0?d`<p class="muted">None with ${8} samples or more on this grid.</p>`:d`<ol @keydown=${M}>
              ${r.ranked.slice(0,kt).map(i=>this.#a(e,t,n,r,i))}
            </ol>`}
    </section>`}#a(e,t,{kind:n,classes:r},{values:i,which:a,most:o},s){let c=i[s],l=r[a[s]]??-1,f=_(t.counts[s],`sample`),p=n===`top`?c:Math.abs(c)/o;return d`<li>
      <button type="button" class="event" @click=${()=>this.#l(t,s)}>
        <span class="event-head">
          <span>row ${t.rows[s]+1}, column ${t.cols[s]+1}</span>
          <span class="number">${n===`top`?y(c):j(c,o)}</span>
        </span>
        <span class="meter ${c<0?`hurts`:``}"><i style="width:${100*p}%"></i></span>
        <span class="muted"
          >${r.length>1?`${x(u(e,l),At)} · `:``}${f}</span
        >
      </button>
    </li>`}#o(e,t){let n=e.classes.filter(e=>e!==t),r=n.length<e.classes.length?n:[...n,t];this.#s({...e,classes:r})}#s(e){let{kind:t,classes:n,sign:r}=F(w(e));this.session.store.set(w({kind:t,classes:n,sign:r}))}#c(){this.session.store.set({filterOpen:!1}),this.map.focus()}#l({size:e,rows:t,cols:n},r){let[i,a]=[t[r],n[r]],{store:o}=this.session;o.set({pinned:{size:e,row:i,col:a},hover:null}),this.map.flyTo(Be(o.state,this.map.viewport,{size:e,row:i,col:a}))}};function Pt(e,t,n,r,i){return N(e,t,Object.keys(n),e=>n[e],r,i)}function V({passing:e,sparse:t},{rows:n}){let r=t>0?`, ${b(t)} with fewer than 8 samples`:``;return`${b(e)} of ${_(n.length,`cell`)} pass${r}`}var Ft=40,It={helps:`: helps`,hurts:`: hurts`,both:`: helps or hurts`};function H({compare:e,compareMode:t,flipped:n,highlight:r}){return r===null?e!==null&&t===`difference`&&!n?`It rests while the difference of A and B is drawn: of attribution toward it (the first of several), where recorded; without a class, of samples.`:null:`It rests while samples are lit: Esc ends that.`}function Lt(e,t,n,r){let i=e.compare===null?null:T(e);return[t,i,i&&e.atlas].flatMap(e=>{let t=a(e,n.size),i=e&&t?E(e,t,r):``;return typeof i==`string`?[]:[i.most]}).reduce((e,t)=>Math.max(e,t),0)}function Rt(e,t,n,r){let i=F(e);if(i.classes.length===0)return c;let a=E(t,n,i),o=H(e);return d`<aside class="legend panel filter-legend" aria-label="Legend of the class filter">
    <div class="filter-head">
      <strong>${zt(t,i)}</strong>
      <button type="button" class="link" ?hidden=${e.filterOpen} @click=${r.open}>
        Change
      </button>
      <button type="button" class="link" @click=${r.clear}>Clear</button>
    </div>
    ${typeof a==`string`||o!==null?d`<p>${typeof a==`string`?a:o}</p>`:d`${Bt(i,a,n)}
          <p class="muted">${Vt(i,a,Lt(e,t,n,i),e)}</p>`}
  </aside>`}function zt(e,{kind:t,classes:n,sign:r}){let i=n.map((t,r)=>{let i=n.length>1?d`<b class="side-mark">${r+1}</b> `:c;return d`${r>0?` or `:``}${i}${x(u(e,t),Ft)}`}),a=e.labels===null?` (predictions)`:``;return t===`top`?d`Top class is ${i}${a}`:d`Attribution toward ${i}${It[r]}`}function Bt({kind:e,sign:t},n,{rows:r}){let[i,a]=n.range??[0,0],o=(e,t)=>d`<li><i class=${e}></i><span>${t}</span></li>`,s=n.range!==null,c=[];if(e===`top`){let e=s?`: its share is ${y(i)} to ${y(a)}`:``;c.push(o(`passes`,`passes${e}`))}else{let e=(e,t)=>s?`, ${t} ${j(e,n.most)}`:``;t!==`hurts`&&c.push(o(`helps`,`speaks for it${e(Math.max(0,a),`up to`)}`)),t!==`helps`&&c.push(o(`hurts`,`speaks against${e(Math.min(0,i),`down to`)}`))}n.sparse>0&&c.push(o(`few`,`under 8 samples, not in rank or range: ${b(n.sparse)}`));let l=r.length-n.passing;return l>0&&c.push(o(`dim`,`does not pass: ${b(l)}`)),d`<ul class="filter-key">
    ${c}
  </ul>`}function Vt({kind:e},t,n,{compare:r,compareMode:i}){if(t.passing===0)return`No cell of this grid passes.`;let a=r!==null&&i===`swipe`?` Ranges and counts above are those of B.`:``;if(e===`top`)return`Full light: a share of 100%. Less light, less of it.${a}`;let o=r===null?`on this grid`:`of A and B`,s=t.ranked.length>0?`cell`:`cell, though its samples are few,`;return`Full light: ${j(n).slice(1)} logits, the strongest ${s} ${o}. Less light, less of it.${a}`}function Ht(e,t,n){let r=E(e,t,n);if(typeof r==`string`)return r;let i=r.ranked[0];if(i===void 0)return V(r,t);let a=r.values[i],o=n.kind===`top`?y(a):j(a,r.most),s=`row ${t.rows[i]+1}, column ${t.cols[i]+1}`;return`${V(r,t)}; strongest at ${s}: ${o}`}var Ut=class{#e;constructor(e,t,n){this.session=e,this.#e=new Nt(e,t,n)}layers(e){let t=F(e);return t.classes.length===0||H(e)!==null?[]:[(n,r)=>Wt(n,r,e,t)]}legends(e,t,n){let{store:r}=this.session;return Rt(e,t,n,{clear:()=>r.set({filter:``,sign:``}),open:()=>r.set({filterOpen:!0})})}rail(e){return this.#e.render(e)}voices(e){return mt(e,e=>this.session.store.set(w({kind:`toward`,classes:[e],sign:`both`})))}sentence(e,t){let n=F(e),{playing:r,filter:i,sign:o,shownLevel:s}=e,c=i!==t.filter||o!==t.sign||s!==t.shownLevel||e.atlas!==t.atlas;if(n.classes.length===0||!c||r)return null;let l=P(e),u=a(l,s);return l&&u?H(e)??Ht(l,u,n):null}};function Wt(e,t,n,r){let i=n.compareMode===`swipe`?T(n):null,o=a(i,t.level.size);if(n.compare===null||n.flipped||!i||!o){Gt(e,t,n,r);return}let{width:s,height:c}=t.viewport,l=Ve(n,t.viewport),u=(t,i,a)=>{e.save(),e.beginPath(),e.rect(t,0,i-t,c),e.clip(),Gt(e,a,n,r),e.restore()};u(0,l,{...t,atlas:i,level:o}),u(l,s,t)}function Gt(e,t,n,r){let{atlas:i,level:a}=t,o=E(i,a,r);typeof o!=`string`&&st(e,t,{answers:o,kind:r.kind,most:Lt(n,i,a,r),several:r.classes.length>1})}var Kt=.8,qt=.35,Jt=.84,Yt=34,Xt=12,Zt=72,Qt=6,$t=11,en=`600 11px Roboto, system-ui, sans-serif`;function tn(e,t,n){let{changes:i,gained:a,lost:o}=n,{viewport:s,theme:c,camera:u,level:d}=t;e.globalAlpha=Kt,e.fillStyle=`rgb(${c.ground.join()})`,e.fillRect(0,0,s.width,s.height);let f=l(u,s)/d.size,p=Math.max(a,o),m=r(u,s,{x:0,y:0});e.font=en,e.textAlign=`center`,e.textBaseline=`middle`;for(let r of i){let i=m.x+r.col*f,a=m.y+r.row*f;if(i>s.width||a>s.height||i+f<0||a+f<0)continue;e.globalAlpha=r.news===!1?qt:1,nn(e,t,r,i,a,f);let o=O(n,r.gain);rn(e,t,r.gain,o,{x:i+f/2,y:a+f/2,side:f,most:p})}e.globalAlpha=1,e.textAlign=`start`}function nn(e,{theme:t},{drawn:n},r,i,a){n!==`both`&&(e.strokeStyle=t.label,e.lineWidth=1.3,e.setLineDash(n===`a`?[3,3]:[]),e.strokeRect(r+2,i+2,a-4,a-4),n===`b`&&e.strokeRect(r+5,i+5,a-10,a-10),e.setLineDash([]))}function rn(e,{theme:t},n,r,{x:i,y:a,side:o,most:s}){if(n===0)return;let c=Math.max(1.5,Jt*o*Math.sqrt(Math.abs(n)/s)/2);if(n>0)e.fillStyle=t.gain,e.fillRect(i-c,a-c,2*c,2*c);else{e.strokeStyle=t.loss;let n=Math.min(3,c);e.lineWidth=n,e.strokeRect(i-c+n/2,a-c+n/2,2*c-n,2*c-n)}if(o<Yt)return;let l=c<Xt&&c<o/2-$t-Qt?a+o/2-$t:a;e.lineWidth=3,e.lineJoin=`round`,e.strokeStyle=`rgb(${t.ground.join()})`,e.strokeText(r,i,l),e.fillStyle=t.label,e.fillText(r,i,l)}function an(e,t,n,r,i){let{viewport:a,theme:o}=t;e.fillStyle=`rgb(${o.ground.join()})`,e.fillRect(n-2.5,0,5,a.height),e.fillStyle=o.accent,e.fillRect(n-1,0,2,a.height),e.font=en,e.textBaseline=`middle`,on(e,t,r,n-10-e.measureText(r).width-12,Zt),on(e,t,i,n+10,Zt)}function on(e,{theme:t},n,r,i){e.fillStyle=t.labelGround,e.beginPath(),e.roundRect(r,i-10,e.measureText(n).width+12,20,4),e.fill(),e.fillStyle=t.label,e.fillText(n,r+6,i+.5)}var sn=.5,cn=5,U={tail:.7,neck:2.1,head:5.6,length:11},ln=26,un=3,dn=.6,W={news:.15,chance:.06,least:2},fn=.72,pn=44;function mn(e,t,n){let{viewport:r,theme:i}=t;e.globalAlpha=sn,e.fillStyle=`rgb(${i.ground.join()})`,e.fillRect(0,0,r.width,r.height),e.globalAlpha=1;let a=gn(t,n);for(let n of a)n.news||yn(e,t,n);for(let n of a)n.news&&_n(e,t,n)}function hn(e,t,n){let{values:r,most:i}=n;e.lineJoin=`miter`,he(t,(a,o,s,c)=>{let l=r[a],u=le(n,a);if(e.fillStyle=`rgb(${t.theme.ground.join()})`,e.globalAlpha=u?0:fn,e.fillRect(o,s,c,c),Number.isNaN(l))return;let d=Math.max(W.least,c*(u?W.news:W.chance));e.globalAlpha=u?1:dn,e.strokeStyle=`rgb(${Re(l/(i||1)).join()})`,e.lineWidth=d,e.strokeRect(o+1+d/2,s+1+d/2,c-d-2,c-d-2),e.globalAlpha=1,c>=pn&&xe(e,t,je(l,i),o+c-1,s+1)}),e.globalAlpha=1}function gn(e,t){let{from:n,to:i}=t,{camera:a,viewport:o}=e,s=(e,t)=>r(a,o,{x:e[2*t],y:e[2*t+1]}),c=({x:e,y:t})=>e>0&&t>0&&e<o.width&&t<o.height;return Array.from({length:i.length/2},(e,r)=>({from:s(n,r),to:s(i,r),news:le(t,r)})).filter(e=>c(e.from)||c(e.to))}function _n(e,{theme:t},{from:n,to:r}){let i=Math.hypot(r.x-n.x,r.y-n.y);e.fillStyle=t.label,e.strokeStyle=`rgb(${t.ground.join()})`,e.lineWidth=un,e.lineJoin=`round`,e.beginPath(),i<cn?e.arc(r.x,r.y,3,0,2*Math.PI):vn(e,n,r,i),e.closePath(),e.stroke(),e.fill()}function vn(e,t,n,r){let i=Math.min(1,.45+.55*r/ln),a=(n.x-t.x)/r,o=(n.y-t.y)/r,s=Math.min(.7*r,U.length*i),c={x:n.x-a*s,y:n.y-o*s},l=(t,n)=>e.lineTo(t.x-o*n*i,t.y+a*n*i);l(t,U.tail),l(c,U.neck),l(c,U.head),e.lineTo(n.x,n.y),l(c,-U.head),l(c,-U.neck),l(t,-U.tail)}function yn(e,{theme:t},{from:n,to:r}){e.globalAlpha=dn,e.strokeStyle=t.label,e.fillStyle=t.label,e.lineWidth=1.2,e.setLineDash([2,3]),e.beginPath(),e.moveTo(n.x,n.y),e.lineTo(r.x,r.y),e.stroke(),e.setLineDash([]),e.beginPath(),e.arc(r.x,r.y,1.8,0,2*Math.PI),e.fill(),e.globalAlpha=1}var bn={difference:`Difference`,swipe:`Swipe`,blink:`Blink`},G=200;function xn(e,t){let{compare:n,compareMode:r,series:i,step:a,flipped:o,otherFailure:s}=e;if(n===null||i===null)return c;let{store:l}=t;return d`<section class="bar compare-bar" aria-label="Comparison of two steps">
    <span class="field">
      <b class="side-mark">A</b>
      <select
        id="compare-a"
        aria-label="Step A"
        @change=${e=>Ne(t,Number(e.target.value))}
      >
        ${i.steps.map(e=>d`<option value=${e} .selected=${e===n}>step ${b(e)}</option>`)}
      </select>
    </span>
    ${ie({icon:`swap`,name:`Swap A and B`,key:`x`,press:()=>Ue(t)})}
    <span><b class="side-mark">B</b> step ${b(a??0)}</span>
    ${N(`How to compare`,`compare-mode`,ae,e=>bn[e],r,e=>l.set({compareMode:e,flipped:!1}))}
    ${r===`blink`?d`<button
            type="button"
            class="button"
            aria-pressed=${o}
            title="Or hold b"
            @click=${()=>We(t,!o)}
          >
            Show A
          </button>`:c}
    ${s===null?c:d`<p class="compare-failure">A cannot be shown: ${s.message}</p>`}
    ${ie({icon:`close`,name:`End the comparison`,key:`c`,press:()=>Ne(t,null)})}
  </section>`}function Sn(e,t){let{compare:n,compareMode:r,flipped:i,divider:a}=e;return n===null||r!==`swipe`||i?c:d`<input
    class="divider"
    type="range"
    aria-label="Divider between A and B"
    aria-valuetext="${Math.round(100*a)} percent A"
    min="0"
    max=${G}
    .value=${String(Math.round(a*G))}
    @input=${e=>t.store.set({divider:Number(e.target.value)/G})}
  />`}var Cn=8,wn={true:`beyond it`,false:`within it`,null:`not known`};function Tn(e,t,n,r){let i=C(e,t,n);if(typeof i==`string`)return d`<aside class="legend panel" aria-label="Difference"><p>${i}</p></aside>`;let{gained:a,lost:o,onlyA:s,onlyB:l,toward:u}=i;return d`<aside class="legend panel drift-legend" aria-label="Difference">
    <p><strong>${Pe(e,i)}</strong></p>
    <ul class="difference-key">
      <li><i class="gain"></i>more in B: up to ${O(i,a)}</li>
      <li><i class="loss"></i>${u===null?`fewer`:`less`} in B: to ${O(i,-o)}</li>
      <li><i class="only-a"></i>cell in A only: ${b(s)}</li>
      <li><i class="only-b"></i>cell in B only: ${b(l)}</li>
    </ul>
    <p class="muted">${En(i)} ${we(e)}</p>
    ${a+o>0?Dn(i,r):c}
  </aside>`}function En({changes:e,moved:t,toward:n}){return n===null?t===0?``:e.every(({news:e})=>e===null)?`What chance would do was not recorded.`:e.some(({news:e})=>e===!1)?`Pale: most of those that came or went moved no farther than chance.`:`Everywhere, most of those that came or went moved farther than chance.`:e.some(({news:e})=>e!==null)?`Pale: no more than two standard errors of its samples.`:`How far the samples of a cell agree was not recorded.`}function Dn(e,t){return d`<details class="changes">
    <summary>Largest changes</summary>
    <table>
      <thead>
        <tr><th scope="col">Cell</th><th scope="col">${e.toward===null?`Samples`:`Logits`}</th><th scope="col">Chance</th></tr>
      </thead>
      <tbody>
        ${Oe(e,Cn).map(n=>d`<tr>
            <td>
              <button type="button" class="link" @click=${()=>t(n)}>
                row ${n.row+1}, column ${n.col+1}
              </button>
            </td>
            <td class="number">${O(e,n.gain)}</td>
            <td>${wn[String(n.news)]}</td>
          </tr>`)}
      </tbody>
    </table>
  </details>`}function On({store:e},t,n,r){let{state:i}=e,a=D(i,t,n,r);return d`<aside class="legend panel drift-legend" aria-label="Drift">
    ${N(`Drift of`,`drift`,ce,e=>be[e].name,i.drift||`on`,t=>e.set({drift:t}))}
    ${typeof a==`string`?d`<p>${a}</p>`:kn(i,a)}
  </aside>`}function kn(e,t){let{mean:n,most:r,beyondShare:i,beyond:a}=t,o=`from`in t;return d`<p><strong>${me(e,t)}</strong></p>
    ${o?An(a):jn(e,t)}
    <p class="muted">
      ${ye(e,n,r,`on average`,i)}
      ${a===null?`No noise floor was recorded for this step, so that nothing can be called news. Atlases of this version measure one from the second checkpoint on.`:c}
      ${o?we(e):c}
    </p>`}function An(e){return d`${e===null?c:Pn(Mn,`most of its samples moved farther than chance`)}
  ${Pn(Nn,e===null?`not known to be more than chance`:`chance explains the move`)}`}function jn(e,{most:t,note:n=``}){return d`<div class="scale">
      <span>0</span>
      <i style="background:${ge}"></i>
      <span>${je(t,t)}</span>
    </div>
    <p class="muted">${ve(e).colour}. Thin and pale: no news.${n}</p>`}var Mn=o`<path class="solid" d="M2 8.6 24 6v-4l10 7-10 7v-4L2 9.4z" />`,Nn=o`<path class="broken" d="M2 9h28" /><circle cx="32" cy="9" r="2" />`;function Pn(e,t){return d`<p class="drift-key">
    <svg viewBox="0 0 36 18" aria-hidden="true">${e}</svg> ${t}
  </p>`}var Fn=class{constructor(e,t,n){this.session=e,this.map=t,this.evidence=n}drift({drift:e,flipped:t}){return!e||t?[]:[(e,t)=>{let{state:n}=this.session.store,r=D(n,t.atlas,t.level,this.evidence);typeof r!=`string`&&(`from`in r?mn(e,t,r):hn(e,t,r))}]}comparison(e){let{compareMode:t,compare:n,step:r,flipped:i}=e;if(n===null||i||t===`blink`)return[];if(t===`swipe`){let[t,i]=[`A · step ${b(n)}`,`B · step ${b(r??0)}`];return[(n,r)=>an(n,r,Ve(e,r.viewport),t,i)]}return[(t,n)=>{let r=C(e,n.atlas,n.level);typeof r!=`string`&&tn(t,n,r)}]}legends(e,t,n){let{compare:r,compareMode:i,flipped:a,drift:o}=e;return a?c:d`${r!==null&&i===`difference`?Tn(e,t,n,this.#e(n)):c}
    ${o?On(this.session,t,n,this.evidence):c}`}#e({size:e}){return({row:t,col:n})=>{let{store:r}=this.session,i={size:e,row:t,col:n};r.set({pinned:i,hover:null}),this.map.flyTo({..._e(i),z:r.state.camera.z})}}sentence(e,t){let{atlas:n,shownLevel:r,flipped:i}=e,o=a(n,r);if(!n||!o)return null;if(i!==t.flipped)return i?`A is shown`:`B is shown`;let s=In(e),c=s===`difference`&&n!==t.atlas&&!e.playing,l=s!==In(t)||e.other!==t.other||c;if(!s||!l)return null;if(s===`difference`){let t=C(e,n,o);return typeof t==`string`?t:Pe(e,t)}let u=D(e,n,o,this.evidence);return typeof u==`string`?u:me(e,u)}line({state:e,atlas:t,level:n,facts:r,evidence:i}){let a=T(e);if(a===null||a===t)return c;let o=D(e,t,n,i);return typeof o==`string`?c:d`<p>${Ce(e,o,r.cell)}</p>`}strip(e){return xn(e,this.session)}divider(e){return Sn(e,this.session)}};function In({compare:e,compareMode:t,drift:n}){return e!==null&&t===`difference`?`difference`:n}var Ln=60,Rn=240,zn={rank:`Most telling`,time:`In order`},Bn=class{#e=`rank`;#t=!1;constructor(e,t,n){this.session=e,this.map=t,this.update=n}render(e){return e.eventList?d`<aside class="events" aria-label="Events of this run">
      ${I(`Events`,`Close the events`,`j`,()=>this.session.store.set({eventList:!1}))}
      ${this.#n(e)}
    </aside>`:c}#n(e){let{history:t,historyFailure:n,atlas:r}=e;if(r!==null&&f(r)!==null)return Hn(g);if(t===null)return n?Wn(n,this.session):Un;let{events:i,eventsFound:a}=t;if(i===null)return Kn();if(i.length===0)return Hn(Gn(t));let o=this.#e===`rank`?i:i.toSorted((e,t)=>e.step-t.step),s=this.#t?o:o.slice(0,Ln);return d`${this.#r(i.length,a)}
      <ol class="event-items" @keydown=${M}>
        ${s.map(t=>this.#i(e,t))}
      </ol>
      ${s.length<o.length?d`<button type="button" class="button" @click=${()=>this.#s()}>
              Show all ${b(o.length)}
            </button>`:c}`}#r(e,t){return d`<div class="events-head">
      <span class="muted"
        >${t>e?`${b(e)} of ${b(t)} events`:_(e,`event`)}</span
      >
      ${N(`Order of the events`,`event-order`,Object.keys(zn),e=>zn[e],this.#e,e=>this.#o(e))}
    </div>`}#i(e,t){let n=Je(t,e.highlight?.event);return d`<li class=${n?`chosen`:``} data-kind=${t.kind}>
      <button
        type="button"
        class="event"
        aria-pressed=${n}
        @click=${()=>$e(t,this.session,this.map)}
      >
        <span class="event-head">
          ${Ze(t.kind)}
          <strong>${et[t.kind]}</strong>
          <span class="number">step ${b(t.step)}</span>
        </span>
        <span class="event-text">${x(t.text,Rn)}</span>
        <span class="event-foot muted">
          <span class="confidence"><i style="width:${Vn(t)}%"></i></span>
          confidence ${S(t.confidence)}
        </span>
      </button>
      ${n?this.#a(e,t):c}
    </li>`}#a(e,t){let n=Qe(t,e.step),r=(r,i)=>{let a=Ye(e,t,r);return d`<button
        type="button"
        class="button"
        aria-pressed=${n===r}
        ?disabled=${!a}
        title=${a?``:`TensorBoard has not kept this step.`}
        @click=${()=>Ge(t,r,this.session)}
      >
        ${r===`before`?`Before`:`After`} <span class="muted">${b(i)}</span>
      </button>`};return d`<div class="sides" role="group" aria-label="Before and after the event">
      ${r(`before`,t.beforeStep)} ${r(`after`,t.step)}
    </div>`}#o(e){this.#e=e,this.update()}#s(){this.#t=!0,this.update()}};function Vn({confidence:e}){return 100*Math.min(1,Math.max(0,e))}function Hn(e){return d`<div class="no-events">
    <p><strong>No events.</strong></p>
    <p class="muted">${e}</p>
  </div>`}var Un=d`<p class="muted">Reading what happened …</p>`;function Wn({message:e},t){return d`<p><strong>What happened cannot be read.</strong></p>
    <p class="muted">${e}</p>
    <button type="button" class="button" @click=${()=>t.retry()}>Try again</button>`}function Gn({kept:e}){return e<2?`Events are what differs between two checkpoints, and there is only one yet.`:`No concept was born, merged, split or ended between the ${b(e)} steps.`}function Kn(){return d`<div class="no-events">
    <p><strong>Events were not recorded in this run.</strong></p>
    <p class="muted">
      Atlases written by this version trace concepts from checkpoint to checkpoint on their own. For
      a log of before, <code>tensorboard-atlas evolve LOGDIR</code> works them out.
    </p>
  </div>`}var K={topClass:null,topShare:0,place:null,icon:null};function qn(e,t,n){let r=Se(e);if(r===null)return{...K,samples:null};let i=r.find(e=>e.id===n),o=Fe(e.lifelines,[n]);if(i===void 0||o.length===0)return{...K,samples:0};let s=a(e,t),c=s?pe(s,o):new Int32Array,l=c.reduce((e,t,n)=>t>(c[e]??0)?n:e,-1),{topClass:u,topShare:d}=i,f={samples:o.length,topClass:u,topShare:d};if(!s||l<0)return{...K,...f};let{key:p,series:m,step:h}=e;return{...f,place:ke(s,l),icon:{at:ne(s,l),of:{atlas:{key:p,series:m,step:h},level:{entry:s.entry}}}}}function Jn(e,t){let n=new Map;for(let r of e)(r.before.includes(t)||r.after.includes(t))&&n.set(r.step,[...n.get(r.step)??[],r]);return n}function Yn(e,t,n,r){let i=``,a=null;return e.forEach((e,o)=>{if(e!==null){let s=(o+.5)*n,c=r*(1-e/Math.max(t,Number.MIN_VALUE)),l=`${s.toFixed(1)} ${c.toFixed(1)}`;i+=a===null?`M${l}h0`:`L${l}`}a=e}),i}var Xn=24,q=60,Zn=44,J=40,Qn=class{#e;#t=null;#n=null;#r=``;constructor(e,t,n){this.session=e,this.map=t,this.update=n,this.#e=new He(e,n)}render({state:e,atlas:t,level:n,facts:r}){let{series:i,highlight:a,history:o}=e;if(i===null||i.steps.length<2||f(t)!==null)return c;let s=fe(t,n,r.cell)??[],l=a?.of||a?.event?void 0:a?.ids[0],d=se(this.#t?.place??null,r)?this.#t?.id:void 0,p=e=>s.find(({lifeline:t})=>t.id===e),m=(p(l)??p(d)??s[0])?.lifeline;if(m===void 0)return c;let h=Jn(o?.events??[],m.id),g=De(i.steps,Xn,[t.step,...h.keys()].slice(0,Xn/2)),_=this.#e.read(`${m.id}/${n.size}`,i,e.playing?[]:g,e=>qn(e,n.size,m.id));return this.#i(e,m,g,_,h,e=>u(t,e))}#i(e,{id:t,name:n},r,i,a,o){let s=e.series?.steps.length??0,c=r.length<s?`${b(r.length)} of ${b(s)} steps`:``,l=r.map(e=>i.get(e)),u=this.#c();return queueMicrotask(()=>this.#u()),d`<section class="film" aria-label="Film strip of ${x(n,J)}">
      <h3>${x(n,J)} <span class="muted">${c||`over the steps`}</span></h3>
      <div class="film-scroll" ${k(this.#l)} @scroll=${this.update}>
        <ol style="width:${q*r.length}px">
          ${r.map((n,r)=>this.#a(e,n,l[r],{id:t,events:a.get(n)??[],seen:r>=u[0]&&r<u[1],nameOf:o}))}
        </ol>
        ${nr(l)}
      </div>
      ${rr(l)}
    </section>`}#a(e,t,n,r){let{id:i,events:a,seen:o,nameOf:s}=r,l=$n(n,s),u=a.map(({kind:e})=>et[e]).join(`, `),f=n instanceof m?null:n?.place??null;return d`<li>
      <button
        type="button"
        class="frame"
        aria-current=${t===e.step?`step`:c}
        aria-label="Step ${b(t)}: ${[l,u].filter(Boolean).join(`, `)}"
        title=${[l,...a.map(({text:e})=>x(e,120))].join(`
`)}
        @click=${()=>this.#s(t,f,i)}
      >
        <span class="marks">${a.slice(0,3).map(({kind:e})=>Ze(e))}</span>
        ${this.#o(n,o)}
        <span class="number">${x(b(t),9)}</span>
      </button>
    </li>`}#o(e,t){let n=e=>d`<span class="frame-icon none">${e}</span>`;if(e===void 0)return n(`…`);if(e instanceof m)return n(`damaged`);if(e.samples===0)return n(`–`);let{at:r,of:i}=e.icon??{};if(!i||!r)return n(e.samples===null?`?`:`no icon`);let a=t?this.session.pages.icons(i.atlas,i.level).pages[r.page]:null,o={x:r.x,y:r.y,width:r.side,height:r.side};return d`<atlas-crop class="frame-icon" .crop=${a?{picture:a,rect:o}:null}></atlas-crop>`}#s(e,t,n){this.session.store.set({playing:!1}),this.session.chooseStep(e),t!==null&&(this.#t={place:t,id:n},qe(t,this.session,this.map))}#c(){let{scrollLeft:e=0,clientWidth:t=0}=this.#n??{};return[Math.floor(e/q),Math.ceil((e+t)/q)]}#l=e=>{this.#n=e??null,this.#r=``};#u(){let e=this.#n,{step:t,series:n}=this.session.store.state,r=e?.querySelector(`[aria-current]`)?.parentElement,i=`${n?.id}/${t}`;if(!e||!r||i===this.#r)return;this.#r=i;let a=r.offsetLeft;(a<e.scrollLeft||a+q>e.scrollLeft+e.clientWidth)&&(e.scrollLeft=a-(e.clientWidth-q)/2),this.update()}};function $n(e,t){if(e===void 0)return`not read yet`;if(e instanceof m)return x(e.message,120);let{samples:n,topClass:r,topShare:i}=e;if(n===null)return`lifelines were not traced`;if(n===0)return`nothing of it`;let a=r===null?``:`, ${x(t(r),J)} ${y(i)}`;return _(n,`sample`)+a}function er(e){return e.map(e=>e===void 0||e instanceof m?null:e.samples)}function tr(e){return e.map(e=>e===void 0||e instanceof m||!e.samples||e.topClass===null?null:e.topShare)}function nr(e){let t=er(e),n=Math.max(1,...t.map(e=>e??0));return d`<svg
    class="film-lines"
    width=${q*e.length}
    height=${Zn}
    viewBox="0 -3 ${q*e.length} ${Zn}"
    aria-hidden="true"
  >
    ${o`<path d=${Yn(t,n,q,38)} />
      <path class="share" d=${Yn(tr(e),1,q,38)} />`}
  </svg>`}function rr(e){let t=Math.max(0,...er(e).map(e=>e??0));return d`<p class="film-key muted">
    <span><i></i>samples, at most ${b(t)}</span>
    <span><i class="share"></i>share of its top class</span>
  </p>`}var ir=40,ar=64,or=12,sr=1e3,cr=1e5,Y=1e9,X=2**31-1;function lr(e,t){return s(`shortcuts`,{id:e,step:t},e=>dr(e,t))}function ur(e,n,r){return t(`patches`,{id:e,step:n,blob:r.blob,v:r.crc32c})}function dr(t,n){let r=new e(t,`shortcuts`),[i=0,a=0]=r.list(`input_size`,2,Q),o=r.list(`found`,ir,(t,n)=>pr(new e(t,n),[i,a]));if(r.raw(`step`)!==n)throw new v(`shortcuts.step is not ${n}`);return{step:n,classes:r.listOrNull(`classes`,cr,te),probe:r.text(`probe`),inputSize:[i,a],images:r.whole(`images`,0,Y),patches:fr(r,o),found:o}}function fr(t,n){if(t.raw(`patches`)==null){if(n.length>0)throw new v(`shortcuts.patches are missing`);return null}let r=t.object(`patches`),a=r.whole(`tile`,1,i),o=r.whole(`columns`,1,i),s=t.list(`blobs`,1,(t,n)=>({blob:1,crc32c:new e(t,n).text(`crc32c`)}));if(h(`shortcuts.patches`,n.length,a,o,s),n.some(({box:e})=>e.width>a||e.height>a))throw new v(`shortcuts.patches exceed their tile`);let c=s[0];return c?{tile:a,columns:o,page:c}:null}function pr(e,[t,n]){let[r=0,i=0,a=0,o=0]=e.list(`box`,4,Q);if(a<=r||o<=i||a>t||o>n)throw new v(`shortcuts: a box is not within the image`);let[s=NaN,c=NaN]=e.list(`interval`,2,re);if(!(s>=-1&&s<=c&&c<=1))throw new v(`shortcuts: no such interval`);let l=e.raw(`since`)==null?null:_r(e,`since`);return{id:String(e.whole(`id`,0,X)),target:e.whole(`target`,0,X),box:{x:i,y:r,width:o-i,height:a-r},area:Z(e,`area`),rates:{flip:Z(e,`flip_rate`),anywhere:Z(e,`anywhere_flip_rate`),noise:Z(e,`noise_flip_rate`),other:Z(e,`other_flip_rate`),same:Z(e,`same_flip_rate`)},interval:[s,c],strength:e.number(`strength`),support:e.whole(`support`,0,Y),significant:e.flag(`significant`),since:l,image:e.whole(`image`,0,X),history:e.list(`history`,sr,mr),samples:e.list(`samples`,ar,Q),similarity:e.numberOrNull(`similarity`),examples:e.list(`examples`,or,hr)}}function mr(t,n){let r=new e(t,n);return{step:_r(r,`step`),flipRate:gr(r,`flip_rate`),noiseFlipRate:gr(r,`noise_flip_rate`),significant:r.flag(`significant`)}}function hr(t,n){let r=new e(t,n);return{image:r.whole(`image`,0,X),before:r.whole(`before`,0,X),after:r.whole(`after`,0,X),probabilityBefore:Z(r,`probability_before`),probabilityAfter:Z(r,`probability_after`)}}function Z(e,t){let n=e.number(t);if(n>=0&&n<=1)return n;throw new v(`shortcuts: ${t} is no share`)}function gr(e,t){return e.raw(t)==null?null:Z(e,t)}function _r(e,t){return e.whole(t,-(2**53-1),2**53-1)}function Q(e,t){let n=re(e,t);if(n>=0&&n<=1e6&&Number.isInteger(n))return n;throw new v(`${t} is not a whole number`)}var vr=40,yr=2.2,br=[[`flip`,`Patch here`],[`anywhere`,`Patch anywhere`],[`noise`,`Noise here`],[`other`,`Other classes here`],[`same`,`Same class here`]];function $({classes:e},t){return e?x(e[t]??`class ${t}`,vr)||`(no name)`:`class ${t}`}function xr(e,{target:t,rates:n}){return`Pasted at its place, this patch turned ${y(n.flip)} of images of other classes to “${$(e,t)}”; noise of the same colour turned ${y(n.noise)}.`}var Sr=class{constructor(e,t,n,r,i){this.state=e,this.search=t,this.finding=n,this.session=r,this.map=i}render(e,t){let{search:n,state:r}=this,i=r.shortcut===e.id,a=()=>this.session.store.set({shortcut:i?`all`:e.id}),{box:o,target:s}=e;return d`<li class=${i?`chosen`:``} data-shortcut=${e.id}>
      <button type="button" class="event" aria-expanded=${i} @click=${a}>
        <atlas-crop
          class="shortcut-patch"
          role="img"
          aria-label="Patch of ${o.height} × ${o.width} pixels"
          .crop=${this.#e(e,t)}
        ></atlas-crop>
        <span class="event-head"><strong>${$(n,s)}</strong></span>
        <span>${xr(n,e)}</span>
      </button>
      <div class="shortcut-facts">
        ${wr(e)} ${this.#t(e)}
        ${i?this.#n(e,t):c}
      </div>
    </li>`}#e({box:e},t){let{patches:n}=this.finding,{tile:r=1,columns:i=1}=this.search.patches??{},a={x:t%i*r,y:Math.floor(t/i)*r,width:e.width,height:e.height};return n&&{picture:n,rect:a,crisp:!0}}#t(e){let{area:t,since:n}=e,r=n!==null&&this.state.series?.steps.includes(n);return d`<p class="shortcut-foot muted">
      <span>${y(t)} of image</span>
      ${n===null?d`<span>never significant</span>`:d`<button
              type="button"
              class="button"
              ?disabled=${!r}
              title=${r?`Go to this step`:`TensorBoard has not kept this step.`}
              @click=${()=>this.session.chooseStep(n)}
            >
              since step ${b(n)}
            </button>`}
      ${Tr(e)}
    </p>`}#n(e,t){let n=Xe(this.state,this.search.probe),{strength:r,support:i,image:a,examples:o,box:s}=e;return d`${this.#a(e)}
      <h3>Before and after <span class="muted">probability of “${$(this.search,e.target)}”</span></h3>
      ${n?d`<p class="muted">${n}</p>`:c}
      ${o.length>0?d`<ul class="pairs">${o.map(n=>this.#r(e,t,n))}</ul>`:d`<p class="muted">No examples were logged.</p>`}
      <h3>Where it was found <span class="muted">image ${a}</span></h3>
      ${this.#i(`whole`,`Image ${a} with the place of the patch`,a,s,e=>({box:e}))}
      <p class="muted">
        ${_(i,`image`)} argue for the class at a place like this. Strength
        ${S(r)}: effect for its area, of which a shortcut needs ${yr}, or less where
        the same class shows it as well.
      </p>`}#r(e,t,n){let{image:r,before:i,after:a,probabilityBefore:o,probabilityAfter:s}=n,[c,l]=[i,a].map(e=>$(this.search,e)),u=this.#e(e,t);return d`<li>
      ${this.#i(`patch`,`Image ${r} before`,r,e.box)}
      ${this.#i(`patch`,`Image ${r} with the patch`,r,e.box,e=>u&&{over:{...u,at:e}})}
      <span>${c} → <strong>${l}</strong></span>
      <span class="muted number">${S(o)} → ${S(s)}</span>
    </li>`}#i(e,t,n,{x:r,y:i,width:a,height:o},s=()=>({})){let{probe:l}=this.state;if(l?.manifest.digest!==this.search.probe)return c;let u=Ke(l,n,[i,r,i+o,r+a]),f=u&&this.session.pages.thumbs(l.run,l,u.page),p=u&&s(u.patch),m=f&&p&&{picture:f,rect:u.image,...p};return d`<atlas-crop class=${e} role="img" aria-label=${t} .crop=${m}></atlas-crop>`}#a(e){let{samples:t,similarity:n}=e,r=P(this.state),i=a(r,this.state.shownLevel);if(!r||!i||r.manifest.probeDigest!==this.search.probe)return d`<p class="muted">The map is of another probe than this search.</p>`;let o=Cr(r,i,t);if(o===null)return d`<p class="muted">
        ${t.length>0?`Its nearest samples lie in no drawn cell of this grid.`:`Where it lies on the map is not known.`}
      </p>`;let{place:s,members:l}=o,{highlight:u}=this.state,f=u?.ids===t;return d`<button
        type="button"
        class="button"
        aria-pressed=${f}
        @click=${()=>this.#o(f?null:s,e)}
      >
        Show on map
      </button>
      <p class="muted">
        Nearest place on the map${n===null?c:d`, cosine <span class="number">${S(n)}</span>`}:
        row ${s.row+1}, column ${s.col+1} of ${s.size} × ${s.size} holds ${l}
        of its ${_(t.length,`nearest sample`)}.
      </p>`}#o(e,{target:t,samples:n}){let{store:r}=this.session;if(e===null){r.set({highlight:null,pinned:null});return}let{probe:i}=this.search,a={ids:n,of:`sample`,name:`Like the patch for “${$(this.search,t)}”`,event:null,probe:i};r.set({pinned:e,hover:null,highlight:a}),this.map.flyTo(Be(r.state,this.map.viewport,e))}};function Cr({count:e},t,n){let r=pe(t,Int32Array.from(n.filter(t=>t<e))),i=r.reduce((e,t)=>Math.max(e,t),0);if(i===0)return null;let a=r.indexOf(i),[o,s]=[t.rows[a],t.cols[a]];return{place:{size:t.size,row:o,col:s},members:i}}function wr({rates:e,interval:t}){let[n,r]=t.map(e=>Math.round(100*e)),i=Math.max(0,n);return d`<ul class="bars rates">
    ${br.map(([t,n])=>d`<li>
        <span>${n}</span>
        <span class="meter ${t}"><i style="width:${100*e[t]}%"></i></span>
        <span class="number">${y(e[t])}</span>
      </li>`)}
    <li>
      <span>Beyond noise, 95%</span>
      <span class="span"><i style="left:${i}%;width:${Math.max(0,r-i)}%"></i></span>
      <span class="number">${`${n} … ${r}%`.replaceAll(`-`,`−`)}</span>
    </li>
  </ul>`}function Tr({history:e,since:t}){let n=e.filter(({flipRate:e})=>e!==null);if(n.length<2)return c;let r=t=>3+90*t/(e.length-1),i=e=>21-18*e,a=t=>e.map(({[t]:n},a)=>n===null?``:`${e[a-1]?.[t]==null?`M`:`L`}${r(a)} ${i(n)}`).join(``),s=e.findIndex(({step:e})=>e===t),l=`What it turned at ${n.map(({step:e,flipRate:t})=>`step ${b(e)}: ${y(t??0)}`).slice(-12).join(`, `)}`;return d`<svg class="spark" viewBox="0 0 96 24" role="img" aria-label=${l}>
    ${o`<path d=${a(`noiseFlipRate`)} stroke-dasharray="2 2" />
      <path d=${a(`flipRate`)} />
      ${s<0?c:o`<circle cx=${r(s)} cy=${i(e[s]?.flipRate??0)} r="3" />`}`}
  </svg>`}var Er=class{#e=!1;constructor(e,t,n){this.session=e,this.map=t,this.retry=n,e.store.subscribe((e,t)=>{t.shortcut===``&&e.shortcut!==``&&(this.#e=!0)})}render(e,t){return d`<aside
      class="events shortcuts"
      aria-label="Shortcuts"
      ${k(this.#i)}
      @keydown=${e=>{e.key===`Escape`?this.#r():M(e)}}
    >
      ${I(`Shortcuts`,`Close the shortcuts`,`Esc`,()=>this.#r())}
      ${this.#t(e,t)}
    </aside>`}#t(e,t){let n=A(e);if(n===null)return Or();if(t===null){let e=n.shortcuts[0]??0;return d`<p><strong>Not searched yet at this step.</strong></p>
        <button type="button" class="button" @click=${()=>this.session.chooseStep(e)}>
          First search: step ${b(e)}
        </button>`}let{search:r,failure:i,step:a}=t;return i!==null&&r===null?d`<p><strong>The search at step ${b(a)} cannot be shown.</strong></p>
        <p class="muted">${i.message}</p>
        <button type="button" class="button" @click=${this.retry}>Try again</button>`:r===null?d`<p class="muted">Reading what was found …</p>`:d`${Dr(e,r)} ${this.#n(e,r,t)}`}#n(e,t,n){let{found:r}=t,[i,a]=[!0,!1].map(e=>r.filter(({significant:t})=>t===e)),o=new Sr(e,t,n,this.session,this.map),s=(e,t)=>d`<ol class="event-items" aria-label=${t}>
        ${e.map(e=>o.render(e,r.indexOf(e)))}
      </ol>`,{shortcut:l}=e,u=l!==`all`&&!r.some(({id:e})=>e===l);return d`${u?d`<p class="muted">The shortcut of the link is not in this search.</p>`:c}
    ${n.failure?d`<p class="muted">The patches: ${n.failure.message}</p>`:c}
    ${i.length>0?d`<h3>Significant</h3>
            <p class="muted">Not always wrong: look at the patch, and at how much it covers.</p>
            ${s(i,`Significant shortcuts`)}`:c}
    ${a.length>0?d`<details ?open=${a.some(({id:e})=>e===l)}>
            <summary>Tested and not significant (${a.length})</summary>
            <p class="muted">
              Each turns some images. But chance, noise or whatever else lies in that place may do as
              much, or it covers so much that it may simply be a part of the object.
            </p>
            ${s(a,`Tested and not significant`)}
          </details>`:c}`}#r(){this.session.store.set({shortcut:``}),this.map.focus()}#i=e=>{e&&this.#e&&(this.#e=!1,queueMicrotask(()=>{(e.querySelector(`.event`)??e.querySelector(`button`))?.focus()}))}};function Dr({step:e},{step:t,images:n,found:r}){let i=r.length===0;return d`${r.some(({significant:e})=>e)?c:d`<p>
          <strong>${i?`No shortcut was found.`:`No significant shortcut.`}</strong>
        </p>`}
  <p class="muted">
    Searched at step ${b(t)}${e===t?c:`, the last search so far`}, in
    ${_(n,`image`)}.
    ${i?`No small patch made the network change its mind often. A mark that none of these images carries cannot be found.`:c}
  </p>`}function Or(){return d`<p><strong>Shortcuts were not searched for in this run.</strong></p>
    <p class="muted"><code>AtlasWriter(..., shortcuts=True)</code> searches as it logs.</p>`}var kr=class{#e;#t=new Map;constructor(e,t,n){this.session=e,this.update=n,this.#e=new Er(e,t,()=>this.#i())}complete(e){let t=this.#n(e);return t===null||(t.search??t.failure)!==null}tool(e){if(A(e)===null)return c;let{search:t=null}=this.#n(e)??{},n=t?Ar(t):0,r=t?`Shortcuts: ${n||`none`} significant`:`Shortcuts`;return d`<button
      type="button"
      class="icon-button shortcut-tool"
      aria-label=${r}
      aria-pressed=${e.shortcut!==``}
      title="${r} (s)"
      @click=${()=>Me(this.session)}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M3 3h18v18H3zm2 2v14h14V5zm7 2h5v5h-5z" />
      </svg>
      ${n>0?d`<b aria-hidden="true">${n}</b>`:c}
    </button>`}rail(e){return this.#e.render(e,this.#n(e))}sentence(e,t){let{shortcut:n}=e,r=this.#n(e)?.search;if(n===``||!r)return null;let i=r.found.find(({id:e})=>e===n);return i&&n!==t.shortcut?xr(r,i):t.shortcut!==``&&this.#n(t)?.search===r||e.playing?null:`${Ar(r)} of ${r.found.length} tested patches are significant, at step ${b(r.step)}`}#n(e){let t=A(e),n=t?.shortcuts.findLast(t=>t<=(e.step??NaN));if(!t||n===void 0)return null;let r=`${t.id}/${n}`,i=this.#t.get(r);if(i===void 0){i={step:n,search:null,failure:null,patches:null},this.#t.set(r,i);for(let e of[...this.#t.keys()].slice(0,-8))this.#t.delete(e);this.#r(t.id,i)}return i}async#r(e,t){let r=null;try{r=await lr(e,t.step);let n=r.patches?.page;n&&(t.patches=await ur(e,t.step,n))}catch(e){t.failure=n(e)}t.search=r,this.update()}#i(){this.#t.clear(),this.update()}};function Ar({found:e}){return e.filter(({significant:e})=>e).length}var jr=[[`Arrows`,`move to the next cell; with Ctrl, ten cells on`],[`Home  End`,`the first, the last cell of the row`],[`Enter / Esc`,`pin the cell / unpin`],[`Shift + Enter`,`add the cell to the pins, or take it away (or Shift + click)`],[`r`,`select a rectangle: arrows grow it, Enter selects, Esc leaves (or Shift + drag)`],[`l`,`select with a lasso: drag around samples`],[`k`,`selections and pins`],[`Shift + arrows`,`pan (or drag)`],[`+  −`,`zoom (or wheel, pinch, double click)`],[`0`,`the whole map`],[`1 … 5`,`hold one grid; again to follow the zoom`],[`,  .`,`previous, next step`],[`Space`,`play or pause`],[`j`,`what happened in the run`],[`m`,`moving map or fixed map`],[`c`,`compare with the step before, or end it`],[`[  x`,`take this step as A; swap A and B (Shift + click on the line takes A)`],[`b (held)`,`show A instead of B`],[`a  w`,`add a pane; close the one that has the focus, or the last`],[`PgUp  PgDn`,`the layer above, below, by the order of their names`],[`/`,`find a class, a cell, an image, a concept or a saved selection`],[`t`,`the cells as a table, or the map again`],[`p`,`icons, points or both`],[`e  y`,`export: picture, cells, link; copy the link at once`],[`f`,`ask about a class: where it is on top, what speaks for it`],[`n`,`attribution that helps, hurts or both`],[`s`,`shortcuts that were found, where a search was logged`],[`d`,`drift: what changed since the step before`]];function Mr(e,t){return d`<label class="setting">
    <input
      type="checkbox"
      .checked=${de(e)}
      @change=${t=>Ee(e,t.target.checked)}
    />${t}
  </label>`}function Nr(e){queueMicrotask(()=>{e instanceof HTMLDialogElement&&e.isConnected&&!e.open&&e.showModal()})}function Pr(e){return d`<dialog
    class="help panel"
    aria-label="How to read the map"
    ${k(Nr)}
    @close=${e}
    @click=${t=>{t.target===t.currentTarget&&e()}}
  >
    <div class="help-body">
      ${I(`How to read the map`,`Close`,`Esc`,e)}
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
          map mean nothing, but left and right where two classes are told apart. Trust says how many neighbours are true ones.
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
          <strong>Panes side by side:</strong> a cell that is pointed at or pinned lights the cells of the
          other panes that hold its samples, the brighter and the broader framed the more they hold.
        </li>
        <li>
          <strong>Asked about a class,</strong> cells that pass keep their light by strength; hatched
          ones speak against it, dotted ones hold too few samples to rank.
        </li>
      </ul>
      <h3>In this browser</h3>
      ${Mr(`page-scroll-first`,`The wheel scrolls the page; with Ctrl or Alt it zooms`)}
      ${Mr(`no-letter-keys`,`No keys of one letter, digit or sign`)}
      <h3>Keys, while the map has the focus</h3>
      <dl>
        ${jr.map(([e,t])=>d`<dt>${e}</dt><dd>${t}</dd>`)}
      </dl>
    </div>
  </dialog>`}var Fr=class{#e;#t;#n;#r;#i;constructor(e,t,n,r){this.session=e,this.#e=new Ut(e,t,n),this.#t=new kr(e,t,n),this.#n=new Qn(e,t,n),this.#r=new Bn(e,t,n),this.#i=new Fn(e,t,r)}complete(e){return this.#t.complete(e)}layers(e,t){return[...this.#e.layers(e),...this.#i.comparison(e),...t,...this.#i.drift(e)]}legends(e,t,n){return d`${this.#e.legends(e,t,n)}
    ${this.#i.legends(e,t,n)}`}voices(e){return this.#e.voices(e)}moves(e){return this.#i.line(e)}film(e){return this.#n.render(e)}rail(e){return e.filterOpen?this.#e.rail(e):e.shortcut===``?this.#r.render(e):this.#t.rail(e)}tool(e){return this.#t.tool(e)}strip(e){return this.#i.strip(e)}top(e){return this.#i.divider(e)}help({help:e}){return e?Pr(()=>this.session.store.set({help:!1})):c}sentence(e,t){for(let n of[this.#e,this.#t,this.#i]){let r=n.sentence(e,t);if(r!==null)return r}return null}};export{Fr as Asked};