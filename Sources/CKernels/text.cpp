#include "tailrace_kernels.h"
#include "tailrace_shred.h"
#include <cstring>
#include <memory>
#include <new>
#include <vector>

// Text that differs in its numbers only, after CLP (Rodrigues et al., OSDI 2021): what stays is a type, what varies is a
// column of integers for each slot of each type. A run of digits is a number of its own digits where it stands like a
// part of a time or behind a decimal point, so that `08` and `10`, `3.50` and `3.25` are of one type.

namespace {

inline bool is_digit(uint8_t b) { return static_cast<uint8_t>(b - '0') < 10; }
// Each slot of each type has a column of its own: long values of many numbers would cost many times their bytes.
constexpr size_t value_max = 16 << 10, slots_max = 1 << 16;
constexpr uint8_t canonical = 1, padded = 2, escape = 3;

inline bool joins_times(uint8_t b) { return b == ':' || b == '-' || b == '/' || b == 'T'; }

struct Type {
    uint32_t start, length;
    uint64_t hash;
    std::vector<std::vector<int64_t>> slots;
};

}  // namespace

struct tr_text {
    std::vector<uint8_t> bytes;
    std::vector<Type> types;
    std::vector<uint32_t> table;
    std::vector<uint8_t> spelling;
    std::vector<int64_t> numbers;

    void reset() {
        bytes.clear();
        types.clear();
        table.assign(256, 0);
    }

    // Cuts one value into `spelling` and `numbers`.
    void cut(const uint8_t *p, size_t n) {
        if (spelling.size() < n * 2 + 8) spelling.resize(n * 2 + 64);
        uint8_t *out = spelling.data();
        numbers.clear();
        bool behind_point = false;  // the run before this one followed a point
        size_t i = 0;
        while (i < n) {
            uint8_t b = p[i];
            if (!is_digit(b)) {
                if (b <= escape && b >= canonical) *out++ = escape;
                *out++ = b;
                i++;
                continue;
            }
            size_t stop = i + 1;
            uint64_t v = static_cast<uint64_t>(b - '0');
            while (stop < n && is_digit(p[stop])) {
                if (stop - i < 18) v = v * 10 + static_cast<uint64_t>(p[stop] - '0');
                stop++;
            }
            size_t length = stop - i;
            uint8_t before = i ? p[i - 1] : 0, behind = stop < n ? p[stop] : 0;
            bool point = (before == '.' || before == ',') && i > 1 && is_digit(p[i - 2]);
            bool fraction = point && !behind_point && !(behind == '.' && stop + 1 < n && is_digit(p[stop + 1]));
            bool wide = fraction || (length == 2 && (joins_times(before) || joins_times(behind))) ||
                        (b == '0' && length > 1);
            behind_point = point;
            if (length > 18) {
                std::memcpy(out, p + i, length);
                out += length;
            } else {
                *out++ = wide ? padded : canonical;
                if (wide) *out++ = static_cast<uint8_t>(length + 0x20);
                numbers.push_back(static_cast<int64_t>(v));
            }
            i = stop;
        }
        used = static_cast<size_t>(out - spelling.data());
    }
    size_t used = 0;

    uint32_t number() {
        uint64_t hash = tr_xxh3(spelling.data(), used, 0);
        size_t mask = table.size() - 1, at = hash & mask;
        for (; table[at]; at = (at + 1) & mask) {
            const Type &type = types[table[at] - 1];
            if (type.hash == hash && type.length == used &&
                std::memcmp(bytes.data() + type.start, spelling.data(), used) == 0)
                return table[at] - 1;
        }
        uint32_t fresh = static_cast<uint32_t>(types.size());
        types.push_back({static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(used), hash, {}});
        types.back().slots.resize(numbers.size());
        bytes.insert(bytes.end(), spelling.data(), spelling.data() + used);
        table[at] = fresh + 1;
        if (types.size() * 2 > table.size()) {
            table.assign(table.size() * 4, 0);
            mask = table.size() - 1;
            for (uint32_t t = 0; t < types.size(); t++) {
                at = types[t].hash & mask;
                while (table[at]) at = (at + 1) & mask;
                table[at] = t + 1;
            }
        }
        return fresh;
    }
};

