"""The same lines under both codecs. Goals of zlib: 60 bytes a line, queries at most twice as long as with zstd."""
import queries


def measure(context):
    lines = context.corpus
    listed = queries.listed(lines.start, lines.end, lines.request_id(), lines=lines.lines)
    figures, rows = {}, {}
    for codec in ("zstd", "zlib"):
        server, figures[codec] = context.filled(f"store: {{codec: {codec}}}\n")
        with_codec = queries.ask(server, listed, context.runs)
        figures[codec]["peak_mb"] = server.memory()
        server.stop()
        rows[codec] = with_codec
    table = []
    for what, figure, goal in (("bytes a line", "line_bytes", 60), ("ingest, MB/cpu-s", "rate", None), ("peak memory, MB", "peak_mb", 300)):
        zstd, zlib = figures["zstd"][figure], figures["zlib"][figure]
        table.append({"what": what, "zlib": zlib, "zstd": zstd, "ratio": zlib / zstd} | ({"goal": goal} if goal else {}))
    for a, b in zip(rows["zlib"], rows["zstd"]):
        row = {"what": a["query"] + ", ms", "zlib": a["ms"], "zstd": b["ms"]}
        if a["ms"] and b["ms"]:
            row |= {"ratio": a["ms"] / b["ms"], "goal": 2, "figure": a["ms"] / b["ms"]}
        if wrong := a.get("wrong") or b.get("wrong"):
            row["wrong"] = wrong
        table.append(row)
    context.report.table("zlib", "zlib: the same lines under store.codec zlib and zstd (goals: of the ratio where there are two times)", table)
