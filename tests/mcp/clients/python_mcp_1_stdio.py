"""The official Python client, first generation, over standard input and output, through the bridge."""

import asyncio
import os

os.environ["OVER"] = "stdio"
import python_mcp_1

asyncio.run(python_mcp_1.main())
