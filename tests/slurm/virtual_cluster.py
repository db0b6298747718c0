"""A real SLURM on this machine: munge, controller, two virtual nodes with fake GPUs, on request the accounting.

`python tests/slurm/virtual_cluster.py start FOLDER [--accounting]` and `… stop FOLDER` do by hand what the tests do.
Everything lives in FOLDER except /etc/slurm/{slurm,gres}.conf, which are links into it: Snakemake's job step
unsets every SLURM_* variable, so that SLURM_CONF does not reach the jobs.
"""

import argparse
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

PACKAGES = ["slurm-wlm", "slurm-client", "munge"]
ACCOUNTING_PACKAGES = ["slurmdbd", "mariadb-server"]
ETC = Path("/etc/slurm")
PORT = 27117
NAME = "zoomtest"
NODES = ("n1", "n2")


def why_not(accounting: bool = False) -> str | None:
    """The reason why a cluster cannot be started here, in one line; None if it can."""
    if os.geteuid() != 0:
        return "the test cluster needs root (run `make slurm-test` as root, for instance in a container)"
    programs = {"munged": "munge", "slurmctld": "slurm-wlm", "slurmd": "slurm-wlm", "sbatch": "slurm-client"}
    if accounting:
        programs |= {"slurmdbd": "slurmdbd", "mariadbd": "mariadb-server"}
    absent = sorted({package for program, package in programs.items() if not shutil.which(program, path=search())})
    if absent:
        return f"not installed: {', '.join(absent)} (apt-get install --no-install-recommends {' '.join(absent)})"
    try:
        socket.getaddrinfo("127.0.0.1", None, socket.AF_INET, flags=socket.AI_ADDRCONFIG)
    except socket.gaierror:
        return "SLURM finds no host, not even this one, on a machine with no network address but 127.0.0.1"
    for name in ("slurm.conf", "gres.conf"):
        link = ETC / name
        if link.exists() and not link.is_symlink():
            return f"{link} is a real file: this machine belongs to a cluster, which the tests leave alone"
        if link.exists() and alive(link.resolve().parent):
            return f"another test cluster is running ({link.resolve().parent})"
    return None


def search() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def alive(folder: Path) -> bool:
    """Whether a controller started from the folder is running."""
    pid = Cluster(folder).daemons().get("slurmctld")
    return pid is not None and is_program(pid, "slurmctld")


