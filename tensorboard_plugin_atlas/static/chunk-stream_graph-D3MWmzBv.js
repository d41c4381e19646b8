import{An as t,Gt as e,Kt as s,N as r,P as i,Vt as n,Wt as a,Yt as o,fr as l,h as p,ht as h,kn as d,mr as c,pr as u}from"./chunk-shared-BSwaJvbm.js";import{A as m,T as f,m as g,n as b,o as $,r as v}from"./chunk-shell-D_FVFRh_.js";function x(t,e){return t.findIndex(t=>t.step>=e)}function w({kind:t,before:e,after:s}){let[r,i]="splits"===t?[s,e]:[e,s];return r.filter(t=>!i.includes(t))}function y(t){return t.map(([e,s],r)=>{let i=`${e} ${k(s)}`,[n,a]=t[r-1]??[];if(void 0===n||void 0===a)return i;let o=(n+e)/2;return`C${o} ${k(a)} ${o} ${k(s)} ${i}`}).join("")}function k(t){return Math.round(10*t)/10}function z({tops:t,bottoms:e},s){return((t[s]??0)+(e[s]??0))/2}function M(t,e,s){let r=r=>s&&!s.sizes[r]?1/0:Math.abs((t[r]?.at??0/0)-e);return t.reduce((t,e,s)=>r(s)<r(t)?s:t,0)}function E({columns:t},{ribbon:s,column:r}){let{samples:i=1,step:o=0}=t[r]??{},l=s.sizes[r]??0;return`${e(l,"sample")}, ${a(l/i)} at step ${n(o)}`}function S(t,e,r){let{id:i,name:a,first:o,last:l}=e.ribbon,{columns:p}=t,d=t=>n(p[t]?.step??0),c=o>0?`since step ${d(o)}`:"",m=l<p.length-1?`until step ${d(l)}`:"";return u`<div class="stream-facts">
    <strong><i style="background:${h(i,r)}"></i>${s(a,40)}</strong>
    <span class="number">${E(t,e)}</span>
    <span class="muted">${[c,m].filter(Boolean).join(", ")}</span>
  </div>`}function R({concepts:t},{highlight:e}){if(null===e||e.of)return!1;let{event:s,ids:r}=e;return(s?[...s.before,...s.after]:r).some(e=>t.has(e))}var C=class{#t=null;#e=[];#s=null;#r=null;#i=!1;#n=null;#a=new ResizeObserver(()=>this.#o());constructor(t,e,s){this.session=t,this.map=e,this.update=s}footer(m){let{history:k,series:M,stream:E}=m;if(""===E||null===M)return l;let C="groups"===E&&k?.groups!=null,A=[k,M.steps,C];A.some((t,e)=>t!==this.#e[e])&&(this.#e=A,this.#t=k&&function(t,e,s){let r,i,n,a,o,l,p,h,d,c,u,m,f,g=(i=Math.ceil((r=e.flatMap((e,s)=>{let{concepts:r,samples:i}=t.steps.get(e)??{},n=(r?.sizes??[]).reduce((t,e)=>t+e,0);return n>0?[{step:e,at:s,samples:Math.max(n,i??0)}]:[]})).length/160),r.filter((t,e)=>e%i==0||e===r.length-1));if(g.length<2)return null;let b=(s?null:t.events)??[],$=function(t,e){let s=new Map;for(let r of t){let t={splits:r.before,merges:r.after,born:[],dies:[]}[r.kind][0];if(void 0===t)continue;let i=x(e,r.step);for(let e of w(r))s.set(`${e}/${i}`,t)}return s}(b,g),v=function(t,e){t.sort((t,e)=>Number(-1===t.id)-Number(-1===e.id)||(t.group===e.group?0:t.group-e.group)||t.first-e.first||e.sizes[e.first]-t.sizes[t.first]||t.id-e.id);let s=[];for(let r of t){let t=e.get(`${r.id}/${r.first}`),i=s.findIndex(({id:e,group:s})=>e===t&&s===r.group);s.splice(i<0?s.length:i+1,0,r)}return s}((n=new Map(t.concepts?.map(t=>[t.id,t])),a=new Map(t.groups?.map(({id:t,name:e})=>[t,e])),o=new Map,g.forEach(({step:e},r)=>{let{ids:i=[],sizes:l=[]}=t.steps.get(e)?.concepts??{};i.forEach((t,e)=>{let i=n.get(t)?.group??1/0,p=s?i:t;if(!Number.isFinite(p))return;let h=s?a.get(p):n.get(p)?.name,d=o.get(p)??{id:p,name:h??`${s?"group":"concept"} ${p}`,group:i,concepts:new Set,sizes:g.map(()=>0),tops:[],bottoms:[],first:r,last:r};o.set(p,d),d.concepts.add(t),d.sizes[r]=d.sizes[r]+l[e],d.last=r})}),l=({sizes:t})=>t.reduce((t,e)=>t+e),p=[...o.values()].sort((t,e)=>l(e)-l(t)).slice(0,400),(d=(h=g.map(({samples:t},e)=>p.reduce((t,s)=>t-s.sizes[e],t))).findLastIndex(t=>t>0))<0?p:[...p,(c=h.findIndex(t=>t>0),{id:-1,name:"in no concept",group:1/0,concepts:new Set,sizes:h,tops:[],bottoms:[],first:c,last:d})]),$);m=(u=v.map(({group:t},e)=>e>0&&t!==v[e-1]?.group)).filter(Boolean).length,f=s?0:Math.min(10,100/m),g.forEach(({samples:t},e)=>{let s=0;v.forEach(({sizes:r,tops:i,bottoms:n},a)=>{u[a]&&(s+=f),i[e]=s,s+=(1e3-m*f)*r[e]/t,n[e]=s})});let k=(t,e)=>(function(t,e,s,r){let i=s.findIndex(({id:s})=>s===r.get(`${t.id}/${e}`)),{tops:n,bottoms:a}=s[i]??t;return(i>=0&&i<s.indexOf(t)?a:n)[t.sizes[e]?e-1:e]})(t,e,v,$);return{columns:g,ribbons:v.map(t=>({...t,path:function(t,e,s){let{sizes:r,tops:i,bottoms:n}=t,a="",o=[],l=[],p=(t,s,r=s)=>{let i=100*e[t].at;o.push([i,s]),l.unshift([i,r])};return r.forEach((e,h)=>{e>0?(h>0&&!r[h-1]&&p(h-1,s(t,h)),p(h,i[h],n[h])):r[h-1]&&p(h,s(t,h)),o.length>0&&(0===e||h===r.length-1)&&(a+=`M${y(o)}L${y(l)}Z`,o=[],l=[])}),a}(t,g,k)})),marks:b.flatMap(t=>{let e=x(g,t.step),s=w(t)[0]??t.after[0]??t.before[0],r=v.find(t=>t.id===s),i=g[e]?.at;return void 0===r||void 0===i?[]:[{event:t,at:i,y:r.sizes[e]?z(r,e):k(r,e)}]}),width:100*(e.length-1)}}(k,M.steps,C),this.#s=null),queueMicrotask(()=>this.#o());let G=this.#t,j=G?this.#l(G):0,B=G?.ribbons.find(({id:t})=>t===this.#r)??null,{store:I}=this.session;return function(m){let{state:$,stream:x,isGrouped:w,isTable:y}=m,k=o({icon:"M3 4h18v16H3zm2 5v3h6V9zm8 0v3h6V9zm-8 5v4h6v-4zm8 0v4h6v-4z",name:"As a table",pressed:y,press:m.toggleTable});return u`<section
    class="stream"
    aria-label="Concepts over the steps"
    ${r(t=>m.hold(t??null))}
  >
    <div class="stream-side">
      ${g("Concepts over steps","Close the stream graph","g",m.close,k)}
      ${$.history?.groups?i("Ribbons","stream-of",["concepts","groups"],t=>"groups"===t?"Groups":"Concepts",w?"groups":"concepts",m.group):l}
      ${x?function({state:t,here:s,cursor:r,isGrouped:i},a){let o=a.ribbons.filter(e=>R(e,t)),h=r??(1===o.length?o[0]:void 0),d=a.ribbons.filter(({id:t,sizes:e})=>-1!==t&&e[s]).length,c=a.columns[s]?.step??0;return u`<p class="muted">
      ${e(d,i?"group":"concept")} at step ${n(c)}.
      ${p(t.history,c)}
    </p>
    ${h?S(a,{ribbon:h,column:s},t.dark):l}`}(m,x):l}
    </div>
    ${null===x?u`<p class="stream-none muted">${function({history:e,historyFailure:s,atlas:r}){return null!==r&&null!==t(r)?d:null===e?s?.message??"Loading …":null===e.concepts?u`Concepts were not tracked in this run. For an older log, run
    <code>tensorboard-atlas events LOGDIR</code>.`:"Only one step with concepts so far."}($)}</p>`:y?function({state:t,here:e,isGrouped:r,choose:i},o){let{columns:p,ribbons:h}=o,d=p.length-1,c=[...new Set([0,e,d])],m=t=>n(p[t]?.step??0),f=t=>t.sizes[e]??0,g=h.toSorted((t,e)=>f(e)-f(t)).slice(0,200);return u`<div class="stream-table" tabindex="0" role="region" aria-label="Sizes of all ribbons">
    <table>
      <thead>
        <tr>
          <th scope="col">${r?"Group":"Concept"}</th>
          ${c.map(t=>u`<th scope="col">Samples at step ${m(t)}</th>`)}
          <th scope="col">First step</th>
          <th scope="col">Ended at step</th>
        </tr>
      </thead>
      <tbody>
        ${g.map(e=>u`<tr>
            <th scope="row">
              ${-1===e.id?e.name:u`<button
                      type="button"
                      class="link"
                      aria-pressed=${R(e,t)}
                      @click=${()=>i(e)}
                    >
                      ${s(e.name,40)}
                    </button>`}
            </th>
            ${c.map(t=>u`<td>
                ${e.sizes[t]?u`${n(e.sizes[t])}
                        <span class="muted">${a(e.sizes[t]/(p[t]?.samples??1))}</span>`:"–"}
              </td>`)}
            <td>${m(e.first)}</td>
            <td>${e.last<d?m(e.last+1):"–"}</td>
          </tr>`)}
      </tbody>
    </table>
    ${g.length<h.length?u`<p class="muted">and ${n(h.length-g.length)} smaller ones</p>`:l}
  </div>`}(m,x):function(t,r){let{state:i,hover:a,cursor:o,here:p}=t,{ribbons:d,columns:m,width:g}=r,$=new Set(d.filter(t=>R(t,i))),x=t=>[...$].some(({concepts:e})=>e.has(t)),w=r.marks.filter(({event:t})=>0===$.size||[...t.before,...t.after].some(x)),y=a?.ribbon??o,k=Math.max(1,(i.series?.steps.length??1)-1),M=t=>`left:${100*t/k}%`,E=i.series?.steps.indexOf(i.step??0/0)??-1;return u`<div
    class="stream-plot ${$.size>0?"trail":""}"
    tabindex="0"
    role="application"
    aria-roledescription="stream graph"
    aria-label="${e(d.length,"ribbon")}, step ${n(m[p]?.step??0)}"
    aria-describedby="stream-hint"
    @pointermove=${t.point}
    @pointerleave=${t.leave}
    @click=${t.press}
    @keydown=${t.type}
  >
    <span id="stream-hint" class="hidden">
      Left and right arrows change the step, up and down arrows go from ribbon to ribbon, Enter
      highlights one. The button As a table shows the same sizes.
    </span>
    <svg viewBox="0 0 ${g} ${1e3}" preserveAspectRatio="none" aria-hidden="true">
      ${d.map(t=>c`<path
            class="${$.has(t)?"lit":""} ${t===y?"pointed":""}"
            data-id=${t.id}
            fill=${h(t.id,i.dark)}
            d=${t.path}
          />`)}
    </svg>
    ${E<0?l:u`<i class="stream-now" style=${M(E)}></i>`}
    <div aria-hidden="true">
      ${(function(t,e){let s=[];for(let r of t)s.every(({at:t,y:s})=>Math.abs(t-r.at)/e>.02||Math.abs(s-r.y)>90)&&s.push(r);return s})(w,k).map(({event:e,at:r,y:n})=>u`<button
          type="button"
          tabindex="-1"
          class="stream-mark ${f(e,i.highlight?.event)?"chosen":""}"
          style="${M(r)};top:${n/10}%"
          title="${b[e.kind]}: ${s(e.text,120)}"
          @click=${s=>{s.stopPropagation(),t.jump(e)}}
        >
          ${v(e.kind)}
        </button>`)}
      ${(function({ribbons:t,columns:e},s){let r=e.length-1,i=({sizes:t})=>t[r]??0,n=[],a=t=>Number(s.has(t));for(let e of t.filter(i).sort((t,e)=>a(e)-a(t)||i(e)-i(t))){let t=z(e,r);n.every(([,e])=>Math.abs(e-t)>=75)&&n.push([e,t])}return n})(r,$).map(([t,e])=>u`<span class="stream-label ${$.has(t)?"lit":""}" style="top:${e/10}%">${s(t.name,24)}</span>`)}
      ${a?u`<div
              class="stream-tip panel"
              style="${M(m[a.column]?.at??0)};--share:${(m[a.column]?.at??0)/k}"
            >
              ${S(r,a,i.dark)}
            </div>`:l}
    </div>
  </div>`}(m,x)}
  </section>`}({state:m,stream:G,isGrouped:C,here:j,hover:this.#s,cursor:B,isTable:this.#i,hold:t=>{this.#n=t},close:()=>this.#p(),group:t=>I.set({stream:t}),toggleTable:()=>{this.#i=!this.#i,this.update()},point:t=>this.#h(this.#d(t)),leave:()=>this.#h(null),press:t=>{let{ribbon:e,column:s}=this.#d(t)??{};G&&e&&this.#c(e,G.columns[s??0])},choose:t=>this.#c(t),jump:t=>$(t,this.session,this.map),type:t=>this.#u(t)})}#l({columns:t}){let{step:e,series:s}=this.session.store.state;return M(t,s?.steps.indexOf(e??0/0)??0)}#h(t){t!==this.#s&&(this.#s=t,this.update())}#d({target:t,currentTarget:e,clientX:s}){let r=this.#t,i=t.dataset.id,n=r?.ribbons.find(t=>String(t.id)===i);if(!r||!n)return null;let{left:a,width:o}=e.getBoundingClientRect(),l=((this.session.store.state.series?.steps.length??1)-1)*(s-a)/Math.max(1,o);return{ribbon:n,column:M(r.columns,l,n)}}#c({id:t,name:e,concepts:s},r){let{store:i}=this.session,{highlight:n,step:a}=i.state,o=(void 0===r||r.step===a)&&n?.event===null&&n.name===e;if(-1!==t){let t={ids:[...s],name:e,event:null};i.set({highlight:o?null:t,playing:!1})}r&&this.session.chooseStep(r.step)}#u(t){let e=this.#t,{key:s}=t;if(!e||t.altKey||t.metaKey||t.ctrlKey)return;let{ribbons:r,columns:i}=e,n=this.#l(e),a=r.filter(({sizes:t})=>t[n]),o=a.findIndex(({id:t})=>t===this.#r),l={ArrowLeft:Math.max(0,n-1),ArrowRight:Math.min(i.length-1,n+1),Home:0,End:i.length-1},p={ArrowUp:-1,ArrowDown:1}[s],h=i[l[s]??-1];if(h)this.session.chooseStep(h.step);else if(p)this.#m(a[Math.min(a.length-1,Math.max(0,o+p))],n);else if("Enter"===s&&o>=0)this.#c(a[o]);else{if(null===m(t))return;this.map.dispatchEvent(new KeyboardEvent("keydown",t))}t.preventDefault()}#m(t,e){if(!t||!this.#t)return;this.#r=t.id;let s=`${t.name}: ${E(this.#t,{ribbon:t,column:e})}`;this.session.store.set({said:s}),this.update()}#p(){let t=this.map.getRootNode();this.#n?.contains(t.activeElement)&&this.map.focus(),this.session.store.set({stream:""})}#o(){let t=this.map.getRootNode().querySelector(".track"),e=this.#n;if(!t||!e)return;this.#a.observe(t);let{left:s,width:r}=t.getBoundingClientRect(),i=s-e.getBoundingClientRect().left;e.style.setProperty("--start",`${i}px`),e.style.setProperty("--width",`${r}px`),e.classList.toggle("narrow",i<200)}},A={styles:'.stream{grid-template-columns:var(--start,300px) var(--width,600px) minmax(0, 1fr);background:var(--surface);border-top:1px solid var(--line);flex:none;height:216px;display:grid}.stream+footer.bar{border-top:0}.stream-side{align-content:start;justify-items:start;gap:6px;padding:6px 16px 0;font-size:12px;display:grid;overflow:auto}.stream-side>.inspector-head{width:100%}.stream-none{max-width:460px;padding:16px 0}.stream-plot{cursor:pointer;margin:14px 0 12px;position:relative}.stream-plot svg:not(.glyph){width:100%;height:100%;display:block;position:absolute}.stream-plot path[data-id]{stroke:var(--surface);stroke-width:1px;vector-effect:non-scaling-stroke;transition:opacity .12s}.stream-plot path[data-id="-1"]{opacity:.3}.stream-plot.trail path[data-id]:not(.lit,.pointed){opacity:.2}.stream-plot path.pointed{stroke:var(--text)}.stream-now{background:var(--accent);pointer-events:none;width:2px;margin-left:-1px;position:absolute;inset-block:-8px -26px}.stream-mark{background:var(--surface);width:16px;height:16px;color:var(--muted);border-radius:50%;place-items:center;margin:-8px;display:grid;position:absolute}.stream-mark .glyph{width:12px;height:12px}.stream-mark:hover{color:var(--text)}.stream-mark.chosen{color:var(--accent);box-shadow:0 0 0 1px var(--accent)}.stream-label{white-space:nowrap;pointer-events:none;margin-top:-7px;font-size:11px;line-height:14px;position:absolute;left:calc(100% + 14px)}.trail .stream-label:not(.lit){color:var(--muted)}.stream-label.lit{font-weight:600}.stream-tip{width:max-content;translate:calc(-100% * var(--share)) 0;pointer-events:none;z-index:6;padding:6px 10px;position:absolute;bottom:calc(100% + 18px)}.stream-facts{font-size:12px;display:grid}.stream-facts i{border-radius:2px;width:10px;height:10px;margin-right:6px;display:inline-block}.stream-table{font-variant-numeric:tabular-nums;grid-column:2/4;overflow:auto}.stream-table :is(td,th){white-space:nowrap;height:26px;padding:2px 16px 2px 0}.stream-table thead th{background:var(--surface);color:var(--muted);font-size:12px;position:sticky;top:0}.stream.narrow{grid-template-rows:auto 1fr;height:280px}.narrow>:is(.stream-side,.stream-table,.stream-none){grid-column:1/4}.narrow>:is(.stream-table,.stream-none){padding:0 16px}.narrow .stream-plot{grid-column:2}',create:({session:t,map:e,update:s})=>new C(t,e,s)};export{A as streamGraph};