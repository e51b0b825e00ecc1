"""Every private name of Keras and JAX that ridgeway relies on, in one place.

Keras is pinned to a minor range because of this file; `tests/test_keras_internals.py` fails loudly when one of
these names changes its meaning. Nothing here knows of lanes, families or paths.
"""

from __future__ import annotations

import collections
import contextlib
import contextvars
import copy
import functools
import operator
import types
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
from jax._src.interpreters import partial_eval
from jax._src.lax.lax import _convert_element_type
from keras.src import backend as keras_backend
from keras.src.backend.common import global_state
from keras.src.backend.common.masking import get_keras_mask
from keras.src.backend.common.stateless_scope import StatelessScope
from keras.src.backend.jax import nn as keras_jax_nn
from keras.src.backend.jax import numpy as keras_jax_numpy
from keras.src.backend.jax import random as keras_jax_random
from keras.src.backend.jax.trainer import JAXTrainer
from keras.src.layers.regularization import gaussian_dropout
from keras.src.losses.losses import LossFunctionWrapper
from keras.src.models.functional import Functional, functional_like_constructor
from keras.src.trainers.compile_utils import CompileLoss

from ridgeway.errors import InputError
from ridgeway.telling import warn

__all__ = [
    "CompiledLoss",
    "StatelessScope",
    "adapted_normalizations",
    "add_seed_generator",
    "all_layers",
    "attention_rate",
    "averaged_weights",
    "build",
    "class_probabilities",
    "build_optimizer",
    "compile_copy",
    "compiled_losses",
    "computed",
    "constraint_swap",
    "decay_swap",
    "draw_seed",
    "dropout_math",
    "excluded_from_decay",
    "flat_losses_swap",
    "functional_of",
    "gate_masks",
    "graph_calls",
    "has_own_step",
    "inner_dropout_layer",
    "inner_optimizer",
    "is_functional",
    "is_input",
    "is_likelihood",
    "labelled_outputs",
    "losses_of_outputs",
    "iterations",
    "keras_function",
    "learning_rate_variable",
    "monitor_direction",
    "looped_layers",
    "normalization_swap",
    "rebuild_with_averages",
    "rebuild_with_momentum",
    "regularizer_swap",
    "rerun_graph",
    "row_losses",
    "schedule",
    "seed_variables",
    "smoothed_sparse",
    "symbolic_inputs",
    "training_argument",
    "training_now",
    "uses_input",
    "weak",
    "weight_setting",
]

if keras.backend.backend() != "jax":
    raise InputError(
        f"Keras runs on the backend '{keras.backend.backend()}', and ridgeway needs JAX. Set KERAS_BACKEND=jax in the "
        "environment, or import ridgeway before keras."
    )

Swap = tuple[Any, str, Any]

# How often Keras has given each name.
_COUNTED = "object_name_uids"


def build(model: keras.Model, batch: tuple[Any, Any, Any]) -> None:
    """Creates the variables of a compiled model, its loss, metrics and optimizer, without a training step.

    Args:
        model: compiled model.
        batch: `(x, y, sample_weight)` of arrays with a leading batch axis; only shapes and dtypes are read.
    """
    model._symbolic_build(data_batch=batch)


@contextlib.contextmanager
def fresh_names() -> Iterator[None]:
    """Keras numbers the names of layers, metrics and models from the start, as in a process of its own."""
    counted = global_state.get_global_attribute(_COUNTED)
    global_state.set_global_attribute(_COUNTED, collections.defaultdict(int))
    try:
        yield
    finally:
        global_state.set_global_attribute(_COUNTED, counted)


def has_own_step(model: keras.Model, name: str) -> bool:
    """Whether the user's class overrides Keras's `train_step` or `test_step`."""
    return getattr(type(model), name) is not getattr(JAXTrainer, name)


def weak(value: jax.Array) -> jax.Array:
    """Marks a traced scalar as weakly typed, as a Python float is, so that bfloat16 layers stay bfloat16."""
    return _convert_element_type(value, weak_type=True)


def uses_input(function: Callable[..., Any], arguments: tuple[Any, ...], position: int) -> bool:
    """Whether the traced function's result depends on the (single-array) argument at `position`."""
    closed = jax.make_jaxpr(function)(*arguments)
    _, used = partial_eval.dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars))
    before = len(jax.tree.leaves(arguments[:position]))
    return bool(used[before])


