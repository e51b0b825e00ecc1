"""The answer of a selection rule."""

from dataclasses import dataclass

from ridgeway.selection.rounding import with_error
from ridgeway.selection.values import Value, shown


@dataclass(frozen=True)
class Choice:
    """One configuration, chosen by a rule.

    Attributes:
        configuration: value of every hyperparameter, a number or a word, in the order of the family.
        mean: the metric's mean over the configuration's lanes, at each lane's best epoch.
        standard_error: of that mean; NaN when unknown (see `configurations`).
        n: number of lanes that the mean is taken over.
        lanes: all lanes of the configuration, ascending.
        lane: the best of them, whose weights stand for the configuration.
        rule: the rule that chose it, e.g. `"best"`.
        metric: the column that configurations were compared by, e.g. `"val_data_loss"`.
        mode: `"min"` or `"max"`: which way the metric is better.
    """

    configuration: dict[str, Value]
    mean: float
    standard_error: float
    n: int
    lanes: tuple[int, ...]
    lane: int
    rule: str
    metric: str
    mode: str

    def __str__(self) -> str:
        """Write the choice on one line, e.g. `dropout=0.25 (val_data_loss 0.231 ± 0.006, n=3)`."""
        return f"{self.label} ({self.metric} {with_error(self.mean, self.standard_error)}, n={self.n})"

    @property
    def label(self) -> str:
        """The configuration on one line, e.g. `weight_decay=0.001, dropout=0.25`."""
        return ", ".join(f"{name}={shown(value, 4)}" for name, value in self.configuration.items())
