#include "tailrace_kernels.h"
#include "tailrace_shred.h"
#include <cstring>
#include <new>
#include <vector>

struct tr_dictionary {
    size_t entries_max, bytes_max;
    std::vector<uint8_t> bytes;  // 64 readable ones behind
    std::vector<tr_span> spans;
    std::vector<uint64_t> hashes;
    std::vector<uint32_t> table;  // code + 1
    size_t used = 0;

    tr_dictionary(size_t entries, size_t size) : entries_max(entries), bytes_max(size), bytes(64), table(64) {}

    void grow() {
        std::vector<uint32_t> wider(table.size() * 2);
        size_t mask = wider.size() - 1;
        for (uint32_t code = 0; code < spans.size(); code++) {
            size_t at = hashes[code] & mask;
            while (wider[at]) at = (at + 1) & mask;
            wider[at] = code + 1;
        }
        table.swap(wider);
    }

    void forget(size_t count) {
        if (count == spans.size()) return;
        used = count ? spans[count - 1].start + spans[count - 1].length : 0;
        spans.resize(count);
        hashes.resize(count);
        bytes.resize(used + 64);
        std::fill(table.begin(), table.end(), 0);
        size_t mask = table.size() - 1;
        for (uint32_t code = 0; code < count; code++) {
            size_t at = hashes[code] & mask;
            while (table[at]) at = (at + 1) & mask;
            table[at] = code + 1;
        }
    }
};

extern "C" {

tr_dictionary *tr_dictionary_new(size_t entries_max, size_t bytes_max) {
    try {
        return new tr_dictionary(entries_max, bytes_max);
    } catch (...) {
        return nullptr;
    }
}

void tr_dictionary_free(tr_dictionary *d) { delete d; }

int tr_dictionary_encode(tr_dictionary *d, const uint8_t *base, const tr_span *values, size_t count, size_t fresh_max,
                         uint32_t *codes) {
    const size_t before = d->spans.size();
    try {
        for (size_t i = 0; i < count; i++) {
            const uint8_t *p = base + values[i].start;
            uint32_t n = values[i].length;
            // Values mostly repeat the one before.
            if (i && n == values[i - 1].length && std::memcmp(p, base + values[i - 1].start, n) == 0) {
                codes[i] = codes[i - 1];
                continue;
            }
            uint64_t hash = tr_xxh3(p, n, 0);
            size_t mask = d->table.size() - 1, at = hash & mask;
            for (;; at = (at + 1) & mask) {
                uint32_t code = d->table[at];
                if (code == 0) {
                    if (d->spans.size() - before >= fresh_max || d->spans.size() >= d->entries_max ||
                        d->used + n > d->bytes_max) {
                        d->forget(before);
                        return 0;
                    }
                    code = static_cast<uint32_t>(d->spans.size());
                    d->bytes.resize(d->used + n + 64);
                    std::memcpy(d->bytes.data() + d->used, p, n);
                    d->spans.push_back({static_cast<uint32_t>(d->used), n});
                    d->hashes.push_back(hash);
                    d->used += n;
                    d->table[at] = code + 1;
                    codes[i] = code;
                    if (d->spans.size() * 2 > d->table.size()) d->grow();
                    break;
                }
                code--;
                if (d->hashes[code] == hash && d->spans[code].length == n &&
                    std::memcmp(d->bytes.data() + d->spans[code].start, p, n) == 0) {
                    codes[i] = code;
                    break;
                }
            }
        }
        return 1;
    } catch (...) {
        d->forget(before);
        return 0;
    }
}

size_t tr_dictionary_count(const tr_dictionary *d) { return d->spans.size(); }

const uint8_t *tr_dictionary_bytes(const tr_dictionary *d, size_t *length) {
    *length = d->used;
    return d->bytes.data();
}

const tr_span *tr_dictionary_spans(const tr_dictionary *d) { return d->spans.data(); }

size_t tr_count_runs(const uint32_t *codes, size_t count) {
    size_t runs = count > 0;
    for (size_t i = 1; i < count; i++) runs += codes[i] != codes[i - 1];
    return runs;
}

}  // extern "C"
