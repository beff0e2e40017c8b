/* hpcore: hyperparameter optimisation by ask and tell, for C and every language that calls C. C11.
 *
 *     hpcore_space* space;
 *     hpcore_space_create(HPCORE_ABI_VERSION, &space);
 *     hpcore_space_add_real(space, "lr", 1e-5, 1.0, 1, 0.0);
 *     hpcore_optimizer* optimizer;
 *     hpcore_optimizer_create(space, NULL, &optimizer);
 *     for (int i = 0; i < 50; ++i) {
 *         double row[1], lr, loss;
 *         uint64_t trial;
 *         hpcore_optimizer_ask(optimizer, row, 1, &trial);
 *         hpcore_row_get_real(space, row, 1, 0, &lr, NULL);
 *         loss = train(lr);
 *         hpcore_optimizer_tell(optimizer, trial, &loss, 1);
 *     }
 *
 * Status. Functions return an hpcore_status, HPCORE_OK being 0, unless they say otherwise. After another one the text
 * of hpcore_last_error() says which argument is wrong and why, and nothing has changed: neither the handle, nor what
 * pointers point to. No C++ exception leaves the library, and wrong values of arguments, null pointers among them, are
 * a status. A pointer that is neither null nor valid is not noticed.
 *
 * Ownership. A handle belongs to the caller from its ..._create to its ..._destroy. An optimizer has its own copy of
 * the space and of the options, which may be destroyed before it. All other memory is the caller's and is only used
 * during the call, but for texts that functions return, which are valid as their comments say.
 *
 * Threads. Every handle may be used from several threads; calls with the same handle wait for each other, and calls
 * with different handles do not. A handle must not be destroyed during a call with it. Threads of the caller may come
 * and go. The library starts none.
 *
 * Rows. A point is a row of d doubles, a column a parameter in the order in which they were added: coordinates of the
 * unit cube [0, 1], uniform under the parameters' distributions, and NaN where a condition makes a column inactive.
 * hpcore_row_get_... and hpcore_row_set_... are the way between a row and values of parameters; no value is lost on it.
 *
 * Proposals are a function of the space, the sampler, the seed and the results, to the last bit, and the same as those
 * of hpcore.Optimizer in Python, as long as the library uses its own linear algebra (hpcore_set_lapack), which matters
 * to the Gaussian process alone. In Python, sampler "auto" gives later trials to CMA-ES or a search by gradients, which
 * are not part of this library; here these are TPE's.
 */
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

typedef struct hpcore_space hpcore_space;
typedef struct hpcore_optimizer hpcore_optimizer;

typedef enum hpcore_status {
    HPCORE_OK = 0,
    HPCORE_INVALID_ARGUMENT = 1, /* the text says which, what is allowed, and the value */
    HPCORE_UNKNOWN_TRIAL = 2,    /* there is no trial of that number */
    HPCORE_ALREADY_TOLD = 3,     /* the trial is not running any more */
    HPCORE_EXHAUSTED = 4,        /* every point of the space has been proposed */
    HPCORE_NO_RESULT = 5,        /* no trial has what is asked for, yet */
    HPCORE_BUFFER_TOO_SMALL = 6, /* the size that is needed has been written */
    HPCORE_DAMAGED = 7,          /* bytes that are no saved search, or that of another space */
    HPCORE_WRONG_VERSION = 8,    /* the caller's header, or a saved search, is of another version */
    HPCORE_OUT_OF_MEMORY = 9,
    HPCORE_NUMERICAL = 10, /* a matrix that should have had a factor has none */
    HPCORE_INTERNAL = 11   /* a defect of the library */
} hpcore_status;

typedef enum hpcore_kind { HPCORE_REAL = 0, HPCORE_INTEGER = 1, HPCORE_CHOICE = 2 } hpcore_kind;

typedef enum hpcore_state {
    HPCORE_RUNNING = 0,
    HPCORE_COMPLETE = 1,
    HPCORE_PRUNED = 2, /* stopped early; its values, if any, are estimates */
    HPCORE_FAILED = 3,
    HPCORE_WITHDRAWN = 5 /* says nothing of its point; 4 is not used in this library */
} hpcore_state;

