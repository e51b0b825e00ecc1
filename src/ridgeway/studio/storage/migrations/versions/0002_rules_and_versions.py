"""Rules of a class; what was drawn for an attempt; which page gave an answer.

Columns are added in place: a table that SQLite copies is dropped, and takes the rows that refer to it along.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns; a certificate keeps the number that it had."""
    op.add_column("classes", sa.Column("release", sa.String(16), nullable=False, server_default="at once"))
    op.add_column("classes", sa.Column("released_at", sa.DateTime))
    op.add_column("classes", sa.Column("retention_days", sa.Integer))
    op.add_column("attempts", sa.Column("drawn", sa.JSON(none_as_null=True)))
    op.add_column("attempts", sa.Column("result_seen_at", sa.DateTime))
    op.add_column("attempts", sa.Column("certificate", sa.String(8), nullable=False, server_default="-"))
    op.execute("UPDATE attempts SET certificate = substr(code, 1, 8)")
    op.drop_column("attempts", "bank")
    op.add_column("answers", sa.Column("version", sa.String(40)))


def downgrade() -> None:
    """Takes them away."""
    op.drop_column("answers", "version")
    op.add_column("attempts", sa.Column("bank", sa.String(64), nullable=False, server_default=""))
    for column in ("certificate", "result_seen_at", "drawn"):
        op.drop_column("attempts", column)
    for column in ("retention_days", "released_at", "release"):
        op.drop_column("classes", column)
