// The library as a whole: its version, the last error of a thread, linear algebra.

#include <cstring>
#include <new>

#include "handles.hpp"
#include "hpcore/errors.hpp"
#include "hpcore/linalg/default.hpp"
#include "hpcore/version.hpp"

namespace hpcore::capi {

namespace {

// Plain bytes: noting an error must not need memory, nor must the end of a thread.
thread_local char last_error[1024] = "";

hpcore_status note(hpcore_status status, const char* text) noexcept {
    std::strncpy(last_error, text, sizeof last_error - 1);
    last_error[sizeof last_error - 1] = '\0';
    return status;
}

std::mutex lapack_mutex;
std::optional<linalg::Lapack> lent;  // null: those of the build

}  // namespace

hpcore_status noted() noexcept {
    try {
        throw;
    } catch (const Refused& error) {
        return note(error.status(), error.what());
    } catch (const UnknownTrial& error) {
        return note(HPCORE_UNKNOWN_TRIAL, error.what());
    } catch (const NotRunning& error) {
        return note(HPCORE_ALREADY_TOLD, error.what());
    } catch (const SpaceExhausted& error) {
        return note(HPCORE_EXHAUSTED, error.what());
    } catch (const NoResult& error) {
        return note(HPCORE_NO_RESULT, error.what());
    } catch (const Damaged& error) {
        return note(HPCORE_DAMAGED, error.what());
    } catch (const LaterVersion& error) {
        return note(HPCORE_WRONG_VERSION, error.what());
    } catch (const NotPositiveDefinite& error) {
        return note(HPCORE_NUMERICAL, error.what());
    } catch (const std::invalid_argument& error) {
        return note(HPCORE_INVALID_ARGUMENT, error.what());
    } catch (const std::bad_alloc&) {
        return note(HPCORE_OUT_OF_MEMORY, "there is not enough memory");
    } catch (const std::length_error&) {
        return note(HPCORE_OUT_OF_MEMORY, "there is not enough memory: something is longer than memory can be");
    } catch (const std::exception& error) {
        return note(HPCORE_INTERNAL, error.what());
    } catch (...) {
        return note(HPCORE_INTERNAL, "an exception of an unknown type");
    }
}

std::string_view checked_name(const char* text, const char* argument) {
    checked(text, argument);
    const void* end = std::memchr(text, '\0', 513);
    if (end == nullptr || end == text) refuse(std::string(argument) + " must have 1 to 512 bytes");
    return {text, static_cast<std::size_t>(static_cast<const char*>(end) - text)};
}

linalg::Lapack current_lapack() {
    const std::lock_guard lock(lapack_mutex);
    if (lent) return *lent;
    try {
        return linalg::default_lapack();
    } catch (const std::logic_error& error) {
        refuse(std::string(error.what()) + ", by hpcore_set_lapack");
    }
}

}  // namespace hpcore::capi

using namespace hpcore::capi;

int hpcore_abi_version(void) {
    return HPCORE_ABI_VERSION;
}

const char* hpcore_version(void) {
    return hpcore::version;
}

const char* hpcore_last_error(void) {
    return last_error;
}

const char* hpcore_status_name(int status) {
    constexpr const char* names[] = {"ok",        "invalid argument", "unknown trial", "already told",  "exhausted",
                                     "no result", "buffer too small", "damaged",       "wrong version", "out of memory",
                                     "numerical", "internal"};
    return status >= 0 && status < static_cast<int>(std::size(names)) ? names[status] : "unknown";
}

const char* hpcore_level_name(int level) {
    // Those of hpcore/samplers/ladder.py.
    constexpr const char* names[] = {"full", "reuse", "search", "draft", "earlier_ranking", "tpe", "sobol", "random"};
    return level >= 0 && level < static_cast<int>(std::size(names)) ? names[level] : "unknown";
}

int hpcore_set_lapack(const hpcore_lapack* lapack) {
    return guarded([&] {
        std::optional<hpcore::linalg::Lapack> table;
        if (lapack != nullptr) {
            check_struct(lapack->struct_size, sizeof(hpcore_lapack), "lapack");
            table.emplace();
            table->dpotrf = &checked(lapack->dpotrf, "dpotrf");
            table->dpotri = &checked(lapack->dpotri, "dpotri");
            table->dtrsv = &checked(lapack->dtrsv, "dtrsv");
            table->dtrsm = &checked(lapack->dtrsm, "dtrsm");
        }
        const std::lock_guard lock(lapack_mutex);
        lent = table;
    });
}
