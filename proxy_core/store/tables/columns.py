"""What columns of several tables share."""

from sqlalchemy import BigInteger, Integer

# SQLite gives out row numbers only for INTEGER keys; PostgreSQL needs 64 bits for a log.
RowNumber = BigInteger().with_variant(Integer(), "sqlite")
