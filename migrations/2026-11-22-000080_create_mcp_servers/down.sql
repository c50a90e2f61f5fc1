DROP TABLE tool_pins;
DROP TABLE mcp_processes;