extern "C" {

tr_text *tr_text_new(void) {
    try {
        return new tr_text();
    } catch (...) {
        return nullptr;
    }
}

void tr_text_free(tr_text *t) { delete t; }

int tr_text_split(tr_text *t, const uint8_t *base, const tr_span *values, size_t count, size_t types_max,
                  uint32_t *types) {
    try {
        t->reset();
        size_t slot_count = 0;
        for (size_t i = 0; i < count; i++) {
            if (values[i].length > value_max) return 0;
            size_t known = t->types.size();
            t->cut(base + values[i].start, values[i].length);
            uint32_t type = t->number();
            // Early on, many types are no reason to give up: a quarter of the values may bring a new one.
            if (t->types.size() > types_max && t->types.size() > 16 + i / 4) return 0;
            if (t->types.size() > known && (slot_count += t->numbers.size()) > slots_max) return 0;
            types[i] = type;
            auto &slots = t->types[type].slots;
            for (size_t s = 0; s < slots.size(); s++) slots[s].push_back(t->numbers[s]);
        }
        return t->types.size() <= types_max || t->types.size() * 4 <= count;
    } catch (...) {
        return 0;
    }
}

size_t tr_text_types(const tr_text *t) { return t->types.size(); }

const uint8_t *tr_text_type(const tr_text *t, size_t type, size_t *length, size_t *slots) {
    *length = t->types[type].length;
    *slots = t->types[type].slots.size();
    return t->bytes.data() + t->types[type].start;
}

const int64_t *tr_text_numbers(const tr_text *t, size_t type, size_t slot, size_t *count) {
    *count = 0;
    if (type >= t->types.size() || slot >= t->types[type].slots.size()) return nullptr;
    *count = t->types[type].slots[slot].size();
    return t->types[type].slots[slot].data();
}

int64_t tr_text_join(const uint32_t *types, size_t count, const uint8_t *base, const tr_span *spellings,
                     size_t type_count, const tr_slot *slots, const uint32_t *first_slot, size_t slot_count,
                     uint32_t *next, uint8_t *out, size_t room, tr_span *spans) {
    uint8_t *at = out, *end = out + room;
    for (size_t i = 0; i < count; i++) {
        uint32_t type = types[i];
        if (type >= type_count) return -1;
        const uint8_t *p = base + spellings[type].start, *stop = p + spellings[type].length;
        uint32_t slot = first_slot[type], rank = next[type]++;
        uint8_t *start = at;
        while (p < stop) {
            uint8_t b = *p++;
            if (b > escape || b == 0) {
                if (at == end) return -2;
                *at++ = b;
            } else if (b == escape) {
                if (p == stop) return -1;
                if (at == end) return -2;
                *at++ = *p++;
            } else {
                int width = 0;
                if (b == padded) {
                    if (p == stop) return -1;
                    width = *p++ - 0x20;
                    if (width < 1 || width > 18) return -1;
                }
                if (slot >= slot_count || rank >= slots[slot].count) return -1;
                uint64_t v = static_cast<uint64_t>(slots[slot++].numbers[rank]);
                uint8_t digits[20];
                int n = 0;
                do {
                    digits[n++] = static_cast<uint8_t>('0' + v % 10);
                    v /= 10;
                } while (v);
                while (n < width) digits[n++] = '0';
                if (end - at < n) return -2;
                while (n) *at++ = digits[--n];
            }
        }
        spans[i] = {static_cast<uint32_t>(start - out), static_cast<uint32_t>(at - start)};
    }
    return at - out;
}

}  // extern "C"
