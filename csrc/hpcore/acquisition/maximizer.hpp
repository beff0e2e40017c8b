#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "hpcore/acquisition/acquisition.hpp"
#include "hpcore/acquisition/criterion.hpp"
#include "hpcore/acquisition/move_set.hpp"
#include "hpcore/deadline.hpp"
#include "hpcore/rng.hpp"

namespace hpcore::acquisition {

// Marks the rows (n, d) that the space's constraints allow.
using Feasible = std::function<void(const double* rows, std::size_t n, bool* allowed)>;

struct SearchOptions {
    std::size_t n_global = 300;        // stratified over the whole cube
    std::size_t n_local = 60;          // perturbations of each incumbent
    std::size_t n_starts = 4;          // candidates that are refined
    int rounds = 3;                    // rounds of gradient steps and discrete moves in turn
    int iterations = 25;               // L-BFGS iterations in a round
    double min_start_distance = 0.03;  // between two refined candidates
    std::uint64_t full_sweep = 20;     // a column of at most this many levels is searched exhaustively
};

// Candidates scored as one matrix, the best refined by L-BFGS along the smooth columns and by exact moves along the
// others. Knows nothing of how the models came about.
class Maximizer {
  public:
    // Over the whole cube, or where every number is within `reach` of the centre's (a canonical row).
    Maximizer(const MoveSet& moves, const SearchOptions& options, const double* centre = nullptr, double reach = 1.0);

    // Rows (n, d) without NaN that are scored as well, where they are inside the box.
    void add_candidates(const double* rows, std::size_t n);

    // The best unseen and allowed row, into out (d,). incumbents (m, d): canonical rows to perturb, best first.
    // The model's n_fantasised rows from n_told on are fantasies: what is near one of them is passed over.
    // False if no unseen, allowed row was met. With a deadline, candidates are scored a few at a time while there is
    // time, and the best are refined in what is left. `again`: rows that the model was told are as good as others,
    // unless they are seen.
    bool maximize(Acquisition& acquisition, const double* incumbents, std::size_t m, std::size_t n_told,
                  std::size_t n_fantasised, const Seen& seen, const Feasible& feasible, Philox& stream, double* out,
                  const Deadline& deadline = {}, bool again = false) const;

    // Thompson sampling where there is no Path: one draw of the objective at the candidates, jointly, and its unseen,
    // allowed minimiser. `prior` as for Ensemble::weigh, or null.
    bool draw(const linalg::Lapack& lapack, const gp::Regressor& model, const UserPrior* prior, std::size_t n,
              const double* incumbents, std::size_t m, const Seen& seen, const Feasible& feasible, Philox& stream,
              double* out) const;

    // Uniform and stratified rows (n, d), perturbations of the incumbents, and the rows added: what is scored first.
    void candidates(const double* incumbents, std::size_t m, Philox& stream, std::vector<double>& full,
                    std::vector<double>& rows) const;

    // Any unseen, allowed row: random ones first, then level after level. False if the space holds none or none was
    // met in a bounded number of tries.
    bool anything_unseen(const Seen& seen, const Feasible& feasible, Philox& stream, double* out) const;

  private:
    struct Start {
        std::vector<double> full, row;
        double value;
        std::vector<std::size_t> moving;
        bool fresh = true;  // has changed since its last gradient steps
    };

    void perturb(const double* incumbent, Philox& stream, double* full) const;
    void score(Acquisition& acquisition, const std::vector<double>& rows, const Deadline& deadline,
               std::vector<double>& values) const;
    void climb(Acquisition& acquisition, std::vector<Start>& starts, double unit, const Feasible& feasible,
               const Deadline& deadline) const;
    void sweep(Acquisition& acquisition, std::vector<Start>& starts, const Seen& seen, const Feasible& feasible,
               Philox& stream, const Deadline& deadline) const;
    void settle(Acquisition& acquisition, Start& start, const std::vector<double>& reached,
                const Feasible& feasible) const;

    double confine(std::size_t j, double u) const;

    const MoveSet& moves_;
    SearchOptions options_;
    std::vector<double> low_, high_, centre_;  // the box; the centre is empty if the box is the cube
    std::vector<double> extra_;                // (n, d) what was added
};

}  // namespace hpcore::acquisition
