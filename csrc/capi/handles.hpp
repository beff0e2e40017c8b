#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hpcore.h"
#include "hpcore/linalg/lapack.hpp"
#include "hpcore/optimizer.hpp"
#include "hpcore/space/space.hpp"

// What handles of the C interface point to.

struct hpcore_space {
    std::mutex mutex{};
    std::vector<hpcore::space::Parameter> parameters{};
    // Made of the parameters on first use, null after each change.
    std::shared_ptr<const hpcore::space::Space> built{};
};

struct hpcore_optimizer {
    hpcore::linalg::Lapack lapack{};  // of this optimizer, whatever is set later
    std::unique_ptr<hpcore::Optimizer> core{};
};

namespace hpcore::capi {

// A status other than that of the exception's type.
class Refused : public std::exception {
  public:
    Refused(hpcore_status status, std::string text) : status_(status), text_(std::move(text)) {}
    hpcore_status status() const { return status_; }
    const char* what() const noexcept override { return text_.c_str(); }

  private:
    hpcore_status status_;
    std::string text_;
};

// Note the exception that is being handled as the thread's last error, and return its status.
hpcore_status noted() noexcept;

// Run a function of the interface: no exception leaves it.
template <class Run>
int guarded(const Run& run) noexcept {
    try {
        run();
        return HPCORE_OK;
    } catch (...) {
        return noted();
    }
}

[[noreturn]] inline void refuse(std::string text) {
    throw Refused(HPCORE_INVALID_ARGUMENT, std::move(text));
}

template <class T>
T& checked(T* pointer, const char* name) {
    if (pointer == nullptr) refuse(std::string(name) + " must not be null");
    return *pointer;
}

// An array that may be null if it is empty.
template <class T>
T* checked_array(T* pointer, std::size_t n, const char* name) {
    if (pointer == nullptr && n > 0) refuse(std::string(name) + " must not be null");
    return pointer;
}

inline bool checked_flag(int flag, const char* name) {
    if (flag != 0 && flag != 1) refuse(std::string(name) + " must be 0 or 1, got " + std::to_string(flag));
    return flag == 1;
}

inline void check_size(std::size_t got, std::size_t wanted, const char* name) {
    if (got != wanted)
        refuse(std::string(name) + " must be " + std::to_string(wanted) + ", got " + std::to_string(got));
}

inline void check_version(int version) {
    if (version != HPCORE_ABI_VERSION)
        throw Refused(HPCORE_WRONG_VERSION, "abi_version must be that of the library, " +
                                                std::to_string(HPCORE_ABI_VERSION) + ", got " +
                                                std::to_string(version));
}

inline void check_struct(std::size_t size, std::size_t wanted, const char* name) {
    if (size != wanted)
        throw Refused(HPCORE_WRONG_VERSION, std::string(name) + " must be initialised, with struct_size " +
                                                std::to_string(wanted) + ", got " + std::to_string(size));
}

// A name of 1 to 512 bytes.
std::string_view checked_name(const char* text, const char* argument);

// The space of the parameters that were added. Throws std::invalid_argument if they make none.
std::shared_ptr<const space::Space> built(hpcore_space* space);

// The routines that new optimizers take.
linalg::Lapack current_lapack();

}  // namespace hpcore::capi
