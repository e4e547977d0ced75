"""The query list as it is after a reboot: caches dropped, a fresh process, each query the first one it gets.

What a hypervisor or a disk keeps cannot be dropped from here. `read MB` is what the process had to fetch from the disk."""
import statistics, time

import harness, queries


def measure(context):
    lines = context.corpus
    listed = queries.listed(lines.start, lines.end, lines.request_id(), lines=lines.lines)
    server = context.server(data=context.base())
    with server:
        rows = queries.ask(server, listed, context.runs)
    way, ready, left = "", [], []
    for query, row in zip(listed, rows):
        times, read = [], []
        for _ in range(context.runs):
            way = harness.drop_caches(server.data)
            left.append(harness.cached_bytes(server.data))
            with server:
                ready.append(server.ready_ms)
                before = server.io()["read_bytes"]
                begin = time.perf_counter()
                server.get(query.path)
                times.append((time.perf_counter() - begin) * 1000)
                read.append((server.io()["read_bytes"] - before) / 1e6)
        row["warm ms"] = row.pop("ms")
        row["cold ms"] = statistics.median(times)
        row["read MB"] = statistics.median(read)
        # The goals hold for warm caches; they stand here to compare with.
        row["goal if warm"] = row.pop("goal")
    rows.append({"query": "(start to ready)", "cold ms": statistics.median(ready)})
    kept = "" if None in left else f", {max(left) / 1e6:.1f} MB of the store left in the page cache"
    context.report.table("cold", f"cold: caches dropped with {way}{kept}, process restarted", rows)
