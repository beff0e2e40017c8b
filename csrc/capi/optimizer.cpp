// Optimizers of the C interface.

#include <algorithm>
#include <cmath>
#include <limits>

#include "handles.hpp"
#include "hpcore/samplers/samplers.hpp"

namespace hpcore::capi {
namespace {

constexpr std::int64_t max_asked = 1'000'000;
constexpr std::size_t max_objectives = 64, max_limits = 1000;

static_assert(int(Level::full) == HPCORE_LEVEL_FULL && int(Level::reuse) == HPCORE_LEVEL_REUSE &&
              int(Level::search) == HPCORE_LEVEL_SEARCH && int(Level::draft) == HPCORE_LEVEL_DRAFT &&
              int(Level::earlier_ranking) == HPCORE_LEVEL_EARLIER_RANKING && int(Level::tpe) == HPCORE_LEVEL_TPE &&
              int(Level::sobol) == HPCORE_LEVEL_SOBOL && int(Level::random) == HPCORE_LEVEL_RANDOM);
static_assert(int(records::running) == HPCORE_RUNNING && int(records::complete) == HPCORE_COMPLETE &&
              int(records::pruned) == HPCORE_PRUNED && int(records::failed) == HPCORE_FAILED &&
              int(records::withdrawn) == HPCORE_WITHDRAWN);
static_assert(int(space::Kind::real) == HPCORE_REAL && int(space::Kind::integer) == HPCORE_INTEGER &&
              int(space::Kind::choice) == HPCORE_CHOICE);

Optimizer& core(hpcore_optimizer* handle) {
    return *checked(handle, "optimizer").core;
}

Deadline deadline_of(double ms) {
    if (!(ms > 0.0)) refuse("deadline_ms must be > 0, got " + std::to_string(ms));
    return Deadline::in(ms / 1e3);
}

// A number that was given, of `least` or more; none for -1.
std::optional<std::size_t> given(std::int64_t number, std::int64_t least, const char* name) {
    if (number == -1) return std::nullopt;
    if (number < least || number > max_asked)
        refuse(std::string(name) + " must be " + std::to_string(least) + " to 1,000,000, or -1, got " +
               std::to_string(number));
    return static_cast<std::size_t>(number);
}

samplers::GpOptions::Acquisition acquisition_of(const char* name) {
    using Acquisition = samplers::GpOptions::Acquisition;
    const std::string_view wanted = checked_name(name, "acquisition");
    if (wanted == "log_ei") return Acquisition::log_ei;
    if (wanted == "noisy_log_ei") return Acquisition::noisy_log_ei;
    if (wanted == "ucb") return Acquisition::ucb;
    if (wanted == "pi") return Acquisition::pi;
    if (wanted == "thompson") return Acquisition::thompson;
    refuse("acquisition must be 'log_ei', 'noisy_log_ei', 'ucb', 'pi' or 'thompson', got '" + std::string(wanted) +
           "'");
}

Optimizer::MakeSampler maker(const std::shared_ptr<const space::Space>& space, const hpcore_options& options,
                             const linalg::Lapack& lapack) {
    const std::string name(options.sampler == nullptr ? "auto" : checked_name(options.sampler, "sampler"));
    const auto n_startup = given(options.n_startup, 1, "n_startup");
    const auto n_candidates = given(options.n_candidates, 8, "n_candidates");
    if (!(options.trial_seconds >= 0.0))
        refuse("trial_seconds must be at least 0, got " + std::to_string(options.trial_seconds));
    const auto only = [&](bool is_given, const char* option, std::initializer_list<const char*> owners) {
        if (is_given && std::find(owners.begin(), owners.end(), name) == owners.end())
            refuse(std::string(option) + " is no option of the sampler '" + name + "'");
    };
    only(n_startup.has_value(), "n_startup", {"gp", "tpe"});
    only(n_candidates.has_value(), "n_candidates", {"tpe"});
    only(options.acquisition != nullptr, "acquisition", {"gp"});
    only(std::isfinite(options.trial_seconds), "trial_seconds", {"auto"});

    if (name == "random") return [space] { return samplers::make_random(space->size()); };
    if (name == "sobol") return [space] { return samplers::make_sobol(space->size()); };
    if (name == "tpe") {
        samplers::TpeOptions tpe;
        if (n_startup) tpe.engine.n_startup = *n_startup;
        if (n_candidates) tpe.set_candidates(*n_candidates);
        return [space, tpe] { return samplers::make_tpe(space->codec(), space->categorical(), tpe); };
    }
    if (name == "gp") {
        samplers::GpOptions gp;
        gp.n_startup = n_startup;
        if (options.acquisition != nullptr) gp.acquisition = acquisition_of(options.acquisition);
        return [space, gp, &lapack] { return samplers::make_gp(space->codec(), space->categorical(), gp, lapack); };
    }
    if (name == "auto") {
        samplers::AutoOptions chosen;
        chosen.trial_seconds = options.trial_seconds;
        return [space, chosen, &lapack]() -> std::unique_ptr<Sampler> {
            return samplers::make_auto(space->codec(), space->categorical(), chosen, lapack);
        };
    }
    refuse("sampler must be 'gp', 'tpe', 'sobol', 'random' or 'auto', got '" + name + "'");
}

OptimizerOptions core_options(const hpcore_options& options, const linalg::Lapack& lapack) {
    OptimizerOptions out;
    out.seed = {options.seed_low, options.seed_high};
    if (options.n_objectives == 0 || options.n_objectives > max_objectives)
        refuse("n_objectives must be 1 to 64, got " + std::to_string(options.n_objectives));
    out.maximize.assign(options.n_objectives, false);
    for (std::size_t k = 0; options.maximize != nullptr && k < options.n_objectives; ++k)
        out.maximize[k] = options.maximize[k] != 0;
    if (options.n_limits > max_limits) refuse("n_limits must be 0 to 1000, got " + std::to_string(options.n_limits));
    out.n_limits = options.n_limits;
    if (options.repeats == 0) refuse("repeats must be at least 1, got 0");
    out.repeats = options.repeats;
    if (options.per_cost != -1) out.per_cost = checked_flag(options.per_cost, "per_cost");
    out.lapack = &lapack;
    return out;
}

Column column(const double* data, std::size_t n, const char* name) {
    return {checked_array(data, n, name), n};
}

Outcome outcome_of(const hpcore_result* given, std::size_t m) {
    const hpcore_result& result = checked(given, "result");
    check_struct(result.struct_size, sizeof(hpcore_result), "result");
    if (result.state != HPCORE_COMPLETE && result.state != HPCORE_PRUNED && result.state != HPCORE_FAILED)
        refuse("state must be HPCORE_COMPLETE, HPCORE_PRUNED or HPCORE_FAILED, got " + std::to_string(result.state));
    if (result.state == HPCORE_FAILED && result.n_values > 0) refuse("values must be left out of a failed trial");
    if (result.state == HPCORE_COMPLETE) check_size(result.n_values, m, "n_values");
    return {.state = static_cast<records::State>(result.state),
            .values = column(result.values, result.n_values, "values"),
            .std_errors = column(result.std_errors, result.n_std_errors, "std_errors"),
            .cost = result.cost,
            .violations = column(result.violations, result.n_violations, "violations")};
}

}  // namespace
}  // namespace hpcore::capi

