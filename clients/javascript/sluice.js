// Sluice's reference client for browsers: a model from the CDN, verified, with a way back.
//
//   const model = await openModel({ base, model: "price-estimator", userId, tf, report });
//   const price = await model.predict(async (graph) => {
//     const answer = graph.execute(input);
//     return (await answer.data())[0];
//   });
//
// It reads <model>/latest.json and <model>/experiment.json, picks the version by a hash of the user
// id, compares size and SHA-256 of every file with the version's manifest before TensorFlow.js sees
// a byte of it, and goes on with the last version that worked when anything of that fails.

import { bucket } from "./buckets.js";
import { assigned, checkedExperiment } from "./experiment.js";
import { cacheStore } from "./store.js";
import { verifiedFiles, Refused } from "./verified.js";

const VERSION = /^v?\d[\w.-]{0,63}$/;
const ERRORS_IN_A_ROW = 3;

/** The version that a pointer means for a user, and whether it is a candidate on trial. */
export async function choose(pointer, userId) {
  const rollout = pointer.rollout;
  if (rollout && (await bucket(userId, rollout.salt)) < rollout.percent) return rollout.version;
  return pointer.version;
}

/** A pointer that can be followed; throws Refused("pointer") otherwise. */
export function checkedPointer(text, model) {
  let pointer;
  try {
    pointer = JSON.parse(text);
  } catch (error) {
    throw new Refused("pointer", `latest.json of ${model} is not JSON`, error);
  }
  const rollout = pointer?.rollout ?? null;
  const sound =
    pointer?.schema_version === 1 &&
    pointer.model === model &&
    VERSION.test(pointer.version) &&
    (rollout === null ||
      (VERSION.test(rollout.version) &&
        Number.isInteger(rollout.percent) &&
        rollout.percent >= 0 &&
        rollout.percent <= 100 &&
        typeof rollout.salt === "string"));
  if (!sound) throw new Refused("pointer", `latest.json of ${model} cannot be followed`);
  return pointer;
}

/**
 * Open a model; resolves once a version is loaded, rejects when there is none at all.
 *
 * Options:
 *   base            address of the registry through the CDN, e.g. "https://models.example.com"
 *   model           name of the model
 *   trustedKeys     public keys (PEM, ECDSA on P-256): only manifests that one of them signed are taken
 *   userId          stable id of the user; stays here (only postRecords sends it, when you use it)
 *   tf              TensorFlow.js (needs loadGraphModel), injected so that the page chooses it
 *   report          function that takes what clients tell; see reports.js. Default: nobody is told
 *   score           result of a prediction -> number, to watch how predictions are distributed
 *   experiments     whether experiments are followed; default: true
 *   store           where verified files are kept; default: Cache Storage
 *   refreshSeconds  how often latest.json is read again; 0 leaves that to refresh()
 *   pointerTimeout, fileTimeout   longest waits, milliseconds
 *   observeAfter    predictions after which a user's observation is told; observeSeconds at latest
 *   againHours      after which a user counts once more in the same rollout
 */
export async function openModel(options) {
  const opened = new EdgeModel(options);
  await opened.refresh();
  if (opened.version === null) throw opened.problem;
  opened.start();
  return opened;
}

class EdgeModel {
  #set;
  #files;
  #graph = null;
  #edges = null;
  #using = 0;
  #retired = [];
  #pointer = null;
  #failed = new Set();
  #errorsInARow = 0;
  #trial = null;
  #experiment = null;
  #exposed = new Set();
  #refreshing = null;
  #timer = null;

  version = null;
  problem = null;
  /** This user's part in an experiment ({ experiment, salt, arm, version }), or null. */
  part = null;

