// Keeps the page's files on the phone and answers with them first; what is of the office itself goes through.
const CACHE = `field-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOlder().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method === "GET" && origin === self.location.origin && KEPT.includes(pathname)) {
    event.respondWith(answer(event.request, pathname));
  }
});

async function keep() {
  const cache = await caches.open(CACHE);
  await Promise.all(KEPT.map(async (path) => {
    const got = await fetch(path, { cache: "reload", credentials: "same-origin" });
    // a login page must not be kept in the place of the page
    if (!got.ok || got.redirected) throw new Error(`${path}: ${got.status}`);
    await cache.put(path, got);
  }));
}

async function answer(request, path) {
  const kept = await (await caches.open(CACHE)).match(path);
  return kept ?? fetch(request);
}

async function forgetOlder() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("field-") && name !== CACHE).map((name) => caches.delete(name)));
}
