#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "hpcore/acquisition/acquisition.hpp"
#include "hpcore/acquisition/criterion.hpp"
#include "hpcore/acquisition/move_set.hpp"
#include "hpcore/deadline.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/view.hpp"

namespace hpcore::acquisition {

// Marks which of some rows (n, d) the space's constraints allow, into (n,).
using Feasible = std::function<void(Rows rows, std::span<bool> allowed)>;

struct SearchOptions {
    std::size_t n_global = 300;        // stratified over the whole cube
    std::size_t n_local = 60;          // perturbations of each incumbent
    std::size_t n_starts = 4;          // candidates that are refined
    int rounds = 3;                    // rounds of gradient steps and discrete moves in turn
    int iterations = 25;               // L-BFGS iterations in a round
    double min_start_distance = 0.03;  // between two refined candidates
    std::uint64_t full_sweep = 20;     // a column of at most this many levels is searched exhaustively
};

// Rows of a model: those that were told, and fantasies after them.
struct ModelRows {
    std::size_t told = 0, fantasised = 0;
};

// Candidates scored as one matrix, the best refined by L-BFGS along the smooth columns and by exact moves along the
// others. Knows nothing of how the models came about.
class Maximizer {
  public:
    // Over the whole cube, or where every number is within `reach` of the centre's (a canonical row).
    Maximizer(const MoveSet& moves, const SearchOptions& options, Column centre = {}, double reach = 1.0);

    // Rows (n, d) without NaN that are scored as well, where they are inside the box.
    void add_candidates(Rows rows);

    // The best unseen and allowed row, into out (d,). incumbents (m, d): canonical rows to perturb, best first.
    // What is near one of the model's fantasies is passed over. False if no unseen, allowed row was met. With a
    // deadline, candidates are scored a few at a time while there is time, and the best are refined in what is left.
    // `again`: rows that the model was told are as good as others, unless they are seen.
    bool maximize(Acquisition& acquisition, Rows incumbents, ModelRows held, const Seen& seen, const Feasible& feasible,
                  Philox& stream, MutableColumn out, const Deadline& deadline = {}, bool again = false) const;

    // Thompson sampling where there is no Path: one draw of the objective at the candidates, jointly, and its unseen,
    // allowed minimiser. `prior` as for Ensemble::weigh, or null.
    bool draw(const linalg::Lapack& lapack, const gp::Regressor& model, const UserPrior* prior, std::size_t n,
              Rows incumbents, const Seen& seen, const Feasible& feasible, Philox& stream, MutableColumn out) const;

    // Uniform and stratified rows (n, d), perturbations of the incumbents, and the rows added: what is scored first.
    void candidates(Rows incumbents, Philox& stream, std::vector<double>& full, std::vector<double>& rows) const;

    // Any unseen, allowed row: random ones first, then level after level. False if the space holds none or none was
    // met in a bounded number of tries.
    bool anything_unseen(const Seen& seen, const Feasible& feasible, Philox& stream, MutableColumn out) const;

  private:
    struct Start {
        std::vector<double> full, row;
        double value;
        std::vector<std::size_t> moving;
        bool fresh = true;  // has changed since its last gradient steps
    };

    // The first candidates in the order of their values, without those that are seen, not allowed (a mask, empty if all
    // are) or close to an earlier one. Where `bounded`, values are upper bounds, of which those that matter become
    // values.
    std::vector<Start> first_starts(Acquisition& acquisition, Rows points, Rows rows, const std::vector<bool>& allowed,
                                    const Seen& seen, bool bounded, std::vector<double>& values) const;
    void perturb(Column incumbent, Philox& stream, MutableColumn full, std::span<space::Value> scratch) const;
    void score(Acquisition& acquisition, Rows rows, const Deadline& deadline, std::vector<double>& values) const;
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
