#include "hpcore/records/trial_table.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace hpcore::records {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t first_room = 64;

// Doubled: std::vector::reserve by itself may grow by no more than it is asked for.
template <class T>
void make_room_in(std::vector<T>& column, std::size_t size) {
    if (size > column.capacity()) column.reserve(std::max(size, 2 * column.capacity()));
}

void check_length(const char* name, std::size_t length, std::size_t wanted) {
    if (length != wanted)
        throw std::invalid_argument(std::string(name) + " must have length " + std::to_string(wanted) + ", got " +
                                    std::to_string(length));
}

bool is_told(Column values) {
    return !values.empty();
}

}  // namespace

void TrialTable::Numbers::make_room(std::size_t n) {
    if (used) make_room_in(data, std::max(n, first_room) * width);
}

void TrialTable::Numbers::add_nan() {
    if (used) data.insert(data.end(), width, nan);
}

void TrialTable::Numbers::reserve(std::size_t n, std::size_t room) {
    if (!used) data.reserve(std::max(n, room) * width);
}

void TrialTable::Numbers::use(std::size_t n) {
    if (used) return;
    data.assign(n * width, nan);
    used = true;
}

void TrialTable::Numbers::write(std::size_t i, Column row) {
    std::copy(row.begin(), row.end(), data.begin() + static_cast<std::ptrdiff_t>(i * width));
}

void TrialTable::Numbers::clear(std::size_t i) {
    if (used) std::fill_n(data.begin() + static_cast<std::ptrdiff_t>(i * width), width, nan);
}

void TrialTable::Numbers::cut(std::size_t n) {
    if (used) data.resize(n * width);
}

Rows TrialTable::Numbers::view(std::size_t n) const {
    return used ? Rows{data.data(), n, width} : Rows{};
}

TrialTable::TrialTable(std::size_t d, std::size_t m, std::size_t k)
    : d_(d),
      m_(m),
      k_(k),
      rows_{.width = d, .used = true},
      values_{.width = m, .used = true},
      violations_{.width = k, .used = k > 0},
      std_errors_{.width = m},
      cost_{.width = 1},
      gradients_{.width = d} {
    if (m == 0) throw std::invalid_argument("a table of trials needs an objective");
}

void TrialTable::make_room() {
    const std::size_t size = n() + 1;
    for (Numbers* column : {&rows_, &values_, &violations_, &std_errors_, &cost_, &gradients_}) column->make_room(size);
    make_room_in(state_, size);
    make_room_in(given_, size);
    make_room_in(pending_, pending_.size() + 1);
}

std::size_t TrialTable::append(Column row, bool given) {
    check_length("row", row.size(), d_);
    make_room();
    const std::size_t number = n();
    rows_.add_row(row);
    for (Numbers* column : {&values_, &violations_, &std_errors_, &cost_, &gradients_}) column->add_nan();
    state_.push_back(running);
    given_.push_back(given);
    pending_.push_back(number);
    n_given_ += given;
    return number;
}

void TrialTable::check(const Result& result) const {
    if (result.state == running || result.state > paused)
        throw std::invalid_argument("a trial cannot end in state " + std::to_string(int(result.state)));
    if (is_told(result.values)) check_length("values", result.values.size(), m_);
    if (is_told(result.std_error)) check_length("std_error", result.std_error.size(), m_);
    if (is_told(result.violations)) check_length("violations", result.violations.size(), k_);
    if (is_told(result.gradient)) check_length("gradient", result.gradient.size(), d_);
}

// Memory for all that a result needs, in a table of n trials.
void TrialTable::reserve(const Result& result, std::size_t n) {
    if (is_told(result.std_error)) std_errors_.reserve(n, state_.capacity());
    if (is_told(result.gradient)) gradients_.reserve(n, state_.capacity());
    if (!std::isnan(result.cost)) cost_.reserve(n, state_.capacity());
}

void TrialTable::write(std::size_t number, const Result& result) {
    state_[number] = result.state;
    if (result.state != paused) pending_.erase(std::lower_bound(pending_.begin(), pending_.end(), number));
    values_.write(number, result.values);
    violations_.write(number, result.violations);
    if (is_told(result.std_error)) {
        std_errors_.use(n());
        std_errors_.write(number, result.std_error);
    }
    if (is_told(result.gradient)) {
        gradients_.use(n());
        gradients_.write(number, result.gradient);
    }
    if (!std::isnan(result.cost)) {
        cost_.use(n());
        cost_.write(number, {&result.cost, 1});
    }
}

void TrialTable::finish(std::size_t number, const Result& result) {
    if (number >= n() || state_[number] != running)
        throw std::invalid_argument("trial " + std::to_string(number) + " is not running");
    check(result);
    reserve(result, n());
    write(number, result);
}

std::size_t TrialTable::add(Column row, const Result& result, bool given) {
    check(result);
    reserve(result, n() + 1);
    const std::size_t number = append(row, given);
    write(number, result);
    return number;
}

void TrialTable::withdraw(std::size_t number) {
    if (number >= n() || state_[number] != running)
        throw std::invalid_argument("trial " + std::to_string(number) + " is not running");
    state_[number] = withdrawn;
    pending_.erase(std::lower_bound(pending_.begin(), pending_.end(), number));
    // An earlier job may have told something.
    for (Numbers* column : {&values_, &violations_, &std_errors_, &cost_, &gradients_}) column->clear(number);
    n_given_ += !given_[number];
    given_[number] = true;
}

void TrialTable::resume(std::size_t number) {
    if (number >= n() || state_[number] != paused)
        throw std::invalid_argument("trial " + std::to_string(number) + " is not paused");
    state_[number] = running;
}

void TrialTable::truncate(std::size_t n) {
    for (std::size_t i = n; i < this->n(); ++i)
        if (state_[i] != running) throw std::invalid_argument("trial " + std::to_string(i) + " is not running");
    if (n >= this->n()) return;
    for (std::size_t i = n; i < this->n(); ++i) n_given_ -= given_[i];
    pending_.erase(std::lower_bound(pending_.begin(), pending_.end(), n), pending_.end());
    for (Numbers* column : {&rows_, &values_, &violations_, &std_errors_, &cost_, &gradients_}) column->cut(n);
    state_.resize(n);
    given_.resize(n);
}

Trials TrialTable::view() const {
    Trials trials;
    trials.rows = rows_.view(n());
    trials.values = values_.view(n());
    trials.state = state_;
    trials.std_errors = std_errors_.view(n());
    trials.cost = cost_.view(n()).flat();
    trials.violations = violations_.view(n());
    trials.gradients = gradients_.view(n());
    trials.n_given = n_given_;
    return trials;
}

std::vector<double> TrialTable::pending() const {
    std::vector<double> rows;
    rows.reserve(pending_.size() * d_);
    for (const std::size_t number : pending_) {
        const Column row = rows_.view(n())[number];
        rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
}

}  // namespace hpcore::records
