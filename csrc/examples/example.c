/* Tunes two learning rates and a choice in plain C: ask, evaluate, report, tell, and go on from a saved search. */

#include <hpcore.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void check(int status) {
    if (status == HPCORE_OK) return;
    fprintf(stderr, "%s: %s\n", hpcore_status_name(status), hpcore_last_error());
    exit(1);
}

/* The loss after `epochs` epochs, as a training would measure it. */
static double train(double rate, size_t method, double momentum, int epochs) {
    double log_rate = log10(rate) + 2.0;
    double loss = log_rate * log_rate + (method == 1 ? (momentum - 0.9) * (momentum - 0.9) : 0.5);
    return loss + 1.0 / epochs;
}

static hpcore_optimizer* create(hpcore_space* space) {
    hpcore_options options;
    hpcore_optimizer* optimizer;
    check(hpcore_options_init(&options, HPCORE_ABI_VERSION));
    options.sampler = "tpe";
    options.seed_low = 7;
    check(hpcore_optimizer_create(space, &options, &optimizer));
    return optimizer;
}

int main(void) {
    enum { rate_column, method_column, momentum_column, d };
    hpcore_space* space;
    const double sgd = 1.0;
    check(hpcore_space_create(HPCORE_ABI_VERSION, &space));
    check(hpcore_space_add_real(space, "rate", 1e-5, 1.0, 1, 0.0));
    check(hpcore_space_add_choice(space, "method", 2, 0, NULL)); /* 0: Adam, 1: SGD, which has a momentum */
    check(hpcore_space_add_real(space, "momentum", 0.0, 0.99, 0, 0.0));
    check(hpcore_space_when_in(space, "momentum", "method", &sgd, 1));

    hpcore_optimizer* optimizer = create(space);
    for (int i = 0; i < 60; ++i) {
        double row[d], rate, momentum, loss = 0.0;
        size_t method;
        uint64_t trial;
        int has_momentum, level;
        check(hpcore_optimizer_ask_within(optimizer, 50.0, row, d, &trial, &level));
        check(hpcore_row_get_real(space, row, d, rate_column, &rate, NULL));
        check(hpcore_row_get_choice(space, row, d, method_column, &method, NULL));
        check(hpcore_row_get_real(space, row, d, momentum_column, &momentum, &has_momentum));
        if (has_momentum != (method == 1)) return 1;
        for (int epoch = 1; epoch <= 5; ++epoch) {
            loss = train(rate, method, momentum, epoch);
            check(hpcore_optimizer_report(optimizer, trial, epoch, &loss, 1));
            if (loss > 5.0) break;
        }
        if (loss > 5.0)
            check(hpcore_optimizer_prune(optimizer, trial)); /* the last report is its estimate */
        else
            check(hpcore_optimizer_tell(optimizer, trial, &loss, 1));
    }

    uint64_t best;
    double best_row[d], best_loss, rate, mean, std;
    check(hpcore_optimizer_best(optimizer, &best, best_row, d, &best_loss));
    check(hpcore_row_get_real(space, best_row, d, rate_column, &rate, NULL));
    check(hpcore_optimizer_predict(optimizer, 0, best_row, 1, d, &mean, &std));
    printf("trial %d is best: loss %.3f at rate %.4f; a model says %.3f +- %.3f\n", (int)best, best_loss, rate, mean,
           std);
    if (!(best_loss < 0.5)) return 1;

    /* What another process would do with the bytes of a file. */
    size_t size;
    if (hpcore_optimizer_save(optimizer, NULL, 0, &size) != HPCORE_BUFFER_TOO_SMALL) return 1;
    void* bytes = malloc(size);
    if (bytes == NULL) return 1;
    check(hpcore_optimizer_save(optimizer, bytes, size, NULL));
    hpcore_optimizer* resumed = create(space);
    check(hpcore_optimizer_load(resumed, bytes, size));
    free(bytes);
    double next[d], same[d];
    uint64_t next_trial, same_trial;
    check(hpcore_optimizer_ask(optimizer, next, d, &next_trial));
    check(hpcore_optimizer_ask(resumed, same, d, &same_trial));
    if (next_trial != same_trial || next[rate_column] != same[rate_column]) return 1;

    if (hpcore_optimizer_tell(optimizer, 1000, &best_loss, 1) != HPCORE_UNKNOWN_TRIAL) return 1;
    printf("an error says: %s\n", hpcore_last_error());

    hpcore_optimizer_destroy(resumed);
    hpcore_optimizer_destroy(optimizer);
    hpcore_space_destroy(space);
    return 0;
}
