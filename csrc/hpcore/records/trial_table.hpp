#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "hpcore/records/trials.hpp"
#include "hpcore/view.hpp"

namespace hpcore::records {

// What a job came to. Whatever is empty, or NaN, is not told: what an earlier job of the trial told of it is kept.
struct Result {
    State state = complete;  // anything but running
    Column values = {};      // (m,) lower is better
    Column std_error = {};   // (m,) of the values, NaN where not known
    double cost = std::numeric_limits<double>::quiet_NaN();
    Column violations = {};  // (k,) how far each limit is exceeded
    Column gradient = {};    // (d,) of the first value, NaN where not known
};

// The trials of one search in columns that grow; hpcore/records/history.py is the same in Python. Columns that few
// trials need are made on first use. Whatever throws, std::bad_alloc included, leaves the table as it was.
//
// Not to be changed while another thread reads it.
class TrialTable {
  public:
    // d columns, m >= 1 objectives, k limits. Throws std::invalid_argument without an objective.
    TrialTable(std::size_t d, std::size_t m, std::size_t k = 0);

    std::size_t n() const { return state_.size(); }
    std::size_t d() const { return d_; }
    std::size_t m() const { return m_; }
    std::size_t n_limits() const { return k_; }
    std::size_t n_pending() const { return pending_.size(); }

    // Add a running trial at a canonical row (d,) and return its number; `given`: a user gave its parameters.
    // Amortised O(d). Throws std::invalid_argument for another length.
    std::size_t append(Column row, bool given = false);
    // Record the end of a running trial, or that it pauses. O(d + m + k + pending), but for the first time that a rare
    // column is used. Throws std::invalid_argument if the trial is not running, or for a wrong length or state.
    void finish(std::size_t number, const Result& result);
    // Add a trial that has ended, or paused, and return its number. Throws as append and finish do.
    std::size_t add(Column row, const Result& result, bool given = false);
    // Record that a running trial says nothing of its point, as `withdrawn` means. Throws std::invalid_argument if it
    // is not running.
    void withdraw(std::size_t number);
    // Record that a paused trial runs again. Throws std::invalid_argument if it is not paused.
    void resume(std::size_t number);
    // Remove the trials from number n on; all of them must be running. Throws std::invalid_argument otherwise.
    void truncate(std::size_t n);

    // All trials; valid until the table changes.
    Trials view() const;
    // Rows (p, d) of the trials without a result yet, running or paused, by number.
    std::vector<double> pending() const;
    // Numbers (p,) of those trials, rising.
    const std::vector<std::size_t>& pending_numbers() const { return pending_; }
    // True if a user gave the parameters of a trial, or if it was withdrawn: it is no sampler's own then.
    bool is_given(std::size_t number) const { return given_[number] != 0; }

  private:
    // Doubles of every trial, `width` each; one that is not `used` holds nothing, and stands for NaN.
    struct Numbers {
        std::size_t width = 0;
        bool used = false;
        std::vector<double> data = {};

        // Room for n trials; add_row and add_nan cannot throw then.
        void make_room(std::size_t n);
        void add_row(Column row) { data.insert(data.end(), row.begin(), row.end()); }
        void add_nan();
        // Memory for a column that is not used yet; `use`, with NaN for n trials, cannot throw then.
        void reserve(std::size_t n, std::size_t room);
        void use(std::size_t n);
        void write(std::size_t i, Column row);
        void clear(std::size_t i);
        void cut(std::size_t n);
        Rows view(std::size_t n) const;
    };

    void check(const Result& result) const;
    void make_room();
    void reserve(const Result& result, std::size_t n);
    void write(std::size_t number, const Result& result);

    std::size_t d_, m_, k_;
    Numbers rows_, values_, violations_, std_errors_, cost_, gradients_;
    std::vector<std::uint8_t> state_, given_;
    std::vector<std::size_t> pending_;
    std::size_t n_given_ = 0;
};

}  // namespace hpcore::records
