"""Games of a generator and a discriminator: losses, and what is asked of samples."""

from fnn.models.adversarial.losses import Losses as Losses
from fnn.models.adversarial.losses import minimax as minimax
from fnn.models.adversarial.losses import non_saturating as non_saturating
from fnn.models.adversarial.losses import wasserstein as wasserstein
from fnn.models.adversarial.modes import mode_counts as mode_counts
from fnn.models.adversarial.packing import packed as packed
from fnn.models.adversarial.parzen import parzen_bandwidth as parzen_bandwidth
from fnn.models.adversarial.parzen import (
    parzen_log_likelihood as parzen_log_likelihood,
)
from fnn.models.adversarial.penalties import gradient_penalty as gradient_penalty

__all__ = [
    "Losses",
    "gradient_penalty",
    "minimax",
    "mode_counts",
    "non_saturating",
    "packed",
    "parzen_bandwidth",
    "parzen_log_likelihood",
    "wasserstein",
]
