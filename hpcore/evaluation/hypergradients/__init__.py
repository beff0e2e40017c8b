"""Derivatives of a cross-validated score by the hyperparameters of the estimator, by implicit differentiation.

A fitted model is the minimiser of a training loss that depends on the hyperparameters. The derivative of its
predictions follows from the implicit function theorem (Bengio 2000, "Gradient-based optimization of hyperparameters";
Pedregosa 2016, "Hyperparameter optimization with approximate gradient"), and only one linear system with the Hessian of
the training loss is solved for all hyperparameters together, because the derivative of the validation score is applied
to it first (the adjoint method).

`registry` has the decorator by which an estimator gets its derivatives, one module a family of models defines those of
scikit-learn, `losses` are the validation scores with a derivative, and `fold` puts them together for one fold.

Importing this package imports no scikit-learn: that of the decorator is cheap.
"""

from hpcore.evaluation.hypergradients.registry import hypergradient

__all__ = ["hypergradient"]
