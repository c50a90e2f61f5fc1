//! Which tools are there for a model, over all servers, and under which names? Pure.
//!
//! A catalogue never changes. A turn holds the one it began with, and a new one takes its place for
//! those that come after; its order is that of the settings and of each server's list, so that a
//! model is told the same in the same order as long as nothing changed.

use std::collections::HashMap;
use std::sync::Arc;

use crate::mcp_servers::definition::ToolDefinition;
use crate::mcp_servers::names::exposed;
use crate::mcp_servers::schema::Checker;

/// Whether a tool's definition is the one that was agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// It is the daemon's own.
    Own,
    /// It is.
    Same,
    /// It is another one, and the tool is not called until somebody agrees to it.
    Changed {
        /// The hash of the definition that was agreed to.
        agreed: String,
    },
}

/// Names one definition of one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolRef {
    /// The server.
    pub server: Arc<str>,
    /// The tool, by the server's name for it.
    pub tool: String,
    /// The hash of its definition.
    pub hash: String,
}

/// A tool for a model.
#[derive(Debug)]
pub struct CatalogueEntry {
    /// Its name for the model: no other tool has it.
    pub exposed: String,
    /// What it is called by.
    pub reference: ToolRef,
    /// How it is defined.
    pub definition: Arc<ToolDefinition>,
    /// Whether it is still defined so.
    pub pin: Pin,
    /// Whether its server can be asked just now.
    pub is_available: bool,
}

/// A tool that there is and that no model is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The server.
    pub server: Arc<str>,
    /// The tool, as it can be shown.
    pub tool: String,
    /// Why, in a sentence.
    pub why: String,
}

/// All tools at one moment.
#[derive(Debug, Default)]
pub struct Catalogue {
    generation: u64,
    entries: Vec<Arc<CatalogueEntry>>,
    by_name: HashMap<String, usize>,
    quarantined: Vec<Quarantined>,
}

impl Catalogue {
    /// Another number than any catalogue before had.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// All tools, in an order that stays.
    pub fn entries(&self) -> &[Arc<CatalogueEntry>] {
        &self.entries
    }

    /// The tool with this name for the model.
    pub fn find(&self, exposed: &str) -> Option<&Arc<CatalogueEntry>> {
        self.by_name.get(exposed).and_then(|index| self.entries.get(*index))
    }

    /// The tool with this name on its server.
    pub fn find_origin(&self, server: &str, tool: &str) -> Option<&Arc<CatalogueEntry>> {
        let is_it = |entry: &&Arc<CatalogueEntry>| {
            &*entry.reference.server == server && entry.reference.tool == tool
        };
        // Its own name leads to it, as names are made of these two; only a refused one does not.
        self.find(&exposed(server, tool)).filter(is_it)
    }

    /// The tools that were refused, and why.
    pub fn quarantined(&self) -> &[Quarantined] {
        &self.quarantined
    }
}

/// A tool of a server's list that can be used.
#[derive(Debug, Clone)]
pub(super) struct ListedTool {
    pub(super) definition: Arc<ToolDefinition>,
    /// Absent for the daemon's own, whose arguments others check.
    pub(super) checker: Option<Arc<Checker>>,
    pub(super) pin: Pin,
}

/// The tools of one server.
#[derive(Debug, Clone)]
pub(super) struct ServerTools {
    pub(super) server: Arc<str>,
    pub(super) is_available: bool,
    pub(super) tools: Vec<ListedTool>,
    pub(super) quarantined: Vec<(String, String)>,
}

