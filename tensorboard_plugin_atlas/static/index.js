import{$n as e,Bn as t,Bt as n,Ht as r,Ln as i,Mt as a,Rt as o,Vt as s,Yt as c,Zn as l,_n as u,ar as d,gn as f,hn as p,nr as m,rr as h,tr as g,zn as _}from"./chunk-shared-Clqkak8R.js";var v=`:host{--ground:#f5f6f7;--surface:#fff;--raised:#fff;--text:#212121;--muted:#5f6368;--line:#dadce0;--control:#f1f3f4;--accent:#c74600;--on-accent:#fff;--accent-soft:#c746000a;--bad:#b3261e;--skeleton:#e3e5e8;--gain:#d55e00;--loss:#0072b2;--shadow:0 1px 2px #0000001f, 0 4px 16px #0000001f;--lightningcss-light:initial;--lightningcss-dark: ;color-scheme:light;color:var(--text);background:var(--ground);font:13px/1.45 Roboto,system-ui,-apple-system,Segoe UI,sans-serif}:host([data-theme=dark]){--ground:#282828;--surface:#303030;--raised:#383838;--text:#f1f1f1;--muted:#b8b8b8;--line:#4d4d4d;--control:#3d3d3d;--accent:#ffa726;--on-accent:#212121;--accent-soft:#ffa7261f;--bad:#ff8a80;--skeleton:#3a3a3a;--gain:#ffa04d;--loss:#6ab7ff;--shadow:0 1px 2px #0006, 0 4px 16px #0006;--lightningcss-light: ;--lightningcss-dark:initial;color-scheme:dark}@media (forced-colors:active){:host,:host([data-theme]){--ground:Canvas;--surface:Canvas;--raised:Canvas;--text:CanvasText;--muted:CanvasText;--line:CanvasText;--control:Canvas;--accent:Highlight;--on-accent:HighlightText;--accent-soft:Canvas;--bad:CanvasText;--skeleton:GrayText;--gain:Highlight;--loss:CanvasText}}:host{flex-direction:column;height:100%;display:flex;overflow:hidden}*,:before,:after{box-sizing:border-box}.hidden{clip-path:inset(50%);white-space:nowrap;width:1px;height:1px;position:absolute;overflow:hidden}:focus-visible{outline:2px solid var(--accent);outline-offset:1px}.bar{background:var(--surface);flex:none;align-items:center;gap:8px 20px;padding:8px 16px;display:flex}header.bar{border-bottom:1px solid var(--line);flex-wrap:wrap;gap:8px 14px;min-height:49px}footer.bar{border-top:1px solid var(--line);min-height:68px}.field{align-items:center;gap:8px;min-width:0;display:flex}.field>label,.field>.label{color:var(--muted);white-space:nowrap;font-size:12px}@media (max-width:1320px){.field>label,.field>.label{clip-path:inset(50%);width:1px;position:absolute;overflow:hidden}}.buttons{gap:2px;margin-left:auto;display:flex}select{appearance:none;font:inherit;color:inherit;border:1px solid var(--line);background-color:var(--surface);background-image:linear-gradient(45deg, #0000 50%, var(--muted) 50%), linear-gradient(-45deg, #0000 50%, var(--muted) 50%);text-overflow:ellipsis;cursor:pointer;background-position:calc(100% - 16px) 13px,calc(100% - 11px) 13px;background-repeat:no-repeat;background-size:5px 5px;border-radius:4px;min-width:96px;max-width:220px;height:32px;padding:0 28px 0 10px}select:hover{border-color:var(--muted)}option{background:var(--raised);color:var(--text)}button{font:inherit;color:inherit;cursor:pointer;background:0 0;border:0;padding:0}button:disabled{opacity:.38;cursor:default}label:has(:disabled){opacity:.38;cursor:default}.icon-button{width:32px;height:32px;color:var(--muted);border-radius:50%;place-items:center;display:inline-grid}.icon-button:hover:not(:disabled){background:var(--control);color:var(--text)}.icon-button svg{fill:currentColor;width:20px;height:20px}.segments{border:1px solid var(--line);border-radius:4px;display:inline-flex;overflow:hidden}.segments label{cursor:pointer;height:30px;color:var(--muted);place-items:center;padding:0 12px;display:grid;position:relative}.segments label+label{border-left:1px solid var(--line)}.segments label:hover{background:var(--control)}.segments label:has(:checked){background:var(--accent-soft);color:var(--accent);font-weight:500}.segments label:has(:focus-visible){outline:2px solid var(--accent);outline-offset:-2px}.segments input{opacity:0;cursor:pointer;margin:0;position:absolute;inset:0}.middle{flex:1;min-height:0;display:flex;position:relative}.stage{flex:1;min-width:0;position:relative;overflow:hidden}atlas-map{cursor:grab;touch-action:none;position:absolute;inset:0;overflow:hidden}atlas-map.dragging{cursor:grabbing}atlas-map:focus-visible{outline-offset:-2px}atlas-map canvas{pointer-events:none;width:100%;height:100%;position:absolute;inset:0}.progress{pointer-events:none;justify-items:center;padding:12px;display:grid;position:absolute;inset:0 0 auto;overflow:hidden}.progress:after{content:"";background:var(--accent);width:30%;height:3px;animation:1.2s ease-in-out infinite slide;position:absolute;inset:0 0 auto}.skeleton{pointer-events:none;place-items:center;display:grid;position:absolute;inset:0}.skeleton:before{content:"";aspect-ratio:1;background:var(--skeleton);height:min(100% - 40px,100vw);-webkit-mask:conic-gradient(from 90deg at 5px 5px, #0000 25%, #000 0) 0 0 / 10% 10%;mask:conic-gradient(from 90deg at 5px 5px, #0000 25%, #000 0) 0 0 / 10% 10%;border-radius:50%;animation:1.6s ease-in-out infinite breathe}.skeleton span{position:absolute}.skeleton span,.progress span{background:var(--raised);box-shadow:var(--shadow);color:var(--muted);border-radius:16px;padding:6px 14px}.progress span{animation:1ms .4s backwards appear}@keyframes appear{0%{opacity:0}}@keyframes slide{0%{transform:translate(-100%)}to{transform:translate(340%)}}@keyframes breathe{50%{opacity:.55}}@media (prefers-reduced-motion:reduce){*,:before,:after{transition:none!important;animation:none!important}}`,y={icons:`Icons only`,class:`Class`,prediction:`Prediction`,purity:`Purity`,accuracy:`Accuracy`,confusion:`Confusion`,entropy:`Entropy`,cosine:`Cosine`,population:`Population`},b={icons:`Icons`,points:`Points`,both:`Both`};function x(e,r,s=m,c=m){let{runs:l,run:u,series:d,atlas:f,color:p,level:g}=e,{store:v}=r,y=e=>t(e.run)&&i(l,e)||e,b=l.filter(e=>e.series.length>0&&y(e)===e).map(e=>({value:e.id,label:_(e.run)||`(log directory)`}));return h`<header class="bar" aria-label="What the map shows">
    ${a(`run`,`Run`,b,u?y(u).id:``,e=>r.chooseRun(e))}
    ${c}
    ${a(`layer`,`Layer`,o(e),d?.id??``,e=>r.chooseSeries(e))}
    ${a(`color`,`Color by`,S(f),p,e=>v.set({color:e}))}
    ${a(`level`,`Grid`,C(e),String(g),e=>v.set({level:e===`auto`?`auto`:Number(e)}))}
    ${w(e,e=>v.set({show:e}))}
    <span class="buttons">
      ${s}
      ${n({icon:`help`,name:`How to read the map, and keys`,key:`?`,press:()=>v.set({help:!0})})}
    </span>
  </header>`}function S(e){let t=e?.labels===null||e?.predictions===null,n={class:e?.labels===null,prediction:e?.predictions===null,purity:e?.labels===null&&e.predictions===null,accuracy:t,confusion:t,entropy:e?.labels===null&&e.predictions===null};return Object.entries(y).map(([e,t])=>{let r=n[e]===!0;return{value:e,label:r?`${t} (not recorded)`:t,disabled:r}})}function C({atlas:e,shownLevel:t}){let n=t===null?``:` (${t} × ${t})`,r=(e?.levels??[]).map(({size:e})=>({value:String(e),label:`${e} × ${e}`}));return[{value:`auto`,label:`By zoom${n}`},...r]}function w({show:e},t){return h`<span class="field" role="radiogroup" aria-labelledby="show-label">
    <span class="label" id="show-label">Show</span>
    <span class="segments">
      ${c.map(n=>h`<label>
            <input
              type="radio"
              name="show"
              value=${n}
              .checked=${n===e}
              @change=${()=>t(n)}
            />${b[n]}
          </label>`)}
    </span>
  </span>`}var T=500,E=class extends g{static{this.styles=d(v)}#e=new s;#t=new r(this.#e,new l);#n=null;#r=!1;#i=``;#a;connectedCallback(){super.connectedCallback(),e(e=>this.#e.set({dark:e,forced:u()})),this.#e.subscribe((e,t)=>this.#s(e,t)),this.#t.start()}render(){let{state:e}=this.#e,{phase:t,busy:n,stepFailure:r,shownLevel:i,arriving:a}=e,o=t===`loading`||t===`ready`&&i===null&&!r,s=t===`empty`||t===`failed`;return h`
      ${s?m:x(e,this.#t,this.#n?.tools(e),this.#n?.layouts(e))}
      ${!s&&this.#n?.strip(e)||m}
      <div class="middle">
        ${this.#n?.rail(e)??m}
        <main class="stage">
          <h1 class="hidden">Activation atlas</h1>
          <atlas-map
            .session=${this.#t}
            tabindex="0"
            ?inert=${s}
            role="application"
            aria-roledescription="map"
            aria-label=${D(e)}
            aria-describedby="map-hint"
          ></atlas-map>
          <span id="map-hint" class="hidden">
            Arrow keys move between cells, Enter pins a cell, plus and minus zoom, comma and period
            change the step, question mark lists all keys.
          </span>
          ${o?h`<div class="skeleton"><span>Loading the atlas … ${a}</span></div>`:m}
          ${!o&&(n||a)?h`<div class="progress">${a&&h`<span>${a}</span>`}</div>`:m}
          ${this.#n?.stage(e)??m}
        </main>
      </div>
      ${s||!this.#n?this.#u(s):this.#n.footer(e)}
      <div class="hidden" role="status" aria-live="polite">${this.#i}</div>
    `}updated(){let{phase:e,settled:t,shownLevel:n,step:r,atlas:i,stepFailure:a,dark:o,series:s,renderer:c}=this.#e.state,l=e===`empty`||e===`failed`||a!==null,u={theme:o?`dark`:`light`,phase:e,ready:String(this.#n?.ready(this.#e.state)===!0&&(t||l)),level:String(n??``),step:String(r??``),shownStep:String(i?.step??``),layer:s?.layer.slice(0,200)??``,failure:a?.kind??``,renderer:c};Object.assign(this.dataset,u)}get#o(){let e=this.renderRoot.querySelector(`atlas-map`);return e instanceof p?e:null}#s(e,t){this.requestUpdate();let n=e.phase===`empty`||e.phase===`failed`;!this.#r&&this.#n===null&&(e.shownLevel!==null||n||e.stepFailure)&&this.#l(),this.#c(e,t)}#c(e,t){let n=this.#n?.announce(e,t)??null;n!==null&&this.#d(n)}async#l(){let e=await f(()=>import(`./chunk-shell-B8Mq4hw2.js`).then(e=>e.t),[],import.meta.url).catch(()=>null),t=this.#o;if(this.requestUpdate(),this.#r=e===null,this.#n!==null||t===null||e===null)return;this.#n=new e.Shell(this.#t,t,()=>this.requestUpdate());let{state:n}=this.#e;this.#c(n,{...n,missing:{}})}#u(e){return this.#r?h`<footer class="bar" role="alert">
        Part of this tab failed to load: TensorBoard does not respond.
        <button type="button" @click=${()=>void this.#l()}>Retry</button>
      </footer>`:e?m:h`<footer class="bar"></footer>`}#d(e){clearTimeout(this.#a),this.#a=setTimeout(()=>{this.#i=e,this.requestUpdate()},T)}};customElements.define(`atlas-app`,E);function D({series:e,step:t}){return e===null?`Activation atlas`:`Activation atlas of ${e.layer.slice(0,200)} at step ${t}`}function O(){document.documentElement.lang=`en`,document.title=`Atlas`;let{documentElement:e,body:t}=document;for(let n of[e,t])Object.assign(n.style,{height:`100%`,margin:`0`});let n=document.createElement(`atlas-app`);n.dataset.version=`0.1.0`,t.replaceChildren(n)}export{O as render};