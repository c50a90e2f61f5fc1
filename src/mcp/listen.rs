//! Subscriptions: `subscriptions/listen` as a stream of its own, and those of sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::events::Watchable;
use crate::mcp::answer::{self, Done};
use crate::mcp::fault::Fault;
use crate::mcp::introduction::Varying;
use crate::mcp::lists::Counts;
use crate::mcp::methods::{Asked, UriParams, need};
use crate::mcp::outbox::{AbortOnDrop, Outbox};
use crate::mcp::places::Place;
use crate::mcp::server::Server;
use crate::mcp::session::Session;
use crate::mcp::stream::{Events, Outcome};
use crate::mcp::tasks::whole;
use crate::mcp::watched::Watched;
use crate::tools::{Caller, Capability};

/// The method whose answer is a stream of what changes.
pub(super) const LISTEN: &str = "subscriptions/listen";

/// The member that says to which subscription a message belongs.
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

#[derive(Debug, Deserialize)]
struct ListenParams {
    notifications: Wanted,
}

/// What a client wants to hear of.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wanted {
    tools_list_changed: bool,
    prompts_list_changed: bool,
    resources_list_changed: bool,
    resource_subscriptions: Vec<String>,
    task_ids: Vec<String>,
}

impl Server {
    /// How many streams of what changes are open.
    pub fn listeners(&self) -> usize {
        self.listeners.taken()
    }

    /// A place for a stream of this caller's on which nothing is told, if there is one.
    pub fn take_place(&self, caller: &Caller) -> Option<Place> {
        self.listeners.take(&caller.principal)
    }

    /// Opens a stream of what changes.
    pub(super) async fn listen(self: &Arc<Self>, asked: Asked<'_>, id: &str) -> Outcome {
        match self.listening(asked, id).await {
            Ok(events) => Outcome::Stream(events),
            Err(fault) => Outcome::Whole(answer::answer(asked.version, id, Err(fault))),
        }
    }

    async fn listening(self: &Arc<Self>, asked: Asked<'_>, id: &str) -> Result<Events, Fault> {
        let ListenParams { notifications: wanted } = need(asked.params, "notifications")?;
        let place = self.listeners.take(&asked.caller.principal).ok_or_else(|| {
            let why = "too many subscriptions are open; close one, or put all into one stream";
            Fault::Overloaded(why.to_owned())
        })?;
        let watched = Watched::new(self.doors.changes());
        let mut honoured = Map::new();
        let lists = self.lists.wait();
        let mut wants = |name: &str, wanted: bool, served: bool| {
            if wanted && served {
                honoured.insert(name.to_owned(), json!(true));
            }
            wanted && served
        };
        let tools = wants("toolsListChanged", wanted.tools_list_changed, self.varying.tools);
        let prompts =
            wants("promptsListChanged", wanted.prompts_list_changed, self.varying.prompts);
        if wants("resourcesListChanged", wanted.resources_list_changed, true) {
            watched.add_listing();
        }
        let mut uris = Vec::new();
        for uri in wanted.resource_subscriptions {
            if let Some(followed) = self.resources.watchable(&uri) {
                watched.add(&uri, followed).map_err(|error| Fault::Params(error.to_string()))?;
                uris.push(uri);
            }
        }
        if !uris.is_empty() {
            honoured.insert("resourceSubscriptions".to_owned(), json!(uris));
        }
        let tasks = self.follow_tasks(asked, wanted.task_ids, &watched).await?;
        if !tasks.ids.is_empty() {
            let ids: Vec<_> = tasks.ids.values().collect();
            honoured.insert("taskIds".to_owned(), json!(ids));
        }
        let outbox = Arc::<Outbox>::default();
        let voice = Voice { outbox: Arc::clone(&outbox), subscription: Some(json_of(id)) };
        voice.say("notifications/subscriptions/acknowledged", json!({ "notifications": honoured }));
        let ended = self.doors.infrastructure.events.ended();
        let (version, id) = (asked.version, id.to_owned());
        let task = tokio::spawn(async move {
            let _place = place;
            tokio::select! {
                () = ended => {}
                () = tell(&watched, lists, (tools, prompts), &voice, Some(&tasks)) => {}
            }
            // The end that the protocol wants, for a client that is still there.
            let meta = json!({ SUBSCRIPTION: voice.subscription });
            let end = Done::complete("{}".into()).with_meta(meta);
            voice.outbox.send(answer::answer(version, &id, Ok(end)).body.into_bytes());
            voice.outbox.end();
        });
        let hangs_up = AbortOnDrop(task.abort_handle());
        Ok(Events::once(outbox.read(0, Some(hangs_up))))
    }

