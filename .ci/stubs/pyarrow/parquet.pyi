from collections.abc import Mapping, Sequence
from types import TracebackType

from pyarrow import BufferOutputStream, BufferReader, Schema, Table

class ParquetFile:
    schema_arrow: Schema
    def __init__(self, source: BufferReader, *, page_checksum_verification: bool) -> None: ...
    def __enter__(self) -> ParquetFile: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def read(self, columns: Sequence[str], use_threads: bool = ...) -> Table: ...

def write_table(
    table: Table,
    where: BufferOutputStream,
    *,
    compression: str,
    use_dictionary: bool,
    column_encoding: Mapping[str, str],
    write_page_checksum: bool,
) -> None: ...
