#!/usr/bin/env bash
# An array job on a real Slurm of one node: predict in parts, two of which are
# killed and repeated, merged and compared with one run.
#
#   doc/scripts/slurm.sh MIXNET IMAGES [PARTS]
#
# MIXNET is the program, IMAGES a folder. Needs root and Debian's packages
# slurmctld, slurmd and munge; what it starts, it ends.
set -euo pipefail
mixnet=$(realpath "$1") images=$(realpath "$2") n=${3:-8}
dir=$(mktemp -d) && chmod 755 "$dir"
host=$(hostname -s)
export SLURM_CONF=$dir/slurm.conf
cleanup() {
  for f in slurmd slurmctld munged; do [ ! -s "$dir/$f.pid" ] || kill "$(cat "$dir/$f.pid")" 2>/dev/null || true; done
  sleep 1
  rm -rf "$dir"
}
trap cleanup EXIT

# The keys by which the daemons know each other, and the daemons.
mkdir "$dir/munge" "$dir/state" "$dir/spool" "$dir/parts"
(umask 077 && head -c 1024 /dev/urandom >"$dir/munge/key")
chown -R munge: "$dir/munge"
setpriv --reuid=munge --regid=munge --clear-groups munged --force --socket "$dir/munge/socket" --key-file "$dir/munge/key" \
  --pid-file "$dir/munge/pid" --log-file "$dir/munge/log" --seed-file "$dir/munge/seed"
cp "$dir/munge/pid" "$dir/munged.pid"
cat >"$SLURM_CONF" <<EOF
ClusterName=one
SlurmctldHost=$host
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ReturnToService=2
MinJobAge=3600
NodeName=$host CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF
slurmctld && slurmd
for _ in $(seq 60); do
  if [ "$(sinfo -h -o %t)" = idle ]; then break; fi
  sleep 1
done
sinfo --version
sinfo

# The job. With auto/N a part that failed can be sent again by its number alone.
cat >"$dir/job" <<EOF
#!/bin/sh
#SBATCH --job-name=predict --cpus-per-task=1 --output=$dir/log-%A-%a
exec "$mixnet" predict -T 1 --shard auto/$n -o "$dir/parts" "$images"
EOF
echo "sbatch --array=0-$((n - 1)) job"
job=$(sbatch --parsable --array=0-$((n - 1)) "$dir/job")
while [ -z "$(squeue -h -t RUNNING -j "$job")" ]; do sleep 0.1; done
sleep 1
scancel --signal=KILL --full "${job}_0" "${job}_1" || true # as a machine that fails
while [ -n "$(squeue -h -j "$job" 2>/dev/null)" ]; do sleep 0.5; done
grep -h . "$dir"/log-* | sed "s|$dir/||g" | sort | uniq -c
echo "after the first turn: $(ls "$dir/parts" | wc -l) of $n parts"
missing=$("$mixnet" merge "$dir/parts" -o "$dir/merged.jsonl" 2>&1) || echo "$missing" | sed "s|$dir/||g"
job=$(sbatch --parsable --array=0-$((n - 1)) "$dir/job")
while [ -n "$(squeue -h -j "$job" 2>/dev/null)" ]; do sleep 0.5; done
sed "s|$dir/||g" "$dir/log-$job"-* | sort | uniq -c

"$mixnet" merge "$dir/parts" -o "$dir/merged.jsonl"
"$mixnet" predict --jsonl "$images" >"$dir/one.jsonl" 2>/dev/null
cmp "$dir/merged.jsonl" "$dir/one.jsonl"
echo "merged and one run: the same $(wc -l <"$dir/one.jsonl") lines, $(wc -c <"$dir/one.jsonl") bytes"
