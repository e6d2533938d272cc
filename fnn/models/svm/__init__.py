"""Support vector machines: linear and kernel, in the primal and in the dual.

A fitted machine is a pytree of arrays, and all else a function of it::

    machine = svm.fit_kernel(svm.rbf(0.1), x, y, C=10.0)
    svm.predict(machine, x)
"""

from fnn.models.svm.dual import fit_kernel as fit_kernel
from fnn.models.svm.kernels import linear as linear
from fnn.models.svm.kernels import polynomial as polynomial
from fnn.models.svm.kernels import rbf as rbf
from fnn.models.svm.labels import one_against_one as one_against_one
from fnn.models.svm.labels import one_against_rest as one_against_rest
from fnn.models.svm.labels import votes as votes
from fnn.models.svm.losses import hinge as hinge
from fnn.models.svm.losses import squared_hinge as squared_hinge
from fnn.models.svm.machines import KernelSVM as KernelSVM
from fnn.models.svm.machines import LinearSVM as LinearSVM
from fnn.models.svm.machines import decision_function as decision_function
from fnn.models.svm.machines import margins as margins
from fnn.models.svm.machines import predict as predict
from fnn.models.svm.machines import pruned as pruned
from fnn.models.svm.objectives import dual_objective as dual_objective
from fnn.models.svm.objectives import objective as objective
from fnn.models.svm.primal import fit_linear as fit_linear

__all__ = [
    "KernelSVM",
    "LinearSVM",
    "decision_function",
    "dual_objective",
    "fit_kernel",
    "fit_linear",
    "hinge",
    "linear",
    "margins",
    "objective",
    "one_against_one",
    "one_against_rest",
    "polynomial",
    "predict",
    "pruned",
    "rbf",
    "squared_hinge",
    "votes",
]