/// Makes the catalogue of all servers' tools, in the order of the servers. The first tool that has
/// a name keeps it.
pub(super) fn build(generation: u64, servers: &[ServerTools]) -> Catalogue {
    let mut catalogue = Catalogue { generation, ..Catalogue::default() };
    for of_server in servers {
        let ServerTools { server, is_available, tools, quarantined } = of_server;
        let refused = |tool: &str, why: String| {
            let tool = crate::visible::in_one_line(tool, 256);
            Quarantined { server: Arc::clone(server), tool, why }
        };
        catalogue
            .quarantined
            .extend(quarantined.iter().map(|(tool, why)| refused(tool, why.clone())));
        for ListedTool { definition, pin, .. } in tools {
            let name = exposed(server, &definition.name);
            if let Some(first) = catalogue.find(&name) {
                let same =
                    first.reference.server == *server && first.reference.tool == definition.name;
                let why = if same {
                    "the server lists two tools of this name".to_owned()
                } else {
                    format!("the name {name} is that of a tool of {}", first.reference.server)
                };
                catalogue.quarantined.push(refused(&definition.name, why));
                continue;
            }
            let reference = ToolRef {
                server: Arc::clone(server),
                tool: definition.name.clone(),
                hash: definition.hash.clone(),
            };
            catalogue.by_name.insert(name.clone(), catalogue.entries.len());
            catalogue.entries.push(Arc::new(CatalogueEntry {
                exposed: name,
                reference,
                definition: Arc::clone(definition),
                pin: pin.clone(),
                is_available: *is_available,
            }));
        }
    }
    catalogue
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn tools(server: &str, names: &[&str]) -> ServerTools {
        let tool = |name: &&str| {
            let raw = json!({ "name": name, "inputSchema": { "type": "object" } });
            let definition = Arc::new(ToolDefinition::read(&raw).unwrap());
            ListedTool { definition, checker: None, pin: Pin::Same }
        };
        let tools = names.iter().map(tool).collect();
        ServerTools { server: server.into(), is_available: true, tools, quarantined: Vec::new() }
    }

    #[test]
    fn names_lead_both_ways_and_the_first_keeps_one() {
        // B7 and L5: `a` + `_b` reads as `a_` + `b` does.
        let servers =
            [tools("a", &["search", "_b", "search"]), tools("a_", &["b"]), tools("c", &["search"])];
        let catalogue = build(7, &servers);
        let names: Vec<_> =
            catalogue.entries().iter().map(|entry| entry.exposed.as_str()).collect();
        assert_eq!(names, ["a__search", "a___b", "c__search"]);
        let refused: Vec<_> =
            catalogue.quarantined().iter().map(|one| (&*one.server, one.why.as_str())).collect();
        assert_eq!(
            refused,
            [
                ("a", "the server lists two tools of this name"),
                ("a_", "the name a___b is that of a tool of a"),
            ],
        );
        assert!(catalogue.find_origin("a_", "b").is_none(), "the call would go elsewhere");
        assert_eq!(catalogue.find_origin("c", "search").unwrap().exposed, "c__search");
        assert_eq!(catalogue.generation(), 7);
    }

    proptest! {
        /// Every name leads to one tool and back, and no tool is lost without a word.
        #[test]
        fn every_tool_is_found_or_refused(
            lists in prop::collection::vec(
                ("[ab_]{1,3}", prop::collection::vec("[ab_./]{1,70}", 0..8)), 0..5,
            ),
        ) {
            let mut seen = std::collections::BTreeSet::new();
            let servers: Vec<ServerTools> = lists.iter()
                .filter(|(server, _)| !server.contains("__") && seen.insert(server.clone()))
                .map(|(server, names)| tools(server, &names.iter().map(String::as_str).collect::<Vec<_>>()))
                .collect();
            let catalogue = build(1, &servers);
            let all: usize = servers.iter().map(|server| server.tools.len()).sum();
            prop_assert_eq!(catalogue.entries().len() + catalogue.quarantined().len(), all);
            for entry in catalogue.entries() {
                let found = catalogue.find(&entry.exposed).unwrap();
                prop_assert!(Arc::ptr_eq(found, entry));
                let found = catalogue.find_origin(&entry.reference.server, &entry.reference.tool);
                prop_assert!(Arc::ptr_eq(found.unwrap(), entry));
            }
        }
    }
}
