"""What the scripts of runs call things, and know of a run beside its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ridgeway.studio.i18n import N_, translator
from ridgeway.studio.runs import gaps, words
from ridgeway.studio.runs import lanes as tables

_STOPPED = (
    "completed",
    "diverged",
    "early stopping",
    "interrupted",
    "halved",
    "path stopped",
    "target reached",
    "time is up",
)
_METRICS = ("accuracy", "loss", "val_accuracy", "val_data_loss", "val_ece", "val_loss", "val_nll")
_GAPS = {
    "at": N_("Lane {lane} ({label}), epoch {epoch}: {gap}"),
    "ended": N_("Lane {lane} ({label}), epoch {epoch}: not trained"),
    "none": N_("not finite"),
    "hidden": N_("Lane {lane} is not among those drawn here."),
    "range": N_("Largest gap: {most}, lane {lane}, epoch {epoch}. Smallest gap: {least}, lane {other}, epoch {then}."),
    "lanes": N_("{drawn} of {count} lanes are drawn, spread evenly over the strengths."),
    "epochs": N_("Of {last} epochs one in {every} is drawn."),
    "beyond": N_("Gaps beyond ±{limit}, at most one in fifty, have the colours of the ends."),
    "empty": N_("No lane has a loss of training and of validation to compare yet."),
}


def chart_words(lang: str, record: Mapping[str, Any], logs: Sequence[str] = ()) -> dict[str, Any]:
    """What charts call things, and know of the hyperparameters."""
    translate = translator(lang)
    names = tables.hyperparameters(record) if record else []
    return {
        "hyperparameters": {name: words.short("hyperparameter", name, lang) for name in names},
        **tables.about_values(record),
        "metrics": {name: words.named("metric", name, lang) for name in {*logs, *_METRICS}},
        "lane": translate(N_("Lane")),
        "band": translate(N_("Lanes")),
        "epoch": translate(N_("Epoch")),
        "unavailable": translate(N_("The curves can't be loaded. Load the page again.")),
        "partly": translate(N_("{known} of {count} lanes are drawn: the others have no finite value.")),
        "gaps": {name: translate(said) for name, said in _GAPS.items()},
    }


def live_words(lang: str) -> dict[str, Any]:
    """What the page of a run that trains says beside them."""
    translate = translator(lang)
    return {
        "show": translate(N_("Keep the curve of lane {lane} lit")),
        "states": {name: translate(said) for name, said in words.STATES.items()},
        "looks": words.LOOKS,
        "stopped": {name: words.named("stopped", name, lang) for name in _STOPPED},
        "durations": {name: translate(said) for name, said in words.DURATIONS.items()},
        "partly": translate(
            N_("{known} of {count} lanes are drawn so far; the others follow as they end, at the latest with the run.")
        ),
        "drawn": {"lanes": gaps.LANES, "epochs": gaps.EPOCHS},
    }
