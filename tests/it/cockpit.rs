//! The page and what it is made of: its files, its stream, and what it asks besides.

mod canary;
mod files;
mod long;
mod parts;
mod snapshot;
mod tickets;
