import{$t as e,Dn as t,En as a,Jn as s,Jt as n,On as i,Vt as o,Xn as r,Xt as l,Zn as d,Zt as c,cr as p,fr as u,gr as h,mr as f,on as b,pr as g,ur as m}from"./chunk-shared-Cte8lVvY.js";var x={icons:"Icons only",class:"Class",prediction:"Prediction",concept:"Concept",purity:"Purity",accuracy:"Accuracy",confusion:"Confusion",entropy:"Entropy",cosine:"Cosine",population:"Population"},v={icons:"Icons",points:"Points",both:"Both"},y=class extends u{static{this.styles=h(':host{--ground:#f5f6f7;--surface:#fff;--raised:#fff;--text:#212121;--muted:#5f6368;--line:#dadce0;--control:#f1f3f4;--accent:#c74600;--on-accent:#fff;--accent-soft:#c746000a;--bad:#b3261e;--skeleton:#e3e5e8;--gain:#d55e00;--loss:#0072b2;--shadow:0 1px 2px #0000001f, 0 4px 16px #0000001f;--lightningcss-light:initial;--lightningcss-dark: ;color-scheme:light;color:var(--text);background:var(--ground);font:13px/1.45 Roboto,system-ui,-apple-system,Segoe UI,sans-serif}:host([data-theme=dark]){--ground:#282828;--surface:#303030;--raised:#383838;--text:#f1f1f1;--muted:#b8b8b8;--line:#4d4d4d;--control:#3d3d3d;--accent:#ffa726;--on-accent:#212121;--accent-soft:#ffa7261f;--bad:#ff8a80;--skeleton:#3a3a3a;--gain:#ffa04d;--loss:#6ab7ff;--shadow:0 1px 2px #0006, 0 4px 16px #0006;--lightningcss-light: ;--lightningcss-dark:initial;color-scheme:dark}@media (forced-colors:active){:host,:host([data-theme]){--ground:Canvas;--surface:Canvas;--raised:Canvas;--text:CanvasText;--muted:CanvasText;--line:CanvasText;--control:Canvas;--accent:Highlight;--on-accent:HighlightText;--accent-soft:Canvas;--bad:CanvasText;--skeleton:GrayText;--gain:Highlight;--loss:CanvasText}}:host{flex-direction:column;height:100%;display:flex;overflow:hidden}*,:before,:after{box-sizing:border-box}.hidden{clip-path:inset(50%);white-space:nowrap;width:1px;height:1px;position:absolute;overflow:hidden}:focus-visible{outline:2px solid var(--accent);outline-offset:1px}.bar{background:var(--surface);flex:none;align-items:center;gap:8px 20px;padding:8px 16px;display:flex}header.bar{border-bottom:1px solid var(--line);flex-wrap:wrap;gap:8px 14px;min-height:49px}footer.bar{border-top:1px solid var(--line);min-height:68px}.field{align-items:center;gap:8px;min-width:0;display:flex}.field>label,.field>.label{color:var(--muted);white-space:nowrap;font-size:12px}@media (max-width:1320px){.field>label,.field>.label{clip-path:inset(50%);width:1px;position:absolute;overflow:hidden}}.buttons{gap:2px;margin-left:auto;display:flex}select{appearance:none;font:inherit;color:inherit;border:1px solid var(--line);background-color:var(--surface);background-image:linear-gradient(45deg, #0000 50%, var(--muted) 50%), linear-gradient(-45deg, #0000 50%, var(--muted) 50%);text-overflow:ellipsis;cursor:pointer;background-position:calc(100% - 16px) 13px,calc(100% - 11px) 13px;background-repeat:no-repeat;background-size:5px 5px;border-radius:4px;min-width:96px;max-width:220px;height:32px;padding:0 28px 0 10px}select:hover{border-color:var(--muted)}option{background:var(--raised);color:var(--text)}button{font:inherit;color:inherit;cursor:pointer;background:0 0;border:0;padding:0}button:disabled{opacity:.38;cursor:default}label:has(:disabled){opacity:.38;cursor:default}.icon-button{width:32px;height:32px;color:var(--muted);border-radius:50%;place-items:center;display:inline-grid}.icon-button:hover:not(:disabled){background:var(--control);color:var(--text)}.icon-button svg{fill:currentColor;width:20px;height:20px}.segments{border:1px solid var(--line);border-radius:4px;display:inline-flex;overflow:hidden}.segments label{cursor:pointer;height:30px;color:var(--muted);place-items:center;padding:0 12px;display:grid;position:relative}.segments label+label{border-left:1px solid var(--line)}.segments label:hover{background:var(--control)}.segments label:has(:checked){background:var(--accent-soft);color:var(--accent);font-weight:500}.segments label:has(:focus-visible){outline:2px solid var(--accent);outline-offset:-2px}.segments input{opacity:0;cursor:pointer;margin:0;position:absolute;inset:0}.middle{flex:1;min-height:0;display:flex;position:relative}.stage{flex:1;min-width:0;position:relative;overflow:hidden}atlas-map{cursor:grab;touch-action:none;position:absolute;inset:0;overflow:hidden}atlas-map.dragging{cursor:grabbing}atlas-map:focus-visible{outline-offset:-2px}atlas-map canvas{pointer-events:none;width:100%;height:100%;position:absolute;inset:0}.progress{pointer-events:none;justify-items:center;padding:12px;display:grid;position:absolute;inset:0 0 auto;overflow:hidden}.progress:after{content:"";background:var(--accent);width:30%;height:3px;animation:1.2s ease-in-out infinite slide;position:absolute;inset:0 0 auto}.skeleton{pointer-events:none;place-items:center;display:grid;position:absolute;inset:0}.skeleton:before{content:"";aspect-ratio:1;background:var(--skeleton);height:min(100% - 40px,100vw);-webkit-mask:conic-gradient(from 90deg at 5px 5px, #0000 25%, #000 0) 0 0 / 10% 10%;mask:conic-gradient(from 90deg at 5px 5px, #0000 25%, #000 0) 0 0 / 10% 10%;border-radius:50%;animation:1.6s ease-in-out infinite breathe}.skeleton span{position:absolute}.skeleton span,.progress span{background:var(--raised);box-shadow:var(--shadow);color:var(--muted);border-radius:16px;padding:6px 14px}.progress span{animation:1ms .4s backwards appear}@keyframes appear{0%{opacity:0}}@keyframes slide{0%{transform:translate(-100%)}to{transform:translate(340%)}}@keyframes breathe{50%{opacity:.55}}@media (prefers-reduced-motion:reduce){*,:before,:after{transition:none!important;animation:none!important}}')}#e=new c;#t=new e(this.#e,new p);#a=null;#s=!1;#n="";#i;connectedCallback(){super.connectedCallback(),m(e=>this.#e.set({dark:e,forced:i()})),this.#e.subscribe((e,t)=>this.#o(e,t)),this.#t.start()}render(){let{state:e}=this.#e,{phase:t,busy:a,stepFailure:i,shownLevel:c,arriving:p}=e,u="loading"===t||"ready"===t&&null===c&&!i,h="empty"===t||"failed"===t;return f`
      ${h?g:function(e,t,a=g,i=g){let c,p,{runs:u,run:h,series:m,atlas:y,color:w,level:k}=e,{store:$}=t,C=e=>d(e.run)&&s(u,e)||e,S=u.filter(e=>e.series.length>0&&C(e)===e).map(e=>({value:e.id,label:r(e.run)||"(log directory)"}));return f`<header class="bar" aria-label="What the map shows">
    ${o("run","Run",S,h?C(h).id:"",e=>t.chooseRun(e))}
    ${i}
    ${o("layer","Layer",n(e),m?.id??"",e=>t.chooseSeries(e))}
    ${o("color","Color by",(c=y?.labels===null||y?.predictions===null,p={class:y?.labels===null,prediction:y?.predictions===null,concept:y?.concepts===null,purity:y?.labels===null&&null===y.predictions,accuracy:c,confusion:c,entropy:y?.labels===null&&null===y.predictions},Object.entries(x).map(([e,t])=>{let a=!0===p[e];return{value:e,label:a?`${t} (not recorded)`:t,disabled:a}})),w,e=>$.set({color:e}))}
    ${o("level","Grid",function({atlas:e,shownLevel:t}){let a=null===t?"":` (${t} \xd7 ${t})`;return[{value:"auto",label:`By zoom${a}`},...(e?.levels??[]).map(({size:e})=>({value:String(e),label:`${e} \xd7 ${e}`}))]}(e),String(k),e=>$.set({level:"auto"===e?"auto":Number(e)}))}
    ${function({show:e},t){return f`<span class="field" role="radiogroup" aria-labelledby="show-label">
    <span class="label" id="show-label">Show</span>
    <span class="segments">
      ${b.map(a=>f`<label>
            <input
              type="radio"
              name="show"
              value=${a}
              .checked=${a===e}
              @change=${()=>t(a)}
            />${v[a]}
          </label>`)}
    </span>
  </span>`}(e,e=>$.set({show:e}))}
    <span class="buttons">
      ${a}
      ${l({icon:"help",name:"How to read the map, and keys",key:"?",press:()=>$.set({help:!0})})}
    </span>
  </header>`}(e,this.#t,this.#a?.tools(e),this.#a?.layouts(e))}
      ${!h&&this.#a?.strip(e)||g}
      <div class="middle">
        ${this.#a?.rail(e)??g}
        <main class="stage">
          <h1 class="hidden">Activation atlas</h1>
          <atlas-map
            .session=${this.#t}
            tabindex="0"
            ?inert=${h}
            role="application"
            aria-roledescription="map"
            aria-label=${function({series:e,step:t}){return null===e?"Activation atlas":`Activation atlas of ${e.layer.slice(0,200)} at step ${t}`}(e)}
            aria-describedby="map-hint"
          ></atlas-map>
          <span id="map-hint" class="hidden">
            Arrow keys move between cells, Enter pins a cell, plus and minus zoom, comma and period
            change the step, question mark lists all keys.
          </span>
          ${u?f`<div class="skeleton"><span>Loading the atlas … ${p}</span></div>`:g}
          ${!u&&(a||p)?f`<div class="progress">${p&&f`<span>${p}</span>`}</div>`:g}
          ${this.#a?.stage(e)??g}
        </main>
      </div>
      ${h||!this.#a?this.#r(h):this.#a.footer(e)}
      <div class="hidden" role="status" aria-live="polite">${this.#n}</div>
    `}updated(){let{phase:e,settled:t,shownLevel:a,step:s,atlas:n,stepFailure:i,dark:o,series:r,renderer:l}=this.#e.state,d="empty"===e||"failed"===e||null!==i,c={theme:o?"dark":"light",phase:e,ready:String(this.#a?.ready(this.#e.state)===!0&&(t||d)),level:String(a??""),step:String(s??""),shownStep:String(n?.step??""),layer:r?.layer.slice(0,200)??"",failure:i?.kind??"",renderer:l};Object.assign(this.dataset,c)}get #l(){let e=this.renderRoot.querySelector("atlas-map");return e instanceof a?e:null}#o(e,t){this.requestUpdate();let a="empty"===e.phase||"failed"===e.phase;!this.#s&&null===this.#a&&(null!==e.shownLevel||a||e.stepFailure)&&this.#d(),this.#c(e,t)}#c(e,t){let a=this.#a?.announce(e,t)??null;null!==a&&this.#p(a)}async #d(){let e=await t(()=>import("./chunk-shell-4BsR2oD5.js").then(e=>e.t),[],import.meta.url).catch(()=>null),a=this.#l;if(this.requestUpdate(),this.#s=null===e,null!==this.#a||null===a||null===e)return;this.#a=new e.Shell(this.#t,a,()=>this.requestUpdate());let{state:s}=this.#e;this.#c(s,{...s,missing:{}})}#r(e){return this.#s?f`<footer class="bar" role="alert">
        Part of this tab failed to load: TensorBoard does not respond.
        <button type="button" @click=${()=>void this.#d()}>Retry</button>
      </footer>`:e?g:f`<footer class="bar"></footer>`}#p(e){clearTimeout(this.#i),this.#i=setTimeout(()=>{this.#n=e,this.requestUpdate()},500)}};function w(){document.documentElement.lang="en",document.title="Atlas";let{documentElement:e,body:t}=document;for(let a of[e,t])Object.assign(a.style,{height:"100%",margin:"0"});let a=document.createElement("atlas-app");a.dataset.version="0.1.0",t.replaceChildren(a)}customElements.define("atlas-app",y);export{w as render};