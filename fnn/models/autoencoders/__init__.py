"""What is done with the outputs of autoencoders: bounds, likelihoods, penalties."""

from fnn.models.autoencoders.bounds import (
    bernoulli_log_likelihood as bernoulli_log_likelihood,
)
from fnn.models.autoencoders.bounds import elbo as elbo
from fnn.models.autoencoders.bounds import iwae as iwae
from fnn.models.autoencoders.bounds import kl_divergence as kl_divergence
from fnn.models.autoencoders.bounds import log_weights as log_weights
from fnn.models.autoencoders.deterministic import Coded as Coded
from fnn.models.autoencoders.marginal import log_marginal as log_marginal
from fnn.models.autoencoders.sparsity import sparsity_penalty as sparsity_penalty
from fnn.models.autoencoders.variational import Inferred as Inferred

__all__ = [
    "Coded",
    "Inferred",
    "bernoulli_log_likelihood",
    "elbo",
    "iwae",
    "kl_divergence",
    "log_marginal",
    "log_weights",
    "sparsity_penalty",
]
