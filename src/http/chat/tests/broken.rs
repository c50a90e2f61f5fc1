//! What is against the rules of the socket ends it, and nothing else (table W).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// A socket whose frames are written by hand.
struct Raw(TcpStream);

impl Raw {
    async fn open(house: &House) -> Self {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        let head = format!(
            "GET /ws/chat HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\
             X-API-Key: {KEY}\r\n\r\n",
            house.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self(stream)
    }

    /// Writes a frame whose mask is nothing but zeros.
    async fn frame(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
            long => {
                frame.push(0x80 | 127);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        // The other end may have had enough before it has all.
        let _ = self.0.write_all(&frame).await;
    }

    /// The code with which it is ended.
    async fn end(mut self) -> u16 {
        tokio::time::timeout(PATIENCE, async {
            loop {
                let first = self.0.read_u8().await.unwrap();
                let length = match self.0.read_u8().await.unwrap() {
                    126 => usize::from(self.0.read_u16().await.unwrap()),
                    127 => usize::try_from(self.0.read_u64().await.unwrap()).unwrap(),
                    short => usize::from(short),
                };
                let mut payload = vec![0; length];
                self.0.read_exact(&mut payload).await.unwrap();
                if first == 0x88 {
                    return u16::from_be_bytes([payload[0], payload[1]]);
                }
            }
        })
        .await
        .expect("the socket does not end")
    }
}

/// Frames as they are sent: their first byte and what they carry.
type Frames = &'static [(u8, &'static [u8])];

/// W3 and W4.
#[actix::test]
async fn each_breach_has_its_code() {
    let house = House::with(FakeModel::saying(vec![]), 1000, |settings| {
        settings.websocket.max_message_size = 4096;
    })
    .await;
    let breaches: [(Frames, u16); 9] = [
        (&[(0x81, &[b'x'; 5000])], 1009),
        (&[(0x01, &[b'x'; 3000]), (0x80, &[b'x'; 3000])], 1009),
        (&[(0x81, b"\xff\xfe")], 1007),
        (&[(0x01, b"\xc3"), (0x80, b"(")], 1007),
        // An opcode that there is not, a reserved bit, a part of nothing, a message within another.
        (&[(0x83, b"x")], 1002),
        (&[(0x80, b"x")], 1002),
        (&[(0x01, b"x"), (0x01, b"y")], 1002),
        // A ping in parts, and one that is too long.
        (&[(0x09, b"x")], 1002),
        (&[(0x89, &[b'x'; 126])], 1002),
    ];
    for (frames, code) in breaches {
        let mut raw = Raw::open(&house).await;
        for (first, payload) in frames {
            raw.frame(*first, payload).await;
        }
        assert_eq!(raw.end().await, code, "{:02x?}", frames[0].0);
    }
    let mut unmasked = Raw::open(&house).await;
    unmasked.0.write_all(b"\x81\x02{}").await.unwrap();
    assert_eq!(unmasked.end().await, 1002);
    let mut empty = Raw::open(&house).await;
    empty.frame(0x01, b"").await;
    let many = [0x00, 0x80, 0, 0, 0, 0].repeat(20_000);
    let _ = empty.0.write_all(&many).await;
    assert_eq!(empty.end().await, 1009);
    house.until("all places are given back", |house| house.door.sockets() == 0).await;
    let mut client = house.client().await;
    client.ask(None, "r1", "hi").await;
    assert_eq!(words(&client.until_over("r1").await), "yes");
}

/// W9: one that answers no ping is ended.
#[actix::test]
async fn a_silent_end_is_left() {
    let house = House::with(FakeModel::saying(vec![]), 1000, |settings| {
        settings.websocket.ping_interval = Duration::from_millis(100);
        settings.websocket.ping_timeout = Duration::from_millis(100);
    })
    .await;
    let raw = Raw::open(&house).await;
    let began = tokio::time::Instant::now();
    assert_eq!(raw.end().await, 1008);
    assert!(Duration::from_millis(150) < began.elapsed());
    // One that answers stays; its client answers while it waits for something.
    let mut there = house.client().await;
    let waits = tokio::time::timeout(Duration::from_millis(500), there.next_or_end()).await;
    assert!(waits.is_err(), "{waits:?}");
    assert_eq!(there.act("providers", json!({})).await["status"], "complete");
}
