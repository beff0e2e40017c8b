"""Cross-validation on many cores. The unit of work is (configuration, fold).

`workload` holds the data of a search and evaluates one configuration on some folds; `engine` keeps workers busy
from one queue; `source` gives it candidates, `worker` evaluates them, `sharing` brings the data to each worker once,
`prefixes` keeps fitted transformers, and `cloning` makes cheap unfitted copies.

Importing this package imports none of them: they need scikit-learn and joblib, which hpcore loads on first use.
"""
