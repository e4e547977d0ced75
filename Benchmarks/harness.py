"""What the benchmarks share: a server to measure, what it costs, the yardsticks, tables for people and JSON for machines.

MB are 10^6 bytes of log lines; a CPU second is user plus system time of the process that is measured."""
import ctypes, http.client, json, os, platform, queue, shutil, signal, socket, statistics, subprocess, sys, threading, time

TICK = os.sysconf("SC_CLK_TCK")
# The idle rule seals, merges and empties the log 2 s after the last write; what it costs belongs to the ingest.
IDLE_SECONDS = 4


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def percentile(values, share):
    """The smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def size_of(folder, ending=""):
    """Bytes of the files below a folder whose names end so."""
    total = 0
    for root, _, files in os.walk(folder):
        for name in files:
            if name.endswith(ending):
                try:
                    total += os.path.getsize(os.path.join(root, name))
                except FileNotFoundError:  # a merge let it go meanwhile
                    pass
    return total


class Connection:
    """A kept connection, as Grafana and collectors have it."""

    def __init__(self, port, timeout=600):
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.used = time.monotonic()

    def request(self, method, path, body=None, headers={}):
        # A server lets connections go that nobody uses; http.client opens a closed one again.
        if time.monotonic() - self.used > 5:
            self.http.close()
        self.http.request(method, path, body, headers)
        answer = self.http.getresponse()
        text = answer.read()
        self.used = time.monotonic()
        return answer.status, text

    def get(self, path):
        status, text = self.request("GET", path)
        if status != 200:
            raise RuntimeError(f"{status} {text[:300].decode(errors='replace')} to {path}")
        return text

    def push(self, body):
        status, text = self.request("POST", "/loki/api/v1/push", body, {"Content-Type": "application/x-protobuf"})
        if status != 204:
            raise RuntimeError(f"a push is answered with {status}: {text[:300]!r}")


def push_all(port, bodies, connections=2):
    """Pushes all of them over some connections; returns behind the last acknowledgement how long each took, ms."""
    waiting, times, failures = queue.Queue(maxsize=2 * connections), [], []

    def work():
        connection = Connection(port)
        while (body := waiting.get()) is not None:
            try:
                if not failures:
                    begin = time.perf_counter()
                    connection.push(body)
                    times.append((time.perf_counter() - begin) * 1000)
            except Exception as failure:
                failures.append(failure)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for body in bodies:
        if failures:
            break
        waiting.put(body)
    for _ in threads:
        waiting.put(None)
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return times


class Server:
    """`tailrace serve` (or `up`) on a data directory, with a configuration in words of YAML."""

    running = []  # all of them, so that none outlives a benchmark that failed

    def __init__(self, binary, data, config="store: {}\n", verb="serve"):
        self.binary, self.data, self.config, self.verb = binary, data, config, verb
        self.log = data.rstrip("/") + ".log"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self, patience=120):
        """Returns once /ready answers 200; `ready_ms` is how long that took, from the start of the process."""
        self.port = free_port()
        file = self.data.rstrip("/") + ".yaml"
        with open(file, "w") as out:
            out.write(self.config)
        command = [self.binary, self.verb, "--config", file, "--data", self.data, "--listen", f"127.0.0.1:{self.port}"]
        with open(self.log, "a") as log:
            begin = time.perf_counter()
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.running.append(self)
        while True:
            try:
                self.connection = Connection(self.port)
                if self.connection.request("GET", "/ready")[0] == 200:
                    self.ready_ms = (time.perf_counter() - begin) * 1000
                    return self
            except OSError:
                pass
            if self.process.poll() is not None or time.perf_counter() - begin > patience:
                self.stop(signal.SIGKILL)
                sys.exit(f"{' '.join(command)} is not ready, status {self.process.returncode}: {self.last_words()}")
            time.sleep(0.001)

    def last_words(self):
        with open(self.log, errors="replace") as log:
            return log.read()[-800:]

    def stop(self, sign=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sign)
        self.process.wait(120)
        if self in self.running:
            self.running.remove(self)

    @classmethod
    def stop_all(cls):
        for server in list(cls.running):
            server.stop(signal.SIGKILL)

    # What it costs so far.

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self, key="VmHWM"):
        """MB of resident memory: the most there was, or with `VmRSS` what there is."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) * 1024 / 1e6 for line in file if line.startswith(key))

    def io(self):
        """Counters of /proc/PID/io, bytes and calls."""
        with open(f"/proc/{self.process.pid}/io") as file:
            return {key: int(value) for key, value in (line.split(": ") for line in file)}

    # What it is asked.

    def get(self, path):
        return self.connection.get(path)

    def timed(self, path, runs):
        """The answer, and the median time of so many requests in milliseconds."""
        times = []
        for _ in range(runs):
            begin = time.perf_counter()
            answer = self.get(path)
            times.append((time.perf_counter() - begin) * 1000)
        return answer, statistics.median(times)

    def ingest(self, bodies, connections=2):
        """Pushes, seals, merges. Returns CPU seconds all in."""
        before = self.cpu()
        push_all(self.port, bodies, connections)
        self.settle()
        return self.cpu() - before

    def settle(self):
        """Everything sealed and merged, and the idle rule done with."""
        for path in ("/flush", "/tailrace/api/v1/compact"):
            status, text = self.connection.request("POST", path)
            if status >= 300:
                raise RuntimeError(f"{path} is answered with {status}: {text[:300]!r}")
        time.sleep(IDLE_SECONDS)


