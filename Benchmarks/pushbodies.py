"""Push bodies as Promtail makes them: snappy blocks of protobuf, about 1 MB of lines each.

Snappy's format allows a block of literals only, so no library is needed; such a body is larger than a real one and costs the
server as much to decode."""
import functools, random, struct

from corpus import KEY, lines_of, seconds_of


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


@functools.lru_cache(4096)
def seconds_field(text):
    return b"\x08" + varint(seconds_of(text))


def value(line, key, absent):
    at = line.find(b'"%s": "' % key)
    if at < 0:
        return absent
    at += len(key) + 5
    return line[at : line.index(b'"', at)]


def by_level_and_model(line):
    return b'{job="llm-api", level="%s", model="%s"}' % (value(line, b"level", b"INFO"), value(line, b"model", b"none"))


def by_host_unit_and_level(hosts, units, seed=11):
    """Makes labels of hosts × units × levels. As each host ships its own lines, a body holds lines of one host."""
    random_unit = random.Random(seed)

    def of_body(number):
        host = number % hosts
        def labels(line):
            unit = int(random_unit.random() * units)
            # The corpus has up to five levels; three streams a unit are wanted.
            level = value(line, b"level", b"INFO")
            level = b"INFO" if level == b"DEBUG" else b"ERROR" if level == b"CRITICAL" else level
            return b'{job="llm-api", host="host-%d", unit="unit-%03d.service", level="%s"}' % (host, unit, level)
        return labels

    return of_body


def body(lines, labels=by_level_and_model):
    """The body of a push of these lines (without newlines), in the streams that `labels` tells."""
    streams = {}
    for line in lines:
        at = line.index(KEY) + len(KEY)
        fraction = line[at + 20 : line.index(b'"', at)].rstrip(b"Z")
        nanos = int(fraction.ljust(9, b"0")) if fraction else 0
        time = seconds_field(line[at : at + 19]) + (b"\x10" + varint(nanos) if nanos else b"")
        entry = b"\x0a%c%s\x12%s%s" % (len(time), time, varint(len(line)), line)
        streams.setdefault(labels(line), []).append(b"\x12" + varint(len(entry)) + entry)
    return snappy_literals(b"".join(field(1, field(1, name) + b"".join(entries)) for name, entries in streams.items()))


def bodies(chunks, labels=None):
    """A body for each chunk of lines; `labels(number of the body)` tells the labels of its lines."""
    for number, chunk in enumerate(chunks):
        yield body(lines_of(chunk), labels(number) if labels else by_level_and_model)
