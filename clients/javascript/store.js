// Where verified files are kept between visits: get, put, delete, keys; bytes by key.

/** In the browser's Cache Storage. */
export function cacheStore(name) {
  const address = (key) => new URL(`/.sluice/${encodeURIComponent(key)}`, location.origin).href;
  const opened = () => caches.open(name);
  return {
    async get(key) {
      const found = await (await opened()).match(address(key));
      return found ? new Uint8Array(await found.arrayBuffer()) : undefined;
    },
    async put(key, bytes) {
      await (await opened()).put(address(key), new Response(bytes));
    },
    async delete(key) {
      await (await opened()).delete(address(key));
    },
    async keys() {
      const requests = await (await opened()).keys();
      return requests.map(({ url }) => decodeURIComponent(new URL(url).pathname.slice("/.sluice/".length)));
    },
  };
}

/** In memory: for tests, and for pages that must not keep anything. */
export function memoryStore(kept = new Map()) {
  return {
    kept,
    get: async (key) => kept.get(key),
    put: async (key, bytes) => void kept.set(key, bytes),
    delete: async (key) => void kept.delete(key),
    keys: async () => [...kept.keys()],
  };
}
