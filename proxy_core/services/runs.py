"""Processes started by `run`: their trees are refused on the control socket."""


class RunProcesses:
    """A process is its pid and start time, so that a reused pid is not mistaken for it."""

    def register(self, pid: int) -> None:
        """Raises VaultError: bad_request when there is no such process of ours."""
        raise NotImplementedError

    def contains(self, pid: int) -> bool:
        """Whether `pid` or one of its ancestors was registered and is the same process."""
        raise NotImplementedError
