"""Statements declared in Core, compiled once for each kind of database and run on the driver's own cursor.

It is for what `cases.fire()` runs at every move, for what each request reads of whoever is signed in, and for the rows
that the sending of an application reads and writes. It stays inside the transaction of the connection
it is given, converts values as the columns' types say, and raises what SQLAlchemy would raise. All else asks the
session.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

_Convert = Callable[[Any], Any]
_CURSOR = "grantflow.prepared"
"""Where a connection keeps the cursor these statements share: to make one costs as much as a small statement."""


class Prepared:
    """One statement. `given` names the columns an INSERT or UPDATE writes: each of them, because no default is filled in.

    Values go by the names of those columns and of the bind parameters; one that is missing is a KeyError.
    """

    def __init__(self, statement: Any, *given: str) -> None:
        self._statement, self._given = statement, given
        self._forms: dict[str, _Form] = {}

    def one(self, connection: Connection, values: Mapping[str, Any]) -> Any | None:
        """The first row it gives back; None where there is none."""
        form = self._forms.get(connection.dialect.name) or self._compile(connection.dialect)
        rows = form.run(connection, form.bound(values))
        return form.read(rows[0]) if rows else None

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Every row it gives back."""
        form = self._forms.get(connection.dialect.name) or self._compile(connection.dialect)
        return [form.read(row) for row in form.run(connection, form.bound(values))]

    def run(self, connection: Connection, *rows: Mapping[str, Any]) -> None:
        """Run it with each of these rows of values, and give nothing back."""
        form = self._forms.get(connection.dialect.name) or self._compile(connection.dialect)
        if len(rows) == 1:
            form.run(connection, form.bound(rows[0]))
        elif rows:
            form.run(connection, [form.bound(row) for row in rows], many=True)

    def _compile(self, dialect: Any) -> _Form:
        # Two threads may both compile it the first time; either is good.
        return self._forms.setdefault(dialect.name, _Form(self._statement, self._given, dialect))


class _Form:
    """A statement as one kind of database takes it."""

    def __init__(self, statement: Any, given: Sequence[str], dialect: Any) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(given) or None)
        if (compiled.isinsert and compiled.insert_prefetch) or (compiled.isupdate and compiled.update_prefetch):
            raise ValueError("a prepared statement fills in no defaults: give every column that has one")
        self.text: str = compiled.string
        self.by_place = compiled.positiontup is not None
        self.fixed: dict[str, Any] = {}
        places: dict[str, _Convert | None] = {}
        for bind, name in compiled.bind_names.items():
            convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if bind.required:
                places[name] = convert
            else:  # a value that stands in the statement itself is converted once
                self.fixed[name], places[name] = convert(bind.value) if convert else bind.value, None
        self.places = [(name, places[name]) for name in compiled.positiontup or places]
        columns = list(getattr(statement, "exported_columns", ()))
        row: Any = namedtuple("Row", [column.key for column in columns])  # type: ignore[misc]
        self.make = row._make
        reads = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self.reads = [(place, read) for place, read in enumerate(reads) if read]
        self.gives_back = bool(columns)

    def bound(self, values: Mapping[str, Any]) -> Any:
        """The values as the driver takes them: converted, by place or by name."""
        if self.fixed:
            values = {**values, **self.fixed}
        if self.by_place:
            return [values[name] if convert is None else convert(values[name]) for name, convert in self.places]
        return {name: values[name] if convert is None else convert(values[name]) for name, convert in self.places}

    def read(self, row: Sequence[Any]) -> Any:
        """A row of the driver with its values as the columns' types say."""
        values = list(row)
        for place, convert in self.reads:
            values[place] = convert(values[place])
        return self.make(values)

    def run(self, connection: Connection, values: Any, many: bool = False) -> Sequence[Any]:
        """Run it and give back the driver's rows, all of them, so that nothing stays open.

        RuntimeError outside a transaction: nobody would end the one that the driver then begins.
        """
        if not connection.in_transaction():
            raise RuntimeError("a prepared statement runs inside a transaction")
        cursor = _cursor(connection)
        try:
            if many:
                cursor.executemany(self.text, values)
            else:
                cursor.execute(self.text, values)
            return cursor.fetchall() if self.gives_back else ()
        except connection.dialect.loaded_dbapi.Error as error:
            raise _as_raised_elsewhere(connection, cursor, self.text, values, error) from error


def word(connection: Connection, text: str) -> None:
    """Say a word to the database that has no values and gives nothing back, such as BEGIN."""
    cursor = _cursor(connection)
    try:
        cursor.execute(text)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_raised_elsewhere(connection, cursor, text, (), error) from error


def _cursor(connection: Connection) -> Any:
    info = connection.info
    cursor = info.get(_CURSOR)
    if cursor is None:
        cursor = info[_CURSOR] = connection.connection.cursor()
    return cursor


def _as_raised_elsewhere(connection: Connection, cursor: Any, text: str, values: Any, error: Any) -> BaseException:
    """The fault as SQLAlchemy raises it; a connection that broke is thrown away."""
    dialect = connection.dialect
    broken = dialect.is_disconnect(error, connection.connection, cursor)
    raised: BaseException = DBAPIError.instance(
        text, values, error, dialect.loaded_dbapi.Error, connection_invalidated=broken, dialect=dialect
    )
    if broken:
        connection.invalidate(error)
    return raised
