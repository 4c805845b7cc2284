"""Spark calls the program by RDD.pipe: records in, records out, in order.

    spark-submit doc/scripts/spark.py MIXNET IMAGES
    python doc/scripts/spark.py MIXNET IMAGES      # pyspark 4.3.0 brings Spark, Java 17 is needed

Two executors of one core each, as processes of their own on this machine. The answers
are compared with those of one run on all records, and a bad record is in them.
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from pyspark import SparkConf, SparkContext

mixnet, images = sys.argv[1:3]
command = [mixnet, "predict", "-T", "1", "--stdin", "--jsonl", "--bad-ok", "-m", "photo"]
records = [json.dumps({"id": i, "image": str(p)}) for i, p in enumerate(sorted(Path(images).iterdir()))]
records.insert(len(records) // 2, json.dumps({"id": "bad", "image": "/nowhere.jpg"}))

conf = SparkConf().setAppName("mixnet").setMaster("local-cluster[2,1,1024]").set("spark.ui.enabled", "false").set("spark.log.level", "WARN")
sc = SparkContext(conf=conf)
rdd = sc.parallelize(records, 4)
answers = rdd.pipe(shlex.join(command), checkCode=True).collect()
version = sc.version
executors = sc._jsc.sc().getExecutorMemoryStatus().size() - 1  # without the driver
sc.stop()

one = subprocess.run(command, input="\n".join(records) + "\n", capture_output=True, text=True, check=True).stdout.splitlines()


def renumbered(lines):
    """A bad record is counted from the beginning of its partition."""
    out = []
    for line in lines:
        answer = json.loads(line)
        answer.pop("record", None)
        out.append(answer)
    return out


assert renumbered(answers) == renumbered(one), "the answers differ"
bad = [a["error"] for a in map(json.loads, answers) if "error" in a]
print(f"Spark {version}: {len(records)} records in {rdd.getNumPartitions()} partitions on {executors} executors; the answers are those of one run, in order")
print(f"bad: {bad}")
