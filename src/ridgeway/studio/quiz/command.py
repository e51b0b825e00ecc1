"""`ridgeway quiz check`: the question bank, validated."""

from __future__ import annotations

from collections import Counter

import typer

from ridgeway.errors import InputError
from ridgeway.studio.quiz.bank import Bank, load_bank
from ridgeway.studio.quiz.check import problems

app = typer.Typer(name="quiz", help="The quiz of the studio.", no_args_is_help=True, add_completion=False)


@app.callback()
def _commands() -> None:
    """Without this, typer would make the only command the whole application."""


@app.command()
def check() -> None:
    """Validate the question bank: form, both languages, arithmetic, misconceptions, coverage of the lecture."""
    try:
        bank = load_bank()
    except InputError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
    found = problems(bank)
    for problem in found:
        typer.echo(problem, err=True)
    typer.echo(summary(bank))
    if found:
        typer.echo(f"{len(found)} {'problem' if len(found) == 1 else 'problems'} found. Mend the bank.", err=True)
        raise typer.Exit(1)
    typer.echo("No problems found.")


def summary(bank: Bank) -> str:
    """What a bank holds, in a few lines."""
    questions = bank.questions.values()
    kinds = Counter(question.kind for question in questions)
    topics = Counter(question.topic for question in questions)
    covered = {line for question in questions for line in question.covers}
    figures = sum(question.figure is not None for question in questions)
    drawn = sum(bool(question.parameters) for question in questions)
    lines = f"of {len(bank.statements)} lines {len(covered)} asked about, {len(bank.unasked)} left out with a reason"
    wide = max(len(topic) for topic in topics)
    return "\n".join(
        (
            f"Question bank {bank.version}: {len(bank.questions)} questions in {len(topics)} topics",
            "  "
            + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
            + f"; {figures} read a figure of a real run",
            f"  numbers drawn for each attempt in {drawn}",
            f"  lecture: {lines}",
            *(f"  {topic:<{wide}}  {count:3}" for topic, count in topics.items()),
        )
    )