# --- optimizers -----------------------------------------------------------------------------------------------


def inner_optimizer(model: keras.Model) -> Any:
    """The optimizer that applies updates: the one inside a loss-scale wrapper, if there is one."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def learning_rate_variable(optimizer: Any) -> Any | None:
    """The variable that holds the learning rate; None where it is a schedule or a function."""
    rate = optimizer._learning_rate
    return rate if isinstance(rate, keras.Variable) else None


def schedule(optimizer: Any) -> Any | None:
    """The learning-rate schedule object, if the optimizer has one."""
    rate = optimizer._learning_rate
    return rate if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule) else None


def excluded_from_decay(optimizer: Any, variable: Any) -> bool:
    """Whether the user excluded this variable by `optimizer.exclude_from_weight_decay`."""
    return not optimizer._use_weight_decay(variable)


def decay_swap(optimizer: Any, decayed: Sequence[Any], strength: Any) -> Swap:
    """Replaces the optimizer's own decay by `w - w * strength * learning_rate` on the variables given.

    The order of the products is Keras's, so that results agree to the last bit.
    """
    wanted = {id(variable) for variable in decayed}

    def apply_weight_decay(variables: Sequence[Any]) -> None:
        for variable in variables:
            if id(variable) in wanted:
                rate = keras.ops.cast(optimizer.learning_rate, variable.dtype)
                decay = keras.ops.cast(strength, variable.dtype)
                variable.assign(variable - variable * decay * rate)

    return (optimizer, "_apply_weight_decay", apply_weight_decay)


def clip_swaps(optimizer: Any, norm: Any) -> list[Swap]:
    """Puts `norm`, a lane's scalar, in the place of the optimizer's `global_clipnorm`; 0 leaves gradients as they are.

    The optimizer must have no `clipnorm` and no `clipvalue`.
    """
    original = optimizer._clip_gradients

    def clip(gradients: Sequence[Any]) -> list[Any]:
        # Keras's own formula would make all gradients 0 at 0, which to it means no clipping.
        clipped = original(gradients)
        clips = norm.value > 0
        return [
            gradient if gradient is None else keras.ops.where(clips, less, gradient)
            for gradient, less in zip(gradients, clipped, strict=True)
        ]

    return [(optimizer, "global_clipnorm", norm), (optimizer, "_clip_gradients", clip)]


def rebuild_with_momentum(optimizer: Any, variables: Sequence[Any]) -> None:
    """Gives a built optimizer with momentum 0 the slots that Keras makes only for momentum above 0.

    A lane with momentum 0 trains as without them: its slot holds the plain step.
    """
    name = "_momentums" if hasattr(optimizer, "_momentums") else "momentums"
    if getattr(optimizer, name):
        return
    locked = optimizer._tracker.locked
    optimizer._tracker.unlock()
    setattr(optimizer, name, optimizer.add_optimizer_variables(list(variables), "momentum"))
    if locked:
        optimizer._tracker.lock()


def rebuild_with_averages(optimizer: Any, variables: Sequence[Any]) -> None:
    """Gives a built optimizer without `use_ema` the slots in which Keras averages the weights.

    They start at the weights' own values: after steps that were taken without them, Keras's first average is not
    simply the weights.
    """
    if optimizer.use_ema:
        return
    if not hasattr(optimizer, "_model_variables_moving_average"):
        locked = optimizer._tracker.locked
        optimizer._tracker.unlock()
        averages = optimizer.add_optimizer_variables(list(variables), "average")
        # Past the tracker, as Keras's own `build` has it: the variables are in the optimizer's list already.
        object.__setattr__(optimizer, "_model_variables_moving_average", averages)
        if locked:
            optimizer._tracker.lock()
    for variable, average in zip(variables, averaged_weights(optimizer), strict=True):
        if average is not None:
            # A copy: Keras's fit donates both.
            average.assign(jnp.copy(variable.value))


def averaged_weights(optimizer: Any) -> list[Any]:
    """The optimizer's variables that average the trainable ones, in their order; None for one that it leaves out."""
    return list(optimizer._model_variables_moving_average)


