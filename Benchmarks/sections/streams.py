"""As many streams as a rack of hosts with units has: 8 hosts x 160 units x 3 levels, each body of one host's lines.

Labels do not stand in the lines, and a line's unit is drawn anew for each, so a push touches 480 streams at most."""
import json

import harness, pushbodies, queries

HOSTS, UNITS = 8, 160


def measure(context):
    lines = context.corpus
    speed, _ = harness.zstd(lines.path, "-1", 400)
    server, figures = context.filled(labels=pushbodies.by_host_unit_and_level(HOSTS, UNITS))
    found = json.loads(server.get(f"/loki/api/v1/series?start={lines.start}&end={lines.end}"))["data"]
    rows = queries.ask(server, queries.listed(lines.start, lines.end, lines.request_id(), label="host", lines=lines.lines), context.runs)
    table = [
        {"what": "streams found", "figure of it": len(found)},
        {"what": "ingest, MB/cpu-s", "figure of it": figures["rate"]},
        {"what": "ingest, share of zstd -1", "figure of it": figures["rate"] / speed, "goal": 0.2, "at_least": True},
        {"what": "bytes a line", "figure of it": figures["line_bytes"], "goal": 50},
        {"what": "peak memory of ingest, MB", "figure of it": figures["peak_mb"], "goal": 300},
        {"what": "peak memory with queries, MB", "figure of it": server.memory(), "goal": 300},
    ]
    server.stop()
    for row in rows:
        table.append({"what": row.pop("query") + ", ms", "figure of it": row.pop("ms"), **row})
    context.report.table("streams", f"streams: {HOSTS} hosts x {UNITS} units x 3 levels", table)
