// Spaces and rows of the C interface.

#include <cmath>
#include <limits>

#include "handles.hpp"

namespace hpcore::capi {

std::shared_ptr<const space::Space> built(hpcore_space* handle) {
    checked(handle, "space");
    const std::lock_guard lock(handle->mutex);
    if (!handle->built) handle->built = std::make_shared<const space::Space>(handle->parameters);
    return handle->built;
}

namespace {

constexpr std::size_t max_choices = 1'000'000;

void add(hpcore_space* handle, space::Parameter parameter) {
    const std::lock_guard lock(handle->mutex);
    for (const space::Parameter& other : handle->parameters)
        if (other.name() == parameter.name()) refuse("name must be a new one, '" + parameter.name() + "' is there");
    handle->parameters.push_back(std::move(parameter));
    handle->built.reset();
}

template <class Change>
void change(hpcore_space* handle, const char* name, Change changed) {
    const std::string_view child = checked_name(name, "name");
    const std::lock_guard lock(handle->mutex);
    for (space::Parameter& parameter : handle->parameters) {
        if (parameter.name() != child) continue;
        space::Parameter other = changed(parameter);
        std::swap(parameter, other);
        handle->built.reset();
        return;
    }
    refuse("name must be that of a parameter, got '" + std::string(child) + "'");
}

void restrict(hpcore_space* handle, const char* name, space::When condition) {
    change(handle, name, [&](const space::Parameter& parameter) { return when(parameter, std::move(condition)); });
}

// A whole number as such: indices of choices are never doubles.
space::Number number(double x) {
    if (x >= -0x1p63 && x < 0x1p63 && x == std::floor(x)) return static_cast<std::int64_t>(x);
    return x;
}

std::optional<double> bound(double x, double none) {
    if (x == none) return std::nullopt;
    return x;
}

std::optional<double> step_of(double step) {
    return bound(step, 0.0);
}

struct Place {
    std::shared_ptr<const space::Space> space;
    const space::Column* column;
};

Place place(hpcore_space* handle, std::size_t d, std::size_t column, space::Kind kind) {
    auto space = built(handle);
    check_size(d, space->size(), "d");
    if (column >= d) refuse("column must be below " + std::to_string(d) + ", got " + std::to_string(column));
    const space::Column& found = space->codec()->column(column);
    if (found.kind != kind) {
        constexpr const char* kinds[] = {"a real", "an integer", "a choice"};
        refuse("column " + std::to_string(column) + ", '" + space->names()[column] + "', is " +
               kinds[static_cast<std::size_t>(found.kind)] + ", not " + kinds[static_cast<std::size_t>(kind)]);
    }
    return {std::move(space), &found};
}

space::Value value_at(hpcore_space* handle, const double* row, std::size_t d, std::size_t column, space::Kind kind) {
    const Place at = place(handle, d, column, kind);
    checked(row, "row");
    std::vector<space::Value> values(d);
    at.space->codec()->decode({row, d}, values);
    return values[column];
}

}  // namespace
}  // namespace hpcore::capi

using namespace hpcore::capi;
namespace space = hpcore::space;

int hpcore_space_create(int abi_version, hpcore_space** out) {
    return guarded([&] {
        check_version(abi_version);
        hpcore_space*& handle = checked(out, "space");
        handle = std::make_unique<hpcore_space>().release();
    });
}

void hpcore_space_destroy(hpcore_space* handle) {
    const std::unique_ptr<hpcore_space> owned(handle);
}

int hpcore_space_add_real(hpcore_space* handle, const char* name, double low, double high, int log, double step) {
    return guarded([&] {
        checked(handle, "space");
        add(handle, space::real(std::string(checked_name(name, "name")), low, high,
                                {.log = checked_flag(log, "log"), .step = step_of(step)}));
    });
}

int hpcore_space_add_integer(hpcore_space* handle, const char* name, int64_t low, int64_t high, int log, int64_t step) {
    return guarded([&] {
        checked(handle, "space");
        add(handle, space::integer(std::string(checked_name(name, "name")), low, high,
                                   {.log = checked_flag(log, "log"), .step = step}));
    });
}

int hpcore_space_add_choice(hpcore_space* handle, const char* name, size_t n, int ordered, const double* weights) {
    return guarded([&] {
        checked(handle, "space");
        if (n == 0 || n > max_choices) refuse("n must be 1 to 1,000,000, got " + std::to_string(n));
        space::ChoiceOptions options{.ordered = checked_flag(ordered, "ordered")};
        if (weights != nullptr) options.weights.assign(weights, weights + n);
        add(handle, space::choice(std::string(checked_name(name, "name")), n, options));
    });
}

int hpcore_space_add_normal(hpcore_space* handle, const char* name, double mean, double std, double low, double high,
                            int log, double step) {
    return guarded([&] {
        checked(handle, "space");
        constexpr double inf = std::numeric_limits<double>::infinity();
        add(handle, space::normal(std::string(checked_name(name, "name")), mean, std,
                                  {.low = bound(low, -inf),
                                   .high = bound(high, inf),
                                   .log = checked_flag(log, "log"),
                                   .step = step_of(step)}));
    });
}