def iterations(optimizer: Any) -> Any:
    """The variable that counts gradient steps, accumulated ones included."""
    return optimizer._iterations


# --- variables ------------------------------------------------------------------------------------------------


def regularizer_swap(variable: Any, regularizer: Callable[[Any], Any]) -> Swap:
    """Replaces a variable's regularizer; its penalty enters the loss as any Keras penalty does."""
    return (variable, "_regularizer", regularizer)


def constraint_swap(variable: Any, constraint: Callable[[Any], Any]) -> Swap:
    """Replaces a variable's constraint, which Keras applies to it right after each update."""
    return (variable, "_constraint", constraint)


def weight_setting(layer: Any, weight: str, setting: str) -> str | None:
    """The layer's attribute that says how one of its weights is made.

    Args:
        layer: any layer.
        weight: the name of its variable, such as "recurrent_kernel".
        setting: "initializer", "regularizer" or "constraint".

    Returns:
        Such as "recurrent_initializer"; None where there is none, or where it only passes on what an inner layer holds.
    """
    names = [f"{weight}_{setting}", f"{weight.removesuffix('_kernel')}_{setting}"]
    if isinstance(layer, keras.layers.DepthwiseConv1D | keras.layers.DepthwiseConv2D) and weight == "kernel":
        names.insert(0, f"depthwise_{setting}")
    return next((name for name in names if hasattr(layer, name) and not computed(layer, name)), None)


def computed(owner: Any, attribute: str) -> bool:
    """Whether an attribute is a property that can't be set, as `LSTM.dropout`, which is its cell's."""
    held = getattr(type(owner), attribute, None)
    return isinstance(held, property) and held.fset is None


def looped_layers(layer: Any) -> list[Any]:
    """The layers that a layer runs once a time step, within a loop: cells, and what `TimeDistributed` wraps."""
    inner = getattr(layer, "cell", None) if isinstance(layer, keras.layers.RNN) else None
    if isinstance(layer, keras.layers.TimeDistributed):
        inner = layer.layer
    return [] if inner is None else list(inner._flatten_layers())


def training_argument(model: keras.Model, training: bool) -> dict[str, bool]:
    """The keyword that tells a model's call whether it trains, as `fit` passes it: none where the call takes none."""
    return {"training": training} if model._call_has_training_arg else {}


def all_layers(model: keras.Model) -> list[Any]:
    """Every layer of a model, nested ones and the model itself included."""
    return list(model._flatten_layers())


def seed_variables(model: keras.Model) -> list[Any]:
    """The state variables of all random generators of a model."""
    return [variable for variable in model.non_trainable_variables if variable.name == "seed_generator_state"]


def graph_calls(model: keras.Model) -> list[tuple[Any, list[Any], list[Any]]]:
    """The calls of a functional model's graph in order: (operation, tensors taken, tensors given).

    Empty for a subclassed model, whose graph is not known.
    """
    by_depth = getattr(model, "_nodes_by_depth", {})
    # Depth counts from the outputs. An operation's other nodes are calls of it outside of this model.
    depth = {id(node): count for count, nodes in by_depth.items() for node in nodes}
    nodes = [
        node for operation in getattr(model, "operations", []) for node in operation._inbound_nodes if id(node) in depth
    ]
    nodes.sort(key=lambda node: -depth[id(node)])
    return [(node.operation, list(node.input_tensors), list(node.output_tensors)) for node in nodes]


def add_seed_generator(layer: Any, seed: int) -> bool:
    """Gives a layer built with rate 0 the seed generator that Keras makes only for rates above 0.

    Returns:
        Whether one was added.
    """
    own = getattr(layer, "seed_generator", None)
    if own is not None:
        if own in _added:
            own.state.assign([seed, 0])
        return False
    locked = layer._tracker.locked
    layer._tracker.unlock()
    layer.seed_generator = keras.random.SeedGenerator(seed)
    _added.add(layer.seed_generator)
    if locked:
        layer._tracker.lock()
    return True


# Generators that were made here: each call may seed them anew, so that a path's seed decides, not an earlier path's.
_added: weakref.WeakSet[Any] = weakref.WeakSet()


def training_now(layer: Any) -> bool:
    """Whether the call being traced is one in training mode; to be asked inside a layer's `call`."""
    return bool(layer._get_call_context().get_value("training"))


