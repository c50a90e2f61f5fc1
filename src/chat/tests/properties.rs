//! What holds for every journal that a run with crashes can leave.

use std::collections::HashMap;

use proptest::prelude::*;

use super::wires;
use crate::adapters::llm::{Message, Prompt, ToolCall, ToolChoice};
use crate::chat::call_ids;
use crate::chat::compose::compose;
use crate::chat::event::{Body, Cost, Ending, Event, Finish, Note, Outcome, ToolName};
use crate::chat::history::History;
use crate::chat::machine::{Duty, Facts, Limits, duty};
use crate::chat::prompt::{self, Shape};
use crate::chat::request::Request;
use crate::config::chat::{ChatSettings, sample};

const LIMITS: Limits = Limits { hops: 4, calls: 8, repeats: 3 };

const SHAPE: Shape = Shape { result_characters: 200, shows_system_updates: true };

/// What happens in a run where a choice is to be made; read one after the other, and again from the
/// start when they are used up.
struct Dice<'a> {
    rolls: &'a [u8],
    at: usize,
}

impl Dice<'_> {
    fn roll(&mut self, sides: u8) -> u8 {
        let roll = self.rolls[self.at % self.rolls.len()];
        self.at += 1;
        roll % sides
    }
}

/// A conversation whose daemon is killed now and then.
struct World<'a> {
    dice: Dice<'a>,
    journal: Vec<Event>,
    /// How often each call was made.
    made: HashMap<String, u32>,
    /// What the model was asked, each with the number of the request.
    asked: Vec<(usize, Prompt)>,
    settings: ChatSettings,
}

impl<'a> World<'a> {
    fn new(rolls: &'a [u8]) -> Self {
        let mut settings = sample();
        settings.system_prompt = "You help.".to_owned();
        settings.limits.tool_result_chars = SHAPE.result_characters;
        settings.visibility.system_updates = SHAPE.shows_system_updates;
        // Now and then there is no room for all that was said.
        settings.context.max_tokens = 600 + u32::from(rolls[0]);
        settings.context.reserve_tokens = 500;
        let (journal, made, asked) = (Vec::new(), HashMap::new(), Vec::new());
        Self { dice: Dice { rolls, at: 0 }, journal, made, asked, settings }
    }

    fn add(&mut self, body: Body) {
        let seq = i64::try_from(self.journal.len()).unwrap() + 1;
        self.journal.push(Event { seq, at: String::new(), tokens: 5, body });
    }

    /// Works on one request until it is over; every step may be the last of a daemon's life.
    fn request(&mut self, n: usize) {
        let start = self.journal.len();
        let mut is_judged = false;
        let mut cancelled = None;
        for _ in 0..200 {
            let facts =
                Facts { cancelled_by: cancelled, is_judged, is_late: false, limits: LIMITS };
            let next = duty(&self.journal[start..], &facts);
            if self.dice.roll(6) == 0 {
                // Killed before anything of it is done, and started anew.
                is_judged = false;
                continue;
            }
            if self.dice.roll(30) == 0 {
                cancelled = Some("key-1");
            }
            match next {
                Duty::Over => return,
                Duty::Begin => self.add(Body::UserMessage {
                    request_id: Some(format!("r{n}")),
                    text: format!("request {n}"),
                }),
                Duty::Ask { hop, is_closing } => {
                    is_judged = false;
                    self.answer((n, start), hop, is_closing);
                }
                Duty::Judge(calls) => {
                    is_judged = true;
                    for call in calls {
                        self.judge(&call);
                    }
                }
                Duty::Wait { approval_id, call } => {
                    let allowed = self.dice.roll(2) == 0;
                    self.add(Body::Note {
                        note: Note::ApprovalDecided {
                            approval_id: Some(approval_id),
                            call_id: call.id,
                            allowed,
                            by: "key-1".to_owned(),
                            reason: None,
                        },
                        text: None,
                    });
                }
                Duty::Make { call, .. } => self.make(call),
                Duty::Settle { call, is_repeatable, .. } => {
                    if is_repeatable {
                        *self.made.entry(call.id.clone()).or_default() += 1;
                        self.result(call.id, Outcome::Ok);
                    } else {
                        self.result(call.id, Outcome::Unknown);
                    }
                }
                Duty::Resolve { call_id, outcome, .. } => self.result(call_id, outcome),
                Duty::End(ending) => self.end(n, ending),
            }
        }
        panic!("it never ends: {:#?}", &self.journal[start..]);
    }

