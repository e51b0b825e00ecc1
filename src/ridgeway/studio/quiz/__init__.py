"""The quiz: a bank of questions, drawn by seed, graded and explained; pure, with neither web nor database."""

from __future__ import annotations

from ridgeway.studio.quiz.bank import Bank, load_bank
from ridgeway.studio.quiz.draw import DrawnQuestion, draw, draw_question
from ridgeway.studio.quiz.explaining import Explained, explained
from ridgeway.studio.quiz.grading import Grade, check_answer, chosen, grade
from ridgeway.studio.quiz.shown import Shown
from ridgeway.studio.quiz.words import MalformedAnswer
from ridgeway.studio.topics import LESSONS

__all__ = [
    "LESSONS",
    "Bank",
    "DrawnQuestion",
    "Explained",
    "Grade",
    "MalformedAnswer",
    "Shown",
    "check_answer",
    "chosen",
    "draw",
    "draw_question",
    "explained",
    "grade",
    "load_bank",
]
