-- The status of one job (LUKHAS_JOB) in revision 2026-07-28, over and over.
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local common = dofile(here .. "common.lua")
common.stateless("tools/call", "status", string.format(
  '"name":"status","arguments":{"jobId":"%s"},',
  assert(common.setting("LUKHAS_JOB"), "LUKHAS_JOB names the job")))
