#include "hpcore/linalg/plain.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

#include "hpcore/pack.hpp"
#include "hpcore/vectorize.hpp"

// Everything below sees the column-major upper triangle as the row-major lower one: L (n, ld), and what lies above its
// diagonal is neither read nor written. A right-hand side is a row, of B (m, ldb).
//
// A product of blocks is made of tiles of 4 rows and 8 columns, whose sums stay in registers, so the right operand is
// packed: panels of 8 columns, [k][8] each. Sums run over k in order in every tile, which is why the bits depend on no
// vector width.
// Golub & Van Loan 2013, Matrix Computations, 4.2 and 3.1; Goto & van de Geijn 2008 for the packing.
namespace hpcore::linalg {
namespace {

using Index = std::ptrdiff_t;

constexpr Index block = 64, small = 8;   // columns of a block, and of one inside it
constexpr Index tall = 4, wide = lanes;  // rows and columns of a tile
constexpr Index panel = block * wide;
constexpr Index everything = std::numeric_limits<Index>::max() / 2;

// Element (i, k) at start[i * row + k * column].
struct Strided {
    const double* start;
    Index row, column;

    Strided at(Index i, Index k) const { return {start + i * row + k * column, row, column}; }
};

template <bool subtract>
HPCORE_INLINE void add(double* c, Pack sum) {
    store(c, subtract ? load(c) - sum : load(c) + sum);
}

// C (rows, columns) += or -= A (rows, depth) B, for a panel B and at most 4 rows and 8 columns. Of row i the first
// `limit` + i columns only, which keeps to a triangle.
template <bool subtract>
HPCORE_INLINE void tile(Index depth, Strided a, const double* b, double* c, Index ldc, Index rows, Index columns,
                        Index limit) {
    const double* a0 = a.start;
    const double* a1 = a0 + (rows > 1 ? 1 : 0) * a.row;  // a row too few is computed, and not stored
    const double* a2 = a0 + (rows > 2 ? 2 : 0) * a.row;
    const double* a3 = a0 + (rows > 3 ? 3 : 0) * a.row;
    Pack s0{}, s1{}, s2{}, s3{};
    for (Index k = 0; k < depth; ++k) {
        const Pack right = load(b + k * wide);
        s0 += a0[k * a.column] * right;
        s1 += a1[k * a.column] * right;
        s2 += a2[k * a.column] * right;
        s3 += a3[k * a.column] * right;
    }
    if (rows == tall && columns == wide && limit >= wide) {
        add<subtract>(c, s0);
        add<subtract>(c + ldc, s1);
        add<subtract>(c + 2 * ldc, s2);
        add<subtract>(c + 3 * ldc, s3);
        return;
    }
    double sum[tall * wide];
    store(sum, s0);
    store(sum + wide, s1);
    store(sum + 2 * wide, s2);
    store(sum + 3 * wide, s3);
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
HPCORE_VECTORIZE
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
// The panels of C are `apart` doubles from each other: 8 in a matrix.
template <bool subtract>
HPCORE_INLINE void multiply(Index rows, Index columns, Index depth, Strided a, const double* b, double* c, Index ldc,
                            Index apart, Index limit) {
    for (Index i = 0; i < rows; i += tall) {
        const Index height = std::min(tall, rows - i);
        for (Index p = 0; p * wide < columns; ++p) {
            Index left = everything;
            if (limit != everything) {
                if (limit + i + height <= p * wide + 1) break;  // above the diagonal
                left = limit + i > p * wide ? limit + i - p * wide : 0;
            }
            tile<subtract>(depth, a.at(i, 0), b + p * panel, c + i * ldc + p * apart, ldc, height,
                           std::min(wide, columns - p * wide), left);
        }
    }
}

HPCORE_VECTORIZE
void add_product(Index rows, Index columns, Index depth, Strided a, const double* b, double* c, Index ldc,
                 Index limit) {
    multiply<false>(rows, columns, depth, a, b, c, ldc, wide, limit);
}

HPCORE_VECTORIZE
void subtract_product(Index rows, Index columns, Index depth, Strided a, const double* b, double* c, Index ldc,
                      Index apart, Index limit) {
    multiply<true>(rows, columns, depth, a, b, c, ldc, apart, limit);
}

// x <- L^-1 x for a panel x (n, 8) and L of at most a block; `inverse` (n,) holds 1 / L_ii.
HPCORE_INLINE void solve_panel(Strided L, Index n, const double* inverse, double* x) {
    for (Index i = 0; i < n; i += tall) {
        const Index rows = std::min(tall, n - i);
        tile<true>(i, L.at(i, 0), x, x + i * wide, wide, rows, wide, everything);
        for (Index r = i; r < i + rows; ++r) {
            double* row = x + r * wide;
            for (Index k = i; k < r; ++k) {
                const double factor = L.start[r * L.row + k * L.column];
                for (Index j = 0; j < wide; ++j) row[j] -= factor * x[k * wide + j];
            }
            for (Index j = 0; j < wide; ++j) row[j] *= inverse[r];
        }
    }
}

// The panels of T (n, columns), at most a block, <- L^-1 T.
HPCORE_VECTORIZE
void solve_panels(Strided L, Index n, const double* inverse, double* T, Index columns) {
    for (Index p = 0; p * wide < columns; ++p) solve_panel(L, n, inverse, T + p * panel);
}

// Rows of B (m, n) <- L^-1 b, eight of them at a time; n is at most a block. With a `step` of -1 the elements of b are
// taken from the last to the first, which makes a backward substitution of a forward one.
HPCORE_VECTORIZE
void solve_rows(Strided L, Index n, const double* inverse, double* B, Index ldb, Index m, Index step) {
    double x[panel];
    for (Index r = 0; r < m; r += wide) {
        const Index width = std::min(wide, m - r);
        for (Index j = 0; j < wide; ++j) {
            const double* b = B + (r + (j < width ? j : 0)) * ldb;
            for (Index i = 0; i < n; ++i) x[i * wide + j] = b[i * step];
        }
        solve_panel(L, n, inverse, x);
        for (Index j = 0; j < width; ++j) {
            double* b = B + (r + j) * ldb;
            for (Index i = 0; i < n; ++i) b[i * step] = x[i * wide + j];
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
        solve_rows({diagonal, ld, 1}, size, inverse, below, ld, n - next, 1);
        for (Index c = next; c < n; c += block) {
            const Index columns = std::min(block, n - c);
            const Strided left{A + c * ld + j, ld, 1};
            pack({left.start, 1, ld}, size, columns, packed);
            subtract_product(n - c, columns, size, left, packed, A + c * ld + c, ld, wide, 1);
        }
    }
    return n;
}

// L -> L^-1 by rows of blocks: what stands left of the diagonal becomes -L_II^-1 (L W), W the rows above it.
void invert(double* L, Index ld, Index n) {
    double packed[block * block], sums[block * block], inverse[block];
    for (Index i = 0; i < n; i += block) {
        const Index rows = std::min(block, n - i);
        const Strided diagonal{L + i * ld + i, ld, 1};
        invert_diagonal(diagonal.start, ld, rows, inverse);
        for (Index j = 0; j <= i; j += block) {
            const Index columns = std::min(block, n - j);
            std::fill(sums, sums + block * block, 0.0);
            for (Index k = j; k < i; k += block) {
                pack({L + k * ld + j, ld, 1}, block, columns, packed);
                if (k == j) clear_upper(packed, block);
                subtract_product(rows, columns, block, {L + i * ld + k, ld, 1}, packed, sums, wide, panel, everything);
            }
            if (i == j)
                for (Index k = 0; k < rows; ++k) sums[k / wide * panel + k * wide + k % wide] = 1.0;
            solve_panels(diagonal, rows, inverse, sums, columns);
            for (Index r = 0; r < rows; ++r)
                for (Index c = 0; c < (i == j ? r + 1 : columns); ++c)
                    L[(i + r) * ld + j + c] = sums[c / wide * panel + r * wide + c % wide];
        }
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
            add_product(rows, columns, rows, {corner, 1, block}, packed, out, ld, limit);
            for (Index k = i + block; k < n; k += block) {
                const Index depth = std::min(block, n - k);
                pack({W + k * ld + j, ld, 1}, depth, columns, packed);
                add_product(rows, columns, depth, {W + k * ld + i, 1, ld}, packed, out, ld, limit);
            }
        }
    }
}

// Rows of B (m, n) <- L^-1 b.
void solve_forward(const double* L, Index ld, Index n, double* B, Index ldb, Index m) {
    double packed[block * block], inverse[block];
    for (Index j = 0; j < n; j += block) {
        const Index size = std::min(block, n - j);
        const double* diagonal = L + j * ld + j;
        invert_diagonal(diagonal, ld, size, inverse);
        solve_rows({diagonal, ld, 1}, size, inverse, B + j, ldb, m, 1);
        for (Index c = j + size; c < n; c += block) {
            const Index columns = std::min(block, n - c);
            pack({L + c * ld + j, 1, ld}, size, columns, packed);
            subtract_product(m, columns, size, {B + j, ldb, 1}, packed, B + c, ldb, wide, everything);
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
        solve_rows({L + (end - 1) * ld + end - 1, -1, -ld}, size, inverse, B + end - 1, ldb, m, -1);
        for (Index c = 0; c < j; c += block) {
            pack({L + j * ld + c, ld, 1}, size, block, packed);
            subtract_product(m, block, size, {B + j, ldb, 1}, packed, B + c, ldb, wide, everything);
        }
        end = j;
    }
}

// x <- L^-1 x, four rows of L at a time.
HPCORE_VECTORIZE
void solve_vector_forward(const double* L, Index ld, Index n, double* x) {
    for (Index i = 0; i < n; i += tall) {
        const Index rows = std::min(tall, n - i);
        const double* row[tall];
        for (Index r = 0; r < tall; ++r) row[r] = L + (i + std::min(r, rows - 1)) * ld;
        Pack s0{}, s1{}, s2{}, s3{};
        Index k = 0;
        for (; k + wide <= i; k += wide) {
            const Pack right = load(x + k);
            s0 += load(row[0] + k) * right;
            s1 += load(row[1] + k) * right;
            s2 += load(row[2] + k) * right;
            s3 += load(row[3] + k) * right;
        }
        double sum[tall * wide];
        store(sum, s0);
        store(sum + wide, s1);
        store(sum + 2 * wide, s2);
        store(sum + 3 * wide, s3);
        for (Index r = 0; r < rows; ++r) {
            double* s = sum + r * wide;
            for (Index l = k; l < i + r; ++l) s[l - k] += row[r][l] * x[l];
            x[i + r] = (x[i + r] - (((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])))) / row[r][i + r];
        }
    }
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
        solve_forward(a, *lda, *m, b, *ldb, *n);
    else
        solve_backward(a, *lda, *m, b, *ldb, *n);
}

}  // namespace

const Lapack& plain_lapack() {
    static const Lapack table{dpotrf, dpotri, dtrsv, dtrsm};
    return table;
}

}  // namespace hpcore::linalg