int hpcore_space_when_in(hpcore_space* handle, const char* name, const char* parent, const double* values, size_t n) {
    return guarded([&] {
        checked(handle, "space");
        if (n == 0 || n > max_choices) refuse("n must be 1 to 1,000,000, got " + std::to_string(n));
        checked_array(values, n, "values");
        space::When condition{.parent = std::string(checked_name(parent, "parent"))};
        for (std::size_t i = 0; i < n; ++i) condition.values.push_back(number(values[i]));
        restrict(handle, name, std::move(condition));
    });
}

int hpcore_space_when_between(hpcore_space* handle, const char* name, const char* parent, double low, double high) {
    return guarded([&] {
        checked(handle, "space");
        constexpr double inf = std::numeric_limits<double>::infinity();
        space::When condition{.parent = std::string(checked_name(parent, "parent"))};
        if (low != -inf) condition.at_least = number(low);
        if (high != inf) condition.at_most = number(high);
        restrict(handle, name, std::move(condition));
    });
}

int hpcore_space_or_when(hpcore_space* handle, const char* name) {
    return guarded([&] {
        checked(handle, "space");
        change(handle, name, [](const space::Parameter& parameter) { return or_when(parameter); });
    });
}

int hpcore_space_size(hpcore_space* handle, size_t* d) {
    return guarded([&] {
        checked(handle, "space");
        const std::lock_guard lock(handle->mutex);
        checked(d, "d") = handle->parameters.size();
    });
}

int hpcore_space_find(hpcore_space* handle, const char* name, size_t* column) {
    return guarded([&] {
        checked(handle, "space");
        const std::string_view wanted = checked_name(name, "name");
        const std::lock_guard lock(handle->mutex);
        for (std::size_t j = 0; j < handle->parameters.size(); ++j)
            if (handle->parameters[j].name() == wanted) {
                checked(column, "column") = j;
                return;
            }
        refuse("name must be that of a parameter, got '" + std::string(wanted) + "'");
    });
}

int hpcore_space_column(hpcore_space* handle, size_t column, int* kind, uint64_t* n_levels) {
    return guarded([&] {
        const auto space = built(handle);
        if (column >= space->size())
            refuse("column must be below " + std::to_string(space->size()) + ", got " + std::to_string(column));
        const space::Column& found = space->codec()->column(column);
        if (kind != nullptr) *kind = static_cast<int>(found.kind);
        if (n_levels != nullptr)
            *n_levels = !found.gridded                                            ? 0
                        : found.last == std::numeric_limits<std::uint64_t>::max() ? found.last
                                                                                  : found.last + 1;
    });
}

int hpcore_row_get_real(hpcore_space* handle, const double* row, size_t d, size_t column, double* value, int* active) {
    return guarded([&] {
        const space::Value found = value_at(handle, row, d, column, space::Kind::real);
        checked(value, "value") = found.active ? found.real : std::numeric_limits<double>::quiet_NaN();
        if (active != nullptr) *active = found.active;
    });
}

int hpcore_row_get_integer(hpcore_space* handle, const double* row, size_t d, size_t column, int64_t* value,
                           int* active) {
    return guarded([&] {
        const space::Value found = value_at(handle, row, d, column, space::Kind::integer);
        checked(value, "value") = found.active ? found.whole : 0;
        if (active != nullptr) *active = found.active;
    });
}

int hpcore_row_get_choice(hpcore_space* handle, const double* row, size_t d, size_t column, size_t* index,
                          int* active) {
    return guarded([&] {
        const space::Value found = value_at(handle, row, d, column, space::Kind::choice);
        checked(index, "index") = found.active ? static_cast<std::size_t>(found.whole) : 0;
        if (active != nullptr) *active = found.active;
    });
}

int hpcore_row_set_real(hpcore_space* handle, double* row, size_t d, size_t column, double value) {
    return guarded([&] {
        const Place at = place(handle, d, column, space::Kind::real);
        checked(row, "row");
        if (!(value >= at.column->low && value <= at.column->high))
            refuse("value of '" + at.space->names()[column] + "' must be within its bounds, got " +
                   std::to_string(value));
        row[column] = at.space->codec()->encode_real(column, value);
    });
}

int hpcore_row_set_integer(hpcore_space* handle, double* row, size_t d, size_t column, int64_t value) {
    return guarded([&] {
        const Place at = place(handle, d, column, space::Kind::integer);
        checked(row, "row");
        const space::Column& c = *at.column;
        const auto above = static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(c.whole_low);
        if (value < c.whole_low || above % c.whole_step != 0 || above / c.whole_step > c.last)
            refuse("value of '" + at.space->names()[column] + "' must be one of its values, got " +
                   std::to_string(value));
        row[column] = at.space->codec()->encode_whole(column, value);
    });
}

int hpcore_row_set_choice(hpcore_space* handle, double* row, size_t d, size_t column, size_t index) {
    return guarded([&] {
        const Place at = place(handle, d, column, space::Kind::choice);
        checked(row, "row");
        if (index > at.column->last)
            refuse("index of '" + at.space->names()[column] + "' must be at most " + std::to_string(at.column->last) +
                   ", got " + std::to_string(index));
        row[column] = at.space->codec()->encode_whole(column, static_cast<std::int64_t>(index));
    });
}
