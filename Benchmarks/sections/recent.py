"""The query list over the last 15 minutes of what is stored: what dashboards ask."""
import queries
from corpus import KEY, lines_of, moment

SECONDS = 900


def measure(context):
    lines = context.corpus
    start = max(lines.start, lines.end - SECONDS * 10**9)
    count, request_id = since(lines, start)
    with context.server(data=context.base()) as server:
        rows = queries.ask(server, queries.listed(start, lines.end, request_id, lines=count), context.runs)
    for row in rows:
        row["goal of all"] = row.pop("goal")
    context.report.table("recent", f"recent: the last 15 minutes, {count:,} of {lines.lines:,} lines", rows)


def since(lines, start):
    """How many lines lie at or behind a time, and the id of a request among them."""
    count, request_id = 0, None
    first = start - lines.hours * 3600 * 10**9
    for chunk in lines.raw():
        # Lines are nearly in order: a chunk whose last line lies a minute before ends before it.
        found = lines_of(chunk)
        if moment(found[-1]) < first - 60 * 10**9:
            continue
        for line in found:
            if moment(line) >= first:
                count += 1
                at = line.find(b'"request_id": "')
                if at >= 0 and count > 1000 and not request_id:
                    request_id = line[at + 15 : line.index(b'"', at + 15)].decode()
    return count, request_id