def attention_rate(layer: Any) -> str:
    """The attribute in which an attention layer holds its dropout rate."""
    return "_dropout" if computed(layer, "dropout") else "dropout"


def inner_dropout_layer(layer: Any) -> Any | None:
    """The Dropout layer inside a built multi-head or grouped attention layer, which drops for it."""
    return getattr(layer, "_dropout_layer", None)


def gate_masks(cell: Any) -> list[Swap]:
    """What Keras sets on a recurrent cell for a `recurrent_dropout` above 0: a mask for each gate, gates one by one."""
    gates = {keras.layers.LSTMCell: 4, keras.layers.GRUCell: 3}
    return [
        swap
        for kind, count in gates.items()
        if isinstance(cell, kind)
        for swap in ((cell, "implementation", 1), (cell, "dropout_mask_count", count))
    ]


@contextlib.contextmanager
def dropout_math() -> Iterator[None]:
    """Lets `GaussianDropout` take the square root of a traced rate (it calls `math.sqrt`)."""
    original = gaussian_dropout.math
    gaussian_dropout.math = types.SimpleNamespace(sqrt=lambda value: jnp.sqrt(jnp.asarray(value)))
    try:
        yield
    finally:
        gaussian_dropout.math = original


def draw_seed(seed: Any) -> jax.Array:
    """The key that a random function of Keras's JAX backend draws from a seed or a generator: uint32 `(2,)`."""
    return keras_jax_random.jax_draw_seed(seed)


# Where Keras looks a function up when a layer calls it.
_FUNCTIONS: dict[str, Any] = {
    "dropout": keras_jax_random,
    "conv": keras_jax_nn,
    "max_pool": keras_jax_nn,
    "matmul": keras_jax_numpy,
    "lstm": keras_backend,
    "inner_loop": keras.layers.LSTM,
}


@contextlib.contextmanager
def keras_function(name: str, function: Callable[..., Any]) -> Iterator[None]:
    """Lets Keras's layers call `function(original, *arguments, **keywords)` in the place of one of its own functions.

    In this thread only: others go on with what they have.

    Args:
        name: "dropout", "conv", "max_pool" or "matmul" of the JAX backend; "lstm", which does all steps of a
            `keras.layers.LSTM`; or "inner_loop", the layer's method that calls it.
        function: what to call.
    """
    way = _way(name)
    token = way.set(function)
    try:
        yield
    finally:
        way.reset(token)


@functools.cache
def _way(name: str) -> contextvars.ContextVar[Callable[..., Any] | None]:
    """What stands in a function's place in this context; from the first call on Keras's own asks for it."""
    owner = _FUNCTIONS[name]
    original = getattr(owner, name)
    way: contextvars.ContextVar[Callable[..., Any] | None] = contextvars.ContextVar(name, default=None)

    @functools.wraps(original)
    def asked(*arguments: Any, **keywords: Any) -> Any:
        function = way.get()
        if function is None:
            return original(*arguments, **keywords)
        return function(original, *arguments, **keywords)

    setattr(owner, name, asked)
    return way


# --- losses ---------------------------------------------------------------------------------------------------


