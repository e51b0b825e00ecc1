"""The lines of Keras code that reproduce a configuration without ridgeway."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ridgeway.report.built_model import call_of, model_record
from ridgeway.report.inserted_layers import comment, normalization_code, scaling_code
from ridgeway.selection import Value

# Kernels are what is left of a model's weights without these, named as in `ridgeway.hyperparameters`.
_NOT_KERNELS = ["bias", "gamma", "beta", "scale", "embeddings"]
# Of `lp` where the family has no `p`.
_EXPONENT = 1.5
_OWN_DECAY = {"AdamW", "Muon"}  # Keras gives these a weight decay when none is passed.
_OPTIMIZERS = {
    "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "Muon", "Nadam",
    "RMSprop", "SGD",
}  # fmt: skip
# Losses that are written out; of any other, custom or several, only the name is known.
_LOSS_FUNCTIONS = {
    "binary_crossentropy": "BinaryCrossentropy",
    "binary_focal_crossentropy": "BinaryFocalCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "categorical_focal_crossentropy": "CategoricalFocalCrossentropy",
    "hinge": "Hinge",
    "huber": "Huber",
    "kl_divergence": "KLDivergence",
    "log_cosh": "LogCosh",
    "mean_absolute_error": "MeanAbsoluteError",
    "mean_squared_error": "MeanSquaredError",
    "poisson": "Poisson",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
}
_LOSSES = set(_LOSS_FUNCTIONS.values())
_LOSS_ARGUMENTS = ("from_logits", "label_smoothing", "delta", "gamma", "alpha", "ignore_class")
_DEFAULTS: dict[str, dict[str, Any]] = {
    "": {
        "use_ema": False,
        "ema_momentum": 0.99,
        "nesterov": False,
        "amsgrad": False,
        "centered": False,
        "momentum": 0,
    },
    "Adam": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "AdamW": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "RMSprop": {"rho": 0.9, "epsilon": 1e-7},
}


def keras_code(record: Mapping[str, Any], configuration: Mapping[str, Value], epochs: int, lang: str = "en") -> str:
    """Write the `compile` and `fit` that train a configuration with Keras alone, and what the model needs.

    Args:
        record: the path's record; `model`, `structures`, `data`, `batch_size` and `decay` are read.
        configuration: value of each hyperparameter, a number or a word.
        epochs: how long to train: the kept epoch of the lane that is to be reproduced.
        lang: of the comments.

    Returns:
        Python source. What the record does not hold (a custom loss) is left to a name, with a comment.
    """
    about = model_record(record, configuration)
    built = call_of(record, configuration)
    numbers = {name: float(value) for name, value in configuration.items() if not isinstance(value, str)}
    words = {name: value for name, value in configuration.items() if isinstance(value, str)}
    layers = list(about.get("layers", ()))
    changes: list[str] = []
    if built:
        changes += [*comment("code.built_by", lang, name=built.partition("(")[0]), f"model = {built}"]
    known = set(numbers)
    if "dropout" in known:
        names = [layer["name"] for layer in layers if "Dropout" in str(layer["class"])]
        changes += comment("code.dropout", lang, layers=_listed(names), code=f"Dropout({_number(numbers['dropout'])})")
    if numbers.get("input_dropout"):
        changes += comment(
            "code.input_dropout", lang, code=f"keras.layers.Dropout({_number(numbers['input_dropout'])})"
        )
    changes += _beyond_the_lecture(numbers, lang)
    if numbers.get("l2"):
        code = f"kernel_regularizer=keras.regularizers.L2({_number(numbers['l2'])})"
        changes += comment("code.l2", lang, code=code)
    for name, value in numbers.items():
        if "." in name:
            changes += comment("code.attribute", lang, name=repr(name), code=_number(value))
    changes += normalization_code(layers, words, lang)
    changes += scaling_code(str(record.get("data", {}).get("x", "")), words, lang)
    loss, before = _loss(about, numbers.get("label_smoothing"), lang)
    optimizer, decays = _optimizer(about, numbers)
    for name, body in (("l1", _SOFT), ("group_lasso", _GROUP)):
        if numbers.get(name):
            changes += _proximal(name, _CONSTRAINTS[name], body, numbers, about, lang)
    if "learning_rate=learning_rate" in optimizer:
        before = [*comment("code.schedule_unknown", lang), *before]
    lines = [*changes, *([""] if changes else []), *before]
    compiled = optimizer
    averages = bool(numbers.get("ema") or dict(about.get("optimizer_config") or {}).get("use_ema"))
    if decays and record.get("decay") != "all":
        lines += [f"optimizer = {optimizer}"]
        lines += comment("code.kernels_only", lang)
        lines += [f"optimizer.exclude_from_weight_decay(var_names={_strings(_NOT_KERNELS)})"]
        compiled = "optimizer"
    lines += [
        "model.compile(",
        f"    optimizer={compiled},",
        f"    loss={loss},",
        *([f"    metrics={_strings(about['metrics'])},"] if about.get("metrics") else []),
        ")",
        *_fit(int(record["batch_size"]), int(epochs), numbers, averages, lang),
    ]
    return "\n".join(lines) + "\n"


def _fit(batch_size: int, epochs: int, numbers: Mapping[str, float], averages: bool, lang: str) -> list[str]:
    """The call of `fit`; two where a lane is relaxed, since Keras reads constraints when it compiles a step."""
    call = f"model.fit(x_train, y_train, batch_size={batch_size}"
    relax = int(numbers.get("relax", 0))
    if not (0 < relax < epochs and (numbers.get("l1") or numbers.get("group_lasso"))):
        return [f"{call}, epochs={epochs})"]
    if averages:
        # Keras writes the averages into the weights at the end of the first fit, and they have no zeros to keep.
        return [*comment("code.not_in_keras", lang, code=f"relax={relax}"), f"{call}, epochs={epochs})"]
    thresholds = " | ".join(constraint for name, constraint in _CONSTRAINTS.items() if numbers.get(name))
    # Rows stay whole under the group lasso alone; `l1` keeps each weight's own zero.
    kept = "not_equal(w, 0)" if numbers.get("l1") else "any(w != 0, axis=1, keepdims=True)"
    return [
        f"{call}, epochs={relax})",
        *comment("code.relax", lang),
        "class KeepZeros(keras.constraints.Constraint):",
        "    def __init__(self, w):",
        f"        self.kept = keras.ops.{kept}",
        "",
        "    def __call__(self, w):",
        "        return w * keras.ops.cast(self.kept, w.dtype)",
        "",
        "for variable in model.trainable_variables:",
        f"    if isinstance(variable.constraint, {thresholds}):",
        "        variable.constraint = KeepZeros(variable.value)",
        "model.make_train_function(force=True)",
        f"{call}, initial_epoch={relax}, epochs={epochs})",
    ]


def _beyond_the_lecture(configuration: Mapping[str, float], lang: str) -> list[str]:
    """What the model needs for methods that act in its layers, and which of them Keras lacks."""
    used = {name: _number(value) for name, value in configuration.items() if value}
    lines: list[str] = []
    if "noise" in used:
        lines += comment("code.input_dropout", lang, code=f"keras.layers.GaussianNoise({used['noise']})")
    if "recurrent_dropout" in used:
        lines += comment("code.recurrent_dropout", lang, code=f"recurrent_dropout={used['recurrent_dropout']}")
    if "attention_dropout" in used:
        lines += comment("code.attention_dropout", lang, code=f"dropout={used['attention_dropout']}")
    if "stochastic_depth" in used:
        lines += comment(
            "code.stochastic_depth",
            lang,
            code=f"keras.layers.Dropout({used['stochastic_depth']} * l / L, noise_shape=(None, 1, ...))",
        )
    if "max_norm" in used:
        code = f"kernel_constraint=keras.constraints.MaxNorm({used['max_norm']})"
        lines += comment("code.max_norm", lang, code=code)
    if "lp" in used:
        exponent = _number(configuration.get("p", _EXPONENT))
        lines += comment("code.l2", lang, code=f"kernel_regularizer=ridgeway.regularizers.Lp({exponent}, {used['lp']})")
    if "ema" in used:
        lines += comment("code.ema", lang)
    for name in ("mixup", "sam"):
        if name in used:
            lines += comment("code.not_in_keras", lang, code=f"{name}={used[name]}")
    return lines


def _listed(names: list[str]) -> str:
    return ", ".join(repr(str(name)) for name in names) or "?"


def _strings(values: Any) -> str:
    names = values if isinstance(values, list | tuple) else [values]
    return (
        "["
        + ", ".join(
            '"' + str(name).replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"' for name in names
        )
        + "]"
    )


def _number(value: Any) -> str:
    """A number as a person would type it: Keras keeps 0.01 as the float32 0.009999999776."""
    number = float(value)
    short = float(str(np.float32(number)))
    return repr(short if float(np.float32(number)) == number else number)


def _optimizer(about: Mapping[str, Any], configuration: Mapping[str, float]) -> tuple[str, bool]:
    """The optimizer's constructor call, and whether it decays weights."""
    name = str(about["optimizer"])
    config = {key: value for key, value in dict(about.get("optimizer_config") or {}).items() if key != "name"}
    for varied in ("learning_rate", "momentum", "weight_decay"):
        if varied in configuration:
            config[varied] = configuration[varied]
    if "clip_norm" in configuration:
        config["global_clipnorm"] = configuration["clip_norm"] or None
    if "ema" in configuration:
        config |= {"use_ema": configuration["ema"] > 0, "ema_momentum": configuration["ema"] or 0.99}
    config.setdefault("weight_decay", None)
    usual = {**_DEFAULTS[""], **_DEFAULTS.get(name, {})}
    ordered = [key for key in ("learning_rate", "momentum", "weight_decay") if key in config]
    # A record holds plain numbers; of a schedule it may hold nothing, so the line names what is missing.
    shown = [] if "learning_rate" in config else ["learning_rate=learning_rate"]
    for key in [*ordered, *(key for key in config if key not in ordered)]:
        value = config[key]
        if key == "weight_decay" and not value:
            if name in _OWN_DECAY:
                shown.append("weight_decay=0.0" if value == 0 else "weight_decay=None")
        elif value is not None and not (key in usual and value == usual[key]) and key.isidentifier():
            shown.append(f"{key}={_value(value)}")
    whole = f"keras.optimizers.{name}" if name in _OPTIMIZERS else _identifier(name)
    return f"{whole}({', '.join(shown)})", bool(config.get("weight_decay"))


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int):
        return repr(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping) and "class_name" in value:
        inside = {k: v for k, v in dict(value.get("config") or {}).items() if k != "name" and v is not None}
        arguments = ", ".join(f"{k}={_value(v)}" for k, v in inside.items() if str(k).isidentifier())
        return f"keras.optimizers.schedules.{_identifier(str(value['class_name']))}({arguments})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return repr(str(value))


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name) or "Optimizer"


