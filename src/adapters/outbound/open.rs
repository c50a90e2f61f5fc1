//! Calling addresses that clients name.
//!
//! A name means what it means at the moment of a connection: it is resolved then, every address that
//! it has is judged, and the connection goes to one of those. A name that has but one address of the
//! wrong kind is not called at all.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::OnceCell;
use url::Url;

use super::client::{Outbound, bounded, build};
use super::error::OutboundError;
use super::reach::Reach;

/// How many connections to a host are kept that nobody uses.
const IDLE_CONNECTIONS: usize = 2;

/// Asks the system's resolver.
#[derive(Debug, Clone, Copy)]
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Lets through what another resolver found if all of it may be connected to.
struct Guarded {
    resolver: Arc<dyn Resolve>,
    reach: Reach,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolving, reach) = (self.resolver.resolve(name), self.reach);
        Box::pin(async move {
            let found: Vec<SocketAddr> = resolving.await?.collect();
            if !found.iter().all(|address| reach.allows(address.ip())) {
                let why = "the name has an address that must not be called";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, why).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Calls servers that clients named; cheap to clone, and clones share connections.
#[derive(Clone)]
pub struct OpenOutbound {
    resolver: Arc<dyn Resolve>,
    reach: Reach,
    /// Made when first needed: most daemons never call anybody's address, and reading the system's
    /// certificates takes time and memory.
    client: Arc<OnceCell<Client>>,
}

impl OpenOutbound {
    /// Calls that go so far.
    pub fn new(reach: Reach) -> Self {
        Self::resolving(reach, Arc::new(System))
    }

    /// Calls that go so far, with names that somebody else resolves.
    pub(in crate::adapters) fn resolving(reach: Reach, resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, reach, client: Arc::default() }
    }

    /// How far they go.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// The server at a URL; `server` is what errors call it.
    ///
    /// # Errors
    /// The URL is none that may be called, or there is no TLS to be had.
    pub async fn to(&self, server: &'static str, url: Url) -> Result<Outbound, OutboundError> {
        if !self.reach.allows_url(&url) {
            return Err(OutboundError::NotAllowed { server, allowed: self.reach.allowed() });
        }
        let unusable = OutboundError::Setting { what: "the TLS set-up", server };
        let client = self.client.get_or_try_init(|| self.make()).await.map_err(|()| unusable)?;
        Ok(Outbound::over(client.clone(), server, url))
    }

    async fn make(&self) -> Result<Client, ()> {
        let guarded = Guarded { resolver: Arc::clone(&self.resolver), reach: self.reach };
        let builder = bounded()
            .https_only(self.reach == Reach::Public)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .dns_resolver(Arc::new(guarded));
        let made = tokio::task::spawn_blocking(move || build(builder).map_err(drop)).await;
        made.unwrap_or(Err(()))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Mutex;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::adapters::outbound::Call;

    /// Answers with the next of these each time, and with the last for ever.
    struct Script(Mutex<Vec<Vec<&'static str>>>);

    impl Resolve for Script {
        fn resolve(&self, _: Name) -> Resolving {
            let mut answers = self.0.lock().unwrap();
            let now = if answers.len() == 1 { answers[0].clone() } else { answers.remove(0) };
            let parsed = now.into_iter().map(|text| text.parse::<IpAddr>().unwrap());
            let found: Vec<_> = parsed.map(|address| SocketAddr::new(address, 0)).collect();
            Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
        }
    }

    fn open(reach: Reach, answers: &[&[&'static str]]) -> OpenOutbound {
        let script = answers.iter().map(|one| one.to_vec()).collect();
        OpenOutbound::resolving(reach, Arc::new(Script(Mutex::new(script))))
    }

    /// Somebody on this machine, and how often they were called.
    async fn listener() -> (u16, Arc<Mutex<usize>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, calls) = (listener.local_addr().unwrap().port(), Arc::<Mutex<usize>>::default());
        let count = Arc::clone(&calls);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                *count.lock().unwrap() += 1;
                let mut buffer = [0; 4096];
                let _read = stream.read(&mut buffer).await;
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _written = stream.write_all(answer).await;
            }
        });
        (port, calls)
    }

    async fn call(open: &OpenOutbound, url: &str) -> Result<u16, OutboundError> {
        let server = open.to("the callback", Url::parse(url).unwrap()).await?;
        let call = Call::post(&[]).within(Duration::from_secs(5));
        server.call(&call).await.map(|answer| answer.status)
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_called() {
        let (port, calls) = listener().await;
        for inside in
            [&["127.0.0.1"][..], &["::ffff:127.0.0.1"], &["8.8.8.8", "127.0.0.1"], &["0.0.0.0"]]
        {
            let open = open(Reach::Public, &[inside]);
            let refused = call(&open, &format!("https://inside.example:{port}/")).await;
            assert!(matches!(refused, Err(OutboundError::Unreachable { .. })), "{inside:?}");
        }
        assert_eq!(*calls.lock().unwrap(), 0);
    }

    #[tokio::test]
    async fn a_name_that_turns_inside_after_it_was_looked_at_is_not_called() {
        let (port, calls) = listener().await;
        // A loopback address stands for the public one here, and a private one for the inside.
        let open = open(Reach::PublicAndLoopback, &[&["127.0.0.1"], &["10.0.0.1"]]);
        let url = format!("http://localhost:{port}/");
        assert_eq!(call(&open, &url).await.unwrap(), 200);
        let refused = call(&open, &url).await;
        assert!(matches!(refused, Err(OutboundError::Unreachable { .. })), "{refused:?}");
        assert_eq!(*calls.lock().unwrap(), 1);
    }

    #[tokio::test]
    async fn an_address_that_is_no_name_is_judged_as_well() {
        let (port, calls) = listener().await;
        let open = open(Reach::Public, &[&["8.8.8.8"]]);
        for host in ["127.0.0.1", "127.1", "2130706433", "[::1]", "[::ffff:7f00:1]"] {
            let refused = call(&open, &format!("https://{host}:{port}/")).await;
            assert!(matches!(refused, Err(OutboundError::NotAllowed { .. })), "{host}");
        }
        assert_eq!(*calls.lock().unwrap(), 0);
    }
}