class CompiledLoss:
    """One loss object of a compiled model, with what can be varied in it."""

    def __init__(self, loss: Any) -> None:
        self.loss = loss

    @property
    def name(self) -> str:
        """The loss's class name, or the function's name where a function was compiled."""
        function = getattr(self.loss, "fn", None)
        if type(self.loss).__name__ == "LossFunctionWrapper" and function is not None:
            return str(getattr(function, "__name__", function))
        return type(self.loss).__name__

    @property
    def keywords(self) -> dict[str, Any]:
        """The keyword arguments that the loss passes to its function."""
        own = {
            name: getattr(self.loss, name)
            for name in ("from_logits", "ignore_class", "axis")
            if hasattr(self.loss, name)
        }
        return dict(getattr(self.loss, "_fn_kwargs", own))

    @property
    def smoothing(self) -> str | None:
        """How labels can be smoothed: "keyword", "attribute", "sparse", or None where they can't."""
        function = getattr(self.loss, "fn", None)
        if function is keras.losses.sparse_categorical_crossentropy:
            return "sparse"
        smoothed = {
            keras.losses.binary_crossentropy,
            keras.losses.categorical_crossentropy,
            keras.losses.binary_focal_crossentropy,
            keras.losses.categorical_focal_crossentropy,
        }
        if function in smoothed or "label_smoothing" in self.keywords:
            return "keyword"
        return "attribute" if hasattr(self.loss, "label_smoothing") else None

    @property
    def base_smoothing(self) -> float:
        """The label smoothing that the user compiled the loss with."""
        value = self.keywords.get("label_smoothing", getattr(self.loss, "label_smoothing", 0.0))
        return float(value or 0.0)

    def smoothing_swap(self, strength: Any) -> Swap:
        """Puts `strength` in the place of the loss's label smoothing."""
        kind = self.smoothing
        if kind == "keyword":
            return (self.loss, "_fn_kwargs", {**self.keywords, "label_smoothing": strength})
        if kind == "attribute":
            return (self.loss, "label_smoothing", strength)
        return (self.loss, "fn", smoothed_sparse(strength))

    def hard_swap(self) -> Swap:
        """Puts the loss on hard labels, whatever a lane's smoothing has put in its place."""
        if self.smoothing == "sparse":
            return (self.loss, "fn", self.loss.fn)
        return self.smoothing_swap(0.0)

    def write_smoothing(self, strength: float) -> bool:
        """Writes a strength into the loss for good. Returns whether Keras's loss can hold one."""
        if self.smoothing not in ("keyword", "attribute"):
            return False
        if self.smoothing == "keyword":
            self.loss._fn_kwargs = {**self.keywords, "label_smoothing": strength}
        if hasattr(self.loss, "label_smoothing"):
            self.loss.label_smoothing = strength
        return True


def smoothed_sparse(strength: Any) -> Callable[..., Any]:
    """Sparse categorical cross-entropy with smoothed labels: categorical on the one-hot rows.

    `ignore_class` rows count 0, as in `keras.losses.sparse_categorical_crossentropy`.
    """

    def loss(
        y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
    ) -> Any:
        ops = keras.ops
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
            y_true = ops.squeeze(y_true, axis=axis)
        labels = ops.cast(y_true, "int32")
        valid = None
        if ignore_class is not None:
            valid = ops.not_equal(labels, ignore_class)
            labels = ops.where(valid, labels, 0)
        one_hot = ops.one_hot(labels, y_pred.shape[axis], axis=axis, dtype=y_pred.dtype)
        # Keras's formula, without its question whether the strength is 0.
        soft = one_hot * (1.0 - strength) + strength / y_pred.shape[axis]
        values = keras.losses.categorical_crossentropy(soft, y_pred, from_logits=from_logits, axis=axis)
        if valid is not None:
            values = ops.where(valid, values, 0.0)
            keras.src.backend.set_keras_mask(values, mask=valid)
        return values

    return loss


def compiled_losses(model: keras.Model) -> list[CompiledLoss]:
    """The loss objects of a compiled model, one an output; empty where it has none.

    Those of a model that is not built yet are the objects that were compiled, and new ones for names and functions.
    """
    compiled = model._compile_loss
    if compiled is None:
        return []
    if not compiled.built:
        given = keras.tree.flatten(compiled._user_loss)
        return [CompiledLoss(_loss_object(loss)) for loss in given if loss not in (None, "crossentropy", "ce")]
    return [CompiledLoss(entry.loss) for entry in compiled._flat_losses]


