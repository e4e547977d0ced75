"""A dashboard over everything stored, refreshed again and again, while lines arrive at full speed.

Each refresh asks 12 panels at once, over connections of their own, from the first line stored to now; the next begins when the last
panel has its answer, but not within a second of the one before. Lines that arrive bear the time of now."""
import threading, time

import harness, queries

LOGS = {
    "logs: newest": '{job="llm-api"}',
    'logs: level="ERROR"': '{job="llm-api", level="ERROR"}',
    'logs: |= "timeout"': '{job="llm-api"} |= "timeout"',
    "logs: | json | duration_ms > 5000": '{job="llm-api"} | json | duration_ms > 5000',
}
METRICS = {
    "lines by level": 'sum by (level) (count_over_time({job="llm-api"}[STEP]))',
    "rate by model": 'sum by (model) (rate({job="llm-api"}[STEP]))',
    'count of |= "ERROR"': 'sum(count_over_time({job="llm-api"} |= "ERROR" [STEP]))',
    "count of | json | status >= 500": 'sum(count_over_time({job="llm-api"} | json | status >= 500 [STEP]))',
    "count by endpoint": 'sum by (endpoint) (count_over_time({job="llm-api"} | json [STEP]))',
    "tokens by model": 'sum by (model) (sum_over_time({job="llm-api"} | json | unwrap tokens [STEP]))',
    "mean ttft_ms by model": 'avg_over_time({job="llm-api"} | json | unwrap ttft_ms [STEP]) by (model)',
    "p95 of duration_ms by model": 'quantile_over_time(0.95, {job="llm-api"} | json | unwrap duration_ms [STEP]) by (model)',
}
POINTS = 240


class Panel(threading.Thread):
    """Asks its query whenever the dashboard is refreshed."""

    def __init__(self, name, path, port, refresh, done):
        super().__init__(daemon=True)
        self.name, self.path, self.refresh, self.done = name, path, refresh, done
        self.connection, self.times, self.failures = harness.Connection(port), [], []
        self.ended = False

    def run(self):
        while True:
            self.refresh.wait()
            if self.ended:
                return
            begin = time.perf_counter()
            try:
                self.connection.get(self.path())
                self.times.append((time.perf_counter() - begin) * 1000)
            except Exception as failure:
                self.failures.append(str(failure))
                self.connection = harness.Connection(self.connection.http.port)
            self.done.wait()


def measure(context):
    options, lines = context.options, context.corpus
    server = context.server(data=context.copy(context.base())).start()

    def path(query, is_metric):
        def made():
            now = time.time_ns()
            step = max(60, (now - lines.start) // 10**9 // POINTS)
            more = {"step": f"{step}s"} if is_metric else {"limit": 1000}
            return queries.over(query.replace("STEP", f"{step}s"), lines.start, now, **more)
        return made

    panels = LOGS | METRICS
    refresh, done = threading.Barrier(len(panels) + 1), threading.Barrier(len(panels) + 1)
    threads = [Panel(name, path(query, name in METRICS), server.port, refresh, done) for name, query in panels.items()]
    for thread in threads:
        thread.start()
    quiet = refreshed(3, None, refresh, done)
    for thread in threads:
        thread.alone, thread.times = min(thread.times, default=None), []
    cpu, wall = server.cpu(), time.perf_counter()
    feeder = context.feeder("push", server.port, lines.path, options.seconds, f"{options.push_mb}mb")
    time.sleep(2)
    dashboards = refreshed(1 << 30, feeder, refresh, done)
    cpu, wall = server.cpu() - cpu, time.perf_counter() - wall
    fed = context.fed(feeder)
    for thread in threads:
        thread.ended = True
    refresh.wait()
    rows = [row(thread.name, thread.times, thread.failures, thread.alone) for thread in threads]
    rows.append(row("all 12 of a refresh", dashboards, [], min(quiet)))
    rows.append({"panel": "(a push of 1 MB)", "p50 ms": fed["push_ms"]["p50"], "p99 ms": fed["push_ms"]["p99"]})
    context.report.table("panels", f"panels: {len(dashboards)} refreshes while {fed['bytes'] / fed['seconds'] / 1e6:.1f} MB/s arrived (asked: "
                         f"{options.push_mb:g}), {cpu / wall * 100:.0f} % of a core, peak memory {server.memory():.0f} MB (goal 300)", rows)
    server.stop()


def refreshed(times, feeder, refresh, done):
    """Refreshes the dashboard so often, or until the feeder ends; how long each took, ms."""
    took = []
    while len(took) < times and (feeder is None or feeder.poll() is None):
        begin = time.perf_counter()
        refresh.wait()
        done.wait()
        took.append((time.perf_counter() - begin) * 1000)
        time.sleep(max(0, 1 - (time.perf_counter() - begin)))
    return took


def row(name, times, failures, alone):
    made = {"panel": name}
    if times:
        made |= {"p50 ms": harness.percentile(times, 0.5), "p99 ms": harness.percentile(times, 0.99), "before, ms": alone}
    if failures:
        made["failed"] = f"{len(failures)}: {failures[0]}"
    return made
