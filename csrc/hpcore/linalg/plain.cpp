#include "hpcore/linalg/plain.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "hpcore/vectorize.hpp"

// Everything below sees the column-major upper triangle as the row-major lower one: L (n, ld), and what lies above its
// diagonal is neither read nor written. A right-hand side is a row, of B (m, ldb).
//
// A product of blocks is made of tiles of 4 rows and 8 columns, whose sums stay in registers, so the right operand is
// packed: panels of 8 columns, [k][8] each. Right-hand sides of a forward substitution are panels too, of 8 or 4 of
// them, and meet L where it is. Sums run over k in order in every tile, which is why the bits depend on no vector
// width. Golub & Van Loan 2013, Matrix Computations, 4.2 and 3.1; Goto & van de Geijn 2008 for the packing.
namespace hpcore::linalg {
namespace {

using Index = std::ptrdiff_t;

constexpr Index block = 64, small = 8;  // columns of a block, and of one inside it
constexpr Index tall = 4, wide = 8;     // rows and columns of a tile
constexpr Index few = 4;                // right-hand sides that are solved for without packing
constexpr Index panel = block * wide;
constexpr Index everything = std::numeric_limits<Index>::max() / 2;

// Element (i, k) at start[i * row + k * column].
struct Strided {
    const double* start;
    Index row, column;

