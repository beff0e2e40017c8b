#pragma once

#include <algorithm>
#include <cstddef>

#include "hpcore/deadline.hpp"

namespace hpcore::bo {

// Fallback level used to meet a deadline, the lowest last; hpcore/samplers/ladder.py lists all levels of all samplers.
enum class Step {
    full,    // the suggestion that is made without a deadline
    reuse,   // hyperparameters of an earlier fit, although a new one was due
    search,  // the acquisition's maximiser cut short, whatever the hyperparameters
    draft,   // a small model, for which there is always time; see Draft
    none     // no model could be had at all: the caller has something else
};

// Costs of the parts of a suggestion on this machine: a guess at first, then measurements, of which high ones are
// forgotten slowly, since a fit may need few iterations now and many next time.
class Costs {
  public:
    // Seconds for a fit of m rows, and for a search with a model of n rows.
    double fit(std::size_t m) const { return fit_rate_ * fit_work(m); }
    double search(std::size_t n) const { return search_rate_ * search_work(n); }

    // Seconds by which a search that is cut short comes late: it looks at the clock between its steps only.
    double late(std::size_t n) const { return late_rate_ * search_work(n); }

    void fitted(std::size_t m, double seconds) { learn(fit_rate_, seconds / fit_work(m)); }
    void searched(std::size_t n, double seconds) { learn(search_rate_, seconds / search_work(n)); }
    // A search was not begun because it might come late: each time it is a little likelier that the next one is.
    void dared_not() { late_rate_ *= 0.9; }
    void came_late(std::size_t n, double seconds) { learn(late_rate_, seconds / search_work(n)); }

  private:
    static void learn(double& rate, double measured) {
        constexpr double memory = 0.8;
        rate = std::max(measured, memory * rate);
    }

    // Per row and row cubed as they weigh in a Cholesky factorisation; per row squared in a triangular solve.
    static double fit_work(std::size_t m) {
        const auto x = static_cast<double>(m);
        return 1e4 * x + x * x * x;
    }
    static double search_work(std::size_t n) {
        const auto x = static_cast<double>(n);
        return 1e3 * x + x * x;
    }

    double fit_rate_ = 4e-9;     // about 8 ms at 100 rows
    double search_rate_ = 5e-8;  // about 6 ms at 100 rows
    double late_rate_ = 5e-9;
};

}  // namespace hpcore::bo
