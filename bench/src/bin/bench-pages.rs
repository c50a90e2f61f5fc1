//! Reads a page for each of many gates every few seconds, and does nothing with it: what the
//! daemon's looks at pages cost before anything is made of them.

use std::time::Duration;

use actix_web::{App, HttpServer, rt, web};
use anyhow::{Context, Result};

fn setting(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set"))
}

#[actix_web::main]
async fn main() -> Result<()> {
    let (port, pages): (u16, String) = (setting("PORT")?.parse()?, setting("PAGES")?);
    let (count, seconds): (u32, u64) = (setting("COUNT")?.parse()?, setting("SECONDS")?.parse()?);
    let client = reqwest::Client::new();
    let pace = Duration::from_secs(seconds);
    for gate in 0..count {
        let (client, url) = (client.clone(), pages.replace("$__gate", &format!("g{gate}")));
        rt::spawn(async move {
            // Spread over the interval.
            rt::time::sleep(pace * gate / count).await;
            let mut due = rt::time::interval(pace);
            loop {
                due.tick().await;
                if let Ok(answer) = client.get(&url).send().await {
                    // A page that cannot be read costs as much.
                    drop(answer.bytes().await);
                }
            }
        });
    }
    let answers = || App::new().default_service(web::to(|| async { "ok" }));
    HttpServer::new(answers).workers(1).bind(("127.0.0.1", port))?.run().await?;
    Ok(())
}
