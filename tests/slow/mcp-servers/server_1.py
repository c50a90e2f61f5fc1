"""A server of the Python SDK's first generation."""
import sys

from mcp.server.fastmcp import Context, FastMCP

server = FastMCP("python-1")


@server.tool()
def add(a: int, b: int | None = None) -> int:
    """Adds."""
    return a + (b or 0)


@server.tool()
async def slow(steps: int, ctx: Context) -> str:
    """Takes its time."""
    import asyncio

    for step in range(steps):
        await ctx.report_progress(step + 1, steps)
        await asyncio.sleep(0.2)
    return "done"


@server.prompt()
def review(path: str) -> str:
    """Reviews a file."""
    return f"Review {path}."


@server.resource("note://one")
def one() -> str:
    """A note."""
    return "This is one."


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.settings.port = int(sys.argv[1])
        server.run(transport="streamable-http")
    else:
        server.run(transport="stdio")
