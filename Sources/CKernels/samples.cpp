// Samples of range aggregations: rows sorted into series, their values gathered, summed, selected.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "tailrace_shred.h"

namespace {

template <typename F>
inline void each_row(const uint64_t *bits, size_t from, size_t to, F &&body) {
    while (from < to) {
        size_t end = std::min(to, (from | 63) + 1);
        uint64_t word = bits[from >> 6] & (~uint64_t{0} << (from & 63));
        if (end & 63) word &= (uint64_t{1} << (end & 63)) - 1;
        size_t base = from & ~size_t{63};
        if (word == ~uint64_t{0}) {
            for (size_t i = 0; i < 64; i++) body(base + i);
        } else {
            for (; word; word &= word - 1) body(base + static_cast<size_t>(__builtin_ctzll(word)));
        }
        from = end;
    }
}

}  // namespace

extern "C" {

size_t tr_rows_of(const uint64_t *bits, size_t from, size_t to, uint32_t *rows) {
    size_t n = 0;
    each_row(bits, from, to, [&](size_t row) { rows[n++] = static_cast<uint32_t>(row); });
    return n;
}

int tr_rows_by_code(const uint32_t *codes, const uint64_t *bits, size_t from, size_t to, size_t width, uint32_t *ends,
                    uint32_t *rows) {
    std::memset(ends, 0, width * sizeof *ends);
    bool good = true;
    each_row(bits, from, to, [&](size_t row) {
        uint32_t code = codes[row];
        if (code < width) ends[code]++;
        else good = false;
    });
    if (!good) return -1;
    uint32_t at = 0;
    for (size_t code = 0; code < width; code++) {
        uint32_t n = ends[code];
        ends[code] = at;
        at += n;
    }
    if (rows) {
        each_row(bits, from, to, [&](size_t row) { rows[ends[codes[row]]++] = static_cast<uint32_t>(row); });
    } else {
        for (size_t code = 0; code + 1 < width; code++) ends[code] = ends[code + 1];
        if (width) ends[width - 1] = at;
    }
    return 0;
}

void tr_gather_doubles(const double *values, const uint32_t *rows, size_t count, double *out) {
    for (size_t i = 0; i < count; i++) out[i] = values[rows[i]];
}

double tr_sum_doubles(const double *values, size_t count) {
    double sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (size_t k = 0; k < 8; k++) sums[k] += values[i + k];
    for (; i < count; i++) sums[0] += values[i];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

double tr_select_double(double *values, size_t count, size_t k, double *next) {
    // NaN is the least.
    double *end = values + count;
    double *rest = std::partition(values, end, [](double v) { return std::isnan(v); });
    size_t nans = static_cast<size_t>(rest - values);
    if (k < nans) {
        *next = k + 1 < nans ? values[k + 1] : rest < end ? *std::min_element(rest, end) : values[k];
        return values[k];
    }
    std::nth_element(rest, values + k, end);
    *next = k + 1 < count ? *std::min_element(values + k + 1, end) : values[k];
    return values[k];
}

void tr_scale_integers(const int64_t *values, size_t count, double divisor, double *out) {
    if (divisor == 1)
        for (size_t i = 0; i < count; i++) out[i] = static_cast<double>(values[i]);
    else
        for (size_t i = 0; i < count; i++) out[i] = static_cast<double>(values[i]) / divisor;
}

}  // extern "C"
