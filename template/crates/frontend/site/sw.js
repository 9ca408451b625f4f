// The service worker: the page opens without a network, and is always the newest when there is one.
const CACHE = "site";

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || pathname.startsWith("/api/")) return;
  event.respondWith(pathname.startsWith("/assets/") ? kept(request) : newest(request));
});

// What is behind an asset's name never changes.
async function kept(request) {
  return (await caches.match(request)) ?? fetched(request);
}

async function newest(request) {
  try {
    return await fetched(request);
  } catch (error) {
    const copy = await caches.match(request);
    if (copy) return copy;
    throw error;
  }
}

async function fetched(request) {
  const response = await fetch(request);
  if (response.ok) await (await caches.open(CACHE)).put(request, response.clone());
  return response;
}
