"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes them."""
    op.create_table(
        "teachers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(80), nullable=False, unique=True),
        sa.Column("password", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "teacher_sessions",
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column(
            "teacher_id", sa.Integer, sa.ForeignKey("teachers.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("used_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "classes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("code", sa.String(16), nullable=False, unique=True),
        sa.Column("attempts", sa.Integer),
        sa.Column("minutes", sa.Integer),
        sa.Column("questions", sa.Integer, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "learners",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("class_id", sa.Integer, sa.ForeignKey("classes.id", ondelete="CASCADE"), index=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("affiliation", sa.String(80), nullable=False),
        sa.Column("name_key", sa.Text, nullable=False),
        sa.Column("affiliation_key", sa.Text, nullable=False, index=True),
        sa.Column("identity", sa.String(64), nullable=False, unique=True),
        sa.Column("consented_at", sa.DateTime, nullable=False),
        sa.Column("anonymized_at", sa.DateTime),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "learner_id", sa.Integer, sa.ForeignKey("learners.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("code", sa.String(64), nullable=False, unique=True),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("bank", sa.String(64), nullable=False),
        sa.Column("questions", sa.JSON, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False, index=True),
        sa.Column("minutes", sa.Integer),
        sa.Column("extra_minutes", sa.Integer, nullable=False),
        sa.Column("handed_in_at", sa.DateTime, index=True),
        sa.Column("closed_by", sa.String(16)),
        sa.Column("points", sa.Float),
    )
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("attempt_id", sa.Integer, sa.ForeignKey("attempts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("question", sa.String(80), nullable=False, index=True),
        sa.Column("value", sa.JSON(none_as_null=True)),
        sa.Column("flagged", sa.Boolean, nullable=False),
        sa.Column("saved_at", sa.DateTime),
        sa.Column("points", sa.Float),
        sa.Column("correct", sa.Boolean),
        sa.Column("chosen", sa.JSON(none_as_null=True)),
        sa.UniqueConstraint("attempt_id", "question"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False, index=True),
        sa.Column("teacher", sa.String(80), nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("about", sa.String(200), nullable=False),
    )


def downgrade() -> None:
    """Removes them, and all they hold."""
    for table in ("events", "answers", "attempts", "learners", "classes", "teacher_sessions", "teachers"):
        op.drop_table(table)
