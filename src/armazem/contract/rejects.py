"""Why a row or an event is refused: the codes, the same for batch files and for events."""

from __future__ import annotations

from enum import StrEnum


class RejectCode(StrEnum):
    """Reason for a reject: about values, about the shape of a CSV record, about the shape of an event."""

    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    BAD_IDENTIFIER = "bad_identifier"
    BAD_TIMESTAMP = "bad_timestamp"
    NEGATIVE_AMOUNT = "negative_amount"
    BAD_VALUE = "bad_value"

    WRONG_COLUMN_COUNT = "wrong_column_count"
    UNTERMINATED_QUOTE = "unterminated_quote"
    BAD_QUOTE = "bad_quote"
    TOO_LARGE = "too_large"
    NUL_BYTE = "nul_byte"
    NOT_UTF8 = "not_utf8"

    NOT_JSON = "not_json"
    UNKNOWN_EVENT_TYPE = "unknown_event_type"
    FUTURE_TIMESTAMP = "future_timestamp"
    INCONSISTENT = "inconsistent"
    CONFLICTING_EVENT_ID = "conflicting_event_id"