/* How a proposal was reached; all but the first only under a deadline, or where proposals repeated known points. */
typedef enum hpcore_level {
    HPCORE_LEVEL_FULL = 0,            /* what is proposed without a deadline */
    HPCORE_LEVEL_REUSE = 1,           /* Gaussian process: hyperparameters of an earlier fit */
    HPCORE_LEVEL_SEARCH = 2,          /* Gaussian process: a shorter search, too */
    HPCORE_LEVEL_DRAFT = 3,           /* Gaussian process: the model's cheapest suggestion */
    HPCORE_LEVEL_EARLIER_RANKING = 4, /* TPE with several objectives or limits: the order of an earlier call */
    HPCORE_LEVEL_TPE = 5,             /* "auto": no time for a Gaussian process */
    HPCORE_LEVEL_SOBOL = 6,           /* no time for a model: a point of an even sequence */
    HPCORE_LEVEL_RANDOM = 7           /* a random point */
} hpcore_level;

/* --- the library ------------------------------------------------------------------------------------------------ */

/* HPCORE_ABI_VERSION of the library. */
HPCORE_API int hpcore_abi_version(void);
/* The release, such as "0.1.0"; valid for ever. */
HPCORE_API const char* hpcore_version(void);
/* What went wrong in this thread's last call that failed; empty if none did. Valid until the thread's next call that
 * fails. */
HPCORE_API const char* hpcore_last_error(void);
/* Names such as "invalid argument", "full"; "unknown" for another number. Valid for ever. */
HPCORE_API const char* hpcore_status_name(int status);
HPCORE_API const char* hpcore_level_name(int level);

/* The routines of BLAS and LAPACK that the Gaussian process calls, Fortran's with 32-bit integers. */
typedef struct hpcore_lapack {
    size_t struct_size; /* sizeof(hpcore_lapack) */
    void (*dpotrf)(char* uplo, int* n, double* a, int* lda, int* info);
    void (*dpotri)(char* uplo, int* n, double* a, int* lda, int* info);
    void (*dtrsv)(char* uplo, char* trans, char* diag, int* n, double* a, int* lda, double* x, int* incx);
    void (*dtrsm)(char* side, char* uplo, char* trans, char* diag, int* m, int* n, double* alpha, double* a, int* lda,
                  double* b, int* ldb);
} hpcore_lapack;

/* Use other routines than the library's own in optimizers that are created from now on, or, if null, its own again. The
 * routines must stay valid as long as these optimizers, and may be called from any thread that calls the library. Those
 * that split their work among threads round otherwise with every number of them: proposals are the same to the last bit
 * where they use one. */
HPCORE_API int hpcore_set_lapack(const hpcore_lapack* lapack);

/* --- spaces ------------------------------------------------------------------------------------------------------ */

/* A space without parameters. abi_version is HPCORE_ABI_VERSION. */
HPCORE_API int hpcore_space_create(int abi_version, hpcore_space** space);
/* Null is allowed. */
HPCORE_API void hpcore_space_destroy(hpcore_space* space);

/* Add a parameter: the next column. Names have 1 to 512 bytes of UTF-8, and none is there twice.
 * real: low <= high; `log`, 0 or 1: uniform in the logarithm, low > 0; step > 0 puts it on a grid from low, 0 does not.
 */
HPCORE_API int hpcore_space_add_real(hpcore_space* space, const char* name, double low, double high, int log,
                                     double step);
/* integer: low <= high, both included; log needs low >= 1; step >= 1. */
HPCORE_API int hpcore_space_add_integer(hpcore_space* space, const char* name, int64_t low, int64_t high, int log,
                                        int64_t step);
/* choice: one of n, 1 to 1,000,000, by index; `ordered`, 0 or 1: neighbours are alike; weights (n,) > 0, or null for
 * equal ones. */
HPCORE_API int hpcore_space_add_choice(hpcore_space* space, const char* name, size_t n, int ordered,
                                       const double* weights);
/* normal: mean and std of the value or, with log, of its logarithm; low and high are bounds of the value, -INFINITY and
 * INFINITY stand for none; step as for a real. */
HPCORE_API int hpcore_space_add_normal(hpcore_space* space, const char* name, double mean, double std, double low,
                                       double high, int log, double step);

/* Make a parameter active only where another one, its parent, has one of n >= 1 values: integers, indices of a choice,
 * or values of a real on a grid. Several conditions must hold together, those since hpcore_space_or_when. Whether they
 * make sense is said when the space is used first. */
HPCORE_API int hpcore_space_when_in(hpcore_space* space, const char* name, const char* parent, const double* values,
                                    size_t n);
/* The same for bounds, both included; -INFINITY or INFINITY for none. A choice needs an order for them. */
HPCORE_API int hpcore_space_when_between(hpcore_space* space, const char* name, const char* parent, double low,
                                         double high);
/* Begin an alternative: the parameter is active where all conditions before this call hold, or all conditions that are
 * added after it, up to the next call. Either must be one or more. */
