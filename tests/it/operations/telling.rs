//! What the daemon tells the process manager that started it.

use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use tokio::time::{Duration, Instant};

use super::run;
use crate::harness::{Home, PATIENCE, skip};

/// A parent that starts the program as PM2 does, prints what it hears, and then interrupts it.
const PARENT: &str = "
    const { spawn } = require('node:child_process');
    const child = spawn(process.argv[1], ['serve', '--port', '0'],
                        { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    child.on('message', (message) => {
        console.log('message ' + JSON.stringify(message));
        child.kill('SIGINT');
    });
    child.on('exit', (code, signal) => console.log('exit ' + code + ' ' + signal));
";

#[tokio::test]
async fn systemd_hears_of_the_start_of_every_beat_and_of_the_end() {
    let home = Home::new();
    let path = home.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let home = home.with("NOTIFY_SOCKET", path.to_str().unwrap()).with("WATCHDOG_USEC", "300000");
    let mut daemon = home.start().await;
    let receive = || {
        let mut buffer = [0; 256];
        let read = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..read]).trim().to_owned()
    };
    assert_eq!(receive(), "READY=1");
    let began = Instant::now();
    for _ in 0..5 {
        assert_eq!(receive(), "WATCHDOG=1");
    }
    // Five beats within two limits: each came well before it was missed.
    assert!(began.elapsed() < Duration::from_millis(600), "{:?}", began.elapsed());
    assert_eq!(daemon.terminate().await.code(), Some(0));
    let last = std::iter::repeat_with(receive).find(|told| told != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
}

#[tokio::test]
async fn pm2_hears_that_the_daemon_is_ready() {
    let is_there = Command::new("node").arg("--version").stdout(Stdio::null()).status();
    if !is_there.is_ok_and(|status| status.success()) {
        skip("the message to PM2", "there is no node");
        return;
    }
    let home = Home::new().with("pm_id", "0");
    let daemon = home.command(&[]);
    let mut parent = Command::new("node");
    parent.arg("-e").arg(PARENT).arg(daemon.get_program()).current_dir(home.path()).env_clear();
    for (name, value) in daemon.get_envs() {
        parent.env(name, value.unwrap());
    }
    let output = run(parent).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "message \"ready\"\nexit 0 null\n", "{output:?}");
}
