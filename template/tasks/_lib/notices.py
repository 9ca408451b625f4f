"""Tells people how a deploy ended, wherever a variable names an address. It never fails: the deploy is done by then."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .console import say

_SECONDS = 10


def slack(text: str, facts: Mapping[str, str]) -> dict[str, Any]:
    """Return what Slack's incoming webhook takes: https://api.slack.com/messaging/webhooks."""
    del facts
    return {"text": text}


def discord(text: str, facts: Mapping[str, str]) -> dict[str, Any]:
    """Return what Discord's webhook takes: https://discord.com/developers/docs/resources/webhook#execute-webhook."""
    del facts
    # Nobody is woken by a name that happens to be in a commit's title.
    return {"content": text, "allowed_mentions": {"parse": []}}


def webhook(text: str, facts: Mapping[str, str]) -> dict[str, Any]:
    """Return what any other receiver gets: the sentence, and the facts in it."""
    return {"text": text, **facts}


# The secret that holds each receiver's address, which lets whoever has it write there.
RECEIVERS: dict[str, Callable[[str, Mapping[str, str]], dict[str, Any]]] = {
    "NOTIFY_SLACK_URL": slack,
    "NOTIFY_DISCORD_URL": discord,
    "NOTIFY_WEBHOOK_URL": webhook,
}


def send(text: str, facts: Mapping[str, str]) -> None:
    """Tell every receiver whose address is known, and the page of the workflow's run."""
    for name, body in RECEIVERS.items():
        if url := os.environ.get(name):
            say(f"  {name}: {_post(url, body(text, facts))}")
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as page:
            page.write(f"{text}\n")


def _post(url: str, body: dict[str, Any]) -> str:
    """Send one notice, and say how that went without the address: it is a secret."""
    import requests

    try:
        answer = requests.post(url, json=body, timeout=_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        return f"not told ({type(error).__name__})"
    return "told" if answer.ok else f"not told (HTTP {answer.status_code})"
