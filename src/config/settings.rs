//! Every setting there is. This is the table from which all else follows.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::chat_file::ChatFileSettings;
use super::error::ConfigError;
use super::events::EventSettings;
use super::fields::{BucketUnit, LogFormat, RegistryKind};
use super::keys::{Group, declare_group, declare_settings, setting};
use super::load::Reader;
use super::mcp::McpSettings;
use super::notifications::NotificationSettings;
use super::oauth::OauthSettings;
use super::value::{Kind, Value};

/// The longest time that can be set: ten years in milliseconds.
const TEN_YEARS_MS: u64 = 315_360_000_000;

declare_settings! {
    /// Where the daemon listens, how it serves, and how it stops.
    server: ServerSettings {
        /// Port to listen on; 0 takes any that is free.
        port: u16 = setting("server.port", Kind::integer(0, 65_535))
            .variables(&["PORT"])
            .flag("--port")
            .default("8766");
        /// Address to listen on. Any but a loopback address needs API keys.
        listen: IpAddr = setting("server.listen", Kind::Address)
            .variables(&["LUKHAS_MCP_LISTEN"])
            .flag("--listen")
            .default("127.0.0.1");
        /// Threads that serve HTTP.
        workers: usize = setting("server.workers", Kind::integer(1, 256))
            .variables(&["LUKHAS_MCP_WORKERS"])
            .computed("one per core, at most 4", "4", |known| {
                Value::Integer(known.cores().min(4))
            });
        /// Where clients reach the daemon from outside, if a proxy stands before it. Requests
        /// to its host are accepted.
        public_base_url: Option<Url> = setting("server.public_base_url", Kind::Url)
            .variables(&["MCP_PUBLIC_BASE_URL"])
            .optional("https://mcp.example.org");
        /// Further host names that requests may be addressed to, besides those of the loopback
        /// and the host of `public_base_url`.
        allowed_hosts: Vec<String> = setting("server.allowed_hosts", Kind::Hosts)
            .variables(&["LUKHAS_MCP_ALLOWED_HOSTS"])
            .default("");
        /// Time in milliseconds to finish what is under way after a signal to stop.
        shutdown_deadline: Duration =
            setting("server.shutdown_deadline_ms", Kind::integer(1, 600_000))
                .variables(&["LUKHAS_MCP_SHUTDOWN_DEADLINE_MS"])
                .computed("10000; 1200 under PM2, which kills after 1600", "10000", |known| {
                    // PM2 sets `pm_id` for what it runs.
                    Value::Integer(if known.has_variable("pm_id") { 1_200 } else { 10_000 })
                });
    }

    /// Who may use the daemon.
    auth: AuthSettings {
        /// Keys that clients may send, all valid at once. Without any, and without OAuth,
        /// everybody may enter, and the daemon listens on a loopback address only.
        api_keys: Vec<SecretString> = setting("auth.api_keys", Kind::Keys)
            .variables(&["LUKHAS_MCP_API_KEYS"])
            .credential("api-keys")
            .optional("replace-me-1,replace-me-2");
        /// Further keys, whose holders may read everything and change nothing.
        read_keys: Vec<SecretString> = setting("auth.read_keys", Kind::Keys)
            .variables(&["LUKHAS_MCP_READ_API_KEYS"])
            .credential("read-api-keys")
            .optional("replace-me-3");
        /// Whether the daemon may listen on any address without API keys.
        allow_anonymous: bool = setting("auth.allow_anonymous", Kind::Bool)
            .variables(&["LUKHAS_MCP_ALLOW_ANONYMOUS"])
            .default("false");
    }

    /// The repository that the file and git tools work on.
    repo: RepoSettings {
        /// Its directory; no tool reaches a file outside it.
        root: PathBuf = setting("repo.root", Kind::Path)
            .variables(&["LUKHAS_REPO_ROOT"])
            .flag("--repo-root")
            .computed("the current directory", ".", |known| Value::Path(known.directory()));
        /// Whether the tools only read it: nothing is written, and nothing committed.
        read_only: bool = setting("repo.read_only", Kind::Bool)
            .variables(&["LUKHAS_MCP_REPO_READ_ONLY"])
            .default("false");
        /// Name of the author of the commits that tools make.
        git_author_name: String = setting("repo.git_author_name", Kind::Text)
            .variables(&["LUKHAS_MCP_GIT_AUTHOR_NAME"])
            .default("lukhas-mcp");
        /// E-mail address of the author of the commits that tools make.
        git_author_email: String = setting("repo.git_author_email", Kind::Text)
            .variables(&["LUKHAS_MCP_GIT_AUTHOR_EMAIL"])
            .default("lukhas-mcp@localhost");
    }

    /// The database, and how long things are kept in it.
    store: StoreSettings {
        /// The database's file.
        db: PathBuf = setting("store.db", Kind::Path)
            .variables(&["LUKHAS_MCP_DB"])
            .flag("--db")
            .computed("`.mcp-state.db` in `repo.root`", ".mcp-state.db", |known| {
                Value::Path(known.path("repo.root").join(".mcp-state.db"))
            });
        /// Directory of the search index over the repository; it can be removed at any time and is
        /// built anew.
        search_index: PathBuf = setting("store.search_index", Kind::Path)
            .variables(&["LUKHAS_MCP_SEARCH_INDEX"])
            .computed("the name of `store.db` with `.search` added", ".mcp-state.db.search", |known| {
                let mut beside_database = known.path("store.db").as_os_str().to_owned();
                beside_database.push(".search");
                Value::Path(beside_database.into())
            });
        /// Directory for copies of the database; without it, they are put beside the database.
        backup_dir: Option<PathBuf> = setting("store.backup_dir", Kind::Path)
            .variables(&["LUKHAS_MCP_BACKUP_DIR"])
            .optional("backups");
        /// The earlier server's JSON state; if it is there at the first start, it is imported
        /// once and left as it was.
        legacy_state: PathBuf = setting("store.legacy_state", Kind::Path)
            .variables(&["MCP_STATE_PATH"])
            .computed("`.mcp-state.json` in `repo.root`", ".mcp-state.json", |known| {
                Value::Path(known.path("repo.root").join(".mcp-state.json"))
            });
        /// How long jobs that are over are kept, in milliseconds; the default is 7 days.
        job_ttl: Duration = setting("store.job_ttl_ms", Kind::integer(1, TEN_YEARS_MS))
            .variables(&["MCP_JOB_TTL_MS"])
            .default("604800000");
        /// How long events are kept for readers that resume, in milliseconds; the default is 7
        /// days.
        event_retention: Duration =
            setting("store.event_retention_ms", Kind::integer(1, TEN_YEARS_MS))
                .variables(&["LUKHAS_MCP_EVENT_RETENTION_MS"])
                .default("604800000");
    }

    /// The audit chain: how long it is kept, and how it is proved.
    audit: AuditSettings {
        /// Days that audit rows are kept, and never less than half a year.
        retention_days: u32 = setting("audit.retention_days", Kind::integer(183, 36_500))
            .variables(&["LUKHAS_MCP_AUDIT_RETENTION_DAYS"])
            .default("400");
        /// Rows after which a checkpoint is made of the chain.
        checkpoint_rows: u32 = setting("audit.checkpoint_rows", Kind::integer(1, 100_000))
            .variables(&["LUKHAS_MCP_AUDIT_CHECKPOINT_ROWS"])
            .default("1000");
        /// Minutes after which a checkpoint is made, if rows were added.
        checkpoint_minutes: u32 = setting("audit.checkpoint_minutes", Kind::integer(1, 10_080))
            .variables(&["LUKHAS_MCP_AUDIT_CHECKPOINT_MINUTES"])
            .default("60");
        /// Seed of the Ed25519 key that signs checkpoints; without it they are not signed.
        signing_key: Option<SecretString> = setting("audit.signing_key", Kind::Seed)
            .variables(&["LUKHAS_MCP_AUDIT_SIGNING_KEY"])
            .credential("audit-signing-key")
            .optional("0000000000000000000000000000000000000000000000000000000000000000");
        /// Git repository on this machine, in which each checkpoint is written down as well.
        anchor_repo: Option<PathBuf> = setting("audit.anchor_repo", Kind::Path)
            .variables(&["LUKHAS_MCP_AUDIT_ANCHOR_REPO"])
            .optional("/srv/audit.git");
        /// The branch for that; it must not be checked out.
        anchor_branch: String = setting("audit.anchor_branch", Kind::Text)
            .variables(&["LUKHAS_MCP_AUDIT_ANCHOR_BRANCH"])
            .default("lukhas-audit");
    }

    /// The evals that run on this machine.
    evals: EvalSettings {
        /// Directory with `tasks/<taskId>.toml` and `configs/<configId>.toml`.
        dir: PathBuf = setting("evals.dir", Kind::Path)
            .variables(&["LUKHAS_MCP_EVALS_DIR"])
            .flag("--evals-dir")
            .computed("`evals` in `repo.root`", "evals", |known| {
                Value::Path(known.path("repo.root").join("evals"))
            });
        /// Directory where each run has one of its own.
        runs_dir: PathBuf = setting("evals.runs_dir", Kind::Path)
            .variables(&["LUKHAS_MCP_RUNS_DIR"])
            .computed("the name of `store.db` with `.runs` added", ".mcp-state.db.runs", |known| {
                let mut beside_database = known.path("store.db").as_os_str().to_owned();
                beside_database.push(".runs");
                Value::Path(beside_database.into())
            });
        /// Jobs that run at once; 0 accepts jobs and runs none.
        max_running_jobs: usize = setting("evals.max_running_jobs", Kind::integer(0, 1_024))
            .variables(&["LUKHAS_MCP_MAX_RUNNING_JOBS"])
            .computed("one per core", "4", |known| Value::Integer(known.cores()));
        /// Jobs that wait at once; further ones are refused until there is room.
        max_queued_jobs: usize = setting("evals.max_queued_jobs", Kind::integer(1, 1_000_000_000))
            .variables(&["LUKHAS_MCP_MAX_QUEUED_JOBS"])
            .default("10000");
    }

    /// How much one client may ask for.
    limits: LimitSettings {
        /// Time in milliseconds in which an empty rate bucket fills up.
        rate_window: Duration = setting("limits.rate_window_ms", Kind::integer(1, 86_400_000))
            .variables(&["MCP_RL_WINDOW_MS"])
            .default("10000");
        /// Requests that a client may make in one window.
        rate_bucket: u32 = setting("limits.rate_bucket", Kind::integer(1, 1_000_000_000))
            .variables(&["MCP_RL_BUCKET"])
            .default("60");
        /// Event streams open at once, in all.
        max_sse_streams: usize = setting("limits.max_sse_streams", Kind::integer(1, 100_000))
            .variables(&["LUKHAS_MCP_MAX_SSE_STREAMS"])
            .default("512");
        /// Event streams open at once by one key, or by one address where there are no keys.
        max_sse_streams_per_key: usize =
            setting("limits.max_sse_streams_per_key", Kind::integer(1, 100_000))
                .variables(&["LUKHAS_MCP_MAX_SSE_STREAMS_PER_KEY"])
                .default("32");
    }

    /// Which series are the requests of a canary, wherever they are read; see `docs/metrics.md`.
    metrics: MetricsSettings {
        /// Selector of the counters of all requests; `$__gate` and `$__model` are replaced.
        total: Option<String> = setting("metrics.total", Kind::Text)
            .variables(&["PROM_TOTAL"])
            .optional("http_requests_total{gate=$__gate}");
        /// Selector of the counters of failed requests, which are among those of all requests.
        errors: Option<String> = setting("metrics.errors", Kind::Text)
            .variables(&["PROM_ERRORS"])
            .optional("http_requests_total{gate=$__gate,code=~\"5..\"}");
        /// Selector of the buckets of a latency histogram.
        bucket: Option<String> = setting("metrics.bucket", Kind::Text)
            .variables(&["PROM_BUCKET"])
            .optional("http_request_duration_seconds_bucket{gate=$__gate}");
        /// The unit of the label `le` of those buckets.
        bucket_unit: BucketUnit = setting("metrics.bucket_unit", Kind::Choice(BucketUnit::NAMES))
            .variables(&["LUKHAS_MCP_BUCKET_UNIT"])
            .default("seconds");
    }

    /// Reading the metrics of canaries from the served models themselves. With an address, the
    /// selectors of `[metrics]` are read there and not from a Prometheus server.
    scrape: ScrapeSettings {
        /// The page of metrics of a gate; `$__gate` and `$__model` are replaced in its path and
        /// query.
        url: Option<String> = setting("scrape.url", Kind::Text)
            .variables(&["LUKHAS_SCRAPE_URL"])
            .optional("http://127.0.0.1:8080/gates/$__gate/metrics");
        /// Token sent there as `Authorization: Bearer`.
        bearer: Option<SecretString> = setting("scrape.bearer", Kind::Secret)
            .variables(&["LUKHAS_SCRAPE_BEARER"])
            .optional("replace-me");
        /// Certificates in PEM of the authorities that are trusted there instead of the system's.
        ca_file: Option<PathBuf> = setting("scrape.ca_file", Kind::Path)
            .variables(&["LUKHAS_SCRAPE_CA_FILE"])
            .optional("scrape-ca.pem");
    }

    /// Reading the metrics of canaries from a Prometheus server, or one that answers like it.
    prometheus: PrometheusSettings {
        /// The server.
        url: Option<Url> = setting("prometheus.url", Kind::Url)
            .variables(&["PROM_URL"])
            .optional("http://127.0.0.1:9090");
        /// Token sent to it as `Authorization: Bearer`.
        bearer: Option<SecretString> = setting("prometheus.bearer", Kind::Secret)
            .variables(&["PROM_BEARER"])
            .credential("prom-bearer")
            .optional("replace-me");
        /// Name sent to it with `prometheus.password`, instead of a token.
        user: Option<String> = setting("prometheus.user", Kind::Text)
            .variables(&["PROM_USER"])
            .optional("lukhas");
        /// Password that goes with `prometheus.user`.
        password: Option<SecretString> = setting("prometheus.password", Kind::Secret)
            .variables(&["PROM_PASSWORD"])
            .optional("replace-me");
        /// Further headers sent to it, as `Name:value` with commas between them.
        headers: Option<SecretString> = setting("prometheus.headers", Kind::Secret)
            .variables(&["PROM_HEADERS"])
            .optional("X-Scope-OrgID:team-a");
        /// Certificates in PEM of the authorities that are trusted there instead of the system's.
        ca_file: Option<PathBuf> = setting("prometheus.ca_file", Kind::Path)
            .variables(&["PROM_CA_FILE"])
            .optional("prometheus-ca.pem");
        /// Prometheus query for the 95th percentile of latency in milliseconds, for where there
        /// are no buckets; `$__window`, `$__gate` and `$__model` are replaced.
        latency_query: Option<String> = setting("prometheus.latency_query", Kind::Text)
            .variables(&["PROM_Q_LAT", "PROM_QUERY_LAT"])
            .optional("1000 * my_latency_p95_seconds{gate=$__gate}");
        /// Prometheus query for the error rate between 0 and 1, for where there are no counters;
        /// the same names are replaced.
        error_query: Option<String> = setting("prometheus.error_query", Kind::Text)
            .variables(&["PROM_Q_ERR", "PROM_QUERY_ERR"])
            .optional("my_error_ratio{gate=$__gate}");
    }

    /// What keeps the gates that models stand in.
    registry: RegistrySettings {
        /// Which registry: the daemon's own database, a git repository, MLflow, or a server of
        /// one's own.
        kind: RegistryKind = setting("registry.kind", Kind::Choice(RegistryKind::NAMES))
            .variables(&["LUKHAS_REGISTRY"])
            .default("local");
        /// The git repository with the gates, bare or with a working tree. Needed for `git`.
        git_repository: Option<PathBuf> = setting("registry.git_repository", Kind::Path)
            .variables(&["LUKHAS_REGISTRY_GIT_REPOSITORY"])
            .optional("gates.git");
        /// The branch with the gates; it may be checked out nowhere, and is made if it is not there.
        git_branch: String = setting("registry.git_branch", Kind::Text)
            .variables(&["LUKHAS_REGISTRY_GIT_BRANCH"])
            .default("main");
        /// Name of the author of the commits.
        git_author_name: String = setting("registry.git_author_name", Kind::Text)
            .variables(&["LUKHAS_REGISTRY_GIT_AUTHOR_NAME"])
            .default("lukhas-mcp");
        /// E-mail address of the author of the commits.
        git_author_email: String = setting("registry.git_author_email", Kind::Text)
            .variables(&["LUKHAS_REGISTRY_GIT_AUTHOR_EMAIL"])
            .default("lukhas-mcp@localhost");
        /// Address of the MLflow server, or of the server of one's own. Needed for `mlflow` and
        /// `http`.
        url: Option<Url> = setting("registry.url", Kind::Url)
            .variables(&["LUKHAS_REGISTRY_URL"])
            .optional("http://127.0.0.1:5000");
        /// Token sent to it as `Authorization: Bearer`.
        bearer: Option<SecretString> = setting("registry.bearer", Kind::Secret)
            .variables(&["LUKHAS_REGISTRY_BEARER"])
            .credential("registry-bearer")
            .optional("replace-me");
        /// User name sent to it, with `registry.password`, as `Authorization: Basic`.
        user: Option<String> = setting("registry.user", Kind::Text)
            .variables(&["LUKHAS_REGISTRY_USER"])
            .optional("lukhas");
        /// The password that belongs to it.
        password: Option<SecretString> = setting("registry.password", Kind::Secret)
            .variables(&["LUKHAS_REGISTRY_PASSWORD"])
            .credential("registry-password")
            .optional("replace-me");
        /// Key with which calls to a server of one's own are signed; without it they are not.
        signing_key: Option<SecretString> = setting("registry.signing_key", Kind::Secret)
            .variables(&["LUKHAS_REGISTRY_SIGNING_KEY"])
            .credential("registry-signing-key")
            .optional("replace-me");
        /// File with the certificates, in PEM, of the authorities that are trusted for the server
        /// instead of the system's.
        ca_file: Option<PathBuf> = setting("registry.ca_file", Kind::Path)
            .variables(&["LUKHAS_REGISTRY_CA_FILE"])
            .optional("registry-ca.pem");
        /// Time in milliseconds that one call to the server may take.
        timeout: Duration = setting("registry.timeout_ms", Kind::integer(1, 120_000))
            .variables(&["LUKHAS_REGISTRY_TIMEOUT_MS"])
            .default("10000");
    }

    /// What is logged, and how.
    log: LogSettings {
        /// What is logged: a level, or a list such as `info,lukhas_mcp=debug`.
        level: String = setting("log.level", Kind::LogFilter)
            .variables(&["LUKHAS_MCP_LOG_LEVEL"])
            .flag("--log-level")
            .default("info");
        /// Its form: lines of JSON, or text for people. `auto` is text on a terminal.
        format: LogFormat = setting("log.format", Kind::Choice(LogFormat::NAMES))
            .variables(&["LUKHAS_MCP_LOG_FORMAT"])
            .flag("--log-format")
            .default("auto");
        /// Whether every request is a line of the log.
        requests: bool = setting("log.requests", Kind::Bool)
            .variables(&["LUKHAS_MCP_LOG_REQUESTS"])
            .default("true");
    }

    elsewhere {
        chat: ChatFileSettings,
        events: EventSettings,
        mcp: McpSettings,
        notifications: NotificationSettings,
        oauth: OauthSettings,
    }
}
