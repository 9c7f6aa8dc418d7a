"""What the demo's upstream says: JSON as the real hosts would shape it."""

import json
from typing import Any

_ERRORS = {
    401: "Bad credentials",
    402: "Your card was declined.",
    404: "Not Found",
    429: "Rate limit reached for requests",
    500: "An unknown error occurred",
    503: "Service temporarily unavailable",
}
_SENTENCE = "The cart module mixes pricing and storage so I would split it in two steps"
_WORDS = tuple(_SENTENCE.split())


def body(host: str, path: str, status: int) -> bytes:
    """A JSON body for an answer that is no stream."""
    if status >= 400:
        message = _ERRORS.get(status, "Error")
        return _json({"error": {"message": message, "type": "api_error", "code": status}})
    return _json(_SUCCESS.get(host, {"ok": True, "path": path}))


def event(host: str, number: int, last: bool) -> bytes:
    """One server-sent event of a model's answer."""
    word = _WORDS[number % len(_WORDS)] + " "
    if host == "api.anthropic.com":
        kind = "message_stop" if last else "content_block_delta"
        data: dict[str, Any] = {"type": kind}
        if not last:
            data |= {"index": 0, "delta": {"type": "text_delta", "text": word}}
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), _json(data))
    if last:
        return b"data: [DONE]\n\n"
    choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
    return b"data: %s\n\n" % _json({"object": "chat.completion.chunk", "choices": [choice]})


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


_SUCCESS: dict[str, Any] = {
    "api.github.com": {
        "id": 1296269,
        "full_name": "acme/shop",
        "state": "open",
        "title": "Split the cart module",
        "user": {"login": "octocat", "type": "User"},
        "additions": 214,
        "deletions": 97,
    },
    "api.openai.com": {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.013, -0.072, 0.24] * 64}],
        "usage": {"prompt_tokens": 812, "total_tokens": 812},
    },
    "api.anthropic.com": {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": " ".join(_WORDS)}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1840, "output_tokens": 96},
    },
    "api.stripe.com": {
        "object": "list",
        "data": [{"id": "cus_demo", "object": "customer", "currency": "eur", "balance": 0}],
        "has_more": False,
    },
    "slack.com": {"ok": True, "channel": "C0DEMO", "ts": "1700000000.000100"},
    "api.telegram.org": {"ok": True, "result": {"message_id": 42}},
    "api.pagerduty.com": {"incidents": [{"id": "PDEMO", "status": "acknowledged"}]},
}
