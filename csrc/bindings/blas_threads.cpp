#include "blas_threads.hpp"

#if __has_include(<pthread.h>)
#include <pthread.h>
#define HPCORE_FORKS 1
#endif

#include <cstdint>
#include <mutex>
#include <new>
#include <string>
#include <vector>

namespace hpcore::bindings {
namespace {

namespace py = pybind11;

struct Switch {
    void (*set)(int);
    int (*get)();
    int found;  // threads before the first scope
};

std::mutex& mutex() {
    static std::mutex m;
    return m;
}

std::vector<Switch>& switches() {
    static std::vector<Switch> s;
    return s;
}

int scopes = 0;
// Those of this thread, which live on in a child that it forks: a count of what it is doing, and no scratch.
thread_local int own_scopes = 0;
// In a forked child: the numbers of threads are still those of a scope whose thread stayed behind.
bool left_set = false;

#ifdef HPCORE_FORKS
// Nobody else holds the mutex while a process forks, so that its child finds it free.
void before_fork() {
    mutex().lock();
}

void in_parent() {
    mutex().unlock();
}

// Only the thread that forked lives on, and with it only its own scopes.
void in_child() {
    left_set = left_set || (scopes > 0 && own_scopes == 0);
    scopes = own_scopes;
    mutex().unlock();
}

// Once a process, and not again in its children.
bool watch_forks() {
    return pthread_atfork(before_fork, in_parent, in_child) == 0;
}
#else
bool watch_forks() {
    return true;
}
#endif

// The address of a function of a loaded library, or null.
void* symbol(const py::object& library, const std::string& name) {
    const py::module_ ctypes = py::module_::import("ctypes");
    if (!py::hasattr(library, name.c_str())) return nullptr;
    const py::object address = ctypes.attr("cast")(library.attr(name.c_str()), ctypes.attr("c_void_p")).attr("value");
    return reinterpret_cast<void*>(address.cast<std::uintptr_t>());
}

}  // namespace

OneBlasThread::OneBlasThread() {
    const std::lock_guard<std::mutex> lock(mutex());
    ++own_scopes;
    if (scopes++ > 0) return;
    for (Switch& s : switches()) {
        if (!left_set) s.found = s.get();
        if (s.found != 1) s.set(1);
    }
    left_set = false;
}

OneBlasThread::~OneBlasThread() {
    const std::lock_guard<std::mutex> lock(mutex());
    --own_scopes;
    if (--scopes > 0) return;
    for (const Switch& s : switches())
        if (s.found != 1) s.set(s.found);
}

void find_blas_threads() {
    static const bool watched = watch_forks();
    if (!watched) throw std::bad_alloc();  // the only way in which it fails
    // NumPy's wheels bring a BLAS of their own, which is none of our business.
    std::vector<std::string> paths, others;
    for (const py::handle info : py::module_::import("threadpoolctl").attr("threadpool_info")()) {
        if (info["user_api"].cast<std::string>() != "blas") continue;
        const auto path = info["filepath"].cast<std::string>();
        (path.find("scipy.libs") != std::string::npos ? paths : others).push_back(path);
    }
    const std::vector<std::pair<std::string, std::string>> names{
        {"scipy_openblas_set_num_threads", "scipy_openblas_get_num_threads"},
        {"openblas_set_num_threads", "openblas_get_num_threads"},
        {"MKL_Set_Num_Threads", "MKL_Get_Max_Threads"}};
    std::vector<Switch> found;
    for (const std::string& path : paths.empty() ? others : paths) {
        const py::object library = py::module_::import("ctypes").attr("CDLL")(path);
        for (const auto& [set_name, get_name] : names) {
            void* set = symbol(library, set_name);
            void* get = symbol(library, get_name);
            if (set == nullptr || get == nullptr) continue;
            found.push_back({reinterpret_cast<void (*)(int)>(set), reinterpret_cast<int (*)()>(get), 1});
            break;
        }
    }
    const std::lock_guard<std::mutex> lock(mutex());
    if (scopes == 0 && !left_set) switches() = std::move(found);
}

}  // namespace hpcore::bindings
