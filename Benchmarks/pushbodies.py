"""Push bodies as Promtail makes them: snappy blocks of protobuf, 1 MB of lines each, by level and model.

Snappy's format allows a block of literals only, so no library is needed; such a body is larger than a real one and costs the
server as much to decode."""
import calendar, json, struct, time


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, payload):
    return bytes([number << 3 | 2]) + varint(len(payload)) + payload


def snappy_literals(data):
    out = [varint(len(data))]
    for at in range(0, len(data), 65536):
        part = data[at : at + 65536]
        out.append(bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part)
    return b"".join(out)


def make(path, size=1_000_000):
    bodies, streams, held = [], {}, 0

    def flush():
        body = b"".join(field(1, field(1, labels.encode()) + b"".join(entries)) for labels, entries in streams.items())
        bodies.append(snappy_literals(body))

    for line in open(path, "rb"):
        line = line.rstrip(b"\n")
        record = json.loads(line)
        stamp = record["timestamp"]
        seconds = calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S"))
        nanos = int((stamp[20:].rstrip("Z") + "000000000")[:9]) if len(stamp) > 19 else 0
        labels = '{job="llm-api", level="%s", model="%s"}' % (record.get("level", "INFO"), record.get("model", "none"))
        moment = b"\x08" + varint(seconds) + (b"\x10" + varint(nanos) if nanos else b"")
        streams.setdefault(labels, []).append(field(2, field(1, moment) + field(2, line)))
        held += len(line)
        if held >= size:
            flush()
            streams, held = {}, 0
    if streams:
        flush()
    return bodies
