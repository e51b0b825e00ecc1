"""What the numbers of a report do not say."""

from typing import TYPE_CHECKING

import numpy as np

from ridgeway.report.labels import hyperparameter_label
from ridgeway.report.markup import Html, say, tag
from ridgeway.report.verdict import Verdict
from ridgeway.selection.rounding import rounded
from ridgeway.selection.summary import finite

if TYPE_CHECKING:
    from ridgeway.path import Path

# More diverged lanes than this are counted, not named.
_NAMED = 20
# Reasons to stop that leave a lane's score short of what it could have become.
_CUT_SHORT = {
    "interrupted": "caveat.interrupted",
    "time is up": "caveat.time_is_up",
    "target reached": "caveat.target_reached",
    "path stopped": "caveat.path_stopped",
    "halved": "caveat.halved",
}


def caveats(path: "Path", found: Verdict, lang: str) -> Html:
    """The caveats that apply to this path, most important first."""
    table, record = path.table(), path.record
    items = []
    if record.get("data", {}).get("validation_rows") == 0:
        items.append(say("caveat.no_validation", lang))
    if found.configurations > 1:
        items.append(say("caveat.optimistic", lang, count=found.configurations))
    if not record.get("honest"):
        items.append(say("caveat.no_test", lang))
    if path.metric in ("val_nll", "val_data_loss"):
        items.append(say("caveat.nll" if path.metric == "val_nll" else "caveat.data_loss", lang))
    items.append(say("caveat.training_loss", lang))
    if found.best.n >= 2:
        folded = "fold" in table and table["fold"].nunique() > 1
        items.append(say("caveat.folds", lang) if folded else _seeds(path, found, lang))
        if found.gain.means == "paired lanes" and found.gain.n == 2:
            items.append(say("caveat.few_repeats", lang))
    else:
        items.append(say("caveat.one_run", lang))
    items += _edges(path, found, lang)
    items += _stops(path, lang)
    if record.get("model", {}).get("optimizer") not in ("SGD", None):
        proximal = [name for name in ("l1", "group_lasso") if name in path.hyperparameters]
        items += [say("caveat.l1_adaptive", lang, name=name) for name in proximal]
    return tag("ul", *(tag("li", item) for item in items), class_="caveats")


def _seeds(path: "Path", found: Verdict, lang: str) -> Html:
    """Errors between seeds can be far smaller than those over rows: the reader is given both."""
    table, column = path.table(), f"{path.metric}_se"
    known = finite(table.loc[table["lane"].isin(found.best.lanes), column]) if column in table else np.empty(0)
    rows = say("caveat.seeds_rows", lang, error=rounded(float(np.mean(known)), 2)) if len(known) else Html("")
    return say("caveat.seeds", lang, rows=rows)


def _edges(path: "Path", found: Verdict, lang: str) -> list[Html]:
    """A winner at the end of a range says that the range is too short."""
    items = []
    for name, value in found.best.configuration.items():
        if isinstance(value, str | bool):
            # Words have no range that could be too short.
            continue
        values = sorted(float(v) for v in path.record["hyperparameters"][name]["values"])
        if len(values) > 2 and (value == values[-1] or (value == values[0] and value > 0)):
            label = hyperparameter_label(name, lang)
            items.append(say("caveat.edge", lang, name=label, value=rounded(value, 4)))
    return items


def _stops(path: "Path", lang: str) -> list[Html]:
    table, items = path.table(), []
    diverged = table.loc[table["stopped"] == "diverged", "lane"].astype(int).tolist()
    if diverged:
        shown = ", ".join(map(str, diverged[:_NAMED])) + (", …" if len(diverged) > _NAMED else "")
        items.append(say("caveat.diverged", lang, count=len(diverged), lanes=shown))
    for reason, key in _CUT_SHORT.items():
        count = int((table["stopped"] == reason).sum())
        if count:
            items.append(say(key, lang, count=count))
    limit = path.record.get("epochs")
    early = any("EarlyStopping" in str(callback) for callback in path.record.get("callbacks", ()))
    full = table[(table["stopped"] == "completed") & (table["best_epoch"] == limit)]
    if early and len(full) and limit:
        items.append(say("caveat.not_converged", lang, count=len(full), epochs=limit))
    return items
