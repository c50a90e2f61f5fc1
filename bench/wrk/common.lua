-- What the scripts beside this one share. By hand, against a running daemon:
--
--   LUKHAS_KEY=k1 wrk -t1 -c32 -d3s --latency -s bench/wrk/tools_list.lua http://127.0.0.1:8766/mcp
--
-- LUKHAS_KEY     sent as X-API-Key
-- LUKHAS_CHECK=1 looks into every body (which slows the load down: measure without it)

local common = {}

function common.setting(name, default)
  local value = os.getenv(name)
  if value == nil or value == "" then return default end
  return value
end

function common.post(body)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  local key = common.setting("LUKHAS_KEY")
  if key then wrk.headers["X-API-Key"] = key end
  wrk.body = body
end

-- A request of revision 2026-07-28: it says of itself what a session would have kept.
function common.stateless(method, name, params)
  common.post(string.format(
    '{"jsonrpc":"2.0","id":1,"method":"%s","params":{%s"_meta":{' ..
      '"io.modelcontextprotocol/protocolVersion":"2026-07-28",' ..
      '"io.modelcontextprotocol/clientInfo":{"name":"wrk","version":"1"},' ..
      '"io.modelcontextprotocol/clientCapabilities":{}}}}', method, params))
  wrk.headers["Accept"] = "application/json, text/event-stream"
  wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
  wrk.headers["Mcp-Method"] = method
  if name then wrk.headers["Mcp-Name"] = name end
end

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

-- Counted in every thread; read from the outside when all are done.
checked, wrong = 0, 0

if common.setting("LUKHAS_CHECK") == "1" then
  function response(status, headers, body)
    checked = checked + 1
    if status ~= 200
      or not body:find('"result"', 1, true)
      or body:find('"isError":true', 1, true) then
      wrong = wrong + 1
    end
  end
end

-- One line that a program can read, after wrk's own report.
function done(summary, latency, requests)
  local all_checked, all_wrong = 0, 0
  for _, thread in ipairs(threads) do
    all_checked = all_checked + (thread:get("checked") or 0)
    all_wrong = all_wrong + (thread:get("wrong") or 0)
  end
  local errors = summary.errors
  io.write(string.format(
    "bench requests=%d duration_us=%d p50_us=%d p99_us=%d status=%d socket=%d checked=%d wrong=%d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    all_checked, all_wrong))
end

return common
