"""Cross-validation on many cores. The unit of work is (configuration, fold).

`workload` says what every task of a search shares and evaluates one configuration on some folds; `engine` keeps the
workers busy from one queue; `pools` knows executors, `process` is a worker of ours and `serving` what it does, `ending`
sees that nothing of it stays; `sharing` and `packing` bring the data to each worker once, `threads` keeps the cores
from being oversubscribed, `cloning` makes unfitted copies cheaply and `interrupts` hears every Ctrl-C.

Importing this package imports none of them: they need scikit-learn and joblib, which hpcore loads on first use.
"""
