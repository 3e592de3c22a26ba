// Files of a version, each compared with the manifest before anybody sees it; the manifest itself
// with what latest.json says of it, and with its signature where public keys are given.

import { requireSigned, signaturePath } from "./signed.js";

/** Why something was not taken. kind: pointer, experiment, manifest, missing, truncated, tampered,
 *  load, predict, or network (nothing is wrong with the version, as far as one can tell). */
export class Refused extends Error {
  constructor(kind, message, cause) {
    super(message, { cause });
    this.name = "Refused";
    this.kind = kind;
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** SHA-256 of bytes, in hex. Needs a secure context (https, or localhost). */
export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => HEX[byte]).join("");
}

const HEAD = '{"sha256":"';
const HEAD_BYTES = HEAD.length + 64 + '",'.length;

/** A document that begins with the digest of what follows, as text; throws Refused("pointer") when a
 *  byte of it is not as it was written. Documents without a digest are taken as they are. */
export async function undamaged(bytes, name) {
  const head = new TextDecoder().decode(bytes.subarray(0, HEAD_BYTES));
  if (head.startsWith(HEAD)) {
    const told = /^\{"sha256":"([0-9a-f]{64})",$/.exec(head)?.[1];
    if ((await sha256(bytes.subarray(HEAD_BYTES))) !== told) {
      throw new Refused("pointer", `${name} is damaged: its SHA-256 is not its own`);
    }
  }
  return new TextDecoder().decode(bytes);
}

export function verifiedFiles({ base, model, store, fetch = globalThis.fetch.bind(globalThis), pointerTimeout, fileTimeout, trustedKeys = [] }) {
  const decode = (bytes) => new TextDecoder().decode(bytes);
  const encode = (value) => new TextEncoder().encode(JSON.stringify(value));
  const manifests = new Map();
  const digests = new Map(); // SHA-256 of each version's manifest, as latest.json has it
  let good = null;

  /** Bytes of an address; the time limit covers the body, too. */
  async function get(path, cache, timeout) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeout);
    try {
      const answer = await fetch(`${base}/${path}`, { cache, signal: abort.signal, credentials: "omit" });
      if (answer.status >= 500) throw new Refused("network", `${path}: ${answer.status}`);
      if (!answer.ok) throw new Refused("missing", `${path}: ${answer.status}`);
      return new Uint8Array(await answer.arrayBuffer());
    } catch (error) {
      if (error instanceof Refused) throw error;
      throw new Refused("network", `${path}: ${error.message}`, error);
    } finally {
      clearTimeout(timer);
    }
  }

  async function check(bytes, file) {
    if (bytes.byteLength !== file.size) {
      throw new Refused("truncated", `${file.path}: ${bytes.byteLength} bytes of ${file.size}`);
    }
    if ((await sha256(bytes)) !== file.sha256) {
      throw new Refused("tampered", `${file.path}: its SHA-256 is not the manifest's`);
    }
    return bytes;
  }

  /** A file from the store or the network, checked wherever it comes from. */
  async function verified(version, file) {
    const key = `${model}/${version}/${file.path}`;
    const kept = await quietly(store.get(key));
    if (kept) {
      try {
        return await check(kept, file);
      } catch {
        await quietly(store.delete(key));
      }
    }
    let bytes;
    try {
      bytes = await check(await get(key, "default", fileTimeout), file);
    } catch (error) {
      if (error.kind === "missing" || error.kind === "network") throw error;
      // The browser may hold a damaged copy for a year: ask once more, past its cache.
      bytes = await check(await get(key, "reload", fileTimeout), file);
    }
    await quietly(store.put(key, bytes));
    return bytes;
  }

  function checkedManifest(text, version) {
    let manifest = null;
    try {
      manifest = JSON.parse(text);
    } catch {
      // told below
    }
    const sound =
      manifest?.model === model &&
      manifest.version === version &&
      Array.isArray(manifest.files) &&
      manifest.files.every(
        (file) => typeof file.path === "string" && Number.isInteger(file.size) && /^[0-9a-f]{64}$/.test(file.sha256),
      );
    if (!sound) throw new Refused("manifest", `manifest.json of ${version} cannot be used`);
    return manifest;
  }

  async function manifestOf(version) {
    const last = await lastGood();
    const wanted = digests.get(version);
    if (last?.version === version && (!wanted || wanted === last.sha256)) {
      return checkedManifest(JSON.stringify(last.manifest), version);
    }
    const path = `${model}/${version}/manifest.json`;
    let bytes = await get(path, "default", fileTimeout);
    if (wanted && (await sha256(bytes)) !== wanted) bytes = await get(path, "reload", fileTimeout);
    const digest = await sha256(bytes);
    if (wanted && digest !== wanted) {
      throw new Refused("tampered", `manifest.json of ${version} is not the one of latest.json`);
    }
    if (trustedKeys.length > 0) {
      const envelope = await get(signaturePath(model, version, digest), "default", fileTimeout);
      try {
        await requireSigned({ model, version, digest, envelope, keys: trustedKeys });
      } catch (error) {
        throw new Refused("tampered", `manifest.json of ${version}: ${error.message}`, error);
      }
    }
    digests.set(version, digest);
    return checkedManifest(decode(bytes), version);
  }

  /** What a version's manifest lists, and a way to take it. */
  async function listed(version) {
    const manifest = await manifestOf(version);
    const byPath = new Map(manifest.files.map((file) => [file.path, file]));
    const take = (path) => {
      const file = byPath.get(path);
      if (!file) throw new Refused("manifest", `${path} is not in the manifest of ${version}`);
      return verified(version, file);
    };
    return { manifest, byPath, take };
  }

  async function lastGood() {
    if (good) return good;
    const kept = await quietly(store.get(`${model}/last-good`));
    if (!kept) return null;
    try {
      good = JSON.parse(decode(kept));
    } catch {
      good = null;
    }
    return good;
  }

  return {
    lastGood,

    /** What latest.json says of the manifests of its versions. */
    expect(pointer) {
      for (const part of [pointer, pointer.rollout]) {
        if (part?.manifest?.sha256) digests.set(part.version, part.manifest.sha256);
      }
    },

    /** Text of latest.json; the browser asks the CDN whether its copy still holds. */
    async pointer() {
      const bytes = await get(`${model}/latest.json`, "no-cache", pointerTimeout);
      return undamaged(bytes, `latest.json of ${model}`);
    },

    /** Text of experiment.json; null where the model never had an experiment. */
    async experiment() {
      try {
        return decode(await get(`${model}/experiment.json`, "no-cache", pointerTimeout));
      } catch (error) {
        if (error.kind === "missing") return null;
        throw error;
      }
    },

    /** What tf.loadGraphModel takes, made of verified bytes only, and the prediction bins' edges. */
    async load(version) {
      const { manifest, byPath, take } = await listed(version);
      const graph = JSON.parse(decode(await take("tfjs/model.json")));
      const groups = graph.weightsManifest ?? [];
      const paths = groups.flatMap((group) => group.paths);
      const parts = await Promise.all(paths.map((path) => take(`tfjs/${path}`)));
      const weightData = await new Blob(parts).arrayBuffer();
      const weightSpecs = groups.flatMap((group) => group.weights);
      let edges = null;
      if (byPath.has("reference.json")) {
        edges = JSON.parse(decode(await take("reference.json"))).edges ?? null;
      }
      manifests.set(version, manifest);
      return { handler: { load: async () => ({ ...graph, weightSpecs, weightData }) }, edges };
    },

    /** Bytes of one file of a version, for other runtimes than TensorFlow.js. */
    async file(version, path) {
      return (await listed(version)).take(path);
    },

    /** A version answered: it is the one to fall back to. Older files are let go. */
    async worked(version) {
      if (good?.version === version || !manifests.has(version)) return;
      good = { version, manifest: manifests.get(version), sha256: digests.get(version) };
      await quietly(store.put(`${model}/last-good`, encode(good)));
      const kept = (await quietly(store.keys())) ?? [];
      const old = kept.filter(
        (key) => key.startsWith(`${model}/v`) && ![...manifests.keys()].some((v) => key.startsWith(`${model}/${v}/`)),
      );
      await Promise.all(old.map((key) => quietly(store.delete(key))));
    },

    /** Whether this user has not been counted for a version in a rollout; remembers that now. */
    async countOnce(version, salt, againHours) {
      const key = `${model}/counted`;
      let counted = {};
      try {
        counted = JSON.parse(decode(await store.get(key)));
      } catch {
        // nothing is remembered, or nothing that can be read
      }
      if (counted.salt !== salt) counted = { salt, at: {} };
      const before = counted.at[version];
      if (before !== undefined && Date.now() - before < againHours * 3600_000) return false;
      counted.at[version] = Date.now();
      await quietly(store.put(key, encode(counted)));
      return true;
    },
  };
}

/** A store that fails (private mode, full disk) costs a download, not the model. */
async function quietly(promise) {
  try {
    return await promise;
  } catch {
    return undefined;
  }
}
