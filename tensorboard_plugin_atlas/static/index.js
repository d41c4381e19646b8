import{H as e,O as t,V as n,dt as r,i,j as a,lt as o,n as s,ot as c,r as l,st as u,ut as d}from"./chunk-base-MjkGkRbU.js";var f=500,p=class extends o{static styles=[l,s];#e=new a;#t=new i(this.#e,new c);#n=null;#r=``;#i;connectedCallback(){super.connectedCallback(),u(e=>this.#e.set({dark:e})),this.#e.subscribe((e,t)=>this.#o(e,t)),this.#t.start()}render(){let{state:e}=this.#e,{atlas:n,phase:i,busy:a,stepFailure:o}=e,s=i===`loading`||i===`ready`&&n===null&&!o,c=i===`empty`||i===`failed`;return r`
${c?d:t(e,this.#t,this.#n?.tools(e),this.#n?.layouts(e))}
<div class="middle">
${this.#n?.rail(e)??d}
<main class="stage">
<h1 class="hidden">Activation atlas</h1>
<atlas-map
.session=${this.#t}
tabindex="0"
role="application"
aria-roledescription="map"
aria-label=${m(e)}
aria-describedby="map-hint"
></atlas-map>
<span id="map-hint" class="hidden">
Arrow keys move between cells, Enter pins a cell, plus and minus zoom, comma and full stop
change the step, question mark lists all keys.
</span>
${s?r`<div class="skeleton"><span>Loading the atlas …</span></div>`:d}
${a&&n!==null?r`<div class="progress"></div>`:d}
${this.#n?.stage(e)??d}
</main>
</div>
${c?d:this.#n?.timeline(e)??r`<footer class="bar"></footer>`}
<div class="hidden" role="status" aria-live="polite">${this.#r}</div>
`}updated(e){let{phase:t,settled:n,shownLevel:r,step:i,atlas:a,stepFailure:o,dark:s,series:c,renderer:l}=this.#e.state,u=t===`empty`||t===`failed`||o!==null,d={theme:s?`dark`:`light`,phase:t,ready:String(this.#n?.complete(this.#e.state)===!0&&(n||u)),level:String(r??``),step:String(i??``),shownStep:String(a?.step??``),layer:c?.layer.slice(0,200)??``,failure:o?.kind??``,renderer:l};Object.assign(this.dataset,d)}get#a(){let e=this.renderRoot.querySelector(`atlas-map`);return e instanceof n?e:null}#o(e,t){this.requestUpdate();let n=e.phase===`empty`||e.phase===`failed`;this.#n===null&&(e.shownLevel!==null||n||e.stepFailure)&&this.#s();let r=this.#n?.sentence(e,t)??null;r!==null&&this.#c(r)}async#s(){let{Later:t}=await e(async()=>{let{Later:e}=await import(`./chunk-later-1Dlu_yH2.js`).then(e=>e.t);return{Later:e}},[],import.meta.url),n=this.#a;if(this.#n!==null||n===null)return;this.#n=new t(this.#t,n,()=>this.requestUpdate());let r=this.renderRoot,i=t.styles.flatMap(({styleSheet:e})=>e??[]);r.adoptedStyleSheets=[...r.adoptedStyleSheets,...i],this.requestUpdate()}#c(e){clearTimeout(this.#i),this.#i=setTimeout(()=>{this.#r=e,this.requestUpdate()},f)}};customElements.define(`atlas-app`,p);function m({series:e,step:t}){return e===null?`Activation atlas`:`Activation atlas of ${e.layer.slice(0,200)} at step ${t}`}function h(){document.documentElement.lang=`en`,document.title=`Atlas`;let{documentElement:e,body:t}=document;for(let n of[e,t])Object.assign(n.style,{height:`100%`,margin:`0`});let n=document.createElement(`atlas-app`);n.dataset.version=`0.1.0`,t.replaceChildren(n)}export{h as render};