HPCORE_API int hpcore_space_or_when(hpcore_space* space, const char* name);

/* Number of columns. */
HPCORE_API int hpcore_space_size(hpcore_space* space, size_t* d);
/* The column of a name. */
HPCORE_API int hpcore_space_find(hpcore_space* space, const char* name, size_t* column);
/* The kind of a column, an hpcore_kind, and the number of its levels: 0 if it is continuous, and 2^64 - 1 for 2^64 of
 * them. Either may be null. */
HPCORE_API int hpcore_space_column(hpcore_space* space, size_t column, int* kind, uint64_t* n_levels);

/* The value at a column of a row (d,): a real's, an integer's, the index of a choice. `active`, which may be null, is
 * set to 0 where the column is inactive, and the value to NaN or 0; else to 1. */
HPCORE_API int hpcore_row_get_real(hpcore_space* space, const double* row, size_t d, size_t column, double* value,
                                   int* active);
HPCORE_API int hpcore_row_get_integer(hpcore_space* space, const double* row, size_t d, size_t column, int64_t* value,
                                      int* active);
HPCORE_API int hpcore_row_get_choice(hpcore_space* space, const double* row, size_t d, size_t column, size_t* index,
                                     int* active);
/* Set the coordinate of a value in a row (d,). A real on a grid becomes its nearest value. */
HPCORE_API int hpcore_row_set_real(hpcore_space* space, double* row, size_t d, size_t column, double value);
HPCORE_API int hpcore_row_set_integer(hpcore_space* space, double* row, size_t d, size_t column, int64_t value);
HPCORE_API int hpcore_row_set_choice(hpcore_space* space, double* row, size_t d, size_t column, size_t index);

/* --- optimizers -------------------------------------------------------------------------------------------------- */

/* Options of an optimizer. hpcore_options_init sets all of them to their defaults. */
typedef struct hpcore_options {
    size_t struct_size;
    int abi_version;
    const char* sampler; /* "gp", "tpe", "sobol", "random" or "auto" (the default) */
    uint64_t seed_low;   /* the 128 bits of the seed; 0 by default */
    uint64_t seed_high;
    size_t n_objectives;     /* 1 (the default) to 64 */
    const int* maximize;     /* (n_objectives,), not 0 where higher is better; null: lower is */
    size_t n_limits;         /* limits that results say their distance from; 0 (the default) to 1000 */
    size_t repeats;          /* times that a point of a finite space is proposed; 1 by default */
    int per_cost;            /* 1: weigh results by their cost, 0: do not, -1 (default): if a cost is told */
    int64_t n_startup;       /* "gp", "tpe": results before the model takes over; -1 (default) is the sampler's rule */
    int64_t n_candidates;    /* "tpe": points that one proposal is chosen among, at least 8; -1 is its rule */
    const char* acquisition; /* "gp": "log_ei", "noisy_log_ei", "ucb", "pi", "thompson"; null is its rule, "log_ei" */
    double trial_seconds;    /* "auto": what an evaluation takes, approximately; INFINITY (default) if long */
} hpcore_options;

HPCORE_API int hpcore_options_init(hpcore_options* options, int abi_version);

/* An optimizer of a space with one parameter or more; null options are the defaults. An option of another sampler is an
 * invalid argument. */
HPCORE_API int hpcore_optimizer_create(hpcore_space* space, const hpcore_options* options,
                                       hpcore_optimizer** optimizer);
/* Null is allowed. */
HPCORE_API void hpcore_optimizer_destroy(hpcore_optimizer* optimizer);

/* The next point to evaluate, a row (d,), and the number of its trial. */
HPCORE_API int hpcore_optimizer_ask(hpcore_optimizer* optimizer, double* row, size_t d, uint64_t* trial);
/* The same within a time in milliseconds > 0, which waiting for other threads counts towards: when it is over before
 * the call of another thread with this handle ends, the proposal is the cheapest, but comes after that call. level,
 * which may be null, is the hpcore_level that was reached. */
HPCORE_API int hpcore_optimizer_ask_within(hpcore_optimizer* optimizer, double deadline_ms, double* row, size_t d,
                                           uint64_t* trial, int* level);
/* n points at once, 1 to 1,000,000, rows (n, d), numbers (n,) and levels (n,), which may be null; deadline_ms is
 * INFINITY for none. n_asked is less than n only if the space has no more points. */
HPCORE_API int hpcore_optimizer_ask_many(hpcore_optimizer* optimizer, size_t n, double deadline_ms, double* rows,
                                         size_t d, uint64_t* trials, int* levels, size_t* n_asked);

