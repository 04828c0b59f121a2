"""Property tests for *your* sampler and *your* estimators: those that this suite's own have to pass.

A sampler is any function that runs SGLD on a task and returns draws; an estimator is any function from traces to numbers. Neither
needs jax: the losses of the tasks are plain arithmetic on the entries of w, which numpy, jax and torch all understand.

    from ledger import testing

    def my_sampler(task):            # -> array (chains, draws, d)
        ...                          # w ← w − ε/2 [nβ ∇L_m(w) + γ(w − w*)] + √ε ξ,  kept after burn-in, each thin-th

    def my_estimator(traces):        # -> {"llc": (value, standard error), "covariance": …, "susceptibility": …}
        ...

    @pytest.mark.parametrize("task", testing.TASKS, ids=str)
    def test_my_sampler(task):
        testing.check_sampler(my_sampler, task).require()

    def test_my_estimator():
        testing.check_estimator(my_estimator).require()

What is compared. SGLD at a finite step does not sample exp(−U), and short runs and few chains are where estimators go wrong. So
the draws are compared with the law of the *discrete* chain (`theory.langevin`: step, localisation, minibatch), and the estimators
with exact expectations over many short traces of a known law. Each comparison is a z-score at a false-alarm rate of 10⁻⁶ and states
which relative error it would have seen with probability 99% (`detects`). The expansion's last term is counted as an error.

What noise hides. The susceptibility of a short run scatters by several times its size, so 4000 runs do not see that it is 10% too
small. But an estimator symmetric in the draws and unbiased under every law is a quadratic polynomial in the losses (Halmos 1946,
Ann. Math. Stat. 17, 34), and its mean depends on pairs of draws only: 121 runs in which every pair of draws takes every pair of 11
values once give it exactly. No error but that of rounding is left there, and a bias of one part in a thousand shows.

The tasks: a localised quadratic; one without localisation at a large step; a start far from w* and a small step, where a burn-in
that is counted shows; a cubic, where means move; and minibatches. They catch, among others: a wrong scale of the noise or of the
gradient, missing localisation, a burn-in that is counted, a divisor N for N − 1, a sign, a missing baseline, standard errors that
forget the autocorrelation.

Reading order: `samplers` (`Task`, `TASKS`, `check_sampler`), `estimators` (`Traces`, `check_estimator`), `report` (`Report`).
"""

from ledger.compare import FALSE_ALARM, POWER
from ledger.testing.estimators import QUANTITIES, Traces, check_estimator
from ledger.testing.report import LEAST, SEEN, Report, Row
from ledger.testing.samplers import TASKS, Loss, Task, check_sampler, law

__all__ = [
    "FALSE_ALARM",
    "LEAST",
    "POWER",
    "QUANTITIES",
    "SEEN",
    "TASKS",
    "Loss",
    "Report",
    "Row",
    "Task",
    "Traces",
    "check_estimator",
    "check_sampler",
    "law",
]
