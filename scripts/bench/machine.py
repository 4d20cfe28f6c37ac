"""Memory of processes on this machine, as Linux tells it; nan elsewhere."""

from pathlib import Path


def megabytes(pid: int, what: str = "VmRSS") -> float:
    """Memory that a process holds (VmRSS), or held at most (VmHWM)."""
    return _line(Path(f"/proc/{pid}/status"), what)


def megabytes_of_family(pid: int) -> float:
    """Memory of a process and its children, what they share counted once (Pss)."""
    return sum(_line(Path(f"/proc/{one}/smaps_rollup"), "Pss:") for one in (pid, *_children(pid)))


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in listed.read_text("ascii").split()] if listed.exists() else []


def _line(path: Path, what: str) -> float:
    try:
        lines = path.read_text("ascii").splitlines()
    except OSError:
        return float("nan")
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(what)), float("nan"))


def size_of(path: Path) -> float:
    """Megabytes of a file or of all in a folder; of a SQLite file with what is beside it."""
    files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.name}*")
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6
