import{H as e,O as t,V as n,ft as r,i,j as a,lt as o,n as s,ot as c,pt as l,r as u,st as d,ut as f}from"./chunk-base-BlpFpTjo.js";var p=500,m=class extends o{#e=new a;#t=new i(this.#e,new c);#n=null;#r=``;#i;connectedCallback(){super.connectedCallback(),f(this.renderRoot,[u,s]),d(e=>this.#e.set({dark:e})),this.#e.subscribe((e,t)=>this.#o(e,t)),this.#t.start()}render(){let{state:e}=this.#e,{atlas:n,phase:i,busy:a,stepFailure:o}=e,s=i===`loading`||i===`ready`&&n===null&&!o,c=i===`empty`||i===`failed`;return l`
${c?r:t(e,this.#t,this.#n?.tools(e),this.#n?.layouts(e))}
<div class="middle">
${this.#n?.rail(e)??r}
<main class="stage">
<h1 class="hidden">Activation atlas</h1>
<atlas-map
.session=${this.#t}
tabindex="0"
role="application"
aria-roledescription="map"
aria-label=${h(e)}
aria-describedby="map-hint"
></atlas-map>
<span id="map-hint" class="hidden">
Arrow keys move between cells, Enter pins a cell, plus and minus zoom, comma and full stop
change the step, question mark lists all keys.
</span>
${s?l`<div class="skeleton"><span>Loading the atlas …</span></div>`:r}
${a&&n!==null?l`<div class="progress"></div>`:r}
${this.#n?.stage(e)??r}
</main>
</div>
${c?r:this.#n?.timeline(e)??l`<footer class="bar"></footer>`}
<div class="hidden" role="status" aria-live="polite">${this.#r}</div>
`}updated(){let{phase:e,settled:t,shownLevel:n,step:r,atlas:i,stepFailure:a,dark:o,series:s,renderer:c}=this.#e.state,l=e===`empty`||e===`failed`||a!==null,u={theme:o?`dark`:`light`,phase:e,ready:String(this.#n?.complete(this.#e.state)===!0&&(t||l)),level:String(n??``),step:String(r??``),shownStep:String(i?.step??``),layer:s?.layer.slice(0,200)??``,failure:a?.kind??``,renderer:c};Object.assign(this.dataset,u)}get#a(){let e=this.renderRoot.querySelector(`atlas-map`);return e instanceof n?e:null}#o(e,t){this.requestUpdate();let n=e.phase===`empty`||e.phase===`failed`;this.#n===null&&(e.shownLevel!==null||n||e.stepFailure)&&this.#s();let r=this.#n?.sentence(e,t)??null;r!==null&&this.#c(r)}async#s(){let{Later:t}=await e(async()=>{let{Later:e}=await import(`./chunk-later-8WtKfJ4z.js`).then(e=>e.r);return{Later:e}},[],import.meta.url),n=this.#a;this.#n===null&&n!==null&&(this.#n=new t(this.#t,n,()=>this.requestUpdate()),f(this.renderRoot,t.styles),this.requestUpdate())}#c(e){clearTimeout(this.#i),this.#i=setTimeout(()=>{this.#r=e,this.requestUpdate()},p)}};customElements.define(`atlas-app`,m);function h({series:e,step:t}){return e===null?`Activation atlas`:`Activation atlas of ${e.layer.slice(0,200)} at step ${t}`}function g(){document.documentElement.lang=`en`,document.title=`Atlas`;let{documentElement:e,body:t}=document;for(let n of[e,t])Object.assign(n.style,{height:`100%`,margin:`0`});let n=document.createElement(`atlas-app`);n.dataset.version=`0.1.0`,t.replaceChildren(n)}export{g as render};