    fn answer(&mut self, (n, start): (usize, usize), hop: u32, is_closing: bool) {
        let (earlier, events) = self.journal.split_at(start);
        let history = History { events: earlier.to_vec(), summary: None };
        let asked = Request { text: format!("request {n}"), ..Request::default() };
        let tools = ([].into(), ToolChoice::Auto);
        let composed = compose(&self.settings, ("fake", &asked), (&history, events), tools);
        if let Ok(composed) = composed {
            self.asked.push((n, composed.prompt));
        }
        let calls = if is_closing { 0 } else { self.dice.roll(4) };
        let wanted = (0..calls).map(|k| ToolCall {
            // As some servers do, which number those of each answer anew, or not at all.
            id: ["call_0", "call_1", "call_1", ""][usize::from(k)].to_owned(),
            name: ["look", "change"][usize::from(k) % 2].to_owned(),
            arguments: match self.dice.roll(8) {
                0 => "{\"n\":".to_owned(),
                _ => format!("{{\"n\":{}}}", self.journal.len()),
            },
        });
        let calls = call_ids::own(wanted.collect());
        let text = if self.dice.roll(3) == 0 { String::new() } else { "so".to_owned() };
        self.add(Body::AssistantMessage {
            text,
            calls,
            finish: Finish::Stop,
            model: None,
            cost: Cost::default(),
            hop,
        });
    }

    fn judge(&mut self, call: &ToolCall) {
        match self.dice.roll(4) {
            0 => self.result(call.id.clone(), Outcome::Denied),
            1 => self.add(Body::Note {
                note: Note::ApprovalRequested {
                    approval_id: format!("ap_{}", call.id),
                    call_id: call.id.clone(),
                    name: ToolName { server: "ops".to_owned(), tool: call.name.clone() },
                    arguments: serde_json::json!({}),
                    reason: String::new(),
                    expires_at: String::new(),
                },
                text: None,
            }),
            _allowed => {}
        }
    }

    fn make(&mut self, call: ToolCall) {
        let is_repeatable = call.name == "look";
        let id = call.id.clone();
        let name = ToolName { server: "ops".to_owned(), tool: call.name.clone() };
        self.add(Body::ToolCall { call, name, is_repeatable });
        if self.dice.roll(5) == 0 {
            // Killed after the intent and before the call, or in it.
            return;
        }
        *self.made.entry(id.clone()).or_default() += 1;
        if self.dice.roll(5) == 0 {
            // Killed after the call and before its result.
            return;
        }
        self.result(id, Outcome::Ok);
    }

    fn result(&mut self, call_id: String, outcome: Outcome) {
        let text = "x".repeat(usize::from(self.dice.roll(250)) * 2);
        self.add(Body::ToolResult { call_id, text, outcome });
    }

    fn end(&mut self, n: usize, ending: Ending) {
        let note = Note::TurnEnd { request_id: format!("r{n}"), ending, cost: Cost::default() };
        self.add(Body::Note { note, text: None });
    }
}

