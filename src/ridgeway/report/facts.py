"""What was run: data, model, family, training, machine, versions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ridgeway.locale import catalogue, text
from ridgeway.report.built_model import call_of, model_record
from ridgeway.report.labels import metric_label
from ridgeway.report.markup import Html, joined, say, tag
from ridgeway.selection import in_words, ordered_words, shown

if TYPE_CHECKING:
    from ridgeway.path import Path


def facts(path: "Path", lang: str) -> Html:
    """Five lists of terms, from the record."""
    record = path.record
    data, executor = record.get("data", {}), record.get("executor", {})
    model, built = _model(path)
    groups = {
        "data": {
            "rows": data.get("rows"),
            "validation_rows": data.get("validation_rows"),
            **({"test_rows": data["test_rows"]} if data.get("test_rows") else {}),
            "inputs": data.get("x"),
            "labels": data.get("y"),
            "fingerprint": str(data.get("fingerprint", ""))[:16],
        },
        "model": {
            "name": f"{model.get('name')} ({model.get('class')})",
            **({"built_by": built} if built else {}),
            "parameters": f"{model.get('parameters', 0):,}",
            "optimizer": model.get("optimizer"),
            "loss": model.get("loss"),
            "metrics": _commas(model.get("metrics")),
        },
        "training": {
            "lanes": len(path.table()),
            "repeats": record.get("repeats"),
            **({"folds": _folds(record["folds"], lang)} if record.get("folds") else {}),
            **({"nested": _folds(record["nested"], lang)} if record.get("nested") else {}),
            "epochs": record.get("epochs"),
            **({"halving": _halving(record["halving"], lang)} if record.get("halving") else {}),
            **(
                {"warm_start": text("fact.warm_start_line", lang, name=record["warm_start"])}
                if record.get("warm_start")
                else {}
            ),
            **(
                {"time_limit": text("fact.time_limit_line", lang, seconds=f"{record['time_limit']:g}")}
                if record.get("time_limit")
                else {}
            ),
            "batch_size": record.get("batch_size"),
            "seed": record.get("seed"),
            "callbacks": _commas(record.get("callbacks")) or text("fact.none", lang),
            "compared_by": metric_label(path.metric, lang),
            "monitor": record.get("monitor"),
            **(
                {"decay": text(f"fact.decay_{record['decay']}", lang)} if "weight_decay" in path.hyperparameters else {}
            ),
        },
        "machine": {
            "device": record.get("device"),
            "executor": _executor(executor, lang),
            "why": executor.get("why"),
            "time": _time(record.get("seconds", {}), lang),
            "created": str(record.get("created", ""))[:16].replace("T", " ") + " UTC",
            "versions": _commas(f"{name} {version}" for name, version in _versions(record).items()),
        },
    }
    return tag(
        "div",
        _family(path, lang),
        *(_group(name, terms, lang) for name, terms in groups.items()),
        class_="facts",
    )


def layers(path: "Path", lang: str) -> Html:
    """The model's layers, one a row; nothing where the record lists none."""
    known = _model(path)[0].get("layers") or []
    if not known:
        return Html("")
    rows = [
        tag("tr", tag("td", layer.get("name", ""), class_="text"), tag("td", _layer(layer), class_="text"))
        for layer in known
    ]
    heads = [tag("th", say(f"layer.{key}", lang), scope="col") for key in ("name", "class")]
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows))
    label = say("layer.title", lang, count=len(known))
    return tag("details", tag("summary", label), tag("div", table, class_="scroll"))


def _model(path: "Path") -> tuple[Mapping[str, Any], str | None]:
    """The best configuration's model, and the call that built it."""
    best = path.best.configuration
    return model_record(path.record, best), call_of(path.record, best)


def _layer(layer: Mapping[str, Any]) -> str:
    """The layer as one writes it, with its class in front."""
    kind, line = str(layer.get("class", "")), str(layer.get("config_line", ""))
    return line if line.startswith(kind) else f"{kind} {line}"


def _family(path: "Path", lang: str) -> Html:
    terms = []
    for name, about in path.record["hyperparameters"].items():
        values = [shown(value) for value in (ordered_words(about) if in_words(about) else about["values"])]
        listed = values if len(values) <= 12 else [*values[:5], "…", *values[-5:]]
        terms.append(joined(tag("dt", name), tag("dd", ", ".join(listed))))
    return tag("section", tag("h3", say("facts.family", lang)), tag("dl", *terms))


def _group(name: str, terms: Mapping[str, Any], lang: str) -> Html:
    shown = [
        joined(tag("dt", say(f"fact.{key}", lang)), tag("dd", _plain(value)))
        for key, value in terms.items()
        if value not in (None, "")
    ]
    return tag("section", tag("h3", say(f"facts.{name}", lang)), tag("dl", *shown))


def _plain(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _commas(values: Any) -> str:
    if values is None:
        return ""
    return values if isinstance(values, str) else ", ".join(str(value) for value in values)


def _versions(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"ridgeway": record.get("ridgeway"), **record.get("versions", {})}


def _executor(executor: Mapping[str, Any], lang: str) -> str:
    if not executor:
        return ""
    name = f"executor.{executor.get('name')}"
    known = text(name, lang) if name in catalogue(lang) else str(executor.get("name"))
    return text("fact.executor_line", lang, name=known, slots=executor.get("slots"), devices=executor.get("devices"))


def _time(seconds: Mapping[str, Any], lang: str) -> str:
    if "total" not in seconds:
        return ""
    parts = {key: f"{float(seconds.get(key, 0)):.1f}" for key in ("total", "setup", "training")}
    return text("fact.time_line", lang, **parts)


def _folds(folds: Mapping[str, Any], lang: str) -> str:
    return text("fact.folds_line", lang, count=len(folds["rows"]), splitter=folds["splitter"])


def _halving(halving: Mapping[str, Any], lang: str) -> str:
    *cuts, _ = halving["rungs"]
    if not cuts:
        return text("fact.none", lang)
    return text("fact.halving_line", lang, factor=halving["factor"], epochs=", ".join(map(str, cuts)))
