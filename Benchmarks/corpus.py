"""Log lines to measure with: made by `tailrace samples`, or any file of JSON lines that begin with `{"timestamp": "`.

A corpus is read in chunks of whole lines. Where more is needed than was generated, or at another time, chunks are changed on
the way: moved by whole hours, with other request and trace ids (the same for equal chunk and number, else all different), or
stamped with the time of now. So gigabytes cost neither a slow generator nor disk."""
import calendar, functools, os, re, subprocess, time

KEY = b'"timestamp": "'
# What identifies a request, in the generator's lines: hexadecimal digits.
ID = re.compile(rb'(_id": "(?:req_)?)((?:[0-9a-f]{16}){1,2})(?=")')
RATE = 200
# `tailrace samples` spreads its lines over 3,500 seconds: so many make the rate.
PIECE_LINES = RATE * 3500


@functools.lru_cache(4096)
def seconds_of(text):
    """Unix seconds of `2026-11-01T00:00:00`."""
    return calendar.timegm(time.strptime(text.decode(), "%Y-%m-%dT%H:%M:%S"))


@functools.lru_cache(4096)
def text_of(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode()


def lines_of(chunk):
    """Without their newlines; not `splitlines`, which also cuts at carriage returns."""
    return chunk[:-1].split(b"\n")


def moment(line):
    """Nanoseconds of a line's timestamp."""
    at = line.index(KEY) + len(KEY)
    fraction = line[at + 20 : line.index(b'"', at)].rstrip(b"Z")
    return seconds_of(line[at : at + 19]) * 10**9 + (int(fraction.ljust(9, b"0")) if fraction else 0)


def generate(binary, path, lines, start):
    """Writes `lines` lines from `start` (unix seconds) on, 200 a second, of pieces that differ in their seed."""
    folder, seed = path + ".piece", 7
    with open(path, "wb") as out:
        while lines > 0:
            command = [binary, "samples", "--directory", folder, "--lines", str(PIECE_LINES), "--seed", str(seed)]
            command += ["--start", text_of(start).decode() + "Z"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with open(f"{folder}/llm-api.log", "rb") as piece:
                for line in piece:
                    out.write(line)
                    lines -= 1
                    if not lines:
                        break
            start, seed = moment(line) // 10**9 + 1, seed + 1
            os.remove(f"{folder}/llm-api.log")
    os.rmdir(folder)


def changed_ids(chunk, number):
    """The chunk with its ids combined with a number: unique ids stay unique, and differ from those of other numbers."""
    if not number:
        return chunk
    parts = ID.split(chunk)
    digits = b"".join(parts[2::3])
    # 64 bits at a time: a request id is 16 digits, a trace id 32.
    mask = (number * 0x9E3779B97F4A7C15 % 2**64 | 1).to_bytes(8, "big") * (len(digits) // 16)
    mixed = int.from_bytes(bytes.fromhex(digits.decode()), "big") ^ int.from_bytes(mask, "big")
    digits = mixed.to_bytes(len(mask), "big").hex().encode()
    at = 0
    for i in range(2, len(parts), 3):
        width = len(parts[i])
        parts[i] = digits[at : at + width]
        at += width
    return b"".join(parts)


def stamped(lines, begin, end):
    """The lines with times spread evenly from `begin` to `end`, nanoseconds, in steps of microseconds."""
    step = (end - begin) / len(lines) / 1000
    out = []
    for i, line in enumerate(lines):
        micros = begin // 1000 + int(i * step)
        at = line.index(KEY) + len(KEY)
        tail = line.index(b'"', at)
        out.append(b"%s%s.%06d%s" % (line[:at], text_of(micros // 10**6), micros % 10**6, line[tail:]))
    return out


class Corpus:
    """The first `limit` bytes of a file of lines, moved by whole hours."""

    def __init__(self, path, limit=None, hours=0):
        self.path, self.hours = path, hours
        self.size = self.whole_lines(min(limit or 1 << 62, os.path.getsize(path)))
        with open(path, "rb") as file:
            # Lines are nearly in order: the ends are looked for in a megabyte.
            first = file.read(1 << 20).splitlines()[:-1]
            file.seek(max(0, self.size - (1 << 20)))
            last = file.read(self.size - file.tell()).splitlines()[1:]
        self.first = min(map(moment, first))
        self.last = max(map(moment, last))

    def whole_lines(self, limit):
        with open(self.path, "rb") as file:
            file.seek(max(0, limit - (1 << 20)))
            return file.tell() + file.read(limit - file.tell()).rindex(b"\n") + 1

    @property
    def start(self):
        return self.first + self.hours * 3600 * 10**9

    @property
    def end(self):
        """Just behind the last line, nanoseconds."""
        return self.last + self.hours * 3600 * 10**9 + 1

    @functools.cached_property
    def lines(self):
        return sum(chunk.count(b"\n") for chunk in self.raw(1 << 22))

    @property
    def span_hours(self):
        """How many hours of the clock it touches: copies moved by multiples of it do not overlap."""
        return self.last // (3600 * 10**9) - self.first // (3600 * 10**9) + 1

    def moved_to_now(self):
        """The same, ending within the last hour."""
        return Corpus(self.path, self.size, int((time.time() - self.last / 1e9) // 3600))

    def raw(self, size=1_000_000):
        """The bytes of the file in chunks of whole lines of about this size."""
        left = self.size
        with open(self.path, "rb") as file:
            while left:
                chunk = file.read(min(size, left))
                chunk += file.readline() if len(chunk) < left else b""
                left -= len(chunk)
                yield chunk

    def moved(self, chunk, hours):
        first = self.first // (3600 * 10**9)
        every = range(first, first + self.span_hours)
        # The far end first, so that nothing is moved twice.
        for hour in reversed(every) if hours > 0 else every:
            there = b"%s" % text_of((hour + hours) * 3600)[:13]
            chunk = chunk.replace(KEY + text_of(hour * 3600)[:13], KEY + there) if hours else chunk
        return chunk

    def chunks(self, copy=0, size=1_000_000):
        """Chunks of the copy of that number: behind the one before it in time, with ids of its own."""
        for chunk in self.raw(size):
            yield changed_ids(self.moved(chunk, self.hours + copy * self.span_hours), copy)

    def request_id(self, share=0.613, copy=0):
        """The id of a request that lies behind that share of the corpus."""
        with open(self.path, "rb") as file:
            file.seek(int(self.size * share))
            file.readline()
            while b'"request_id": "req_' not in (line := file.readline()):
                pass
        line = changed_ids(line, copy)
        at = line.index(b'"request_id": "') + 15
        return line[at : line.index(b'"', at)].decode()

    def forever(self):
        """Lines of ever new ids without end, in lists of some thousands."""
        number = int(time.time() * 1000) % 2**32
        while True:
            for chunk in self.raw():
                yield lines_of(changed_ids(chunk, number))
            number += 1
