/* hpcore: hyperparameter optimisation by ask and tell, for C and every language that calls C. C11. */
#ifndef HPCORE_H
#define HPCORE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#if defined(HPCORE_BUILDING)
#define HPCORE_API __declspec(dllexport)
#else
#define HPCORE_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define HPCORE_API __attribute__((visibility("default")))
#else
#define HPCORE_API
#endif

/* Version of this interface. It rises when a program that was compiled with an earlier header would no longer work. */
#define HPCORE_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

/* HPCORE_ABI_VERSION of the library. */
HPCORE_API int hpcore_abi_version(void);
/* "0.1.0", a text that is valid as long as the library is loaded. */
HPCORE_API const char* hpcore_version(void);

#ifdef __cplusplus
}
#endif

#endif
