"""Cross-validation on many cores. The unit of work is (configuration, fold).

`workload` holds the data of a search and evaluates one configuration on some folds; `engine` keeps the workers busy
from one queue; `sharing` brings the data to each worker once, `prefixes` keeps what transformers learnt, `cloning`
makes unfitted copies cheaply.

Importing this package imports none of them: they need scikit-learn and joblib, which hpcore loads on first use.
"""
