#!/usr/bin/env python3
"""A worker of a search whose trials are commands, such as MPI jobs.

    worker.py SEARCH -- mpirun -n 4 --hostfile hosts mixnet-x train --data DIR --recipe FILE

takes trials of the search, trains the network of each by the command, to which it adds the
network, epochs, seed and run folder, and reports the result. Any number of workers, also
those of "mixnet search worker", share a search; on several machines its name is that of a
PostgreSQL database. The recipe is to be that of "mixnet search new".
"""

import argparse
import json
import pathlib
import socket
import subprocess
import sys


def run(*command):
    """Runs a command and returns its JSON, or its error."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr.strip()
    return json.loads(done.stdout or "null"), ""


def train(command, folder, trial):
    """Trains a trial's network and returns its score, or why there is none."""
    run_folder = folder / f"{trial['number']:04d}-{trial['arch'][:40]}"
    network = run_folder.with_suffix(".toml")
    network.write_text(trial["toml"])
    more = ["-m", network, "--epochs", trial["trial_epochs"], "--seed", trial["seed"], "-o", run_folder]
    if (run_folder / "last.safetensors").exists():
        # A worker has died over it: the job goes on where that left it.
        more = ["--resume", run_folder]
        command = command[: command.index("train") + 1]
    done = subprocess.run([*command, *map(str, more)], stdout=sys.stderr)
    if done.returncode:
        return None, f"exit code {done.returncode}"
    epochs = (run_folder / "metrics.jsonl").read_text().splitlines()
    return json.loads(epochs[-1])["top1"], ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("search")
    parser.add_argument("--mixnet", default="mixnet", help="the program that keeps the search")
    parser.add_argument("--dir", type=pathlib.Path, default="trials", help="folder for the runs")
    parser.add_argument("--name", default=socket.gethostname(), help="what the search calls this worker")
    parser.add_argument("command", nargs="+", help="how to train: mpirun … mixnet-x train …")
    args = parser.parse_args()
    if "train" not in args.command:
        parser.error("the command has no train")
    args.dir.mkdir(parents=True, exist_ok=True)
    while True:
        trial, error = run(args.mixnet, "search", "ask", args.search, "--as", args.name)
        if trial is None:
            sys.exit(None if "no further trials" in error else error)
        score, failed = train(args.command, args.dir, trial)
        outcome = ["--failed", failed] if failed else [repr(score)]
        number = str(trial["number"])
        _, error = run(args.mixnet, "search", "tell", args.search, number, *outcome, "--as", args.name, "--json")
        if error:
            sys.exit(error)
        print(f"trial {number}: {failed or score}", flush=True)


if __name__ == "__main__":
    main()
