// Runs a graph model in real TensorFlow.js on given inputs, one row at a time.
//
//   node run.mjs <folder of node_modules> <model.json> <job.json> <answers.json>
//
// job.json: {"inputs": [{"name", "rows": "<file, little-endian>", "shape": [1, ...], "dtype": "float32" | "int32" | "bool"}, ...],
//            "outputs": ["<name>", ...], "count": n, "backend": "wasm" | "cpu"}
// answers.json: {"outputs": {"<name>": [[...], ...]}, "latency_ms_p50": x, "backend": "...", "version": "..."}
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// One sentence instead of a stack through the minified runtime.
process.on('uncaughtException', (error) => {
  console.error(error.message ?? String(error));
  process.exit(1);
});

const [modules, modelFile, jobFile, answersFile] = process.argv.slice(2);
const require = createRequire(join(modules, 'package.json'));
const tf = require('@tensorflow/tfjs-core');
const { loadGraphModel } = require('@tensorflow/tfjs-converter');
const job = JSON.parse(readFileSync(jobFile, 'utf8'));

if (job.backend === 'wasm') {
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  wasm.setWasmPaths(join(folder, 'dist') + '/');
  wasm.setThreadsCount(1);
} else {
  require('@tensorflow/tfjs-backend-cpu');
}
if (!(await tf.setBackend(job.backend))) throw new Error(`backend ${job.backend} did not start`);

// The same bytes that a browser would fetch: model.json and its shards.
const load = async () => {
  const model = JSON.parse(readFileSync(modelFile, 'utf8'));
  const specs = model.weightsManifest.flatMap((group) => group.weights);
  const shards = model.weightsManifest.flatMap((group) => group.paths)
    .map((path) => readFileSync(join(dirname(modelFile), path)));
  const bytes = Buffer.concat(shards);
  const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return { ...model, weightSpecs: specs, weightData };
};
const model = await loadGraphModel({ load });

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
const inputs = job.inputs.map(({ name, rows, shape, dtype }) => {
  const bytes = readFileSync(rows);
  const values = new arrays[dtype](bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const size = values.length / job.count;
  return { name, of: (row) => tf.tensor(values.subarray(row * size, (row + 1) * size), shape, dtype) };
});
const outputs = Object.fromEntries(job.outputs.map((name) => [name, []]));
const times = [];
for (let row = 0; row < job.count; row++) {
  const started = performance.now();
  const given = Object.fromEntries(inputs.map((input) => [input.name, input.of(row)]));
  const answers = [model.execute(given, job.outputs)].flat();
  const values = await Promise.all(answers.map((answer) => answer.data()));
  // JSON has no NaN: null stands for every number that is not finite.
  job.outputs.forEach((name, n) => outputs[name].push(Array.from(values[n])));
  times.push(performance.now() - started);
  tf.dispose([given, answers]);
}
times.sort((a, b) => a - b);
writeFileSync(answersFile, JSON.stringify({
  outputs,
  latency_ms_p50: times[Math.floor(times.length / 2)],
  backend: tf.getBackend(),
  version: tf.version_core,
}));