using namespace hpcore::capi;

int hpcore_options_init(hpcore_options* options, int abi_version) {
    return guarded([&] {
        check_version(abi_version);
        checked(options, "options") = {.struct_size = sizeof(hpcore_options),
                                       .abi_version = HPCORE_ABI_VERSION,
                                       .sampler = "auto",
                                       .seed_low = 0,
                                       .seed_high = 0,
                                       .n_objectives = 1,
                                       .maximize = nullptr,
                                       .n_limits = 0,
                                       .repeats = 1,
                                       .per_cost = -1,
                                       .n_startup = -1,
                                       .n_candidates = -1,
                                       .acquisition = nullptr,
                                       .trial_seconds = std::numeric_limits<double>::infinity()};
    });
}

int hpcore_result_init(hpcore_result* result, int abi_version) {
    return guarded([&] {
        check_version(abi_version);
        checked(result, "result") = {.struct_size = sizeof(hpcore_result),
                                     .state = HPCORE_COMPLETE,
                                     .values = nullptr,
                                     .n_values = 0,
                                     .std_errors = nullptr,
                                     .n_std_errors = 0,
                                     .violations = nullptr,
                                     .n_violations = 0,
                                     .cost = std::numeric_limits<double>::quiet_NaN()};
    });
}

int hpcore_optimizer_create(hpcore_space* space, const hpcore_options* given_options, hpcore_optimizer** out) {
    return guarded([&] {
        checked(out, "optimizer");
        hpcore_options options;
        hpcore_options_init(&options, HPCORE_ABI_VERSION);
        if (given_options != nullptr) {
            check_version(given_options->abi_version);
            check_struct(given_options->struct_size, sizeof(hpcore_options), "options");
            options = *given_options;
        }
        const auto shared = built(space);
        auto handle = std::make_unique<hpcore_optimizer>();
        handle->lapack = current_lapack();
        handle->core = std::make_unique<hpcore::Optimizer>(*shared, maker(shared, options, handle->lapack),
                                                           core_options(options, handle->lapack));
        *out = handle.release();
    });
}

