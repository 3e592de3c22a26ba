// A ready-made `report`: collects what clients tell, and posts it in batches to the collector
// (tasks/release/edge/collector.py), which makes CloudWatch metrics of it. No user id is sent.

const MOST_LATENCIES = 100;
const MOST_OBSERVATIONS = 20;

/**
 * A report function for openModel.
 *
 * url: of the collector. flushSeconds: between posts. What cannot be posted is tried again with
 * the next batch; when the page is hidden, the browser is asked to deliver what is left.
 * token: what the product's backend signed for this user, or a function that returns it; only where
 * the collector asks for one.
 */
export function postReports({ url, flushSeconds = 30, token = "", fetch = globalThis.fetch.bind(globalThis) }) {
  const batches = new Map();
  const batch = (model) => {
    if (!batches.has(model)) {
      batches.set(model, { schema_version: 1, model, observations: [], latencies_ms: [], problems: {} });
    }
    return batches.get(model);
  };

  const signed = (told) => {
    const held = typeof token === "function" ? token() : token;
    return JSON.stringify(held ? { ...told, token: held } : told);
  };

  function report({ type, model, ...told }) {
    const into = batch(model);
    if (type === "observation") {
      const { version, outcome, kind, latency_ms, bin } = told;
      if (into.observations.length < MOST_OBSERVATIONS) {
        into.observations.push({ version, outcome, kind, latency_ms: rounded(latency_ms), bin });
      }
    } else if (type === "latency") {
      if (into.latencies_ms.length < MOST_LATENCIES) into.latencies_ms.push(rounded(told.latency_ms));
    } else if (type === "problem") {
      into.problems[told.kind] = Math.min((into.problems[told.kind] ?? 0) + 1, 1000);
    }
  }

  async function flush() {
    for (const [model, told] of [...batches]) {
      batches.delete(model);
      try {
        // text/plain spares the browser a preflight request.
        const sent = await fetch(url, { method: "POST", body: signed(told), keepalive: true, headers: { "Content-Type": "text/plain" } });
        if (sent.status >= 500 || sent.status === 429) throw new Error(`the collector answered ${sent.status}`);
      } catch {
        for (const item of told.observations) report({ type: "observation", model, ...item });
        for (const latency_ms of told.latencies_ms) report({ type: "latency", model, latency_ms });
      }
    }
  }

  function deliver() {
    if (document.visibilityState !== "hidden") return;
    for (const told of batches.values()) navigator.sendBeacon(url, signed(told));
    batches.clear();
  }

  const timer = setInterval(flush, flushSeconds * 1000);
  globalThis.document?.addEventListener("visibilitychange", deliver);
  report.flush = flush;
  report.stop = () => {
    clearInterval(timer);
    globalThis.document?.removeEventListener("visibilitychange", deliver);
  };
  return report;
}

function rounded(milliseconds) {
  return milliseconds === undefined ? undefined : Math.round(milliseconds * 100) / 100;
}
