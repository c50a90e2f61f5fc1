-- A new job each time (LUKHAS_TASK, LUKHAS_CONFIG). Give the daemon LUKHAS_MCP_MAX_RUNNING_JOBS=0,
-- or it will really run them.
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local common = dofile(here .. "common.lua")
common.post(string.format(
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run_eval","arguments":{"taskId":"%s","configId":"%s"}}}',
  common.setting("LUKHAS_TASK", "smollm2.quick"), common.setting("LUKHAS_CONFIG", "default")))
