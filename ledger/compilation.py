"""How XLA compiles in the processes that share the claims: quickly, since each of sixty programs runs for a second.

XLA has two ways to make a CPU's code for a fused loop. The newer one (`xla_cpu_use_fusion_emitters`, on by default) makes code that
is a little faster where a loop is long, and takes twice as long to make it. Claims compile more than they compute.
"""

import os
from importlib.metadata import version

FLAG = "xla_cpu_use_fusion_emitters"


def quickly() -> None:
    """Take the older way in this process, whose jax has computed nothing yet; a flag that the user has set stays.

    Only in the releases where this was measured: XLA ends a process that sets a flag which it does not know.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if version("jaxlib").startswith("0.10.") and FLAG not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{FLAG}=false".strip()
