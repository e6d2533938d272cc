"""Learning: objectives, trainers, and the loop that drives any pair of that form."""

from fnn.training.batching import Batches as Batches
from fnn.training.batching import batches as batches
from fnn.training.contrast import contrastive_divergence as contrastive_divergence
from fnn.training.descent import trainer as trainer
from fnn.training.evaluation import evaluate as evaluate
from fnn.training.failures import NonFiniteError as NonFiniteError
from fnn.training.games import adversarial as adversarial
from fnn.training.loop import Fit as Fit
from fnn.training.loop import fit as fit
from fnn.training.objectives import Objective as Objective
from fnn.training.objectives import supervised as supervised
from fnn.training.recording import History as History
from fnn.training.reductions import accuracy as accuracy
from fnn.training.states import TrainState as TrainState
from fnn.training.trainers import Trainer as Trainer

__all__ = [
    "Batches",
    "Fit",
    "History",
    "NonFiniteError",
    "Objective",
    "TrainState",
    "Trainer",
    "accuracy",
    "adversarial",
    "batches",
    "contrastive_divergence",
    "evaluate",
    "fit",
    "supervised",
    "trainer",
]
