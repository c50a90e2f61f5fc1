// What is there for the app to show? Canaries and jobs in every state, and models in gates.

import { makeHome } from "./daemon.mjs";
import { SHORT_POLICY, startModelServer } from "./model_server.mjs";
import { eventually } from "./patience.mjs";

/** Starts a daemon with them, and names them. */
export async function beginWorld() {
  const models = await startModelServer();
  const home = makeHome({ environment: models.environment });
  home.addTask("endless", `echo "LUKHAS_PROGRESS 0.400 scored 24 of 60"; exec sleep 600`);
  const daemon = await home.start();
  models.serve("ranker:2", { errorRate: 0.3 });
  models.serve("reader:5", { errorRate: 0.012, latency: 0.2 });
  models.serve("shy:2");
  models.serve("doomed:2");
  for (const modelId of ["ranker:1", "reader:4", "shy:1", "doomed:1"]) await daemon.call("promote_model", { modelId, gate: "production", reason: "the first of its kind" });
  const start = async (modelId, policy = {}, windowSeconds = 3600) => (await daemon.call("start_canary", { modelId, fromGate: "staging", toGate: "production", windowSeconds, policy: { ...SHORT_POLICY, ...policy } })).canaryId;
  const ids = { rolledBack: await start("ranker:2"), observing: await start("reader:5", {}, 300), shy: await start("shy:2", { approval: { before: ["start"] } }), doomed: await start("doomed:2") };
  for (const taskId of ["quick", "failing", "waiting", "endless"]) ids[taskId] = (await daemon.call("run_eval", { taskId, configId: "default" })).jobId;
  await eventually("the rollback", async () => (await daemon.call("canary_status", { canaryId: ids.rolledBack })).status === "ROLLED_BACK");
  await eventually("the running jobs", async () => (await daemon.call("list_jobs", { status: ["RUNNING"] })).jobs.length === 2);
  return {
    home,
    daemon,
    ids,
    async end() {
      await home.remove();
      await models.stop();
    },
  };
}
