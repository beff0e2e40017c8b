"""Evaluation of jobs in workers: pools, executors, threads, interrupts and time limits, without trials and folds.

`engine` is the loop of every search; `pools` chooses and drives executors, `process` is a worker process and `serving`
its main loop, `ending` ends processes; `packing` brings a function and its data to each worker once, `threads` keeps
the cores from being oversubscribed, `watchdog` ends jobs after their time limit, `waiting` paces waits for other
processes, and `interrupts` delays Ctrl-C while a result is recorded.

Importing this package imports none of them: some need joblib, which hpcore loads on first use.
"""