    Strided at(Index i, Index k) const { return {start + i * row + k * column, row, column}; }
};

// A few doubles that fill a register of the CPU, and what is done to them.
#if defined(__GNUC__)
template <Index width>
struct Register {
    typedef double Type __attribute__((vector_size(width * sizeof(double))));
    Type v;
    HPCORE_INLINE void add_product(double a, const Register& b) { v += a * b.v; }
    HPCORE_INLINE void add_products(const Register& a, const Register& b) { v += a.v * b.v; }
    HPCORE_INLINE void add(const Register& a) { v += a.v; }
    HPCORE_INLINE void subtract(const Register& a) { v -= a.v; }
    HPCORE_INLINE void subtract_product(double a, const Register& b) { v -= a * b.v; }
    HPCORE_INLINE void scale(double a) { v *= a; }
};
#else
template <Index width>
struct Register {
    double v[width];
    HPCORE_INLINE void add_product(double a, const Register& b) {
        for (Index i = 0; i < width; ++i) v[i] += a * b.v[i];
    }
    HPCORE_INLINE void add_products(const Register& a, const Register& b) {
        for (Index i = 0; i < width; ++i) v[i] += a.v[i] * b.v[i];
    }
    HPCORE_INLINE void add(const Register& a) {
        for (Index i = 0; i < width; ++i) v[i] += a.v[i];
    }
    HPCORE_INLINE void subtract(const Register& a) {
        for (Index i = 0; i < width; ++i) v[i] -= a.v[i];
    }
    HPCORE_INLINE void subtract_product(double a, const Register& b) {
        for (Index i = 0; i < width; ++i) v[i] -= a * b.v[i];
    }
    HPCORE_INLINE void scale(double a) {
        for (Index i = 0; i < width; ++i) v[i] *= a;
    }
};
#endif
template <Index width>
HPCORE_INLINE void load(const double* p, Register<width>& x) {
    std::memcpy(&x, p, sizeof x);
}
template <Index width>
HPCORE_INLINE void store(const Register<width>& x, double* p) {
    std::memcpy(p, &x, sizeof x);
}

template <Index n>
using Width = std::integral_constant<Index, n>;

// body(Width<n>{}), compiled for registers of n doubles and run on those that this CPU has. Types of vectors that are
// wider than its registers would go through memory.
#if defined(HPCORE_VERSIONS)
__attribute__((target("arch=x86-64-v4"))) Index register_width() {
    return 8;
}
__attribute__((target("arch=x86-64-v3"))) Index register_width() {
    return 4;
}
__attribute__((target("default"))) Index register_width() {
    return 2;
}
template <class Body>
__attribute__((target("arch=x86-64-v4"))) void with_eight(const Body& body) {
    body(Width<8>{});
}
template <class Body>
__attribute__((target("arch=x86-64-v3"))) void with_four(const Body& body) {
    body(Width<4>{});
}
template <class Body>
void by_width(const Body& body) {
    const Index width = register_width();
    if (width == 8)
        with_eight(body);
    else if (width == 4)
        with_four(body);
    else
        body(Width<2>{});
}
#define HPCORE_BODY [&](auto width) __attribute__((always_inline))
#else
#if defined(__AVX512F__)
constexpr Index register_width = 8;
#elif defined(__AVX__)
constexpr Index register_width = 4;
#else
constexpr Index register_width = 2;
#endif
template <class Body>
void by_width(const Body& body) {
    body(Width<register_width>{});
}
#define HPCORE_BODY [&](auto width)
#endif

// out (rows, lanes) = A (rows, depth) B for a panel B. Of 16 short registers eight hold sums: half a tile at a time.
template <Index lanes, Index width, Index rows>
HPCORE_INLINE void tile_sums(Index depth, const double* const (&a)[rows], Index step, const double* b, double* out) {
    constexpr Index parts = lanes / width, together = parts < 2 || rows > tall ? 1 : 2;
    for (Index first = 0; first < parts; first += together) {
        Register<width> sum[rows][together] = {};
        for (Index k = 0; k < depth; ++k) {
            Register<width> right[together];
            for (Index j = 0; j < together; ++j) load(b + k * lanes + (first + j) * width, right[j]);
            for (Index i = 0; i < rows; ++i)
                for (Index j = 0; j < together; ++j) sum[i][j].add_product(a[i][k * step], right[j]);
        }
        for (Index i = 0; i < rows; ++i)
            for (Index j = 0; j < together; ++j) store(sum[i][j], out + i * lanes + (first + j) * width);
    }
}

// C (rows, columns) += or -= A (rows, depth) B, for a panel B and at most 4 rows and 8 columns. Of row i the first
// `limit` + i columns only, which keeps to a triangle.
template <bool subtract, Index width>
HPCORE_INLINE void tile(Index depth, Strided a, const double* b, double* c, Index ldc, Index rows, Index columns,
                        Index limit) {
    // A row too few is computed, and not stored.
    const double* const row[tall] = {a.start, a.start + (rows > 1 ? 1 : 0) * a.row,
                                     a.start + (rows > 2 ? 2 : 0) * a.row, a.start + (rows > 3 ? 3 : 0) * a.row};
    double sum[tall * wide];
    tile_sums<wide, width>(depth, row, a.column, b, sum);
    if (rows == tall && columns == wide && limit >= wide) {
        for (Index i = 0; i < tall; ++i)
            for (Index j = 0; j < wide; j += width) {
                Register<width> old, change;
                load(c + i * ldc + j, old);
                load(sum + i * wide + j, change);
                if constexpr (subtract)
                    old.subtract(change);
                else
                    old.add(change);
                store(old, c + i * ldc + j);
            }
        return;
    }
    for (Index i = 0; i < rows; ++i) {
        const Index end = std::min(columns, limit + i);
        for (Index j = 0; j < end; ++j) c[i * ldc + j] += subtract ? -sum[i * wide + j] : sum[i * wide + j];
    }
}

// Zeros above the diagonal of a square block that is packed.
void clear_upper(double* packed, Index n) {
    for (Index k = 0; k < n; ++k)
        for (Index c = k + 1; c < n; ++c) packed[c / wide * panel + k * wide + c % wide] = 0.0;
}

// B (depth, columns) -> its panels, with zeros in the columns that fill the last one up.
void pack(Strided b, Index depth, Index columns, double* out) {
    for (Index first = 0; first < columns; first += wide, out += panel) {
        const Index width = std::min(wide, columns - first);
        const double* from = b.start + first * b.column;
        if (width == wide && b.column == 1) {
            for (Index k = 0; k < depth; ++k)
                for (Index j = 0; j < wide; ++j) out[k * wide + j] = from[k * b.row + j];
        } else if (width == wide) {
            for (Index k = 0; k < depth; ++k)
                for (Index j = 0; j < wide; ++j) out[k * wide + j] = from[k * b.row + j * b.column];
        } else {
            for (Index k = 0; k < depth; ++k)
                for (Index j = 0; j < wide; ++j) out[k * wide + j] = j < width ? from[k * b.row + j * b.column] : 0.0;
        }
    }
}

// C (rows, columns) += or -= A (rows, depth) B of packed B; depth and columns are at most a block. `limit` as in tile.
// Of row i of A the first `zeros` i elements, for 0 or 1, are zero and passed over.
template <bool subtract, Index width>
HPCORE_INLINE void multiply(Index rows, Index columns, Index depth, Strided a, const double* b, double* c, Index ldc,
                            Index limit, Index zeros = 0) {
    for (Index i = 0; i < rows; i += tall) {
        const Index height = std::min(tall, rows - i), first = zeros * i;
        for (Index p = 0; p * wide < columns; ++p) {
            Index left = everything;
            if (limit != everything) {
                if (limit + i + height <= p * wide + 1) break;  // above the diagonal
                left = limit + i > p * wide ? limit + i - p * wide : 0;
            }
            tile<subtract, width>(depth - first, a.at(i, first), b + p * panel + first * wide, c + i * ldc + p * wide,
                                  ldc, height, std::min(wide, columns - p * wide), left);
        }
    }
}

void add_product(Index rows, Index columns, Index depth, Strided a, const double* b, double* c, Index ldc, Index limit,
                 Index zeros) {
    by_width(HPCORE_BODY { multiply<false, width>(rows, columns, depth, a, b, c, ldc, limit, zeros); });
}

void subtract_product(Index rows, Index columns, Index depth, Strided a, const double* b, double* c, Index ldc,
                      Index limit) {
    by_width(HPCORE_BODY { multiply<true, width>(rows, columns, depth, a, b, c, ldc, limit); });
}

// x (rows, lanes) -= A (rows, depth) B for a panel B, at most `tile_rows` rows at a time.
template <Index lanes, Index width, Index tile_rows>
HPCORE_INLINE void subtract_from_panel(Index depth, Strided a, const double* b, double* x, Index rows) {
    const double* row[tile_rows];  // a row too few is computed, and not subtracted
    for (Index i = 0; i < tile_rows; ++i) row[i] = a.start + (i < rows ? i : 0) * a.row;
    double sum[tile_rows * lanes];
    tile_sums<lanes, width>(depth, row, a.column, b, sum);
    if (rows < tile_rows) {
        for (Index i = 0; i < rows * lanes; ++i) x[i] -= sum[i];
        return;
    }
    for (Index i = 0; i < tile_rows * lanes; i += width) {
        Register<width> old, change;
        load(x + i, old);
        load(sum + i, change);
        old.subtract(change);
        store(old, x + i);
    }
}

// Rows [i, i + 4) of a panel of solve_panel(), whose sums and rows stay in registers.
template <Index lanes, Index width>
HPCORE_INLINE void solve_four(Strided L, Index i, const double* inverse, double* x) {
    for (Index part = 0; part < lanes; part += width) {
        Register<width> sum[tall] = {}, row[tall];
        for (Index k = 0; k < i; ++k) {
            Register<width> known;
            load(x + k * lanes + part, known);
            for (Index r = 0; r < tall; ++r) sum[r].add_product(*L.at(i + r, k).start, known);
        }
        for (Index r = 0; r < tall; ++r) {
            load(x + (i + r) * lanes + part, row[r]);
            row[r].subtract(sum[r]);
            for (Index k = 0; k < r; ++k) row[r].subtract_product(*L.at(i + r, i + k).start, row[k]);
            row[r].scale(inverse[i + r]);
            store(row[r], x + (i + r) * lanes + part);
        }
    }
}

// x <- L^-1 x for a panel x (n, lanes) and L of at most a block; `inverse` (n,) holds 1 / L_ii.
template <Index lanes, Index width>
HPCORE_INLINE void solve_panel(Strided L, Index n, const double* inverse, double* x) {
    Index i = 0;
    for (; i + tall <= n; i += tall) solve_four<lanes, width>(L, i, inverse, x);
    if (i == n) return;
    if (i > 0) subtract_from_panel<lanes, width, tall>(i, L.at(i, 0), x, x + i * lanes, n - i);
    for (Index r = i; r < n; ++r) {
        double* row = x + r * lanes;
        for (Index k = i; k < r; ++k)
            for (Index j = 0; j < lanes; ++j) row[j] -= *L.at(r, k).start * x[k * lanes + j];
        for (Index j = 0; j < lanes; ++j) row[j] *= inverse[r];
    }
}

// The same without the registers' width.
template <Index lanes>
void solve_panel(Strided L, Index n, const double* inverse, double* x) {
    by_width(HPCORE_BODY { solve_panel<lanes, std::min<Index>(width, lanes)>(L, n, inverse, x); });
}

// x (rows, lanes) -= A (rows, depth) B for a panel B.
template <Index lanes>
void subtract_from_panel(Index depth, Strided a, const double* b, double* x, Index rows) {
    by_width(HPCORE_BODY {
        constexpr Index together = 2 * tall;
        for (Index i = 0; i < rows; i += together)
            subtract_from_panel<lanes, std::min<Index>(width, lanes), together>(depth, a.at(i, 0), b, x + i * lanes,
                                                                                std::min(together, rows - i));
    });
}

// Rows of B (m, n) <- L^-1 b, `lanes` of them at a time; n is at most a block. With a `step` of -1 the elements of b
// are taken from the last to the first, which makes a backward substitution of a forward one.
template <Index lanes>
void solve_rows(Strided L, Index n, const double* inverse, double* B, Index ldb, Index m, Index step) {
    double x[block * lanes];
    for (Index r = 0; r < m; r += lanes) {
        const Index columns = std::min(lanes, m - r);
        for (Index j = 0; j < lanes; ++j) {
            const double* b = B + (r + (j < columns ? j : 0)) * ldb;
            for (Index i = 0; i < n; ++i) x[i * lanes + j] = b[i * step];
        }
        solve_panel<lanes>(L, n, inverse, x);
        for (Index j = 0; j < columns; ++j) {
            double* b = B + (r + j) * ldb;
            for (Index i = 0; i < n; ++i) b[i * step] = x[i * lanes + j];
        }
    }
}

// The factor of a diagonal block of at most `small` rows. Returns the first pivot that is not positive, or n.
Index factor_small(double* A, Index ld, Index n) {
    for (Index j = 0; j < n; ++j) {
        double* pivot = A + j * ld;
        for (Index k = 0; k < j; ++k) pivot[j] -= pivot[k] * pivot[k];
        if (!(pivot[j] > 0.0)) return j;  // NaN included
        pivot[j] = std::sqrt(pivot[j]);
        for (Index i = j + 1; i < n; ++i) {
            double* row = A + i * ld;
            for (Index k = 0; k < j; ++k) row[j] -= row[k] * pivot[k];
            row[j] /= pivot[j];
        }
    }
    return n;
}

void invert_diagonal(const double* L, Index ld, Index n, double* inverse) {
    for (Index i = 0; i < n; ++i) inverse[i] = 1.0 / L[i * ld + i];
}

// A -> L by blocks of `width` columns: each is factored, the rows below it are solved for, and their products taken
// from what is left. Returns the first pivot that is not positive, or n.
Index factor(double* A, Index ld, Index n, Index width) {
    double packed[block * block], inverse[block];
    for (Index j = 0; j < n; j += width) {
        const Index size = std::min(width, n - j), next = j + size;
        double* diagonal = A + j * ld + j;
        const Index done = width > small ? factor(diagonal, ld, size, small) : factor_small(diagonal, ld, size);
        if (done < size) return j + done;
        if (next == n) break;
        double* below = A + next * ld + j;  // (n - next, size)
        invert_diagonal(diagonal, ld, size, inverse);
        solve_rows<wide>({diagonal, ld, 1}, size, inverse, below, ld, n - next, 1);
        for (Index c = next; c < n; c += block) {
            const Index columns = std::min(block, n - c);
            const Strided left{A + c * ld + j, ld, 1};
            pack({left.start, 1, ld}, size, columns, packed);
            subtract_product(n - c, columns, size, left, packed, A + c * ld + c, ld, 1);
        }
    }
    return n;
}

// L -> L^-1 in place, eight columns at a time from the left: of what they overwrite later ones need nothing. What is
// zero above the diagonal is passed over.
void invert(double* L, Index ld, Index n) {
    std::vector<double> room(static_cast<std::size_t>(n * (wide + 1)));
    double *const x = room.data(), *const inverse = x + n * wide;
    invert_diagonal(L, ld, n, inverse);
    for (Index first = 0; first < n; first += wide) {
        const Index columns = std::min(wide, n - first);
        std::fill(x + first * wide, x + n * wide, 0.0);
        for (Index c = 0; c < columns; ++c) x[(first + c) * wide + c] = 1.0;
        for (Index j = first / block * block; j < n; j += block) {
            const Index begin = std::max(j, first), size = std::min(n, j + block) - begin;
            const double* rows = L + begin * ld;
            for (Index k = first; k < j; k = (k / block + 1) * block)
                subtract_from_panel<wide>(block - k % block, {rows + k, ld, 1}, x + k * wide, x + begin * wide, size);
            solve_panel<wide>({rows + begin, ld, 1}, size, inverse + begin, x + begin * wide);
        }
        for (Index i = first; i < n; ++i)
            for (Index c = 0; c < std::min(columns, i - first + 1); ++c) L[i * ld + first + c] = x[i * wide + c];
    }
}

// W -> W'W by rows of blocks: a row needs what stands in it and below it.
void square(double* W, Index ld, Index n) {
    double packed[block * block], corner[block * block];
    for (Index i = 0; i < n; i += block) {
        const Index rows = std::min(block, n - i);
        for (Index r = 0; r < rows; ++r)
            for (Index c = 0; c < rows; ++c) corner[r * block + c] = c <= r ? W[(i + r) * ld + i + c] : 0.0;
        for (Index j = 0; j <= i; j += block) {
            const Index columns = std::min(block, n - j), limit = i == j ? 1 : everything;
            double* out = W + i * ld + j;
            pack({out, ld, 1}, rows, columns, packed);
            if (i == j) clear_upper(packed, rows);
            for (Index r = 0; r < rows; ++r) std::fill(out + r * ld, out + r * ld + (i == j ? r + 1 : columns), 0.0);
            add_product(rows, columns, rows, {corner, 1, block}, packed, out, ld, limit, 1);
            for (Index k = i + block; k < n; k += block) {
                const Index depth = std::min(block, n - k);
                pack({W + k * ld + j, ld, 1}, depth, columns, packed);
                add_product(rows, columns, depth, {W + k * ld + i, 1, ld}, packed, out, ld, limit, 0);
            }
        }
    }
}

// Rows of B (m, n) <- L^-1 b, as panels of `lanes` rows, of which at most `most` share what is read of L.
template <Index lanes, Index most>
void solve_forward(const double* L, Index ld, Index n, double* B, Index ldb, Index m) {
    const Index apart = n * lanes;
    std::vector<double> room(static_cast<std::size_t>(apart * std::min(most, (m + lanes - 1) / lanes)));
    double inverse[block];
    double* const x = room.data();
    for (Index first = 0; first < m; first += lanes * most) {
        const Index count = std::min(lanes * most, m - first), panels = (count + lanes - 1) / lanes;
        for (Index r = 0; r < panels * lanes; ++r) {
            const double* b = B + (first + (r < count ? r : 0)) * ldb;
            double* into = x + r / lanes * apart + r % lanes;
            for (Index i = 0; i < n; ++i) into[i * lanes] = b[i];
        }
        for (Index j = 0; j < n; j += block) {
            const Index size = std::min(block, n - j);
            const double* rows = L + j * ld;
            for (Index k = 0; k < j; k += block)
                for (Index p = 0; p < panels; ++p)
                    subtract_from_panel<lanes>(block, {rows + k, ld, 1}, x + p * apart + k * lanes,
                                               x + p * apart + j * lanes, size);
            invert_diagonal(rows + j, ld, size, inverse);
            for (Index p = 0; p < panels; ++p)
                solve_panel<lanes>({rows + j, ld, 1}, size, inverse, x + p * apart + j * lanes);
        }
        for (Index r = 0; r < count; ++r) {
            const double* solved = x + r / lanes * apart + r % lanes;
            double* b = B + (first + r) * ldb;
            for (Index i = 0; i < n; ++i) b[i] = solved[i * lanes];
        }
    }
}

// C (m, 64) -= A (m, depth) B for at most `few` rows, of a B that is not packed.
template <Index width>
HPCORE_INLINE void subtract_few(Index m, Index depth, const double* A, Index lda, const double* B, Index ldb, double* C,
                                Index ldc) {
    const double* row[few];
    for (Index i = 0; i < few; ++i) row[i] = A + std::min(i, m - 1) * lda;
    for (Index c = 0; c < block; c += 2 * width) {
        Register<width> sum[few][2] = {};
        for (Index k = 0; k < depth; ++k) {
            Register<width> right[2];
            for (Index j = 0; j < 2; ++j) load(B + k * ldb + c + j * width, right[j]);
            for (Index i = 0; i < few; ++i)
                for (Index j = 0; j < 2; ++j) sum[i][j].add_product(row[i][k], right[j]);
        }
        for (Index i = 0; i < m; ++i)
            for (Index j = 0; j < 2; ++j) {
                Register<width> old;
                load(C + i * ldc + c + j * width, old);
                old.subtract(sum[i][j]);
                store(old, C + i * ldc + c + j * width);
            }
    }
}

// Rows of B (m, n) <- L^-T b, from the last block to the first.
void solve_backward(const double* L, Index ld, Index n, double* B, Index ldb, Index m) {
    double packed[block * block], inverse[block];
    for (Index end = n; end > 0;) {
        const Index size = (end - 1) % block + 1, j = end - size;
        invert_diagonal(L + j * ld + j, ld, size, inverse);
        std::reverse(inverse, inverse + size);
        const Strided mirrored{L + (end - 1) * ld + end - 1, -1, -ld};
        if (m <= few)
            solve_rows<few>(mirrored, size, inverse, B + end - 1, ldb, m, -1);
        else
            solve_rows<wide>(mirrored, size, inverse, B + end - 1, ldb, m, -1);
        for (Index c = 0; c < j; c += block) {
            if (m <= few) {  // an element of L is used once: it is not packed
                by_width(HPCORE_BODY { subtract_few<width>(m, size, B + j, ldb, L + j * ld + c, ld, B + c, ldb); });
                continue;
            }
            pack({L + j * ld + c, ld, 1}, size, block, packed);
            subtract_product(m, block, size, {B + j, ldb, 1}, packed, B + c, ldb, everything);
        }
        end = j;
    }
}

// out (4, 8): products of four rows with x (n,), n a multiple of 8, added up in eight lanes.
template <Index width>
HPCORE_INLINE void dot_lanes(Index n, const double* const (&row)[tall], const double* x, double* out) {
    constexpr Index parts = wide / width, together = parts < 2 ? parts : 2;
    for (Index first = 0; first < parts; first += together) {
        Register<width> sum[tall][together] = {};
        for (Index k = first * width; k < n; k += wide)
            for (Index j = 0; j < together; ++j) {
                Register<width> right, left;
                load(x + k + j * width, right);
                for (Index i = 0; i < tall; ++i) {
                    load(row[i] + k + j * width, left);
                    sum[i][j].add_products(left, right);
                }
            }
        for (Index i = 0; i < tall; ++i)
            for (Index j = 0; j < together; ++j) store(sum[i][j], out + i * wide + (first + j) * width);
    }
}

// x <- L^-1 x, four rows of L at a time.
void solve_vector_forward(const double* L, Index ld, Index n, double* x) {
    by_width(HPCORE_BODY {
        for (Index i = 0; i < n; i += tall) {
            const Index rows = std::min(tall, n - i), whole = i / wide * wide;
            const double* const row[tall] = {L + i * ld, L + (i + std::min<Index>(1, rows - 1)) * ld,
                                             L + (i + std::min<Index>(2, rows - 1)) * ld, L + (i + rows - 1) * ld};
            double sum[tall * wide];
            dot_lanes<width>(whole, row, x, sum);
            for (Index r = 0; r < rows; ++r) {
                double* s = sum + r * wide;
                for (Index k = whole; k < i + r; ++k) s[k - whole] += row[r][k] * x[k];
                const double known = ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
                x[i + r] = (x[i + r] - known) / row[r][i + r];
            }
        }
    });
}

// x <- L^-T x, likewise.
HPCORE_VECTORIZE
void solve_vector_backward(const double* L, Index ld, Index n, double* x) {
    for (Index end = n; end > 0;) {
        const Index rows = (end - 1) % tall + 1, i = end - rows;
        double value[tall] = {};
        const double* row[tall];
        for (Index r = 0; r < tall; ++r) row[r] = L + (i + std::min(r, rows - 1)) * ld;
        for (Index r = rows; r-- > 0;) {
            value[r] = x[i + r];
            for (Index k = r + 1; k < rows; ++k) value[r] -= row[k][i + r] * value[k];
            value[r] /= row[r][i + r];
            x[i + r] = value[r];
        }
        for (Index c = 0; c < i; ++c)
            x[c] -= (value[0] * row[0][c] + value[1] * row[1][c]) + (value[2] * row[2][c] + value[3] * row[3][c]);
        end = i;
    }
}

void require(bool supported, const char* routine) {
    if (!supported) throw std::invalid_argument(std::string(routine) + ": the plain routines have no such case");
}

void dpotrf(char* uplo, int* n, double* a, int* lda, int* info) {
    require(*uplo == 'U', "dpotrf");
    const Index done = factor(a, *lda, *n, block);
    *info = done < *n ? static_cast<int>(done) + 1 : 0;
}

void dpotri(char* uplo, int* n, double* a, int* lda, int* info) {
    require(*uplo == 'U', "dpotri");
    for (Index i = 0; i < *n; ++i)
        if (a[i * *lda + i] == 0.0) {
            *info = static_cast<int>(i) + 1;
            return;
        }
    *info = 0;
    invert(a, *lda, *n);
    square(a, *lda, *n);
}

void dtrsv(char* uplo, char* trans, char* diag, int* n, double* a, int* lda, double* x, int* incx) {
    require(*uplo == 'U' && *diag == 'N' && *incx == 1 && (*trans == 'T' || *trans == 'N'), "dtrsv");
    if (*trans == 'T')
        solve_vector_forward(a, *lda, *n, x);
    else
        solve_vector_backward(a, *lda, *n, x);
}

void dtrsm(char* side, char* uplo, char* trans, char* diag, int* m, int* n, double* alpha, double* a, int* lda,
           double* b, int* ldb) {
    require(*side == 'L' && *uplo == 'U' && *diag == 'N' && *alpha == 1.0 && (*trans == 'T' || *trans == 'N'), "dtrsm");
    if (*trans == 'T')
        (*n <= few ? solve_forward<few, 1> : solve_forward<wide, 4>)(a, *lda, *m, b, *ldb, *n);
    else
        solve_backward(a, *lda, *m, b, *ldb, *n);
}

}  // namespace

const Lapack& plain_lapack() {
    static const Lapack table{dpotrf, dpotri, dtrsv, dtrsm};
    return table;
}

}  // namespace hpcore::linalg
