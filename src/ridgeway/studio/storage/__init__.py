"""What the studio remembers between requests: teachers, classes, learners, attempts and their answers."""

from __future__ import annotations

from ridgeway.studio.storage.clock import now
from ridgeway.studio.storage.models import (
    AT_ONCE,
    BY_TEACHER,
    NUMBERS,
    Answer,
    Attempt,
    Base,
    Classroom,
    Event,
    Learner,
    Teacher,
    TeacherSession,
)
from ridgeway.studio.storage.of_app import storage_of
from ridgeway.studio.storage.store import Storage, open_storage

__all__ = [
    "AT_ONCE",
    "BY_TEACHER",
    "NUMBERS",
    "Answer",
    "Attempt",
    "Base",
    "Classroom",
    "Event",
    "Learner",
    "Storage",
    "Teacher",
    "TeacherSession",
    "now",
    "open_storage",
    "storage_of",
]
