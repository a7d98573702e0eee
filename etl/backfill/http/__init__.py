"""Gets answers from services over HTTP: cached, rate-limited, retried, bounded."""
