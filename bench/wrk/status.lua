-- The status of one job (LUKHAS_JOB), over and over.
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local common = dofile(here .. "common.lua")
common.post(string.format(
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"status","arguments":{"jobId":"%s"}}}',
  assert(common.setting("LUKHAS_JOB"), "LUKHAS_JOB names the job")))
