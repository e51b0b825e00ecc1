"""The report: one HTML file that holds everything and asks the network for nothing."""

import base64
import hashlib
import os
from importlib.resources import files
from pathlib import Path as FilePath
from string import Template
from typing import TYPE_CHECKING

import pandas as pd
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from ridgeway import checksums
from ridgeway.errors import InputError
from ridgeway.locale import check_language
from ridgeway.report.advice import advice
from ridgeway.report.caveats import caveats
from ridgeway.report.effects_section import effects_section
from ridgeway.report.ensemble_section import ensemble_section
from ridgeway.report.facts import facts, layers
from ridgeway.report.figures import plot
from ridgeway.report.gains import Evidence, evidence
from ridgeway.report.honest import honest
from ridgeway.report.intervals import intervals
from ridgeway.report.keras_code import keras_code
from ridgeway.report.markup import Html, escaped, joined, say, tag
from ridgeway.report.probes_figure import probes_of
from ridgeway.report.profile import varied
from ridgeway.report.reliability_figure import compared_lanes, expected_calibration_error
from ridgeway.report.result_tables import configuration_table, lane_table
from ridgeway.report.verdict import Verdict, cards, configuration_markup, kept_epoch, paragraph, verdict
from ridgeway.selection import Choice

if TYPE_CHECKING:
    from ridgeway.path import Path


def write_report(path: "Path", file: str | os.PathLike[str], lang: str = "en") -> None:
    """Write the report of a path.

    The page opens without network: plotly.js, styles and data are inside, and a content security policy lets
    nothing else run. Names, labels and values from data are escaped.

    Args:
        path: what to report.
        file: where to; folders on the way are made, an existing file is replaced once the new one is whole.
        lang: `"en"` or `"ko"`.

    Raises:
        InputError: unknown language; the file is a folder, or in a run's directory that another process has in use.
        StorageFull: there is no space for it.
    """
    target = FilePath(file)
    if target.is_dir():
        raise InputError(f"The report file {str(target)!r} is a folder. Pass a file name in it, such as report.html.")
    page = render(path, check_language(lang))
    checksums.replace(target, lambda partial: partial.write_text(page, encoding="utf-8"))


def render(path: "Path", lang: str) -> str:
    """The page as a string."""
    found, known = verdict(path), evidence(path)
    library, script = get_plotlyjs(), _asset("page.js")
    return Template(_asset("page.html")).substitute(
        lang=lang,
        policy=_policy(library, script),
        title=say("report.title", lang, model=_model_name(path)),
        style=_asset("page.css"),
        head=_head(path, lang),
        answer=joined(
            paragraph(path, found, lang),
            advice(known, lang),
            honest(path, lang),
            cards(path, found, lang),
            intervals(found, lang),
        ),
        effects=_effects(path, known, lang),
        ensemble=_ensemble(path, lang),
        figures=_figures(path, found, lang),
        code=_code(path, found, lang),
        caveats=_section("caveats", lang, caveats(path, found, lang)),
        tables=_tables(path, found, lang),
        run=_section("run", lang, facts(path, lang), layers(path, lang)),
        foot=say("report.foot", lang, version=path.record.get("ridgeway", "")),
        library=library,
        script=script,
    )


def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def _policy(*scripts: str) -> str:
    """A policy under which only these very scripts run, should any escaping ever fail."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


def _model_name(path: "Path") -> str:
    return str(path.record.get("model", {}).get("name", ""))


def _head(path: "Path", lang: str) -> Html:
    created = str(path.record.get("created", ""))[:10]
    names = Html(" · ").join(escaped(name) for name in path.hyperparameters)
    return joined(
        tag("p", say("report.kicker", lang, date=created), class_="kicker"),
        tag("h1", say("report.title", lang, model=_model_name(path))),
        tag("p", say("report.varied", lang, names=Html(names)), class_="varied"),
    )


def _section(name: str, lang: str, *children: object) -> Html:
    return tag("section", tag("h2", say(f"section.{name}", lang)), *children, id=name)


def _effects(path: "Path", known: Evidence, lang: str) -> Html:
    content = effects_section(known, path.metric, path.mode, lang)
    return _section("effects", lang, content) if content else Html("")


def _ensemble(path: "Path", lang: str) -> Html:
    content = ensemble_section(path, lang)
    return _section("ensemble", lang, content) if content else Html("")


def _figures(path: "Path", found: Verdict, lang: str) -> Html:
    several = found.configurations > 1
    kinds = [*(["path"] if several else []), "curves", *(["weights"] if several else [])]
    if len(varied(path.configurations(), path.hyperparameters)) > 1:
        kinds.append("parallel")
    figures = [_figure(path, kind, say(f"figure.caption.{kind}", lang), lang) for kind in kinds]
    lanes = compared_lanes(path)
    if lanes:
        figures.append(_figure(path, "reliability", _reliability(lanes, lang), lang))
    if not probes_of(path).empty:
        figures.append(_figure(path, "probes", say("figure.caption.probes", lang), lang))
    return _section("figures", lang, *figures)


def _reliability(lanes: list[tuple[str, Choice, pd.DataFrame]], lang: str) -> Html:
    """The caption of the reliability plot, with each lane's expected calibration error."""
    errors = [
        say(f"figure.ece_{role}", lang, lane=choice.lane, ece=f"{expected_calibration_error(bins):.1%}")
        for role, choice, bins in lanes
    ]
    return joined(say("figure.caption.reliability", lang), " ", Html(" ".join(errors)))


def _figure(path: "Path", kind: str, caption: Html, lang: str) -> Html:
    figure = plot(path, kind, lang)
    # Inside a script element nothing is escaped, so no "<" may be left in the data.
    data = to_json_plotly(figure).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return tag(
        "figure",
        tag("h3", say(f"figure.title.{kind}", lang)),
        tag("figcaption", caption),
        tag("div", class_="plot", id=f"plot-{kind}", style=f"min-height:{figure.layout.height}px"),
        tag("script", Html(data), type="application/json", data_plot=f"plot-{kind}"),
    )


def _code(path: "Path", found: Verdict, lang: str) -> Html:
    best = found.best
    epochs = kept_epoch(path, best.lane)
    source = keras_code(path.record, best.configuration, epochs, lang)
    return _section(
        "code",
        lang,
        tag(
            "p",
            say("code.intro", lang, configuration=configuration_markup(best), lane=best.lane, epochs=epochs),
        ),
        tag(
            "div",
            tag(
                "button",
                say("code.copy", lang),
                type="button",
                class_="copy",
                data_done=say("code.copied", lang),
                hidden="",
            ),
            tag("pre", tag("code", source)),
            class_="code",
        ),
        tag("p", say("code.note", lang), class_="note"),
    )


def _tables(path: "Path", found: Verdict, lang: str) -> Html:
    return joined(
        _section(
            "configurations",
            lang,
            tag("p", say("table.configurations", lang), class_="note"),
            configuration_table(path, found, lang),
        ),
        _section("lanes", lang, tag("p", say("table.lanes", lang), class_="note"), lane_table(path, found, lang)),
    )
