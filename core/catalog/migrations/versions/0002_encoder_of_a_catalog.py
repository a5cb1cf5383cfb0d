"""Each catalog may be searched by an encoder of its own, and remembers the one before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("encoder", "encoder_before", "encoded_by", "encoded_by_before"):
        op.add_column("catalog", sa.Column(name, sa.Text))
