//! The protocol in each of its revisions, as clients speak it.

mod apps;
mod canary_tasks;
mod card;
mod client;
mod confirmation;
mod crossed;
mod hanging_up;
mod hostile;
mod sessions;
mod stateless;
mod stdio;
mod stdio_client;
mod subscriptions;
mod tasks;
