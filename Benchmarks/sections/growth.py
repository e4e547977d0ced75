"""The query list and start-up as the store grows: at each of --sizes (GB of raw lines), in one store that is filled further and further.

At most 1 GB of lines is the base; copies of it follow one another in time, with request and trace ids of their own. Ids are looked for in the
oldest, the middle and the newest copy. Starts after kill -9 are from copies of a killed store: once with 230 MB in its log and
nothing sealed (which takes a head of 300 MB to make), once as the defaults leave it behind the last of 400 MB."""
import itertools, shutil, signal, statistics

import harness, pushbodies, queries

GB = 10**9
# So much slower may be what should not depend on the size.
FLAT = 1.5
FULL_LOG = "store: {head_size: 300MB, head_age: 1h, idle_time: 1h}\n"


def measure(context):
    sizes = [float(word) for word in context.options.sizes.split(",")]
    given = context.corpus
    base = type(given)(given.path, int(min(1, sizes[0]) * GB))
    copies = [max(1, round(size * GB / base.size)) for size in sizes]
    # The newest of all copies, and what is added for the log, end before now.
    base = type(given)(given.path, base.size, given.hours - (copies[-1] + 2) * base.span_hours)
    server, made, columns = context.server(), 0, {}
    for size, copy in zip(sizes, copies):
        server.start()
        cpu = server.ingest(pushbodies.bodies(chunk for n in range(made, copy) for chunk in base.chunks(n)))
        name, ingested = f"{copy * base.size / GB:.3g} GB", (copy - made) * base.size / 1e6
        made = copy
        rows, column = asked(server, base, made, context.runs)
        column["ingest, MB/cpu-s"] = ingested / cpu
        column["stored, bytes a line"] = harness.size_of(server.data, ".seg") / (made * base.lines)
        column["segments"] = sum(path.endswith(".seg") for path in harness.store_files(server.data))
        column["peak memory, MB"] = server.memory()
        server.stop()
        started(context, server, base, made, column)
        columns[name] = column
    title = f"growth: {base.lines:,} lines ({base.size / GB:.3g} GB) as often as it takes; ms unless said"
    context.report.table("growth", title, table(columns, rows))


def span(base, copies):
    """From the first line of the first copy to behind the last of the last one."""
    return base.start, base.end + (copies - 1) * base.span_hours * 3600 * GB


def asked(server, base, copies, runs):
    """The query list with its goals of growth, and the medians by query; wrong answers instead where there are any."""
    start, end = span(base, copies)
    listed = []
    for where, copy in (("oldest", 0), ("middle", copies // 2), ("newest", copies - 1)):
        for query in queries.listed(start, end, base.request_id(copy=copy), lines=copies * base.lines):
            is_id = query.name == "a full request id"
            if is_id:
                query.name += f", in the {where} copy"
            if is_id or where == "oldest":
                query.flat = is_id or query.name == "newest 100 lines"
                listed.append(query)
    rows = queries.ask(server, listed, runs)
    return listed, {row["query"]: row.get("wrong", row["ms"]) for row in rows}


def started(context, server, base, copies, column):
    """Times to ready after a clean stop and after kill -9; lines that are not there again count as wrong."""
    times, costs = [], []
    for _ in range(context.runs):
        with server:
            times.append(server.ready_ms)
            costs.append(server.cpu() * 1000)
            memory = server.memory("VmRSS")
    column["start after a clean stop"] = statistics.median(times)
    column["processor time of that"] = statistics.median(costs)
    column["memory at that, MB"] = memory
    for name, config, megabytes in (("start after kill -9, full log", FULL_LOG, 230), ("start after kill -9, defaults", "store: {}\n", 400)):
        killed = context.server(config, data=context.copy(server.data)).start()
        harness.push_all(killed.port, pushbodies.bodies(itertools.islice(base.chunks(copies), megabytes)))
        expected = copies * base.lines + sum(chunk.count(b"\n") for chunk in itertools.islice(base.raw(), megabytes))
        killed.stop(signal.SIGKILL)
        column[name + ": log, MB"] = harness.size_of(killed.data, ".log") / 1e6
        times, costs = [], []
        for _ in range(context.runs):
            again = context.server(data=context.copy(killed.data)).start()
            times.append(again.ready_ms)
            costs.append(again.cpu() * 1000)
            first, last = span(base, copies + 1)
            count = queries.counted(again.get(queries.listed(first, last, "req_")[0].path))
            again.stop(signal.SIGKILL)
            shutil.rmtree(again.data)
            if count != expected:
                times = [f"{count} lines instead of {expected}"]
                break
        column[name] = times[0] if isinstance(times[0], str) else statistics.median(times)
        column[name + ": processor time"] = statistics.median(costs)
        shutil.rmtree(killed.data)


GOALS = {"start after a clean stop": 100, "start after kill -9, full log": 1000, "peak memory, MB": 300, "stored, bytes a line": 50}


def table(columns, listed):
    """A row a figure, a column a size; goals of queries are how often their time at the first size they may take at the last."""
    names = list(columns)
    first, last = columns[names[0]], columns[names[-1]]
    rows = []
    for query in listed:
        row = {"what": query.name, **{name: columns[name][query.name] for name in names}}
        if len(names) > 1 and not isinstance(row[names[0]], str) and not isinstance(row[names[-1]], str):
            row["times"] = row[names[-1]] / row[names[0]]
            grown = float(names[-1].split()[0]) / float(names[0].split()[0])
            row |= {"goal": FLAT if query.flat else grown, "figure": row["times"]}
        rows.append(row)
    for what in last:
        if what not in {query.name for query in listed}:
            row = {"what": what, **{name: columns[name][what] for name in names}}
            if what in GOALS and not isinstance(row[names[-1]], str):
                row |= {"goal": GOALS[what], "figure": row[names[-1]]}
            rows.append(row)
    return rows
