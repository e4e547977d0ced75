#include "tailrace_kernels.h"
#include "tailrace_shred.h"
#include <cstring>

// Puts lines together again from templates and decoded columns, and looks for bytes in columns.

namespace {

constexpr uint32_t end_of_line = 0xFFFFFFFF;

// Copies in steps of 16 where both sides have the room.
inline void copy(uint8_t *to, const uint8_t *from, size_t n, size_t room) {
    if (n <= 32 && room >= 32) {
        std::memcpy(to, from, 16);
        if (n > 16) std::memcpy(to + 16, from + 16, 16);
    } else {
        std::memcpy(to, from, n);
    }
}

inline bool matches(const uint8_t *p, size_t n, const uint8_t *needle, size_t length, int how) {
    if (length > n) return false;
    switch (how) {
    case 0: return memmem(p, n, needle, length) != nullptr;
    case 1: return std::memcmp(p, needle, length) == 0;
    case 2: return std::memcmp(p + n - length, needle, length) == 0;
    default: return n == length && std::memcmp(p, needle, n) == 0;
    }
}

}  // namespace

extern "C" {

int64_t tr_line_lengths(const uint32_t *template_of, size_t rows, const tr_piece *pieces, const uint32_t *first,
                        size_t templates, tr_values *values, size_t columns, uint32_t *lengths) {
    int64_t total = 0;
    for (size_t row = 0; row < rows; row++) {
        uint32_t number = template_of[row];
        if (number >= templates) return -1;
        uint64_t length = 0;
        for (uint32_t i = first[number]; i < first[number + 1]; i++) {
            length += pieces[i].length;
            if (pieces[i].column == end_of_line) continue;
            if (pieces[i].column >= columns) return -1;
            tr_values &v = values[pieces[i].column];
            if (!v.spans) continue;
            if (v.next >= v.count) return -1;
            length += v.spans[v.next++].length;
        }
        if (length > 0xFFFFFFFF) return -1;
        lengths[row] = static_cast<uint32_t>(length);
        total += static_cast<int64_t>(length);
    }
    return total;
}

int64_t tr_line_rebuild(const uint32_t *template_of, size_t rows, const uint64_t *wanted, const uint8_t *literals,
                        const tr_piece *pieces, const uint32_t *first, size_t templates, tr_values *values,
                        size_t columns, uint8_t *out, size_t room, int64_t *starts, uint32_t *lengths) {
    size_t at = 0;
    for (size_t row = 0; row < rows; row++) {
        uint32_t number = template_of[row];
        if (number >= templates) return -1;
        bool is_wanted = wanted[row >> 6] >> (row & 63) & 1;
        size_t start = at;
        for (uint32_t i = first[number]; i < first[number + 1]; i++) {
            const tr_piece &piece = pieces[i];
            tr_values *v = nullptr;
            tr_span span{0, 0};
            if (piece.column != end_of_line) {
                if (piece.column >= columns) return -1;
                v = &values[piece.column];
                if (!v->spans) {
                    v = nullptr;
                } else {
                    if (v->next >= v->count) return -1;
                    span = v->spans[v->next++];
                }
            }
            if (!is_wanted) continue;
            if (static_cast<size_t>(piece.length) + span.length > room - at) return -1;
            copy(out + at, literals + piece.literal, piece.length, room - at);
            at += piece.length;
            if (v) {
                copy(out + at, v->base + span.start, span.length, room - at);
                at += span.length;
            }
        }
        starts[row] = is_wanted ? static_cast<int64_t>(start) : 0;
        lengths[row] = static_cast<uint32_t>(at - start);
    }
    return static_cast<int64_t>(at);
}

void tr_match_values(const uint8_t *base, const tr_span *values, size_t count, const uint8_t *needle, size_t length,
                     int how, uint64_t *bits) {
    bool side_by_side = how == 0 && count > 0 && length > 0;
    for (size_t i = 1; i < count && side_by_side; i++)
        side_by_side = values[i].start == values[i - 1].start + values[i - 1].length;
    if (side_by_side) {
        // One search through all of them; a hit across a border is none.
        const uint8_t *p = base + values[0].start;
        const uint8_t *end = base + values[count - 1].start + values[count - 1].length;
        size_t i = 0;
        while (static_cast<size_t>(end - p) >= length) {
            ptrdiff_t found = tr_find(p, static_cast<size_t>(end - p), needle, length);
            if (found < 0) return;
            const uint8_t *hit = p + found;
            uint32_t at = static_cast<uint32_t>(hit - base);
            while (values[i].start + values[i].length <= at) i++;
            if (at + length <= values[i].start + values[i].length) {
                bits[i >> 6] |= 1ull << (i & 63);
                p = base + values[i].start + values[i].length;
            } else {
                p = hit + 1;
            }
        }
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (matches(base + values[i].start, values[i].length, needle, length, how))
            bits[i >> 6] |= 1ull << (i & 63);
}

}  // extern "C"