def flat_losses_swap(model: keras.Model, change: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Swap:
    """Puts `change(loss)` in the place of each loss of a compiled and built model, one an output.

    A loss is called with `(y_true, y_pred, sample_weight)` and gives a scalar. Penalties and losses that layers add
    are none of these, and what Keras logs for each output is what the changed loss gives.
    """
    compiled = model._compile_loss
    return (compiled, "_flat_losses", [entry._replace(loss=change(entry.loss)) for entry in compiled._flat_losses])


def _loss_object(given: Any) -> Any:
    if isinstance(given, keras.losses.Loss):
        return given
    found = keras.losses.get(given)
    return found if isinstance(found, keras.losses.Loss) else LossFunctionWrapper(found)


def is_functional(model: keras.Model) -> bool:
    """Whether the graph of a model's layers is known: it is no subclass with a `call` of its own."""
    return isinstance(model, Functional)


def rerun_graph(model: keras.Model, replace: Callable[[Any], Any], call: Callable[..., Any]) -> keras.Model:
    """A functional model built anew from the graph of another.

    Args:
        model: functional model; its class is kept where that can be made from inputs and outputs.
        replace: gives the operation to stand in the place of each; asked once an operation.
        call: `call(new_operation, original, *arguments, **keywords)` gives the outputs, where the graph calls it.
    """
    replaced: dict[int, Any] = {}

    def operation(original: Any) -> Any:
        if id(original) not in replaced:
            replaced[id(original)] = replace(original)
        return (replaced[id(original)], original)

    def called(pair: tuple[Any, Any], *arguments: Any, **keywords: Any) -> Any:
        return call(*pair, *arguments, **keywords)

    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name), model.input
    )
    outputs = model._run_through_graph(inputs, operation_fn=operation, call_fn=called)
    kind = type(model) if functional_like_constructor(type(model)) else keras.Model
    rebuilt: keras.Model = kind(inputs, outputs, name=model.name)
    return rebuilt


def functional_of(model: keras.Model) -> Any | None:
    """The functional model that a model is or, if Sequential, stands on; None for a subclassed one."""
    standing = getattr(model, "_functional", None) or model
    return standing if is_functional(standing) else None


def symbolic_inputs(functional: Any) -> Any:
    """A functional model's symbolic inputs, in the structure in which it takes them."""
    return functional._inputs_struct


def is_input(tensor: Any) -> bool:
    """Whether a symbolic tensor is a model's input itself."""
    history = getattr(tensor, "_keras_history", None)
    return history is not None and isinstance(history.operation, keras.layers.InputLayer)


def adapted_normalizations(model: keras.Model) -> list[keras.layers.Normalization]:
    """The `Normalization` layers whose mean and variance are variables, and not given by the user as constants."""
    return [
        layer
        for layer in all_layers(model)
        if isinstance(layer, keras.layers.Normalization) and layer.built and layer.input_mean is None
    ]


def normalization_swap(layer: keras.layers.Normalization) -> Swap:
    """Lets a `Normalization` layer read its mean and variance from its variables while a step is traced.

    Outside of a trace it reads constants made of them by `finalize_state`, which would be the same for all lanes.
    """

    def call(inputs: Any) -> Any:
        ops = keras.ops
        shape = layer._broadcast_shape
        inputs = ops.cast(inputs, layer.compute_dtype)
        mean = ops.cast(ops.reshape(layer.adapt_mean, shape), inputs.dtype)
        variance = ops.cast(ops.reshape(layer.adapt_variance, shape), inputs.dtype)
        return (inputs - mean) / ops.maximum(ops.sqrt(variance), keras.config.epsilon())

    return (layer, "call", call)


def compile_copy(source: keras.Model, target: keras.Model, variables: Sequence[Any] | None = None) -> None:
    """Compiles `target` as `source` was compiled, with objects of its own.

    A metric that Keras can't make again from its configuration is left out; an optimizer of the user's own class is
    made as the Keras class that it comes from. Both with a warning: neither touches the weights.

    Args:
        source: compiled and built model.
        target: built model.
        variables: those of the target that stand for the source's trainable ones, where it has others too.
    """
    arguments = dict(source._compile_config.config)
    copied = _optimizer_copy(source.optimizer)
    arguments["optimizer"] = copied
    excluded = [
        own
        for variable, own in zip(source.trainable_variables, variables or target.trainable_variables, strict=True)
        if excluded_from_decay(inner_optimizer(source), variable)
    ]
    if excluded:
        getattr(copied, "inner_optimizer", copied).exclude_from_weight_decay(excluded)

    def own_loss(loss: Any) -> Any:
        return _shallow(loss) if isinstance(loss, keras.losses.Loss) else loss

    arguments["loss"] = keras.tree.map_structure(own_loss, arguments["loss"])

    def own(metric: Any) -> Any:
        if not isinstance(metric, keras.metrics.Metric):
            return metric
        try:
            return type(metric).from_config(metric.get_config())
        except (TypeError, NotImplementedError) as error:
            warn(f"The exported model is without the metric '{metric.name}': {error}")
            return None

    for name in ("metrics", "weighted_metrics"):
        given = keras.tree.map_structure(own, arguments.get(name))
        arguments[name] = [one for one in given if one is not None] if isinstance(given, list) else given
    target.compile(**arguments)


