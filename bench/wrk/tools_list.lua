-- tools/list, over and over.
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local common = dofile(here .. "common.lua")
common.post('{"jsonrpc":"2.0","id":1,"method":"tools/list"}')
