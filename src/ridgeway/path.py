"""The result of a run: every lane's history, kept epoch and weights, and what can be asked of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from ridgeway.errors import InputError
from ridgeway.weights import Block, of_lane

if TYPE_CHECKING:
    import keras
    import numpy as np
    import plotly.graph_objects

    from ridgeway.data import HeldOut, Parts
    from ridgeway.ensembling import EnsembleChoice
    from ridgeway.honesty import HonestEstimate
    from ridgeway.selection import Choice
    from ridgeway.structures import Variants

Weights = Mapping[str, "np.ndarray"]


class Path:
    """A trained family: a table of lanes, their histories and weights.

    `fit_path` and `load_path` make it. Tables are copies: changing one changes nothing here.

    Args:
        table: a row a lane; see `table`.
        history: a row a lane and epoch; see `history`.
        record: what was run, as it stands in `run.json`.
        calibration: a row a lane and bin; see `calibration`.
        probes: a row a lane, epoch, layer and measured number; see `probes`.
        weights: kept weights of all lanes.
        last_weights: weights after each lane's last epoch, likewise.
        variants: the model that was trained with its structures, or None to read it from `source` when asked for.
        source: the run's directory.
        parts: the rows that lanes were trained and judged on, where they are in memory: a path that was read has none.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        history: pd.DataFrame,
        record: Mapping[str, Any],
        *,
        calibration: pd.DataFrame | None = None,
        probes: pd.DataFrame | None = None,
        weights: Sequence[Block] | None = None,
        last_weights: Sequence[Block] | None = None,
        variants: Variants | None = None,
        source: str | os.PathLike[str] | None = None,
        parts: Parts | None = None,
    ) -> None:
        self._table = table.reset_index(drop=True)
        self._history = history.reset_index(drop=True)
        self.record = dict(record)
        self._calibration = pd.DataFrame() if calibration is None else calibration.reset_index(drop=True)
        self._probes = pd.DataFrame() if probes is None else probes.reset_index(drop=True)
        self._weights = weights
        self._last_weights = last_weights
        self._variants = variants
        self.source = source
        self.parts = parts
        #: The lanes of each outer fold as a path of their own; empty without `fit_path(nested=...)` or when read.
        self.nested: tuple[Path, ...] = ()

    def __repr__(self) -> str:
        return f"<Path of {len(self._table)} lanes over {', '.join(self.hyperparameters)}>"

    # --- what was found ---------------------------------------------------------------------------------------

    @property
    def hyperparameters(self) -> list[str]:
        """Names of what was varied, in the family's order."""
        return list(self.record["hyperparameters"])

    @property
    def metric(self) -> str:
        """What configurations are compared by."""
        return str(self.record["metric"])

    @property
    def mode(self) -> str:
        """Whether less ("min") or more ("max") of the metric is better."""
        return str(self.record["mode"])

    def table(self) -> pd.DataFrame:
        """A row a lane.

        Columns: `lane`, one a hyperparameter, `repeat`, `fold`, `epochs` (trained), `best_epoch` (kept, counted from 1
        as Keras prints it), `stopped` (why), the logs at the kept epoch under Keras's names, `val_nll` (mean validation
        loss a row on hard labels, without penalties; `val_data_loss` where the loss is no cross-entropy) and its
        standard error over rows, `val_ece` (expected calibration error), `weight_norm` (L2 norm of all kernels),
        `zero_share` (share of kernel weights that are exactly 0) and `seconds`.
        """
        return self._table.copy()

    def history(self) -> pd.DataFrame:
        """A row a lane and epoch: `lane`, `epoch` (counted from 1), then Keras's log names."""
        return self._history.copy()

    def calibration(self) -> pd.DataFrame:
        """How sure each lane was of its validation predictions, and how right, at the kept epoch.

        A row a lane and bin: `lane`, `bin` (0 to 14, of equal width), `confidence` (mean probability of the predicted
        class), `accuracy`, `count` (rows). Bins without rows are left out. Empty for a model that gives no class
        probabilities (Naeini et al. 2015; Guo et al. 2017).
        """
        return self._calibration.copy()

    def probes(self) -> pd.DataFrame:
        """What went on inside the lanes, as `fit_path(probes=...)` measured it on a few training rows.

        A row a measured number: `lane`, `epoch` (counted from 1), `layer` ("" for the whole model), `probe`, `value`:
        `shift_mean`, `shift_spread`, `shift_wasserstein` (how far the layer's inputs moved since the last look, in
        their own standard deviations), `saturation` and `dead` (shares of units), `gradient_norm`, `gradient_ratio`
        (over the kernel's norm), `sharpness` (the Hessian's largest eigenvalue), `train_loss` and
        `generalization_gap` (validation less training loss, both on hard labels and without penalties).
        """
        return self._probes.copy()

    def configurations(self) -> pd.DataFrame:
        """A row a configuration, best first: hyperparameters, mean, standard error and number of its lanes.

        Further columns: `weight_norm` and `zero_share` (means), `diverged` (lanes that did) and `whole`: whether no
        lane is missing, diverged or was cut by halving, so that the mean can be compared with all others.
        """
        from ridgeway.selection import configurations

        return configurations(self._table, self.record)

    def select(self, rule: str = "best") -> Choice:
        """The configuration that a rule picks.

        Args:
            rule: "best" for the best mean; "one_se" for the most regularized configuration within one standard
                error of it (Breiman et al. 1984; Friedman, Hastie & Tibshirani 2010); "median" for the one whose mean
                is the median, the better of two middle ones.

        Of several strengths "one_se" takes the sum: each regularizer's value counts as its rank in the family, from 0
        (weakest) to 1 (strongest), and these are added, for a weight decay and a dropout rate have no unit in common.
        What doesn't regularize, or is a word, counts 0. Ties go to the smaller weight norm, then the better mean.

        Configurations that halving cut, that lack a lane or of which one diverged are chosen only where there is no
        other: "one_se" and "median" are of those that were trained to the end.

        Raises:
            InputError: an unknown rule, or no standard error to go by.
        """
        from ridgeway.selection import select

        return select(self._table, self.record, rule)

    @property
    def best(self) -> Choice:
        """The configuration with the best mean, with its standard error."""
        return self.select("best")

    @property
    def folds(self) -> int:
        """Number of folds that each repeat of a configuration is trained in; 1 without `cv`."""
        if self.parts is not None:
            return self.parts.choosing
        folds = self.record.get("folds")
        return len(folds["rows"]) if folds else 1

    @property
    def held_out(self) -> HeldOut | None:
        """The rows that lanes were judged on, where they are in memory."""
        return None if self.parts is None else self.parts.held_out

    def honest(self, rule: str = "best", n_boot: int = 1000, seed: int = 0) -> HonestEstimate:
        """What a rule's choice is worth on rows that took no part in training or choosing: test rows, or outer folds.

        By nested folds it is the rule that is judged: each outer fold chooses by its inner folds alone, and the lanes
        of its choice are measured on the rows that it set aside; no lane is trained anew for that.

        Args:
            rule: as in `select`.
            n_boot: bootstrap draws of these rows, for the interval.
            seed: of the draws.

        Returns:
            The mean of the metric over the chosen configuration's lanes, with nested folds over outer folds too, and
            a 95 % percentile interval, beside the value by which it was chosen and the difference of the two: the
            optimism.

        Raises:
            InputError: `fit_path` was given none of `test_split`, `test_data` and `nested`, an unknown rule, or no lane
                of some outer fold kept an epoch.
        """
        from ridgeway.honesty import honest_estimate

        return honest_estimate(self, rule, n_boot, seed)

    def effects(
        self, metric: str | None = None, n_boot: int = 9999, seed: int = 0, mode: str | None = None
    ) -> pd.DataFrame:
        """What each strength of each hyperparameter does against its absence, in pairs of lanes.

        A pair has the same repeat, fold and other values. Columns: `hyperparameter`, `value`, `against` (its absence:
        0, None or "none"; for a hyperparameter that has none in the family, such as `learning_rate`, the weakest
        value), `difference` (metric with it less metric without), `low` and `high` (95 % interval), `p`, `p_holm`
        (corrected for the number of rows), `verdict` ("helps", "hurts" or "no evidence", by `p_holm` at 5 % and the
        metric's direction; "diverges" where its lanes diverged and nothing, or survivors only, could be compared), `n`
        (independent units), `pairs` (of lanes), `interval` ("bootstrap-t", "t", "corrected t" where folds overlap, or
        "unknown") and `diverged` (lanes with this value that diverged).
        See `ridgeway.effects.effects` for how intervals are made.

        Args:
            metric: a column of `table`; what configurations are compared by if None.
            n_boot: bootstrap samples.
            seed: of the bootstrap.
            mode: "min" or "max", where a metric's name does not say which way is better.

        Raises:
            InputError: no such metric, a metric of unknown direction, or a family without pairs (`Random`,
                `Cocktail`); `importance` answers for those.
        """
        from ridgeway.effects import effects

        return effects(self._table, self.record, metric, n_boot, seed, mode)

    def interactions(
        self, metric: str | None = None, n_boot: int = 9999, seed: int = 0, mode: str | None = None
    ) -> pd.DataFrame:
        """Whether the two strongest hyperparameters do more together than the sum of what each does.

        Columns: `first`, `first_value`, `second`, `second_value`, then as in `effects`, where `difference` is the
        metric with both, less with the first, less with the second, plus with neither. "helps" says that together
        they gain more than the sum, "hurts" less.

        Args:
            metric: as in `effects`.
            n_boot: as in `effects`.
            seed: as in `effects`.
            mode: as in `effects`.

        Raises:
            InputError: as in `effects`, and where two hyperparameters were never varied together.
        """
        from ridgeway.effects import interactions

        return interactions(self._table, self.record, metric, n_boot, seed, mode)

    def importance(self, metric: str | None = None, seed: int = 0) -> pd.DataFrame:
        """The share of the metric's variance over configurations that each hyperparameter explains by itself.

        It needs no pairs, so it answers for every family (fANOVA: Hutter, Hoos & Leyton-Brown 2014; Optuna's). After
        halving it judges all configurations as they stood at the end of the first rung, which all of them reached.
        Columns: `hyperparameter`, `importance` (0 to 1; what is left is interactions and noise), largest first.

        Args:
            metric: as in `effects`.
            seed: of the random forest.

        Raises:
            InputError: no such metric, or fewer than 4 configurations with a finite one.
        """
        from ridgeway.effects import importance

        return importance(self._table, self.record, metric, seed, self._history)

    # --- models -----------------------------------------------------------------------------------------------

    def model(self, lane: int, epoch: str = "best") -> keras.Model:
        """An ordinary Keras model with a lane's weights and hyperparameters.

        It is a copy of the model that was trained; one whose class can't be copied by Keras (a subclass without
        `get_config`) is itself given the weights, and returned.

        Args:
            lane: the lane's number.
            epoch: "best" for the kept epoch, "last" for the weights that `fit` without `restore_best_weights` leaves.

        Raises:
            InputError: no such lane, a lane that kept no epoch, or an unknown `epoch`.
        """
        from ridgeway.export import lane_model

        return lane_model(self.structure(lane), self.lane(lane), self.record, self.lane_weights(lane, epoch))

    def best_model(self) -> keras.Model:
        """The best lane of the best configuration, as an ordinary Keras model.

        With folds it has been trained on one fold's rows; `refit` trains on all.
        """
        return self.model(self.best.lane)

    def refit(
        self,
        rule: str = "best",
        *,
        x: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        epochs: int | None = None,
        verbose: Any = 0,
    ) -> keras.Model:
        """Trains the chosen configuration once more, on all rows: those held out too.

        Batch size, order of rows, class weights and decay are those of the run; training begins with the weights that
        the model had before it.

        Args:
            rule: as in `select`.
            x: inputs to train on instead; needed where the path was read from a directory.
            y: their labels.
            sample_weight: their weights.
            epochs: how many. None: the median of the kept epochs of the configuration's lanes, for there is nothing
                left to stop by.
            verbose: as in `fit_path`.

        Returns:
            An ordinary Keras model, compiled.

        Raises:
            InputError: no rows in memory and none passed, or an unknown rule.
        """
        from ridgeway.refit import refit

        return refit(self, rule, None if x is None else (x, y, sample_weight), epochs, verbose)

    def select_ensemble(
        self,
        k: int = 16,
        members: str = "all",
        rule: str = "best",
        *,
        x: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        n_boot: int = 1000,
        seed: int = 0,
    ) -> EnsembleChoice:
        """Lanes whose mean prediction is better than the best alone, by greedy selection with replacement.

        Again and again, that lane is taken which makes the mean of those taken the best on the validation rows
        (Caruana, Niculescu-Mizil, Crew & Ksikes 2004); one that is taken twice counts twice. With folds, the lanes of
        all folds of a repeat are taken together, and judged by what each predicts on the rows that it did not train on.

        Args:
            k: members to take at most; the best of the ensembles on the way is given.
            members: "all" to choose among all lanes; "seeds" for the repeats of one configuration, each once
                (Lakshminarayanan, Pritzel & Blundell 2017).
            rule: that picks this configuration, as in `select`.
            x: rows to choose by, in place of the validation rows; needed where the path was read from a directory. What
                `fit_path` streams, such as a file's path, is read into memory.
            y: their labels.
            sample_weight: their weights.
            n_boot: bootstrap draws of test rows, for the intervals.
            seed: of the draws.

        Returns:
            Members and their weights, with the metric on validation rows beside that of the best candidate, and on
            test rows where the path holds some.

        Raises:
            InputError: k below 1, unknown `members` or `rule`, or no rows to choose by.
        """
        from ridgeway.ensembling import choose_ensemble

        return choose_ensemble(self, k, members, rule, None if x is None else (x, y, sample_weight), n_boot, seed)

    def ensemble(
        self,
        k: int = 16,
        members: str = "all",
        rule: str = "best",
        *,
        refit: bool = False,
        x: Any = None,
        y: Any = None,
        sample_weight: Any = None,
    ) -> keras.Model:
        """The ensemble that `select_ensemble` chooses, as one ordinary Keras model.

        It gives the mean of its members' outputs. Where these are logits of a cross-entropy, it gives the logarithm of
        their mean probabilities, so that loss and metrics stay as they are. It is made of stock layers and compiled as
        the trained model was, and saves like any other.

        Args:
            k: as in `select_ensemble`.
            members: as in `select_ensemble`.
            rule: as in `select_ensemble`.
            refit: whether members are trained once more on all rows, those held out too, as `refit` does, each time
                that one counts from other starting weights; with folds, one network on all rows then stands for several
                that have seen a part.
            x: as in `select_ensemble`.
            y: as in `select_ensemble`.
            sample_weight: as in `select_ensemble`.

        Raises:
            InputError: as in `select_ensemble`, `refit` of a path that was read without rows, or a model of a class
                that Keras can't copy.
        """
        from ridgeway.ensembling import choose_ensemble
        from ridgeway.ensembling.merged import merged_model

        data = None if x is None else (x, y, sample_weight)
        chosen = choose_ensemble(self, k, members, rule, data)
        if refit:
            from ridgeway.refit import refit_members

            return refit_members(self, chosen.members)
        return merged_model(self, chosen.counts)

    def lane_weights(self, lane: int, epoch: str = "best") -> Weights:
        """A lane's weights by variable path; arguments and errors as in `model`."""
        row = self.lane(lane)
        if epoch not in ("best", "last"):
            raise InputError(f"epoch='{epoch}' is unknown. Pass 'best' or 'last'.")
        store = self._weights if epoch == "best" else self._last_weights
        if store is None:
            raise InputError(f"This path holds no {epoch} weights: it was made without them.")
        if epoch == "best" and pd.isna(row["best_epoch"]):
            raise InputError(
                f"Lane {lane} kept no epoch ({row['stopped']}): it has no best weights. Choose another lane, or "
                "epoch='last'."
            )
        return of_lane(store, lane)

    def evaluate(self, x: Any, y: Any, sample_weight: Any = None, batch_size: int | None = None) -> pd.DataFrame:
        """Evaluates every lane's kept weights, as `model.evaluate` does for one model.

        Args:
            x: inputs, or what `fit_path` streams, such as a file's path; its rows are read into memory.
            y: labels; of a table on disk their column's name.
            sample_weight: weights, as Keras takes them.
            batch_size: rows a batch; the run's own by default.

        Returns:
            A row a lane that kept an epoch: `lane`, the hyperparameters, then Keras's metric names, `nll` (or
            `data_loss`), its standard error over rows, and `ece`.
        """
        from ridgeway.evaluation import evaluate_lanes

        return evaluate_lanes(self, x, y, sample_weight, batch_size)

    def predict(
        self,
        x: Any,
        lanes: int | Sequence[int] | None = None,
        batch_size: int | None = None,
        *,
        label: str | None = None,
    ) -> Any:
        """Predictions of many lanes, as each lane's own model gives them.

        Args:
            x: inputs, leading axis the rows; or what `fit_path` streams, such as a file's path, which is read in
                pieces.
            lanes: their numbers; all that kept an epoch, in the table's order, if None.
            batch_size: rows computed at a time; 256, or the run's own where that is more.
            label: of a table on disk, the name of a column that is no input, such as the labels'.

        Returns:
            An array `(lane, row, ...)` of the model's outputs; for several outputs, the model's structure of arrays.

        Raises:
            InputError: no such lane, one that kept no epoch, or inputs of unequal lengths.
        """
        from ridgeway.prediction import predict_lanes

        return predict_lanes(self, x, [lanes] if isinstance(lanes, int) else lanes, batch_size, label)

    def predict_samples(self, x: Any, n: int = 50, lane: int | None = None, seed: int = 0) -> Any:
        """Predictions with dropout at work, whose spread says how unsure a lane is (Gal & Ghahramani 2016).

        Args:
            x: inputs, leading axis the rows.
            n: how many samples of the prediction; their standard error falls with its square root.
            lane: which lane; the best by default.
            seed: of the draws.

        Returns:
            An array `(n, row, ...)` of the model's outputs, as its `predict` gives them.

        Raises:
            InputError: n below 1, no such lane, or one whose layers drop nothing.
        """
        from ridgeway.sampling import predict_samples

        return predict_samples(self.model(self.best.lane if lane is None else lane), x, n, seed)

    def lane(self, lane: int) -> pd.Series:
        """A lane's row of the table.

        Raises:
            InputError: there is no such lane.
        """
        rows = self._table[self._table["lane"] == lane]
        if rows.empty:
            lanes = self._table["lane"]
            raise InputError(f"There is no lane {lane}. Lanes go from {lanes.min()} to {lanes.max()}.")
        return rows.iloc[0]

    def structure(self, lane: int) -> keras.Model:
        """The model that a lane was trained in, with its structure; its weights are not the lane's."""
        if self._variants is None:
            from ridgeway.storage import stored_models
            from ridgeway.structures import Variants

            self._variants = Variants(stored_models(self.source, self.record))
        return self._variants.of(self._configuration(self.lane(lane)))

    def given_model(self, configuration: Mapping[str, Any] | None = None) -> keras.Model:
        """The model as `fit_path` was given it, untrained by the path.

        Args:
            configuration: of which the arguments count that were passed to the function that built the model; the first
                lane's if None.

        Raises:
            InputError: the path was read from a directory whose run could not save the model.
        """
        wanted = self._configuration(self._table.iloc[0]) if configuration is None else configuration
        if self._variants is not None:
            return self._variants.given(wanted)
        from ridgeway.storage import stored_models
        from ridgeway.structures import Variants

        return Variants(stored_models(self.source, self.record, trained=False)).given(wanted)

    def _configuration(self, row: pd.Series) -> dict[str, Any]:
        return {name: row[name] for name in self.hyperparameters}

    # --- what people look at ----------------------------------------------------------------------------------

    def plot(self, kind: str = "path", lang: str = "en") -> plotly.graph_objects.Figure:
        """A Plotly figure.

        Args:
            kind: "path" (metric against strength), "curves", "effects" (gains with intervals), "weights", "parallel",
                "reliability" or "probes".
            lang: "en" or "ko".

        Raises:
            InputError: an unknown kind or language.
        """
        from ridgeway.report import plot

        return plot(self, kind, lang)

    def report(self, file: str | os.PathLike[str], lang: str = "en") -> None:
        """Writes the report as one HTML file that opens without a network.

        Args:
            file: where to.
            lang: "en" or "ko".
        """
        from ridgeway.report import write_report

        write_report(self, file, lang)

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes the run's directory; see `load_path`.

        Raises:
            InputError: the directory holds another run.
        """
        from ridgeway.storage import save

        save(self, directory, self._variants, self._weights, self._last_weights)
