import{_ as e,d as t,f as n,g as r,h as i,l as a,n as o,u as s,v as c}from"./chunk-api-DPWYsaIJ.js";import{C as l,a as u,c as d,d as f,h as p,i as m,l as h,n as g,o as _,p as v,r as y,t as b}from"./chunk-format-1DXh5UJU.js";import{t as ee}from"./chunk-scene-CnZDCDQf.js";function te(e,t){let{activationsKind:n,channels:r}=e.manifest,i=e.count;switch(n){case`float16`:return S(x(t.half(`values`,i,r)),i,r);case`uint8`:{let e=t.uint8(`codes`,i,r),n=t.float32(`scale`,r),a=t.float32(`offset`,r);return S(Float32Array.from(e,(e,t)=>e*n[t%r]+a[t%r]),i,r)}case`pca`:{let e=t.shape(`axes`)[0]??0;return S(x(t.half(`scores`,i,e)),i,e)}default:throw new l(`activations of kind ${n}`)}}function x(e){return Float32Array.from(e,p)}function S(e,t,n){let r=new Float32Array(n);for(let i=0;i<n;i++){let a=0,o=0;for(let r=0;r<t;r++){let t=e[r*n+i];Number.isFinite(t)&&(a+=t,o+=1)}r[i]=o>0?a/o:0}return{width:n,values:e,mean:r}}function ne(e,t,n){let{width:r,values:i,mean:a}=e,o=(e,t)=>i[e*r+t]-a[t],s=new Float64Array(r);for(let e of t)for(let t=0;t<r;t++){let n=o(e,t);Number.isFinite(n)&&(s[t]=s[t]+n)}return f(t,n,e=>{let t=0,n=0;for(let i=0;i<r;i++){let r=o(e,i);t+=r*s[i],n+=r*r}return-t/Math.sqrt(n)})}var C=class{arrived;#e=new Map;#t=new WeakMap;constructor(e){this.arrived=e}nearest(e,t,n,r,i){let a=this.#e.get(e);a===void 0&&i&&this.#n(e);let o=typeof a==`object`?`activation`:`map`,s=this.#t.get(t)??new Map;this.#t.set(t,s);let c=`${n}/${r}/${o}`,l=s.get(c);if(l===void 0){let i=d(t,n);l={samples:typeof a==`object`?ne(a,i,r):h(e.xy,i,r),by:o},s.set(c,l)}return l}async#n(e){this.#e.set(e,`loading`);for(let e of[...this.#e.keys()].slice(0,-2))this.#e.delete(e);try{let t=await o(e.series,e.step);this.#e.set(e,te(e,t))}catch{this.#e.set(e,`failed`)}this.arrived()}};function re(e,t,n){let r=t.placeOf.get(e.imageIds[n]);if(r===void 0)return null;let{tile:i,columns:a,inputSize:o,thumbSize:s}=t.manifest,c=r%(a*a),l=c%a*i,u=Math.floor(c/a)*i,[d=0,f=0,p=0,m=0]=e.boxes.subarray(4*n,4*n+4),h=w(d,p,o[0],s[0]),g=w(f,m,o[1],s[1]);return{page:Math.floor(r/(a*a)),image:{x:l,y:u,width:s[1],height:s[0]},patch:{x:l+g.start,y:u+h.start,width:g.length,height:h.length}}}function w(e,t,n,r){let i=r/n,a=Math.min(r-1,Math.max(0,e*i));return{start:a,length:Math.min(r,Math.max(a+1,t*i))-a}}var ie=.3,T=5,E={none:`No icon`,examples:`Nearest real patch`,preview:`Preview`,inversion:`Feature inversion`,poster:`Feature inversion, poster quality`};function D({session:e,atlas:t,level:n,facts:i}){let a=ee(n,i.cell),o=a&&e.pages.icons(t,n).pages[a.page];if(!a||!o)return r`<div class="big-icon none">no icon</div>`;let{x:s,y:c,side:l}=a;return r`<atlas-crop
    class="big-icon"
    role="img"
    aria-label="Icon of the cell"
    .crop=${{picture:o,rect:{x:s,y:c,width:l,height:l}}}
  ></atlas-crop>`}function O({facts:e}){return r`<div class="headline">
    <strong>${m(e.count,`sample`)}</strong>
    <span class="muted">${y(e.share)} of the map</span>
  </div>`}function k({facts:e}){let t=e.cosine!==null&&e.cosine<.3;return r`<div class="icon-line">
    ${E[e.kind]}${e.cosine===null?i:r`<span
            class="number"
            title="Cosine between what the layer answers to this picture and the cell's mean, both relative to the layer's mean. 1 is a perfect likeness."
            >cosine ${g(e.cosine)}</span
          >${t?r`<span
                class="weak"
                title="Below ${g(ie)} the picture says little about the cell: trust the real patches."
                >weak</span
              >`:i}`}
  </div>`}function A({atlas:e,facts:n}){if(n.mixOf===null)return r`<p class="muted">No labels or predictions were recorded in this run.</p>`;let a=n.mixOf===`labels`?e.labels:e.predictions,o=t(a,e.classes?.length??null),s=n.mix.length-T;return r`<section>
    <h3>${n.mixOf===`labels`?`Labels`:`Predictions`}</h3>
    <ul class="bars">
      ${n.mix.slice(0,T).map(({index:t,share:n,count:i})=>r`<li title=${m(i,`sample`)}>
    <span class="name">${u(v(e,t),40)}</span>
    <span class="meter"
      ><i style="width:${100*n}%;background:${o.colourOf(t)}"></i
    ></span>
    <span class="number">${y(n)}</span>
  </li>`)}
    </ul>
    ${s>0?r`<p class="muted">and ${b(s)} more</p>`:i}
  </section>`}function j({atlas:e,facts:t}){return r`<p class="muted whereabouts">
    Row ${t.row+1}, column ${t.col+1} of ${t.size} × ${t.size} ·
    ${u(e.manifest.layer,40)} · step ${b(e.step)}
  </p>`}function M(e,t){let{state:n,session:r,evidence:i,atlas:a,level:o,facts:s}=e,c=n.settled&&!n.playing,l=i.nearest(a,o,s.cell,t,c),{probe:u,run:d}=n;return{nearest:l,list:l.samples.map(e=>{let t=u&&re(a,u,e);return{sample:e,cut:t,picture:u&&d&&t?r.pages.thumbs(d.id,u,t.page):null}})}}function N({state:e,atlas:t}){return e.run?.probe===!1?`The pictures of the probe are not in this run.`:e.probeFailure?`The pictures of the probe: ${e.probeFailure.message}`:e.probe&&e.probe.manifest.digest!==t.manifest.probeDigest?`This step was made from another probe than the pictures in this run.`:null}function P({by:e}){let[t,n]=e===`activation`?[`by activation`,`Cosine to the cell's mean, relative to the layer's mean.`]:[`by place on the map`,`Distance on the map; activations are not here yet.`];return r`<span class="muted" title=${n}>${t}</span>`}function F(e,t){let n=e.labels?.[t],r=e.predictions?.[t],i=[`image ${e.imageIds[t]}`];return n!==void 0&&i.push(u(v(e,n),40)),r!==void 0&&r!==n&&i.push(`predicted ${u(v(e,r),40)}`),i.join(`, `)}var ae=6,I=320,L=404,R=10,z=8;function B(e,t){let n=e.x+e.side+R,r=e.x-R-I,i=n+I+z<=t.width||r<z?n:r,a=(e,t)=>Math.max(z,Math.min(e,t-z));return{left:a(i,t.width-I),top:a(e.y+e.side/2-L/2,t.height-L)}}function V(e,t,n){let{left:i,top:a}=B(t,n);return r`<aside
    class="card panel"
    data-row=${e.facts.row}
    data-col=${e.facts.col}
    style="left:${i}px;top:${a}px"
    aria-label="Cell under the cursor"
  >
    <div class="card-top">
      ${D(e)}
      <div class="card-facts">${O(e)} ${k(e)}</div>
    </div>
    ${H(e)} ${A(e)} ${j(e)}
  </aside>`}function H(e){let t=N(e);if(t!==null)return r`<p class="muted">${t}</p>`;let{nearest:n,list:i}=M(e,ae);return r`<section>
    <h3>Nearest real patches ${P(n)}</h3>
    <div class="patches">
      ${i.map(({cut:e,picture:t})=>r`<atlas-crop
            class="patch"
            .crop=${e&&t?{picture:t,rect:e.patch}:null}
          ></atlas-crop>`)}
    </div>
  </section>`}var U=2,W=class extends HTMLElement{#e=document.createElement(`canvas`);#t=null;set crop(e){let t=this.#t;this.#t=e,t?.picture===e?.picture&&G(t?.rect,e?.rect)||this.#n()}connectedCallback(){this.childElementCount>0||(this.append(this.#e),new ResizeObserver(()=>this.#n()).observe(this))}#n(){let{clientWidth:e,clientHeight:t}=this;if(e===0||t===0)return;let n=Math.min(U,devicePixelRatio||1);this.#e.width=Math.round(e*n),this.#e.height=Math.round(t*n);let r=this.#e.getContext(`2d`),i=this.#t;if(r===null||i===null)return;let{picture:a,rect:o,box:s}=i,c=Math.min(this.#e.width/o.width,this.#e.height/o.height),l=(this.#e.width-c*o.width)/2,u=(this.#e.height-c*o.height)/2;if(r.imageSmoothingQuality=`high`,r.drawImage(a,o.x,o.y,o.width,o.height,l,u,c*o.width,c*o.height),s!==void 0){r.setTransform(c,0,0,c,l-c*o.x,u-c*o.y);for(let[e,t]of[[`#000`,4],[`#fff`,2]])r.strokeStyle=e,r.lineWidth=t*n/c/1.5,r.strokeRect(s.x,s.y,s.width,s.height)}}};function G(e,t){return e===t||e?.x===t?.x&&e?.y===t?.y&&e?.width===t?.width&&e?.height===t?.height}customElements.define(`atlas-crop`,W);var K=c`
  .panel {
    background: var(--raised);
    border-radius: 8px;
    box-shadow: var(--shadow);
    line-height: 1.4;
  }
  .muted {
    color: var(--muted);
  }
  .panel h2,
  .message h2 {
    font-size: 15px;
    font-weight: 500;
    margin: 0;
  }
  .panel h3 {
    display: flex;
    justify-content: space-between;
    gap: 8px;
    font-size: 12px;
    font-weight: 500;
    margin: 0 0 6px;
  }
  .panel h3 .muted {
    font-weight: 400;
  }
  .panel p {
    margin: 0;
  }
  .number {
    font-variant-numeric: tabular-nums;
  }

  .card {
    position: absolute;
    width: 320px;
    padding: 12px;
    display: flex;
    flex-direction: column;
    gap: 12px;
    pointer-events: none;
    z-index: 3;
  }
  .card-top {
    display: flex;
    gap: 12px;
  }
  .big-icon {
    display: block;
    flex: none;
    border-radius: 6px;
    overflow: hidden;
    background: var(--control);
  }
  .big-icon.none {
    display: grid;
    place-items: center;
    color: var(--muted);
    font-size: 12px;
  }
  .card .big-icon {
    width: 128px;
    height: 128px;
  }
  .card-facts {
    display: flex;
    flex-direction: column;
    gap: 8px;
    min-width: 0;
    padding-top: 4px;
  }
  .headline strong {
    display: block;
    font-size: 16px;
    font-weight: 500;
    font-variant-numeric: tabular-nums;
  }
  .icon-line {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 10px;
    color: var(--muted);
  }
  .weak {
    padding: 0 6px;
    border-radius: 8px;
    border: 1px solid currentColor;
    color: var(--bad);
    font-size: 11px;
    line-height: 16px;
  }
  .patches {
    display: grid;
    grid-template-columns: repeat(6, 1fr);
    gap: 4px;
  }
  .patch,
  .whole {
    display: block;
    aspect-ratio: 1;
    background: var(--control);
    border-radius: 4px;
    overflow: hidden;
  }
  atlas-crop canvas {
    display: block;
    width: 100%;
    height: 100%;
  }
  .bars {
    list-style: none;
    margin: 0;
    padding: 0;
    display: grid;
    gap: 3px;
  }
  .bars li {
    display: grid;
    grid-template-columns: minmax(0, 92px) 1fr 40px;
    gap: 8px;
    align-items: center;
  }
  .bars .name {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .bars .number {
    text-align: right;
  }
  .meter {
    height: 8px;
    border-radius: 2px;
    background: var(--control);
    overflow: hidden;
  }
  .meter i {
    display: block;
    height: 100%;
    border-radius: 2px;
  }
  .bars + .muted {
    margin-top: 4px;
    font-size: 12px;
  }
  .whereabouts {
    font-size: 12px;
    border-top: 1px solid var(--line);
    padding-top: 8px;
    overflow-wrap: anywhere;
  }

  .inspector {
    position: absolute;
    top: 12px;
    right: 12px;
    bottom: 12px;
    width: 320px;
    max-width: calc(100% - 24px);
    padding: 12px 16px 16px;
    display: flex;
    flex-direction: column;
    gap: 14px;
    overflow: auto;
    z-index: 2;
  }
  .stage:has(.inspector) .map-buttons {
    right: 348px;
  }
  .inspector-head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    margin-right: -8px;
  }
  .inspector .big-icon {
    width: 100%;
    aspect-ratio: 1;
  }
  .patches.wide {
    grid-template-columns: repeat(4, 1fr);
    gap: 6px;
    margin-bottom: 8px;
  }
  .patch-button {
    border-radius: 4px;
  }
  .patch-button:hover {
    box-shadow: 0 0 0 2px var(--line);
  }
  .patch-button[aria-pressed='true'] {
    box-shadow: 0 0 0 2px var(--accent);
  }
  figure {
    margin: 0;
  }
  .whole {
    background: none;
  }
  figcaption {
    margin-top: 4px;
    font-size: 12px;
  }

  .legend {
    position: absolute;
    left: 12px;
    bottom: 12px;
    padding: 8px 12px;
    max-width: min(300px, calc(100% - 90px));
    display: grid;
    gap: 8px;
    z-index: 1;
  }
  .legend h3 {
    margin: 0;
  }
  .swatches {
    list-style: none;
    margin: 0;
    padding: 0;
    display: grid;
    grid-template-columns: repeat(2, auto);
    gap: 2px 16px;
    max-height: 180px;
    overflow: auto;
  }
  .swatches li {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .swatches i {
    width: 12px;
    height: 12px;
    flex: none;
    border-radius: 3px;
    box-shadow: inset 0 0 0 1px #0000002e;
  }
  .scale {
    display: flex;
    align-items: center;
    gap: 8px;
    font-variant-numeric: tabular-nums;
  }
  .scale i {
    flex: 1;
    min-width: 140px;
    height: 10px;
    border-radius: 2px;
  }
  .provenance {
    font-size: 12px;
    font-variant-numeric: tabular-nums;
  }

  .veil {
    position: absolute;
    inset: 0;
    display: grid;
    place-items: center;
    padding: 24px;
    overflow: auto;
    background: color-mix(in srgb, var(--ground) 94%, transparent);
    z-index: 4;
  }
  .message {
    max-width: 480px;
    display: grid;
    gap: 12px;
    justify-items: start;
    overflow-wrap: anywhere;
  }
  .message.wide {
    max-width: 680px;
  }
  .message h2 {
    font-size: 20px;
    font-weight: 400;
  }
  .message p {
    margin: 0;
    line-height: 1.55;
  }
  pre {
    margin: 0;
    width: 100%;
    padding: 12px 16px;
    border-radius: 6px;
    background: var(--surface);
    border: 1px solid var(--line);
    overflow: auto;
  }
  code {
    font: 12.5px/1.6 'Roboto Mono', ui-monospace, monospace;
  }
  .request {
    font-size: 12px;
  }
  .banners {
    position: absolute;
    top: 12px;
    left: 12px;
    display: grid;
    gap: 8px;
    max-width: min(460px, calc(100% - 24px));
    z-index: 1;
  }
  .banner {
    margin: 0;
    padding: 8px 12px;
    border-radius: 6px;
    background: var(--raised);
    border-left: 3px solid var(--accent);
    box-shadow: var(--shadow);
  }
  .link {
    color: var(--accent);
    text-decoration: underline;
    padding: 4px;
  }

  .help {
    border: 0;
    padding: 0;
    color: inherit;
    width: min(600px, calc(100% - 48px));
    max-height: calc(100% - 48px);
  }
  .help::backdrop {
    background: #00000066;
  }
  .help-body {
    padding: 12px 24px 24px;
    display: grid;
    gap: 14px;
  }
  .reading {
    margin: 0;
    padding: 0;
    list-style: none;
    display: grid;
    gap: 10px;
    line-height: 1.5;
  }
  .help h3 {
    margin: 4px 0 0;
  }
  dl {
    margin: 0;
    display: grid;
    grid-template-columns: max-content 1fr;
    gap: 6px 20px;
  }
  dt {
    font: 12px/1.5 'Roboto Mono', ui-monospace, monospace;
    color: var(--muted);
  }
  dd {
    margin: 0;
  }
`,{I:oe}=e,q=e=>e.strings===void 0,J={ATTRIBUTE:1,CHILD:2,PROPERTY:3,BOOLEAN_ATTRIBUTE:4,EVENT:5,ELEMENT:6},se=e=>(...t)=>({_$litDirective$:e,values:t}),ce=class{constructor(e){}get _$AU(){return this._$AM._$AU}_$AT(e,t,n){this._$Ct=e,this._$AM=t,this._$Ci=n}_$AS(e,t){return this.update(e,t)}update(e,t){return this.render(...t)}},Y=(e,t)=>{let n=e._$AN;if(n===void 0)return!1;for(let e of n)e._$AO?.(t,!1),Y(e,t);return!0},X=e=>{let t,n;do{if((t=e._$AM)===void 0)break;n=t._$AN,n.delete(e),e=t}while(n?.size===0)},Z=e=>{for(let t;t=e._$AM;e=t){let n=t._$AN;if(n===void 0)t._$AN=n=new Set;else if(n.has(e))break;n.add(e),de(t)}};function le(e){this._$AN===void 0?this._$AM=e:(X(this),this._$AM=e,Z(this))}function ue(e,t=!1,n=0){let r=this._$AH,i=this._$AN;if(i!==void 0&&i.size!==0){if(t){if(Array.isArray(r))for(let e=n;e<r.length;e++)Y(r[e],!1),X(r[e]);else r!=null&&(Y(r,!1),X(r))}else Y(this,e)}}var de=e=>{e.type==J.CHILD&&(e._$AP??=ue,e._$AQ??=le)},fe=class extends ce{constructor(){super(...arguments),this._$AN=void 0}_$AT(e,t,n){super._$AT(e,t,n),Z(this),this.isConnected=e._$AU}_$AO(e,t=!0){e!==this.isConnected&&(this.isConnected=e,e?this.reconnected?.():this.disconnected?.()),t&&(Y(this,e),X(this))}setValue(e){if(q(this._$Ct))this._$Ct._$AI(e,this);else{let t=[...this._$Ct._$AH];t[this._$Ci]=e,this._$Ct._$AI(t,this,0)}}disconnected(){}reconnected(){}},Q=new WeakMap,pe=se(class extends fe{render(e){return i}update(e,[t]){let n=t!==this.G;return n&&this.rt(void 0),(n||this.lt!==this.ct)&&(this.G=t,this.ht=e.options?.host,this.rt(this.ct=e.element)),i}rt(e){if(this.G!==void 0){if(this.isConnected||(e=void 0),typeof this.G==`function`){let t=this.ht??globalThis,n=Q.get(t);n===void 0&&(n=new WeakMap,Q.set(t,n)),n.get(this.G)!==void 0&&this.G.call(this.ht,void 0),n.set(this.G,e),e!==void 0&&this.G.call(this.ht,e)}else this.G.value=e}}get lt(){return typeof this.G==`function`?Q.get(this.ht??globalThis)?.get(this.G):this.G?.value}disconnected(){this.lt===this.ct&&this.rt(void 0)}reconnected(){this.rt(this.ct)}}),me=[[`Arrows`,`move to the next cell`],[`Enter / Esc`,`pin the cell / unpin`],[`Shift + arrows`,`pan (or drag)`],[`+  −`,`zoom (or wheel, pinch, double click)`],[`0`,`the whole map`],[`1 … 5`,`hold one grid; again to follow the zoom`],[`,  .`,`previous, next step`],[`Space`,`play or pause`]];function he(e){e instanceof HTMLDialogElement&&e.isConnected&&!e.open&&e.showModal()}function ge(e){return r`<dialog
    class="help panel"
    aria-labelledby="help-title"
    ${pe(he)}
    @close=${e}
    @click=${t=>{t.target===t.currentTarget&&e()}}
  >
    <div class="help-body">
      <div class="inspector-head">
        <h2 id="help-title">How to read the map</h2>
        ${a({icon:`close`,name:`Close`,key:`Esc`,press:e})}
      </div>
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
          map mean nothing. Trust says how many neighbours are true ones.
        </li>
        <li>
          <strong>Zooming in</strong> does not enlarge icons but splits cells, down to the finest grid
          that was logged. Faint points are samples in cells too sparse to draw.
        </li>
      </ul>
      <h3>Keys, while the map has the focus</h3>
      <dl>
        ${me.map(([e,t])=>r`<dt>${e}</dt><dd>${t}</dd>`)}
      </dl>
    </div>
  </dialog>`}var _e=12;function ve(e,t,n){return r`<aside class="inspector panel" aria-label="Pinned cell">
    <div class="inspector-head">
      <h2>Pinned cell</h2>
      ${a({icon:`close`,name:`Unpin`,key:`Esc`,press:n})}
    </div>
    ${e===null?r`<p class="muted">
          No cell is drawn at the pinned place: too few samples lie there at this step or on this
          grid.
        </p>`:r`${D(e)} ${O(e)} ${k(e)} ${A(e)}
        ${ye(e,t)} ${j(e)}`}
  </aside>`}function ye(e,t){let n=N(e);if(n!==null)return r`<p class="muted">${n}</p>`;let{nearest:i,list:a}=M(e,_e),o=a.find(({sample:e})=>e===t.sample);return r`<section>
    <h3>Nearest real patches ${P(i)}</h3>
    <div class="patches wide">${a.map(n=>be(e,n,t))}</div>
    ${o?xe(e,o):r`<p class="muted">Click a patch for its image.</p>`}
  </section>`}function be({atlas:e},{sample:t,cut:n,picture:i},a){let o=t===a.sample,s=F(e,t);return r`<button
    type="button"
    class="patch-button"
    aria-pressed=${o}
    aria-label="Patch of ${s}"
    title=${s}
    @click=${()=>a.choose(o?null:t)}
  >
    <atlas-crop
      class="patch"
      .crop=${n&&i?{picture:i,rect:n.patch}:null}
    ></atlas-crop>
  </button>`}function xe({atlas:e},{sample:t,cut:n,picture:a}){return!n||!a?i:r`<figure>
    <atlas-crop class="whole" .crop=${{picture:a,rect:n.image,box:n.patch}}></atlas-crop>
    <figcaption class="muted">${F(e,t)}</figcaption>
  </figure>`}function Se(e,t,n){return r`<aside class="legend panel" aria-label="Legend">
    ${Ce(n)}
    <p class="provenance muted" title=${Te(e)}>${we(e,t)}</p>
  </aside>`}function Ce(e){switch(e.kind){case`none`:return i;case`missing`:return r`<h3>${e.title}</h3>
        <p>${e.reason}</p>`;case`classes`:return r`<h3>${e.title}</h3>
        <ul class="swatches">
          ${e.entries.map(({label:e,colour:t})=>r`<li><i style="background:${t}"></i>${u(e,24)}</li>`)}
        </ul>`;case`scale`:return r`<h3>${e.title}</h3>
        <div class="scale">
          <span>${e.low}</span>
          <i style="background:${s}"></i>
          <span>${e.high}</span>
        </div>`}}function we(e,t){let{settings:n,trustworthiness:r}=e.manifest,i=n.raw(`neighbors`),a=n.raw(`min_dist`),o=n.raw(`icons`);return[`${b(e.count)} samples`,`${t.size} × ${t.size}`,typeof i==`number`&&typeof a==`number`?`UMAP ${i}/${a}`:``,typeof o==`string`?u(o,20):``,r===null?``:`trust ${g(r)}`].filter(Boolean).join(` · `)}function Te({manifest:e}){return[`Model ${u(e.model,80)}, ${b(e.channels)} channels`,`UMAP: neighbours / least distance`,`trust: share of map neighbours that are true neighbours, 1 is best`,...e.notes.slice(0,5).map(e=>u(e,200))].join(`
`)}var Ee=`from tensorboard_plugin_atlas import AtlasWriter

atlas = AtlasWriter("runs/exp1", model, layers=["layer3"], probe=val_set)
...
atlas.add_atlas(step)      # in the training loop, once a checkpoint`;function De(e){return r`<section class="veil">
    <div class="message wide">
      <h2>No atlas in this log directory yet</h2>
      <p>
        An activation atlas is a map of what one layer of an image network sees: thousands of its
        answers laid out so that alike lie together, each square drawn as a picture of what it stands
        for. These lines log one at every checkpoint:
      </p>
      <pre><code>${Ee}</code></pre>
      <p>
        Already logging? Check that <code>tensorboard --logdir</code> names the folder that
        <code>AtlasWriter</code> writes to, or a folder above it; atlases lie in its subfolder
        <code>atlas</code>. <code>tensorboard-atlas inspect LOGDIR</code> lists what is there, and
        <code>tensorboard-atlas demo</code> makes an example to look at.
      </p>
      <button type="button" class="button" @click=${e}>Look again</button>
    </div>
  </section>`}function Oe(e,t){return r`<section class="veil">
    <div class="message">
      <h2>The atlases cannot be listed</h2>
      <p>${e.message}</p>
      ${$(e)}
      <button type="button" class="button" @click=${t}>Retry</button>
    </div>
  </section>`}function ke(e,t,n){let{title:i,advice:a}=Ae(e??0,t);return r`<section class="veil" data-failure=${t.kind}>
    <div class="message">
      <h2>${i}</h2>
      <p>${t.message}</p>
      <p class="muted">${a}</p>
      ${$(t)}
      <button type="button" class="button" @click=${n}>Retry</button>
    </div>
  </section>`}function Ae(e,{kind:t}){let n=`Step ${b(e)}`;switch(t){case`damaged`:return{title:`${n} is damaged`,advice:`Its stored bytes are not what was written. The other steps are not affected.`};case`too_new`:return{title:`${n} is from a newer version`,advice:`Upgrade tensorboard_plugin_atlas here to see it. The other steps are not affected.`};case`not_found`:return{title:`${n} is no longer kept`,advice:`TensorBoard thins long series. Reload, or keep more with --atlas_samples.`};default:return{title:`${n} could not be loaded`,advice:`The other steps can be tried.`}}}function $({request:e,status:t}){return r`<p class="request muted">
    Request <code>${e}</code>${t===null?i:r`, status ${t}`}
  </p>`}function je({renderer:e,sheetFailure:t},n){return r`<div class="banners">
    ${t?r`<p class="banner">
          Icons of this grid cannot be shown: ${t.message}
          <button type="button" class="link" @click=${n}>Retry</button>
        </p>`:i}
    ${e===`canvas`?r`<p class="banner">
          This browser offers no WebGL2: the map is drawn more slowly, without blended crossfades.
        </p>`:i}
    ${e===`none`?r`<p class="banner">This browser offers no canvas: the map cannot be drawn.</p>`:i}
  </div>`}var Me=class{session;update;static styles=K;#e;#t=null;#n=null;constructor(e,t){this.session=e,this.update=t,this.#e=new C(t),e.pages.watch(t)}render(e,t){return r`${this.#r(e,t)}${e.help?this.#c():i}`}#r(e,t){let n=()=>this.session.retry();if(e.phase===`empty`)return De(n);if(e.phase===`failed`&&e.failure)return Oe(e.failure,n);if(e.stepFailure)return ke(e.step,e.stepFailure,n);let{atlas:a,shownLevel:o}=e,s=a?.levels.find(({size:e})=>e===o);return!a||!s?i:r`${je(e,n)} ${this.#i(a,s,e.colour)}
    ${this.#o(e,a)} ${this.#a(e,a,t)}`}#i(e,t,r){return(this.#t?.level!==t||this.#t.mode!==r)&&(this.#t={level:t,mode:r,colours:n(e,t,r)}),Se(e,t,this.#t.colours.legend)}#a(e,t,n){let{hover:r}=e,a=r&&this.#s(e,t,r);return!r||!a||n===null?i:V(a,n.boxOf(r),n.viewport)}#o(e,t){let{pinned:n}=e;if(n===null)return i;let r={sample:this.#n,choose:e=>{this.#n=e,this.update()}};return ve(this.#s(e,t,n),r,()=>this.session.store.set({pinned:null}))}#s(e,t,n){let r=t.levels.find(({size:e})=>e===n.size),i=r&&_(t,r,n.row,n.col);return!r||!i?null:{state:e,session:this.session,evidence:this.#e,atlas:t,level:r,facts:i}}#c(){return ge(()=>this.session.store.set({help:!1}))}};export{Me as Details};