"""The queries that every store is asked, with what they may take over 3,000,000 lines on two idle processors.

Where rg can count the same lines in the file, its pattern stands beside the query: a yardstick, and a check of the answer."""
import json, urllib.parse

SELECTOR = '{job="llm-api"}'


def instant(query, time):
    return "/loki/api/v1/query?" + urllib.parse.urlencode({"query": query, "time": time})


def over(query, start, end, **more):
    return "/loki/api/v1/query_range?" + urllib.parse.urlencode({"query": query, "start": start, "end": end, **more})


class Query:
    def __init__(self, name, goal, path, rg=None, expected=None):
        self.name, self.goal, self.path, self.rg, self.expected = name, goal, path, rg, expected


def listed(start, end, request_id, label="model", lines=None):
    """The list over the lines from `start` up to `end`, nanoseconds; `lines` is how many there are, where known."""
    span = f"[{-(-(end - start) // 10**9)}s]"

    def count(query):
        return instant(f"sum(count_over_time({SELECTOR} {query} {span}))", end)

    def newest(query, limit=100):
        return over(f"{SELECTOR}{query}", start, end, limit=limit)

    part = request_id.removeprefix("req_")[:8]
    tokens = f"(sum_over_time({SELECTOR} | json | unwrap tokens {span}))"
    return [
        Query(f"all lines by {label}", 1, instant(f"sum by ({label}) (count_over_time({SELECTOR} {span}))", end), expected=lines),
        Query("newest 100 lines", 3, newest(""), expected=100),
        Query("newest 100 with | json | duration_ms > 5000", 10, newest(" | json | duration_ms > 5000"), expected=100),
        Query("a full request id", 3, newest(f' |= "{request_id}"'), rg=request_id, expected=1),
        Query("eight characters of it", 40, newest(f' |= "{part}"'), rg=part),
        Query('count of |= "ERROR"', 100, count('|= "ERROR"'), rg="ERROR"),
        Query('count of |= "zzzNOTHERE"', 10, count('|= "zzzNOTHERE"'), rg="zzzNOTHERE"),
        # The comparison as a pattern: 9001 and more.
        Query("count of | json | duration_ms > 9000", 15, count("| json | duration_ms > 9000"),
              rg=r'"duration_ms": (900[1-9]|90[1-9][0-9]|9[1-9][0-9]{2}|[0-9]{5,})\b'),
        Query('count of |~ "user_1[0-9]+7\\""', 50, count('|~ "user_1[0-9]+7\\""'), rg='user_1[0-9]+7"'),
        Query(f"sum of tokens by {label}", 20, instant(f"sum by ({label}) {tokens}", end)),
        Query("sum of tokens by endpoint, a field", 40, instant(f"sum by (endpoint) {tokens}", end)),
        Query(f"95th percentile of duration_ms by {label}", 60,
              instant(f"quantile_over_time(0.95, {SELECTOR} | json | unwrap duration_ms {span}) by ({label})", end)),
        Query("count per minute by level", 10, over(f"sum by (level) (count_over_time({SELECTOR}[1m]))", start, end, step="60s")),
    ]


def counted(answer):
    """Lines in an answer: those of streams, or the sum of an instant vector's values; None for a matrix."""
    data = json.loads(answer)["data"]
    if data["resultType"] == "streams":
        return sum(len(stream["values"]) for stream in data["result"])
    if data["resultType"] == "vector":
        return round(sum(float(sample["value"][1]) for sample in data["result"]))
    return None


def ask(server, queries, runs, truth={}):
    """A row for each query: its median in ms beside the goal, and what is wrong with the answer where that can be told.

    `truth` has the counts of rg by pattern."""
    rows = []
    for query in queries:
        try:
            answer, ms = server.timed(query.path, runs)
        except RuntimeError as failure:
            rows.append({"query": query.name, "ms": None, "wrong": str(failure)})
            continue
        row = {"query": query.name, "ms": ms, "goal": query.goal}
        expected = query.expected if query.expected is not None else truth.get(query.rg)
        if expected is not None and (found := counted(answer)) != expected:
            row["wrong"] = f"{found} instead of {expected}"
        rows.append(row)
    return rows
