#!/usr/bin/env python3
"""Writes lines at a steady rate, stamped with the time of now: a process of its own, so that it does not disturb who measures.

usage: feeder.py push PORT | append FILE, then CORPUS SECONDS LINES_PER_SECOND | MEGABYTES_PER_SECONDmb [LABELS]

Pushes are made as collectors make them, in bodies of 1 MB at most, over four connections; LABELS are those of all lines (default: job,
level and model). Prints JSON at the end: what was written, and how long pushes took."""
import json, os, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import corpus, harness, pushbodies


def batches(lines, seconds, rate, by_bytes, step):
    """Lists of stamped lines, each at its time: those of the `step` seconds before it. Arrears of more than a second are not made
    up for: where the reader is slower than the rate, less is written."""
    begin = last = time.time()
    due, source, held = 0.0, lines.forever(), []
    while last < begin + seconds:
        time.sleep(max(0, last + step - time.time()))
        now = time.time()
        due += rate * min(now - last, 1)
        taken = []
        while due > 0:
            if not held:
                held = next(source)
            line = held.pop()
            taken.append(line)
            due -= len(line) + 1 if by_bytes else 1
        if taken:
            yield corpus.stamped(taken, int(last * 1e9), int(now * 1e9))
        last = now


def main():
    verb, target, path, seconds, rate = sys.argv[1:6]
    labels = sys.argv[6].encode() if len(sys.argv) > 6 else None
    by_bytes = rate.endswith("mb")
    rate = float(rate.removesuffix("mb")) * (1e6 if by_bytes else 1)
    # A file grows every 50 ms. Pushes are of a second's lines, or 1 MB where those are more.
    step = 0.05 if verb == "append" else min(1.0, 1e6 / rate) if by_bytes else 1.0
    done = {"lines": 0, "bytes": 0}
    began = time.time()

    def counted():
        for lines in batches(corpus.Corpus(path), float(seconds), rate, by_bytes, step):
            done["lines"] += len(lines)
            done["bytes"] += sum(map(len, lines)) + len(lines)
            yield lines

    if verb == "append":
        with open(target, "ab", buffering=0) as file:
            for lines in counted():
                file.write(b"\n".join(lines) + b"\n")
    else:
        name = (lambda line: labels) if labels else pushbodies.by_level_and_model
        bodies = (pushbodies.body(part, name) for lines in counted() for part in parts(lines))
        times = harness.push_all(int(target), bodies, connections=4)
        done["push_ms"] = {"p50": harness.percentile(times, 0.5), "p99": harness.percentile(times, 0.99)}
    done["seconds"] = time.time() - began
    print(json.dumps(done))


def parts(lines, size=1_000_000):
    part, held = [], 0
    for line in lines:
        part.append(line)
        held += len(line)
        if held >= size:
            yield part
            part, held = [], 0
    if part:
        yield part


main()