# Yardsticks.


def cpu_of(command):
    """CPU seconds and wall seconds of a command of the shell, and what it prints."""
    before, wall = os.times(), time.perf_counter()
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    after, wall = os.times(), time.perf_counter() - wall
    if done.returncode > 1:  # 1 is "nothing found" of rg
        sys.exit(f"{command} ended with {done.returncode}: {done.stderr[-300:]}")
    return after.children_user + after.children_system - before.children_user - before.children_system, wall, done.stdout


def zstd(path, flags, megabytes=None):
    """MB per CPU second and share of the raw bytes that `zstd FLAGS` needs for a file, or for its first megabytes."""
    size = min(os.path.getsize(path), int(megabytes * 1e6) if megabytes else 1 << 62)
    cost, _, out = cpu_of(f"head -c {size} '{path}' | zstd {flags} -T1 -q -c | wc -c")
    return size / 1e6 / cost, int(out) / size


def rg_count(pattern, path, runs):
    """Lines that match as `rg -c` counts them and the median of its wall time in ms; (None, None) without rg."""
    if not shutil.which("rg"):
        return None, None
    times = []
    for _ in range(runs):
        _, wall, out = cpu_of(f"rg -c -e '{pattern}' '{path}'")
        times.append(wall * 1000)
    return int(out or 0), statistics.median(times)


# The page cache.


def store_files(data):
    return [os.path.join(root, name) for root, _, files in os.walk(data) for name in files]


def cached_bytes(data):
    """Bytes of a store's files that the page cache holds, as fincore (util-linux) sees them; None without it."""
    if not shutil.which("fincore"):
        return None
    files = [path for path in store_files(data) if os.path.exists(path)]
    found = subprocess.run(["fincore", "-b", "-n", "-o", "RES", *files], capture_output=True, text=True)
    return sum(int(word) for word in found.stdout.split())


def drop_caches(data):
    """Forgets what the page cache holds of a store, and as root (unless CACHES=fadvise) everything else as well."""
    ctypes.CDLL(None).sync()
    if os.geteuid() == 0 and os.environ.get("CACHES") != "fadvise":
        with open("/proc/sys/vm/drop_caches", "w") as file:
            file.write("3")
        return "drop_caches"
    for path in store_files(data):
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
    return "posix_fadvise"


# Tables.


class Report:
    """Prints each table as it comes and keeps its rows for `--json`."""

    def __init__(self, binary):
        version = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.strip()
        self.result = {
            "binary": version,
            "machine": {"processors": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()[0]},
            "tables": {},
        }
        print(f"{version}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start", flush=True)

    def note(self, **facts):
        self.result.update(facts)

    def table(self, name, title, rows):
        """Rows are dictionaries. `goal` is what `figure` (default: the first number of a row) should not exceed, or with
        `at_least` should reach; a row beyond it gets a mark."""
        keys = list(dict.fromkeys(key for row in rows for key in row if key not in ("at_least", "figure")))
        for row in rows:
            if (goal := row.get("goal")) is not None:
                numbers = [value for value in row.values() if isinstance(value, (int, float))]
                figure = row.pop("figure", numbers[0])
                row["met"] = figure >= goal if row.pop("at_least", False) else figure <= goal
        if any("met" in row for row in rows):
            keys.append("")
        lines = [keys] + [[self.cell(row, key) for key in keys] for row in rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(keys))]
        print(f"\n{title}")
        for line in lines:
            cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
            print("  " + "  ".join(cells).rstrip())
        sys.stdout.flush()
        self.result["tables"][name] = {"title": title, "rows": rows}

    @staticmethod
    def cell(row, key):
        if key == "":
            return "" if row.get("met", True) else "not met"
        value = row.get(key)
        if value is None:
            return ""
        if isinstance(value, float):
            return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
        return f"{value:,}" if isinstance(value, int) else value if len(value) <= 60 else value[:59] + "…"

    def write(self, path):
        if path:
            with open(path, "w") as out:
                json.dump(self.result, out, indent=1)
                out.write("\n")
