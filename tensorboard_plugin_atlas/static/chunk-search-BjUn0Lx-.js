import{An as e,B as t,F as s,Gt as n,I as i,Kt as a,N as l,Nt as r,R as o,U as d,Vt as h,Wt as c,X as p,Yt as u,bn as m,bt as f,er as g,fr as x,ft as b,mt as $,n as k,pr as v,r as y,vn as w,yn as z,z as M}from"./chunk-shared-BSwaJvbm.js";var N=class{#e="";#t=0;constructor(e){this.update=e}render(e){var t;let{list:n,more:a}=e.find(this.#e);this.#t=Math.max(0,Math.min(this.#t,n.length-1));let r=""!==this.#e.trim();return v`<div
      class="find panel"
      role="search"
      aria-label="Find on the map"
      @focusout=${s(e.close)}
    >
      <div class="find-head">
        <input
          type="text"
          role="combobox"
          aria-label="Find"
          aria-expanded=${n.length>0}
          aria-controls="find-list"
          aria-autocomplete="list"
          aria-activedescendant=${n.length>0?`find-${this.#t}`:x}
          aria-describedby="find-hint"
          autocomplete="off"
          spellcheck="false"
          placeholder="Class, concept, 3, 12 or image 7"
          .value=${this.#e}
          ${l(i)}
          @input=${t=>this.#s(t.target.value,e)}
          @keydown=${t=>this.#n(t,n,e)}
        />
        ${u({icon:"close",name:"Close the search",key:"Esc",press:e.close})}
      </div>
      <ul id="find-list" role="listbox" aria-label="Results" ?hidden=${0===n.length}>
        ${n.map((t,s)=>this.#i(t,s,e))}
      </ul>
      <p id="find-hint" class="muted">${t=n.length,r?0===t?"No results.":a>0?`and ${h(a)} more: type to find them`:"Enter goes there.":"A name, “row, column” of this grid, an image number, or a saved selection."}</p>
    </div>`}#i({target:e,name:t,note:s},n,i){let l=n===this.#t;return v`<li
      id="find-${n}"
      role="option"
      data-kind=${e.kind}
      aria-selected=${l}
      @mousedown=${e=>e.preventDefault()}
      @click=${()=>i.choose(e,t)}
    >
      <span class="kind muted">${e.kind}</span>
      <span class="name">${a(t,60)}</span>
      <span class="muted number">${a(s,48)}</span>
    </li>`}#s(e,t){this.#e=e,this.#t=0,t.say(t.find(e)),this.update()}#n(e,t,s){let{key:n}=e,i={ArrowDown:1,ArrowUp:-1,PageDown:10,PageUp:-10}[n],a=t[this.#t];if("Escape"===n)s.close();else if("Enter"===n&&a)s.choose(a.target,a.name);else{if(void 0===i||!(t.length>0))return;this.#a(e,i,t.length)}e.preventDefault()}#a({currentTarget:e},t,s){let n=this.#t+t;this.#t=1===Math.abs(t)?(n+s)%s:Math.max(0,Math.min(s-1,n)),this.update(),e.closest(".find")?.querySelector(`#find-${this.#t}`)?.scrollIntoView({block:"nearest"})}},A=/^(?:r|row)?\s*(\d{1,4})\s*(?:[,;/x×]|\s)\s*(?:c|col|column)?\s*(\d{1,4})$/,I=/^(image|sample)?\s*#?(\d{1,9})$/;function B(e,t,s,i){let{size:a}=t,l=w(t,s,i);return{target:{kind:"cell",place:{size:a,row:s,col:i}},name:`row ${s+1}, column ${i+1}`,note:l<0?"too few samples to draw":function(e,t,s){let i=e.labels??e.predictions,a=n(t.counts[s],"sample");if(null===i)return a;let{index:l,share:o}=r(t,i);return`${z(e,l[s])} ${c(o[s])}, ${a}`}(e,t,l)}}function D(e,t){return null===e.labels?"":z(e,e.labels[t])}function E({xy:e},t){let s=s=>{let n=Float32Array.from(t,t=>e[2*t+s]).sort(),i=Math.floor(.05*n.length);return[n[i]??0,n[n.length-1-i]??1]},[[n,i],[a,l]]=[s(0),s(1)],r=Math.max(i-n,l-a,.175);return g({x:(n+i)/2,y:(a+l)/2,z:Math.max(1,.7/r)})}var F=class{#e=null;#t=[];#i=null;constructor(e,t,s){this.session=e,this.map=t,this.update=s}stage(e){let t=p(e),s=m(t,e.shownLevel);return e.finding&&t&&s?(null===this.#e&&(this.#e=new N(this.update),this.#t=k()),this.#e.render({find:e=>this.#s(t,s,e),say:e=>this.#n(e),choose:(e,s)=>this.#l(t,e,s),close:()=>this.#a()})):(this.#e=null,this.#i=null,x)}#s(s,i,a){let l=this.#i;if(l?.level===i&&l.search===a)return l.found;let o=function(s,i,a,l=[]){let o=a.trim().toLowerCase();if(""===o)return{list:[],more:0};let d=t(M(s),o),h=t(b(s)??[],o),c=Math.max(0,d.length-40)+Math.max(0,h.length-40),[p]=d;return{list:[...function(e,t,s){let n=A.exec(s);if(null===n)return[];let[i,a]=[Number(n[1])-1,Number(n[2])-1];return i<0||a<0||i>=t.size||a>=t.size?[]:[B(e,t,i,a)]}(s,i,o),...function(t,s){let i=I.exec(s);if(null===i)return[];let[,a,l=""]=i,r=Number(l),o=new Map;for(let e of"sample"===a?[]:t.imageIds)String(e).startsWith(l)&&o.set(e,(o.get(e)??0)+1);let d=[...o].sort(([e],[t])=>e-t).slice(0,5).map(([e,s])=>{let i=[D(t,t.imageIds.indexOf(e)),n(s,"sample")].filter(Boolean).join(", ");return{target:{kind:"image",id:e},name:`image ${e}`,note:i}});if("sample"!==a||r>=t.count)return d;let h=e(t)?"this step only":"",c=[D(t,r),`image ${t.imageIds[r]}`,h].filter(Boolean).join(", ");return[{target:{kind:"sample",id:r},name:`sample ${r}`,note:c}]}(s,o),...d.slice(0,40).map(({index:e,name:t,note:s})=>({target:{kind:"class",index:e},name:t||"(no name)",note:s})),...p?function(e,t,s){let n=e.labels??e.predictions;if(null===n)return[];let i=r(t,n),a=e=>Number(t.counts[e]<8);return[...i.index.keys()].filter(e=>i.index[e]===s).sort((e,t)=>a(e)-a(t)||i.share[t]-i.share[e]||e-t).slice(0,5).map(s=>B(e,t,t.rows[s],t.cols[s]))}(s,i,p.index):[],...h.slice(0,40).map(({id:e,name:t,size:s})=>({target:{kind:"concept",id:e},name:t,note:n(s,"sample")})),...t(l,o).map(e=>({target:{kind:"selection",selection:e},name:e.name,note:`${n(e.rows.length,"sample")}, ${e.layer}`}))],more:c}}(s,i,a,this.#t);return this.#i={level:i,search:a,found:o},o}#n({list:e,more:t}){this.session.store.set({said:0===e.length?"Nothing found":n(e.length+t,"result")})}#a(){let{store:e}=this.session;e.set({finding:!1});let t=this.map.getRootNode();((e.state.table?t.querySelector(".table-body"):null)??this.map).focus()}#l(t,s,n){let{store:i}=this.session;if("class"!==s.kind&&"cell"!==s.kind&&i.set({table:!1}),this.#a(),"cell"===s.kind){let{place:e}=s;i.set({pinned:e,hover:null,said:`Pinned: ${n}`}),this.map.flyTo(o(i.state,this.map.viewport,e))}else if("class"===s.kind){let e=f({kind:"top",classes:[s.index],sign:"helps"});i.set({...e,highlight:null});let n=$(t.labels??t.predictions,[s.index]);n.length>0&&this.map.flyTo(E(t,n))}else if("selection"===s.kind)y(this.session,s.selection);else{let{kind:a,id:l}=s,r={ids:[l],name:n,event:null},o="sample"===a&&e(t)?{atlas:t.key}:{},h="concept"===a?r:{...r,of:a,...o};i.set({highlight:h}),this.map.flyTo(E(t,d(t,h)))}}},S={styles:".find{z-index:5;flex-direction:column;gap:8px;width:min(520px,100% - 24px);max-height:calc(100% - 24px);padding:8px 8px 10px;display:flex;position:absolute;top:12px;left:50%;transform:translate(-50%)}.find-head{align-items:center;gap:4px;display:flex}.find input[type=text]{flex:1;height:36px;font-size:15px}.find input::placeholder{color:var(--muted);opacity:1}.find ul{min-height:64px;max-height:336px;overflow:auto}.find li{cursor:pointer;border-radius:4px;grid-template-columns:60px minmax(80px,auto) minmax(0,1fr);align-items:center;gap:10px;min-height:32px;padding:0 10px;display:grid}.find li:hover{background:var(--control)}.find [aria-selected=true]{background:var(--accent-soft);box-shadow:inset 0 0 0 2px var(--accent)}.find .kind,.find .number{font-size:12px}.find .number{text-align:end}.find p{padding:0 10px;font-size:12px}",create:({session:e,map:t,update:s})=>new F(e,t,s)};export{S as search};