// Where do the metrics of canaries come from in a test?
//
// A page of counters in the Prometheus text format. Each model is asked at a rate, of which a share
// fails, and answers after a time; all three can be changed while it runs. The counters follow the
// clock, so that nothing has to send requests.

import { createServer } from "node:http";

const EDGES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 1];

/** Starts the page and returns the daemon's settings for it. */
export async function startModelServer() {
  const models = new Map();

  function settle(model) {
    const now = performance.now();
    const requests = (model.rate * (now - model.at)) / 1000;
    model.total += requests;
    model.failed += requests * model.errorRate;
    model.buckets.forEach((_, index) => (model.buckets[index] += EDGES[index] >= model.latency ? requests : 0));
    model.at = now;
  }

  function page() {
    const lines = ["# TYPE model_requests_total counter", "# TYPE model_request_seconds histogram"];
    for (const [name, model] of models) {
      settle(model);
      const [total, failed] = [Math.floor(model.total), Math.floor(model.failed)];
      lines.push(`model_requests_total{model="${name}",code="200"} ${total - failed}`);
      lines.push(`model_requests_total{model="${name}",code="500"} ${failed}`);
      EDGES.forEach((edge, index) => lines.push(`model_request_seconds_bucket{model="${name}",le="${edge}"} ${Math.floor(model.buckets[index])}`));
      lines.push(`model_request_seconds_bucket{model="${name}",le="+Inf"} ${total}`);
    }
    return `${lines.join("\n")}\n`;
  }

  const server = createServer((_, answer) => answer.writeHead(200, { "Content-Type": "text/plain; version=0.0.4" }).end(page()));
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    environment: {
      LUKHAS_SCRAPE_URL: `http://127.0.0.1:${server.address().port}/metrics`,
      PROM_TOTAL: 'model_requests_total{model="$__model"}',
      PROM_ERRORS: 'model_requests_total{model="$__model",code=~"5.."}',
      PROM_BUCKET: 'model_request_seconds_bucket{model="$__model"}',
    },
    /** Has a model asked from now on: requests a second, the share that fails, seconds to an answer. */
    serve(name, { rate = 500, errorRate = 0, latency = 0.02 } = {}) {
      const model = models.get(name) ?? { at: performance.now(), total: 0, failed: 0, buckets: EDGES.map(() => 0) };
      if (models.has(name)) settle(model);
      models.set(name, Object.assign(model, { rate, errorRate, latency }));
    },
    stop: () => new Promise((done) => server.close(done).closeAllConnections()),
  };
}

/** A policy that looks often, so that tests need not wait long. */
export const SHORT_POLICY = {
  targets: { max_error_rate: 0.02, latency_p95_ms: 250 },
  pollSeconds: 0.1,
  // A test that is busy may keep the page of counters waiting.
  onNoData: "wait",
};
