"""Faults of the earlier backend that show only where everything is real: clocks of the machine, two
servers, streams beside one another. docs/chat-proofs.md has the others, and the tests of all."""

import concurrent.futures
import contextlib
import datetime
import sqlite3

import journal
from checks import expect, report
from home import FIXTURES, Home
from scripted import Provider, text_of


def counting(path):
    return {"command": "python3", "args": [str(FIXTURES / "counting_server.py"), str(path)],
            "tools": {"append": "allow", "ask_append": "ask", "peek": "allow"}}


def script(request):
    """`call NAME ARGUMENTS`, more than one with `;` between; anything else is said again."""
    last = request["messages"][-1]
    text = text_of(last)
    if last["role"] == "user" and text.startswith("call "):
        calls = [it.strip().split(" ", 2)[1:] for it in text.split(";")]
        return [(name, arguments) for name, arguments in calls]
    return f"You said {text}" if last["role"] == "user" else "Done."


def words_are_kept_as_they_are():
    """B1 to B4: said once, told once, and never taken for one another."""
    provider = Provider(script)
    home = Home({"llm": {"providers": {"one": provider.settings()}}})
    daemon = home.start()
    said = ["bonbon", "yes", "yes", "[not json", "<|endoftext|>", "yes"]
    for n, text in enumerate(said):
        answer = daemon.say("c", f"r{n}", text)
        expect(f"B1, B2: the answer to {text!r}", f"You said {text}", answer["answer"].strip())
        again = daemon.say("c", f"r{n}", text)
        expect(f"B1: the same again to {text!r}", answer["answer"], again["answer"])
    told = [text_of(it) for it in provider.asked[-1]["messages"] if it["role"] == "user"]
    expect("B3, B4, B11: what the model is told", said, told)
    expect("B3: how often the model was asked", len(said), len(provider.asked))
    fields = {name for request in provider.asked for it in request["messages"] for name in it}
    expect("B19: members of messages", {"role", "content"}, fields)
    expect("how the daemon ended", 0, daemon.stop())


def two_servers_have_the_same_names():
    """B7: every name leads to its own server."""
    provider = Provider(script)
    home = Home({"llm": {"providers": {"one": provider.settings()}}})
    files = {name: home.path / name for name in ("left", "right")}
    home.write_servers({name: counting(path) for name, path in files.items()})
    daemon = home.start()
    for name in files:
        text = f'call {name}__append {{"token":"{name}"}}'
        expect(f"B7: {name}", "complete", daemon.say("c", name, text)["status"])
    offered = [it["function"]["name"] for it in provider.asked[-1]["tools"]]
    expect("B7: names that are offered twice", len(set(offered)), len(offered))
    for name, path in files.items():
        expect(f"B7: what {name} was told", [name], path.read_text().split())
    expect("how the daemon ended", 0, daemon.stop())


def streams_do_not_mix():
    """B20: calls in pieces, from many streams at once."""
    provider = Provider(script, pace=0.01)
    home = Home({"llm": {"providers": {"one": provider.settings()}}})
    home.write_servers({"files": counting(home.path / "counted")})
    daemon = home.start()

    def talk(n):
        calls = ";".join(f'call files__append {{"token":"c{n}-{k}"}}' for k in range(3))
        return daemon.say(f"c{n}", "r", calls)["status"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        expect("B20: how they ended", ["complete"] * 8, list(pool.map(talk, range(8))))
    wanted = {f"c{n}-{k}" for n in range(8) for k in range(3)}
    lines = (home.path / "counted").read_text().split()
    expect("B20: calls that were made", sorted(wanted), sorted(lines))
    for n in range(8):
        own = [arguments["token"] for _, arguments, _, _ in journal.outcomes(home, f"c{n}")]
        expect(f"B20: calls of c{n}", [f"c{n}-{k}" for k in range(3)], own)
    expect("how the daemon ended", 0, daemon.stop())


def age(home, request, hours):
    """Makes a request older than it is."""
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours)
    stamp = then.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    with contextlib.closing(sqlite3.connect(home.path / "state.db")) as conn, conn:
        [first, last] = conn.execute("SELECT first_seq, last_seq FROM chat_turns WHERE request_id = ?",
                                     [request]).fetchone()
        conn.execute("UPDATE chat_events SET timestamp = ? WHERE seq BETWEEN ? AND ?",
                     [stamp, first, last])
        conn.execute("UPDATE chat_turns SET created_at = ?, ended_at = ? WHERE request_id = ?",
                     [stamp, stamp, request])


def time_is_the_same_everywhere():
    """B13: a day is a day, wherever the machine says that it is; B14: and requests go whole."""
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        provider = Provider(script)
        keep = {"enabled": True, "retention_policy": "time_based", "retention_days": 1}
        home = Home({"llm": {"providers": {"one": provider.settings()}},
                     "chat": {"service": {"repository": {"persistence": keep}}}})
        daemon = home.start(TZ=zone)
        for n in range(2):
            daemon.say("c", f"r{n}", f"number {n}")
        expect("how the daemon ended", 0, daemon.stop())
        age(home, "r0", 25)
        age(home, "r1", 23)
        daemon = home.start(TZ=zone)
        daemon.say("c", "r2", "number 2")
        events = journal.events_of(home, "c")
        kept = [it["content"] for it in events if it["type"] in ("user_message", "assistant_message")]
        expect(f"B13, B14: what is kept in {zone}",
               ["number 1", "You said number 1", "number 2", "You said number 2"],
               [it.strip() for it in kept])
        expect("how the daemon ended", 0, daemon.stop())


def main():
    words_are_kept_as_they_are()
    two_servers_have_the_same_names()
    streams_do_not_mix()
    time_is_the_same_everywhere()
    report()


main()
