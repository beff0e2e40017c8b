// The C interface: wrong input gives a status and a text, and changes nothing.

#include <hpcore.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"

namespace {

const double nan = std::numeric_limits<double>::quiet_NaN();
const double inf = std::numeric_limits<double>::infinity();
const std::size_t huge = std::numeric_limits<std::size_t>::max();

// A space of a real, an integer and a choice, and a search of it with two trials, the first of which is complete.
struct Search {
    hpcore_space* space = nullptr;
    hpcore_optimizer* optimizer = nullptr;
    std::vector<double> row = std::vector<double>(3);
    std::uint64_t trial = 0;

    explicit Search(const char* sampler = "random", std::size_t n_limits = 0) {
        hpcore_space_create(HPCORE_ABI_VERSION, &space);
        hpcore_space_add_real(space, "rate", 1e-5, 1.0, 1, 0.0);
        hpcore_space_add_integer(space, "layers", 1, 8, 0, 1);
        hpcore_space_add_choice(space, "kind", 3, 0, nullptr);
        hpcore_options options;
        hpcore_options_init(&options, HPCORE_ABI_VERSION);
        options.sampler = sampler;
        options.n_limits = n_limits;
        hpcore_optimizer_create(space, &options, &optimizer);
        const double value = 1.0;
        hpcore_optimizer_ask(optimizer, row.data(), 3, &trial);
        hpcore_optimizer_tell(optimizer, trial, &value, 1);
        hpcore_optimizer_ask(optimizer, row.data(), 3, &trial);
    }
    Search(const Search&) = delete;
    Search& operator=(const Search&) = delete;
    ~Search() {
        hpcore_optimizer_destroy(optimizer);
        hpcore_space_destroy(space);
    }

