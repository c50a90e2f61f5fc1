//! Programs of MCP servers, and pins of their tools.

use super::*;

#[actix::test]
async fn a_pin_stays_until_somebody_agrees_to_another() {
    let bench = Bench::new();
    let see = |tools: &[(&str, &str)], most| {
        let tools: Vec<_> = tools.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        bench.store.write(move |tx| tool_pins::see(tx, "s", &tools, most))
    };
    let pins = see(&[("a", "1"), ("b", "1"), ("c", "1")], 2).await.unwrap();
    assert_eq!(pins.len(), 2, "there is no room for a third");
    let pins = see(&[("a", "2"), ("c", "1")], 9).await.unwrap();
    assert_eq!((pins["a"].as_str(), pins["c"].as_str()), ("1", "1"));
    bench.store.write(|tx| tool_pins::pin(tx, ("s", "a"), "2")).await.unwrap();
    let pins = bench.store.read(|conn| tool_pins::of_server(conn, "s")).await.unwrap();
    assert_eq!((pins["a"].as_str(), pins.len()), ("2", 3));
    let others = bench.store.read(|conn| tool_pins::of_server(conn, "t")).await.unwrap();
    assert!(others.is_empty());
}

#[actix::test]
async fn a_program_is_open_until_nothing_of_it_is_left() {
    let bench = Bench::new();
    let store = &bench.store;
    store.write(|tx| mcp_processes::open(tx, "t1", "s")).await.unwrap();
    store.write(|tx| mcp_processes::open(tx, "t2", "s")).await.unwrap();
    store.write(|tx| mcp_processes::started(tx, "t1", "{}")).await.unwrap();
    store.write(|tx| mcp_processes::close(tx, "t2")).await.unwrap();
    let open = store.read(mcp_processes::all_open).await.unwrap();
    assert_eq!((open.len(), open[0].token.as_str()), (1, "t1"));
    assert_eq!(open[0].identity_json.as_deref(), Some("{}"));
}
