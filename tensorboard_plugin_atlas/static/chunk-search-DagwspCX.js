import{B as e,F as t,Gt as s,Ht as n,I as i,Kt as a,N as l,Pt as r,R as o,W as d,Xt as h,Z as c,bn as p,ht as u,jn as m,mr as f,n as g,pr as x,pt as $,qt as b,r as k,tr as y,xn as v,xt as w,yn as z,z as M}from"./chunk-shared-Cte8lVvY.js";var N=class{#e="";#t=0;constructor(e){this.update=e}render(e){var s;let{list:a,more:r}=e.find(this.#e);this.#t=Math.max(0,Math.min(this.#t,a.length-1));let o=""!==this.#e.trim();return f`<div
      class="find panel"
      role="search"
      aria-label="Find on the map"
      @focusout=${t(e.close)}
    >
      <div class="find-head">
        <input
          type="text"
          role="combobox"
          aria-label="Find"
          aria-expanded=${a.length>0}
          aria-controls="find-list"
          aria-autocomplete="list"
          aria-activedescendant=${a.length>0?`find-${this.#t}`:x}
          aria-describedby="find-hint"
          autocomplete="off"
          spellcheck="false"
          placeholder="Class, concept, 3, 12 or image 7"
          .value=${this.#e}
          ${l(i)}
          @input=${t=>this.#s(t.target.value,e)}
          @keydown=${t=>this.#n(t,a,e)}
        />
        ${h({icon:"close",name:"Close the search",key:"Esc",press:e.close})}
      </div>
      <ul id="find-list" role="listbox" aria-label="Results" ?hidden=${0===a.length}>
        ${a.map((t,s)=>this.#i(t,s,e))}
      </ul>
      <p id="find-hint" class="muted">${s=a.length,o?0===s?"No results.":r>0?`and ${n(r)} more: type to find them`:"Enter goes there.":"A name, “row, column” of this grid, an image number, or a saved selection."}</p>
    </div>`}#i({target:e,name:t,note:s},n,i){let a=n===this.#t;return f`<li
      id="find-${n}"
      role="option"
      data-kind=${e.kind}
      aria-selected=${a}
      @mousedown=${e=>e.preventDefault()}
      @click=${()=>i.choose(e,t)}
    >
      <span class="kind muted">${e.kind}</span>
      <span class="name">${b(t,60)}</span>
      <span class="muted number">${b(s,48)}</span>
    </li>`}#s(e,t){this.#e=e,this.#t=0,t.say(t.find(e)),this.update()}#n(e,t,s){let{key:n}=e,i={ArrowDown:1,ArrowUp:-1,PageDown:10,PageUp:-10}[n],a=t[this.#t];if("Escape"===n)s.close();else if("Enter"===n&&a)s.choose(a.target,a.name);else{if(void 0===i||!(t.length>0))return;this.#a(e,i,t.length)}e.preventDefault()}#a({currentTarget:e},t,s){let n=this.#t+t;this.#t=1===Math.abs(t)?(n+s)%s:Math.max(0,Math.min(s-1,n)),this.update(),e.closest(".find")?.querySelector(`#find-${this.#t}`)?.scrollIntoView({block:"nearest"})}},I=/^(?:r|row)?\s*(\d{1,4})\s*(?:[,;/x×]|\s)\s*(?:c|col|column)?\s*(\d{1,4})$/,j=/^(image|sample)?\s*#?(\d{1,9})$/;function A(e,t,n,i){let{size:l}=t,o=z(t,n,i);return{target:{kind:"cell",place:{size:l,row:n,col:i}},name:`row ${n+1}, column ${i+1}`,note:o<0?"too few samples to draw":function(e,t,n){let i=e.labels??e.predictions,l=a(t.counts[n],"sample");if(null===i)return l;let{index:o,share:d}=r(t,i);return`${p(e,o[n])} ${s(d[n])}, ${l}`}(e,t,o)}}function C(e,t){return null===e.labels?"":p(e,e.labels[t])}function D({xy:e},t){let s=s=>{let n=Float32Array.from(t,t=>e[2*t+s]).sort(),i=Math.floor(.05*n.length);return[n[i]??0,n[n.length-1-i]??1]},[[n,i],[a,l]]=[s(0),s(1)],r=Math.max(i-n,l-a,.175);return y({x:(n+i)/2,y:(a+l)/2,z:Math.max(1,.7/r)})}var E=class{#e=null;#t=[];#i=null;constructor(e,t,s){this.session=e,this.map=t,this.update=s}stage(e){let t=c(e),s=v(t,e.shownLevel);return e.finding&&t&&s?(null===this.#e&&(this.#e=new N(this.update),this.#t=g()),this.#e.render({find:e=>this.#s(t,s,e),say:e=>this.#n(e),choose:(e,s)=>this.#l(t,e,s),close:()=>this.#a()})):(this.#e=null,this.#i=null,x)}#s(t,s,n){let i=this.#i;if(i?.level===s&&i.search===n)return i.found;let l=function(t,s,n,i=[]){let l=n.trim().toLowerCase();if(""===l)return{list:[],more:0};let o=e(M(t),l),d=e($(t)??[],l),h=Math.max(0,o.length-40)+Math.max(0,d.length-40),[c]=o;return{list:[...function(e,t,s){let n=I.exec(s);if(null===n)return[];let[i,a]=[Number(n[1])-1,Number(n[2])-1];return i<0||a<0||i>=t.size||a>=t.size?[]:[A(e,t,i,a)]}(t,s,l),...function(e,t){let s=j.exec(t);if(null===s)return[];let[,n,i=""]=s,l=Number(i),r=new Map;for(let t of"sample"===n?[]:e.imageIds)String(t).startsWith(i)&&r.set(t,(r.get(t)??0)+1);let o=[...r].sort(([e],[t])=>e-t).slice(0,5).map(([t,s])=>{let n=[C(e,e.imageIds.indexOf(t)),a(s,"sample")].filter(Boolean).join(", ");return{target:{kind:"image",id:t},name:`image ${t}`,note:n}});if("sample"!==n||l>=e.count)return o;let d=m(e)?"this step only":"",h=[C(e,l),`image ${e.imageIds[l]}`,d].filter(Boolean).join(", ");return[{target:{kind:"sample",id:l},name:`sample ${l}`,note:h}]}(t,l),...o.slice(0,40).map(({index:e,name:t,note:s})=>({target:{kind:"class",index:e},name:t||"(no name)",note:s})),...c?function(e,t,s){let n=e.labels??e.predictions;if(null===n)return[];let i=r(t,n),a=e=>Number(t.counts[e]<8);return[...i.index.keys()].filter(e=>i.index[e]===s).sort((e,t)=>a(e)-a(t)||i.share[t]-i.share[e]||e-t).slice(0,5).map(s=>A(e,t,t.rows[s],t.cols[s]))}(t,s,c.index):[],...d.slice(0,40).map(({id:e,name:t,size:s})=>({target:{kind:"concept",id:e},name:t,note:a(s,"sample")})),...e(i,l).map(e=>({target:{kind:"selection",selection:e},name:e.name,note:`${a(e.rows.length,"sample")}, ${e.layer}`}))],more:h}}(t,s,n,this.#t);return this.#i={level:s,search:n,found:l},l}#n({list:e,more:t}){this.session.store.set({said:0===e.length?"Nothing found":a(e.length+t,"result")})}#a(){let{store:e}=this.session;e.set({finding:!1});let t=this.map.getRootNode();((e.state.table?t.querySelector(".table-body"):null)??this.map).focus()}#l(e,t,s){let{store:n}=this.session;if("class"!==t.kind&&"cell"!==t.kind&&n.set({table:!1}),this.#a(),"cell"===t.kind){let{place:e}=t;n.set({pinned:e,hover:null,said:`Pinned: ${s}`}),this.map.flyTo(o(n.state,this.map.viewport,e))}else if("class"===t.kind){let s=w({kind:"top",classes:[t.index],sign:"helps"});n.set({...s,highlight:null});let i=u(e.labels??e.predictions,[t.index]);i.length>0&&this.map.flyTo(D(e,i))}else if("selection"===t.kind)k(this.session,t.selection);else{let{kind:i,id:a}=t,l={ids:[a],name:s,event:null},r="sample"===i&&m(e)?{atlas:e.key}:{},o="concept"===i?l:{...l,of:i,...r};n.set({highlight:o}),this.map.flyTo(D(e,d(e,o)))}}},F={styles:".find{z-index:5;flex-direction:column;gap:8px;width:min(520px,100% - 24px);max-height:calc(100% - 24px);padding:8px 8px 10px;display:flex;position:absolute;top:12px;left:50%;transform:translate(-50%)}.find-head{align-items:center;gap:4px;display:flex}.find input[type=text]{flex:1;height:36px;font-size:15px}.find input::placeholder{color:var(--muted);opacity:1}.find ul{min-height:64px;max-height:336px;overflow:auto}.find li{cursor:pointer;border-radius:4px;grid-template-columns:60px minmax(80px,auto) minmax(0,1fr);align-items:center;gap:10px;min-height:32px;padding:0 10px;display:grid}.find li:hover{background:var(--control)}.find [aria-selected=true]{background:var(--accent-soft);box-shadow:inset 0 0 0 2px var(--accent)}.find .kind,.find .number{font-size:12px}.find .number{text-align:end}.find p{padding:0 10px;font-size:12px}",create:({session:e,map:t,update:s})=>new E(e,t,s)};export{F as search};