/* What a trial came to. hpcore_result_init sets a complete trial without values; null, 0 and NaN: not told. */
typedef struct hpcore_result {
    size_t struct_size;
    int state;            /* HPCORE_COMPLETE, HPCORE_PRUNED or HPCORE_FAILED */
    const double* values; /* (m,) finite; a pruned trial may have none: then those of its newest report count */
    size_t n_values;
    const double* std_errors; /* (m,) of the values, at least 0, NaN where not known */
    size_t n_std_errors;
    const double* violations; /* (k,) distance beyond each limit, at most 0 keeps it, NaN where not known */
    size_t n_violations;
    double cost; /* at least 0, in any unit */
} hpcore_result;

HPCORE_API int hpcore_result_init(hpcore_result* result, int abi_version);

/* End a running trial with its values (m,), finite and in the user's own sign. */
HPCORE_API int hpcore_optimizer_tell(hpcore_optimizer* optimizer, uint64_t trial, const double* values, size_t m);
/* End it as failed: the evaluation gave no number. */
HPCORE_API int hpcore_optimizer_fail(hpcore_optimizer* optimizer, uint64_t trial);
/* End it as stopped early, with its newest report as estimate, if it has one. */
HPCORE_API int hpcore_optimizer_prune(hpcore_optimizer* optimizer, uint64_t trial);
/* End it without a word on its point, because its machine was lost or a user stopped it: it keeps its number, counts
 * neither as running nor as failed, no sampler learns from it, and its point may be proposed again. */
HPCORE_API int hpcore_optimizer_withdraw(hpcore_optimizer* optimizer, uint64_t trial);
/* End it with a result. */
HPCORE_API int hpcore_optimizer_tell_result(hpcore_optimizer* optimizer, uint64_t trial, const hpcore_result* result);
/* Report the values (m,) of a running trial at a step: an epoch, a fold. */
HPCORE_API int hpcore_optimizer_report(hpcore_optimizer* optimizer, uint64_t trial, double step, const double* values,
                                       size_t m);
/* Add a result that is known from elsewhere, at a row (d,) with numbers in its active columns; trial may be null. */
HPCORE_API int hpcore_optimizer_add(hpcore_optimizer* optimizer, const double* row, size_t d,
                                    const hpcore_result* result, uint64_t* trial);
/* Let the next ask propose a row (d,); NaN where it is free to choose, at random. */
HPCORE_API int hpcore_optimizer_enqueue(hpcore_optimizer* optimizer, const double* row, size_t d);

/* The best trial: complete, and within all limits; of one objective. row (d,) and value may be null. */
HPCORE_API int hpcore_optimizer_best(hpcore_optimizer* optimizer, uint64_t* trial, double* row, size_t d,
                                     double* value);
/* Numbers (n,) of the complete trials within all limits that no other one dominates, rising. n_front is always written;
 * HPCORE_BUFFER_TOO_SMALL if n is less, and then nothing else is. */
HPCORE_API int hpcore_optimizer_front(hpcore_optimizer* optimizer, uint64_t* trials, size_t n, size_t* n_front);
HPCORE_API int hpcore_optimizer_n_trials(hpcore_optimizer* optimizer, size_t* n);
/* The state of a trial, an hpcore_state, its row (d,), and its values (m,), NaN without values; each may be null. */
HPCORE_API int hpcore_optimizer_trial(hpcore_optimizer* optimizer, uint64_t trial, int* state, double* row, size_t d,
                                      double* values, size_t m);

/* Mean and standard deviation (n,) of an objective, from 0 on, without noise at rows (n, d): by a Gaussian process of
 * all values told so far, which is fitted anew, in O(n_trials^3), when there are more. */
HPCORE_API int hpcore_optimizer_predict(hpcore_optimizer* optimizer, size_t objective, const double* rows, size_t n,
                                        size_t d, double* mean, double* std);

/* Save the trials, the queue and the seed into a buffer of `size` bytes, the same on every machine. `needed`, which may
 * be null, is always written; HPCORE_BUFFER_TOO_SMALL if size is less, and a null buffer asks for it. */
HPCORE_API int hpcore_optimizer_save(hpcore_optimizer* optimizer, void* buffer, size_t size, size_t* needed);
/* Go on with a saved search, in an optimizer of the same space, objectives and limits that has no trial yet. With the
 * same sampler it proposes what the saved one would have. Nothing in the buffer is trusted: HPCORE_DAMAGED if it was
 * changed, HPCORE_WRONG_VERSION if a later release saved it. */
HPCORE_API int hpcore_optimizer_load(hpcore_optimizer* optimizer, const void* buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* HPCORE_H */
