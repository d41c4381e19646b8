import{C as e,O as t,S as n,T as r,_ as i,i as a,o,r as s,s as c,t as l,w as u}from"./chunk-api-BNfmm05E.js";import{a as d,d as f,f as p,g as m,h,i as g,l as _,m as v,n as y,o as ee,p as b,r as x,s as S,t as C,u as w}from"./chunk-link-Csh3u3zP.js";import{a as te,f as T,i as ne,n as re,o as ie,p as ae,s as E,t as D,u as O}from"./chunk-scene-JCkE3ieN.js";var k=.82,A=.3;function j(e,t,n){let r=0;return e.forEach((e,i)=>{let a=e.size===n?46*k:46;e.covered>=A&&t/e.size>=a&&(r=i)}),r}function M(e,t,n,r){let i=e.findIndex(e=>e.size===t);return i>=0?i:j(e,n,r)}var N=class{#e=[];get items(){return this.#e}get current(){return this.#e.at(-1)?.item??null}get moving(){return this.#e.length>1}show(e){if(e===this.current)return;let t=this.#e.find(t=>t.item===e),n=this.#e.filter(t=>t.item!==e),r=this.#e.length===0?1:t?.weight??0;this.#e=[...n,{item:e,weight:r}]}swap(e){let t=this.#e.pop();this.#e.push({item:e,weight:t?.weight??1})}advance(e){let t=this.#e.at(-1);if(t===void 0||!this.moving)return;let n=Math.min(1,t.weight+e);if(n===1){this.#e=[{item:t.item,weight:1}];return}let r=(1-n)/(1-t.weight);this.#e=this.#e.map(e=>e===t?{item:e.item,weight:n}:{item:e.item,weight:e.weight*r})}clear(){this.#e=[]}},P=192<<20,F=5.4,I=65535,L={cells:0,colours:1,sheet:2},R=`#version 300 es
uniform vec2 uOrigin;
uniform float uSide;
uniform vec2 uViewport;
out vec2 vWorld;
void main() {
  vWorld = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  vec2 screen = (uOrigin + vWorld * uSide) / uViewport;
  gl_Position = vec4(screen.x * 2.0 - 1.0, 1.0 - screen.y * 2.0, 0.0, 1.0);
}`,z=`#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D uCells;
uniform sampler2D uColours;
uniform sampler2D uSheet;
uniform int uSize;
uniform uint uPage;
uniform bool uHasSheet;
uniform float uCellPixels;
uniform float uTile;
uniform float uColumns;
uniform vec2 uSheetPixels;
uniform vec3 uNeutral;
uniform float uRim;
uniform float uWeight;
in vec2 vWorld;
out vec4 outColour;

vec3 icon(uint place, vec2 within, float side) {
  float lod = clamp(log2(uTile / max(side, 1.0)), 0.0, max(0.0, log2(uTile) - 2.0));
  float inset = 0.5 * exp2(lod) / uTile;
  vec2 corner = vec2(mod(float(place), uColumns), floor(float(place) / uColumns));
  vec2 texel = (corner + clamp(within, inset, 1.0 - inset)) * uTile;
  return textureLod(uSheet, texel / uSheetPixels, lod).rgb;
}

void main() {
  vec2 grid = vWorld * float(uSize);
  ivec2 cell = ivec2(clamp(floor(grid), 0.0, float(uSize - 1)));
  uvec4 data = texelFetch(uCells, cell, 0);
  if (data.g != uPage) discard;
  float scale = float(data.b) / 65535.0;
  float side = scale * uCellPixels;
  vec2 local = grid - vec2(cell) - 0.5;
  float radius = min(4.0, 0.1 * side);
  vec2 edge = abs(local * uCellPixels) - (0.5 * side - radius);
  float distance = length(max(edge, 0.0)) + min(max(edge.x, edge.y), 0.0) - radius;
  float cover = clamp(0.5 - distance, 0.0, 1.0);
  if (cover <= 0.0) discard;
  vec4 rim = texelFetch(uColours, cell, 0);
  vec3 colour;
  if (uHasSheet) {
    colour = icon(data.r, local / scale + 0.5, side);
    colour = mix(colour, rim.rgb, rim.a * clamp(0.5 + distance + uRim, 0.0, 1.0));
  } else {
    colour = mix(uNeutral, rim.rgb, rim.a * 0.8);
  }
  float alpha = cover * uWeight;
  outColour = vec4(colour * alpha, alpha);
}`,B=class{gl;#e;#t=new Map;#n=new Map;constructor(e){this.gl=e,this.#e=v(e,R,z)}draw({scene:e,weight:t},n){let{gl:r}=this,{level:i}=e,{uniform:a}=this.#e,o=this.#s(i);r.useProgram(this.#e.program),r.blendFunc(r.ONE,r.ONE),this.#r(i,n),this.#a(L.cells,o.cells),this.#a(L.colours,o.colours),this.#c(i,o,e.cellColours),r.uniform1i(a(`uCells`),L.cells),r.uniform1i(a(`uColours`),L.colours),r.uniform1i(a(`uSheet`),L.sheet),r.uniform1f(a(`uWeight`),t),r.uniform1f(a(`uTile`),i.entry.tile??1),r.uniform1f(a(`uColumns`),i.entry.columns??1),r.uniform3f(a(`uNeutral`),...H(n.neutral)),e.pages.forEach((e,t)=>{this.#i(t,e)}),this.#i(I,null)}prune(e){let t=new Set(e.map(({scene:e})=>e.level));for(let[e,{cells:n,colours:r}]of this.#t)t.has(e)||(this.gl.deleteTexture(n),this.gl.deleteTexture(r),this.#t.delete(e));let n=[...this.#n.values()].reduce((e,{bytes:t})=>e+t,0),r=new Set(e.flatMap(({scene:e})=>e.pages));for(let[e,{texture:t,bytes:i}]of this.#n){if(n<=P)return;r.has(e)||(this.gl.deleteTexture(t),this.#n.delete(e),n-=i)}}#r(e,{camera:t,viewport:n,ratio:r}){let{gl:i}=this,{uniform:a}=this.#e,o=O(t,n,{x:0,y:0}),s=T(t,n);i.uniform2f(a(`uOrigin`),o.x*r,o.y*r),i.uniform1f(a(`uSide`),s*r),i.uniform2f(a(`uViewport`),i.drawingBufferWidth,i.drawingBufferHeight),i.uniform1i(a(`uSize`),e.size),i.uniform1f(a(`uCellPixels`),s/e.size*r),i.uniform1f(a(`uRim`),ne(s/e.size)*r)}#i(e,t){let{gl:n}=this,{uniform:r}=this.#e;t!==null&&(this.#a(L.sheet,this.#o(t)),n.uniform2f(r(`uSheetPixels`),t.width,t.height)),n.uniform1ui(r(`uPage`),e===I?I:e+1),n.uniform1i(r(`uHasSheet`),t===null?0:1),n.drawArrays(n.TRIANGLE_STRIP,0,4)}#a(e,t){this.gl.activeTexture(this.gl.TEXTURE0+e),this.gl.bindTexture(this.gl.TEXTURE_2D,t)}#o(e){let t=this.#n.get(e);if(t===void 0){this.gl.activeTexture(this.gl.TEXTURE0+L.sheet);let n=e.width*e.height*F;t={texture:b(this.gl,e),bytes:n}}return this.#n.delete(e),this.#n.set(e,t),t.texture}#s(e){let t=this.#t.get(e);if(t===void 0){let{gl:n}=this,r=f(n),{size:i}=e;n.texImage2D(n.TEXTURE_2D,0,n.RGBA16UI,i,i,0,n.RGBA_INTEGER,n.UNSIGNED_SHORT,V(e)),t={cells:r,colours:f(n),painted:void 0},this.#t.set(e,t)}return t}#c(e,t,n){if(t.painted===n)return;t.painted=n;let{gl:r}=this,{size:i}=e,a=new Uint8Array(4*i*i);n!==null&&e.lookup.forEach((e,t)=>{e>=0&&a.set(n.subarray(4*e,4*e+4),4*t)}),r.activeTexture(r.TEXTURE0+L.colours),r.texImage2D(r.TEXTURE_2D,0,r.RGBA8,i,i,0,r.RGBA,r.UNSIGNED_BYTE,a)}};function V(e){let t=re(e),n=new Uint16Array(4*e.size*e.size),r=(e.entry.columns??1)**2;return e.lookup.forEach((i,a)=>{if(i<0)return;let o=D(e,i);n[4*a]=i%r,n[4*a+1]=o===null?I:o.page+1,n[4*a+2]=Math.round(t[i]*65535)}),n}function H(e){return[e[0]/255,e[1]/255,e[2]/255]}var U=class{gl;#e;#t=null;constructor(e){this.gl=e,e.enable(e.BLEND),this.#e=new B(e)}addPoints(e){this.#t=e(this.gl)}draw(e){let{gl:t}=this;if(!t.isContextLost()){t.viewport(0,0,t.drawingBufferWidth,t.drawingBufferHeight),t.clearColor(0,0,0,0),t.clear(t.COLOR_BUFFER_BIT);for(let t of e.scenes)t.scene.tiles&&this.#e.draw(t,e);for(let t of e.scenes)this.#t?.draw(t,e);this.#e.prune(e.scenes),this.#t?.prune(e.scenes)}}},W=2,G=300,K=220,q=220,J=64,oe={cellColours:null,pointColours:null},Y=class extends HTMLElement{#e=null;#t=null;#n=document.createElement(`canvas`);#r=document.createElement(`canvas`);#i=null;#a=new N;#o=new WeakMap;#s={width:0,height:0};#c=1;#l=0;#u=0;#d=null;#f=new ResizeObserver(()=>this.#h());#p=matchMedia(`(prefers-reduced-motion: reduce)`);set session(e){this.#e===null&&(this.#e=e,e.pages.watch(()=>this.invalidate()),e.store.subscribe(()=>this.invalidate()),this.invalidate())}get viewport(){return this.#s}get scene(){return this.#a.current}get goal(){return this.#d?.to??this.#m.camera}connectedCallback(){this.childElementCount===0&&(this.append(this.#n,this.#r),this.#n.addEventListener(`webglcontextlost`,e=>e.preventDefault()),this.#n.addEventListener(`webglcontextrestored`,()=>void this.#g()),this.#g()),this.#f.observe(this)}disconnectedCallback(){this.#f.disconnect()}invalidate(){this.#l===0&&this.#s.height!==0&&(this.#l=requestAnimationFrame(e=>{this.#l=0,this.#v(e)}))}equip(e){this.#t=e,this.#_(),this.invalidate()}moveTo(e){this.#d=null,this.#e?.store.set({camera:E(e)})}flyTo(e){if(this.#p.matches){this.moveTo(e);return}let t=E(e);this.#d={from:this.#m.camera,to:t,start:performance.now()},this.invalidate()}zoomBy(e){let{width:t,height:n}=this.#s;this.flyTo(ae(this.goal,this.#s,{x:t/2,y:n/2},e))}fit(){this.flyTo(te)}boxOf({size:e,row:t,col:n}){let{camera:r}=this.#m;return{...O(r,this.#s,{x:n/e,y:t/e}),side:T(r,this.#s)/e}}get#m(){return this.#e.store.state}#h(){let{clientWidth:e,clientHeight:t}=this;if(this.#s=e===0||t===0?{width:0,height:0}:{width:e,height:t},this.#s.height!==0){this.#c=Math.min(W,devicePixelRatio||1);for(let n of[this.#n,this.#r])n.width=Math.round(e*this.#c),n.height=Math.round(t*this.#c);this.#v(performance.now())}}async#g(){let e=p(this.#n);if(e!==null)this.#i=new U(e),this.#_();else{let{CanvasRenderer:e}=await _(async()=>{let{CanvasRenderer:e}=await import(`./chunk-canvas_renderer-BtOLegFg.js`);return{CanvasRenderer:e}},[],import.meta.url),t=this.#n.getContext(`2d`);this.#i=t&&new e(this.#n,t),this.#e?.store.set({renderer:t?`canvas`:`none`})}this.invalidate()}#_(){let e=this.#t;e&&this.#i instanceof U&&this.#i.addPoints(t=>e.createPoints(t))}#v(e){if(this.#e===null||this.#i===null||this.#s.height===0)return;this.#y(e);let t=this.#x(this.#e);this.#b(e);let{camera:n,dark:r}=this.#m,i=w[r?`dark`:`light`];this.#i.draw({camera:n,viewport:this.#s,ratio:this.#c,scenes:this.#a.items.map(({item:e,weight:t})=>({scene:e,weight:t})),neutral:i.neutralTile,ground:i.ground});let a=this.#r.getContext(`2d`);a!==null&&this.#t?.decorate(a,this.#c);let o=this.#a.moving||this.#d!==null;o&&this.invalidate();let s=this.scene?.level.size??null;this.#e.store.set({settled:t&&!o,shownLevel:s})}#y(e){if(this.#d===null)return;let{from:t,to:n,start:r}=this.#d,i=Math.min(1,Math.max(0,(e-r)/q));i===1&&(this.#d=null),this.#e?.store.set({camera:i===1?n:ie(t,n,1-(1-i)**3)})}#b(e){let t=Math.min(J,e-this.#u);this.#u=e;let[n,r]=this.#a.items.slice(-2),i=n?.item.atlas!==r?.item.atlas;this.#a.advance(this.#p.matches?1:t/(i?G:K))}#x(e){let{atlas:t,step:n,level:r,shownLevel:i,series:a,camera:o}=this.#m;if(t===null||t.series!==a?.id)return!1;let s=this.scene===null,c=T(o,this.#s),l=M(t.levels,r,c,s?null:i),u=t.levels[l],d=s?t.levels[0]:u,f=e.pages.icons(t,d);return f.complete?(e.store.set({sheetFailure:f.failure}),this.#S(this.#C(t,d,f)),d===u&&t.step===n):!1}#S(e){this.scene?.level===e.level?this.#a.swap(e):this.#a.show(e)}#C(e,t,{pages:n,failure:r}){let i=this.#m,{colour:a,show:o,dark:s}=i,c=this.#t,l=[a,o,s,r===null,c!==null].join(),u=this.#o.get(t);if(u?.signature===l)return u.scene;let d=c?.colour(e,t,i)??oe,f={atlas:e,level:t,pages:n,tiles:o!==`points`,...d};return this.#o.set(t,{signature:l,scene:f}),f}};customElements.define(`atlas-map`,Y);var se=60,ce=400,le={icons:`Icons only`,class:`Class`,prediction:`Prediction`,purity:`Purity`,cosine:`Cosine`,population:`Population`},ue={icons:`Icons`,points:`Points`,both:`Both`};function de(e,t,n=u){let{runs:a,run:o,series:s,atlas:c,colour:l,level:d}=e,{store:f}=t,p=a.filter(e=>e.series.length>0).map(e=>({value:e.id,label:fe(e.run)})),m=(o?.series??[]).map(({id:e,layer:t})=>({value:e,label:t}));return r`<header class="bar" aria-label="What the map shows">
    ${X(`run`,`Run`,p,o?.id??``,e=>t.chooseRun(e))}
    ${X(`layer`,`Layer`,m,s?.id??``,e=>t.chooseSeries(e))}
    ${X(`colour`,`Colour by`,pe(c),l,e=>f.set({colour:e}))}
    ${X(`level`,`Grid`,me(e),String(d),e=>f.set({level:e===`auto`?`auto`:Number(e)}))}
    ${he(e,e=>f.set({show:e}))}
    <span class="spacer"></span>
    ${n}
    ${i({icon:`help`,name:`How to read the map, and its keys`,key:`?`,press:()=>f.set({help:!0})})}
  </header>`}function fe(e){return e.replace(/(^|\/)atlas$/,``)||`(log directory)`}function X(e,t,i,a,o){let s=i.find(e=>e.value===a);return r`<span class="field">
    <label for=${e}>${t}</label>
    <select
      id=${e}
      title=${n(s?.label??``,ce)}
      ?disabled=${i.length===0}
      @change=${e=>o(e.target.value)}
    >
      ${i.map(e=>r`<option
            value=${e.value}
            .selected=${e.value===a}
            ?disabled=${e.disabled===!0}
          >
            ${n(e.label,se)}
          </option>`)}
    </select>
  </span>`}function pe(e){let t={class:e?.labels===null,prediction:e?.predictions===null,purity:e?.labels===null&&e.predictions===null};return Object.entries(le).map(([e,n])=>{let r=t[e]===!0;return{value:e,label:r?`${n} (not recorded)`:n,disabled:r}})}function me({atlas:e,shownLevel:t}){let n=t===null?``:` (${t} × ${t})`,r=(e?.levels??[]).map(({size:e})=>({value:String(e),label:`${e} × ${e}`}));return[{value:`auto`,label:`By zoom${n}`},...r]}function he({show:e},t){return r`<span class="field" role="radiogroup" aria-labelledby="show-label">
    <span class="label" id="show-label">Show</span>
    <span class="segments">
      ${ee.map(n=>r`<label>
            <input
              type="radio"
              name="show"
              value=${n}
              .checked=${n===e}
              @change=${()=>t(n)}
            />${ue[n]}
          </label>`)}
    </span>
  </span>`}var Z=class{budget;weigh;#e=new Map;constructor(e,t){this.budget=e,this.weigh=t}peek(e){return this.#t(e)?.value??null}load(e,t){let n=this.#t(e);if(n!==void 0)return n.promise;let r={promise:t(),value:null};return this.#e.set(e,r),r.promise.then(t=>{r.value=t,this.#n(e)},()=>this.#e.delete(e)),r.promise}clear(){this.#e.clear()}#t(e){let t=this.#e.get(e);return t!==void 0&&(this.#e.delete(e),this.#e.set(e,t)),t}#n(e){let t=0;for(let{value:e}of this.#e.values())t+=e===null?0:this.weigh(e);for(let[n,{value:r}]of this.#e){if(t<=this.budget)return;n!==e&&r!==null&&(t-=this.weigh(r),this.#e.delete(n))}}},ge=256<<20,_e=4,ve={pages:[],complete:!0,failure:null},ye=class{#e=new Z(ge,({width:e,height:t})=>e*t*_e);#t=new Map;#n=new Set;#r=new Set;watch(e){this.#r.add(e)}icons(e,t){return this.#i(t.entry.pages,`sheet/${e.key}`,t=>o(e.series,e.step,t))}thumbs(e,t,n){let r=t.manifest.pages[n];return r===void 0?null:this.#i([r],`thumbs/${e}`,()=>c(e,r)).pages[0]??null}retry(){this.#t.clear()}#i(e,t,n){if(e.length===0)return ve;let r=!0,i=null;return{pages:e.map(e=>{let a=`${t}/${e.blob}/${e.crc32c}`,o=this.#t.get(a);if(o!==void 0)return i=o,null;let s=this.#e.peek(a);return s===null&&(r=!1,this.#a(a,()=>n(e))),s}),complete:r,failure:i}}#a(e,t){this.#n.has(e)||(this.#n.add(e),this.#e.load(e,t).catch(t=>this.#t.set(e,l(t))).finally(()=>{this.#n.delete(e);for(let e of this.#r)e()}))}},be=64<<20,Q={stepFailure:null,sheetFailure:null},$=class{store;pages=new ye;latestRuns=[];#e=new Z(be,e=>e.xy.buffer.byteLength);#t;constructor(e,t){this.store=e,this.#t=d(t.read()),this.#r(this.#t),t.watch(e=>this.#i(e)),e.subscribe(e=>{e.phase===`ready`&&t.write(g(e))})}async start(){try{let e=await a();this.latestRuns=e;let t=C(e,this.#t.run);if(t===null){this.store.set({phase:`empty`,runs:[],busy:!1});return}this.store.set({phase:`ready`,runs:e}),this.#a(t,y(t,this.#t.layer),this.#t.step)}catch(e){this.store.set({phase:`failed`,failure:l(e),busy:!1})}}retry(){this.pages.retry();let{phase:e,step:t}=this.store.state;e===`failed`||e===`empty`?(this.store.set({phase:`loading`,failure:null}),this.start()):(this.#e.clear(),this.store.set({...Q,history:null,probeFailure:null,otherFailure:null}),t!==null&&this.#o(t))}chooseRun(e){let t=this.latestRuns.find(t=>t.id===e);if(t===void 0)return;let n=this.store.state.series?.layer??null;this.store.set({runs:this.latestRuns}),this.#a(t,y(t,n))}chooseSeries(e){let t=this.latestRuns.find(e=>e.id===this.store.state.run?.id),n=t?.series.find(t=>t.id===e);t!==void 0&&n!==void 0&&(this.store.set({runs:this.latestRuns}),this.#a(t,n))}chooseStep(e){e!==this.store.state.step&&this.#o(e)}acceptFreshSteps(){let e=this.findLatest();if(e===null)return;let t=e.series.steps.at(-1)??null;this.store.set({runs:this.latestRuns}),this.#a(e.run,e.series,t)}findLatest(){let{run:e,series:t}=this.store.state,n=this.latestRuns.find(t=>t.id===e?.id),r=n?.series.find(e=>e.id===t?.id);return n&&r?{run:n,series:r}:null}loadAtlas(e,t){let n=e.versions[e.steps.indexOf(t)]??``;return this.#e.load(`${e.id}/${t}/${n}`,()=>s(e.id,t))}renew(e){let{series:t,step:n,atlas:r,stepFailure:i}=this.store.state;if(t===null||t.id!==e.id)return!1;let a=t=>e.steps.indexOf(t),o=t.steps.map((n,r)=>e.versions[a(n)]??t.versions[r]);if(o.every((e,n)=>e===t.versions[n]))return!1;let s=t.steps.map((n,r)=>e.wallTimes[a(n)]??t.wallTimes[r]),c={...t,versions:o,wallTimes:s},l=n===null?-1:t.steps.indexOf(n);return this.store.set({series:c}),n===null||o[l]===t.versions[l]||(r?.step!==n||i!==null?this.#o(n):this.#n(c,n)),!0}async#n(e,t){let n=await this.loadAtlas(e,t).catch(()=>null),{state:r}=this.store;n!==null&&r.series===e&&r.step===t&&this.store.set({atlas:n})}#r(e){let{level:t,camera:n,colour:r,show:i,compare:a,compareMode:o,drift:s,travel:c,eventList:l}=e;this.store.set({level:t,camera:n,colour:r,show:i}),this.store.set({compare:a,compareMode:o,drift:s,travel:c,eventList:l})}#i(e){let t=g(this.store.state),n=Object.entries(t).some(([t,n])=>n!==(e[t]??``));if(Object.keys(e).length===0||!n)return;this.#t=d(e),this.#r(this.#t);let r=C(this.latestRuns,this.#t.run);r!==null&&this.#a(r,y(r,this.#t.layer),this.#t.step)}#a(e,t,n=this.store.state.step){let r=e.id===this.store.state.run?.id,i=x(t?.steps??[],n),{compare:a,highlight:o}=this.store.state,s=t?.id===this.store.state.series?.id;this.store.set({...Q,run:e,series:t,history:null,hover:null,freshSteps:0,settled:!1,compare:a===null?null:x(t?.steps??[],a),flipped:!1,highlight:s?o:null,...r?{}:{probe:null,probeFailure:null}}),i!==null&&this.#o(i)}async#o(e){let{series:t}=this.store.state;if(t===null)return;this.store.set({...Q,step:e,busy:!0,settled:!1});let n=()=>this.store.state.series?.id===t.id&&this.store.state.step===e;try{let r=await this.loadAtlas(t,e);n()&&this.store.set({atlas:r,busy:!1})}catch(e){if(!n())return;this.store.set({stepFailure:l(e),busy:!1,hover:null})}}},xe=t`
  :host {
    --ground: #f5f6f7;
    --surface: #fff;
    --raised: #fff;
    --text: #212121;
    --muted: #5f6368;
    --line: #dadce0;
    --control: #f1f3f4;
    --accent: #c74600;
    --on-accent: #fff;
    --accent-soft: #c746000a;
    --bad: #b3261e;
    --skeleton: #e3e5e8;
    --shadow: 0 1px 2px #0000001f, 0 4px 16px #0000001f;
    color-scheme: light;
    font: 13px/1.45 Roboto, system-ui, -apple-system, 'Segoe UI', sans-serif;
    color: var(--text);
    background: var(--ground);
  }
  :host([data-theme='dark']) {
    --ground: #282828;
    --surface: #303030;
    --raised: #383838;
    --text: #f1f1f1;
    --muted: #b8b8b8;
    --line: #4d4d4d;
    --control: #3d3d3d;
    --accent: #ffa726;
    --on-accent: #212121;
    --accent-soft: #ffa7261f;
    --bad: #ff8a80;
    --skeleton: #3a3a3a;
    --shadow: 0 1px 2px #00000066, 0 4px 16px #00000066;
    color-scheme: dark;
  }
`,Se=t`
  :host {
    display: flex;
    flex-direction: column;
    height: 100%;
    overflow: hidden;
  }
  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }
  .hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 1px;
  }
  .bar {
    display: flex;
    align-items: center;
    flex: none;
    background: var(--surface);
    padding: 8px 16px;
    gap: 8px 20px;
  }
  header.bar {
    flex-wrap: wrap;
    border-bottom: 1px solid var(--line);
    min-height: 49px;
  }
  footer.bar {
    border-top: 1px solid var(--line);
    min-height: 68px;
  }
  .field {
    display: flex;
    align-items: center;
    gap: 8px;
    min-width: 0;
  }
  .field > label,
  .field > .label {
    color: var(--muted);
    font-size: 12px;
    white-space: nowrap;
  }
  .spacer {
    flex: 1;
  }

  select {
    appearance: none;
    font: inherit;
    color: inherit;
    height: 32px;
    max-width: 220px;
    min-width: 96px;
    padding: 0 28px 0 10px;
    border: 1px solid var(--line);
    border-radius: 4px;
    background-color: var(--surface);
    background-image:
      linear-gradient(45deg, #0000 50%, var(--muted) 50%),
      linear-gradient(-45deg, #0000 50%, var(--muted) 50%);
    background-position:
      calc(100% - 16px) 13px,
      calc(100% - 11px) 13px;
    background-size: 5px 5px;
    background-repeat: no-repeat;
    text-overflow: ellipsis;
    cursor: pointer;
  }
  select:hover {
    border-color: var(--muted);
  }
  option {
    background: var(--raised);
    color: var(--text);
  }
  button {
    font: inherit;
    color: inherit;
    cursor: pointer;
    background: none;
    border: 0;
    padding: 0;
  }
  button:disabled {
    opacity: 0.38;
    cursor: default;
  }
  .icon-button {
    display: inline-grid;
    place-items: center;
    width: 32px;
    height: 32px;
    border-radius: 50%;
    color: var(--muted);
  }
  .icon-button:hover:not(:disabled) {
    background: var(--control);
    color: var(--text);
  }
  .icon-button svg {
    width: 20px;
    height: 20px;
    fill: currentColor;
  }
  .segments {
    display: inline-flex;
    border: 1px solid var(--line);
    border-radius: 4px;
    overflow: hidden;
  }
  .segments label {
    position: relative;
    display: grid;
    place-items: center;
    height: 30px;
    padding: 0 12px;
    cursor: pointer;
    color: var(--muted);
  }
  .segments label + label {
    border-left: 1px solid var(--line);
  }
  .segments label:hover {
    background: var(--control);
  }
  .segments label:has(:checked) {
    background: var(--accent-soft);
    color: var(--accent);
    font-weight: 500;
  }
  .segments label:has(:focus-visible) {
    outline: 2px solid var(--accent);
    outline-offset: -2px;
  }
  .segments input {
    position: absolute;
    opacity: 0;
    inset: 0;
    margin: 0;
    cursor: pointer;
  }

  .middle {
    position: relative;
    display: flex;
    flex: 1;
    min-height: 0;
  }
  .stage {
    position: relative;
    flex: 1;
    min-width: 0;
    overflow: hidden;
  }
  atlas-map {
    position: absolute;
    inset: 0;
    cursor: grab;
    touch-action: none;
    overflow: hidden;
  }
  atlas-map.dragging {
    cursor: grabbing;
  }
  atlas-map:focus-visible {
    outline-offset: -2px;
  }
  atlas-map canvas {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    pointer-events: none;
  }
  .progress {
    position: absolute;
    inset: 0 0 auto;
    height: 3px;
    overflow: hidden;
    pointer-events: none;
  }
  .progress::after {
    content: '';
    position: absolute;
    inset: 0;
    width: 30%;
    background: var(--accent);
    animation: slide 1.2s infinite ease-in-out;
  }
  .skeleton {
    position: absolute;
    inset: 0;
    display: grid;
    place-items: center;
    pointer-events: none;
  }
  .skeleton::before {
    content: '';
    height: min(calc(100% - 40px), 100vw);
    aspect-ratio: 1;
    background: var(--skeleton);
    border-radius: 50%;
    mask: conic-gradient(from 90deg at 5px 5px, #0000 25%, #000 0) 0 0 / 10% 10%;
    animation: breathe 1.6s infinite ease-in-out;
  }
  .skeleton span {
    position: absolute;
    padding: 6px 14px;
    border-radius: 16px;
    background: var(--raised);
    box-shadow: var(--shadow);
    color: var(--muted);
  }
  @keyframes slide {
    from {
      transform: translateX(-100%);
    }
    to {
      transform: translateX(340%);
    }
  }
  @keyframes breathe {
    50% {
      opacity: 0.55;
    }
  }

  @media (prefers-reduced-motion: reduce) {
    *,
    ::before,
    ::after {
      animation: none !important;
      transition: none !important;
    }
  }
  @media (max-width: 720px) {
    header.bar {
      gap: 8px 12px;
    }
  }
`,Ce=500,we=class extends e{static styles=[xe,Se];#e=new S;#t=new $(this.#e,new h);#n=null;#r=``;#i;connectedCallback(){super.connectedCallback(),m(e=>this.#e.set({dark:e})),this.#e.subscribe((e,t)=>this.#o(e,t)),this.#t.start()}render(){let{state:e}=this.#e,{atlas:t,phase:n,busy:i,stepFailure:a}=e,o=n===`loading`||n===`ready`&&t===null&&!a,s=n===`empty`||n===`failed`;return r`
      ${s?u:de(e,this.#t,this.#n?.tools(e))}
      <div class="middle">
        ${this.#n?.rail(e)??u}
        <main class="stage">
          <h1 class="hidden">Activation atlas</h1>
          <atlas-map
            .session=${this.#t}
            tabindex="0"
            role="application"
            aria-roledescription="map"
            aria-label=${Te(e)}
            aria-describedby="map-hint"
          ></atlas-map>
          <span id="map-hint" class="hidden">
            Arrow keys move between cells, Enter pins a cell, plus and minus zoom, comma and full stop
            change the step, question mark lists all keys.
          </span>
          ${o?r`<div class="skeleton"><span>Loading the atlas …</span></div>`:u}
          ${i&&t!==null?r`<div class="progress"></div>`:u}
          ${this.#n?.stage(e)??u}
        </main>
      </div>
      ${s?u:this.#n?.timeline(e)??r`<footer class="bar"></footer>`}
      <div class="hidden" role="status" aria-live="polite">${this.#r}</div>
    `}updated(e){let{phase:t,settled:n,shownLevel:r,step:i,atlas:a,stepFailure:o,dark:s,series:c,renderer:l}=this.#e.state,u=t===`empty`||t===`failed`||o!==null,d={theme:s?`dark`:`light`,phase:t,ready:String(this.#n?.complete(this.#e.state)===!0&&(n||u)),level:String(r??``),step:String(i??``),shownStep:String(a?.step??``),layer:c?.layer.slice(0,200)??``,failure:o?.kind??``,renderer:l};Object.assign(this.dataset,d)}get#a(){let e=this.renderRoot.querySelector(`atlas-map`);return e instanceof Y?e:null}#o(e,t){this.requestUpdate();let n=e.phase===`empty`||e.phase===`failed`;this.#n===null&&(e.shownLevel!==null||n||e.stepFailure)&&this.#s();let r=this.#n?.sentence(e,t)??null;r!==null&&this.#c(r)}async#s(){let{Later:e}=await _(async()=>{let{Later:e}=await import(`./chunk-later-CWODrfS-.js`);return{Later:e}},[],import.meta.url),t=this.#a;if(this.#n!==null||t===null)return;this.#n=new e(this.#t,t,()=>this.requestUpdate());let n=this.renderRoot,r=e.styles.flatMap(({styleSheet:e})=>e??[]);n.adoptedStyleSheets=[...n.adoptedStyleSheets,...r],this.requestUpdate()}#c(e){clearTimeout(this.#i),this.#i=setTimeout(()=>{this.#r=e,this.requestUpdate()},Ce)}};customElements.define(`atlas-app`,we);function Te({series:e,step:t}){return e===null?`Activation atlas`:`Activation atlas of ${e.layer.slice(0,200)} at step ${t}`}function Ee(){document.documentElement.lang=`en`,document.title=`Atlas`;let{documentElement:e,body:t}=document;for(let n of[e,t])Object.assign(n.style,{height:`100%`,margin:`0`});let n=document.createElement(`atlas-app`);n.dataset.version=`0.1.0`,t.replaceChildren(n)}export{Ee as render};