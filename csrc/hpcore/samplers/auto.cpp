#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "hpcore/samplers/samplers.hpp"

namespace hpcore::samplers {
namespace {

using Choice = AutoRule::Choice;
using records::Trials;

// The Gaussian process first, then samplers in turn, on the same trials.
class Auto final : public AutoSampler {
  public:
    Auto(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& categorical, const AutoOptions& options,
         const linalg::Lapack& lapack, std::unique_ptr<Sampler> cmaes, std::unique_ptr<Sampler> gradient)
        : codec_(std::move(codec)), rule_(options, cmaes != nullptr, gradient != nullptr) {
        by_choice_[Choice::gp] = make_gp(codec_, categorical, {}, lapack);
        by_choice_[Choice::tpe] = make_tpe(codec_, categorical);
        if (cmaes != nullptr) by_choice_[Choice::cmaes] = std::move(cmaes);
        if (gradient != nullptr) by_choice_[Choice::gradient] = std::move(gradient);
    }

    // A run of one sampler at a time; the earlier rows are pending to it.
    Proposal suggest(const Trials& trials, Rows pending, const Ask& ask) override {
        const std::size_t d = codec_->size();
        std::vector<double> waiting(pending.flat().begin(), pending.flat().end());
        std::vector<space::Value> scratch(d);
        Proposal out;
        for (std::size_t n = 0; n < ask.count; n = out.rows.size() / d) {
            Ask some = ask;
            some.number += n;
            const Choice choice = rule_.choose(some.number, trials, ask.per_cost);
            some.count = 1;
            while (n + some.count < ask.count && rule_.choose(some.number + some.count, trials, ask.per_cost) == choice)
                ++some.count;
            note(trials.n(), some, choice);
            Proposal more = by_choice_.at(choice)->suggest(trials, {waiting.data(), waiting.size() / d, d}, some);
            if (more.level == Level::sobol) {
                // No time for the model that was due; the other one costs microseconds. Rows made so far stay: the rest
                // of a batch is asked for again, because each trial says which step was its own.
                if (n > 0) break;
                Ask all = ask;
                all.deadline = {};
                more = by_choice_.at(Choice::tpe)->suggest(trials, pending, all);
                return {std::move(more.rows), Level::tpe};
            }
            if (more.level != Level::full) out.level = more.level;
            const std::size_t first = waiting.size();
            waiting.insert(waiting.end(), more.rows.begin(), more.rows.end());
            for (std::size_t at = first; at < waiting.size(); at += d) codec_->snap({waiting.data() + at, d}, scratch);
            out.rows.insert(out.rows.end(), more.rows.begin(), more.rows.end());
        }
        return out;
    }

    std::optional<Proposal> at_once(const Trials& trials, Rows pending, const Ask& ask) override {
        return by_choice_.at(Choice::gp)->at_once(trials, pending, ask);
    }

    std::optional<Choice> proposed_by(std::uint64_t number) const override {
        const std::lock_guard<std::mutex> turn(mutex_);
        const auto found = chosen_.find(number);
        return found == chosen_.end() ? std::nullopt : std::optional<Choice>(found->second);
    }

    void allow_repeats(std::size_t n) override {
        for (auto& [choice, sampler] : by_choice_) sampler->allow_repeats(n);
    }

    void know_costs(Rows points, Column costs) override {
        for (auto& [choice, sampler] : by_choice_) sampler->know_costs(points, costs);
    }

  private:
    void note(std::size_t n_known, const Ask& some, Choice choice) {
        const std::lock_guard<std::mutex> turn(mutex_);
        chosen_.erase(chosen_.begin(), chosen_.lower_bound(n_known));
        for (std::size_t k = 0; k < some.count; ++k) chosen_[some.number + k] = choice;
    }

    std::shared_ptr<const space::Codec> codec_;
    AutoRule rule_;
    std::map<Choice, std::unique_ptr<Sampler>> by_choice_;
    mutable std::mutex mutex_;                // of what follows
    std::map<std::uint64_t, Choice> chosen_;  // samplers of the latest proposals, by number
};

}  // namespace

std::unique_ptr<AutoSampler> make_auto(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& categorical,
                                       const AutoOptions& options, const linalg::Lapack& lapack,
                                       std::unique_ptr<Sampler> cmaes, std::unique_ptr<Sampler> gradient) {
    return std::make_unique<Auto>(std::move(codec), categorical, options, lapack, std::move(cmaes),
                                  std::move(gradient));
}

}  // namespace hpcore::samplers
