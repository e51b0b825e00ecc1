"""The report's page: whole, escaped, honest, in two languages."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path as FilePath
from types import SimpleNamespace

import pytest

from ridgeway.errors import InputError
from ridgeway.path import Path
from ridgeway.report import write_report
from ridgeway.report.markup import Html, say, tag
from ridgeway.report.page import render

EVIL = "<script>document.title='planted'</script>"


class Reader(HTMLParser):
    """Collects the text that people see, the addresses, the scripts and whether tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.addresses: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)
        self.scripts += tag == "script" and dict(attrs).get("type") is None
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.seen.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def words(page: str) -> str:
    return " ".join(" ".join(read(page).seen).split())


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_page_is_whole_and_asks_for_nothing(any_path: Path, lang: str) -> None:
    page = render(any_path, lang)
    reader = read(page)
    assert reader.scripts == 2 and reader.addresses == []
    assert f'<html lang="{lang}">' in page and "default-src 'none'" in page
    for source in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S):
        assert json.loads(source)["data"]
    assert str(len(any_path.table())) in " ".join(reader.seen)


def test_everything_that_was_run_is_named(synthetic: SimpleNamespace) -> None:
    said = words(render(synthetic.cases["grid"](), "en"))
    for fact in (
        "5,000", "28x28 uint8", "9f2c4b7d51e08a66", "digits (Sequential)", "101,770", "SGD", "keras 3.15.1",
        "EarlyStopping(monitor='val_loss', patience=3)", "fastest of three in a timed probe", "41.7 s in all",
        "kernels only", "early stopping", "2026-05-04 09:30 UTC",
    ):  # fmt: skip
        assert fact in said
    assert "24 configurations of this model, 3 times each: 72 trainings" in said
    assert "more than the luck of the seed explains" in said
    assert "There is no test score here" in said


def test_a_difference_within_noise_is_called_that(synthetic: SimpleNamespace) -> None:
    assert "within noise" in words(render(synthetic.cases["within_noise"](), "en"))
    assert "오차 범위 안의 차이" in words(render(synthetic.cases["within_noise"](), "ko"))


def test_one_training_each_does_not_speak_of_seeds(synthetic: SimpleNamespace) -> None:
    said = words(render(synthetic.cases["one_hyperparameter"](), "en"))
    assert "other seeds were not tried" in said and "luck of the seed" not in said


def test_without_standard_errors_nothing_is_claimed(synthetic: SimpleNamespace) -> None:
    path = synthetic.make({"dropout": [0.0, 0.2, 0.4]}, rows_se=False)
    said = words(render(path, "en"))
    assert "it may be chance" in said and "there is no one-SE choice" in said


def test_diverged_lanes_are_named(synthetic: SimpleNamespace) -> None:
    assert "Diverged lanes: 16, 18, 19, 22 (4 in all)" in words(render(synthetic.cases["diverged"](), "en"))


def test_two_repeats_are_called_few(synthetic: SimpleNamespace) -> None:
    path = synthetic.make({"dropout": [0.0, 0.2, 0.4]}, repeats=2)
    assert "Two lanes a configuration give a very wide interval" in words(render(path, "en"))


def test_scores_on_training_data_are_called_that(synthetic: SimpleNamespace) -> None:
    path = synthetic.make({"dropout": [0.0, 0.2, 0.4]}, metric="loss")
    history = path.history()[["lane", "epoch", "loss", "accuracy"]]
    table = path.table().drop(columns=[name for name in path.table() if str(name).startswith("val_")])
    record = {**path.record, "data": {**path.record["data"], "validation_rows": 0}, "monitor": None}
    assert "There was no validation data" in words(render(Path(table, history, record), "en"))


def test_the_report_does_not_wait_for_keras() -> None:
    code = "import sys, ridgeway.report, ridgeway.selection; sys.exit('keras' in sys.modules or 'jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_winner_at_the_end_of_its_range_is_told(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["diverged"]()
    name, value = next(iter(path.best.configuration.items()))
    assert value == 1.0
    assert f"The best value of {name}, 1, lies at the end of its range" in words(render(path, "en"))


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_planted_markup_stays_text(synthetic: SimpleNamespace, lang: str) -> None:
    page = render(planted(synthetic), lang)
    assert "<script>document" not in page and "<img" not in page.split("<script>")[0]
    assert read(page).scripts == 2
    assert EVIL in words(page)


