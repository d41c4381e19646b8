import{a as e,c as t,f as n,g as r,h as i,i as a,l as o,m as s,o as c,p as l,r as u,s as d,t as f,v as p}from"./chunk-api-DPWYsaIJ.js";import{a as m,i as h,o as g,t as _}from"./chunk-format-1DXh5UJU.js";import{c as v,l as ee,n as te,o as y,r as b,t as x}from"./chunk-camera-C0ASNYtp.js";import{a as ne,i as S,n as C,r as w,t as re}from"./chunk-store-BvYPbbAK.js";import{i as ie,n as ae,r as oe,t as se}from"./chunk-scene-CnZDCDQf.js";var T=`p.atlas.`,ce=1e3;function le(e){let t={};for(let n of E(e)){let e=n.indexOf(`=`);if(!(!n.startsWith(T)||e<0))try{t[n.slice(8,e)]=decodeURIComponent(n.slice(e+1))}catch{}}return t}function ue(e,t){let n=E(e).filter(e=>!e.startsWith(T)),r=Object.entries(t).filter(([,e])=>e!==``&&e.length<=ce).map(([e,t])=>`${T}${e}=${encodeURIComponent(t)}`);return`#${[...n,...r].join(`&`)}`}function E(e){return e.replace(/^#/,``).split(`&`).filter(Boolean)}var de=250,fe=`dark-mode`,pe=`experimental.DataReloaded`,me=`experimental.bootstrap`;function D(){try{if(window.parent.document.body&&window.parent.location.hash!==void 0)return window.parent}catch{}return window}var he=class{#e;#t=D();read(){return le(this.#t.location.hash)}write(e){clearTimeout(this.#e),this.#e=setTimeout(()=>this.#n(e),de)}#n(e){let{location:t,history:n}=this.#t,r=ue(this.#t!==window&&t.hash===``?`#atlas`:t.hash,e);if(r!==t.hash)try{n.replaceState(n.state,``,r)}catch{}}};function O(e){let t=D();if(t===window){let t=matchMedia(`(prefers-color-scheme: dark)`);t.addEventListener(`change`,()=>e(t.matches)),e(t.matches);return}let n=t.document.body,r=()=>e(n.classList.contains(fe));new MutationObserver(r).observe(n,{attributes:!0,attributeFilter:[`class`]}),r()}function k(e){let t=new MessageChannel;t.port1.onmessage=n=>{let r=A(n.data);if(r!==null){if(!r.isReply){let e={...r,payload:null,error:null,isReply:!0};t.port1.postMessage(JSON.stringify(e))}r.type===pe&&e()}};try{window.parent.postMessage(me,`*`,[t.port2])}catch{t.port1.close()}}function A(e){try{let t=JSON.parse(String(e));if(typeof t!=`object`||!t)return null;let{type:n,id:r,isReply:i}=t;return typeof n!=`string`||typeof r!=`number`?null:{type:n,id:r,isReply:i===!0}}catch{return null}}function j(e){return e.getContext(`webgl2`,{alpha:!0,premultipliedAlpha:!0,antialias:!1,depth:!1,stencil:!1,powerPreference:`low-power`})}function M(e,t,n){let r=e.createProgram();for(let[i,a]of[[e.VERTEX_SHADER,t],[e.FRAGMENT_SHADER,n]]){let t=e.createShader(i);if(t===null)break;e.shaderSource(t,a),e.compileShader(t),e.attachShader(r,t)}if(e.linkProgram(r),!e.getProgramParameter(r,e.LINK_STATUS)&&!e.isContextLost())throw Error(`shader: ${e.getProgramInfoLog(r)}`);let i=new Map;return{program:r,uniform(t){return i.has(t)||i.set(t,e.getUniformLocation(r,t)),i.get(t)??null}}}function N(e){let t=e.createTexture();return e.bindTexture(e.TEXTURE_2D,t),F(e,e.NEAREST,e.NEAREST),t}function P(e,t){let n=e.createTexture();return e.bindTexture(e.TEXTURE_2D,n),e.texImage2D(e.TEXTURE_2D,0,e.RGBA8,e.RGBA,e.UNSIGNED_BYTE,t),e.generateMipmap(e.TEXTURE_2D),F(e,e.LINEAR_MIPMAP_LINEAR,e.LINEAR),n}function F(e,t,n){e.texParameteri(e.TEXTURE_2D,e.TEXTURE_MIN_FILTER,t),e.texParameteri(e.TEXTURE_2D,e.TEXTURE_MAG_FILTER,n),e.texParameteri(e.TEXTURE_2D,e.TEXTURE_WRAP_S,e.CLAMP_TO_EDGE),e.texParameteri(e.TEXTURE_2D,e.TEXTURE_WRAP_T,e.CLAMP_TO_EDGE)}var I=.82,L=.3;function R(e,t,n){let r=0;return e.forEach((e,i)=>{let a=e.size===n?46*I:46;e.covered>=L&&t/e.size>=a&&(r=i)}),r}function ge(e,t,n,r){let i=e.findIndex(e=>e.size===t);return i>=0?i:R(e,n,r)}var _e=class{#e=[];get items(){return this.#e}get current(){return this.#e.at(-1)?.item??null}get moving(){return this.#e.length>1}show(e){if(e===this.current)return;let t=this.#e.find(t=>t.item===e),n=this.#e.filter(t=>t.item!==e),r=this.#e.length===0?1:t?.weight??0;this.#e=[...n,{item:e,weight:r}]}swap(e){let t=this.#e.pop();this.#e.push({item:e,weight:t?.weight??1})}advance(e){let t=this.#e.at(-1);if(t===void 0||!this.moving)return;let n=Math.min(1,t.weight+e);if(n===1){this.#e=[{item:t.item,weight:1}];return}let r=(1-n)/(1-t.weight);this.#e=this.#e.map(e=>e===t?{item:e.item,weight:n}:{item:e.item,weight:e.weight*r})}clear(){this.#e=[]}},ve=192<<20,ye=5.4,z=65535,B={cells:0,colours:1,sheet:2},be=`#version 300 es
uniform vec2 uOrigin;
uniform float uSide;
uniform vec2 uViewport;
out vec2 vWorld;
void main() {
  vWorld = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  vec2 screen = (uOrigin + vWorld * uSide) / uViewport;
  gl_Position = vec4(screen.x * 2.0 - 1.0, 1.0 - screen.y * 2.0, 0.0, 1.0);
}`,xe=`#version 300 es
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
}`,Se=class{gl;#e;#t=new Map;#n=new Map;constructor(e){this.gl=e,this.#e=M(e,be,xe)}draw({scene:e,weight:t},n){let{gl:r}=this,{level:i}=e,{uniform:a}=this.#e,o=this.#s(i);r.useProgram(this.#e.program),r.blendFunc(r.ONE,r.ONE),this.#r(i,n),this.#a(B.cells,o.cells),this.#a(B.colours,o.colours),this.#c(i,o,e.cellColours),r.uniform1i(a(`uCells`),B.cells),r.uniform1i(a(`uColours`),B.colours),r.uniform1i(a(`uSheet`),B.sheet),r.uniform1f(a(`uWeight`),t),r.uniform1f(a(`uTile`),i.entry.tile??1),r.uniform1f(a(`uColumns`),i.entry.columns??1),r.uniform3f(a(`uNeutral`),...we(n.neutral)),e.pages.forEach((e,t)=>{this.#i(t,e)}),this.#i(z,null)}prune(e){let t=new Set(e.map(({scene:e})=>e.level));for(let[e,{cells:n,colours:r}]of this.#t)t.has(e)||(this.gl.deleteTexture(n),this.gl.deleteTexture(r),this.#t.delete(e));let n=[...this.#n.values()].reduce((e,{bytes:t})=>e+t,0),r=new Set(e.flatMap(({scene:e})=>e.pages));for(let[e,{texture:t,bytes:i}]of this.#n){if(n<=ve)return;r.has(e)||(this.gl.deleteTexture(t),this.#n.delete(e),n-=i)}}#r(e,{camera:t,viewport:n,ratio:r}){let{gl:i}=this,{uniform:a}=this.#e,o=y(t,n,{x:0,y:0}),s=v(t,n);i.uniform2f(a(`uOrigin`),o.x*r,o.y*r),i.uniform1f(a(`uSide`),s*r),i.uniform2f(a(`uViewport`),i.drawingBufferWidth,i.drawingBufferHeight),i.uniform1i(a(`uSize`),e.size),i.uniform1f(a(`uCellPixels`),s/e.size*r),i.uniform1f(a(`uRim`),ie(s/e.size)*r)}#i(e,t){let{gl:n}=this,{uniform:r}=this.#e;t!==null&&(this.#a(B.sheet,this.#o(t)),n.uniform2f(r(`uSheetPixels`),t.width,t.height)),n.uniform1ui(r(`uPage`),e===z?z:e+1),n.uniform1i(r(`uHasSheet`),t===null?0:1),n.drawArrays(n.TRIANGLE_STRIP,0,4)}#a(e,t){this.gl.activeTexture(this.gl.TEXTURE0+e),this.gl.bindTexture(this.gl.TEXTURE_2D,t)}#o(e){let t=this.#n.get(e);if(t===void 0){this.gl.activeTexture(this.gl.TEXTURE0+B.sheet);let n=e.width*e.height*ye;t={texture:P(this.gl,e),bytes:n}}return this.#n.delete(e),this.#n.set(e,t),t.texture}#s(e){let t=this.#t.get(e);if(t===void 0){let{gl:n}=this,r=N(n),{size:i}=e;n.texImage2D(n.TEXTURE_2D,0,n.RGBA16UI,i,i,0,n.RGBA_INTEGER,n.UNSIGNED_SHORT,Ce(e)),t={cells:r,colours:N(n),painted:void 0},this.#t.set(e,t)}return t}#c(e,t,n){if(t.painted===n)return;t.painted=n;let{gl:r}=this,{size:i}=e,a=new Uint8Array(4*i*i);n!==null&&e.lookup.forEach((e,t)=>{e>=0&&a.set(n.subarray(4*e,4*e+4),4*t)}),r.activeTexture(r.TEXTURE0+B.colours),r.texImage2D(r.TEXTURE_2D,0,r.RGBA8,i,i,0,r.RGBA,r.UNSIGNED_BYTE,a)}};function Ce(e){let t=ae(e),n=new Uint16Array(4*e.size*e.size),r=(e.entry.columns??1)**2;return e.lookup.forEach((i,a)=>{if(i<0)return;let o=se(e,i);n[4*a]=i%r,n[4*a+1]=o===null?z:o.page+1,n[4*a+2]=Math.round(t[i]*65535)}),n}function we(e){return[e[0]/255,e[1]/255,e[2]/255]}var V={xy:0,colour:1},Te=5,Ee=`#version 300 es
layout(location = ${V.xy}) in vec2 aWorld;
layout(location = ${V.colour}) in vec4 aColour;
uniform vec2 uOrigin;
uniform float uSide;
uniform vec2 uViewport;
uniform float uDiameter;
out vec4 vColour;
void main() {
  vec2 screen = (uOrigin + aWorld * uSide) / uViewport;
  vColour = aColour;
  gl_Position = aColour.a == 0.0
    ? vec4(2.0, 2.0, 2.0, 1.0)
    : vec4(screen.x * 2.0 - 1.0, 1.0 - screen.y * 2.0, 0.0, 1.0);
  gl_PointSize = uDiameter;
}`,De=`#version 300 es
precision highp float;
uniform float uDiameter;
uniform float uRing;
uniform vec3 uGround;
uniform float uWeight;
in vec4 vColour;
out vec4 outColour;
void main() {
  float distance = (length(gl_PointCoord - 0.5) - 0.5) * uDiameter;
  float cover = clamp(-distance, 0.0, 1.0);
  if (cover <= 0.0) discard;
  float ring = uRing > 0.0 ? clamp(distance + uRing + 0.5, 0.0, 1.0) : 0.0;
  float alpha = cover * vColour.a * uWeight;
  outColour = vec4(mix(vColour.rgb, uGround, ring) * alpha, alpha);
}`,Oe=class{gl;#e;#t=new Map;constructor(e){this.gl=e,this.#e=M(e,Ee,De)}draw({scene:e,weight:t},n){let{gl:r}=this,{uniform:i}=this.#e,{camera:a,viewport:o,ratio:s,ground:c}=n,l=y(a,o,{x:0,y:0}),u=oe(a);r.useProgram(this.#e.program),r.blendFunc(r.ONE,r.ONE_MINUS_SRC_ALPHA),r.uniform2f(i(`uOrigin`),l.x*s,l.y*s),r.uniform1f(i(`uSide`),v(a,o)*s),r.uniform2f(i(`uViewport`),r.drawingBufferWidth,r.drawingBufferHeight),r.uniform1f(i(`uDiameter`),u*s+1),r.uniform1f(i(`uRing`),u>=Te?s:0),r.uniform3f(i(`uGround`),c[0]/255,c[1]/255,c[2]/255),r.uniform1f(i(`uWeight`),t);let d=this.#n(e.atlas);r.bindVertexArray(d.vertices),d.painted!==e.pointColours&&(d.painted=e.pointColours,r.bindBuffer(r.ARRAY_BUFFER,d.colours),r.bufferData(r.ARRAY_BUFFER,e.pointColours,r.DYNAMIC_DRAW)),r.drawArrays(r.POINTS,0,e.atlas.count),r.bindVertexArray(null)}prune(e){let t=new Set(e.map(({scene:e})=>e.atlas));for(let[e,{vertices:n,places:r,colours:i}]of this.#t)t.has(e)||(this.gl.deleteVertexArray(n),this.gl.deleteBuffer(r),this.gl.deleteBuffer(i),this.#t.delete(e))}#n(e){let t=this.#t.get(e);if(t===void 0){let{gl:n}=this,r=n.createVertexArray(),i=n.createBuffer(),a=n.createBuffer();n.bindVertexArray(r),n.bindBuffer(n.ARRAY_BUFFER,i),n.bufferData(n.ARRAY_BUFFER,e.xy,n.STATIC_DRAW),n.enableVertexAttribArray(V.xy),n.vertexAttribPointer(V.xy,2,n.FLOAT,!1,0,0),n.bindBuffer(n.ARRAY_BUFFER,a),n.enableVertexAttribArray(V.colour),n.vertexAttribPointer(V.colour,4,n.UNSIGNED_BYTE,!0,0,0),t={vertices:r,places:i,colours:a,painted:null},this.#t.set(e,t)}return t}},ke=class{gl;#e;#t;constructor(e){this.gl=e,e.enable(e.BLEND),this.#e=new Se(e),this.#t=new Oe(e)}draw(e){let{gl:t}=this;if(!t.isContextLost()){t.viewport(0,0,t.drawingBufferWidth,t.drawingBufferHeight),t.clearColor(0,0,0,0),t.clear(t.COLOR_BUFFER_BIT);for(let t of e.scenes)t.scene.tiles&&this.#e.draw(t,e);for(let t of e.scenes)this.#t.draw(t,e);this.#e.prune(e.scenes),this.#t.prune(e.scenes)}}dispose(){this.#e.prune([]),this.#t.prune([])}},Ae=(function(){let e=typeof document<`u`&&document.createElement(`link`).relList;return e&&e.supports&&e.supports(`modulepreload`)?`modulepreload`:`preload`})(),je=function(e,t){return new URL(e,t).href},Me={},Ne=function(e){return e.pathname.endsWith(`.css`)},Pe=function(e,t,n){if(t in e)return e[t];let r=n();if(!r){e[t]=void 0;return}let i=r.then(()=>{e[t]=void 0},n=>{throw e[t]=void 0,n});return e[t]=i,i},H=function(e,t,n){let r=Promise.resolve();if(t&&t.length>0){let e,i=document.querySelector(`meta[property=csp-nonce]`),a=i?.nonce||i?.getAttribute(`nonce`);function o(e){return Promise.all(e.map(e=>Promise.resolve(e).then(e=>({status:`fulfilled`,value:e}),e=>({status:`rejected`,reason:e}))))}function s(e){return import.meta.resolve?new URL(import.meta.resolve(e)):new URL(e,import.meta.url)}r=o(t.map(t=>{t=je(t,n);let r=s(t),i=Ne(r);return Pe(Me,r.href,()=>{if(e===void 0){e={all:new Set,styles:new Set};let t=document.getElementsByTagName(`link`);for(let n=t.length-1;n>=0;n--){let r=t[n];e.all.add(r.href),r.rel===`stylesheet`&&e.styles.add(r.href)}}if((i?e.styles:e.all).has(r.href))return;let t=document.createElement(`link`);if(t.rel=i?`stylesheet`:Ae,i||(t.as=`script`),t.crossOrigin=``,t.href=r.href,a&&t.setAttribute(`nonce`,a),document.head.appendChild(t),i)return new Promise((e,n)=>{let i=a=>{t.removeEventListener(`load`,i),t.removeEventListener(`error`,i),a.type===`error`?n(Error(`Unable to preload CSS for ${r}`)):e(a)};t.addEventListener(`load`,i),t.addEventListener(`error`,i)})})}).filter(e=>e!==void 0))}function i(e){let t=new Event(`vite:preloadError`,{cancelable:!0});if(t.payload=e,window.dispatchEvent(t),!t.defaultPrevented)throw e}return r.then(t=>{for(let e of t||[])e.status===`rejected`&&i(e.reason);return e().catch(i)})},Fe=2,Ie=300,Le=220,Re=220,ze=64,U=class extends HTMLElement{#e=null;#t=null;#n=document.createElement(`canvas`);#r=document.createElement(`canvas`);#i=null;#a=new _e;#o=new WeakMap;#s={width:0,height:0};#c=1;#l=0;#u=0;#d=null;#f=new ResizeObserver(()=>this.#h());#p=matchMedia(`(prefers-reduced-motion: reduce)`);set session(e){this.#e===null&&(this.#e=e,e.pages.watch(()=>this.invalidate()),e.store.subscribe(()=>this.invalidate()),this.invalidate())}get viewport(){return this.#s}get scene(){return this.#a.current}get goal(){return this.#d?.to??this.#m.camera}connectedCallback(){this.childElementCount===0&&(this.append(this.#n,this.#r),this.#n.addEventListener(`webglcontextlost`,e=>e.preventDefault()),this.#n.addEventListener(`webglcontextrestored`,()=>void this.#g()),this.#g()),this.#f.observe(this)}disconnectedCallback(){this.#f.disconnect()}invalidate(){this.#l===0&&this.#s.height!==0&&(this.#l=requestAnimationFrame(e=>{this.#l=0,this.#v(e)}))}moveTo(e){this.#d=null,this.#e?.store.set({camera:b(e)})}flyTo(e){if(this.#p.matches){this.moveTo(e);return}let t=b(e);this.#d={from:this.#m.camera,to:t,start:performance.now()},this.invalidate()}zoomBy(e){let{width:t,height:n}=this.#s;this.flyTo(ee(this.goal,this.#s,{x:t/2,y:n/2},e))}fit(){this.flyTo(x)}boxOf({size:e,row:t,col:n}){let{camera:r}=this.#m;return{...y(r,this.#s,{x:n/e,y:t/e}),side:v(r,this.#s)/e}}get#m(){return this.#e.store.state}#h(){let{clientWidth:e,clientHeight:t}=this;if(this.#s=e===0||t===0?{width:0,height:0}:{width:e,height:t},this.#s.height!==0){this.#c=Math.min(Fe,devicePixelRatio||1);for(let n of[this.#n,this.#r])n.width=Math.round(e*this.#c),n.height=Math.round(t*this.#c);this.#v(performance.now())}}async#g(){let e=j(this.#n);if(e!==null)this.#i=new ke(e);else{let{CanvasRenderer:e}=await H(async()=>{let{CanvasRenderer:e}=await import(`./chunk-canvas_renderer-Dv0xthon.js`);return{CanvasRenderer:e}},[],import.meta.url),t=this.#n.getContext(`2d`);this.#i=t&&new e(this.#n,t),this.#e?.store.set({renderer:t?`canvas`:`none`})}this.invalidate()}async#_(e){let{Interaction:t}=await H(async()=>{let{Interaction:e}=await import(`./chunk-interaction-BVmVb0pb.js`);return{Interaction:e}},[],import.meta.url);this.#t=new t(this,e),this.invalidate()}#v(e){if(this.#e===null||this.#i===null||this.#s.height===0)return;this.#y(e);let t=this.#x(this.#e);this.#b(e);let{camera:n,dark:r}=this.#m,i=ne[r?`dark`:`light`];this.#i.draw({camera:n,viewport:this.#s,ratio:this.#c,scenes:this.#a.items.map(({item:e,weight:t})=>({scene:e,weight:t})),neutral:i.neutralTile,ground:i.ground});let a=this.#r.getContext(`2d`);a!==null&&this.#t?.decorate(a,this.#c);let o=this.#a.moving||this.#d!==null;o&&this.invalidate();let s=this.scene?.level.size??null;this.#e.store.set({settled:t&&!o,shownLevel:s})}#y(e){if(this.#d===null)return;let{from:t,to:n,start:r}=this.#d,i=Math.min(1,Math.max(0,(e-r)/Re));i===1&&(this.#d=null),this.#e?.store.set({camera:i===1?n:te(t,n,1-(1-i)**3)})}#b(e){let t=Math.min(ze,e-this.#u);this.#u=e;let[n,r]=this.#a.items.slice(-2),i=n?.item.atlas!==r?.item.atlas;this.#a.advance(this.#p.matches?1:t/(i?Ie:Le))}#x(e){let{atlas:t,step:n,level:r,shownLevel:i,series:a,camera:o}=this.#m;if(t===null||t.series!==a?.id)return!1;let s=this.scene===null,c=v(o,this.#s),l=ge(t.levels,r,c,s?null:i),u=t.levels[l],d=s?t.levels[0]:u,f=e.pages.icons(t,d);return f.complete?(e.store.set({sheetFailure:f.failure}),this.#S(this.#C(t,d,f),e),d===u&&t.step===n):!1}#S(e,t){let n=this.scene;n!==e&&(n===null&&this.#_(t),n?.level===e.level?this.#a.swap(e):this.#a.show(e))}#C(e,t,{pages:r,failure:i}){let{colour:a,show:o,dark:s}=this.#m,c=[a,o,s,i===null].join(),u=this.#o.get(t);if(u?.signature===c)return u.scene;let d=n(e,t,a),f={atlas:e,level:t,pages:r,cellColours:d.cells,pointColours:l(e,t,d,o,s),tiles:o!==`points`};return this.#o.set(t,{signature:c,scene:f}),f}};customElements.define(`atlas-map`,U);var Be=400;function Ve(e,t){let n=e.series?.steps??[],a=n.indexOf(e.step??NaN),s=n.length<2;return r`<footer class="bar" aria-label="Steps">
    <span class="transport">
      ${o({icon:`previous`,name:`Previous step`,key:`,`,disabled:a<=0,press:()=>t.stepBy(-1)})}
      ${o({icon:e.playing?`pause`:`play`,name:e.playing?`Pause`:`Play the steps`,key:`Space`,extra:`play`,disabled:s,press:()=>t.togglePlay()})}
      ${o({icon:`next`,name:`Next step`,key:`.`,disabled:a<0||a===n.length-1,press:()=>t.stepBy(1)})}
    </span>
    ${He(e,t,n,a)}
    ${Ue(e,n,a)}
    ${Ge(e.history)}
    ${e.freshSteps>0?Ke(e.freshSteps,t):i}
  </footer>`}function He({history:e,step:t},n,a,o){let s=Math.max(1,a.length-1),c=e=>a.length===1?50:100*e/s,l=t===null?null:e?.steps.get(t)?.reason??null;return r`<span class="slider">
    <span class="track">
      <div class="done" style="width:${o<0?0:c(o)}%"></div>
      ${a.map((t,n)=>{let s=(e?.steps.get(t)?.status??`ok`)!==`ok`;return!s&&a.length>Be?i:r`<i class="tick ${s?`bad`:n<=o?`passed`:``}" data-step=${t} style="left:${c(n)}%"></i>`})}
    </span>
    <input
      type="range"
      aria-label="Step"
      min="0"
      max=${s}
      step="1"
      .value=${String(Math.max(0,o))}
      ?disabled=${a.length<2}
      aria-valuetext=${t===null?`no step`:`step ${t}, ${o+1} of ${a.length}`}
      title=${l??``}
      @input=${e=>{let t=a[Number(e.target.value)];t!==void 0&&n.chooseStep(t)}}
    />
  </span>`}function Ue({step:e,series:t},n,i){if(e===null||t===null)return r`<span class="moment"></span>`;let a=t.wallTimes[i],o=a===void 0?``:` · ${We(a)}`;return r`<span class="moment">
    <strong>Step ${_(e)}</strong><br />
    <span class="muted">${i+1} of ${n.length}${o}</span>
  </span>`}function We(e){let t=new Date(1e3*e);return Number.isNaN(t.getTime())?``:t.toLocaleString(`en-GB`,{day:`numeric`,month:`short`,hour:`2-digit`,minute:`2-digit`})}function Ge(e){if(e===null)return i;let t=[...e.steps.values()].filter(({status:e})=>e!==`ok`),n=e.logged>e.kept;if(t.length===0&&!n)return i;let a=t.map(({step:e,reason:t,status:n})=>`step ${e}: ${t??n}`);return r`<span class="note">
    ${n?r`${_(e.kept)} of ${_(e.logged)} logged steps kept; restart TensorBoard
          with <code>--atlas_samples=${e.logged}</code> to keep all.`:i}
    ${t.length>0?r`<span class="bad" title=${a.slice(0,20).join(`
`)}
          >${h(t.length,`step`)} cannot be shown.</span
        >`:i}
  </span>`}function Ke(e,t){return r`<button type="button" class="pill" @click=${()=>t.acceptFreshSteps()}>
    ${h(e,`new checkpoint`)}
  </button>`}var qe=60,Je=400,Ye={icons:`Icons only`,class:`Class`,prediction:`Prediction`,purity:`Purity`,cosine:`Cosine`,population:`Population`},Xe={icons:`Icons`,points:`Points`,both:`Both`};function Ze(e,t){let{runs:n,run:i,series:a,atlas:s,colour:c,level:l}=e,{store:u}=t,d=n.filter(e=>e.series.length>0).map(e=>({value:e.id,label:Qe(e.run)})),f=(i?.series??[]).map(({id:e,layer:t})=>({value:e,label:t}));return r`<header class="bar" aria-label="What the map shows">
    ${W(`run`,`Run`,d,i?.id??``,e=>t.chooseRun(e))}
    ${W(`layer`,`Layer`,f,a?.id??``,e=>t.chooseSeries(e))}
    ${W(`colour`,`Colour by`,$e(s),c,e=>u.set({colour:e}))}
    ${W(`level`,`Grid`,et(e),String(l),e=>u.set({level:e===`auto`?`auto`:Number(e)}))}
    ${tt(e,e=>u.set({show:e}))}
    <span class="spacer"></span>
    ${o({icon:`help`,name:`How to read the map, and its keys`,key:`?`,press:()=>u.set({help:!0})})}
  </header>`}function Qe(e){return e.replace(/(^|\/)atlas$/,``)||e||`(log directory)`}function W(e,t,n,i,a){let o=n.find(e=>e.value===i);return r`<span class="field">
    <label for=${e}>${t}</label>
    <select
      id=${e}
      title=${m(o?.label??``,Je)}
      ?disabled=${n.length===0}
      @change=${e=>a(e.target.value)}
    >
      ${n.map(e=>r`<option
            value=${e.value}
            .selected=${e.value===i}
            ?disabled=${e.disabled===!0}
          >
            ${m(e.label,qe)}
          </option>`)}
    </select>
  </span>`}function $e(e){let t={class:e?.labels===null,prediction:e?.predictions===null,purity:e?.labels===null&&e.predictions===null};return Object.entries(Ye).map(([e,n])=>{let r=t[e]===!0;return{value:e,label:r?`${n} (not recorded)`:n,disabled:r}})}function et({atlas:e,shownLevel:t}){let n=t===null?``:` (${t} × ${t})`,r=(e?.levels??[]).map(({size:e})=>({value:String(e),label:`${e} × ${e}`}));return[{value:`auto`,label:`By zoom${n}`},...r]}function tt({show:e},t){return r`<span class="field" role="radiogroup" aria-labelledby="show-label">
    <span class="label" id="show-label">Show</span>
    <span class="segments">
      ${C.map(n=>r`<label>
            <input
              type="radio"
              name="show"
              value=${n}
              .checked=${n===e}
              @change=${()=>t(n)}
            />${Xe[n]}
          </label>`)}
    </span>
  </span>`}var G=class{budget;weigh;#e=new Map;constructor(e,t){this.budget=e,this.weigh=t}peek(e){return this.#t(e)?.value??null}load(e,t){let n=this.#t(e);if(n!==void 0)return n.promise;let r={promise:t(),value:null};return this.#e.set(e,r),r.promise.then(t=>{r.value=t,this.#n(e)},()=>this.#e.delete(e)),r.promise}clear(){this.#e.clear()}#t(e){let t=this.#e.get(e);return t!==void 0&&(this.#e.delete(e),this.#e.set(e,t)),t}#n(e){let t=0;for(let{value:e}of this.#e.values())t+=e===null?0:this.weigh(e);for(let[n,{value:r}]of this.#e){if(t<=this.budget)return;n!==e&&r!==null&&(t-=this.weigh(r),this.#e.delete(n))}}},nt=300;function rt(e){return{run:e.run??null,layer:e.layer??null,step:q(e.step),level:q(e.grid)??`auto`,camera:b({x:q(e.x)??x.x,y:q(e.y)??x.y,z:q(e.z)??x.z}),colour:re.find(t=>t===e.color)??`icons`,show:C.find(t=>t===e.show)??`icons`}}function it(e){let{camera:t}=e,n=t.x!==x.x||t.y!==x.y||t.z!==x.z;return{run:K(e.run?.run,e.run?.id),layer:K(e.series?.layer,e.series?.id),step:e.step===null?``:String(e.step),grid:e.level===`auto`?``:String(e.level),x:n?t.x.toFixed(4):``,y:n?t.y.toFixed(4):``,z:n?t.z.toFixed(3):``,color:e.colour===`icons`?``:e.colour,show:e.show===`icons`?``:e.show}}function K(e,t){return(e!==void 0&&e.length<=nt?e:t)??``}function q(e){let t=Number(e?.trim()||NaN);return Number.isFinite(t)?t:null}function J(e,t){let n=e.find(e=>e.run===t||e.id===t),r=e.filter(e=>e.series.length>0);return(n&&n.series.length>0?n:r[0])??null}function Y(e,t){let n=e.series[e.series.length-1]??null;return e.series.find(e=>e.layer===t||e.id===t)??n}function at(e,t){let n=e[e.length-1]??null;return t===null?n:e.reduce((e,n)=>e===null||Math.abs(n-t)<Math.abs(e-t)?n:e,null)}var ot=256<<20,st=4,ct={pages:[],complete:!0,failure:null},lt=class{#e=new G(ot,({width:e,height:t})=>e*t*st);#t=new Map;#n=new Set;#r=new Set;watch(e){this.#r.add(e)}icons(e,t){return this.#i(t.entry.pages,`sheet/${e.key}`,t=>d(e.series,e.step,t))}thumbs(e,n,r){let i=n.manifest.pages[r];return i===void 0?null:this.#i([i],`thumbs/${e}`,()=>t(e,i)).pages[0]??null}retry(){this.#t.clear()}#i(e,t,n){if(e.length===0)return ct;let r=!0,i=null;return{pages:e.map(e=>{let a=`${t}/${e.blob}/${e.crc32c}`,o=this.#t.get(a);if(o!==void 0)return i=o,null;let s=this.#e.peek(a);return s===null&&(r=!1,this.#a(a,()=>n(e))),s}),complete:r,failure:i}}#a(e,t){this.#n.has(e)||(this.#n.add(e),this.#e.load(e,t).catch(t=>this.#t.set(e,f(t))).finally(()=>{this.#n.delete(e);for(let e of this.#r)e()}))}},ut=64<<20,dt=3e4,ft=900,X=100,Z={stepFailure:null,sheetFailure:null},pt=class{store;address;pages=new lt;#e=new G(ut,e=>e.xy.buffer.byteLength);#t=[];#n=null;#r;#i;constructor(e,t){this.store=e,this.address=t,this.#i=rt(t.read());let{level:n,camera:r,colour:i,show:a}=this.#i;e.set({level:n,camera:r,colour:i,show:a}),e.subscribe((e,t)=>{e.phase===`ready`&&this.address.write(it(e)),e.settled&&!t.settled&&this.enrich()})}async start(){k(()=>void this.#m()),setInterval(()=>{document.body.clientHeight>0&&!document.hidden&&this.#m()},dt),await this.#a()}retry(){this.pages.retry();let{phase:e,step:t}=this.store.state;e===`failed`||e===`empty`?(this.store.set({phase:`loading`,failure:null}),this.#a()):(this.store.set({...Z,probeFailure:null}),this.#n=null,t!==null&&this.#s(t))}chooseRun(e){let{series:t}=this.store.state,n=this.#t.find(t=>t.id===e);n!==void 0&&(this.store.set({runs:this.#t}),this.#o(n,Y(n,t?.layer??null)))}chooseSeries(e){let t=this.store.state.run?.id,n=this.#t.find(e=>e.id===t),r=n?.series.find(t=>t.id===e);n!==void 0&&r!==void 0&&(this.store.set({runs:this.#t}),this.#o(n,r))}chooseStep(e){e!==this.store.state.step&&this.#s(e)}stepBy(e){let{series:t,step:n}=this.store.state;if(t===null||n===null)return;let r=t.steps[t.steps.indexOf(n)+e];r!==void 0&&this.chooseStep(r)}togglePlay(){let{playing:e,series:t,step:n}=this.store.state;if(clearTimeout(this.#r),this.store.set({playing:!e}),e||t===null)return;let r=t.steps[0];n===t.steps.at(-1)&&r!==void 0&&this.chooseStep(r),this.#f(X)}acceptFreshSteps(){let{run:e,series:t}=this.store.state,n=this.#g(e,t);if(n===null)return;this.#n=null,this.store.set({runs:this.#t,run:n.run,series:n.series,freshSteps:0});let r=n.series.steps.at(-1);r!==void 0&&this.chooseStep(r),this.enrich()}enrich(){let{run:e,series:t}=this.store.state;e!==null&&t!==null&&(this.#n!==t.id&&(this.#n=t.id,this.#l(t),e.probe&&this.store.state.probe===null&&this.#u(e)),this.#d(t))}async#a(){try{let t=await e();this.#t=t;let n=J(t,this.#i.run);if(n===null){this.store.set({phase:`empty`,runs:[],busy:!1});return}this.store.set({phase:`ready`,runs:t}),this.#o(n,Y(n,this.#i.layer),this.#i.step)}catch(e){this.store.set({phase:`failed`,failure:f(e),busy:!1})}}#o(e,t,n=this.store.state.step){let r=e.id===this.store.state.run?.id,i=at(t?.steps??[],n);this.store.set({...Z,run:e,series:t,history:null,hover:null,freshSteps:0,...r?{}:{probe:null,probeFailure:null}}),i!==null&&this.#s(i)}async#s(e){let{series:t}=this.store.state;if(t===null)return;this.store.set({...Z,step:e,busy:!0,settled:!1});let n=()=>this.store.state.series?.id===t.id&&this.store.state.step===e;try{let r=await this.#c(t,e);n()&&this.store.set({atlas:r,busy:!1})}catch(e){if(!n())return;this.store.set({stepFailure:f(e),busy:!1,hover:null}),this.enrich()}}#c(e,t){let n=e.wallTimes[e.steps.indexOf(t)]??0;return this.#e.load(`${e.id}/${t}/${n}`,()=>u(e.id,t))}async#l(e){let t=await a(e.id).catch(()=>null);this.store.state.series?.id===e.id&&this.store.set({history:t})}async#u(e){let t=await c(e.id).then(e=>({probe:e,probeFailure:null}),e=>({probe:null,probeFailure:f(e)}));this.store.state.run?.id===e.id&&this.store.set(t)}#d(e){let{step:t,shownLevel:n}=this.store.state,r=e.steps.indexOf(t??NaN);for(let t of[e.steps[r+1],e.steps[r-1]])r<0||t===void 0||this.#c(e,t).then(e=>{let t=e.levels.find(({size:e})=>e===n);t!==void 0&&this.pages.icons(e,t)},()=>{})}#f(e){this.#r=setTimeout(()=>{let{busy:e,series:t,step:n,playing:r,settled:i,stepFailure:a}=this.store.state;if(!r||t===null)return;if(e||!(i||a!==null)){this.#f(X);return}let o=this.#p(t,n);o===null?this.store.set({playing:!1}):(this.chooseStep(o),this.#f(ft))},e)}#p(e,t){let{history:n}=this.store.state;return e.steps.slice(e.steps.indexOf(t??NaN)+1).find(e=>(n?.steps.get(e)?.status??`ok`)===`ok`)??null}async#m(){let{phase:t,run:n,series:r}=this.store.state;if(t===`loading`)return;let i=await e().catch(()=>null);if(i===null)return;if(t===`empty`||t===`failed`){J(i,null)!==null&&this.retry();return}this.#t=i;let a=this.#g(n,r);if(a===null||r===null)return;let o=new Set(r.steps);this.store.set({freshSteps:a.series.steps.filter(e=>!o.has(e)).length}),this.#h(i)}#h(e){let{runs:t,run:n}=this.store.state,r=e=>e.map(e=>[e.id,...e.series.map(e=>e.id)].join()).join();r(e)!==r(t)&&this.store.set({runs:e,run:e.find(e=>e.id===n?.id)??n})}#g(e,t){let n=this.#t.find(t=>t.id===e?.id),r=n?.series.find(e=>e.id===t?.id);return n&&r?{run:n,series:r}:null}},Q=p`
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
    --accent-soft: #c7460014;
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
`,mt=p`
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
    min-height: 60px;
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
  .button {
    height: 32px;
    padding: 0 16px;
    border-radius: 4px;
    border: 1px solid var(--line);
    background: var(--surface);
    font-weight: 500;
  }
  .button:hover {
    background: var(--control);
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

  .stage {
    position: relative;
    flex: 1;
    min-height: 0;
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
  .map-buttons {
    position: absolute;
    right: 16px;
    bottom: 16px;
    display: flex;
    flex-direction: column;
    background: var(--raised);
    border-radius: 6px;
    box-shadow: var(--shadow);
  }
  .map-buttons .icon-button {
    width: 36px;
    height: 36px;
    border-radius: 6px;
  }
  .map-buttons .icon-button + .icon-button {
    border-top: 1px solid var(--line);
    border-radius: 0 0 6px 6px;
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

  .transport {
    display: flex;
    align-items: center;
    gap: 2px;
  }
  .play {
    width: 40px;
    height: 40px;
    background: var(--accent);
    color: var(--on-accent);
  }
  .play:hover:not(:disabled) {
    background: color-mix(in srgb, var(--accent), var(--text) 15%);
    color: var(--on-accent);
  }
  .play svg {
    width: 24px;
    height: 24px;
  }
  .slider {
    position: relative;
    flex: 1;
    min-width: 120px;
    height: 32px;
  }
  .slider input {
    appearance: none;
    position: absolute;
    inset: 0;
    width: 100%;
    height: 32px;
    margin: 0;
    background: none;
    cursor: pointer;
    border-radius: 4px;
  }
  .slider input::-webkit-slider-thumb {
    appearance: none;
    width: 16px;
    height: 16px;
    border-radius: 50%;
    background: var(--accent);
    border: 2px solid var(--surface);
    box-shadow: 0 0 0 1px var(--accent);
  }
  .slider input::-moz-range-thumb {
    width: 12px;
    height: 12px;
    border-radius: 50%;
    background: var(--accent);
    border: 2px solid var(--surface);
    box-shadow: 0 0 0 1px var(--accent);
  }
  .track {
    position: absolute;
    left: 8px;
    right: 8px;
    top: 15px;
    height: 2px;
    border-radius: 1px;
    background: var(--line);
  }
  .track .done {
    height: 100%;
    background: var(--accent);
  }
  .tick {
    position: absolute;
    top: -4px;
    width: 2px;
    height: 10px;
    margin-left: -1px;
    border-radius: 1px;
    background: var(--muted);
    opacity: 0.55;
  }
  .tick.passed {
    background: var(--accent);
    opacity: 1;
  }
  .tick.bad {
    background: var(--bad);
    opacity: 1;
    height: 14px;
    top: -6px;
    width: 3px;
  }
  .moment {
    min-width: 148px;
    font-variant-numeric: tabular-nums;
    line-height: 1.35;
  }
  .moment strong {
    font-weight: 500;
    font-size: 14px;
  }
  .moment .muted,
  .note {
    color: var(--muted);
    font-size: 12px;
  }
  .note {
    max-width: 300px;
    line-height: 1.35;
  }
  .note code {
    font: 11.5px/1.4 'Roboto Mono', ui-monospace, monospace;
    white-space: nowrap;
  }
  .note .bad {
    color: var(--bad);
  }
  .pill {
    height: 28px;
    padding: 0 12px;
    border-radius: 14px;
    background: var(--accent);
    color: var(--on-accent);
    font-weight: 500;
    white-space: nowrap;
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
    .note,
    .transport .icon-button:not(.play) {
      display: none;
    }
    header.bar {
      gap: 8px 12px;
    }
    .moment {
      min-width: 0;
    }
  }
`,ht=500,$=1.5,gt=class extends s{static styles=[Q,mt];#e=new w;#t=new pt(this.#e,new he);#n=null;#r=``;#i;connectedCallback(){super.connectedCallback(),O(e=>this.#e.set({dark:e})),this.#e.subscribe((e,t)=>this.#s(e,t)),this.#t.start()}render(){let{state:e}=this.#e,{atlas:t,phase:n,busy:a,stepFailure:o}=e,s=n===`loading`||n===`ready`&&t===null&&!o;return r`
      ${Ze(e,this.#t)}
      <main class="stage">
        <atlas-map
          .session=${this.#t}
          tabindex="0"
          role="application"
          aria-roledescription="map"
          aria-label=${_t(e)}
          aria-describedby="map-hint"
        ></atlas-map>
        <span id="map-hint" class="hidden">
          Arrow keys move between cells, Enter pins a cell, plus and minus zoom, comma and full stop
          change the step, question mark lists all keys.
        </span>
        ${s?r`<div class="skeleton"><span>Loading the atlas …</span></div>`:i}
        ${a&&t!==null?r`<div class="progress"></div>`:i}
        ${n===`ready`?this.#o():i}
        ${this.#n?.render(e,this.#a)??i}
      </main>
      ${Ve(e,this.#t)}
      <div class="hidden" role="status" aria-live="polite">${this.#r}</div>
    `}updated(e){let{phase:t,settled:n,shownLevel:r,step:i,atlas:a,stepFailure:o,dark:s,series:c,renderer:l}=this.#e.state,u={theme:s?`dark`:`light`,phase:t,ready:String(n||t===`empty`||t===`failed`||o!==null),level:String(r??``),step:String(i??``),shownStep:String(a?.step??``),layer:c?.layer.slice(0,200)??``,failure:o?.kind??``,renderer:l};Object.assign(this.dataset,u)}get#a(){let e=this.renderRoot.querySelector(`atlas-map`);return e instanceof U?e:null}#o(){return r`<div class="map-buttons" role="group" aria-label="Zoom">
      ${o({icon:`plus`,name:`Zoom in`,key:`+`,press:()=>this.#a?.zoomBy($)})}
      ${o({icon:`minus`,name:`Zoom out`,key:`-`,press:()=>this.#a?.zoomBy(1/$)})}
      ${o({icon:`fit`,name:`Show the whole map`,key:`0`,press:()=>this.#a?.fit()})}
    </div>`}#s(e,t){this.requestUpdate();let n=e.phase===`empty`||e.phase===`failed`;this.#n===null&&(e.settled||n||e.stepFailure||e.help)&&this.#c(),!S(e.hover,t.hover)&&this.#a?.matches(`:focus-visible`)&&this.#l(vt(e)),e.stepFailure!==null&&e.stepFailure!==t.stepFailure&&this.#l(`Step ${e.step} cannot be shown: ${e.stepFailure.message}`)}async#c(){let{Details:e}=await H(async()=>{let{Details:e}=await import(`./chunk-details-Cba3Qw95.js`);return{Details:e}},[],import.meta.url);if(this.#n!==null)return;this.#n=new e(this.#t,()=>this.requestUpdate());let t=this.renderRoot,{styleSheet:n}=e.styles;n&&(t.adoptedStyleSheets=[...t.adoptedStyleSheets,n]),this.requestUpdate()}#l(e){clearTimeout(this.#i),this.#i=setTimeout(()=>{this.#r=e,this.requestUpdate()},ht)}};customElements.define(`atlas-app`,gt);function _t({series:e,step:t}){return e===null?`Activation atlas`:`Activation atlas of layer ${e.layer.slice(0,200)} at step ${t}`}function vt({atlas:e,hover:t}){let n=e?.levels.find(({size:e})=>e===t?.size);if(!e||!n||!t)return``;let r=g(e,n,t.row,t.col);if(r===null)return``;let i=r.mix[0],a=i&&(e.classes?.[i.index]??`class ${i.index}`),o=i?`, ${a} ${Math.round(100*i.share)} percent`:``;return`row ${t.row+1}, column ${t.col+1}${o}, ${r.count} samples`}function yt(){document.documentElement.lang=`en`,document.title=`Atlas`;let{documentElement:e,body:t}=document;for(let n of[e,t])Object.assign(n.style,{height:`100%`,margin:`0`});let n=document.createElement(`atlas-app`);n.dataset.version=`0.1.0`,t.replaceChildren(n)}export{yt as render};