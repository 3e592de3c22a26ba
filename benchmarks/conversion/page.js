// What a page does with a model: follow the pointer, verify the files, load, and answer.
//
// Runtimes are the stock ones, as npm has them; nothing of ours stands between graph and answer.

import { openModel } from "/clients/sluice.js";
import { memoryStore } from "/clients/store.js";
import { verifiedFiles } from "/clients/verified.js";

const MODULES = "/modules/@tensorflow";
const SCRIPTS = {
  wasm: ["tfjs-core/dist/tf-core.min.js", "tfjs-converter/dist/tf-converter.min.js",
    "tfjs-backend-wasm/dist/tf-backend-wasm.min.js"],
  webgl: ["tfjs-core/dist/tf-core.min.js", "tfjs-converter/dist/tf-converter.min.js",
    "tfjs-backend-webgl/dist/tf-backend-webgl.min.js"],
};
const ARRAYS = { float32: Float32Array, int32: Int32Array };
const WARM = 10;

function script(path) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    Object.assign(element, { src: path, onload: resolve, onerror: () => reject(new Error(path)) });
    document.head.append(element);
  });
}

/** Rows of a test vector's input, each as a typed array. */
function rowsOf({ dtype, shape, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const values = new ARRAYS[dtype](bytes.buffer);
  const size = values.length / shape[0];
  return Array.from({ length: shape[0] }, (_, row) => values.slice(row * size, (row + 1) * size));
}

const openers = {
  wasm: (options) => tensorflow("wasm", options),
  webgl: (options) => tensorflow("webgl", options),
  litert,
};

async function tensorflow(backend, options) {
  for (const path of SCRIPTS[backend]) await script(`${MODULES}/${path}`);
  if (backend === "wasm") tf.wasm.setWasmPaths(`${MODULES}/tfjs-backend-wasm/dist/`);
  if (!(await tf.setBackend(backend))) throw new Error(`no ${backend} here`);
  await tf.ready();
  const ready = performance.now();
  const model = await openModel({ ...options, tf, experiments: false, refreshSeconds: 0 });
  if (tf.getBackend() !== backend) throw new Error(`${backend} fell back to ${tf.getBackend()}`);
  const answer = (shape, row) => model.predict(async (graph) => {
    const given = tf.tensor(row, shape, "float32");
    const told = graph.execute(given);
    const values = await told.data();
    tf.dispose([given, told]);
    return Array.from(values);
  });
  return { ready, answer, version: model.version };
}

async function litert(options, file) {
  const { loadLiteRt, loadAndCompile, Tensor } = await import("/modules/@litertjs/core/dist/index.js");
  await loadLiteRt("/modules/@litertjs/core/wasm/", { threads: false });
  const ready = performance.now();
  const files = verifiedFiles(options);
  const { version } = JSON.parse(await files.pointer());
  const bytes = await files.file(version, file);
  const model = await loadAndCompile(bytes, { accelerator: "wasm" });
  const answer = async (shape, row) => {
    const given = new Tensor(row, shape);
    const [told] = await model.run(given);
    const values = Array.from(told.toTypedArray());
    given.delete();
    told.delete();
    return values;
  };
  return { ready, answer, version };
}

/** Load + first prediction and the median of `calls` more, in milliseconds, and all answers. */
export async function tried({ runtime, base, model, file, calls }) {
  const options = {
    base, model, userId: "u", store: memoryStore(), pointerTimeout: 20000, fileTimeout: 60000,
  };
  const vectors = await (await fetch(`${base}/${model}/vectors.json`)).json();
  const [input] = vectors.inputs;
  const rows = rowsOf(input);
  const shape = [1, ...input.shape.slice(1)];
  const { ready, answer, version } = await openers[runtime](options, file);
  const answers = [await answer(shape, rows[0])];
  const first = performance.now() - ready;
  for (const row of rows.slice(1)) answers.push(await answer(shape, row));
  const taken = [];
  for (let call = 0; call < WARM + calls; call += 1) {
    const began = performance.now();
    await answer(shape, rows[call % rows.length]);
    if (call >= WARM) taken.push(performance.now() - began);
  }
  taken.sort((one, other) => one - other);
  return { version, first, steady: taken[Math.floor(taken.length / 2)], answers };
}
