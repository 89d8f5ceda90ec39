"""The tables of people, groups, roles and tokens."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.schema_parts import id_, metadata, moment, ref

users = sa.Table(
    "users",
    metadata,
    id_(),
    sa.Column("username", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text),
    sa.Column("password_hash", sa.Text),  # argon2id; null: cannot sign in with a password
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("manager_id", sa.BigInteger, sa.ForeignKey("users.id")),
    sa.Column("language", sa.Text),  # en | zh | null: the browser's
    sa.Column("timezone", sa.Text),  # IANA name | null: the server's default
    # In their zone: when the mail of the day comes.
    sa.Column("digest_hour", sa.SmallInteger, nullable=False, server_default="8"),
    # Raised by a changed password or role and by "sign out everywhere": older tokens end.
    sa.Column("auth_epoch", sa.Integer, nullable=False, server_default="0"),
    moment("created_at"),
)

groups = sa.Table(
    "groups",
    metadata,
    id_(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("title", sa.Text),
    sa.Column("manager_id", sa.BigInteger, sa.ForeignKey("users.id")),
    sa.Column("parent_id", sa.BigInteger, sa.ForeignKey("groups.id")),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("group_id", sa.BigInteger, sa.ForeignKey("groups.id"), primary_key=True),
    sa.Index("idx_memberships_group_id", "group_id"),
)

roles = sa.Table(
    "roles",
    metadata,
    id_(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("title", sa.Text),
    sa.Column("permissions", ARRAY(sa.Text), nullable=False, server_default="{}"),
)

user_roles = sa.Table(
    "user_roles",
    metadata,
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("role_id", sa.BigInteger, sa.ForeignKey("roles.id"), primary_key=True),
    sa.Index("idx_user_roles_role_id", "role_id"),
)

refresh_tokens = sa.Table(
    "refresh_tokens",
    metadata,
    sa.Column("jti", sa.Text, primary_key=True),
    sa.Column("family", sa.Text, nullable=False, index=True),  # reuse of an old one ends all
    ref("user_id", "users.id"),
    moment("expires_at"),
    moment("used_at", nullable=True),
    moment("revoked_at", nullable=True),
)

revoked_tokens = sa.Table(
    "revoked_tokens",
    metadata,
    sa.Column("jti", sa.Text, primary_key=True),
    moment("expires_at"),  # prunable after this
)
