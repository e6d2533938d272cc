"""What tests allow a GPU beyond a CPU, for which they are exact or nearly so."""

import jax

CPU = jax.default_backend() == "cpu"

# Of the same draws in two programs: a GPU multiplies and adds in one go where a program
# lets it, and was 1.5e-6 off at most.
OF_DRAWS = 0 if CPU else 3e-6
