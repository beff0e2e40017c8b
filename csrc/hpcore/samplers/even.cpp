// Samplers that do not look at results.

#include <utility>

#include "hpcore/samplers/samplers.hpp"
#include "hpcore/samplers/start.hpp"

namespace hpcore::samplers {
namespace {

class RandomSampler final : public Sampler {
  public:
    explicit RandomSampler(std::size_t d) : d_(d) {}

    Proposal suggest(const records::Trials&, Rows, const Ask& ask) override {
        return {uniform_rows(ask, ask.count, d_), Level::full};
    }
    bool uses_pending() const override { return false; }

  private:
    std::size_t d_;
};

class SobolSampler final : public Sampler {
  public:
    explicit SobolSampler(std::size_t d) : d_(d) {}

    Proposal suggest(const records::Trials&, Rows, const Ask& ask) override {
        return {start_rows(ask, ask.count, d_), Level::full};
    }
    bool uses_pending() const override { return false; }

  private:
    std::size_t d_;
};

}  // namespace

std::unique_ptr<Sampler> make_random(std::size_t d) {
    return std::make_unique<RandomSampler>(d);
}

std::unique_ptr<Sampler> make_sobol(std::size_t d) {
    return std::make_unique<SobolSampler>(d);
}

}  // namespace hpcore::samplers
