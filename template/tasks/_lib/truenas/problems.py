"""What can go wrong between a task and a NAS."""


class ProblemError(Exception):
    """Why the NAS cannot be used: a cause, and a fix."""

    def __init__(self, cause: str, fix: str) -> None:
        super().__init__(cause)
        self.cause, self.fix = cause, fix


class RefusedError(Exception):
    """What the NAS answered instead of a result: a reason in its words, the name of its kind, a job's log."""

    def __init__(self, reason: str, kind: str = "", log: str = "") -> None:
        super().__init__(reason)
        self.reason, self.kind, self.log = reason, kind, log


class LateError(Exception):
    """An answer or a job's end that did not come in time."""


class LostError(Exception):
    """A connection that the NAS or the network ended, with the WebSocket's code, where it had one."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}".strip() if code else "without a word")
        self.code = code
