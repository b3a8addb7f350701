"""Packages with AWS's own runtime clients, unmodified, as released: built once and kept beside the build's other products, by version."""
import io
import os
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

from conftest import ROOT

RUNTIMES = ROOT / "tests/runtimes"
#: Where builds are kept: CI pays for them once.
KEPT = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "runtimes"
PYTHON, NODE = "awslambdaric==4.2.2", "aws-lambda-ric@4.0.2"
#: The interpreter that functions run on; not the tests' virtual environment, whose packages a function would see.
INTERPRETER = getattr(sys, "_base_executable", sys.executable)


def run(*words, cwd=None):
    done = subprocess.run(["nice", "-n", "15", *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def kept(name, build):
    """The folder of a build; made under another name first, so that one that was broken off is not taken for whole."""
    folder = KEPT / name
    if not folder.is_dir():
        making = folder.with_name(f"{name}.{os.getpid()}")
        making.mkdir(parents=True)
        build(making)
        making.rename(folder)
    return folder


@cache
def python_client():
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return kept(f"{PYTHON.replace('==', '-')}-{version}", lambda folder: run(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder, PYTHON))


@cache
def node_client():
    version = run("node", "--version").strip()
    return kept(f"{NODE.replace('@', '-')}-node-{version}", lambda folder: run("npm", "install", "--no-audit", "--no-fund", "--prefix", folder, NODE))


@cache
def rust():
    """The functions of tests/runtimes/rust: a `bootstrap`."""
    run("cargo", "build", "--quiet", "--locked", "--target-dir", KEPT / "rust", cwd=RUNTIMES / "rust")
    return KEPT / "rust/debug/bootstrap"


@cache
def typescript():
    """TypeScript's compiler and the published types of events."""
    wanted = ("typescript@5.9.3", "@types/aws-lambda@8.10.164")
    return kept("-".join(word.rpartition("/")[2].replace("@", "-") for word in wanted),
                lambda folder: run("npm", "install", "--no-audit", "--no-fund", "--prefix", folder, *wanted))


def archive(*sources):
    """A package of files by name, and of whole folders."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for source in sources:
            for file in [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file()):
                made.write(file, file.relative_to(source.parent if source.is_file() else source))
    return packed.getvalue()


@cache
def package(kind):
    """The package of one row of [`KINDS`]."""
    return archive(*KINDS[kind][1]())


PYTHON_CODE, NODE_CODE = RUNTIMES / "python/app.py", RUNTIMES / "node/app.js"
#: What runs a function → AWS's name of the runtime, and what its package is made of.
KINDS = {
    "python": ("python3.12", lambda: [PYTHON_CODE]),
    "awslambdaric": ("python3.12", lambda: [PYTHON_CODE, python_client()]),
    "node": ("nodejs22.x", lambda: [NODE_CODE]),
    "aws-lambda-ric": ("nodejs22.x", lambda: [NODE_CODE, node_client()]),
    "lambda_runtime": ("provided.al2023", lambda: [rust()]),
}
