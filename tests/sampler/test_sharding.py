"""Several devices and several processes give what one device gives, up to the order of sums (rounding, 1e-11)."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sampler import sharding
from theory.errors import BadInput

SCRIPT = Path(__file__).parent / "sharded.py"


def start(devices, *arguments):
    environment = os.environ | {
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}",
        "JAX_PLATFORMS": "cpu",
    }
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def found(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-2000:]
    return json.loads(out.splitlines()[-1])


def same(report):
    return (
        max(report[name] for name in ("full", "mini", "moments")) < 1e-11 < 0.1 < report["other key"]
        and report["sums over devices"] > 0
    )


def test_eight_devices_are_one():
    report = found(start(8))
    assert (report["devices"], report["mesh"]) == (8, {"chains": 4, "data": 2})
    assert same(report)


def test_two_processes_are_one_and_resume_together(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    processes = [start(2, port, 2, number, tmp_path / "run.npz") for number in range(2)]
    reports = [found(process) for process in processes]
    assert reports[0] == reports[1]
    assert (reports[0]["devices"], reports[0]["processes"]) == (4, 2)
    assert same(reports[0])
    assert reports[0]["stopped"] and reports[0]["resumed"]


def test_meshes_that_do_not_fit_are_refused():
    for sizes in ({"chains": 3}, {"data": 0}, {"data": 5}):
        with pytest.raises(BadInput, match="devices"):
            sharding.mesh(**sizes)
