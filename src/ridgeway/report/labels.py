"""Names of metrics, hyperparameters and configurations as people read them."""

from collections.abc import Mapping

from ridgeway.locale import catalogue, text
from ridgeway.selection.values import Value, shown


def metric_label(metric: str, lang: str) -> str:
    """A log name in words where it has some, e.g. `validation loss (val_data_loss)`, else as it is."""
    return text(f"metric.{metric}", lang) if f"metric.{metric}" in catalogue(lang) else metric


def hyperparameter_label(name: str, lang: str) -> str:
    """A hyperparameter's name, in Korean beside the lecture's term."""
    return text(f"hyperparameter.{name}", lang) if f"hyperparameter.{name}" in catalogue(lang) else name


def configuration_label(configuration: Mapping[str, Value]) -> str:
    """A configuration on one line, e.g. `weight_decay 0.001 · normalization batch`."""
    return " · ".join(f"{name} {shown(value, 4)}" for name, value in configuration.items())


def better_label(mode: str, lang: str) -> str:
    """Which way a metric is better, for an axis title."""
    return text("figure.lower_is_better" if mode == "min" else "figure.higher_is_better", lang)