def planted(synthetic: SimpleNamespace) -> Path:
    """A path in which every name that a user or a file gives is a script."""
    path = synthetic.make({f"{EVIL}.rate": [0.0, 0.5], "dropout": [0.0, 0.5]}, repeats=2)
    record = json.loads(json.dumps(path.record))
    attack = f'{EVIL}"><img src=x onerror=alert(1)>'
    for layer in record["model"]["layers"]:
        layer.update(name=attack, config_line=attack)
    record["model"].update({"name": attack, "class": attack, "optimizer": attack, "loss": attack, "metrics": [attack]})
    record["data"].update(x=attack, y=attack, fingerprint=attack)
    record["executor"].update(name=attack, why=attack)
    record.update(device=attack, callbacks=[attack], metric=EVIL, created=attack, ridgeway=attack)
    record["versions"]["jax"] = attack
    table = path.table().rename(columns={"val_nll": EVIL, "accuracy": f"{attack}2"})
    table["stopped"] = attack
    return Path(table, path.history().rename(columns={"val_nll": EVIL, "accuracy": f"{attack}2"}), record)


def test_the_file_is_written_whole_and_folders_made(synthetic: SimpleNamespace, tmp_path: FilePath) -> None:
    file = tmp_path / "deep" / "report.html"
    path = synthetic.cases["one_lane"]()
    write_report(path, file, "ko")
    assert file.read_text("utf-8") == render(path, "ko")
    assert [entry.name for entry in file.parent.iterdir()] == ["report.html"]
    write_report(path, str(file))
    assert '<html lang="en">' in file.read_text("utf-8")


def test_a_folder_or_a_language_that_cannot_be(synthetic: SimpleNamespace, tmp_path: FilePath) -> None:
    path = synthetic.cases["one_lane"]()
    with pytest.raises(InputError, match="is a folder. Pass a file name in it"):
        write_report(path, tmp_path)
    with pytest.raises(InputError, match="Unknown language 'jp'"):
        write_report(path, tmp_path / "report.html", "jp")
    assert list(tmp_path.iterdir()) == []


def test_words_are_named_everywhere(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["words_and_numbers"]()
    said = words(render(path, "en"))
    assert "normalization none, batch, layer normalization_position after, before" in said
    word = path.best.configuration["normalization"]
    assert f"normalization {word}" in said and "your model as it was" in said
    assert "normalization, batch, lies at the end" not in said


def test_every_reason_to_stop_is_said_in_both_languages(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["words_and_numbers"]()
    for lang, parts in (
        ("en", ("kept epoch", "time is up", "target reached", "path stopped", "because their time was up: 1.")),
        ("ko", ("선택된 에포크", "시간 제한", "목표값 도달", "경로 전체 종료", "함께 멈춘 레인: 2개", "얼리스톱핑")),
    ):
        said = words(render(path, lang))
        assert all(part in said for part in parts)


def test_calibration_is_shown_where_there_is_some(synthetic: SimpleNamespace) -> None:
    path = synthetic.cases["calibrated"]()
    said = words(render(path, "en"))
    assert f"Best lane ({path.best.lane}): ECE " in said and "least regularized configuration (" in said
    assert 'id="plot-reliability"' in render(path, "ko")
    assert 'id="plot-reliability"' not in render(synthetic.cases["grid"](), "ko")


def test_scores_on_hard_labels_are_called_that(synthetic: SimpleNamespace) -> None:
    said = words(render(synthetic.cases["grid"](), "en"))
    assert "compared by val_nll" in said and "compared by val_data_loss" not in said
    assert "compared by val_data_loss" in words(render(synthetic.cases["regression"](), "en"))


def test_markup_escapes_all_but_markup() -> None:
    assert tag("p", "<b>", Html("<i>x</i>"), class_='"') == '<p class="&quot;">&lt;b&gt;<i>x</i></p>'
    said = say("verdict.own", "en", configuration="<u>")
    assert said == "your model as it was (&lt;u&gt;)"
    assert "<b>" in say("verdict.own", "en", configuration=tag("b", "x"))


def test_halving_and_the_limit_of_time_are_said(synthetic: SimpleNamespace) -> None:
    path = synthetic.make({"dropout": [0.0, 0.2, 0.4]}, repeats=2)
    path.record["halving"], path.record["time_limit"] = {"factor": 3, "rungs": [3, 9, 27]}, 60.0
    page = render(path, "en")
    assert "one in 3 goes on after epoch 3, 9<" in page and "60 s<" in page
