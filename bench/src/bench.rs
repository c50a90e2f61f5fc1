//! The servers that are compared, and what is needed to start each of them afresh.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::rpc::Access;
use crate::server::{Readiness, Server, free_port};

/// Worker threads or processes of every server.
const WORKERS: usize = 2;
/// So many queued jobs and streams are never reached.
const PLENTY: &str = "10000000";
const MOST_READERS: &str = "20000";

/// Where everything is; made once a session.
#[derive(Debug, Clone)]
pub struct Bench {
    /// Databases, logs and generated configurations; on the disk that is to be measured.
    pub scratch: PathBuf,
    /// The daemon's program, if there is one.
    pub daemon: Option<PathBuf>,
    /// Environment given to the daemon over and above the benchmark's own.
    pub daemon_environment: Vec<(String, String)>,
    /// The repository root the daemon is given; an empty directory if not named.
    pub repository: Option<PathBuf>,
    /// wrk, if it is installed.
    pub wrk: Option<PathBuf>,
    /// nginx and its nchan module, if they are installed.
    pub nginx: Option<(PathBuf, PathBuf)>,
    /// The directory with wrk's scripts.
    pub scripts: PathBuf,
    /// The key and the job that is launched.
    pub access: Access,
}

/// Whether the daemon logs each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestLog {
    /// No line a request.
    Off,
    /// One line a request, to a file.
    On,
}

impl Bench {
    /// Starts the bare handler.
    pub fn start_bare(&self) -> Result<Server> {
        let own = std::env::current_exe().context("finding this program")?;
        let port = free_port()?;
        let mut command = Command::new(own.with_file_name("bench-bare"));
        command.env("PORT", port.to_string());
        Server::start(&mut command, "bare", port, &self.scratch, Readiness::Answers)
    }

    /// Starts the daemon on a new, empty database; `None` if there is no daemon.
    pub fn start_daemon(&self, name: &str, log: RequestLog) -> Result<Option<Server>> {
        let directory = self.scratch.join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory).context("clearing an earlier database")?;
        }
        self.restart_daemon(name, log)
    }

    /// Starts the daemon on the database that an earlier start under this name left.
    pub fn restart_daemon(&self, name: &str, log: RequestLog) -> Result<Option<Server>> {
        let Some(program) = &self.daemon else { return Ok(None) };
        let directory = self.scratch.join(name);
        let repository = self.repository.clone().unwrap_or_else(|| directory.join("repository"));
        fs::create_dir_all(&repository)?;
        let port = free_port()?;
        let workers = WORKERS.to_string();
        let port_text = port.to_string();
        let mut command = Command::new(program);
        // Nothing of the caller's environment changes what is measured.
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .current_dir(&directory)
            .env("HOME", &directory)
            .env("LUKHAS_REPO_ROOT", repository)
            .env("LUKHAS_MCP_DB", directory.join("state.db"))
            .envs([
                ("PORT", port_text.as_str()),
                ("LUKHAS_MCP_API_KEYS", self.access.key.as_str()),
                ("MCP_RL_BUCKET", "1000000000"),
                ("LUKHAS_MCP_LOG_REQUESTS", if log == RequestLog::On { "true" } else { "false" }),
                // Jobs are accepted and stay queued, so that each is exactly one event.
                ("LUKHAS_MCP_MAX_RUNNING_JOBS", "0"),
                ("LUKHAS_MCP_MAX_QUEUED_JOBS", PLENTY),
                ("LUKHAS_MCP_MAX_SSE_STREAMS", MOST_READERS),
                ("LUKHAS_MCP_MAX_SSE_STREAMS_PER_KEY", MOST_READERS),
                ("LUKHAS_MCP_WORKERS", workers.as_str()),
            ])
            .envs(self.daemon_environment.iter().map(|(name, value)| (name, value)));
        Server::start(&mut command, name, port, &directory, Readiness::Readyz).map(Some)
    }

    /// Starts nginx with nchan; `None` if it is not installed.
    pub fn start_nchan(&self) -> Result<Option<Server>> {
        let Some((program, module)) = &self.nginx else { return Ok(None) };
        let directory = self.scratch.join("nchan");
        fs::create_dir_all(&directory)?;
        let port = free_port()?;
        let configuration = directory.join("nginx.conf");
        fs::write(&configuration, nchan_configuration(&directory, module, port))?;
        let mut command = Command::new(program);
        command.arg("-p").arg(&directory).arg("-c").arg(&configuration);
        // Before the configuration is read, nginx would complain to a file of the system.
        command.arg("-e").arg(directory.join("error.log"));
        Server::start(&mut command, "nginx", port, &directory, Readiness::Answers).map(Some)
    }
}

fn nchan_configuration(directory: &Path, module: &Path, port: u16) -> String {
    let directory = directory.display();
    let module = module.display();
    format!(
        "load_module {module};
daemon off;
worker_processes {WORKERS};
worker_rlimit_nofile {MOST_READERS};
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections {MOST_READERS}; }}
http {{
  access_log off;
  tcp_nodelay on;
  # A publisher keeps its connection for the whole run.
  keepalive_requests 1000000000;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /publish {{
      nchan_publisher http;
      nchan_channel_id bench;
      nchan_message_buffer_length 256;
      nchan_message_timeout 5m;
    }}
    location = /sse {{
      nchan_subscriber eventsource;
      nchan_channel_id bench;
      nchan_subscriber_first_message newest;
    }}
  }}
}}
"
    )
}