    /// Follows those of the tasks that there are for this client.
    async fn follow_tasks(
        self: &Arc<Self>,
        asked: Asked<'_>,
        wanted: Vec<String>,
        watched: &Watched,
    ) -> Result<FollowedTasks, Fault> {
        let mut ids = BTreeMap::new();
        if !wanted.is_empty() && self.tasks.is_some() && !self.gives_tasks(asked) {
            return Err(Fault::Capability(Capability::Tasks));
        }
        if let Some(tasks) = self.tasks.as_ref().filter(|_| self.gives_tasks(asked)) {
            for id in wanted {
                let Some(entity) = tasks.entity(&id).map(Watchable::from) else { continue };
                // Watchable first, so that what changes while it is looked for is told.
                watched
                    .add_silently(entity.clone())
                    .map_err(|many| Fault::Params(many.to_string()))?;
                match self.task(asked.caller, &id).await {
                    Ok(_) => drop(ids.insert(entity, id)),
                    Err(Fault::Params(_)) => watched.remove_silent(&entity),
                    Err(other) => return Err(other),
                }
            }
        }
        Ok(FollowedTasks { server: Arc::clone(self), caller: asked.caller.clone(), ids })
    }

    /// What a session wants to hear of; from the first time on it is told.
    pub(super) fn watched<'a>(&self, session: &'a Arc<Session>) -> &'a Arc<Watched> {
        let Varying { tools, prompts } = self.varying;
        let lists = self.lists.wait();
        session.watched(self.doors.changes(), |watched, standing| async move {
            let voice = Voice { outbox: standing, subscription: None };
            tell(&watched, lists, (tools, prompts), &voice, None).await;
        })
    }

    /// Subscribes a session to a resource, or ends that.
    pub(super) fn subscribe(&self, asked: Asked<'_>, begin: bool) -> Result<Done, Fault> {
        let UriParams { uri } = need(asked.params, "uri")?;
        let done = Done::complete("{}".into());
        // Without a session there is nobody to tell, and what cannot be followed never changes.
        let (Some(session), Some(followed)) = (asked.session, self.resources.watchable(&uri))
        else {
            return Ok(done);
        };
        let watched = self.watched(session);
        if begin {
            watched.add(&uri, followed).map_err(|error| Fault::Params(error.to_string()))?;
        } else {
            watched.remove(&uri, &followed);
        }
        Ok(done)
    }
}

/// The tasks that a client wants to hear of.
struct FollowedTasks {
    server: Arc<Server>,
    caller: Caller,
    ids: BTreeMap<Watchable, String>,
}

impl FollowedTasks {
    /// Says how those of these things stand that are followed as tasks.
    async fn tell(&self, changed: &BTreeSet<Watchable>, voice: &Voice) {
        for id in changed.iter().filter_map(|entity| self.ids.get(entity)) {
            // One that cannot be read now is told of with its next change, and can be asked for.
            if let Ok(task) = self.server.task(&self.caller, id).await {
                voice.say("notifications/tasks", whole(&task));
            }
        }
    }
}

/// Says what changed.
struct Voice {
    outbox: Arc<Outbox>,
    /// The subscription that each message belongs to, where it has to say so.
    subscription: Option<Value>,
}

impl Voice {
    fn say(&self, method: &str, mut params: Value) {
        if let Some(subscription) = &self.subscription {
            params["_meta"] = json!({ SUBSCRIPTION: subscription });
        }
        self.outbox.send(answer::notification(method, &params));
    }
}

/// A request's id, which is JSON.
fn json_of(id: &str) -> Value {
    serde_json::from_str(id).unwrap_or(Value::Null)
}

/// Tells what changes, without end.
async fn tell(
    watched: &Watched,
    mut lists: tokio::sync::watch::Receiver<Counts>,
    (tools, prompts): (bool, bool),
    voice: &Voice,
    tasks: Option<&FollowedTasks>,
) {
    let mut before = *lists.borrow_and_update();
    loop {
        tokio::select! {
            Ok(()) = lists.changed() => {
                let now = *lists.borrow_and_update();
                if tools && before.tools != now.tools {
                    voice.say("notifications/tools/list_changed", json!({}));
                }
                if prompts && before.prompts != now.prompts {
                    voice.say("notifications/prompts/list_changed", json!({}));
                }
                before = now;
            }
            told = watched.told() => {
                if told.listing {
                    voice.say("notifications/resources/list_changed", json!({}));
                }
                if let Some(tasks) = tasks {
                    tasks.tell(&told.followed, voice).await;
                }
                for uri in told.updated {
                    voice.say("notifications/resources/updated", json!({ "uri": uri }));
                }
            }
        }
    }
}
