-- tools/list in revision 2026-07-28, over and over.
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local common = dofile(here .. "common.lua")
common.stateless("tools/list", nil, "")