    std::vector<std::uint8_t> saved() const {
        std::size_t size = 0;
        hpcore_optimizer_save(optimizer, nullptr, 0, &size);
        std::vector<std::uint8_t> bytes(size);
        CHECK(hpcore_optimizer_save(optimizer, bytes.data(), size, &size) == HPCORE_OK);
        return bytes;
    }
};

// A call that must fail in this way, with a text that has these words.
struct Wrong {
    int line;
    int status;
    int expected;
    const char* words;
    std::string text = hpcore_last_error();
};
#define WRONG(call, expected, words)    \
    Wrong {                             \
        __LINE__, call, expected, words \
    }

void check_all(const std::vector<Wrong>& calls) {
    for (const Wrong& call : calls) {
        if (call.status == call.expected && call.text.find(call.words) != std::string::npos) continue;
        check::fail(__FILE__, call.line, hpcore_status_name(call.status));
        std::fprintf(stderr, "    '%s' has not '%s'\n", call.text.c_str(), call.words);
    }
}

TEST(versions_and_names) {
    CHECK(hpcore_abi_version() == HPCORE_ABI_VERSION);
    CHECK(std::strlen(hpcore_version()) > 0);
    CHECK(hpcore_status_name(HPCORE_OK) == std::string("ok"));
    CHECK(hpcore_status_name(HPCORE_INTERNAL) == std::string("internal"));
    CHECK(hpcore_status_name(-1) == std::string("unknown") && hpcore_status_name(100) == std::string("unknown"));
    CHECK(hpcore_level_name(HPCORE_LEVEL_RANDOM) == std::string("random"));
    CHECK(hpcore_level_name(8) == std::string("unknown") && hpcore_level_name(-1) == std::string("unknown"));
}

TEST(an_old_version_is_refused) {
    Search search;
    hpcore_space* space = nullptr;
    hpcore_optimizer* optimizer = nullptr;
    hpcore_options options, old;
    hpcore_result result;
    hpcore_options_init(&options, HPCORE_ABI_VERSION);
    check_all({WRONG(hpcore_space_create(0, &space), HPCORE_WRONG_VERSION, "abi_version"),
               WRONG(hpcore_space_create(HPCORE_ABI_VERSION + 1, &space), HPCORE_WRONG_VERSION, "got 2"),
               WRONG(hpcore_options_init(&options, 0), HPCORE_WRONG_VERSION, "abi_version"),
               WRONG(hpcore_result_init(&result, 99), HPCORE_WRONG_VERSION, "got 99")});
    CHECK(space == nullptr && options.struct_size == sizeof options);
    old = options;
    old.abi_version = 0;
    check_all({WRONG(hpcore_optimizer_create(search.space, &old, &optimizer), HPCORE_WRONG_VERSION, "abi_version")});
    old = options;
    old.struct_size -= 8;
    check_all({WRONG(hpcore_optimizer_create(search.space, &old, &optimizer), HPCORE_WRONG_VERSION, "struct_size")});
    hpcore_result_init(&result, HPCORE_ABI_VERSION);
    result.struct_size = 0;
    check_all({WRONG(hpcore_optimizer_tell_result(search.optimizer, 1, &result), HPCORE_WRONG_VERSION, "struct_size")});
    CHECK(optimizer == nullptr);
}

TEST(null_handles_and_pointers) {
    Search search;
    hpcore_space* space = search.space;
    hpcore_optimizer* opt = search.optimizer;
    double row[3]{0.5, 0.5, 0.5}, x = 1.0;
    std::uint64_t trial = 0;
    std::int64_t w = 0;
    std::size_t n = 0;
    hpcore_lapack table{};
    table.struct_size = sizeof table;
    hpcore_result result;
    hpcore_result_init(&result, HPCORE_ABI_VERSION);
    result.n_values = 1;
    hpcore_result whole = result;
    whole.values = &x;
    const std::vector<std::uint8_t> before = search.saved();
    const int invalid = HPCORE_INVALID_ARGUMENT;
    check_all({
        WRONG(hpcore_space_create(HPCORE_ABI_VERSION, nullptr), invalid, "space must not be null"),
        WRONG(hpcore_space_add_real(nullptr, "x", 0, 1, 0, 0), invalid, "space must not be null"),
        WRONG(hpcore_space_add_real(space, nullptr, 0, 1, 0, 0), invalid, "name must not be null"),
        WRONG(hpcore_space_add_integer(nullptr, "x", 0, 1, 0, 1), invalid, "space"),
        WRONG(hpcore_space_add_choice(nullptr, "x", 2, 0, nullptr), invalid, "space"),
        WRONG(hpcore_space_add_normal(nullptr, "x", 0, 1, -inf, inf, 0, 0), invalid, "space"),
        WRONG(hpcore_space_when_in(space, "rate", "kind", nullptr, 1), invalid, "values must not be null"),
        WRONG(hpcore_space_when_in(space, "rate", nullptr, &x, 1), invalid, "parent must not be null"),
        WRONG(hpcore_space_when_between(nullptr, "rate", "kind", 0, 1), invalid, "space"),
        WRONG(hpcore_space_or_when(nullptr, "rate"), invalid, "space"),
        WRONG(hpcore_space_or_when(space, nullptr), invalid, "name must not be null"),
        WRONG(hpcore_space_size(nullptr, &n), invalid, "space"),
        WRONG(hpcore_space_size(space, nullptr), invalid, "d must not be null"),
        WRONG(hpcore_space_find(space, "rate", nullptr), invalid, "column"),
        WRONG(hpcore_space_column(nullptr, 0, nullptr, nullptr), invalid, "space"),
        WRONG(hpcore_row_get_real(nullptr, row, 3, 0, &x, nullptr), invalid, "space"),
        WRONG(hpcore_row_get_real(space, nullptr, 3, 0, &x, nullptr), invalid, "row"),
        WRONG(hpcore_row_get_real(space, row, 3, 0, nullptr, nullptr), invalid, "value"),
        WRONG(hpcore_row_get_integer(space, row, 3, 1, nullptr, nullptr), invalid, "value"),
        WRONG(hpcore_row_get_choice(space, row, 3, 2, nullptr, nullptr), invalid, "index"),
        WRONG(hpcore_row_set_real(space, nullptr, 3, 0, 0.5), invalid, "row"),
        WRONG(hpcore_row_set_integer(space, nullptr, 3, 1, 2), invalid, "row"),
        WRONG(hpcore_row_set_choice(space, nullptr, 3, 2, 1), invalid, "row"),
        WRONG(hpcore_options_init(nullptr, HPCORE_ABI_VERSION), invalid, "options"),
        WRONG(hpcore_result_init(nullptr, HPCORE_ABI_VERSION), invalid, "result"),
        WRONG(hpcore_optimizer_create(nullptr, nullptr, &opt), invalid, "space"),
        WRONG(hpcore_optimizer_create(space, nullptr, nullptr), invalid, "optimizer"),
        WRONG(hpcore_optimizer_ask(nullptr, row, 3, &trial), invalid, "optimizer must not be null"),
        WRONG(hpcore_optimizer_ask(opt, nullptr, 3, &trial), invalid, "row must not be null"),
        WRONG(hpcore_optimizer_ask(opt, row, 3, nullptr), invalid, "trial must not be null"),
        WRONG(hpcore_optimizer_ask_within(opt, 1.0, nullptr, 3, &trial, nullptr), invalid, "row"),
        WRONG(hpcore_optimizer_ask_many(opt, 1, inf, nullptr, 3, &trial, nullptr, &n), invalid, "rows"),
        WRONG(hpcore_optimizer_ask_many(opt, 1, inf, row, 3, nullptr, nullptr, &n), invalid, "trials"),
        WRONG(hpcore_optimizer_ask_many(opt, 1, inf, row, 3, &trial, nullptr, nullptr), invalid, "n_asked"),
        WRONG(hpcore_optimizer_tell(nullptr, 1, &x, 1), invalid, "optimizer"),
        WRONG(hpcore_optimizer_tell(opt, 1, nullptr, 1), invalid, "values must not be null"),
        WRONG(hpcore_optimizer_fail(nullptr, 1), invalid, "optimizer"),
        WRONG(hpcore_optimizer_prune(nullptr, 1), invalid, "optimizer"),
        WRONG(hpcore_optimizer_withdraw(nullptr, 1), invalid, "optimizer"),
        WRONG(hpcore_optimizer_tell_result(opt, 1, nullptr), invalid, "result must not be null"),
        WRONG(hpcore_optimizer_tell_result(opt, 1, &result), invalid, "values must not be null"),
        WRONG(hpcore_optimizer_report(opt, 1, 1.0, nullptr, 1), invalid, "values"),
        WRONG(hpcore_optimizer_add(opt, nullptr, 3, &whole, nullptr), invalid, "row"),
        WRONG(hpcore_optimizer_add(opt, row, 3, nullptr, nullptr), invalid, "result"),
        WRONG(hpcore_optimizer_enqueue(opt, nullptr, 3), invalid, "row"),
        WRONG(hpcore_optimizer_best(opt, nullptr, nullptr, 0, nullptr), invalid, "trial"),
        WRONG(hpcore_optimizer_front(opt, nullptr, 1, &n), invalid, "trials"),
        WRONG(hpcore_optimizer_front(opt, &trial, 1, nullptr), invalid, "n_front"),
        WRONG(hpcore_optimizer_n_trials(opt, nullptr), invalid, "n must not be null"),
        WRONG(hpcore_optimizer_trial(nullptr, 0, nullptr, nullptr, 0, nullptr, 0), invalid, "optimizer"),
        WRONG(hpcore_optimizer_predict(opt, 0, nullptr, 1, 3, &x, &x), invalid, "rows"),
        WRONG(hpcore_optimizer_predict(opt, 0, row, 1, 3, nullptr, &x), invalid, "mean"),
        WRONG(hpcore_optimizer_predict(opt, 0, row, 1, 3, &x, nullptr), invalid, "std"),
        WRONG(hpcore_optimizer_load(opt, nullptr, 8), invalid, "buffer"),
        WRONG(hpcore_set_lapack(&table), invalid, "dpotrf must not be null"),
    });
    CHECK(w == 0 && search.saved() == before);
    hpcore_space_destroy(nullptr);
    hpcore_optimizer_destroy(nullptr);
}

TEST(wrong_parameters) {
    Search search;
    hpcore_space* space = search.space;
    const double values[]{0.0, 7.0}, weights[]{1.0, -1.0};
    const std::string long_name(600, 'x');
    const int invalid = HPCORE_INVALID_ARGUMENT;
    check_all({
        WRONG(hpcore_space_add_real(space, "", 0, 1, 0, 0), invalid, "1 to 512 bytes"),
        WRONG(hpcore_space_add_real(space, long_name.c_str(), 0, 1, 0, 0), invalid, "1 to 512 bytes"),
        WRONG(hpcore_space_add_real(space, "rate", 0, 1, 0, 0), invalid, "rate"),
        WRONG(hpcore_space_add_real(space, "x", 1, 0, 0, 0), invalid, "low"),
        WRONG(hpcore_space_add_real(space, "x", nan, 1, 0, 0), invalid, "nan"),
        WRONG(hpcore_space_add_real(space, "x", 0, inf, 0, 0), invalid, "inf"),
        WRONG(hpcore_space_add_real(space, "x", 0, 1, 1, 0), invalid, "low"),
        WRONG(hpcore_space_add_real(space, "x", 0, 1, 2, 0), invalid, "log must be 0 or 1"),
        WRONG(hpcore_space_add_real(space, "x", 0, 1, 0, -1), invalid, "step"),
        WRONG(hpcore_space_add_real(space, "x", 0, 1, 0, nan), invalid, "step"),
        WRONG(hpcore_space_add_integer(space, "x", 2, 1, 0, 1), invalid, "low"),
        WRONG(hpcore_space_add_integer(space, "x", 0, 1, 1, 1), invalid, "low"),
        WRONG(hpcore_space_add_integer(space, "x", 0, 1, 0, 0), invalid, "step"),
        WRONG(hpcore_space_add_choice(space, "x", 0, 0, nullptr), invalid, "n must be"),
        WRONG(hpcore_space_add_choice(space, "x", huge, 0, nullptr), invalid, "n must be"),
        WRONG(hpcore_space_add_choice(space, "x", 2, 5, nullptr), invalid, "ordered"),
        WRONG(hpcore_space_add_choice(space, "x", 2, 0, weights), invalid, "weights"),
        WRONG(hpcore_space_add_normal(space, "x", nan, 1, -inf, inf, 0, 0), invalid, "mean"),
        WRONG(hpcore_space_add_normal(space, "x", 0, 0, -inf, inf, 0, 0), invalid, "std"),
        WRONG(hpcore_space_add_normal(space, "x", 0, 1, nan, inf, 0, 0), invalid, "low"),
        WRONG(hpcore_space_when_in(space, "none", "kind", values, 1), invalid, "none"),
        WRONG(hpcore_space_when_in(space, "rate", "kind", values, 0), invalid, "n must be"),
        WRONG(hpcore_space_when_in(space, "rate", "kind", values, huge), invalid, "n must be"),
        WRONG(hpcore_space_when_between(space, "rate", "kind", -inf, inf), invalid, "at_least"),
        WRONG(hpcore_space_or_when(space, "none"), invalid, "none"),
        WRONG(hpcore_space_or_when(space, "kind"), invalid, "an alternative of 'kind' must have"),
        WRONG(hpcore_space_column(space, 3, nullptr, nullptr), invalid, "column must be below 3"),
    });
    std::size_t d = 0, column = 9;
    CHECK(hpcore_space_size(space, &d) == HPCORE_OK && d == 3);
    check_all({WRONG(hpcore_space_find(space, "none", &column), invalid, "none")});
    CHECK(column == 9);
    // What a space makes of its conditions is said when it is used.
    hpcore_optimizer* optimizer = nullptr;
    CHECK(hpcore_space_when_in(space, "rate", "kind", values, 2) == HPCORE_OK);
    check_all({WRONG(hpcore_optimizer_create(space, nullptr, &optimizer), invalid, "kind")});
    hpcore_space* empty = nullptr;
    CHECK(hpcore_space_create(HPCORE_ABI_VERSION, &empty) == HPCORE_OK);
    check_all({WRONG(hpcore_optimizer_create(empty, nullptr, &optimizer), invalid, "at least one parameter")});
    hpcore_space_destroy(empty);
    CHECK(optimizer == nullptr);
}

TEST(wrong_options) {
    Search search;
    const auto wrong = [&](auto change) {
        hpcore_options options;
        hpcore_options_init(&options, HPCORE_ABI_VERSION);
        change(options);
        hpcore_optimizer* optimizer = nullptr;
        const int status = hpcore_optimizer_create(search.space, &options, &optimizer);
        CHECK(optimizer == nullptr);
        return status;
    };
    const int invalid = HPCORE_INVALID_ARGUMENT;
    check_all({
        WRONG(wrong([](auto& o) { o.sampler = "none"; }), invalid, "'none'"),
        WRONG(wrong([](auto& o) { o.sampler = ""; }), invalid, "sampler"),
        WRONG(wrong([](auto& o) { o.n_objectives = 0; }), invalid, "n_objectives"),
        WRONG(wrong([](auto& o) { o.n_objectives = huge; }), invalid, "n_objectives"),
        WRONG(wrong([](auto& o) { o.n_limits = huge; }), invalid, "n_limits"),
        WRONG(wrong([](auto& o) { o.repeats = 0; }), invalid, "repeats"),
        WRONG(wrong([](auto& o) { o.per_cost = 7; }), invalid, "per_cost"),
        WRONG(wrong([](auto& o) { o.sampler = "tpe", o.n_startup = 0; }), invalid, "n_startup"),
        WRONG(wrong([](auto& o) { o.sampler = "tpe", o.n_candidates = 7; }), invalid, "n_candidates"),
        WRONG(wrong([](auto& o) { o.sampler = "random", o.n_startup = 5; }), invalid,
              "no option of the sampler 'random'"),
        WRONG(wrong([](auto& o) { o.sampler = "gp", o.n_candidates = 50; }), invalid, "n_candidates is no option"),
        WRONG(wrong([](auto& o) { o.sampler = "tpe", o.acquisition = "ucb"; }), invalid, "acquisition is no option"),
        WRONG(wrong([](auto& o) { o.sampler = "gp", o.acquisition = "best"; }), invalid, "'best'"),
        WRONG(wrong([](auto& o) { o.trial_seconds = nan; }), invalid, "trial_seconds"),
        WRONG(wrong([](auto& o) { o.sampler = "gp", o.trial_seconds = 3.0; }), invalid, "trial_seconds is no option"),
    });
}

TEST(wrong_rows_and_columns) {
    Search search;
    hpcore_space* space = search.space;
    double row[3]{0.5, 0.5, 0.5}, x = 0.0;
    std::int64_t w = 0;
    std::size_t index = 0;
    const int invalid = HPCORE_INVALID_ARGUMENT;
    check_all({
        WRONG(hpcore_row_get_real(space, row, 2, 0, &x, nullptr), invalid, "d must be 3"),
        WRONG(hpcore_row_get_real(space, row, huge, 0, &x, nullptr), invalid, "d must be 3"),
        WRONG(hpcore_row_get_real(space, row, 3, 3, &x, nullptr), invalid, "column must be below 3"),
        WRONG(hpcore_row_get_real(space, row, 3, 1, &x, nullptr), invalid, "'layers', is an integer, not a real"),
        WRONG(hpcore_row_get_integer(space, row, 3, 0, &w, nullptr), invalid, "'rate', is a real, not an integer"),
        WRONG(hpcore_row_get_choice(space, row, 3, 0, &index, nullptr), invalid, "not a choice"),
        WRONG(hpcore_row_set_real(space, row, 3, 0, nan), invalid, "within its bounds"),
        WRONG(hpcore_row_set_real(space, row, 3, 0, 2.0), invalid, "within its bounds"),
        WRONG(hpcore_row_set_real(space, row, 3, 2, 0.5), invalid, "is a choice"),
        WRONG(hpcore_row_set_integer(space, row, 3, 1, 9), invalid, "one of its values"),
        WRONG(hpcore_row_set_integer(space, row, 3, 1, std::numeric_limits<std::int64_t>::min()), invalid, "layers"),
        WRONG(hpcore_row_set_choice(space, row, 3, 2, 3), invalid, "at most 2"),
    });
    CHECK(row[0] == 0.5 && row[1] == 0.5 && row[2] == 0.5);
    row[0] = nan;
    check_all({WRONG(hpcore_row_get_real(space, row, 3, 0, &x, nullptr), invalid, "")});
}

TEST(wrong_calls_of_a_search) {
    Search search("tpe", 1);
    hpcore_optimizer* opt = search.optimizer;
    double row[3]{0.5, 0.5, 0.5}, x = 1.0;
    const double not_a_number = nan, infinite = inf, two[]{1.0, 2.0}, negative = -1.0;
    std::uint64_t trial = 77;
    std::size_t n = 77;
    const std::vector<std::uint8_t> before = search.saved();
    const int invalid = HPCORE_INVALID_ARGUMENT;
    const auto result = [](auto change) {
        static const double one = 1.0;
        hpcore_result out;
        hpcore_result_init(&out, HPCORE_ABI_VERSION);
        out.values = &one;
        out.n_values = 1;
        change(out);
        return out;
    };
    const auto tell = [&](auto change) {
        const hpcore_result out = result(change);
        return hpcore_optimizer_tell_result(opt, 1, &out);
    };
    const auto add = [&](const double* at, std::size_t d) {
        const hpcore_result out = result([](auto&) {});
        return hpcore_optimizer_add(opt, at, d, &out, &trial);
    };
    const double outside[]{0.5, 1.5, 0.5}, missing[]{0.5, nan, 0.5};
    check_all({
        WRONG(hpcore_optimizer_ask(opt, row, 2, &trial), invalid, "d must be 3, got 2"),
        WRONG(hpcore_optimizer_ask_within(opt, 0.0, row, 3, &trial, nullptr), invalid, "deadline_ms"),
        WRONG(hpcore_optimizer_ask_within(opt, nan, row, 3, &trial, nullptr), invalid, "deadline_ms"),
        WRONG(hpcore_optimizer_ask_within(opt, -inf, row, 3, &trial, nullptr), invalid, "deadline_ms"),
        WRONG(hpcore_optimizer_ask_many(opt, 0, inf, row, 3, &trial, nullptr, &n), invalid, "n must be 1"),
        WRONG(hpcore_optimizer_ask_many(opt, huge, inf, row, 3, &trial, nullptr, &n), invalid, "n must be 1"),
        WRONG(hpcore_optimizer_ask_many(opt, 1, inf, row, 4, &trial, nullptr, &n), invalid, "d must be 3"),
        WRONG(hpcore_optimizer_tell(opt, 2, &x, 1), HPCORE_UNKNOWN_TRIAL, "got 2"),
        WRONG(hpcore_optimizer_tell(opt, ~std::uint64_t{0}, &x, 1), HPCORE_UNKNOWN_TRIAL, "trial must be"),
        WRONG(hpcore_optimizer_tell(opt, 0, &x, 1), HPCORE_ALREADY_TOLD, "told already"),
        WRONG(hpcore_optimizer_tell(opt, 1, &not_a_number, 1), invalid, "finite"),
        WRONG(hpcore_optimizer_tell(opt, 1, &infinite, 1), invalid, "finite"),
        WRONG(hpcore_optimizer_tell(opt, 1, two, 2), invalid, "m must be 1, got 2"),
        WRONG(hpcore_optimizer_tell(opt, 1, two, 0), invalid, "m must be 1, got 0"),
        WRONG(hpcore_optimizer_fail(opt, 5), HPCORE_UNKNOWN_TRIAL, "got 5"),
        WRONG(hpcore_optimizer_fail(opt, 0), HPCORE_ALREADY_TOLD, "trial 0"),
        WRONG(hpcore_optimizer_prune(opt, 5), HPCORE_UNKNOWN_TRIAL, "got 5"),
        WRONG(hpcore_optimizer_withdraw(opt, 5), HPCORE_UNKNOWN_TRIAL, "got 5"),
        WRONG(hpcore_optimizer_withdraw(opt, 0), HPCORE_ALREADY_TOLD, "told already"),
        WRONG(hpcore_optimizer_report(opt, 5, 1.0, &x, 1), HPCORE_UNKNOWN_TRIAL, "got 5"),
        WRONG(hpcore_optimizer_report(opt, 0, 1.0, &x, 1), HPCORE_ALREADY_TOLD, "trial 0"),
        WRONG(hpcore_optimizer_report(opt, 1, nan, &x, 1), invalid, "step"),
        WRONG(hpcore_optimizer_report(opt, 1, 1.0, &not_a_number, 1), invalid, "values"),
        WRONG(hpcore_optimizer_report(opt, 1, 1.0, two, 2), invalid, "m must be 1"),
        WRONG(tell([](auto& r) { r.state = HPCORE_RUNNING; }), invalid, "state"),
        WRONG(tell([](auto& r) { r.state = 4; }), invalid, "state"),
        WRONG(tell([](auto& r) { r.state = HPCORE_WITHDRAWN; }), invalid, "state"),
        WRONG(tell([](auto& r) { r.state = HPCORE_FAILED; }), invalid, "left out of a failed trial"),
        WRONG(tell([](auto& r) { r.n_values = 0; }), invalid, "n_values"),
        WRONG(tell([&](auto& r) { r.state = HPCORE_PRUNED, r.values = two, r.n_values = 2; }), invalid, "values"),
        WRONG(tell([&](auto& r) { r.std_errors = &negative, r.n_std_errors = 1; }), invalid, "std_errors"),
        WRONG(tell([&](auto& r) { r.std_errors = two, r.n_std_errors = 2; }), invalid, "std_errors"),
        WRONG(tell([&](auto& r) { r.violations = two, r.n_violations = 2; }), invalid, "violations"),
        WRONG(tell([&](auto& r) { r.violations = &infinite, r.n_violations = 1; }), invalid, "violations"),
        WRONG(tell([](auto& r) { r.cost = -1.0; }), invalid, "cost"),
        WRONG(tell([](auto& r) { r.cost = inf; }), invalid, "cost"),
        WRONG(add(outside, 3), invalid, "within [0, 1]"),
        WRONG(add(missing, 3), invalid, ""),
        WRONG(add(row, 1), invalid, "d must be 3"),
        WRONG(hpcore_optimizer_enqueue(opt, outside, 3), invalid, "within [0, 1]"),
        WRONG(hpcore_optimizer_enqueue(opt, row, huge), invalid, "d must be 3"),
        WRONG(hpcore_optimizer_best(opt, &trial, row, 2, nullptr), HPCORE_INVALID_ARGUMENT, "d must be 3"),
        WRONG(hpcore_optimizer_best(opt, &trial, row, 3, nullptr), HPCORE_NO_RESULT, "no trial"),
        WRONG(hpcore_optimizer_trial(opt, 2, nullptr, nullptr, 0, nullptr, 0), HPCORE_UNKNOWN_TRIAL, "got 2"),
        WRONG(hpcore_optimizer_trial(opt, 0, nullptr, row, 4, nullptr, 0), invalid, "d must be 3"),
        WRONG(hpcore_optimizer_trial(opt, 0, nullptr, nullptr, 0, row, 3), invalid, "m must be 1"),
        WRONG(hpcore_optimizer_predict(opt, 1, row, 1, 3, &x, &x), invalid, "objective must be below 1"),
        WRONG(hpcore_optimizer_predict(opt, 0, row, 0, 3, &x, &x), invalid, "n must be"),
        WRONG(hpcore_optimizer_predict(opt, 0, row, huge, 3, &x, &x), invalid, "n must be"),
        WRONG(hpcore_optimizer_predict(opt, 0, missing, 1, 3, &x, &x), invalid, ""),
    });
    // In a limited search the value of trial 0 is not known to keep the limit.
    CHECK(trial == 77 && n == 77 && x == 1.0 && search.saved() == before);
}

TEST(a_withdrawn_trial_says_nothing) {
    Search search("tpe");
    CHECK(hpcore_optimizer_withdraw(search.optimizer, 1) == HPCORE_OK);
    int state = 0;
    double row[3], value = 0.0;
    const double told = 1.0;
    CHECK(hpcore_optimizer_trial(search.optimizer, 1, &state, row, 3, &value, 1) == HPCORE_OK);
    CHECK(state == HPCORE_WITHDRAWN && std::isnan(value) && row[0] == search.row[0]);
    check_all({
        WRONG(hpcore_optimizer_tell(search.optimizer, 1, &told, 1), HPCORE_ALREADY_TOLD, "trial 1 was withdrawn"),
        WRONG(hpcore_optimizer_withdraw(search.optimizer, 1), HPCORE_ALREADY_TOLD, "trial 1 was withdrawn"),
    });
    CHECK(hpcore_optimizer_ask(search.optimizer, row, 3, &search.trial) == HPCORE_OK && search.trial == 2);
}

TEST(damaged_buffers) {
    Search search;
    const std::vector<std::uint8_t> bytes = search.saved();
    std::uint8_t small[8];
    std::size_t needed = 0;
    check_all({
        WRONG(hpcore_optimizer_save(search.optimizer, small, sizeof small, &needed), HPCORE_BUFFER_TOO_SMALL, "size"),
        WRONG(hpcore_optimizer_save(search.optimizer, nullptr, huge, &needed), HPCORE_BUFFER_TOO_SMALL, "null"),
        WRONG(hpcore_optimizer_load(search.optimizer, bytes.data(), bytes.size()), HPCORE_INVALID_ARGUMENT, "trials"),
    });
    CHECK(needed == bytes.size());
    hpcore_optimizer* fresh = nullptr;
    CHECK(hpcore_optimizer_create(search.space, nullptr, &fresh) == HPCORE_OK);
    // As by somebody who knows the checksum: each word replaced by ones that sizes must not be.
    for (std::size_t at = 8; at + 8 < bytes.size(); at += 8)
        for (const std::uint64_t word :
             {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 61, std::uint64_t{5}}) {
            std::vector<std::uint8_t> changed = bytes;
            for (unsigned i = 0; i < 8; ++i) changed[at + i] = static_cast<std::uint8_t>(word >> (8 * i));
            if (changed == bytes) continue;
            std::uint64_t hash = 0xcbf29ce484222325u;
            for (std::size_t i = 0; i + 8 < changed.size(); ++i) hash = (hash ^ changed[i]) * 0x100000001b3u;
            for (unsigned i = 0; i < 8; ++i)
                changed[changed.size() - 8 + i] = static_cast<std::uint8_t>(hash >> (8 * i));
            const int status = hpcore_optimizer_load(fresh, changed.data(), changed.size());
            CHECK(status == HPCORE_OK || status == HPCORE_DAMAGED || status == HPCORE_WRONG_VERSION);
            // Some other seed, value or row is a search as well.
            if (status == HPCORE_OK) {
                hpcore_optimizer_destroy(fresh);
                CHECK(hpcore_optimizer_create(search.space, nullptr, &fresh) == HPCORE_OK);
            }
        }
    CHECK(hpcore_optimizer_load(fresh, bytes.data(), bytes.size()) == HPCORE_OK);
    std::size_t n = 0;
    CHECK(hpcore_optimizer_n_trials(fresh, &n) == HPCORE_OK && n == 2);
    hpcore_optimizer_destroy(fresh);
}

TEST(a_space_may_change_after_an_optimizer_was_made) {
    Search search;
    CHECK(hpcore_space_add_real(search.space, "more", 0.0, 1.0, 0, 0.0) == HPCORE_OK);
    CHECK(hpcore_optimizer_ask(search.optimizer, search.row.data(), 3, &search.trial) == HPCORE_OK);
    hpcore_space_destroy(search.space);
    search.space = nullptr;
    CHECK(hpcore_optimizer_ask(search.optimizer, search.row.data(), 3, &search.trial) == HPCORE_OK);
}

TEST(inactive_columns_are_read_as_such) {
    hpcore_space* space = nullptr;
    const double second = 1.0;
    hpcore_space_create(HPCORE_ABI_VERSION, &space);
    hpcore_space_add_choice(space, "kind", 2, 0, nullptr);
    hpcore_space_add_real(space, "x", 0.0, 1.0, 0, 0.0);
    hpcore_space_add_integer(space, "n", 1, 9, 0, 1);
    hpcore_space_when_in(space, "x", "kind", &second, 1);
    hpcore_space_when_between(space, "n", "x", 0.5, inf);
    double row[3]{0.25, 0.75, 0.5}, x = 0.0;
    std::int64_t n = 7;
    int active = 9;
    CHECK(hpcore_row_get_real(space, row, 3, 1, &x, &active) == HPCORE_OK && active == 0 && std::isnan(x));
    CHECK(hpcore_row_get_integer(space, row, 3, 2, &n, &active) == HPCORE_OK && active == 0 && n == 0);
    CHECK(hpcore_row_set_choice(space, row, 3, 0, 1) == HPCORE_OK);
    CHECK(hpcore_row_get_real(space, row, 3, 1, &x, &active) == HPCORE_OK && active == 1 && x == 0.75);
    CHECK(hpcore_row_get_integer(space, row, 3, 2, &n, &active) == HPCORE_OK && active == 1 && n == 5);
    // "n" is also active where "kind" is 0.
    const double first = 0.0;
    CHECK(hpcore_row_set_choice(space, row, 3, 0, 0) == HPCORE_OK);
    CHECK(hpcore_row_get_integer(space, row, 3, 2, &n, &active) == HPCORE_OK && active == 0);
    CHECK(hpcore_space_or_when(space, "n") == HPCORE_OK);
    check_all({WRONG(hpcore_row_get_integer(space, row, 3, 2, &n, &active), HPCORE_INVALID_ARGUMENT,
                     "an alternative of 'n' must have")});
    CHECK(hpcore_space_when_in(space, "n", "kind", &first, 1) == HPCORE_OK);
    CHECK(hpcore_row_get_integer(space, row, 3, 2, &n, &active) == HPCORE_OK && active == 1 && n == 5);
    hpcore_space_destroy(space);
}

TEST(threads_come_and_go) {
    Search search("tpe");
    for (int round = 0; round < 10; ++round) {
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&search] {
                double row[3];
                std::uint64_t trial = 0;
                CHECK(hpcore_optimizer_ask(search.optimizer, row, 3, &trial) == HPCORE_OK);
                CHECK(hpcore_optimizer_tell(search.optimizer, trial, row, 1) == HPCORE_OK);
                CHECK(hpcore_optimizer_tell(search.optimizer, trial, row, 1) == HPCORE_ALREADY_TOLD);
                CHECK(std::strlen(hpcore_last_error()) > 0);
            });
        for (std::thread& thread : threads) thread.join();
    }
    std::size_t n = 0;
    CHECK(hpcore_optimizer_n_trials(search.optimizer, &n) == HPCORE_OK && n == 42);
}

}  // namespace
