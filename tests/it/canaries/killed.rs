//! The daemon is killed again and again while canaries are watched, and decides in the end as if it
//! had not been.

mod books;
mod moves;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use self::books::{Books, Watched};
use super::site::{Face, Site};
use super::{begin, home, targets};
use crate::database::Database;
use crate::dice::Dice;
use crate::harness::{Daemon, Home, PATIENCE};

/// How long canaries are watched, how often, and how long nobody may look.
const WINDOW: Duration = Duration::from_secs(12);
const LONGEST_GAP: Duration = Duration::from_secs(3);

/// How long after the last start a canary may still be open, its window aside.
const STUCK: Duration = Duration::from_secs(10);

/// How many more rounds of one kill there are, at the most, for both verdicts to come up.
const MOST_MORE: usize = 6;

/// Kills in one window.
const KILLS_A_ROUND: usize = 10;

fn kills() -> usize {
    std::env::var("LUKHAS_CANARY_KILLS").map_or(KILLS_A_ROUND, |kills| kills.parse().unwrap())
}

/// What becomes of the gates of a round, by the name they begin with.
const GATES: [&str; 8] = ["good", "good-strict", "fair", "bad", "slow", "turning", "dying", "idle"];

fn face(gate: &str) -> Face {
    match gate {
        "fair" => Face::failing(0.01),
        "bad" => Face::failing(0.4),
        "slow" => Face::slow(0.5),
        "idle" => Face::idle(),
        _ => Face::failing(0.0),
    }
}

/// A policy that forgives what a restart costs, except where it must not.
fn policy(gate: &str) -> Value {
    let coverage = if gate == "good-strict" { 1.0 } else { 0.6 };
    json!({
        "windowSeconds": WINDOW.as_secs(), "pollSeconds": 1, "targets": targets(),
        "coverage": coverage,
    })
}

/// Lets a window pass with kills at random moments; with one long absence, if it shall be so.
async fn torment(home: &Home, mut daemon: Daemon, dice: &mut Dice, kills: usize) -> Daemon {
    let long_one = dice.one_in(4).then(|| dice.between(0..kills as u64));
    for kill in 0..kills as u64 {
        sleep(dice.milliseconds(50..1_500)).await;
        daemon.kill();
        if long_one == Some(kill) {
            sleep(LONGEST_GAP + Duration::from_millis(500)).await;
        } else if dice.one_in(3) {
            sleep(dice.milliseconds(0..800)).await;
        }
        if dice.one_in(8) {
            // Not even ready, and killed already.
            let unready = home.spawn_at(0);
            sleep(dice.milliseconds(0..120)).await;
            unready.kill();
        }
        daemon = home.start().await;
    }
    daemon
}

/// A gate's trace changes in the middle of its window, whatever the daemon is doing then.
fn turn_later(site: &Arc<Site>, gate: &str, face: Face) {
    let (site, gate) = (Arc::clone(site), gate.to_owned());
    tokio::spawn(async move {
        sleep(WINDOW / 2).await;
        site.becomes(&gate, face);
    });
}

async fn round(
    (home, site): (&Home, &Arc<Site>),
    daemon: Daemon,
    dice: &mut Dice,
    (round, kills): (usize, usize),
) -> (Daemon, Vec<Watched>) {
    let mut watched = Vec::new();
    for kind in GATES {
        let gate = format!("{kind}-{round}");
        site.becomes(&gate, face(kind));
        match kind {
            "turning" => turn_later(site, &gate, Face::failing(0.5)),
            "dying" => turn_later(site, &gate, Face::Dead),
            _ => {}
        }
        let id = begin(&daemon, &gate, &policy(kind)).await;
        watched.push(Watched { kind, gate, id });
    }
    let daemon = torment(home, daemon, dice, kills).await;
    let (mut database, began) = (Database::open(&home.db()), Instant::now());
    let open = "SELECT count(*) AS number FROM canaries WHERE phase <> 'over'";
    while 0 < database.number(open) {
        let late = WINDOW + STUCK < began.elapsed();
        assert!(!late, "round {round}: {} canaries are stuck", database.number(open));
        sleep(Duration::from_millis(50)).await;
    }
    (daemon, watched)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_in_mid_window_change_no_decision_and_leave_nothing_stuck() {
    let (mut dice, kills) = (Dice::new(), kills());
    let site = Arc::new(Site::start([]).await);
    let home = home(&site);
    let mut daemon = home.start().await;
    let mut books = Books::default();
    let (mut done, mut rounds) = (0, 0);
    // A few kills may by chance leave gaps only; then there are a few more.
    let has_both = |books: &Books| 0 < books.promoted && 0 < books.breached;
    while done < kills || (!has_both(&books) && done < kills + MOST_MORE) {
        let now = if done < kills { KILLS_A_ROUND.min(kills - done) } else { 1 };
        let number = rounds;
        rounds += 1;
        let watched;
        (daemon, watched) = round((&home, &site), daemon, &mut dice, (number, now)).await;
        done += now;
        for canary in &watched {
            books.check(&daemon, &site, canary).await;
        }
    }
    let ended = daemon.terminate().await;
    assert_eq!(ended.code(), Some(0), "{:?}", daemon.log());
    let check = home.command(&["check", "--port", "0"]).output().unwrap();
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(check.status.success(), "{said}");
    println!("kills={done} {}", books.figures());
    assert_eq!(books.wrong, Vec::<String>::new());
    assert!(has_both(&books), "nothing was decided: {}", books.figures());
}

/// A canary that nobody watched for longer than may be is put back, whatever it did meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absence_that_is_too_long_is_held_against_the_canary() {
    let site = Arc::new(Site::start([("good", Face::failing(0.0))]).await);
    let home = home(&site);
    let daemon = home.start().await;
    let id = begin(&daemon, "good", &policy("good")).await;
    let polls = |shown: &Value| 2 <= shown["polls"].as_i64().unwrap();
    super::until(&daemon, &id, PATIENCE, polls).await;
    daemon.kill();
    sleep(LONGEST_GAP + Duration::from_millis(500)).await;
    let daemon = home.start().await;
    let shown = super::until_over(&daemon, &id, PATIENCE).await;
    assert_eq!(super::ending(&shown), ("ROLLED_BACK", "gap"), "{shown}");
    assert_eq!(super::version_in(&daemon, "good").await, "1");
    let watched = Watched { kind: "good", gate: "good".into(), id };
    let mut books = Books::default();
    books.check(&daemon, &site, &watched).await;
    assert_eq!((books.gaps, books.wrong), (1, vec![]));
}
