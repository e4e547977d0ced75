"""How long after it is written a line is found: pushed, or appended to a file that is tailed; alone, and among 2,000 lines a second.

From the moment before the push or the write to the answer that holds the line; the query is asked again and again, so the figures hold the
time of a query too. What a push takes until it is acknowledged stands beside."""
import json, time

import harness, pushbodies, queries

GOAL_MS = 50


def measure(context):
    rows = []
    for way in ("pushed", "tailed"):
        for rate in (0, context.options.rate):
            rows.append(one(context, way, rate))
    context.report.table("latency", f"latency: {context.options.writes} lines, each until it is found", rows)


def one(context, way, rate):
    log, noise = f"{context.work}/tailed-watched.log", f"{context.work}/tailed-noise.log"
    for file in (log, noise):
        open(file, "w").close()
    if way == "pushed":
        server = context.server().start()
    else:
        server = context.server(context.tailing(f"{context.work}/tailed-*.log"), verb="up").start()
    time.sleep(1)
    feeder = None
    if rate:
        target = ("push", server.port) if way == "pushed" else ("append", noise)
        feeder = context.feeder(*target, context.corpus.path, 3600, rate)
        time.sleep(3)
    found, acknowledged = [], []
    writer, reader = harness.Connection(server.port), harness.Connection(server.port)
    with open(log, "ab", buffering=0) as file:
        for number in range(context.options.writes):
            now = time.time_ns()
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9)) + f".{now // 1000 % 10**6:06d}"
            word = f"written_{now:x}"
            line = json.dumps({"timestamp": stamp, "level": "INFO", "model": "none", "message": "Watch for me", "request_id": word}).encode()
            body = pushbodies.body([line])
            asked = queries.over(f'{queries.SELECTOR} |= "{word}"', now - 60 * 10**9, now + 10**9, limit=1)
            begin = time.perf_counter()
            if way == "pushed":
                writer.push(body)
                acknowledged.append((time.perf_counter() - begin) * 1000)
            else:
                file.write(line + b"\n")
            while not queries.counted(reader.get(asked)):
                if time.perf_counter() - begin > 30:
                    raise RuntimeError(f"a line that was {way} is not found in 30 s: {line}")
            found.append((time.perf_counter() - begin) * 1000)
            # Not in step with anything that happens at intervals.
            time.sleep(0.02 + number % 17 / 1000)
    if feeder:
        feeder.terminate()
        feeder.wait()
    server.stop()
    name = way + (f", among {rate:,} lines/s" if rate else ", alone")
    row = {"line": name, "p99 ms": harness.percentile(found, 0.99), "p50 ms": harness.percentile(found, 0.5), "most ms": max(found)}
    if acknowledged:
        row |= {"p50 acknowledged": harness.percentile(acknowledged, 0.5), "p99 acknowledged": harness.percentile(acknowledged, 0.99)}
    return row | {"goal": GOAL_MS}
