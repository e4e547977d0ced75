"""What each detector costs: one file through `tailrace collect --once` to a server that answers 204, without redaction, with each
detector alone, and with all that are on by default. Processor time of the collector; the server here does nothing."""
import http.server, os, re, shutil, statistics, subprocess, threading

import harness

DETECTORS = ["email", "card", "iban", "ssn", "jwt", "api_key", "private_key", "url_credential", "authorization", "secret"]


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left > 0:
            left -= len(self.rfile.read(min(left, 1 << 16)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def cost(context, port, block):
    """CPU seconds of one run."""
    folder = context.folder()
    os.makedirs(folder)
    with open(f"{folder}/c.yaml", "w") as out:
        out.write(f"""{block}
server: {{disable: true}}
positions: {{filename: {folder}/positions.yaml}}
clients: [{{url: "http://127.0.0.1:{port}/loki/api/v1/push", batchsize: 1048576, batchwait: 1s}}]
scrape_configs:
- job_name: api
  static_configs: [{{targets: [localhost], labels: {{job: llm-api, __path__: {context.corpus.path}}}}}]
""")
    process = subprocess.Popen([context.binary, "collect", "--config", f"{folder}/c.yaml", "--once"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"collect ended with {process.returncode}: {errors[-500:]}")
    shutil.rmtree(folder)
    return usage.ru_utime + usage.ru_stime


def measure(context):
    lines = context.corpus
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    kinds = {"none": "", **{name: f"redaction: {{detectors: [{name}]}}" for name in DETECTORS}, "all": "redaction: {}"}
    costs = {name: [] for name in kinds}
    rates = []
    # Turn by turn, so that what else the machine does meets all of them.
    for _ in range(context.runs):
        rates.append(harness.zstd(lines.path, "-1")[0])
        for name, block in kinds.items():
            costs[name].append(cost(context, sink.server_port, block))
    sink.shutdown()
    yard = statistics.median(rates)
    plain = statistics.median(costs["none"])
    table = []
    for name in kinds:
        seconds = statistics.median(costs[name])
        rate = lines.size / 1e6 / seconds
        table.append({"detectors": name, "MB/cpu-s": rate, "of zstd -1": rate / yard, "more, ns a line": (seconds - plain) * 1e9 / lines.lines})
    context.report.table("redaction", f"redaction: collect to a server that answers 204 (zstd -1: {yard:.0f} MB per CPU second)", table)