def build_optimizer(model: keras.Model) -> None:
    """Gives a built model's optimizer its slots, where it has none yet: a file must hold those that Keras looks for."""
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def _optimizer_copy(optimizer: Any) -> Any:
    config = optimizer.get_config()
    kinds: tuple[Any, ...] = type(optimizer).__mro__
    for kind in kinds:
        try:
            made = kind.from_config(config)
        except (TypeError, NotImplementedError, AttributeError):
            continue
        if kind is not type(optimizer):
            name = type(optimizer).__name__
            warn(f"The exported model's optimizer is {kind.__name__}: Keras can't copy {name}.")
        return made
    return keras.optimizers.SGD()


def row_losses(model: keras.Model, y: Any, y_pred: Any, sample_weight: Any) -> Any | None:
    """The model's loss of each row on hard labels, without penalties.

    Args:
        model: compiled and built model.
        y: labels, leading batch axis.
        y_pred: the model's outputs, leading batch axis.
        sample_weight: weights or None, as Keras takes them.

    Returns:
        Array of shape `(batch,)`; None where the model was compiled without a loss, or with one of the user's own that
        gives a single number for a batch.
    """
    compiled: CompileLoss | None = model._compile_loss
    if compiled is None:
        return None
    plain = _shallow(compiled)
    reduced: list[bool] = []
    plain._flat_losses = [
        entry._replace(loss=_rowwise(CompiledLoss(entry.loss), reduced)) for entry in compiled._flat_losses
    ]
    # A scope of its own: what the inner metrics gather here must not count twice.
    with StatelessScope():
        losses = plain(y, y_pred, sample_weight)
    return None if any(reduced) else losses


