// A ready-made `report` for experiments: which version a user was given, and what he then did, as
// the lines that experiment/record reads. They hold the user's id, so they go to the product's own
// server (behind its sign-in), never to the collector.

const LONGEST_WAIT = 500;

/**
 * A report function for openModel; combine it with postReports where both are wanted:
 *
 *   const metrics = postReports({ url }), records = postRecords({ url: own, userId: user.id });
 *   openModel({ ..., report: (event) => { metrics(event); records(event); } });
 *
 * url: takes a POST of JSON lines. flushSeconds: between posts. What cannot be posted is tried
 * again with the next one; a line that arrives twice counts once.
 */
export function postRecords({ url, userId, flushSeconds = 30, fetch = globalThis.fetch.bind(globalThis) }) {
  let waiting = [];

  function report({ type, event_id, metric, value, version }) {
    if (type !== "exposure" && type !== "outcome") return;
    const line = { user_id: userId, event_id, version };
    if (type === "outcome") Object.assign(line, { metric, value });
    waiting.push(JSON.stringify(line));
    // A page that is offline for days keeps the oldest: without his exposure a user is missing.
    waiting = waiting.slice(0, LONGEST_WAIT);
  }

  async function flush() {
    if (waiting.length === 0) return;
    const lines = waiting;
    waiting = [];
    try {
      // text/plain spares the browser a preflight request.
      const headers = { "Content-Type": "text/plain" };
      const sent = await fetch(url, { method: "POST", body: lines.join("\n"), keepalive: true, headers });
      if (!sent.ok) throw new Error(`${url} answered ${sent.status}`);
    } catch {
      waiting = [...lines, ...waiting].slice(0, LONGEST_WAIT);
    }
  }

  function deliver() {
    if (document.visibilityState !== "hidden" || waiting.length === 0) return;
    if (navigator.sendBeacon(url, waiting.join("\n"))) waiting = [];
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
