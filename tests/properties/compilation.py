"""Options with which XLA compiles small programs fast, and runs them slowly.

On a CPU, the derivatives of a layer then compile in a tenth of the time.
"""

import functools

import jax

WANTED = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_parallel_codegen_split_count": 1,
    "xla_cpu_use_fusion_emitters": False,  # until JAX 0.11 or so
}


def _known(name: str, value: int) -> bool:
    lowered = jax.jit(lambda: 0).lower()
    try:
        lowered.compile(compiler_options={name: value})
    except jax.errors.JaxRuntimeError:
        return False
    return True


OPTIONS = {name: value for name, value in WANTED.items() if _known(name, value)}
compiled = functools.partial(jax.jit, compiler_options=OPTIONS)
