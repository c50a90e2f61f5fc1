//! Canary actors that panic.

use super::*;
use crate::own_process::in_own_process;

#[actix::test]
async fn a_panic_costs_a_restart_and_a_crash_loop_rolls_back() {
    if !in_own_process!() {
        return;
    }
    let scenario = fail::FailScenario::setup();
    let bench = Bench::new(Behaviour::Failing(0.0)).await;
    fail::cfg("canary-look", "2*off->1*panic(told to)->off").unwrap();
    // So long that what a restart leaves unseen is little of it, also on a busy machine.
    let id = bench.begin(quick_with(&json!({ "windowSeconds": 6 }))).await;
    assert_eq!(bench.until_over(&id).await.row.status, CanaryStatus::Promoted);

    bench.put("ranker:1").await;
    fail::cfg("canary-look", "3*off->panic(told to)").unwrap();
    let id = bench.begin(quick_with(&json!({ "windowSeconds": 30 }))).await;
    let view = bench.until_over(&id).await;
    assert_eq!(view.row.status, CanaryStatus::RolledBack);
    assert_eq!(view.row.reason.as_deref(), Some("supervisor_gave_up"));
    assert_eq!(bench.production().await.as_deref(), Some("ranker:1"));
    scenario.teardown();
}
