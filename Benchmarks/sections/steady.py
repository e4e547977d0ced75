"""A host at work: 2,000 lines a second, pushed once a second as Promtail does, or tailed from a file, also with redaction.

Writes are what the process handed to the disk (`write_bytes` of /proc/PID/io) until all is sealed, of the raw bytes of the lines. The page
cache is looked at each second, while lines arrive: the most that files of the store held of it."""
import statistics, time

import harness, queries

GOALS = {"processor, % of a core": 1, "memory, MB": 64, "written, of the raw bytes": 1}


def measure(context):
    found = {}
    for way in ("pushed", "tailed", "tailed, redacted"):
        found[way] = one(context, way)
    rows = [{"what": what, **{way: figures[what] for way, figures in found.items()}} for what in next(iter(found.values()))]
    for row in rows:
        if (goal := GOALS.get(row["what"])) is not None:
            row |= {"goal": goal, "figure": max(value for value in row.values() if isinstance(value, float))}
    context.report.table("steady", f"steady: {context.options.rate:,} lines/s for {context.options.seconds} s", rows)


def one(context, way):
    options, log = context.options, f"{context.work}/steady.log"
    open(log, "w").close()
    if way == "pushed":
        server = context.server().start()
        target = ("push", server.port)
    else:
        server = context.server(context.tailing(log, "redacted" in way), verb="up").start()
        target = ("append", log)
    # The first seconds are start-up, not steady.
    time.sleep(2)
    begun, cpu, before = time.time_ns(), server.cpu(), server.io()
    feeder = context.feeder(*target, context.corpus.path, options.seconds, options.rate)
    wall, memory, cached = time.perf_counter(), [], []
    while feeder.poll() is None:
        memory.append(server.memory("VmRSS"))
        cached.append(harness.cached_bytes(server.data) or 0)
        time.sleep(1)
    writing, wall = server.cpu() - cpu, time.perf_counter() - wall
    done = context.fed(feeder)
    server.settle()
    # A minute ends with more unsealed than it began with: what sealing that costs belongs to it.
    cpu, after = server.cpu() - cpu, server.io()
    seconds = (time.time_ns() - begun) // 10**9 + 1
    count = queries.counted(server.get(queries.instant(f"sum(count_over_time({queries.SELECTOR}[{seconds}s]))", time.time_ns())))
    figures = {
        "lines written": done["lines"],
        "lines found": count,
        "processor, % of a core": cpu / wall * 100,
        "of that before the last seal": writing / wall * 100,
        "memory, MB": statistics.median(memory),
        "most memory, MB": server.memory(),
        "written, of the raw bytes": (after["write_bytes"] - before["write_bytes"]) / done["bytes"],
        "of that taken back unwritten": (after["cancelled_write_bytes"] - before["cancelled_write_bytes"]) / done["bytes"],
        "page cache, most, MB": max(cached) / 1e6,
        "page cache, median, MB": statistics.median(cached) / 1e6,
        "page cache once idle, MB": (harness.cached_bytes(server.data) or 0) / 1e6,
        "stored, bytes a line": harness.size_of(server.data, ".seg") / done["lines"],
    }
    server.stop()
    return figures