void hpcore_optimizer_destroy(hpcore_optimizer* optimizer) {
    const std::unique_ptr<hpcore_optimizer> owned(optimizer);
}

int hpcore_optimizer_ask(hpcore_optimizer* optimizer, double* row, size_t d, uint64_t* trial) {
    return guarded([&] {
        auto& search = core(optimizer);
        check_size(d, search.d(), "d");
        checked(trial, "trial");
        *trial = search.ask({&checked(row, "row"), d}).number;
    });
}

int hpcore_optimizer_ask_within(hpcore_optimizer* optimizer, double deadline_ms, double* row, size_t d, uint64_t* trial,
                                int* level) {
    return guarded([&] {
        auto& search = core(optimizer);
        const hpcore::Deadline deadline = deadline_of(deadline_ms);
        check_size(d, search.d(), "d");
        checked(trial, "trial");
        const hpcore::Asked asked = search.ask({&checked(row, "row"), d}, deadline);
        *trial = asked.number;
        if (level != nullptr) *level = static_cast<int>(asked.level);
    });
}

int hpcore_optimizer_ask_many(hpcore_optimizer* optimizer, size_t n, double deadline_ms, double* rows, size_t d,
                              uint64_t* trials, int* levels, size_t* n_asked) {
    return guarded([&] {
        auto& search = core(optimizer);
        const hpcore::Deadline deadline = deadline_of(deadline_ms);
        if (n == 0 || n > std::size_t{max_asked}) refuse("n must be 1 to 1,000,000, got " + std::to_string(n));
        check_size(d, search.d(), "d");
        checked(rows, "rows");
        checked(trials, "trials");
        checked(n_asked, "n_asked");
        std::vector<hpcore::Asked> asked(n);
        *n_asked = search.ask({rows, n, d}, asked, deadline);
        for (std::size_t i = 0; i < *n_asked; ++i) {
            trials[i] = asked[i].number;
            if (levels != nullptr) levels[i] = static_cast<int>(asked[i].level);
        }
    });
}

int hpcore_optimizer_tell(hpcore_optimizer* optimizer, uint64_t trial, const double* values, size_t m) {
    return guarded([&] {
        auto& search = core(optimizer);
        check_size(m, search.m(), "m");
        search.tell(trial, {.values = column(values, m, "values")});
    });
}

int hpcore_optimizer_fail(hpcore_optimizer* optimizer, uint64_t trial) {
    return guarded([&] { core(optimizer).tell(trial, {.state = hpcore::records::failed}); });
}

int hpcore_optimizer_prune(hpcore_optimizer* optimizer, uint64_t trial) {
    return guarded([&] { core(optimizer).tell(trial, {.state = hpcore::records::pruned}); });
}

int hpcore_optimizer_withdraw(hpcore_optimizer* optimizer, uint64_t trial) {
    return guarded([&] { core(optimizer).withdraw(trial); });
}

int hpcore_optimizer_tell_result(hpcore_optimizer* optimizer, uint64_t trial, const hpcore_result* result) {
    return guarded([&] {
        auto& search = core(optimizer);
        search.tell(trial, outcome_of(result, search.m()));
    });
}

int hpcore_optimizer_report(hpcore_optimizer* optimizer, uint64_t trial, double step, const double* values, size_t m) {
    return guarded([&] {
        auto& search = core(optimizer);
        check_size(m, search.m(), "m");
        search.report(trial, step, column(values, m, "values"));
    });
}

