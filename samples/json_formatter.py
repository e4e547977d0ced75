"""A formatter for Python's logging that pipelines/llm-api.yaml reads: one JSON object a line, with everything that was passed as `extra`.

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JSONFormatter(user_key=os.environb[b"LOG_USER_KEY"]))
    logging.getLogger("llm-api").addHandler(handler)
    logger.info("Request completed", extra={"model": model, "status": 200, "duration_ms": 1234, "tokens": 156, "user_id": user})
"""

import hashlib
import hmac
import json
import logging
from datetime import datetime, timezone

# What logging itself puts on a record; all else came in `extra`. Asked of a record, so that a new Python's fields are known.
_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class JSONFormatter(logging.Formatter):
    """`user_key`: a secret of the site. Users are then written as keyed pseudonyms, the same for the same user, so that counts
    and joins work; without it they are left out. A hash without a key hides nobody whose id can be guessed."""

    def __init__(self, user_key: bytes | None = None) -> None:
        super().__init__()
        self.user_key = user_key

    def format(self, record: logging.LogRecord) -> str:
        line = {
            # With a zone, and with six digits also when the microseconds are 0.
            "timestamp": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="microseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            "module": record.module,
            "function": record.funcName,
            "line": record.lineno,
        }
        # An `extra` never replaces one of these.
        line |= {key: value for key, value in record.__dict__.items() if key not in _OWN and key not in line}
        if "user_id" in line:
            user = str(line.pop("user_id"))
            if self.user_key:
                line["user_id"] = "u_" + hmac.new(self.user_key, user.encode(), hashlib.sha256).hexdigest()[:16]
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # Whatever cannot be JSON is written as text: a log line must not raise.
        return json.dumps(line, default=str)
