// What do jobs, canaries and models of a snapshot look like, in numbers and with any text?

const at = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

export const jobRecord = (number, more = {}) => ({
  jobId: `job_${number}`, taskId: `task-${number}`, configId: "default", status: "RUNNING", startedAt: at(number), runningAt: at(number), updatedAt: at(1),
  progress: { fraction: 0.4, note: "scored 24 of 60" }, error: null, reason: null, principal: "key:test", ...more,
});

export const canaryRecord = (number, more = {}) => ({
  canaryId: `canary_${number}`, modelId: `ranker:${number}`, fromGate: "staging", toGate: "production", status: "RUNNING", phase: "observing",
  createdAt: at(number), updatedAt: at(1), dryRun: false, principal: "key:test", source: "scrape", elapsedSeconds: 30, remainingSeconds: 270, polls: 30,
  policy: { windowSeconds: 300, targets: { latency_p95_ms: 250, max_error_rate: 0.02 }, pollSeconds: 1, warmupSeconds: 0, minRequests: 74, approval: { before: [] }, gateChange: "at_start", requires: [] },
  latency_p95_ms: 120, error_rate: 0.004, evidence: null, ...more,
});

/** A canary's look, as the stream tells it. */
export const metricEvent = (number, count) => {
  const one = { breach: -1 + (count % 7) / 10, breachAt: 5.298, proof: 1 + (count % 5) / 10, proofAt: 2.996, requests: 100 + count, bad: 1, requestsNeeded: 50, secondsNeeded: 20, target: 0.02, estimate: 0.01, low: 0.001, high: 0.05 };
  return ["metric", {
    topic: `canary/canary_${number}`, type: "metric", ts: new Date().toISOString(), canaryId: `canary_${number}`, modelId: `ranker:${number}`, gate: "production", source: "scrape", fromGate: "staging", toGate: "production",
    status: "RUNNING", phase: "observing", latency_p95_ms: 100 + (count % 60), error_rate: 0.004, dataQuality: "ok", elapsedSeconds: 30 + count / 1000, remainingSeconds: 250, evidence: { error_rate: one, latency_p95: one },
  }];
};

/** A job's progress, as the stream tells it. */
export const progressEvent = (number, count) => ["update", {
  topic: `job/job_${number}`, type: "update", ts: new Date().toISOString(), jobId: `job_${number}`, taskId: `task-${number}`, configId: "default", status: "RUNNING", progress: { fraction: (count % 1000) / 1000, note: `step ${count}` },
}];

/** Texts that a careless page takes for something else. */
export const HOSTILE = [
  "<img src=x onerror=alert(1)>", "<script>alert(2)</script>", "</title><svg/onload=alert(3)>", '"><iframe srcdoc="<script>alert(4)</script>">', "javascript:alert(5)",
  "{{constructor.constructor('alert(6)')()}}", "${alert(7)}", "&lt;b&gt;&amp;", "\u202Eright to left\u202C \u0645\u0631\u062D\u0628\u0627", "W".repeat(10_000),
  "\u0000\u0007\u001b[31m", "'; DROP TABLE jobs; --", "__proto__", "constructor", "\u{1F4A5}".repeat(50), "a\u0300".repeat(200), "line\nbreak\r\nand\ttab", "http://user@evil.example/?a=<b>", "  ", "null",
];
