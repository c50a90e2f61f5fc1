// The daemon under PM2: `pm2 start ecosystem.config.cjs`. docs/operations.md says more.
//
// Secrets do not belong here: PM2 keeps its environment in a dump file. Put the keys into a file
// that only the daemon's user can read, one a line, and name it below.

module.exports = {
  apps: [
    {
      name: 'lukhas-mcp',
      script: process.env.DAEMON_BINARY || '/usr/local/bin/lukhas-mcp',
      args: 'serve --log-format json',
      // A plain binary, once.
      interpreter: 'none',
      exec_mode: 'fork',
      instances: 1,
      // The daemon says when it is ready, which is after its database is open and its port is bound.
      wait_ready: true,
      listen_timeout: 60000,
      // PM2 sends SIGINT, and SIGKILL after this; its default of 1.6 s would cut requests off.
      kill_timeout: 12000,
      // Only the daemon gets the signal: evals outlive it, and the next daemon takes them up again.
      treekill: false,
      // Restarts 0.2 s apart at first, and up to 15 s if it goes on failing.
      exp_backoff_restart_delay: 200,
      // What a restart does not mend: a wrong command line, wrong settings.
      stop_exit_codes: [2, 3],
      env: {
        PORT: '8766',
        LUKHAS_REPO_ROOT: '/srv/lukhas',
        LUKHAS_MCP_DB: '/var/lib/lukhas-mcp/state.db',
        LUKHAS_MCP_API_KEYS_FILE: '/etc/lukhas-mcp/api-keys',
        // Shorter than kill_timeout, and longer than the daemon takes of its own accord under PM2.
        LUKHAS_MCP_SHUTDOWN_DEADLINE_MS: '5000',
        MCP_RL_WINDOW_MS: '10000',
        MCP_RL_BUCKET: '60',
        MCP_JOB_TTL_MS: '604800000',
        // The state of the earlier server, imported once at the first start:
        // MCP_STATE_PATH: '/srv/lukhas/.mcp-state.json',
        // Where the metrics of canaries come from: the page of the served model, or PROM_URL.
        // docs/metrics.md says which series are wanted.
        // LUKHAS_SCRAPE_URL: 'http://127.0.0.1:8080/gates/$__gate/metrics',
        // PROM_URL: 'http://127.0.0.1:9090',
        // PROM_BEARER_FILE: '/etc/lukhas-mcp/prom-bearer',
        // PROM_TOTAL: 'http_requests_total{gate=$__gate}',
        // PROM_ERRORS: 'http_requests_total{gate=$__gate,code=~"5.."}',
        // PROM_BUCKET: 'http_request_duration_seconds_bucket{gate=$__gate}',
        // Who keeps the gates, where it is not the daemon's own database; docs/registries.md.
        // LUKHAS_REGISTRY: 'git',
        // LUKHAS_REGISTRY_GIT_REPOSITORY: '/srv/models.git',
        // Who is told of canaries and models; URLs may hold tokens, so they are in a file.
        // LUKHAS_MCP_WEBHOOKS_FILE: '/etc/lukhas-mcp/webhooks',
        // LUKHAS_MCP_WEBHOOK_SIGNING_KEYS_FILE: '/etc/lukhas-mcp/webhook-signing-keys',
      },
    },
  ],
};