fn is_answer_wanted(messages: &[Message]) -> bool {
    !matches!(messages.last(), Some(Message::Assistant { .. }) | None)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_crashes_prompts_are_valid_and_calls_are_made_once(
        rolls in prop::collection::vec(any::<u8>(), 20..200),
        requests in 1usize..6,
    ) {
        let mut world = World::new(&rolls);
        for n in 0..requests {
            world.request(n);
        }
        for (n, asked) in &world.asked {
            let messages = &asked.messages;
            prop_assert!(prompt::check(messages).is_ok(), "{:?}: {messages:#?}", prompt::check(messages));
            prop_assert!(wires::check(asked).is_ok(), "{:?}: {messages:#?}", wires::check(asked));
            // The newest, without a hole, up to the one that is asked about.
            let said: Vec<&str> = messages.iter().filter_map(|message| match message {
                Message::User(text) => Some(text.as_str()),
                _ => None,
            }).filter(|text| text.starts_with("request ")).collect();
            prop_assert!(!said.is_empty());
            let newest = (n + 1 - said.len()..=*n).map(|n| format!("request {n}"));
            prop_assert_eq!(said, newest.collect::<Vec<_>>());
        }
        let mut results: HashMap<&str, u32> = HashMap::new();
        let mut wanted = Vec::new();
        for event in &world.journal {
            match &event.body {
                Body::ToolResult { call_id, .. } => *results.entry(call_id).or_default() += 1,
                Body::AssistantMessage { calls, .. } => {
                    wanted.extend(calls.iter().map(|call| (call.id.as_str(), call.name.as_str())));
                }
                _ => {}
            }
        }
        for (id, name) in wanted {
            prop_assert_eq!(results.get(id), Some(&1), "{} has not one result", id);
            let made = world.made.get(id).copied().unwrap_or(0);
            prop_assert!(name == "look" || made <= 1, "{id} was made {made} times");
        }
    }

    #[test]
    fn wherever_a_journal_ends_what_is_shown_has_the_newest_and_is_valid(
        rolls in prop::collection::vec(any::<u8>(), 20..120),
        cut in any::<prop::sample::Index>(),
        budget in 0u64..400,
    ) {
        let mut world = World::new(&rolls);
        for n in 0..4 {
            world.request(n);
        }
        // A journal that was cut anywhere, as an import or a fork may be.
        let journal = &world.journal[..=cut.index(world.journal.len())];
        let shown = prompt::newest_within(journal, budget);
        prop_assert!(journal.ends_with(shown));
        prop_assert!(prompt::tokens(shown) <= budget);
        let requests = prompt::requests(journal);
        let left_out = requests.len() - prompt::requests(shown).len();
        if let Some(newest_left_out) = requests[..left_out].last() {
            prop_assert!(budget < prompt::tokens(shown) + prompt::tokens(newest_left_out));
        }
        let mut messages = prompt::messages(shown, SHAPE);
        messages.push(Message::User("and now?".to_owned()));
        prop_assert!(prompt::check(&messages).is_ok(), "{messages:#?}");
        prop_assert!(is_answer_wanted(&messages));
        let asked = wires::prompt(messages);
        prop_assert!(wires::check(&asked).is_ok(), "{:?}: {asked:#?}", wires::check(&asked));
    }

    #[test]
    fn an_event_is_read_back_as_it_was_written(
        text in any::<String>(),
        id in "[a-z]{1,8}",
        n in any::<u32>(),
    ) {
        let call = ToolCall { id: id.clone(), name: "ops__look".to_owned(), arguments: text.clone() };
        let cost = Cost { cost_micros: n.into(), is_estimate: n % 2 == 0, ..Cost::default() };
        let bodies = [
            Body::UserMessage { request_id: Some(id.clone()), text: text.clone() },
            Body::AssistantMessage {
                text: text.clone(), calls: vec![call.clone()], finish: Finish::Length,
                model: Some(id.clone()), cost, hop: n,
            },
            Body::ToolCall {
                call, is_repeatable: n % 2 == 0,
                name: ToolName { server: id.clone(), tool: text.clone() },
            },
            Body::ToolResult { call_id: id.clone(), text: text.clone(), outcome: Outcome::Unknown },
            Body::SystemUpdate { text: text.clone() },
            Body::Note {
                note: Note::TurnEnd {
                    request_id: id.clone(), cost,
                    ending: Ending::Error { code: id, message: text.clone(), retryable: true },
                },
                text: Some(text),
            },
        ];
        for body in bodies {
            let event = Event { seq: 7, at: "2026-11-22T00:00:00.000Z".to_owned(), tokens: n, body };
            let row = event.to_row("evt_1".to_owned(), "c");
            prop_assert_eq!(Event::from_row(row), event);
        }
    }
}
