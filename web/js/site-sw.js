/**
 * The service worker of a site without a server: keeps every file of one version, so that the course is there without a
 * network. The version and the list of files stand in `contents.json`; `isrlab site` puts the version before this script too,
 * so that a browser sees that there is a new one.
 * @module
 */

/** @type {any} */
const worker = globalThis;
const PREFIX = "isrlab-";

worker.addEventListener("install", (/** @type {any} */ event) => {
  event.waitUntil((async () => {
    const { version, files } = await (await fetch("contents.json", { cache: "no-store" })).json();
    const cache = await caches.open(PREFIX + version);
    await cache.addAll(files.map((/** @type {string} */ file) => new Request(file, { cache: "no-cache" })));
    await worker.skipWaiting();
  })());
});

worker.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil((async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX)).sort();
    const { version } = await (await fetch("contents.json", { cache: "no-store" })).json().catch(() => ({}));
    if (version !== undefined) await Promise.all(names.filter((name) => name !== PREFIX + version).map((name) => caches.delete(name)));
    await worker.clients.claim();
  })());
});

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  // The network goes first, so that a site that was changed is seen; without it, what was kept.
  event.respondWith(fetch(event.request).catch(async () => {
    const kept = await caches.match(event.request, { ignoreSearch: true });
    if (kept === undefined) throw new Error(`not kept: ${event.request.url}`);
    return kept;
  }));
});
