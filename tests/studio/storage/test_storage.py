"""Transactions, addresses and migrations, on SQLite and PostgreSQL alike."""

import datetime
import threading
from pathlib import Path as FilePath

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from ridgeway.errors import InputError
from ridgeway.studio.storage import Answer, Attempt, Base, Classroom, Learner, Storage, Teacher, now, open_storage
from ridgeway.studio.storage.engine import make_engine
from ridgeway.studio.storage.migrate import configuration, upgrade
from ridgeway.studio.storage.retention import remove_old


def learner(name: str = "김하늘", **values: object) -> Learner:
    return Learner(
        name=name,
        affiliation="연구소",
        name_key=name,
        affiliation_key="연구소",
        identity=name,
        consented_at=now(),
        **values,
    )


def attempt(of: Learner, code: str = "c", **values: object) -> Attempt:
    start = {"started_at": now(), **values}
    return Attempt(learner=of, code=code, seed=2**62, questions=["q1", "q2"], language="ko", **start)


def test_everything_comes_back_as_it_went(storage: Storage) -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, datetime.timezone(datetime.timedelta(hours=9)))
    with storage.writing() as session:
        one = attempt(learner("张三 <b>"), started_at=moment, minutes=30, extra_minutes=5)
        one.answers = [Answer(question="q1", value={"a": "ㄱ"}, saved_at=moment), Answer(question="q2")]
        session.add(one)
    with storage.reading() as session:
        back = session.scalars(select(Attempt)).one()
        assert back.started_at == moment and back.started_at.utcoffset() == datetime.timedelta(0)
        assert back.deadline == moment + datetime.timedelta(minutes=35)
        assert back.seed == 2**62 and back.questions == ["q1", "q2"]
        assert back.learner.name == "张三 <b>"
        assert [one.value for one in sorted(back.answers, key=lambda one: one.question)] == [{"a": "ㄱ"}, None]
        unanswered = select(func.count()).select_from(Answer).where(Answer.value.is_(None))
        assert session.scalar(unanswered) == 1


def test_moments_without_a_zone_are_refused(storage: Storage) -> None:
    with pytest.raises(Exception, match="no time zone"), storage.writing() as session:
        session.add(Teacher(name="t", password="x", created_at=datetime.datetime(2026, 1, 1)))


def test_a_question_is_answered_once(storage: Storage) -> None:
    with pytest.raises(IntegrityError), storage.writing() as session:
        one = attempt(learner())
        one.answers = [Answer(question="q1", value="a"), Answer(question="q1", value="b")]
        session.add(one)
    with storage.reading() as session:
        assert session.scalar(select(func.count()).select_from(Learner)) == 0, "all of it is rolled back"


def test_what_belongs_to_a_row_goes_with_it(storage: Storage) -> None:
    with storage.writing() as session:
        group = Classroom(name="1반", code="ABC234", questions=15)
        session.add(group)
        session.flush()
        one = attempt(learner(class_id=group.id))
        one.answers = [Answer(question="q1", value="a")]
        session.add(one)
    with storage.writing() as session:
        session.execute(text("DELETE FROM classes"))
    with storage.reading() as session:
        for table in (Learner, Attempt, Answer):
            assert session.scalar(select(func.count()).select_from(table)) == 0, table


def test_writers_wait_for_each_other(storage: Storage) -> None:
    with storage.writing() as session:
        session.add(attempt(learner()))
    errors: list[BaseException] = []

    def add_points() -> None:
        try:
            for _ in range(10):
                with storage.writing() as session:
                    row = session.scalars(select(Attempt).with_for_update()).one()
                    row.points = (row.points or 0.0) + 1.0
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=add_points) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not errors
    with storage.reading() as session:
        assert session.scalars(select(Attempt)).one().points == 80.0


def test_sqlite_is_set_up(tmp_path: FilePath) -> None:
    opened = open_storage(f"sqlite:///{tmp_path}/new folder/a%b.db")
    with opened.reading() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA busy_timeout")) >= 10_000
        assert session.scalar(text("PRAGMA synchronous")) == 2
    opened.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "would be forgotten"),
        ("sqlite:///:memory:", "would be forgotten"),
        ("mysql://u:geheim@localhost/x", "SQLite or PostgreSQL, not in mysql"),
        ("nonsense", "can't be read"),
        ("postgresql+nodriver://u:geheim@127.0.0.1/x", "driver"),
        ("postgresql+psycopg://u:geheim@127.0.0.1:1/x", "can't be opened"),
        ("sqlite:////dev/null/x.db", "/dev/null"),
    ],
)
def test_bad_addresses_are_told_without_their_password(url: str, message: str) -> None:
    with pytest.raises((InputError, OSError), match=message) as caught:
        open_storage(url)
    assert "geheim" not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path: FilePath) -> None:
    file = tmp_path / "studio.db"
    file.write_text("not a database at all, " * 100)
    with pytest.raises(InputError, match="can't be opened"):
        open_storage(f"sqlite:///{file}")
    assert file.read_text().startswith("not a database"), "it is left as it was"


def test_migrations_from_the_first_lead_to_the_models(database: str) -> None:
    engine = make_engine(database)
    upgrade(engine, "0001")
    assert "attempts" in inspect(engine).get_table_names()
    upgrade(engine)
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    with engine.begin() as connection:
        command.downgrade(configuration(connection), "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_a_migration_keeps_what_is_there(database: str) -> None:
    """Tables that others refer to are changed in place: dropping one would take the rows of the others along."""
    engine = make_engine(database)
    upgrade(engine, "0001")
    rows = [
        "INSERT INTO classes VALUES (1, 'c', 'ABC234', 1, NULL, 15, false, '2026-01-01')",
        "INSERT INTO learners VALUES (1, 1, 'n', 'a', 'n', 'a', 'i', '2026-01-01', NULL)",
        "INSERT INTO attempts VALUES (1, 1, 'abcdefgh12', 5, 'b', '[]', 'ko', '2026-01-01', NULL, 0, NULL, NULL, NULL)",
        "INSERT INTO answers VALUES (1, 1, 'q', '\"x\"', false, NULL, NULL, NULL, NULL)",
    ]
    with engine.begin() as connection:
        for row in rows:
            connection.execute(text(row))
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT certificate FROM attempts")).all() == [("abcdefgh",)]
        assert connection.execute(text("SELECT release FROM classes")).all() == [("at once",)]
    with engine.begin() as connection:
        command.downgrade(configuration(connection), "0001")
        for table in ("classes", "learners", "attempts", "answers"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1, table
    engine.dispose()


def test_two_processes_may_start_at_once(database: str) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            open_storage(database).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not errors


def test_a_newer_database_is_left_alone(database: str) -> None:
    opened = open_storage(database)
    with opened.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    opened.close()
    with pytest.raises(InputError, match="another version"):
        open_storage(database)


def test_old_attempts_are_forgotten(storage: Storage) -> None:
    old, young = now() - datetime.timedelta(days=31), now() - datetime.timedelta(days=29)
    with storage.writing() as session:
        gone, stays = learner("gone"), learner("stays")
        gone.consented_at = old
        session.add_all([attempt(gone, "1", started_at=old), attempt(stays, "2", started_at=old)])
        session.add(attempt(stays, "3", started_at=young))
    assert remove_old(storage, 0) == 0
    assert remove_old(storage, 30) == 2
    assert remove_old(storage, 30) == 0
    with storage.reading() as session:
        assert session.scalars(select(Learner.name)).all() == ["stays"]
        assert session.scalars(select(Attempt.code)).all() == ["3"]
