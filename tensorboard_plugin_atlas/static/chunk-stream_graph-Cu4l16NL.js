import{An as t,Gt as e,Ht as s,Kt as i,N as r,P as n,Xt as a,gt as o,h as l,hr as p,jn as h,mr as d,pr as c,qt as u}from"./chunk-shared-Cte8lVvY.js";import{A as m,T as g,m as f,n as b,o as $,r as v}from"./chunk-shell-4BsR2oD5.js";function x(t,e){return t.findIndex(t=>t.step>=e)}function w({kind:t,before:e,after:s}){let[i,r]="splits"===t?[s,e]:[e,s];return i.filter(t=>!r.includes(t))}function y(t){return t.map(([e,s],i)=>{let r=`${e} ${k(s)}`,[n,a]=t[i-1]??[];if(void 0===n||void 0===a)return r;let o=(n+e)/2;return`C${o} ${k(a)} ${o} ${k(s)} ${r}`}).join("")}function k(t){return Math.round(10*t)/10}function z({tops:t,bottoms:e},s){return((t[s]??0)+(e[s]??0))/2}function M(t,e,s){let i=i=>s&&!s.sizes[i]?1/0:Math.abs((t[i]?.at??0/0)-e);return t.reduce((t,e,s)=>i(s)<i(t)?s:t,0)}function E({columns:t},{ribbon:r,column:n}){let{samples:a=1,step:o=0}=t[n]??{},l=r.sizes[n]??0;return`${i(l,"sample")}, ${e(l/a)} at step ${s(o)}`}function C(t,e,i){let{id:r,name:n,first:a,last:l}=e.ribbon,{columns:p}=t,h=t=>s(p[t]?.step??0),c=a>0?`since step ${h(a)}`:"",m=l<p.length-1?`until step ${h(l)}`:"";return d`<div class="stream-facts">
    <strong><i style="background:${o(r,i)}"></i>${u(n,40)}</strong>
    <span class="number">${E(t,e)}</span>
    <span class="muted">${[c,m].filter(Boolean).join(", ")}</span>
  </div>`}function R({concepts:t},{highlight:e}){if(null===e||e.of)return!1;let{event:s,ids:i}=e;return(s?[...s.before,...s.after]:i).some(e=>t.has(e))}var S=class{#t=null;#e=[];#s=null;#i=null;#r=!1;#n=null;#a=new ResizeObserver(()=>this.#o());constructor(t,e,s){this.session=t,this.map=e,this.update=s}footer(m){let{history:k,series:M,stream:E}=m;if(""===E||null===M)return c;let S="groups"===E&&k?.groups!=null,A=[k,M.steps,S];A.some((t,e)=>t!==this.#e[e])&&(this.#e=A,this.#t=k&&function(t,e,s){let i,r,n,a,o,l,p,h,d,c,u,m,g,f=(r=Math.ceil((i=e.flatMap((e,s)=>{let{concepts:i,samples:r}=t.steps.get(e)??{},n=(i?.sizes??[]).reduce((t,e)=>t+e,0);return n>0?[{step:e,at:s,samples:Math.max(n,r??0)}]:[]})).length/160),i.filter((t,e)=>e%r==0||e===i.length-1));if(f.length<2)return null;let b=(s?null:t.events)??[],$=function(t,e){let s=new Map;for(let i of t){let{kind:t,before:r,after:n}=i,a="splits"===t?r[0]:"merges"===t?n[0]:void 0;if(void 0===a)continue;let o=x(e,i.step);for(let t of w(i))s.set(`${t}/${o}`,a)}return s}(b,f),v=function(t,e){t.sort((t,e)=>Number(-1===t.id)-Number(-1===e.id)||(t.group===e.group?0:t.group-e.group)||t.first-e.first||e.sizes[e.first]-t.sizes[t.first]||t.id-e.id);let s=[];for(let i of t){let t=e.get(`${i.id}/${i.first}`),r=s.findIndex(({id:e,group:s})=>e===t&&s===i.group);s.splice(r<0?s.length:r+1,0,i)}return s}((n=new Map(t.concepts?.map(t=>[t.id,t])),a=new Map(t.groups?.map(({id:t,name:e})=>[t,e])),o=new Map,f.forEach(({step:e},i)=>{let{ids:r=[],sizes:l=[]}=t.steps.get(e)?.concepts??{};r.forEach((t,e)=>{let r=n.get(t)?.group??1/0,p=s?r:t;if(!Number.isFinite(p))return;let h=s?a.get(p):n.get(p)?.name,d=o.get(p)??{id:p,name:h??`${s?"group":"concept"} ${p}`,group:r,concepts:new Set,sizes:f.map(()=>0),tops:[],bottoms:[],first:i,last:i};o.set(p,d),d.concepts.add(t),d.sizes[i]=d.sizes[i]+l[e],d.last=i})}),l=({sizes:t})=>t.reduce((t,e)=>t+e),p=[...o.values()].sort((t,e)=>l(e)-l(t)).slice(0,400),(d=(h=f.map(({samples:t},e)=>p.reduce((t,s)=>t-s.sizes[e],t))).findLastIndex(t=>t>0))<0?p:[...p,(c=h.findIndex(t=>t>0),{id:-1,name:"in no concept",group:1/0,concepts:new Set,sizes:h,tops:[],bottoms:[],first:c,last:d})]),$);m=(u=v.map(({group:t},e)=>e>0&&t!==v[e-1]?.group)).filter(Boolean).length,g=s?0:Math.min(10,100/m),f.forEach(({samples:t},e)=>{let s=0;v.forEach(({sizes:i,tops:r,bottoms:n},a)=>{u[a]&&(s+=g),r[e]=s,s+=(1e3-m*g)*i[e]/t,n[e]=s})});let k=(t,e)=>(function(t,e,s,i){let r=s.findIndex(({id:s})=>s===i.get(`${t.id}/${e}`)),{tops:n,bottoms:a}=s[r]??t;return(r>=0&&r<s.indexOf(t)?a:n)[t.sizes[e]?e-1:e]})(t,e,v,$);return{columns:f,ribbons:v.map(t=>({...t,path:function(t,e,s){let{sizes:i,tops:r,bottoms:n}=t,a="",o=[],l=[],p=(t,s,i=s)=>{let r=100*e[t].at;o.push([r,s]),l.unshift([r,i])};return i.forEach((e,h)=>{e>0?(h>0&&!i[h-1]&&p(h-1,s(t,h)),p(h,r[h],n[h])):i[h-1]&&p(h,s(t,h)),o.length>0&&(0===e||h===i.length-1)&&(a+=`M${y(o)}L${y(l)}Z`,o=[],l=[])}),a}(t,f,k)})),marks:b.flatMap(t=>{let e=x(f,t.step),s=w(t)[0]??t.after[0]??t.before[0],i=v.find(t=>t.id===s),r=f[e]?.at;return void 0===i||void 0===r?[]:[{event:t,at:r,y:i.sizes[e]?z(i,e):k(i,e)}]}),width:100*(e.length-1)}}(k,M.steps,S),this.#s=null),queueMicrotask(()=>this.#o());let G=this.#t,j=G?this.#l(G):0,B=G?.ribbons.find(({id:t})=>t===this.#i)??null,{store:I}=this.session;return function(m){let{state:$,stream:x,isGrouped:w,isTable:y}=m,k=a({icon:"M3 4h18v16H3zm2 5v3h6V9zm8 0v3h6V9zm-8 5v4h6v-4zm8 0v4h6v-4z",name:"As a table",pressed:y,press:m.toggleTable});return d`<section
    class="stream"
    aria-label="Concepts over the steps"
    ${r(t=>m.hold(t??null))}
  >
    <div class="stream-side">
      ${f("Concepts over steps","Close the stream graph","g",m.close,k)}
      ${$.history?.groups?n("Ribbons","stream-of",["concepts","groups"],t=>"groups"===t?"Groups":"Concepts",w?"groups":"concepts",m.group):c}
      ${x?function({state:t,here:e,cursor:r,isGrouped:n},a){let o=a.ribbons.filter(e=>R(e,t)),p=r??(1===o.length?o[0]:void 0),h=a.ribbons.filter(({id:t,sizes:s})=>-1!==t&&s[e]).length,u=a.columns[e]?.step??0;return d`<p class="muted">
      ${i(h,n?"group":"concept")} at step ${s(u)}.
      ${l(t.history,u)}
    </p>
    ${p?C(a,{ribbon:p,column:e},t.dark):c}`}(m,x):c}
    </div>
    ${null===x?d`<p class="stream-none muted">${function({history:e,historyFailure:s,atlas:i}){return null!==i&&null!==h(i)?t:null===e?s?.message??"Loading …":null===e.concepts?d`Concepts were not tracked in this run. For an older log, run
    <code>tensorboard-atlas events LOGDIR</code>.`:"Only one step with concepts so far."}($)}</p>`:y?function({state:t,here:i,isGrouped:r,choose:n},a){let{columns:o,ribbons:l}=a,p=o.length-1,h=[...new Set([0,i,p])],m=t=>s(o[t]?.step??0),g=t=>t.sizes[i]??0,f=l.toSorted((t,e)=>g(e)-g(t)).slice(0,200);return d`<div class="stream-table" tabindex="0" role="region" aria-label="Sizes of all ribbons">
    <table>
      <thead>
        <tr>
          <th scope="col">${r?"Group":"Concept"}</th>
          ${h.map(t=>d`<th scope="col">Samples at step ${m(t)}</th>`)}
          <th scope="col">First step</th>
          <th scope="col">Ended at step</th>
        </tr>
      </thead>
      <tbody>
        ${f.map(i=>d`<tr>
            <th scope="row">
              ${-1===i.id?i.name:d`<button
                      type="button"
                      class="link"
                      aria-pressed=${R(i,t)}
                      @click=${()=>n(i)}
                    >
                      ${u(i.name,40)}
                    </button>`}
            </th>
            ${h.map(t=>d`<td>
                ${i.sizes[t]?d`${s(i.sizes[t])}
                        <span class="muted">${e(i.sizes[t]/(o[t]?.samples??1))}</span>`:"–"}
              </td>`)}
            <td>${m(i.first)}</td>
            <td>${i.last<p?m(i.last+1):"–"}</td>
          </tr>`)}
      </tbody>
    </table>
    ${f.length<l.length?d`<p class="muted">and ${s(l.length-f.length)} smaller ones</p>`:c}
  </div>`}(m,x):function(t,e){let{state:r,hover:n,cursor:a,here:l}=t,{ribbons:h,columns:m,width:f}=e,$=new Set(h.filter(t=>R(t,r))),x=t=>[...$].some(({concepts:e})=>e.has(t)),w=e.marks.filter(({event:t})=>0===$.size||[...t.before,...t.after].some(x)),y=n?.ribbon??a,k=Math.max(1,(r.series?.steps.length??1)-1),M=t=>`left:${100*t/k}%`,E=r.series?.steps.indexOf(r.step??0/0)??-1;return d`<div
    class="stream-plot ${$.size>0?"trail":""}"
    tabindex="0"
    role="application"
    aria-roledescription="stream graph"
    aria-label="${i(h.length,"ribbon")}, step ${s(m[l]?.step??0)}"
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
    <svg viewBox="0 0 ${f} ${1e3}" preserveAspectRatio="none" aria-hidden="true">
      ${h.map(t=>p`<path
            class="${$.has(t)?"lit":""} ${t===y?"pointed":""}"
            data-id=${t.id}
            fill=${o(t.id,r.dark)}
            d=${t.path}
          />`)}
    </svg>
    ${E<0?c:d`<i class="stream-now" style=${M(E)}></i>`}
    <div aria-hidden="true">
      ${(function(t,e){let s=[];for(let i of t)s.every(({at:t,y:s})=>Math.abs(t-i.at)/e>.02||Math.abs(s-i.y)>90)&&s.push(i);return s})(w,k).map(({event:e,at:s,y:i})=>d`<button
          type="button"
          tabindex="-1"
          class="stream-mark ${g(e,r.highlight?.event)?"chosen":""}"
          style="${M(s)};top:${i/10}%"
          title="${b[e.kind]}: ${u(e.text,120)}"
          @click=${s=>{s.stopPropagation(),t.jump(e)}}
        >
          ${v(e.kind)}
        </button>`)}
      ${(function({ribbons:t,columns:e},s){let i=e.length-1,r=({sizes:t})=>t[i]??0,n=[],a=t=>Number(s.has(t));for(let e of t.filter(r).sort((t,e)=>a(e)-a(t)||r(e)-r(t))){let t=z(e,i);n.every(([,e])=>Math.abs(e-t)>=75)&&n.push([e,t])}return n})(e,$).map(([t,e])=>d`<span class="stream-label ${$.has(t)?"lit":""}" style="top:${e/10}%">${u(t.name,24)}</span>`)}
      ${n?d`<div
              class="stream-tip panel"
              style="${M(m[n.column]?.at??0)};--share:${(m[n.column]?.at??0)/k}"
            >
              ${C(e,n,r.dark)}
            </div>`:c}
    </div>
  </div>`}(m,x)}
  </section>`}({state:m,stream:G,isGrouped:S,here:j,hover:this.#s,cursor:B,isTable:this.#r,hold:t=>{this.#n=t},close:()=>this.#p(),group:t=>I.set({stream:t}),toggleTable:()=>{this.#r=!this.#r,this.update()},point:t=>this.#h(this.#d(t)),leave:()=>this.#h(null),press:t=>{let{ribbon:e,column:s}=this.#d(t)??{};G&&e&&this.#c(e,G.columns[s??0])},choose:t=>this.#c(t),jump:t=>$(t,this.session,this.map),type:t=>this.#u(t)})}#l({columns:t}){let{step:e,series:s}=this.session.store.state;return M(t,s?.steps.indexOf(e??0/0)??0)}#h(t){t!==this.#s&&(this.#s=t,this.update())}#d({target:t,currentTarget:e,clientX:s}){let i=this.#t,r=t.dataset.id,n=i?.ribbons.find(t=>String(t.id)===r);if(!i||!n)return null;let{left:a,width:o}=e.getBoundingClientRect(),l=((this.session.store.state.series?.steps.length??1)-1)*(s-a)/Math.max(1,o);return{ribbon:n,column:M(i.columns,l,n)}}#c({id:t,name:e,concepts:s},i){let{store:r}=this.session,{highlight:n,step:a}=r.state,o=(void 0===i||i.step===a)&&n?.event===null&&n.name===e;if(-1!==t){let t={ids:[...s],name:e,event:null};r.set({highlight:o?null:t,playing:!1})}i&&this.session.chooseStep(i.step)}#u(t){let e=this.#t,{key:s}=t;if(!e||t.altKey||t.metaKey||t.ctrlKey)return;let{ribbons:i,columns:r}=e,n=this.#l(e),a=i.filter(({sizes:t})=>t[n]),o=a.findIndex(({id:t})=>t===this.#i),l={ArrowLeft:Math.max(0,n-1),ArrowRight:Math.min(r.length-1,n+1),Home:0,End:r.length-1},p={ArrowUp:-1,ArrowDown:1}[s],h=r[l[s]??-1];if(h)this.session.chooseStep(h.step);else if(p)this.#m(a[Math.min(a.length-1,Math.max(0,o+p))],n);else if("Enter"===s&&o>=0)this.#c(a[o]);else{if(null===m(t))return;this.map.dispatchEvent(new KeyboardEvent("keydown",t))}t.preventDefault()}#m(t,e){if(!t||!this.#t)return;this.#i=t.id;let s=`${t.name}: ${E(this.#t,{ribbon:t,column:e})}`;this.session.store.set({said:s}),this.update()}#p(){let t=this.map.getRootNode();this.#n?.contains(t.activeElement)&&this.map.focus(),this.session.store.set({stream:""})}#o(){let t=this.map.getRootNode().querySelector(".track"),e=this.#n;if(!t||!e)return;this.#a.observe(t);let{left:s,width:i}=t.getBoundingClientRect(),r=s-e.getBoundingClientRect().left;e.style.setProperty("--start",`${r}px`),e.style.setProperty("--width",`${i}px`),e.classList.toggle("narrow",r<200)}},A={styles:'.stream{grid-template-columns:var(--start,300px) var(--width,600px) minmax(0, 1fr);background:var(--surface);border-top:1px solid var(--line);flex:none;height:216px;display:grid}.stream+footer.bar{border-top:0}.stream-side{align-content:start;justify-items:start;gap:6px;padding:6px 16px 0;font-size:12px;display:grid;overflow:auto}.stream-side>.inspector-head{width:100%}.stream-none{max-width:460px;padding:16px 0}.stream-plot{cursor:pointer;margin:14px 0 12px;position:relative}.stream-plot svg:not(.glyph){width:100%;height:100%;display:block;position:absolute}.stream-plot path[data-id]{stroke:var(--surface);stroke-width:1px;vector-effect:non-scaling-stroke;transition:opacity .12s}.stream-plot path[data-id="-1"]{opacity:.3}.stream-plot.trail path[data-id]:not(.lit,.pointed){opacity:.2}.stream-plot path.pointed{stroke:var(--text)}.stream-now{background:var(--accent);pointer-events:none;width:2px;margin-left:-1px;position:absolute;inset-block:-8px -26px}.stream-mark{background:var(--surface);width:16px;height:16px;color:var(--muted);border-radius:50%;place-items:center;margin:-8px;display:grid;position:absolute}.stream-mark .glyph{width:12px;height:12px}.stream-mark:hover{color:var(--text)}.stream-mark.chosen{color:var(--accent);box-shadow:0 0 0 1px var(--accent)}.stream-label{white-space:nowrap;pointer-events:none;margin-top:-7px;font-size:11px;line-height:14px;position:absolute;left:calc(100% + 14px)}.trail .stream-label:not(.lit){color:var(--muted)}.stream-label.lit{font-weight:600}.stream-tip{width:max-content;translate:calc(-100% * var(--share)) 0;pointer-events:none;z-index:6;padding:6px 10px;position:absolute;bottom:calc(100% + 18px)}.stream-facts{font-size:12px;display:grid}.stream-facts i{border-radius:2px;width:10px;height:10px;margin-right:6px;display:inline-block}.stream-table{font-variant-numeric:tabular-nums;grid-column:2/4;overflow:auto}.stream-table :is(td,th){white-space:nowrap;height:26px;padding:2px 16px 2px 0}.stream-table thead th{background:var(--surface);color:var(--muted);font-size:12px;position:sticky;top:0}.stream.narrow{grid-template-rows:auto 1fr;height:280px}.narrow>:is(.stream-side,.stream-table,.stream-none){grid-column:1/4}.narrow>:is(.stream-table,.stream-none){padding:0 16px}.narrow .stream-plot{grid-column:2}',create:({session:t,map:e,update:s})=>new S(t,e,s)};export{A as streamGraph};