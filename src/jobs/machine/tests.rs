//! The machine against a world that answers in any order, forgets, and is restarted.

use proptest::prelude::*;

use super::*;

/// A row, a runner and an actor, driven by choices.
struct World {
    facts: Facts,
    state: State,
    pending: Vec<Effect>,
    has_place: bool,
    /// The runner's view: whether the job runs there, and how often it was started.
    run_alive: Option<bool>,
    starts: u32,
    history: Vec<JobStatus>,
}

fn run() -> ExternalRef {
    ExternalRef("r".to_owned())
}

impl World {
    fn new() -> Self {
        let facts = Facts {
            status: JobStatus::Queued,
            run: None,
            cancelled: false,
            late: false,
            progress: RunProgress::default(),
        };
        let (state, pending) = resume(&facts, true);
        Self {
            facts,
            state,
            pending,
            has_place: false,
            run_alive: None,
            starts: 0,
            history: vec![JobStatus::Queued],
        }
    }

    fn feed(&mut self, input: Input) {
        let (state, effects) = step(self.state.clone(), &self.facts, input);
        self.state = state;
        self.pending.extend(effects);
    }

    /// The actor or the whole daemon dies and comes back; only the row and the run survive.
    fn crash(&mut self) {
        self.has_place = false;
        let (state, effects) = resume(&self.facts, false);
        self.state = state;
        self.pending = effects;
    }

    fn perform(&mut self, choice: u8) {
        if self.pending.is_empty() {
            return;
        }
        match self.pending.remove(0) {
            Effect::Find => self.feed(Input::Found(self.run_alive.map(|_| run()))),
            Effect::AskForPlace => {
                self.has_place = true;
                self.feed(Input::Granted);
            }
            Effect::OccupyPlace => self.has_place = true,
            Effect::Start => {
                if self.run_alive.is_none() {
                    self.starts += 1;
                    self.run_alive = Some(true);
                }
                // Sometimes the answer is lost with the daemon.
                if choice.is_multiple_of(3) {
                    self.crash();
                } else {
                    self.feed(Input::Started(run()));
                }
            }
            Effect::PollAfter(wait, _) => {
                assert!(wait <= POLL_LAST);
                let status = match choice % 4 {
                    0 => RunStatus::Running(RunProgress {
                        fraction: Some(f64::from(choice) / 255.0),
                        text: None,
                    }),
                    1 => RunStatus::Done(EvalResult::default()),
                    2 => RunStatus::Failed(lost()),
                    _ => RunStatus::Pending,
                };
                self.feed(Input::Polled(status));
            }
            Effect::End(_) => {
                self.run_alive = Some(false);
                self.feed(Input::Gone);
            }
            Effect::Note(change) => self.note(change),
            Effect::Leave => {
                assert_eq!(self.state, State::Over);
                self.has_place = false;
            }
        }
    }

    /// Writes as the store does: a change whose author had not seen the wish is refused.
    fn note(&mut self, change: Change) {
        let saw_wish = matches!(change, Change::Cancelled);
        if self.facts.cancelled == saw_wish && !self.facts.status.is_terminal() {
            match change {
                Change::Running(run) => {
                    self.facts.status = JobStatus::Running;
                    self.facts.run = Some(run);
                }
                Change::Progress(progress) => self.facts.progress = progress,
                Change::Completed(_) => self.facts.status = JobStatus::Completed,
                Change::Failed(_) => self.facts.status = JobStatus::Failed,
                Change::Cancelled => self.facts.status = JobStatus::Cancelled,
            }
            self.history.push(self.facts.status);
        }
        let (state, effects) = noted(&self.facts);
        self.state = state;
        self.pending.extend(effects);
    }
}

#[derive(Debug, Clone)]
enum Move {
    Perform(u8),
    Wish,
    Deadline,
    Crash,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        12 => any::<u8>().prop_map(Move::Perform),
        1 => Just(Move::Wish),
        1 => Just(Move::Deadline),
        2 => Just(Move::Crash),
    ];
    proptest::collection::vec(one, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn a_job_is_started_at_most_once_never_stuck_and_stays_over(moves in moves()) {
        let mut world = World::new();
        for one in &moves {
            match one {
                Move::Perform(choice) => world.perform(*choice),
                Move::Wish if !world.facts.status.is_terminal() => {
                    world.facts.cancelled = true;
                    world.feed(Input::CancelWished);
                }
                Move::Wish => {}
                Move::Deadline => {
                    world.facts.late = true;
                    world.feed(Input::DeadlinePassed);
                }
                Move::Crash => world.crash(),
            }
            // Whoever is not over and waits for nothing would wait for ever.
            prop_assert!(
                !world.pending.is_empty() || world.state == State::Over,
                "stuck in {:?}", world.state
            );
        }
        // Left in peace, it comes to an end.
        for _ in 0..200 {
            world.perform(1);
        }
        prop_assert!(world.facts.status.is_terminal(), "{:?}", world.state);
        prop_assert!(!world.has_place);
        prop_assert!(world.starts <= 1);
        let ends = world.history.iter().filter(|status| status.is_terminal()).count();
        prop_assert_eq!(ends, 1);
        if world.facts.cancelled {
            prop_assert_eq!(world.facts.status, JobStatus::Cancelled);
        }
        if world.facts.late && !world.facts.cancelled && world.run_alive == Some(false) {
            prop_assert_eq!(world.facts.status, JobStatus::Failed);
        }
        if world.facts.status == JobStatus::Cancelled && world.starts == 1 {
            prop_assert_eq!(world.run_alive, Some(false));
        }
    }
}

#[test]
fn looks_become_rarer_up_to_half_a_second() {
    let facts = Facts {
        status: JobStatus::Running,
        run: Some(run()),
        cancelled: false,
        late: false,
        progress: RunProgress::default(),
    };
    let (mut state, mut effects) = resume(&facts, false);
    let mut waits = Vec::new();
    for _ in 0..7 {
        let Some(Effect::PollAfter(wait, _)) = effects.pop() else { panic!("{effects:?}") };
        waits.push(wait.as_millis());
        (state, effects) = step(state, &facts, Input::Polled(RunStatus::Pending));
    }
    assert_eq!(waits, [20, 40, 80, 160, 320, 500, 500]);
}
