"""Jobs elsewhere: pools of processes, executors, threads, interrupts and time limits. No trial and no fold is known.

`pools` chooses and drives executors, `process` is a worker process of ours and `serving` its main loop, `ending` ends
what it started; `packing` brings a function and its data to each worker once, `threads` keeps the cores from being
oversubscribed, `watchdog` ends jobs after their time and `interrupts` holds back Ctrl-C while a result is recorded.

Importing this package imports none of them: some need joblib, which hpcore loads on first use.
"""