def _loss(about: Mapping[str, Any], smoothing: float | None, lang: str) -> tuple[str, list[str]]:
    """The loss as an argument of `compile`, and the lines that must stand before it."""
    name, config = str(about.get("loss")), about.get("loss_config")
    by_function = name in _LOSS_FUNCTIONS
    kind = _LOSS_FUNCTIONS.get(name, name)
    if kind not in _LOSSES:
        return "loss", comment("code.loss_unknown", lang, loss=repr(name))
    arguments = {key: value for key, value in dict(config or {}).items() if key in _LOSS_ARGUMENTS and value}
    before: list[str] = []
    if smoothing:
        arguments["label_smoothing"] = float(smoothing)
        if kind == "SparseCategoricalCrossentropy":
            before += [*comment("code.sparse_smoothing", lang), "y_train = keras.utils.to_categorical(y_train)"]
            kind = "CategoricalCrossentropy"
    elif smoothing == 0:
        arguments.pop("label_smoothing", None)
    if by_function and not arguments:
        return repr(name), before
    if config is None and not by_function:
        before += comment("code.loss_arguments", lang, loss=kind)
    call = ", ".join(f"{key}={_value(value)}" for key, value in arguments.items())
    return f"keras.losses.{kind}({call})", before


def _proximal(
    name: str, constraint: str, body: tuple[str, ...], numbers: Mapping[str, float], about: Mapping[str, Any], lang: str
) -> list[str]:
    """Keras's own L1, a subgradient, never reaches zero; a constraint, run after each update, can."""
    rate = numbers.get("learning_rate", dict(about.get("optimizer_config") or {}).get("learning_rate"))
    strength = _number(numbers[name])
    constant = isinstance(rate, int | float)
    threshold = f"{_number(rate)} * {strength}" if constant else f"learning_rate * {strength}"
    return [
        *comment(f"code.{name}", lang, code=f"kernel_constraint={constraint}({threshold})"),
        *([] if constant else comment("code.l1_schedule", lang)),
        f"class {constraint}(keras.constraints.Constraint):",
        "    def __init__(self, threshold):",
        "        self.threshold = threshold",
        "",
        "    def __call__(self, w):",
        *(f"        {line}" for line in body),
        "",
    ]


_CONSTRAINTS = {"l1": "SoftThreshold", "group_lasso": "GroupThreshold"}
_SOFT = ("return keras.ops.sign(w) * keras.ops.maximum(keras.ops.abs(w) - self.threshold, 0)",)
# Row i of a Dense layer's kernel is what it gives to feature i.
_GROUP = (
    "norms = keras.ops.maximum(keras.ops.norm(w, axis=1, keepdims=True), 1e-12)",
    "return w * keras.ops.maximum(1 - self.threshold / norms, 0)",
)