def labelled_outputs(model: keras.Model, x: Any, y: Any) -> list[tuple[CompiledLoss, Any, tuple[int, ...]]]:
    """Each loss of a model with its labels and the shape of its output, paired as Keras pairs them.

    Args:
        model: compiled and built model.
        x: inputs of a few rows; only shapes and dtypes are read.
        y: labels of any number of rows, given back as they are.

    Raises:
        ValueError: Keras's, where the labels' structure is not that of the outputs.
    """
    compiled: CompileLoss | None = model._compile_loss
    if compiled is None:
        return []
    found: list[tuple[CompiledLoss, Any, tuple[int, ...]]] = []

    def noting(loss: Any) -> Callable[..., Any]:
        def note(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            found.append((CompiledLoss(loss), y_true, tuple(y_pred.shape)))
            return jnp.zeros(())

        return note

    plain = _shallow(compiled)
    plain._flat_losses = [entry._replace(loss=noting(entry.loss)) for entry in compiled._flat_losses]

    def trace(inputs: Any) -> Any:
        trainable, others = (
            [variable.value for variable in variables]
            for variables in (model.trainable_variables, model.non_trainable_variables)
        )
        outputs = model.stateless_call(trainable, others, inputs)[0]
        with StatelessScope():
            plain(y, outputs)
        return jnp.zeros(())

    jax.eval_shape(trace, x)
    return found


def losses_of_outputs(model: keras.Model, outputs: Any) -> list[CompiledLoss | None]:
    """The loss of each of a model's outputs, flat; None for one that was compiled without.

    Args:
        model: compiled model.
        outputs: its outputs, arrays or symbolic tensors.
    """
    found: list[CompiledLoss | None] = [None] * len(keras.tree.flatten(outputs))
    compiled: CompileLoss | None = model._compile_loss
    if compiled is None:
        return found
    # One of its own, which pairs losses and outputs without labels.
    fresh = CompileLoss(compiled._user_loss, output_names=compiled.output_names)
    fresh.build(outputs, outputs)
    numbers = keras.tree.pack_sequence_as(fresh._y_pred_build_structure, list(range(len(found))))
    for entry in fresh._flat_losses:
        place = numbers
        for key in entry.path:
            place = place[key]
        for number in keras.tree.flatten(place):
            found[number] = CompiledLoss(entry.loss)
    return found


def is_likelihood(model: keras.Model) -> bool:
    """Whether every loss of the model is a cross-entropy, the negative log-likelihood of the labels."""
    losses = compiled_losses(model)
    return bool(losses) and all(loss.name.lower().replace("_", "") in _LIKELIHOODS for loss in losses)


_LIKELIHOODS = {"binarycrossentropy", "categoricalcrossentropy", "sparsecategoricalcrossentropy"}


def class_probabilities(model: keras.Model, y: Any, y_pred: Any) -> tuple[jax.Array, jax.Array] | None:
    """Class probabilities `(row, class)` and true classes `(row,)` of a model with one output and a cross-entropy.

    Returns:
        None where the output is something else: several outputs, several labels a row, or no cross-entropy.
    """
    losses = compiled_losses(model)
    if len(losses) != 1 or not is_likelihood(model) or isinstance(y_pred, dict | list | tuple):
        return None
    loss = losses[0]
    kind = loss.name.lower().replace("_", "")
    if isinstance(y, dict | list | tuple) or len(y_pred.shape) != 2 or loss.keywords.get("axis", -1) not in (-1, 1):
        return None
    scores = jnp.asarray(y_pred, jnp.float32)
    truth = jnp.asarray(y)
    logits = bool(loss.keywords.get("from_logits", False))
    if kind == "binarycrossentropy":
        if scores.shape[1] != 1:
            return None
        positive = jax.nn.sigmoid(scores) if logits else scores
        both = jnp.concatenate([1 - positive, positive], axis=1)
        return both, (truth.reshape(-1) > 0.5).astype(jnp.int32)
    probabilities = jax.nn.softmax(scores) if logits else scores / jnp.sum(scores, axis=-1, keepdims=True)
    if kind == "categoricalcrossentropy":
        return probabilities, jnp.argmax(truth, axis=-1).astype(jnp.int32)
    labels = truth.reshape(-1).astype(jnp.int32)
    ignored = loss.keywords.get("ignore_class")
    return probabilities, labels if ignored is None else jnp.where(labels == ignored, -1, labels)


def _shallow(thing: Any) -> Any:
    """A shallow copy; `copy.copy` would write a Keras object to a file and read it back."""
    copied = object.__new__(type(thing))
    vars(copied).update(vars(thing))
    return copied


def _rowwise(compiled: CompiledLoss, reduced: list[bool]) -> Callable[..., Any]:
    """The loss of each row; notes in `reduced` whether a function of the user's own gives one number for a batch."""
    loss = _shallow(compiled.loss)
    if compiled.smoothing in ("keyword", "attribute"):
        CompiledLoss(loss).write_smoothing(0.0)
    if hasattr(loss, "reduction"):
        loss.reduction = None

    found: list[Any] = []
    own_call = getattr(loss, "call", None)

    def call(y_true: Any, y_pred: Any) -> Any:
        found.append(own_call(y_true, y_pred))  # type: ignore[misc]
        return found[-1]

    if own_call is not None:
        loss.call = call

    def rows(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        found.clear()
        values = loss(y_true, y_pred, sample_weight)
        reduced.append(not values.shape)
        if not values.shape:
            return values
        masks = [mask for mask in map(get_keras_mask, (y_pred, *found)) if mask is not None]
        if masks:
            # Keras takes the mean over what is not masked; masked entries are 0 already.
            valid = keras.ops.cast(functools.reduce(operator.and_, masks), values.dtype)
            values = values * (valid.size / keras.ops.maximum(keras.ops.sum(valid), 1))
        return keras.ops.mean(keras.ops.reshape(values, (values.shape[0], -1)), axis=1)

    return rows


# --- callbacks ------------------------------------------------------------------------------------------------


def monitor_direction(callback: Any, model: keras.Model) -> str:
    """Whether a monitoring callback looks for the least or the greatest value, by Keras's own rule.

    Returns:
        "min" or "max".

    Raises:
        ValueError: Keras's own, where the direction can't be inferred.
    """
    probe = copy.copy(callback)
    probe.set_model(model)
    probe._set_monitor_op()
    return "min" if probe.monitor_op is keras.ops.less else "max"