  constructor(options) {
    this.#set = {
      report: () => {},
      refreshSeconds: 300,
      pointerTimeout: 5000,
      fileTimeout: 60000,
      observeAfter: 5,
      observeSeconds: 30,
      againHours: 24,
      score: null,
      experiments: true,
      ...options,
    };
    this.#set.base = this.#set.base.replace(/\/+$/, "");
    this.#set.store ??= cacheStore(`sluice-${this.#set.model}`);
    this.#files = verifiedFiles(this.#set);
  }

  /** Read latest.json and follow it. Never rejects: what went wrong is in `problem`. */
  refresh() {
    this.#refreshing ??= this.#follow().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  /** Follow the pointer from time to time, and tell what is known when the page goes away. */
  start() {
    if (this.#set.refreshSeconds > 0 && this.#timer === null) {
      this.#timer = setInterval(() => this.refresh(), this.#set.refreshSeconds * 1000);
    }
    globalThis.document?.addEventListener("visibilitychange", this.#hidden);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
    globalThis.document?.removeEventListener("visibilitychange", this.#hidden);
    this.#observe();
  }

  /**
   * Use the model: `use(graph)` is timed, its errors are told and thrown on.
   *
   * A version that fails three times in a row is left for another one.
   */
  async predict(use) {
    const graph = this.#graph;
    const version = this.version;
    const began = performance.now();
    this.#using += 1;
    try {
      const result = await use(graph);
      this.#answered(version, performance.now() - began, result);
      return result;
    } catch (error) {
      this.#erred(version, error);
      throw error;
    } finally {
      this.#using -= 1;
      this.#dispose();
    }
  }

  /**
   * Tell what the user did, for the experiment that he takes part in; nothing happens without one.
   *
   * eventId is unique per user: the same event told twice counts once.
   */
  record(metric, value = 1, eventId = crypto.randomUUID()) {
    if (this.part === null) return;
    this.#set.report({ type: "outcome", ...this.#whoAndWhere(), metric, value, event_id: eventId });
  }

  #hidden = () => {
    if (document.visibilityState === "hidden") this.#observe();
  };

  async #follow() {
    this.problem = null;
    let pointer = null;
    const reading = this.#readExperiment();
    try {
      const text = await this.#files.pointer();
      pointer = checkedPointer(text, this.#set.model);
      if (pointer.rollout?.salt !== this.#pointer?.rollout?.salt) this.#failed.clear();
      this.#pointer = pointer;
      this.#files.expect(pointer);
    } catch (error) {
      this.#trouble(error);
    }
    await reading;
    this.part = await this.#takesPart(pointer);
    await this.#loadBest(pointer);
    this.#expose();
  }

  async #loadBest(pointer) {
    let wanted = this.part?.version ?? null;
    if (pointer && (wanted === null || this.#failed.has(wanted))) {
      wanted = await choose(pointer, this.#set.userId);
    }
    if (wanted !== null && wanted === this.version) return;
    if (wanted === null && this.version !== null) return; // go on with what is loaded
    for (const version of await this.#order(pointer, wanted)) {
      if (version === this.version) return;
      if (await this.#load(version, version === wanted)) return;
    }
  }

  /** Keep the experiment as it stands now. Without an answer the one that is known goes on. */
  async #readExperiment() {
    if (!this.#set.experiments) return;
    try {
      const text = await this.#files.experiment();
      const told = text === null ? null : checkedExperiment(text, this.#set.model);
      if (told?.salt !== this.#experiment?.salt) this.#failed.clear();
      this.#experiment = told;
    } catch (error) {
      if (error.kind !== "network") this.#experiment = null;
      // Between two experiments the file may not be there, and a CDN may answer so without the
      // headers that let a page of another origin see it: that looks like a failing network.
      else if (this.#experiment === null) return;
      const graver = this.problem;
      this.#trouble(error);
      this.problem = graver ?? error;
    }
  }

  /**
   * The user's part in the experiment, or null.
   *
   * Who is to try the candidate of a rollout tries that: a release is about harm, an experiment
   * about gain. When one arm's version was withdrawn, the other arm is not followed either: users
   * of one arm only would not be comparable with anybody.
   */
  async #takesPart(pointer) {
    const told = this.#experiment;
    pointer ??= this.#pointer;
    if (told === null || pointer === null) return null;
    const withdrawn = pointer.rollback ? pointer.previous : null;
    if (withdrawn === told.control || withdrawn === told.treatment) return null;
    const { rollout } = pointer;
    if (rollout && (await choose(pointer, this.#set.userId)) === rollout.version) return null;
    return assigned(told, this.#set.userId, Date.now());
  }

  /** Tell once which version the user was given; his arm stays what the hash says. */
  #expose() {
    if (this.part === null || this.version === null) return;
    const once = `${this.part.experiment}:${this.version}`;
    if (this.#exposed.has(once)) return;
    this.#exposed.add(once);
    this.#set.report({ type: "exposure", ...this.#whoAndWhere(), event_id: `given-${this.version}` });
  }

  #whoAndWhere() {
    const { experiment, arm } = this.part;
    return { model: this.#set.model, experiment, arm, version: this.version };
  }

  /** Versions to try, best first; never one that was withdrawn. */
  async #order(pointer, wanted) {
    const good = (await this.#files.lastGood())?.version ?? null;
    const withdrawn = pointer?.rollback ? pointer.previous : null;
    const rest = [this.version, good, pointer?.version ?? null];
    const order = [wanted, ...rest.filter((version) => version !== withdrawn)];
    return [...new Set(order)].filter((v) => v !== null && !this.#failed.has(v));
  }

  async #load(version, wanted) {
    try {
      const { handler, edges } = await this.#files.load(version);
      let graph;
      try {
        graph = await this.#set.tf.loadGraphModel(handler);
      } catch (error) {
        throw new Refused("load", `TensorFlow.js does not load ${version}`, error);
      }
      this.#observe();
      if (this.#graph) this.#retired.push(this.#graph);
      [this.#graph, this.#edges, this.version] = [graph, edges, version];
      this.#errorsInARow = 0;
      this.#trial = wanted ? this.#begin(version) : null;
      this.#dispose();
      return true;
    } catch (error) {
      this.#trouble(error);
      // A network that fails says nothing about the version: it is tried again later.
      if (error.kind !== "network") {
        this.#failed.add(version);
        if (wanted) this.#tell(this.#begin(version), "error", { kind: error.kind ?? "load" });
      }
      return false;
    }
  }

  /** What this user will tell about a version, once; null outside of a rollout. */
  #begin(version) {
    const rollout = this.#pointer?.rollout;
    if (!rollout) return null;
    return { version, salt: rollout.salt, latencies: [], bin: null, timer: null };
  }

  #answered(version, latency, result) {
    this.#errorsInARow = 0;
    this.#set.report({ type: "latency", model: this.#set.model, version, latency_ms: latency });
    if (version !== this.version) return;
    this.#files.worked(version);
    // A rollout that began after this version was loaded is told of, too.
    if (this.#pointer?.rollout && this.#trial?.salt !== this.#pointer.rollout.salt) {
      this.#trial = this.#failed.size ? null : this.#begin(version);
    }
    const trial = this.#trial;
    if (trial === null || trial.told) return;
    trial.latencies.push(latency);
    if (trial.bin === null && this.#set.score && this.#edges) {
      const score = this.#set.score(result);
      trial.bin = this.#edges.filter((edge) => edge <= score).length;
    }
    if (trial.latencies.length >= this.#set.observeAfter) this.#observe();
    else trial.timer ??= setTimeout(() => this.#observe(), this.#set.observeSeconds * 1000);
  }

  #erred(version, error) {
    this.#trouble(new Refused("predict", `${version}: ${error?.message ?? error}`, error));
    if (version !== this.version) return;
    if (this.#trial) this.#tell(this.#trial, "error", { kind: "predict" });
    this.#errorsInARow += 1;
    if (this.#errorsInARow < ERRORS_IN_A_ROW) return;
    this.#errorsInARow = 0;
    this.#leave(version);
  }

  /** Load another version than one that keeps failing, if there is one. */
  async #leave(version) {
    this.#failed.add(version);
    for (const other of await this.#order(this.#pointer, null)) {
      if (other === version || !(await this.#load(other, false))) continue;
      this.#expose();
      return;
    }
    this.#failed.delete(version); // nothing better: stay, and let the caller decide
  }

  #observe() {
    const trial = this.#trial;
    if (!trial || trial.told || trial.latencies.length === 0) return;
    const sorted = [...trial.latencies].sort((a, b) => a - b);
    const seen = { latency_ms: sorted[Math.floor(sorted.length / 2)] };
    if (trial.bin !== null) seen.bin = trial.bin;
    this.#tell(trial, "ok", seen);
  }

  /** One observation per user, version and rollout: a user who always fails counts once. */
  async #tell(trial, outcome, seen) {
    if (!trial || trial.told) return;
    trial.told = true;
    clearTimeout(trial.timer);
    const { version, salt } = trial;
    if (!(await this.#files.countOnce(version, salt, this.#set.againHours))) return;
    const model = this.#set.model;
    this.#set.report({ type: "observation", model, version, salt, outcome, ...seen });
  }

  #trouble(error) {
    this.problem = error;
    const kind = error.kind ?? "load";
    this.#set.report({ type: "problem", model: this.#set.model, kind, detail: error.message });
  }

  #dispose() {
    if (this.#using > 0) return;
    for (const graph of this.#retired.splice(0)) graph.dispose?.();
  }
}
