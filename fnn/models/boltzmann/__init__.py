"""What is done with the params of Boltzmann machines: samples and likelihoods."""

from fnn.models.boltzmann.annealing import Annealed as Annealed
from fnn.models.boltzmann.annealing import (
    annealed_importance_sampling as annealed_importance_sampling,
)
from fnn.models.boltzmann.annealing import (
    reverse_annealed_importance_sampling as reverse_annealed_importance_sampling,
)
from fnn.models.boltzmann.deep import deep_bound as deep_bound
from fnn.models.boltzmann.deep import sample_deep as sample_deep
from fnn.models.boltzmann.deep import transposed as transposed
from fnn.models.boltzmann.exact import log_likelihood as log_likelihood
from fnn.models.boltzmann.exact import log_partition as log_partition
from fnn.models.boltzmann.general import log_total as log_total
from fnn.models.boltzmann.sampling import gibbs as gibbs
from fnn.models.boltzmann.sampling import log_odds as log_odds
from fnn.models.boltzmann.sampling import mean_hidden as mean_hidden
from fnn.models.boltzmann.sampling import mean_visible as mean_visible
from fnn.models.boltzmann.sampling import sample_hidden as sample_hidden
from fnn.models.boltzmann.sampling import sample_visible as sample_visible

__all__ = [
    "Annealed",
    "annealed_importance_sampling",
    "deep_bound",
    "gibbs",
    "log_likelihood",
    "log_odds",
    "log_partition",
    "log_total",
    "mean_hidden",
    "mean_visible",
    "reverse_annealed_importance_sampling",
    "sample_deep",
    "sample_hidden",
    "sample_visible",
    "transposed",
]
