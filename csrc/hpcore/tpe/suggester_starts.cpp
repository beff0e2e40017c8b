#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "hpcore/streams.hpp"
#include "hpcore/tpe/suggester.hpp"

// Points that no density rules.
namespace hpcore::tpe {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t n_cheap_starts = 64;  // points among which the start looks for cheap ones

}  // namespace

void Suggester::random_point(Philox& random, MutableColumn u) const {
    for (double& x : u) x = random.uniform();
}

// Point `number` of a Latin hypercube of n_startup points (McKay, Beckman & Conover 1979), the same for every call.
void Suggester::even_point(Philox::Key key, std::uint64_t number, MutableColumn u) const {
    Philox shuffle(key, 0, streams::tpe_shuffle);
    Philox random(key, number, streams::tpe_even);
    const std::size_t n = options_.n_startup;
    std::vector<std::size_t> cell(n);
    for (std::size_t j = 0; j < d_; ++j) {
        std::iota(cell.begin(), cell.end(), std::size_t{0});
        for (std::size_t i = n; i > 1; --i) std::swap(cell[i - 1], cell[shuffle.below(i)]);
        u[j] = (static_cast<double>(cell[number]) + random.uniform()) / static_cast<double>(n);
    }
}

void Suggester::set_prior(const Kernel<DensityKernel>& prior) {
    if (groups_.size() != 1) throw std::invalid_argument("a prior needs columns that are active together");
    std::vector<Axis> axes;
    for (const std::size_t j : groups_.front().columns) axes.push_back(axes_[j]);
    prior_.emplace(prior, axes, groups_.front().columns);
}

void Suggester::prior_point(Philox& random, MutableColumn u) {
    Group& group = groups_.front();
    group.batch.reset(group.columns.size(), 1);
    prior_->draw(random, group.batch, 0);
    place(group, 0, u);
}

// Points for a trial before the densities rule.
void Suggester::start(const Request& request, MutableRows out) {
    const auto [key, number, attempt, pending] = request;
    Philox random(key, number, streams::at_attempt(streams::tpe_startup, attempt));
    for (std::size_t r = 0; r < out.n; ++r) {
        if (prior_ && (number + r) % 2 == 0)
            prior_point(random, out[r]);
        else if (r == 0 && attempt == 0 && number < options_.n_startup)
            even_point(key, number, out[r]);
        else
            random_point(random, out[r]);
    }
}

// Once a few costs are known, points that are cheap and far from all others come first.
void Suggester::cheap_start(const Request& request, const std::vector<double>& waiting, MutableRows out) {
    Philox random(request.key, request.number, streams::at_attempt(streams::tpe_startup, request.attempt));
    std::vector<double> u(n_cheap_starts * d_), rows(u.size());
    const MutableRows points{u.data(), n_cheap_starts, d_}, coordinates{rows.data(), n_cheap_starts, d_};
    std::vector<space::Value> scratch(d_);
    for (std::size_t i = 0; i < n_cheap_starts; ++i) {
        random_point(random, points[i]);
        coordinates_of(points[i], scratch, coordinates[i]);
    }
    std::vector<double> tried;
    for (const double* row = coordinates_.data(); row != coordinates_.data() + coordinates_.size(); row += d_)
        if (!std::all_of(row, row + d_, [](double x) { return std::isnan(x); }))
            tried.insert(tried.end(), row, row + d_);
    tried.insert(tried.end(), waiting.begin(), waiting.end());
    const std::vector<std::size_t> order = merit_->cheap_and_far(coordinates, {tried.data(), tried.size() / d_, d_});
    for (std::size_t r = 0; r < out.n; ++r) {
        if (r < order.size())
            std::ranges::copy(points[order[r]], out[r].begin());
        else
            random_point(random, out[r]);
    }
}

// Coordinates of the point that u (d,) decodes to, NaN where inactive.
void Suggester::coordinates_of(Column u, std::vector<space::Value>& scratch, MutableColumn out) const {
    std::ranges::copy(u, out.begin());
    codec_->snap(out, scratch);
    for (std::size_t j = 0; j < d_; ++j)
        if (!std::isnan(out[j])) out[j] = axes_[j].coordinate(out[j]);
}

}  // namespace hpcore::tpe