int hpcore_optimizer_add(hpcore_optimizer* optimizer, const double* row, size_t d, const hpcore_result* result,
                         uint64_t* trial) {
    return guarded([&] {
        auto& search = core(optimizer);
        check_size(d, search.d(), "d");
        const std::uint64_t number = search.add(column(row, d, "row"), outcome_of(result, search.m()));
        if (trial != nullptr) *trial = number;
    });
}

int hpcore_optimizer_enqueue(hpcore_optimizer* optimizer, const double* row, size_t d) {
    return guarded([&] {
        auto& search = core(optimizer);
        check_size(d, search.d(), "d");
        search.enqueue(column(row, d, "row"));
    });
}

int hpcore_optimizer_best(hpcore_optimizer* optimizer, uint64_t* trial, double* row, size_t d, double* value) {
    return guarded([&] {
        auto& search = core(optimizer);
        checked(trial, "trial");
        if (row != nullptr) check_size(d, search.d(), "d");
        const std::uint64_t number = search.best();
        search.trial(number, {row, row != nullptr ? d : 0}, {value, value != nullptr ? 1u : 0u});
        *trial = number;
    });
}

int hpcore_optimizer_front(hpcore_optimizer* optimizer, uint64_t* trials, size_t n, size_t* n_front) {
    return guarded([&] {
        auto& search = core(optimizer);
        checked(n_front, "n_front");
        const std::vector<std::uint64_t> front = search.pareto_front();
        *n_front = front.size();
        if (n < front.size())
            throw Refused(HPCORE_BUFFER_TOO_SMALL,
                          "n must be at least " + std::to_string(front.size()) + ", got " + std::to_string(n));
        std::copy(front.begin(), front.end(), checked_array(trials, front.size(), "trials"));
    });
}

int hpcore_optimizer_n_trials(hpcore_optimizer* optimizer, size_t* n) {
    return guarded([&] { checked(n, "n") = core(optimizer).n_trials(); });
}

int hpcore_optimizer_trial(hpcore_optimizer* optimizer, uint64_t trial, int* state, double* row, size_t d,
                           double* values, size_t m) {
    return guarded([&] {
        auto& search = core(optimizer);
        if (row != nullptr) check_size(d, search.d(), "d");
        if (values != nullptr) check_size(m, search.m(), "m");
        const auto found = search.trial(trial, {row, row != nullptr ? d : 0}, {values, values != nullptr ? m : 0});
        if (state != nullptr) *state = static_cast<int>(found);
    });
}

int hpcore_optimizer_predict(hpcore_optimizer* optimizer, size_t objective, const double* rows, size_t n, size_t d,
                             double* mean, double* std) {
    return guarded([&] {
        auto& search = core(optimizer);
        check_size(d, search.d(), "d");
        if (n == 0 || n > std::numeric_limits<std::size_t>::max() / 8 / d)
            refuse("n must be at least 1 and so that rows can be in memory, got " + std::to_string(n));
        std::vector<double> means(n), stds(n);
        search.predict({&checked(rows, "rows"), n, d}, objective, means, stds);
        checked(mean, "mean");
        checked(std, "std");
        std::copy(means.begin(), means.end(), mean);
        std::copy(stds.begin(), stds.end(), std);
    });
}

int hpcore_optimizer_save(hpcore_optimizer* optimizer, void* buffer, size_t size, size_t* needed) {
    return guarded([&] {
        const std::vector<std::uint8_t> bytes = core(optimizer).save();
        if (needed != nullptr) *needed = bytes.size();
        if (buffer == nullptr || size < bytes.size())
            throw Refused(HPCORE_BUFFER_TOO_SMALL, "size must be at least " + std::to_string(bytes.size()) + ", got " +
                                                       (buffer == nullptr ? "a null buffer" : std::to_string(size)));
        std::copy(bytes.begin(), bytes.end(), static_cast<std::uint8_t*>(buffer));
    });
}

int hpcore_optimizer_load(hpcore_optimizer* optimizer, const void* buffer, size_t size) {
    return guarded([&] {
        auto& search = core(optimizer);
        const auto* bytes = static_cast<const std::uint8_t*>(buffer);
        search.load({&checked(bytes, "buffer"), size});
    });
}
