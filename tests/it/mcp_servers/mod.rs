//! Other MCP servers as the chat reaches them: a real server that does what it should not, real
//! processes, a real database.

mod bench;
mod calls;
mod http;
mod killed;
mod lists;
mod processes;
mod real;
mod sessions;