class Cluster:
    """The processes of a folder; its file ``pids`` lists the daemons in the order of their start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.children: list[subprocess.Popen] = []

    def start(self, accounting: bool = False) -> None:
        """Starts everything and waits until both nodes are idle; stops what it started if that fails."""
        reason = why_not(accounting)
        if reason:
            raise RuntimeError(reason)
        for name in ("log", "state", "gpu", "munge", *(f"spool.{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        try:
            self._munge()
            self._configure(accounting)
            if accounting:
                self._accounting()
            self.start_controller()
            for node in NODES:
                self.start_node(node)
            wait(
                "both nodes idle",
                lambda: run("sinfo", "-h", "-N", "-p", "gpu", "-t", "idle", "-o", "%N").split() == [*NODES],
            )
        except BaseException:
            self.stop()
            raise

    def start_controller(self) -> None:
        self._daemon("slurmctld", ["slurmctld", "-D"])
        wait("the controller", lambda: run("scontrol", "ping"))

    def stop_controller(self) -> None:
        """The controller dies as in a crash; jobs continue, and its state is on disk."""
        self._end("slurmctld", signal.SIGKILL)

    def start_node(self, node: str) -> None:
        self._daemon(f"slurmd.{node}", ["slurmd", "-D", "-N", node])

    def crash(self, node: str) -> None:
        """A node disappears with all its processes, and SLURM gets a notice."""
        self._end(f"slurmd.{node}", signal.SIGKILL)
        for process in psutil.process_iter():
            try:
                here = process.environ()
            except psutil.Error:
                continue
            if here.get("SLURMD_NODENAME") == node and here.get("SLURM_CLUSTER_NAME") == NAME:
                process.kill()
        run("scontrol", "update", f"nodename={node}", "state=down", "reason=crashed")

    def repair(self, node: str) -> None:
        self.start_node(node)
        wait(f"node {node}", lambda: node in run("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split())

    def stop(self) -> None:
        """Cancels all jobs, stops the daemons in reverse order and removes the links."""
        if alive(self.folder):
            subprocess.run(["scancel", "--user", "root", "--signal", "KILL", "--full"], capture_output=True, timeout=30)
            subprocess.run(["scancel", "--user", "root"], capture_output=True, timeout=30)
            time.sleep(1)
        for name in reversed(self.daemons()):
            self._end(name, signal.SIGTERM)
        for name in ("slurm.conf", "gres.conf"):
            link = ETC / name
            if link.is_symlink() and link.resolve().parent == self.folder:
                link.unlink()

    def _munge(self) -> None:
        munge = self.folder / "munge"
        munge.chmod(0o711)
        key = munge / "key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        files = {name: f"--{name}-file={munge}/{name}" for name in ("key", "pid", "log", "seed")}
        self._daemon("munged", ["munged", "--foreground", *files.values(), f"--socket={munge}/socket"])
        wait("munge", lambda: run("munge", "-n", "-S", str(munge / "socket")))

    def _configure(self, accounting: bool) -> None:
        template = (Path(__file__).parent / "slurm.conf.in").read_text()
        ETC.mkdir(exist_ok=True)
        text = template.format(
            folder=self.folder,
            host=socket.gethostname().split(".")[0],
            port=PORT,
            database_port=PORT + 1,
            port_n1=PORT + 2,
            port_n2=PORT + 3,
            srun_ports=f"{PORT + 100}-{PORT + 199}",
            storage="accounting_storage/slurmdbd" if accounting else "accounting_storage/none",
            accounted="AccountingStorageTRES=gres/gpu" if accounting else "",
        )
        (self.folder / "slurm.conf").write_text(text)
        gpus = []
        for node in NODES:
            for number in range(2):
                # SLURM numbers GPUs by the names of their files; these are copies of /dev/null if this is allowed
                device = self.folder / "gpu" / node / f"nvidia{number}"
                device.parent.mkdir(exist_ok=True)
                try:
                    os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
                except PermissionError:
                    device.touch()
                gpus.append(f"NodeName={node} Name=gpu Type=a100 File={device}")
        (self.folder / "gres.conf").write_text("\n".join(["AutoDetect=off", *gpus]) + "\n")
        for name in ("slurm.conf", "gres.conf"):
            link = ETC / name
            link.unlink(missing_ok=True)
            link.symlink_to(self.folder / name)

    def _accounting(self) -> None:
        data, socket_file = self.folder / "mysql", self.folder / "mysql.run" / "socket"
        for folder in (data, socket_file.parent):
            folder.mkdir(exist_ok=True)
            shutil.chown(folder, "mysql")
        run("mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data}", "--skip-test-db")
        options = ["--user=mysql", f"--datadir={data}", f"--socket={socket_file}", "--skip-networking"]
        small = ["--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900"]
        self._daemon("mariadbd", ["mariadbd", "--no-defaults", *options, *small])
        wait("the database", lambda: run("mariadb", "-S", str(socket_file), "-e", "select 1"))
        for statement in (
            "create database slurm",
            "create user slurm@localhost identified by 'slurm'",
            "grant all on slurm.* to slurm@localhost",
        ):
            run("mariadb", "-S", str(socket_file), "-e", statement)
        settings = {
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={self.folder}/munge/socket",
            "DbdHost": socket.gethostname().split(".")[0],
            "DbdPort": PORT + 1,
            "CommunicationParameters": "NoInAddrAny",
            "SlurmUser": "root",
            "PidFile": self.folder / "slurmdbd.pid",
            "LogFile": self.folder / "log" / "slurmdbd",
            "StorageType": "accounting_storage/mysql",
            "StorageHost": "localhost",
            "StorageUser": "slurm",
            "StoragePass": "slurm",
            "StorageLoc": "slurm",
        }
        path = self.folder / "slurmdbd.conf"
        path.touch(mode=0o600)
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        self._daemon(
            "slurmdbd", ["slurmdbd", "-D"], MYSQL_UNIX_PORT=str(socket_file), SLURM_CONF=f"{self.folder}/slurm.conf"
        )
        wait("slurmdbd", lambda: run("sacctmgr", "--noheader", "show", "cluster") is not None)
        run("sacctmgr", "-i", "add", "cluster", NAME)
        run("sacctmgr", "-i", "add", "account", "lab", f"Cluster={NAME}")
        run("sacctmgr", "-i", "add", "user", "root", "Account=lab", f"Cluster={NAME}")

    def _daemon(self, name: str, command: list[str], **environment: str) -> None:
        with open(self.folder / "log" / f"{name}.out", "ab") as out:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                env=os.environ | {"PATH": search()} | environment,
            )
        self.children.append(child)
        with open(self.folder / "pids", "a") as file:
            file.write(f"{name} {child.pid}\n")

    def daemons(self) -> dict[str, int]:
        """Name → process that was started last under this name."""
        pids = self.folder / "pids"
        lines = pids.read_text().splitlines() if pids.exists() else []
        return {name: int(pid) for name, pid in (line.split() for line in lines)}

    def _end(self, name: str, how: signal.Signals) -> None:
        """Signals a daemon, if the process is still that program, and waits for its end."""
        pid = self.daemons()[name]
        for number in (how, signal.SIGKILL):
            for attempt in range(100):
                for child in self.children:
                    child.poll()
                if not is_program(pid, name.split(".")[0]):
                    return
                if attempt == 0:
                    os.kill(pid, number)
                time.sleep(0.1)


def is_program(pid: int, name: str) -> bool:
    """Whether the process is alive and runs the program."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return name in status.splitlines()[0] and "\nState:\tZ" not in status


def run(*command: str) -> str:
    """Standard output of a command; raises with its output if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PATH": search()}, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def wait(what: str, true: Callable[[], object], seconds: float = 60) -> None:
    """Waits until ``true()`` is true and does not raise; else ``TimeoutError`` with the last error."""
    end, said = time.monotonic() + seconds, ""
    while time.monotonic() < end:
        try:
            if true():
                return
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            said = str(error)
        time.sleep(0.2)
    raise TimeoutError(f"no sign of {what} in {seconds:.0f} s {said}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("do", choices=["start", "stop"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--accounting", action="store_true", help="with slurmdbd, so that sacct works")
    options = parser.parse_args()
    if options.do == "stop":
        Cluster(options.folder).stop()
    else:
        reason = why_not(options.accounting)
        if reason:
            raise SystemExit(reason)
        Cluster(options.folder).start(options.accounting)


if __name__ == "__main__":
    main()
